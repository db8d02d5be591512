//! The demo desk: the phone that gets the SMS, and the reviewer. There only when the program was started as a demo.

use std::path::{Path, PathBuf};

use base64::{Engine, prelude::BASE64_STANDARD};
use certdesk_contract::{
    account::SmsMessage,
    application::{Application, Verdict},
};
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    Controller,
    failure::{Failure, LocalCode},
};

/// The demo's own trust.
#[derive(Clone)]
pub struct Demo {
    /// Root certificate of the demo service, DER.
    pub root_der: Vec<u8>,
    /// Opens the demo desk.
    pub secret: String,
    /// Public key of who publishes profiles there.
    pub profiles_key: Option<String>,
}

/// What a service started with `--demo` writes when it listens.
#[derive(Deserialize)]
struct Ready {
    base_url: String,
    root_certificate: PathBuf,
    demo_secret: String,
    #[serde(default)]
    profiles_key: Option<String>,
}

impl Demo {
    /// Reads the ready file of a demo service: its address, and how to trust it.
    ///
    /// # Errors
    /// A sentence for the person at the terminal.
    pub fn read(ready_file: &Path) -> Result<(String, Self), String> {
        let broken = |what: &dyn std::fmt::Display| format!("the ready file {}: {what}", ready_file.display());
        let text = std::fs::read_to_string(ready_file).map_err(|e| broken(&e))?;
        let ready: Ready = serde_json::from_str(&text).map_err(|e| broken(&e))?;
        let pem = std::fs::read_to_string(&ready.root_certificate).map_err(|e| broken(&e))?;
        let base64: String = pem.lines().filter(|line| !line.starts_with("-----")).map(str::trim).collect();
        let root_der = BASE64_STANDARD.decode(base64).map_err(|e| broken(&e))?;
        Ok((ready.base_url, Self { root_der, secret: ready.demo_secret, profiles_key: ready.profiles_key }))
    }
}

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
    pub async fn demo_review(&self, id: Uuid, verdict: Verdict) -> Result<Application, Failure> {
        let answer = self.portal()?.demo_review(self.demo_secret()?, id, &verdict).await;
        self.noted(answer)
    }

    fn demo_secret(&self) -> Result<&str, Failure> {
        let demo = self.inner.options.demo.as_ref().ok_or(LocalCode::BadCommand)?;
        Ok(&demo.secret)
    }
}
