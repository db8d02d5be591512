//! A person at the program, as a process that can be killed at any moment. Goes by goals: whatever was reached before is
//! seen and not done again, so that after a kill the same journey simply goes on; and after a failure too, as a person
//! does who reads the sentence and presses the button again.

use std::{
    io::Write as _,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use certdesk_cli::journey::{self, PASSWORD, credentials};
use certdesk_contract::{
    ProblemCode,
    account::ConsentSubject,
    application::{Remark, RemarkTarget, Review},
};
use certdesk_controller::{
    Controller, Demo, Failure, LocalCode, Pin, PinEntry, Uuid,
    view::{
        ApplicationView, DraftView, Event, KeyView, PinOutcome, PinPurpose, StorageState, StorageView, UploadState,
    },
};
use certdesk_domain::{AccountKind, Business, FileKind, State, token::KeyAlgorithm};
use tokio::sync::broadcast::{Receiver, error::RecvError};

use super::{Journey, Phase, Said, Seat};

/// The field that is typed into, and the same in a correction.
const FIELD: &str = "address.detail";
/// Up to which number it is typed at the first application, and in whatever comes after it.
const KEYSTROKES: (u32, u32) = (10, 20);
/// What looks at the program again.
const PAUSE: Duration = Duration::from_millis(100);

/// Goes the journey to its end.
///
/// # Errors
/// What a person cannot get past.
pub async fn go(mut seat: Seat) -> Result<()> {
    let certdesk = start(&seat)?;
    let mut events = certdesk.events();
    let since = Instant::now();
    // Listened to from the start: a question that comes at once is seen too.
    tokio::spawn(answer_questions(certdesk.clone(), certdesk.events()));
    loop {
        let outcome = Person { certdesk: &certdesk, seat: &mut seat }.walk().await;
        let Err(failure) = outcome else { return say(&Said::End) };
        let code = serde_json::to_value(failure.code)?.as_str().unwrap_or_default().to_owned();
        say(&Said::Told { code, detail: failure.detail.clone() })?;
        if since.elapsed() > seat.patience {
            bail!("got no further: {failure:?}");
        }
        // Something may have changed by itself; else the person tries again all the same, when they were told to wait after
        // that.
        let pause = failure.retry_after.map_or(PAUSE, |seconds| Duration::from_secs(seconds.into()));
        let _ = tokio::time::timeout(pause, events.recv()).await;
    }
}

/// The reviewer's word on a case, spoken at the demo desk.
///
/// # Errors
/// When the desk does not take it.
pub async fn review(seat: &Seat, case: Uuid, review: Review) -> Result<()> {
    let verdict = start(seat)?.demo_review(case, review.into()).await;
    verdict.map(drop).map_err(|failure| anyhow::anyhow!("the desk refused: {failure:?}"))
}

fn start(seat: &Seat) -> Result<Controller> {
    let (service, demo) = Demo::read(&seat.ready).map_err(anyhow::Error::msg)?;
    let host = stage::program("certdesk-token-host")?;
    let mut options = journey::options(seat.data.clone(), service, vec![seat.module.clone()], host);
    options.demo = Some(demo);
    options.token_environment = vec![("SOFTHSM2_CONF".into(), seat.softhsm.clone().into())];
    Ok(Controller::start(options))
}

/// Where the program asks what is to become of what it keeps, the person reads why, and has it try again.
async fn answer_questions(certdesk: Controller, mut events: Receiver<Event>) {
    loop {
        if let Ok(StorageView { state: StorageState::Asking { failure, .. }, .. }) = certdesk.storage().await {
            let code = failure.as_ref().and_then(|failure| serde_json::to_value(failure.code).ok());
            let code = code.and_then(|code| code.as_str().map(str::to_owned)).unwrap_or_default();
            tell(&Said::Told { code, detail: failure.and_then(|failure| failure.detail) });
            tokio::time::sleep(PAUSE).await;
            let _ = certdesk.retry_storage().await;
        } else if let Err(RecvError::Closed) = events.recv().await {
            return;
        }
    }
}

struct Person<'a> {
    certdesk: &'a Controller,
    seat: &'a mut Seat,
}

