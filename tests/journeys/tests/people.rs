//! The account's own affairs: a forgotten password, basic data, consents, notices, and what lies on this computer.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result};
use certdesk_cache::Document;
use certdesk_cli::journey;
use certdesk_contract::{
    ProblemCode,
    account::{AccountChange, CodePurpose, ConsentSubject},
    application::Review,
    notice::{Notice, NoticeSubject},
};
use certdesk_controller::{
    Controller, Failure, LocalCode,
    failure::FailureCode,
    picker::{OpenQuestion, Picker, SaveQuestion},
    view::{CertificateEncoding, Event, LocalDataKind},
};
use certdesk_domain::{AccountKind, State, token::KeyAlgorithm};
use futures_util::future::BoxFuture;
use journeys::{Stage, failed, told};
use stage::Service;

const PHONE: &str = "13800138000";
const NEW_PHONE: &str = "13900139000";
const NEWER_PASSWORD: &str = "Yunfan-2027-neu";

/// Saves whatever is asked for into one folder, under the name that is offered.
struct Shelf(PathBuf);

impl Picker for Shelf {
    fn open(&self, _: OpenQuestion) -> BoxFuture<'_, Result<Option<Vec<PathBuf>>, Failure>> {
        Box::pin(async { Ok(None) })
    }

    fn save(&self, question: SaveQuestion) -> BoxFuture<'_, Result<Option<PathBuf>, Failure>> {
        Box::pin(async move { Ok(Some(self.0.join(question.file_name))) })
    }
}

/// The program with a shelf to save to.
fn program_with_shelf(stage: &Stage) -> Result<(Controller, PathBuf)> {
    let folder = stage.scratch().join("saved");
    std::fs::create_dir_all(&folder)?;
    let mut options = stage.options()?;
    options.picker = Arc::new(Shelf(folder.clone()));
    Ok((Controller::start(options), folder))
}

/// The code of the newest message to a phone.
async fn code(certdesk: &Controller, phone: &str) -> Result<String> {
    let sms = certdesk.demo_sms().await.map_err(failed)?;
    let text =
        sms.into_iter().find(|sms| sms.phone == phone && sms.text.contains("验证码：")).context("no code came")?.text;
    Ok(text.split_once("验证码：").context("no code")?.1.chars().take(6).collect())
}

