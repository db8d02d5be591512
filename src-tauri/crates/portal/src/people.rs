//! The account itself: codes by SMS and what they open, basic data, consents, notices.

use certdesk_contract::{
    account::{
        AccountChange, AccountView, CodeRequest, ConsentRecord, LostKey, LostKeyReceipt, PasswordReset,
        PhoneCodeRequest,
    },
    change::Changes,
    notice::{Notices, NoticesRead},
    path,
};
use reqwest::Method;
use url::form_urlencoded::Serializer;
use uuid::Uuid;

use crate::{Portal, PortalError};

impl Portal {
    /// Asks for a code to the phone on record. Whether there is such an account is not told.
    pub async fn request_code(&self, request: &CodeRequest) -> Result<(), PortalError> {
        self.done(self.request(Method::POST, path::CODES).json(request)).await
    }

    /// Sets a new password by a code.
    pub async fn reset_password(&self, reset: &PasswordReset) -> Result<(), PortalError> {
        self.done(self.request(Method::POST, path::PASSWORD_RESETS).json(reset)).await
    }

    /// 挂失 by a code. The same `idempotency` with the same content reports once.
    pub async fn report_lost_key(&self, lost: &LostKey, idempotency: Uuid) -> Result<LostKeyReceipt, PortalError> {
        self.post_once(path::LOST_KEYS, lost, idempotency).await
    }

    /// Asks for a code to a new phone of the account.
    pub async fn request_phone_code(&self, request: &PhoneCodeRequest) -> Result<(), PortalError> {
        self.done(self.request(Method::POST, path::PHONE_CODES).json(request)).await
    }

    /// Changes basic data of the account.
    pub async fn change_account(&self, change: &AccountChange) -> Result<AccountView, PortalError> {
        self.json(self.request(Method::PUT, path::ACCOUNT).json(change)).await
    }

    /// The consents of the account, newest first.
    pub async fn consents(&self) -> Result<Vec<ConsentRecord>, PortalError> {
        self.get(path::ACCOUNT_CONSENTS).await
    }

    /// Withdraws one; again is as good as once.
    pub async fn withdraw_consent(&self, id: Uuid) -> Result<(), PortalError> {
        self.done(self.request(Method::DELETE, &path::account_consent(id))).await
    }

    /// What changed for the account since `cursor`; everything where there is none. `unasked`: the program asks by itself,
    /// which is no use of the session.
    ///
    /// # Errors
    /// The problem `changes_gone` where the cursor is of no use any more.
    pub async fn changes(&self, cursor: Option<&str>, unasked: bool) -> Result<Changes, PortalError> {
        self.get(&changes_target(cursor, unasked)).await
    }

    /// The notices of the account, newest first. Asking is no use of the session: it ends of itself all the same.
    pub async fn notices(&self) -> Result<Notices, PortalError> {
        self.get(path::NOTICES).await
    }

    /// Tells which notices were seen.
    pub async fn mark_notices_read(&self, read: &NoticesRead) -> Result<(), PortalError> {
        self.done(self.request(Method::POST, path::NOTICES_READ).json(read)).await
    }
}

fn changes_target(cursor: Option<&str>, unasked: bool) -> String {
    let mut query = Serializer::new(String::new());
    if let Some(cursor) = cursor {
        query.append_pair("cursor", cursor);
    }
    query.append_pair("unasked", if unasked { "true" } else { "false" });
    format!("{}?{}", path::CHANGES, query.finish())
}