impl Person<'_> {
    async fn walk(&mut self) -> Result<(), Failure> {
        match self.seat.journey {
            Journey::Register => self.register().await,
            Journey::Apply => self.apply().await,
            Journey::Correct => self.correct().await,
            Journey::Issue => self.issue().await,
            Journey::Renew => self.renew().await,
            Journey::Revoke => self.revoke().await,
        }
    }

    async fn register(&mut self) -> Result<(), Failure> {
        let certdesk = self.certdesk;
        if self.seat.memory.account.is_none() {
            begins(Phase::Registration);
            let catalogue = certdesk.catalogue().await?;
            certdesk.accept_consent(ConsentSubject::Agreement, catalogue.agreement.version).await?;
            let registration = journey::sample_registration(AccountKind::Individual);
            let phone = registration.phone.clone();
            certdesk.register(registration).await?;
            let sms = certdesk.demo_sms().await?;
            // The first one names the password; whoever asks again is reminded of the name.
            let first = sms.iter().rev().filter(|sms| sms.phone == phone).find_map(|sms| credentials(&sms.text));
            let (account, password) = first.ok_or(LocalCode::Gone)?;
            tell(&Said::Registered { account: account.clone(), password: password.clone() });
            self.seat.memory.account = Some((account, password));
        }
        begins(Phase::Login);
        self.log_in_with_password().await?;
        begins(Phase::Password);
        self.own_password().await
    }

    /// In by password, the first or one's own: a person who was interrupted while changing it tries both.
    async fn log_in_with_password(&mut self) -> Result<(), Failure> {
        if self.is_in().await? {
            return Ok(());
        }
        let (account, password) = self.seat.memory.account.clone().ok_or(LocalCode::Gone)?;
        match self.certdesk.log_in_with_password(account.clone(), password.clone()).await {
            Err(failure) if failure.is_said(ProblemCode::WrongCredentials) && password != PASSWORD => {
                // From here on one's own is the one to try: each wrong one makes the next wait longer.
                self.seat.memory.account = Some((account.clone(), PASSWORD.to_owned()));
                self.certdesk.log_in_with_password(account, PASSWORD.to_owned()).await?;
                tell(&Said::PasswordChanged);
                Ok(())
            }
            other => other.map(drop),
        }
    }

    async fn own_password(&mut self) -> Result<(), Failure> {
        let (account, password) = self.seat.memory.account.clone().ok_or(LocalCode::Gone)?;
        let session = self.certdesk.home().await?.session.ok_or(LocalCode::SessionEnded)?;
        if session.must_change_password {
            let changed = self.certdesk.change_password(password, PASSWORD.to_owned()).await;
            if changed.as_ref().is_err_and(|failure| !failure.is_said(ProblemCode::WrongCredentials)) {
                changed?;
            } else if changed.is_err() {
                // It is changed, only nobody said so: in again with the new one.
                self.certdesk.log_out().await?;
                return Err(LocalCode::SessionEnded.into());
            }
        }
        self.seat.memory.account = Some((account, PASSWORD.to_owned()));
        tell(&Said::PasswordChanged);
        Ok(())
    }

    async fn apply(&mut self) -> Result<(), Failure> {
        begins(Phase::Login);
        self.log_in_with_password().await?;
        let draft = match self.seat.memory.case {
            Some(case) => self.certdesk.draft(case).await?,
            None => self.certdesk.start_application(Business::New, None).await?,
        };
        self.remember(&draft);
        if !draft.state.is_editable() {
            return self.number_of(draft.id).await;
        }
        let draft = self.keystrokes(draft, FIELD).await?;
        begins(Phase::Form);
        let draft = self.certdesk.make_form(draft.id).await?;
        tell(&Said::Form);
        self.add_files(draft, |_| false).await?;
        self.hand_in().await
    }

    async fn correct(&mut self) -> Result<(), Failure> {
        begins(Phase::Login);
        self.log_in_with_password().await?;
        let case = self.seat.memory.case.ok_or(LocalCode::Gone)?;
        if self.case_now(case).await?.application.state != State::NeedsCorrection {
            return self.number_of(case).await;
        }
        let draft = self.certdesk.start_correction(case).await?;
        self.remember(&draft);
        let draft = self.keystrokes(draft, FIELD).await?;
        begins(Phase::Form);
        let draft = self.certdesk.make_form(draft.id).await?;
        tell(&Said::Form);
        // What was handed in before is exchanged under the remarked requirement.
        self.add_files(draft, |name| name == FIRST).await?;
        self.hand_in().await
    }

    async fn issue(&mut self) -> Result<(), Failure> {
        begins(Phase::Login);
        let case = self.seat.memory.case.ok_or(LocalCode::Gone)?;
        self.log_in_somehow().await?;
        begins(Phase::Make);
        self.make_certificate(case).await?;
        begins(Phase::Choose);
        if self.certdesk.home().await?.session.is_none_or(|session| session.key.is_none()) {
            self.certdesk.log_out().await?;
            self.log_in_with_key().await?;
        }
        Ok(())
    }

    async fn renew(&mut self) -> Result<(), Failure> {
        begins(Phase::Login);
        self.log_in_somehow().await?;
        let serial = self.seat.memory.certificate.clone().ok_or(LocalCode::Gone)?;
        let draft = match self.seat.memory.case {
            Some(case) => self.certdesk.draft(case).await?,
            None => self.certdesk.start_application(Business::Renew, Some(serial.clone())).await?,
        };
        self.remember(&draft);
        let case = draft.id;
        if draft.state.is_editable() {
            let draft = self.keystrokes(draft, FIELD).await?;
            begins(Phase::Sign);
            self.certdesk.make_form(draft.id).await?;
            let key = self.session_key().await?;
            let signed = self.give_pin(PinPurpose::SignForm { key: key.clone(), draft: draft.id }).await?;
            let PinOutcome::FormSigned { draft } = signed else { return Err(LocalCode::Internal.into()) };
            tell(&Said::Form);
            self.add_files(*draft, |_| false).await?;
            begins(Phase::Submit);
            let done = self.give_pin(PinPurpose::Submit { key, draft: case, declared_true: true }).await?;
            let PinOutcome::Submitted { receipt } = done else { return Err(LocalCode::Internal.into()) };
            tell(&Said::Submitted { number: receipt.receipt.number.clone() });
        } else {
            self.number_of(case).await?;
        }
        begins(Phase::Make);
        self.make_certificate(case).await?;
        begins(Phase::Remove);
        self.certdesk.refresh_keys().await?;
        let held = self.certdesk.certificates().await?;
        // Whoever does not see the new one does not see the key, and cannot say what is not on it.
        if !held.iter().any(|held| held.serial != serial && !held.on_keys.is_empty()) {
            return Err(LocalCode::NoKey.into());
        }
        let old = held.iter().find(|held| held.serial == serial && !held.on_keys.is_empty());
        if let Some(old) = old {
            let key = old.on_keys.first().cloned().ok_or(LocalCode::NoKey)?;
            let purpose = PinPurpose::RemoveCertificate { key, fingerprint: old.fingerprint.clone() };
            match self.give_pin(purpose).await {
                Ok(PinOutcome::Removed) => {}
                Err(failure) if failure.is(LocalCode::Gone) => {}
                Ok(_) => return Err(LocalCode::Internal.into()),
                Err(failure) => return Err(failure),
            }
        }
        tell(&Said::Removed);
        Ok(())
    }

    async fn revoke(&mut self) -> Result<(), Failure> {
        begins(Phase::Login);
        self.log_in_somehow().await?;
        let serial = self.seat.memory.certificate.clone().ok_or(LocalCode::Gone)?;
        let draft = match self.seat.memory.case {
            Some(case) => self.certdesk.draft(case).await?,
            None => self.certdesk.start_application(Business::Revoke, Some(serial)).await?,
        };
        self.remember(&draft);
        if !draft.state.is_editable() {
            return self.number_of(draft.id).await;
        }
        let draft = self.keystrokes(draft, FIELD).await?;
        self.certdesk.save_field(draft.id, "reason".into(), "cessation_of_operation".into()).await?;
        begins(Phase::Submit);
        let session = self.certdesk.home().await?.session.ok_or(LocalCode::SessionEnded)?;
        if session.key.is_none() {
            // The certificate is revoked already, only nobody said so.
            return self.number_of(draft.id).await;
        }
        let key = self.session_key().await?;
        let done = self.give_pin(PinPurpose::Submit { key, draft: draft.id, declared_true: true }).await?;
        let PinOutcome::Submitted { receipt } = done else { return Err(LocalCode::Internal.into()) };
        tell(&Said::Submitted { number: receipt.receipt.number.clone() });
        Ok(())
    }

    async fn is_in(&self) -> Result<bool, Failure> {
        Ok(self.certdesk.home().await?.session.is_some())
    }

    /// By key where one lets in; by password where none does.
    async fn log_in_somehow(&mut self) -> Result<(), Failure> {
        if self.is_in().await? {
            return Ok(());
        }
        let by_key = match self.log_in_with_key().await {
            Err(failure) => failure,
            Ok(()) => return Ok(()),
        };
        let refused = by_key.is(LocalCode::NoKey)
            || by_key.is_said(ProblemCode::CertificateRevoked)
            || by_key.is_said(ProblemCode::LoginRefused);
        if !refused {
            return Err(by_key);
        }
        match self.log_in_with_password().await {
            Err(failure) if failure.is_said(ProblemCode::CertificateLoginRequired) => Err(by_key),
            other => other,
        }
    }

    async fn log_in_with_key(&self) -> Result<(), Failure> {
        let key = self.key(|key| key.can_log_in).await?;
        match self.give_pin(PinPurpose::LogIn { key }).await? {
            PinOutcome::LoggedIn { .. } => Ok(()),
            _ => Err(LocalCode::Internal.into()),
        }
    }

    async fn session_key(&self) -> Result<String, Failure> {
        self.key(|key| key.can_log_in).await
    }

    async fn key(&self, fits: impl Fn(&KeyView) -> bool) -> Result<String, Failure> {
        let strip = self.certdesk.refresh_keys().await?;
        let key = strip.keys.iter().find(|key| key.ready && fits(key)).map(|key| key.id.clone());
        key.ok_or_else(|| Failure::new(LocalCode::NoKey).with_detail(format!("{strip:?}")))
    }

    async fn give_pin(&self, purpose: PinPurpose) -> Result<PinOutcome, Failure> {
        let prompt = self.certdesk.prepare_pin(purpose).await?;
        let pin = Pin::from_bytes(self.seat.pin.as_bytes().to_vec());
        self.certdesk.submit_pin(PinEntry { ticket: prompt.ticket, confirmed: prompt.needs_confirmation, pin }).await
    }

    /// Says what the program shows of the draft, to be compared with what was said before.
    fn remember(&mut self, draft: &DraftView) {
        self.seat.memory.case = Some(draft.id);
        let files = draft.files.iter().flat_map(|row| &row.attachments).map(|file| file.id).collect();
        tell(&Said::Draft { id: draft.id, typed: typed(draft), files });
    }

    /// Types on from where the field stands.
    async fn keystrokes(&self, draft: DraftView, field: &str) -> Result<DraftView, Failure> {
        begins(Phase::Type);
        let mut draft = draft;
        let last = if self.seat.journey == Journey::Apply { KEYSTROKES.0 } else { KEYSTROKES.1 };
        for count in typed(&draft) + 1..=last {
            draft = self.certdesk.save_field(draft.id, field.to_owned(), format!("测试路 {count} 号")).await?;
            tell(&Said::Saved { typed: typed(&draft) });
        }
        Ok(draft)
    }

    /// Picks what is asked for where nothing is, or where what is there is to be `exchanged`; until all is sent.
    async fn add_files(&self, draft: DraftView, exchanged: impl Fn(&str) -> bool) -> Result<(), Failure> {
        begins(Phase::Files);
        let catalogue = self.certdesk.catalogue().await?;
        if !draft.files.is_empty() && !draft.sensitive_data_accepted {
            let version = catalogue.sensitive_data.version;
            self.certdesk.accept_consent(ConsentSubject::SensitiveData, version).await?;
        }
        let correction = draft.state == State::NeedsCorrection;
        for row in draft.files.iter().filter(|row| row.editable) {
            let wanted = usize::from(row.requirement.min_count.max(1));
            let mut there = 0;
            for held in &row.attachments {
                if correction && exchanged(&held.name) {
                    tell(&Said::TakesOut { file: held.id });
                    self.certdesk.remove_attachment(held.id).await?;
                } else {
                    there += 1;
                }
            }
            for _ in there..wanted {
                let file = self.file_for(&row.requirement.kinds, correction);
                let view = self.certdesk.add_files(draft.id, row.requirement.id.clone(), vec![file]).await?;
                let files = view.files.iter().flat_map(|row| &row.attachments).map(|file| file.id).collect();
                tell(&Said::Picked { files });
            }
        }
        self.all_sent(draft.id).await?;
        tell(&Said::Sent);
        Ok(())
    }

    /// Waits until every picked file is at the service; presses “again” where one failed.
    async fn all_sent(&self, draft: Uuid) -> Result<(), Failure> {
        let mut events = self.certdesk.events();
        loop {
            let view = self.certdesk.draft(draft).await?;
            let files: Vec<_> = view.files.iter().flat_map(|row| &row.attachments).collect();
            for file in &files {
                if let UploadState::Failed { failure } = &file.upload {
                    self.certdesk.retry_upload(file.id).await?;
                    return Err(failure.clone());
                }
            }
            if files.iter().all(|file| file.upload == UploadState::Done) {
                return Ok(());
            }
            if self.certdesk.home().await?.session.is_none() {
                return Err(LocalCode::SessionEnded.into());
            }
            let _ = tokio::time::timeout(PAUSE, events.recv()).await;
        }
    }

    fn file_for(&self, kinds: &[FileKind], correction: bool) -> PathBuf {
        let name = match kinds.first() {
            Some(FileKind::Pdf) => "授权委托书.pdf",
            Some(FileKind::Mp4 | FileKind::Webm) => "承诺视频.mp4",
            _ if correction => CORRECTED,
            _ => FIRST,
        };
        self.seat.files.join(name)
    }

    async fn hand_in(&self) -> Result<(), Failure> {
        begins(Phase::Submit);
        let case = self.seat.memory.case.ok_or(LocalCode::Gone)?;
        let receipt = self.certdesk.submit(case, true).await?.receipt;
        tell(&Said::Submitted { number: receipt.number });
        Ok(())
    }

    /// The case as the service has it. While the service is away 我的申办 shows what was seen last, and says so: a person
    /// who waits for the reviewer looks again later.
    async fn case_now(&self, case: Uuid) -> Result<ApplicationView, Failure> {
        let mut events = self.certdesk.events();
        let seen = self.certdesk.application(case).await?;
        let mut away = self.certdesk.home().await?.service.reachable != Some(true);
        while let Ok(event) = events.try_recv() {
            away |= matches!(event, Event::Service { service } if service.reachable == Some(false));
        }
        if away { Err(LocalCode::ServiceUnreachable.into()) } else { Ok(seen) }
    }

    /// 我的申办 says what became of it.
    async fn number_of(&self, case: Uuid) -> Result<(), Failure> {
        let mine = self.case_now(case).await?;
        let number = mine.application.number.ok_or(LocalCode::Gone)?;
        tell(&Said::Submitted { number });
        Ok(())
    }

    /// Approved where somebody has to, made where it is not; until it is confirmed.
    async fn make_certificate(&self, case: Uuid) -> Result<(), Failure> {
        let mut state = self.case_now(case).await?.application.state;
        if state == State::Submitted {
            state = self.certdesk.demo_review(case, Review::Approve.into()).await?.state;
        }
        if state == State::AwaitingIssuance {
            let begun = self.case_now(case).await?.issuance.and_then(|issuance| issuance.key);
            let key = match begun {
                Some(key) => {
                    self.certdesk.refresh_keys().await?;
                    key
                }
                None => self.key(|_| true).await?,
            };
            let purpose = PinPurpose::Issue { key, application: case, algorithm: KeyAlgorithm::EcP256 };
            let PinOutcome::Issued { .. } = self.give_pin(purpose).await? else {
                return Err(LocalCode::Internal.into());
            };
            state = self.case_now(case).await?.application.state;
        }
        if state != State::Completed {
            return Err(Failure::new(LocalCode::Internal).with_detail(format!("the case is {state:?}")));
        }
        tell(&Said::Made);
        Ok(())
    }
}

/// The picture that is handed in first, and what a correction hands in instead.
const FIRST: &str = "身份证正面.jpg";
const CORRECTED: &str = "身份证反面.jpg";

/// What a reviewer sends a case of [`Journey::Apply`] back with.
#[must_use]
pub fn remarks() -> Vec<Remark> {
    vec![
        Remark { target: RemarkTarget::Field(FIELD.into()), text: "请填写完整地址。".into() },
        Remark {
            target: RemarkTarget::Files(certdesk_domain::RequirementId("applicant_id".into())),
            text: "图片不清晰。".into(),
        },
    ]
}

/// `测试路 17 号`: 17; anything else was not typed in this campaign.
#[must_use]
pub fn number_in(text: &str) -> u32 {
    text.split(' ').nth(1).and_then(|number| number.parse().ok()).unwrap_or(0)
}

fn typed(draft: &DraftView) -> u32 {
    number_in(&draft.handler.address.detail)
}

fn begins(phase: Phase) {
    tell(&Said::Begins { phase });
}

/// A pipe that nobody reads is no reason to stop: then somebody ends this process anyway.
fn tell(said: &Said) {
    let _ = say(said);
}

fn say(said: &Said) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(said)?)?;
    out.flush().context("nobody listens")
}
