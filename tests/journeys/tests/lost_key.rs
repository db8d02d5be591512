//! The key is gone: reported by code, revoked by a reviewer, and a new certificate made on another key.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use certdesk_cli::journey;
use certdesk_contract::{
    ProblemCode,
    account::{Circumstance, CodePurpose, ConsentSubject},
    announcement::AnnouncementQuery,
    application::Review,
    certificate::CertificateStatus,
    notice::NoticeSubject,
};
use certdesk_controller::{
    Controller, Failure, LocalCode, Pin, PinEntry, Uuid,
    announcements::RevocationStatus,
    failure::FailureCode,
    view::{IssuanceStep, PinOutcome, PinPurpose, Step, UploadState},
};
use certdesk_domain::{AccountKind, Business, FileKind, RevocationReason, State, token::KeyAlgorithm};
use journeys::{PIN, Stage, failed, specimens};

const CREDIT_CODE: &str = "91350100M000100Y43";
const NEW_KEY: &str = "补办的新锁";

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_key_is_reported_by_code_and_another_takes_its_place() -> Result<()> {
    let stage = Stage::set()?;
    stage.key.add(NEW_KEY, PIN)?;
    let mut journey = stage.journey(AccountKind::Enterprise, KeyAlgorithm::EcP256)?;
    journey.key_label = Some(stage.key.label.clone());
    let journey::Outcome { account, certificate: lost, .. } = journey::run(&journey).await?;
    let certdesk = &journey.controller;
    certdesk.log_out().await.map_err(failed)?;

    // 挂失, by the credit code and the phone on record.
    certdesk.request_code(CodePurpose::LostKey, CREDIT_CODE.into()).await.map_err(failed)?;
    let sms = certdesk.demo_sms().await.map_err(failed)?.remove(0).text;
    assert!(sms.contains("挂失") && sms.contains(&account), "the message says what it is for: {sms}");
    let code: String = sms.split_once("验证码：").context("no code")?.1.chars().take(6).collect();
    let report =
        async |code: &str| certdesk.report_lost_key(CREDIT_CODE.into(), code.to_owned(), Circumstance::Lost).await;
    expect(report("000000x").await, ProblemCode::WrongCode)?;
    let receipt = report(&code).await.map_err(failed)?;
    ensure!(receipt.numbers.len() == 1, "one certificate, one case: {receipt:?}");
    assert_eq!(report(&code).await.map_err(failed)?, receipt, "pressed once more it is the same report");

    let queue = certdesk.demo_queue().await.map_err(failed)?;
    let case = queue.iter().find(|case| case.number.as_ref() == receipt.numbers.first()).context("it is not queued")?;
    assert_eq!((case.business, case.state), (Business::Revoke, State::Submitted), "a reviewer decides");
    let not_yet = certdesk.log_in_with_password(account.clone(), journey::PASSWORD.into()).await;
    expect(not_yet, ProblemCode::CertificateLoginRequired)?;
    certdesk.demo_review(case.id, Review::Approve.into()).await.map_err(failed)?;

    // Revoked, for everybody to see.
    let file = stage.scratch().join("lost.pem");
    std::fs::write(&file, &lost.pem)?;
    let status = certdesk.check_revocation_at(file).await.map_err(failed)?.status;
    let RevocationStatus::Revoked { reason, .. } = status else { bail!("the list says {status:?}") };
    assert_eq!(reason, RevocationReason::KeyCompromise, "as the circumstance has it");
    let query = AnnouncementQuery { search: lost.serial.clone(), ..Default::default() };
    let announced = certdesk.announcements(query).await.map_err(failed)?.announcements;
    ensure!(announced.len() == 1, "it is announced: {announced:?}");
    let refused = log_in(certdesk, &stage.key.label).await.err().context("the lost key logged in")?;
    assert_eq!(refused.code, FailureCode::Service(ProblemCode::CertificateRevoked), "whoever found it gets nowhere");

    // Back by password; 补办 is offered.
    let session = certdesk.log_in_with_password(account.clone(), journey::PASSWORD.into()).await.map_err(failed)?;
    assert_eq!(session.account.businesses, [Business::Replace], "what is left to do");
    let told = certdesk.notices().await.map_err(failed)?.notices;
    let revoked =
        |subject: &NoticeSubject| matches!(subject, NoticeSubject::Revoked { serial, .. } if *serial == lost.serial);
    ensure!(told.iter().any(|notice| revoked(&notice.subject)), "its owner is told: {told:?}");

    let id = hand_in_replacement(certdesk).await?;
    certdesk.demo_review(id, Review::Approve.into()).await.map_err(failed)?;
    let key = key(certdesk, NEW_KEY).await.map_err(failed)?;
    let purpose = PinPurpose::Issue { key: key.clone(), application: id, algorithm: KeyAlgorithm::EcP256 };
    let outcome = give_pin(certdesk, purpose).await.map_err(failed)?;
    let PinOutcome::Issued { issuance } = outcome else { bail!("the PIN led to {outcome:?}") };
    assert_eq!(issuance.step, IssuanceStep::Confirmed, "the new certificate is on the new key");

    let certificates = certdesk.certificates().await.map_err(failed)?;
    let new = certificates.iter().find(|held| held.on_keys.contains(&key)).context("it is not seen on the new key")?;
    assert_eq!((new.status, &new.holder), (Some(CertificateStatus::Active), &lost.holder));
    let old = certificates.iter().find(|held| held.serial == lost.serial).context("the lost one is not listed")?;
    assert_eq!(old.status, Some(CertificateStatus::Revoked));
    certdesk.log_out().await.map_err(failed)?;
    let session = log_in(certdesk, NEW_KEY).await.map_err(failed)?;
    let PinOutcome::LoggedIn { session } = session else { bail!("the new key led to {session:?}") };
    assert_eq!(session.account.name, account, "the new key logs in");
    Ok(())
}

