//! The whole journey without a window: register, apply, be returned, correct, be approved, make the certificate on the
//! key, log in with it. It plays the applicant through the controller, and phone and reviewer through the demo desk, so
//! it needs a service started as a demo.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use certdesk_contract::{
    ProblemCode,
    account::ConsentSubject,
    application::{Remark, RemarkTarget, Review},
};
use certdesk_controller::{
    Controller, Failure, Options, Pin, PinEntry,
    doctor::Machine,
    failure::FailureCode,
    picker::NoPicker,
    storage::DemoKeyStore,
    view::{CertificateView, DraftView, IssuanceStep, KeyView, PinOutcome, PinPurpose, SessionView, Step, UploadState},
};
use certdesk_domain::{
    AccountKind, Business, FileKind, IdKind, State,
    form::{Address, Organisation, Person, Registration},
    token::KeyAlgorithm,
};

/// What the journey needs.
pub struct Journey {
    /// The program that is driven.
    pub controller: Controller,
    /// Folder with the files to hand in; one file per kind and name as in `tests/fixtures/files`.
    pub files: PathBuf,
    /// The applicant.
    pub registration: Registration,
    /// Label of the key to use; the first blank one where `None`.
    pub key_label: Option<String>,
    /// PIN of the key.
    pub pin: String,
    /// Algorithm of the key pair.
    pub algorithm: KeyAlgorithm,
    /// Told before each step.
    pub step: Box<dyn Fn(&str) + Send + Sync>,
}

/// What it leads to.
#[derive(Debug)]
pub struct Outcome {
    /// Account name.
    pub account: String,
    /// 申办编号
    pub number: String,
    /// The certificate, on the key and good at the service.
    pub certificate: CertificateView,
    /// The session by key.
    pub session: SessionView,
}

/// Password the journey gives itself at the first login.
pub const PASSWORD: &str = "Yunfan-2026-ok";

/// How long anything the program does by itself may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Goes the whole way; each step is asserted.
///
/// # Errors
/// The first step that did not go as a person would expect, in a sentence.
pub async fn run(journey: &Journey) -> Result<Outcome> {
    let account = journey.register().await?;
    let draft = journey.fill_in().await?;
    let number = journey.hand_in(draft.id).await?;
    journey.be_returned_and_correct(draft.id, &number).await?;
    journey.be_approved(draft.id).await?;
    journey.make_certificate(draft.id).await?;
    let session = journey.log_in_with_key(&account).await?;
    let certificate = journey.look_at_certificate().await?;
    Ok(Outcome { account, number, certificate, session })
}

/// An enterprise with a rare character in its handler's name, a person, or a department.
pub fn sample_registration(kind: AccountKind) -> Registration {
    let person = |name: &str| Person {
        name: name.to_owned(),
        id_kind: IdKind::ResidentId,
        id_number: "11010519491231002X".to_owned(),
    };
    let organisation = |name: &str, credit_code: &str| Organisation {
        name: name.to_owned(),
        credit_code: credit_code.to_owned(),
        legal_representative: person("李测试"),
    };
    Registration {
        kind,
        organisation: match kind {
            AccountKind::Enterprise => Some(organisation("福州云帆测试科技有限公司", "91350100M000100Y43")),
            AccountKind::Individual => None,
            AccountKind::Authority => Some(organisation("样张市测试管理局", "11350100M000100Y6H")),
        },
        contact: person("王䶮"),
        phone: match kind {
            AccountKind::Enterprise => "13800138000",
            AccountKind::Individual => "13900139000",
            AccountKind::Authority => "13700137000",
        }
        .to_owned(),
        email: "wang.yan@example.cn".to_owned(),
        address: Address { region: "350102".to_owned(), detail: "测试路 1 号云帆大厦 5 层".to_owned() },
    }
}

/// Options for a program without a window that plays in the demo: the key of what it keeps lies beside it.
pub fn options(data: PathBuf, service: String, modules: Vec<PathBuf>, token_host: PathBuf) -> Options {
    Options {
        key_store: Arc::new(DemoKeyStore::new(&data)),
        data,
        service: Some(service),
        demo: None,
        modules,
        token_host,
        token_environment: Vec::new(),
        picker: Arc::new(NoPicker),
        machine: Machine::here(),
    }
}

impl Journey {
    fn say(&self, what: &str) {
        (self.step)(what);
    }

