//! Without a key and without a password: codes by SMS, a new password, 挂失.

use certdesk_contract::account::{Circumstance, CodePurpose, LostKeyReceipt};

use crate::{
    Controller,
    failure::{Failure, LocalCode},
};

impl Controller {
    /// Asks for a code to the phone on record.
    pub async fn request_code(&self, _purpose: CodePurpose, _account: String) -> Result<(), Failure> {
        Err(LocalCode::BadCommand.into())
    }

    /// Sets a new password by a code.
    pub async fn reset_password(&self, _account: String, _code: String, _new: String) -> Result<(), Failure> {
        Err(LocalCode::BadCommand.into())
    }

    /// 挂失
    pub async fn report_lost_key(
        &self,
        _account: String,
        _code: String,
        _circumstance: Circumstance,
    ) -> Result<LostKeyReceipt, Failure> {
        Err(LocalCode::BadCommand.into())
    }
}
