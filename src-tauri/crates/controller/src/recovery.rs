//! Without a key and without a password: codes by SMS, a new password, 挂失.

use certdesk_contract::{
    account::{Circumstance, CodePurpose, CodeRequest, LostKey, LostKeyReceipt, PasswordReset},
    session::SessionKind,
};

use crate::{Controller, failure::Failure};

impl Controller {
    /// Asks for a code to the phone on record. Whether there is such an account is not told.
    pub async fn request_code(&self, purpose: CodePurpose, account: String) -> Result<(), Failure> {
        let answer = self.portal()?.request_code(&CodeRequest { purpose, account }).await;
        self.noted(answer)
    }

    /// Sets a new password by a code.
    pub async fn reset_password(&self, account: String, code: String, replacement: String) -> Result<(), Failure> {
        let named = account.trim().to_owned();
        let answer = self.portal()?.reset_password(&PasswordReset { account, code, new: replacement }).await;
        self.noted(answer)?;
        // The one before opens nothing any more; the new one does after its first login.
        self.forget_for_offline(&named, |proof| proof.kind() == SessionKind::Password).await;
        Ok(())
    }

    /// 挂失: reports every certificate of the account for revocation; a reviewer decides.
    pub async fn report_lost_key(
        &self,
        account: String,
        code: String,
        circumstance: Circumstance,
    ) -> Result<LostKeyReceipt, Failure> {
        let lost = LostKey { account, code, circumstance };
        // Named by its content, of which the code is part: pressed again after a broken line it is the same report.
        let key = crate::convert::named_uuid(&lost)?;
        let answer = self.portal()?.report_lost_key(&lost, key).await;
        self.noted(answer)
    }
}