    /// Agreement, registration, SMS, first login, new password. Answers the account's name.
    pub async fn register(&self) -> Result<String> {
        let certdesk = &self.controller;
        self.say("确认条款 the agreement is read and accepted");
        let catalogue = certdesk.catalogue().await.map_err(told)?;
        certdesk.accept_consent(ConsentSubject::Agreement, catalogue.agreement.version).await.map_err(told)?;

        self.say("注册 the account is registered; name and password come by SMS");
        certdesk.register(self.registration.clone()).await.map_err(told)?;
        let sms = certdesk.demo_sms().await.map_err(told)?;
        let sms = sms.iter().find(|sms| sms.phone == self.registration.phone).context("no SMS arrived")?;
        let (account, password) = credentials(&sms.text).context("the SMS names no account and password")?;

        self.say("账号登录 a wrong password is refused without a hint, the right one asks for a new password");
        let refused = certdesk.log_in_with_password(account.clone(), "not-the-password".to_owned()).await;
        expect_service(refused, ProblemCode::WrongCredentials)?;
        let session = certdesk.log_in_with_password(account.clone(), password.clone()).await.map_err(told)?;
        ensure!(session.must_change_password, "the first login did not ask for a new password");
        let session = certdesk.change_password(password, PASSWORD.to_owned()).await.map_err(told)?;
        ensure!(!session.must_change_password, "the new password was not taken");
        ensure!(session.account.businesses == [Business::New], "without a certificate only 新办 is offered");
        Ok(account)
    }

    /// 新办: details, form, files; until all files are at the service.
    pub async fn fill_in(&self) -> Result<DraftView> {
        let certdesk = &self.controller;
        self.say("经办人信息 the handler's details are saved as typed");
        let draft = certdesk.start_application(Business::New, None).await.map_err(told)?;
        let again = certdesk.start_application(Business::New, None).await.map_err(told)?;
        ensure!(draft.id == again.id, "opening 新办 twice made two drafts");
        let wrong = certdesk.save_field(draft.id, "phone".into(), "1380013".into()).await.map_err(told)?;
        ensure!(!wrong.faults.is_empty(), "a phone number of seven digits was accepted");
        certdesk.save_field(draft.id, "phone".into(), "13800138001".into()).await.map_err(told)?;
        self.complete(draft.id).await
    }

    /// The form and the files of a draft, as far as its business asks for them; until all files are at the service.
    pub async fn complete(&self, id: certdesk_controller::Uuid) -> Result<DraftView> {
        let certdesk = &self.controller;
        let mut draft = certdesk.draft(id).await.map_err(told)?;
        if draft.steps.contains(&Step::Form) {
            self.say("制作申请表 the form is made");
            draft = certdesk.make_form(id).await.map_err(told)?;
            ensure!(draft.form.is_some(), "no form was made");
            let pdf = certdesk.form_pdf(id).await.map_err(told)?;
            ensure!(pdf.starts_with(b"%PDF-"), "the form is no PDF");
        }
        if draft.steps.contains(&Step::Files) {
            self.say("上传电子文件 files are picked and sent");
            let catalogue = certdesk.catalogue().await.map_err(told)?;
            let version = catalogue.sensitive_data.version;
            certdesk.accept_consent(ConsentSubject::SensitiveData, version).await.map_err(told)?;
            for row in &draft.files {
                let wanted = usize::from(row.requirement.min_count.max(1));
                let files = self.files_for(&row.requirement.kinds, wanted)?;
                certdesk.add_files(id, row.requirement.id.clone(), files).await.map_err(told)?;
            }
            self.all_sent(id).await?;
        }
        certdesk.save_step(id, Step::Submit).await.map_err(told)
    }

    /// Submits, twice as an impatient person would; answers the 申办编号.
    pub async fn hand_in(&self, draft: certdesk_controller::Uuid) -> Result<String> {
        self.say("提交服务申请 the case is handed in, once, however often the button is pressed");
        let certdesk = &self.controller;
        let (first, second) = tokio::join!(certdesk.submit(draft, true), certdesk.submit(draft, true));
        let receipts: Vec<_> = [first, second].into_iter().flatten().collect();
        let first = receipts.first().context("no submission got through")?;
        let number = first.receipt.number.clone();
        ensure!(receipts.iter().all(|view| view.receipt.number == number), "two presses made two applications");
        let mine = certdesk.applications().await.map_err(told)?;
        ensure!(mine.len() == 1, "我的申办 shows {} cases where one was handed in", mine.len());
        Ok(number)
    }