#[track_caller]
fn refused<T: std::fmt::Debug>(answer: Result<T, Failure>, code: ProblemCode) {
    let failure = answer.expect_err("it must not go through");
    assert_eq!(failure.code, FailureCode::Service(code), "{failure:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_password_is_set_anew_by_a_code() -> Result<()> {
    let stage = Stage::set()?;
    let journey = stage.journey(AccountKind::Enterprise, KeyAlgorithm::EcP256)?;
    let account = journey.register().await?;
    let certdesk = &journey.controller;
    certdesk.log_out().await.map_err(failed)?;
    certdesk.request_code(CodePurpose::PasswordReset, account.clone()).await.map_err(failed)?;
    let code = code(certdesk, PHONE).await?;
    let reset =
        async |code: &str| certdesk.reset_password(account.clone(), code.to_owned(), NEWER_PASSWORD.to_owned()).await;
    refused(reset("abcdef").await, ProblemCode::WrongCode);
    reset(&code).await.map_err(failed)?;
    refused(reset(&code).await, ProblemCode::WrongCode);
    let session = certdesk.log_in_with_password(account, NEWER_PASSWORD.into()).await.map_err(failed)?;
    assert!(!session.must_change_password, "the new password is the person's own choice");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_basic_data_is_the_sessions_at_once_and_drafts_keep_what_was_typed() -> Result<()> {
    let stage = Stage::set()?;
    let (certdesk, draft) = journeys::guide_opened(&stage).await?;
    let typed = certdesk.save_field(draft.id, "phone".into(), "13800138001".into()).await.map_err(failed)?;
    let now = certdesk.refresh_account().await.map_err(failed)?.account.registration;
    let mut change = AccountChange {
        contact: now.contact,
        phone: "1390013".into(),
        phone_code: None,
        email: "new@example.cn".into(),
        address: now.address,
    };
    let faults = certdesk.check_account_change(change.clone()).await.map_err(failed)?.faults;
    let fields: Vec<_> = faults.iter().map(|fault| fault.field.as_str()).collect();
    assert_eq!(fields, ["phone", "phone_code"], "each field says what is wrong, before anything is sent");
    assert_eq!(told(certdesk.change_account(change.clone()).await)?, LocalCode::FieldsIncomplete);

    change.phone = NEW_PHONE.into();
    certdesk.request_phone_code(NEW_PHONE.into()).await.map_err(failed)?;
    change.phone_code = Some("not-it".into());
    refused(certdesk.change_account(change.clone()).await, ProblemCode::WrongCode);
    change.phone_code = Some(code(&certdesk, NEW_PHONE).await?);
    let mut events = certdesk.events();
    let session = certdesk.change_account(change).await.map_err(failed)?;
    assert_eq!(session.account.registration.phone, NEW_PHONE);
    let shown = async {
        loop {
            if let Event::Session { session: Some(session), .. } = events.recv().await? {
                return anyhow::Ok(session.account.registration.email);
            }
        }
    };
    let shown = tokio::time::timeout(Duration::from_secs(10), shown).await.context("the window was not told")??;
    assert_eq!(shown, "new@example.cn", "every screen learns it");
    let after = certdesk.draft(draft.id).await.map_err(failed)?;
    assert_eq!(after.handler, typed.handler, "an open draft stays as it was typed");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawn_consent_is_asked_for_again_where_it_is_needed() -> Result<()> {
    let mut stage = Stage::set()?;
    let journey = stage.journey(AccountKind::Individual, KeyAlgorithm::EcP256)?;
    let account = journey.register().await?;
    let certdesk = &journey.controller;
    let draft = journey.fill_in().await?;
    certdesk.submit(draft.id, true).await.map_err(failed)?;
    let remark = certdesk_contract::application::Remark {
        target: certdesk_contract::application::RemarkTarget::Case,
        text: "请补正。".into(),
    };
    certdesk.demo_review(draft.id, Review::Return { remarks: vec![remark] }.into()).await.map_err(failed)?;
    certdesk.start_correction(draft.id).await.map_err(failed)?;

    let consents = certdesk.consents().await.map_err(failed)?;
    assert_eq!(consents.len(), 2, "agreement and sensitive data: {consents:?}");
    for consent in &consents {
        certdesk.withdraw_consent(consent.receipt.id).await.map_err(failed)?;
    }
    refused(certdesk.submit(draft.id, true).await, ProblemCode::StaleConsent);
    let version = certdesk.catalogue().await.map_err(failed)?.sensitive_data.version;
    certdesk.accept_consent(ConsentSubject::SensitiveData, version).await.map_err(failed)?;
    certdesk.submit(draft.id, true).await.map_err(failed)?;

    certdesk.log_out().await.map_err(failed)?;
    let log_in = async || certdesk.log_in_with_password(account.clone(), journey::PASSWORD.into()).await;
    refused(log_in().await, ProblemCode::StaleConsent);
    let version = certdesk.catalogue().await.map_err(failed)?.agreement.version;
    certdesk.accept_consent(ConsentSubject::Agreement, version).await.map_err(failed)?;
    log_in().await.map_err(failed)?;
    let seen = certdesk.consents().await.map_err(failed)?;
    assert_eq!(
        seen.iter().filter(|consent| consent.withdrawn_at.is_some()).count(),
        2,
        "what was withdrawn stays listed"
    );
    stage.service.kill();
    assert_eq!(certdesk.consents().await.map_err(failed)?, seen, "also while the service is away");
    Ok(())
}

/// What the program told unasked until now, or is about to within a moment.
async fn told_so_far(events: &mut tokio::sync::broadcast::Receiver<Event>) -> Vec<Notice> {
    let mut all = Vec::new();
    while let Ok(Ok(event)) = tokio::time::timeout(Duration::from_millis(300), events.recv()).await {
        if let Event::Notices { fresh, .. } = event {
            all.extend(fresh);
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_is_told_once_and_read_offline_it_is_read_everywhere() -> Result<()> {
    let mut stage = Stage::set()?;
    let journey = stage.journey(AccountKind::Enterprise, KeyAlgorithm::EcP256)?;
    let account = journey.register().await?;
    let certdesk = &journey.controller;
    let draft = journey.fill_in().await?;
    journey.hand_in(draft.id).await?;
    let mut events = certdesk.events();
    certdesk.demo_review(draft.id, Review::Approve.into()).await.map_err(failed)?;

    let view = certdesk.notices().await.map_err(failed)?;
    assert_eq!((view.unread, view.offline), (1, false), "{view:?}");
    let NoticeSubject::Application { application, state, .. } = &view.notices[0].subject else { panic!("{view:?}") };
    assert_eq!((*application, *state), (draft.id, State::AwaitingIssuance));
    assert_eq!(certdesk.home().await.map_err(failed)?.unread_notices, 1, "home shows how many");
    certdesk.notices().await.map_err(failed)?;
    assert_eq!(told_so_far(&mut events).await, view.notices, "told once, however often it is asked for");

    let mut options = stage.options()?;
    options = journeys::kept_at(options, stage.scratch().join("another computer"));
    let another = Controller::start(options);
    another.log_in_with_password(account, journey::PASSWORD.into()).await.map_err(failed)?;
    assert_eq!(another.notices().await.map_err(failed)?.unread, 1);

    stage.service.kill();
    let away = certdesk.notices().await.map_err(failed)?;
    assert_eq!((&away.notices, away.offline), (&view.notices, true), "as last seen while the service is away");
    let read = certdesk.mark_notices_read(vec![view.notices[0].id]).await.map_err(failed)?;
    assert_eq!((read.unread, read.offline), (0, true), "read is read, also now");
    stage.restart_service()?;
    assert_eq!(certdesk.notices().await.map_err(failed)?.unread, 0, "and sent when the service is back");
    let there = another.notices().await.map_err(failed)?;
    assert!(there.notices[0].read && there.unread == 0, "so the other computer knows: {there:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_of_a_certificate_is_told_offline_and_not_told_again_by_the_service() -> Result<()> {
    let mut stage = Stage::set()?;
    let journey = stage.journey(AccountKind::Individual, KeyAlgorithm::EcP256)?;
    let certificate = journey::run(&journey).await?.certificate;
    let certdesk = &journey.controller;
    certdesk.notices().await.map_err(failed)?;
    stage.service.kill();

    // A catalogue that reminds 400 days before the end, as it will be served from now on.
    let source = stage::project_root()?.join("src-tauri/crates/service/data/catalogue.json");
    let mut catalogue: serde_json::Value = serde_json::from_slice(&std::fs::read(source)?)?;
    catalogue["version"] = "reminds-early".into();
    catalogue["reminder_days"] = serde_json::json!([400, 30]);
    let file = stage.scratch().join("catalogue.json");
    std::fs::write(&file, serde_json::to_vec(&catalogue)?)?;
    let cache = stage.cache()?;
    cache.put_document("catalogue", &Document { etag: None, json: catalogue })?;

    let mut events = certdesk.events();
    let away = certdesk.notices().await.map_err(failed)?;
    let expiries = |notices: &[Notice]| -> Vec<(String, u16)> {
        let expiry = |notice: &Notice| match &notice.subject {
            NoticeSubject::Expiry { serial, days, .. } => Some((serial.clone(), *days)),
            _ => None,
        };
        notices.iter().filter_map(expiry).collect()
    };
    let expected = vec![(certificate.serial.clone(), 400)];
    assert_eq!((expiries(&away.notices), away.offline), (expected.clone(), true), "computed from what is known here");
    let reminder = away.notices.iter().find(|notice| matches!(notice.subject, NoticeSubject::Expiry { .. }));
    let reminder = reminder.context("it is there")?.id;
    certdesk.mark_notices_read(vec![reminder]).await.map_err(failed)?;

    let address = stage.service.ready.text("base_url")?.trim_start_matches("https://").to_owned();
    let folder = stage.scratch().join("service");
    stage.service = Service::start_with(&folder, &address, &["--catalogue".as_ref(), file.as_os_str()])?;
    let back = certdesk.notices().await.map_err(failed)?;
    assert_eq!(
        (expiries(&back.notices), back.offline),
        (expected.clone(), false),
        "the service reminds of the same day"
    );
    assert!(back.notices.iter().all(|notice| notice.read || expiries(std::slice::from_ref(notice)).is_empty()));
    assert_eq!(expiries(&told_so_far(&mut events).await), expected, "the person was told once");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_saved_and_its_end_goes_into_a_calendar() -> Result<()> {
    let stage = Stage::set()?;
    let (certdesk, folder) = program_with_shelf(&stage)?;
    let journey = stage.journey_of(&certdesk, AccountKind::Enterprise, KeyAlgorithm::EcP256)?;
    let certificate = journey::run(&journey).await?.certificate;
    let fingerprint = certificate.fingerprint.clone();
    let saved = certdesk
        .save_certificate(fingerprint.clone(), CertificateEncoding::Pem)
        .await
        .map_err(failed)?
        .context("it was saved")?;
    assert_eq!(std::fs::read_to_string(folder.join(saved))?, certificate.pem);
    let saved = certdesk.save_calendar(fingerprint.clone()).await.map_err(failed)?.context("it was saved")?;
    assert_eq!(told(certdesk.save_calendar("no such".into()).await)?, LocalCode::Gone);
    let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).join("icalendar-venv");
    let Some(python) = stage::python_with(&venv, "icalendar", "icalendar==6.3.1") else { return Ok(()) };
    let script = "
import sys, icalendar
[event] = icalendar.Calendar.from_ical(open(sys.argv[1], 'rb').read()).walk('VEVENT')
print(event['UID'])
print(event['DTSTART'].dt.isoformat())
print(event['SUMMARY'])
print(*sorted(-alarm['TRIGGER'].dt.days for alarm in event.walk('VALARM')))
";
    let output = Command::new(python).args(["-c", script]).arg(folder.join(saved)).output()?;
    let said = String::from_utf8(output.stdout)?;
    let lines: Vec<_> = said.lines().collect();
    let [uid, start, summary, days] = &*lines else {
        panic!("another program reads one event: {said}{}", String::from_utf8_lossy(&output.stderr))
    };
    assert_eq!(*uid, format!("{fingerprint}@certdesk"));
    let end = serde_json::to_value(&certificate)?["not_after"].as_str().unwrap_or_default().to_owned();
    assert_eq!(start.replace("+00:00", "Z"), end, "it starts when the certificate ends");
    assert_eq!(*summary, "数字证书到期：福州云帆测试科技有限公司");
    let mut expected = certdesk.catalogue().await.map_err(failed)?.reminder_days;
    expected.sort_unstable();
    assert_eq!(*days, expected.iter().map(u16::to_string).collect::<Vec<_>>().join(" "), "an alarm each reminder day");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn local_data_is_handed_over_whole_and_deleted_to_the_last_byte() -> Result<()> {
    let stage = Stage::set()?;
    let (certdesk, folder) = program_with_shelf(&stage)?;
    let journey = stage.journey_of(&certdesk, AccountKind::Enterprise, KeyAlgorithm::EcP256)?;
    let account = journey.register().await?;
    let draft = journey.fill_in().await?;
    journey.hand_in(draft.id).await?;
    journey.be_approved(draft.id).await?;
    certdesk.notices().await.map_err(failed)?;
    certdesk.certificates().await.map_err(failed)?;
    certdesk.consents().await.map_err(failed)?;
    let next = certdesk.start_application(certdesk_domain::Business::New, None).await.map_err(failed)?;
    certdesk.save_field(next.id, "address.detail".into(), "第二稿的地址 9 号".into()).await.map_err(failed)?;

    let kinds = async || -> Result<BTreeSet<String>> {
        let items = certdesk.local_data().await.map_err(failed)?.items;
        Ok(items.into_iter().map(|item| format!("{:?}", item.kind)).collect())
    };
    let shown = kinds().await?;
    for kind in [
        LocalDataKind::Drafts,
        LocalDataKind::Forms,
        LocalDataKind::Attachments,
        LocalDataKind::Applications,
        LocalDataKind::Notices,
    ] {
        assert!(shown.contains(&format!("{kind:?}")), "{kind:?} is shown: {shown:?}");
    }
    let saved = certdesk.export_local_data().await.map_err(failed)?.context("it was saved")?;
    let text = std::fs::read_to_string(folder.join(saved))?;
    for own in ["王䶮", "11010519491231002X", "第二稿的地址 9 号", "pdf_b64", "个人信息"] {
        assert!(text.contains(own), "{own} is in what is handed over");
    }

    // A certificate on its way is not to be lost by this.
    let cache = stage.cache()?;
    let journal = |step: &str| certdesk_cache::Issuance {
        application: draft.id,
        token_id: "ab".repeat(32),
        algorithm: KeyAlgorithm::EcP256,
        step: step.into(),
        provisional_id: vec![7],
        key_id: None,
        spki: None,
        csr: None,
        certificate: None,
        chain: Vec::new(),
    };
    cache.put_issuance(&journal("written"))?;
    assert_eq!(told(certdesk.delete_local_data().await)?, LocalCode::IssuanceUnfinished);
    cache.put_issuance(&journal("confirmed"))?;
    drop(cache);

    certdesk.delete_local_data().await.map_err(failed)?;
    let home = certdesk.home().await.map_err(failed)?;
    assert!(home.session.is_none() && home.drafts.is_empty(), "and nobody is logged in any more");
    assert!(kinds().await?.iter().all(|kind| kind == "Public" || kind == "Settings"), "{:?}", kinds().await?);
    for file in files(&stage.scratch().join("client"))? {
        let bytes = std::fs::read(&file)?;
        let personal = ["王䶮", "11010519491231002X", PHONE, "云帆", "第二稿", "wang.yan@", account.as_str(), "CD2026"];
        for text in personal {
            let found = bytes.windows(text.len()).any(|window| window == text.as_bytes());
            assert!(!found, "{text} is still in {}", file.display());
        }
    }
    certdesk.log_in_with_password(account, journey::PASSWORD.into()).await.map_err(failed)?;
    let mine = certdesk.applications().await.map_err(failed)?;
    assert_eq!(mine.len(), 1, "what the service has stays");
    Ok(())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { all.extend(files(&path)?) } else { all.push(path) }
    }
    Ok(all)
}