/// 补办 up to the reviewer.
async fn hand_in_replacement(certdesk: &Controller) -> Result<Uuid> {
    let id = certdesk.start_application(Business::Replace, None).await.map_err(failed)?.id;
    let draft = certdesk.make_form(id).await.map_err(failed)?;
    let version = certdesk.catalogue().await.map_err(failed)?.sensitive_data.version;
    certdesk.accept_consent(ConsentSubject::SensitiveData, version).await.map_err(failed)?;
    for row in &draft.files {
        for _ in 0..row.requirement.min_count {
            let video = row.requirement.kinds.contains(&FileKind::Mp4);
            let picture = row.requirement.kinds.contains(&FileKind::Jpeg);
            let name = if video {
                "承诺视频.mp4"
            } else if picture {
                "营业执照.jpg"
            } else {
                "授权委托书.pdf"
            };
            let file = specimens()?.join(name);
            certdesk.add_files(id, row.requirement.id.clone(), vec![file]).await.map_err(failed)?;
        }
    }
    let mut events = certdesk.events();
    let sent = async {
        loop {
            let draft = certdesk.draft(id).await.map_err(failed)?;
            if draft.files.iter().flat_map(|row| &row.attachments).all(|file| file.upload == UploadState::Done) {
                return anyhow::Ok(());
            }
            // Any event may be the one; a lagged reader simply looks again.
            let _ = events.recv().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), sent).await.context("the uploads stand still")??;
    certdesk.save_step(id, Step::Submit).await.map_err(failed)?;
    certdesk.submit(id, true).await.map_err(failed)?;
    Ok(id)
}

async fn log_in(certdesk: &Controller, label: &str) -> Result<PinOutcome, Failure> {
    let key = key(certdesk, label).await?;
    give_pin(certdesk, PinPurpose::LogIn { key }).await
}

async fn give_pin(certdesk: &Controller, purpose: PinPurpose) -> Result<PinOutcome, Failure> {
    let prompt = certdesk.prepare_pin(purpose).await?;
    let pin = Pin::from_bytes(PIN.as_bytes().to_vec());
    certdesk.submit_pin(PinEntry { ticket: prompt.ticket, confirmed: prompt.needs_confirmation, pin }).await
}

/// The key of that label.
async fn key(certdesk: &Controller, label: &str) -> Result<String, Failure> {
    let keys = certdesk.refresh_keys().await?.keys;
    Ok(keys.into_iter().find(|key| key.label == label).ok_or(LocalCode::NoKey)?.id)
}

fn expect<T: std::fmt::Debug>(answer: Result<T, Failure>, code: ProblemCode) -> Result<()> {
    let failure = answer.err().context("it went through where it must not")?;
    ensure!(failure.code == FailureCode::Service(code), "expected {code:?}, got {failure:?}");
    Ok(())
}
