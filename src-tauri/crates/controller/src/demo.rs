//! The demo desk: the phone that gets the SMS, and the reviewer. There only when the program was started as a demo.

use certdesk_contract::{
    account::SmsMessage,
    application::{Application, Review},
};
use uuid::Uuid;

use crate::{
    Controller,
    failure::{Failure, LocalCode},
};

impl Controller {
    /// SMS sent so far, newest first.
    pub async fn demo_sms(&self) -> Result<Vec<SmsMessage>, Failure> {
        let answer = self.portal()?.demo_sms(self.demo_secret()?).await;
        self.noted(answer)
    }

    /// The reviewer's queue.
    pub async fn demo_queue(&self) -> Result<Vec<Application>, Failure> {
        let answer = self.portal()?.demo_queue(self.demo_secret()?).await;
        self.noted(answer)
    }

    /// Decides a case as the reviewer.
    pub async fn demo_review(&self, id: Uuid, review: Review) -> Result<Application, Failure> {
        let answer = self.portal()?.demo_review(self.demo_secret()?, id, &review).await;
        self.noted(answer)
    }

    fn demo_secret(&self) -> Result<&str, Failure> {
        let demo = self.inner.options.demo.as_ref().ok_or(LocalCode::BadCommand)?;
        Ok(&demo.secret)
    }
}
