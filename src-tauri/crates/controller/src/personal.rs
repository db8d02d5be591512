//! 用户信息: basic data, consents, and what is kept on this computer.

use certdesk_contract::account::{AccountChange, ConsentRecord};
use uuid::Uuid;

use crate::{
    Controller,
    command::Faults,
    failure::{Failure, LocalCode},
    view::{LocalData, SessionView},
};

impl Controller {
    /// Asks the service anew whose session it is.
    pub async fn refresh_account(&self) -> Result<SessionView, Failure> {
        Err(LocalCode::BadCommand.into())
    }

    /// What is not right in changed basic data yet.
    pub async fn check_account_change(&self, _change: AccountChange) -> Result<Faults, Failure> {
        Err(LocalCode::BadCommand.into())
    }

    /// Asks for a code to a new phone.
    pub async fn request_phone_code(&self, _phone: String) -> Result<(), Failure> {
        Err(LocalCode::BadCommand.into())
    }

    /// Changes basic data.
    pub async fn change_account(&self, _change: AccountChange) -> Result<SessionView, Failure> {
        Err(LocalCode::BadCommand.into())
    }

    /// The consents of the account.
    pub async fn consents(&self) -> Result<Vec<ConsentRecord>, Failure> {
        Err(LocalCode::BadCommand.into())
    }

    /// Withdraws a consent.
    pub async fn withdraw_consent(&self, _id: Uuid) -> Result<Vec<ConsentRecord>, Failure> {
        Err(LocalCode::BadCommand.into())
    }

    /// What is kept on this computer.
    pub async fn local_data(&self) -> Result<LocalData, Failure> {
        Err(LocalCode::BadCommand.into())
    }

    /// Saves it as one file.
    pub async fn export_local_data(&self) -> Result<Option<String>, Failure> {
        Err(LocalCode::BadCommand.into())
    }

    /// Forgets it.
    pub async fn delete_local_data(&self) -> Result<(), Failure> {
        Err(LocalCode::BadCommand.into())
    }
}