    /// The reviewer sends it back; only what was remarked is changed; the same case is handed in again.
    pub async fn be_returned_and_correct(&self, id: certdesk_controller::Uuid, number: &str) -> Result<()> {
        self.say("退回补正 the remarks stand where they belong and only those things can be changed");
        let certdesk = &self.controller;
        let application = certdesk.application(id).await.map_err(told)?.application;
        let catalogue = certdesk.catalogue().await.map_err(told)?;
        let offer = catalogue.offer(application.business, self.registration.kind).context("nothing is offered")?;
        let picture = offer.requirements.iter().find(|rule| rule.kinds.contains(&FileKind::Png) && !rule.is_form);
        let picture = &picture.context("no picture is asked for")?.id;
        let file = application.attachments.iter().find(|file| &file.requirement == picture);
        let file = file.context("the picture was not handed in")?;
        let files = RemarkTarget::Files(file.requirement.clone());
        let remarks = vec![
            Remark { target: RemarkTarget::Field("email".into()), text: "请填写单位邮箱。".into() },
            Remark { target: files, text: "图片不清晰，请重新扫描。".into() },
        ];
        certdesk.demo_review(id, Review::Return { remarks }.into()).await.map_err(told)?;
        let draft = certdesk.start_correction(id).await.map_err(told)?;
        ensure!(draft.state == State::NeedsCorrection, "the returned case is {:?}", draft.state);
        ensure!(
            draft.editable_fields == ["email"],
            "more than the remarked field is open: {:?}",
            draft.editable_fields
        );
        let closed = certdesk.save_field(id, "phone".into(), "13900139001".into()).await;
        ensure!(closed.is_err(), "a field that nobody remarked could be changed");
        certdesk.save_field(id, "email".into(), "office@example.cn".into()).await.map_err(told)?;
        let draft = certdesk.make_form(id).await.map_err(told)?;

        let row = draft.files.iter().find(|row| row.requirement.id == file.requirement).context("the row is gone")?;
        ensure!(row.editable, "the remarked files cannot be changed");
        for held in &row.attachments {
            certdesk.remove_attachment(held.id).await.map_err(told)?;
        }
        let fresh = self.files_for(&[FileKind::Png], row.attachments.len())?;
        certdesk.add_files(id, row.requirement.id.clone(), fresh).await.map_err(told)?;
        self.all_sent(id).await?;
        let again = certdesk.submit(id, true).await.map_err(told)?;
        ensure!(again.receipt.number == number, "the correction made another application");
        Ok(())
    }

    /// The reviewer accepts.
    pub async fn be_approved(&self, id: certdesk_controller::Uuid) -> Result<()> {
        self.say("审核通过 the case is approved and waits for the applicant");
        self.controller.demo_review(id, Review::Approve.into()).await.map_err(told)?;
        let view = self.controller.application(id).await.map_err(told)?;
        let state = view.application.state;
        ensure!(state == State::AwaitingIssuance, "after approval the case is {state:?}");
        Ok(())
    }

    /// 制证 on the key.
    pub async fn make_certificate(&self, id: certdesk_controller::Uuid) -> Result<()> {
        self.say("制证 key pair, request, certificate and proof, all on the key");
        let key = self.key(|_| true).await?.id;
        let purpose = PinPurpose::Issue { key, application: id, algorithm: self.algorithm };
        let outcome = self.give_pin(purpose, &self.pin).await?;
        let PinOutcome::Issued { issuance } = outcome else { bail!("the PIN led to {outcome:?}") };
        ensure!(issuance.step == IssuanceStep::Confirmed, "issuance stopped at {:?}", issuance.step);
        let state = self.controller.application(id).await.map_err(told)?.application.state;
        ensure!(state == State::Completed, "after issuance the case is {state:?}");
        Ok(())
    }

    /// Out, no way back by password, in by key.
    pub async fn log_in_with_key(&self, account: &str) -> Result<SessionView> {
        let certdesk = &self.controller;
        self.say("证书登录 the password is refused with the reason, a wrong PIN is told, the key logs in");
        certdesk.log_out().await.map_err(told)?;
        let refused = certdesk.log_in_with_password(account.to_owned(), PASSWORD.to_owned()).await;
        expect_service(refused, ProblemCode::CertificateLoginRequired)?;
        let key = self.key(|key| key.can_log_in).await?.id;
        let wrong = self.give_pin(PinPurpose::LogIn { key: key.clone() }, &another(&self.pin)).await?;
        ensure!(matches!(wrong, PinOutcome::Refused { .. }), "a wrong PIN led to {wrong:?}");
        let outcome = self.give_pin(PinPurpose::LogIn { key }, &self.pin).await?;
        let PinOutcome::LoggedIn { session } = outcome else { bail!("the PIN led to {outcome:?}") };
        ensure!(session.account.name == account, "the key logged in as {}", session.account.name);
        Ok(*session)
    }

