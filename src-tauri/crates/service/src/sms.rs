//! SMS: what is said, and who carries it.

use certdesk_contract::account::SmsMessage;
use certdesk_domain::AccountKind;
use rusqlite::Connection;

use crate::{codes::Purpose, store};

/// Carries messages to phones. Called inside the transaction of the act that causes the message, so that neither is
/// without the other; a gateway that talks to a provider queues here and sends afterwards.
pub(crate) trait SmsGateway: Send + Sync {
    /// Takes a message over.
    fn take(&self, db: &Connection, message: &SmsMessage) -> rusqlite::Result<()>;
}

/// Leaves messages in the outbox, where the operator (and in the demo anybody) reads them.
pub(crate) struct Outbox;

impl SmsGateway for Outbox {
    fn take(&self, db: &Connection, message: &SmsMessage) -> rusqlite::Result<()> {
        store::sms::add(db, message)
    }
}

/// To a new account's contact phone.
pub(crate) fn welcome(kind: AccountKind, account: &str, password: &str) -> String {
    let kind = match kind {
        AccountKind::Enterprise => "企业",
        AccountKind::Individual => "个人",
        AccountKind::Authority => "主管部门",
    };
    format!(
        "【证办通】您的{kind}账号已开通。账号：{account}，初始密码：{password}。首次登录须修改密码；请勿将密码告知他人。"
    )
}

/// To the phone on record, where somebody registers an applicant that has an account.
pub(crate) fn reminder(account: &str) -> String {
    format!("【证办通】您此前已注册，账号：{account}。请用原密码或数字证书登录；如非本人操作，请忽略本短信。")
}

/// A code, saying what it is for: whoever did not ask for it learns what somebody tries.
pub(crate) fn code(purpose: Purpose, account: &str, code: &str) -> String {
    let what = match purpose {
        Purpose::PasswordReset => format!("用于重置账号 {account} 的登录密码"),
        Purpose::LostKey => format!("用于挂失账号 {account} 的认证锁，挂失后其数字证书将被注销"),
        Purpose::NewPhone => format!("用于将本号码设为账号 {account} 的手机号"),
    };
    format!("【证办通】验证码：{code}，{what}，5 分钟内有效。请勿告知任何人；如非本人操作，请忽略本短信。")
}

/// To the phone that was on record, where another took its place.
pub(crate) fn phone_changed(account: &str, masked: &str) -> String {
    format!("【证办通】账号 {account} 的手机号已改为 {masked}，此后短信发往新号码。如非本人操作，请立即联系受理机构。")
}
