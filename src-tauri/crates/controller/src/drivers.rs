//! 服务支持: drivers of tokens, downloaded, checked, opened.

use crate::{
    Controller,
    failure::{Failure, LocalCode},
    view::DriversView,
};

impl Controller {
    /// Drivers for this computer.
    pub async fn drivers(&self) -> Result<DriversView, Failure> {
        Err(LocalCode::BadCommand.into())
    }

    /// Fetches one, in the background; goes on where an earlier try ended.
    pub async fn download_driver(&self, _id: String) -> Result<DriversView, Failure> {
        Err(LocalCode::BadCommand.into())
    }

    /// Stops fetching.
    pub async fn cancel_driver(&self, _id: String) -> Result<DriversView, Failure> {
        Err(LocalCode::BadCommand.into())
    }

    /// Opens the installer.
    pub async fn open_driver(&self, _id: String) -> Result<(), Failure> {
        Err(LocalCode::BadCommand.into())
    }
}
