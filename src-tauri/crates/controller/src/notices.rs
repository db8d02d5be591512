//! 通知消息: from the service, or from what is known here.

use uuid::Uuid;

use crate::{
    Controller,
    failure::{Failure, LocalCode},
    view::NoticesView,
};

impl Controller {
    /// All notices.
    pub async fn notices(&self) -> Result<NoticesView, Failure> {
        Err(LocalCode::BadCommand.into())
    }

    /// Notes that these were read.
    pub async fn mark_notices_read(&self, _ids: Vec<Uuid>) -> Result<NoticesView, Failure> {
        Err(LocalCode::BadCommand.into())
    }

    /// Saves the end of a certificate as a calendar file (RFC 5545).
    pub async fn save_calendar(&self, _fingerprint: String) -> Result<Option<String>, Failure> {
        Err(LocalCode::BadCommand.into())
    }

    /// Saves a certificate (PEM) by the native dialog.
    pub async fn save_certificate(&self, _fingerprint: String) -> Result<Option<String>, Failure> {
        Err(LocalCode::BadCommand.into())
    }
}
