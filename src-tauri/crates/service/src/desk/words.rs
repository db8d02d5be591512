//! What the desk's pages say, Chinese first.

use certdesk_contract::{ProblemCode, account::Circumstance, application::Review, catalogue::Text};
use certdesk_domain::{AccountKind, Business, IdKind, RevocationReason, State, Timestamp};
use time::macros::format_description;

/// The language of a page.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lang {
    Zh,
    En,
}

impl Lang {
    pub(super) fn of(word: &str) -> Self {
        if word == "en" { Self::En } else { Self::Zh }
    }

    /// As the cookie has it.
    pub(super) fn word(self) -> &'static str {
        self.t("zh", "en")
    }

    /// As HTML has it (BCP 47).
    pub(super) fn tag(self) -> &'static str {
        self.t("zh-CN", "en")
    }

    /// One of two texts.
    pub(super) fn t<T>(self, zh: T, en: T) -> T {
        match self {
            Self::Zh => zh,
            Self::En => en,
        }
    }

    /// A text of the catalogue.
    pub(super) fn text(self, text: &Text) -> &str {
        self.t(&text.zh, &text.en)
    }

    pub(super) fn business(self, business: Business) -> &'static str {
        match business {
            Business::New => self.t("新办", "New"),
            Business::Change => self.t("变更", "Change"),
            Business::Renew => self.t("续订", "Renewal"),
            Business::Revoke => self.t("注销", "Revocation"),
            Business::Replace => self.t("补办", "Replacement"),
        }
    }

    pub(super) fn state(self, state: State) -> &'static str {
        match state {
            State::Draft => self.t("草稿", "Draft"),
            State::Submitted => self.t("已提交", "Submitted"),
            State::InReview => self.t("审核中", "In review"),
            State::NeedsCorrection => self.t("退回补正", "Returned for correction"),
            State::Approved => self.t("审核通过", "Approved"),
            State::AwaitingIssuance => self.t("待制证", "Ready to be made"),
            State::Completed => self.t("已完成", "Completed"),
            State::Rejected => self.t("已驳回", "Rejected"),
            State::Withdrawn => self.t("已撤回", "Withdrawn"),
        }
    }

    pub(super) fn account_kind(self, kind: AccountKind) -> &'static str {
        match kind {
            AccountKind::Enterprise => self.t("企业", "Company"),
            AccountKind::Individual => self.t("个人", "Private person"),
            AccountKind::Authority => self.t("主管部门", "Competent department"),
        }
    }

    pub(super) fn id_kind(self, kind: IdKind) -> &'static str {
        match kind {
            IdKind::ResidentId => self.t("居民身份证", "Resident identity card"),
            IdKind::Passport => self.t("护照", "Passport"),
            IdKind::HkMacaoPermit => self.t("港澳居民来往内地通行证", "Hong Kong and Macao resident permit"),
            IdKind::TaiwanPermit => self.t("台湾居民来往大陆通行证", "Taiwan resident permit"),
            IdKind::ForeignPermanentResident => self.t("外国人永久居留身份证", "Foreign permanent resident card"),
            IdKind::OfficerId => self.t("军官证", "Military officer ID"),
        }
    }

    pub(super) fn reason(self, reason: RevocationReason) -> &'static str {
        match reason {
            RevocationReason::Unspecified => self.t("未说明", "not said"),
            RevocationReason::KeyCompromise => {
                self.t("认证锁遗失、被盗或密钥可能外泄", "key lost, stolen or known to others")
            }
            RevocationReason::CaCompromise => self.t("签发机构密钥外泄", "the authority's own key is known to others"),
            RevocationReason::AffiliationChanged => self.t("名称或单位变更", "name or unit changed"),
            RevocationReason::Superseded => self.t("已由新证书替代", "another certificate took its place"),
            RevocationReason::CessationOfOperation => self.t("不再使用", "no longer used"),
            RevocationReason::CertificateHold => self.t("暂停使用", "suspended"),
            RevocationReason::PrivilegeWithdrawn => self.t("权限被收回", "a right in it was withdrawn"),
            RevocationReason::AaCompromise => {
                self.t("属性权威密钥外泄", "the key of an attribute authority is known to others")
            }
        }
    }

    pub(super) fn circumstance(self, circumstance: Circumstance) -> &'static str {
        match circumstance {
            Circumstance::Lost => self.t("认证锁遗失", "key lost"),
            Circumstance::Stolen => self.t("认证锁被盗", "key stolen"),
            Circumstance::Broken => self.t("认证锁损坏", "key broken"),
            Circumstance::Locked => self.t("认证锁锁死", "key locked for good"),
        }
    }

    pub(super) fn decision(self, review: &Review) -> &'static str {
        match review {
            Review::Approve => self.t("通过", "approve"),
            Review::Return { .. } => self.t("退回补正", "return"),
            Review::Reject { .. } => self.t("驳回", "reject"),
        }
    }

    /// A field by its dotted name; one that is not known is called by it.
    pub(super) fn field(self, name: &str) -> &str {
        match name {
            "credit_code" | "organisation.credit_code" => self.t("统一社会信用代码", "Credit code"),
            "address.region" => self.t("所在地区", "Region"),
            "address.detail" => self.t("详细通讯地址", "Postal address"),
            "person.name" => self.t("经办人姓名", "Handler"),
            "person.id_kind" => self.t("经办人证件类型", "Handler's kind of ID"),
            "person.id_number" => self.t("经办人证件号码", "Handler's ID number"),
            "phone" => self.t("手机号", "Mobile phone"),
            "email" => self.t("电子邮箱", "E-mail"),
            "organisation.name" => self.t("单位名称", "Name of the unit"),
            "organisation.legal_representative.name" => self.t("法定代表人姓名", "Legal representative"),
            "organisation.legal_representative.id_kind" => self.t("法定代表人证件类型", "Representative's kind of ID"),
            "organisation.legal_representative.id_number" => self.t("法定代表人证件号码", "Representative's ID number"),
            "contact.name" => self.t("姓名", "Name"),
            "contact.id_kind" => self.t("证件类型", "Kind of ID"),
            "contact.id_number" => self.t("证件号码", "ID number"),
            other => other,
        }
    }

    /// An act of the audit log.
    pub(super) fn event(self, act: &str) -> &str {
        match act {
            "logged_in" => self.t("登录", "logged in"),
            "login_refused" => self.t("登录被拒", "login refused"),
            "logged_out" => self.t("退出登录", "logged out"),
            "case_opened" => self.t("打开申办", "opened the case"),
            "file_opened" => self.t("查看文件", "looked at a file"),
            "files_copied" => self.t("导出文件", "copied the files"),
            "revealed" => self.t("显示完整信息", "showed personal data"),
            "first_decision" => self.t("首次决定", "first decision"),
            "decided" => self.t("作出决定", "decided"),
            "staff_added" => self.t("添加人员", "staff added"),
            "staff_disabled" => self.t("停用人员", "staff disabled"),
            "staff_enabled" => self.t("恢复人员", "staff enabled"),
            "staff_password" => self.t("更换密码", "password replaced"),
            "certificate_revoked" => self.t("注销证书", "revoked a certificate"),
            "setting_changed" => self.t("更改设置", "setting changed"),
            other => other,
        }
    }

    /// Why something was not done, and what to do about it.
    pub(super) fn problem(self, code: ProblemCode) -> (&'static str, &'static str) {
        match code {
            ProblemCode::NotFound | ProblemCode::MethodNotAllowed => self.t(
                ("这里没有您要找的内容", "地址可能不完整。请回到待审列表重新打开。"),
                ("There is nothing here", "The address may be incomplete. Open the case again from the queue."),
            ),
            ProblemCode::CaseChanged => self.t(
                ("这件申办刚刚有了变化", "您查看之后，申请人又提交了一次。您的决定没有生效；请按现在的内容重新核对。"),
                ("The case has just changed", "It was handed in again after you looked at it. Nothing was decided; please check what it says now."),
            ),
            ProblemCode::WrongState => self.t(
                ("这件申办已经不在审核中", "其他审核员已作出决定，或申请人已撤回。您的决定没有生效。"),
                ("The case is no longer in review", "Somebody else decided it, or its applicant took it back. Nothing was decided."),
            ),
            ProblemCode::BadRequest => self.t(
                ("还缺少必要的说明", "退回时至少写一条意见，驳回时写明原因；每条不超过 500 字。"),
                ("Some words are missing", "To return a case write at least one remark, to reject it the reason; at most 500 characters each."),
            ),
            ProblemCode::Unavailable => self.t(
                ("服务暂时不可用", "请过一分钟再试。没有任何内容丢失。"),
                ("The service is not available for now", "Try again in a minute. Nothing was lost."),
            ),
            _ => self.t(
                ("没有办成", "服务内部出错，已记入日志。请再试一次；仍不行请找管理员。"),
                ("That did not work", "Something broke inside the service and was logged. Try again; if it stays, ask the administrator."),
            ),
        }
    }
}

/// A time in China, to the minute.
pub(super) fn minute(at: Timestamp) -> String {
    at.to_offset(certdesk_domain::CHINA)
        .format(format_description!("[year]-[month]-[day] [hour]:[minute]"))
        .unwrap_or_default()
}

/// A day in China.
pub(super) fn day(at: Timestamp) -> String {
    minute(at).chars().take(10).collect()
}

/// A size for people.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} KiB", bytes.div_ceil(1024)),
        _ => format!("{}.{} MiB", bytes >> 20, ((bytes & 0xF_FFFF) * 10) >> 20),
    }
}
