//! Legal acts besides handing in: taking a case back; and the receipts of all of them.

use uuid::Uuid;

use crate::{
    Controller,
    failure::{Failure, LocalCode},
    view::ApplicationView,
};

impl Controller {
    /// Takes a case back.
    pub async fn withdraw_application(&self, _id: Uuid) -> Result<ApplicationView, Failure> {
        Err(LocalCode::BadCommand.into())
    }

    /// Saves a signed receipt by the native dialog.
    pub async fn save_receipt(&self, _receipt: Uuid) -> Result<Option<String>, Failure> {
        Err(LocalCode::BadCommand.into())
    }
}