    /// 我的证书: on the key and good at the service.
    pub async fn look_at_certificate(&self) -> Result<CertificateView> {
        self.say("我的服务 the certificate is on the key and good at the service");
        let certificates = self.controller.certificates().await.map_err(told)?;
        let good = |view: &&CertificateView| {
            view.status == Some(certdesk_contract::certificate::CertificateStatus::Active) && view.has_private_key
        };
        let certificate = certificates.iter().find(good).context("no good certificate with its key is shown")?;
        ensure!(!certificate.on_keys.is_empty(), "the certificate is not on the key");
        Ok(certificate.clone())
    }

    /// Opens a prompt for `purpose` and answers it with this PIN.
    pub async fn give_pin(&self, purpose: PinPurpose, pin: &str) -> Result<PinOutcome> {
        let prompt = self.controller.prepare_pin(purpose).await.map_err(told)?;
        let pin = Pin::from_bytes(pin.as_bytes().to_vec());
        let entry = PinEntry { ticket: prompt.ticket, confirmed: prompt.needs_confirmation, pin };
        self.controller.submit_pin(entry).await.map_err(told)
    }

    async fn key(&self, fits: impl Fn(&KeyView) -> bool) -> Result<KeyView> {
        let strip = self.controller.refresh_keys().await.map_err(told)?;
        let named = |key: &&KeyView| self.key_label.as_ref().is_none_or(|label| &key.label == label);
        let key = strip.keys.iter().filter(|key| key.ready).filter(named).find(|key| fits(key));
        key.cloned().with_context(|| format!("no fitting key is plugged in: {:?}", strip.state))
    }

    /// Waits until every picked file is at the service.
    async fn all_sent(&self, draft: certdesk_controller::Uuid) -> Result<()> {
        let mut events = self.controller.events();
        let settled = async {
            loop {
                let view = self.controller.draft(draft).await.map_err(told)?;
                let files: Vec<_> = view.files.iter().flat_map(|row| &row.attachments).collect();
                if let Some(stuck) = files.iter().find(|file| matches!(file.upload, UploadState::Failed { .. })) {
                    bail!("the upload of {} failed: {:?}", stuck.name, stuck.upload);
                }
                if files.iter().all(|file| file.upload == UploadState::Done) {
                    return Ok(());
                }
                // Any event may be the one; a lagged reader simply looks again.
                let _ = events.recv().await;
            }
        };
        tokio::time::timeout(PATIENCE, settled).await.context("the uploads did not come to an end")?
    }

    /// Files of the folder that are of these kinds, by content; the same file may serve twice.
    fn files_for(&self, kinds: &[FileKind], count: usize) -> Result<Vec<PathBuf>> {
        let mut fitting = Vec::new();
        for entry in std::fs::read_dir(&self.files).context("the folder with the files cannot be read")? {
            let path = entry?.path();
            let head: Vec<u8> = std::fs::read(&path)?.into_iter().take(FileKind::SNIFF_BYTES).collect();
            if FileKind::sniff(&head).is_some_and(|kind| kinds.contains(&kind)) {
                fitting.push(path);
            }
        }
        fitting.sort();
        ensure!(!fitting.is_empty(), "no file of the kinds {kinds:?} is in the folder");
        Ok(fitting.into_iter().cycle().take(count).collect())
    }
}

/// Account and initial password as the SMS writes them: `账号：qy12345678` … `初始密码：xxxxxxxxxx`.
pub fn credentials(sms: &str) -> Option<(String, String)> {
    let after = |mark: &str| {
        let rest = &sms[sms.find(mark)? + mark.len()..];
        let end = rest.find(|c: char| !c.is_ascii_graphic() || matches!(c, ',' | ';')).unwrap_or(rest.len());
        Some(rest[..end].to_owned()).filter(|word| !word.is_empty())
    };
    Some((after("账号：")?, after("初始密码：")?))
}

/// Another PIN of the same length: one that a key's own limits rule out is not even tried.
fn another(pin: &str) -> String {
    let (head, last) = pin.split_at(pin.char_indices().last().map_or(0, |(at, _)| at));
    format!("{head}{}", if last == "0" { "1" } else { "0" })
}

fn expect_service<T>(answer: Result<T, Failure>, code: ProblemCode) -> Result<()> {
    match answer {
        Err(failure) if failure.code == FailureCode::Service(code) => Ok(()),
        Err(other) => bail!("expected {code:?}, got {:?} ({})", other.code, other.detail.unwrap_or_default()),
        Ok(_) => bail!("expected {code:?}, but it went through"),
    }
}

fn told(failure: Failure) -> anyhow::Error {
    anyhow::anyhow!("{:?}: {} {:?}", failure.code, failure.detail.unwrap_or_default(), failure.faults)
}
