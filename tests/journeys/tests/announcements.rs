//! 注销公告: a certificate is revoked; everybody can find it, nobody takes it for good, and its owner gets in again.

use std::{path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use certdesk_cli::journey::{self, Outcome};
use certdesk_contract::{ProblemCode, announcement::AnnouncementQuery};
use certdesk_controller::{
    Controller, Failure, Pin, PinEntry,
    announcements::{RevocationStatus, UnknownWhy},
    failure::FailureCode,
    view::PinPurpose,
};
use certdesk_domain::{AccountKind, RevocationReason, token::KeyAlgorithm};
use journeys::{PIN, Stage};
use stage::program;

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_certificate_is_announced_and_its_owner_logs_in_by_password_again() -> Result<()> {
    let mut stage = Stage::set()?;
    let journey = stage.journey(AccountKind::Enterprise, KeyAlgorithm::EcP256)?;
    let Outcome { certificate, account, .. } = journey::run(&journey).await?;
    let certdesk = &journey.controller;
    let key = certificate.on_keys.first().context("the certificate is on no key")?.clone();
    let file = stage.scratch().join("证书.pem");
    std::fs::write(&file, &certificate.pem)?;

    let RevocationStatus::Good { crl_number: before, .. } = status(certdesk, &file).await? else {
        panic!("before its revocation it is {:?}", status(certdesk, &file).await?)
    };
    assert!(found(certdesk, "云帆").await?.is_empty(), "and not announced");

    let by_administrator = Command::new(program("certdesk-service")?)
        .args(["revoke", "--serial", &certificate.serial, "--reason", "key_compromise", "--data"])
        .arg(stage.scratch().join("service/data"))
        .output()?;
    ensure!(by_administrator.status.success(), "{}", String::from_utf8_lossy(&by_administrator.stderr));

    for words in ["云帆", &*certificate.serial] {
        let announced = found(certdesk, words).await?;
        assert_eq!(announced, [&*certificate.serial], "{words} finds the announcement");
    }
    let answer = certdesk.check_revocation_of_key(key.clone()).await.map_err(failed)?;
    assert_eq!(answer.certificate.holder, certificate.holder, "the key's certificate was asked about");
    let RevocationStatus::Revoked { reason, crl_number, .. } = answer.status else { panic!("{:?}", answer.status) };
    assert_eq!(reason, RevocationReason::KeyCompromise, "the reason comes from the list itself");
    assert!(crl_number > before, "a new list says so");
    assert!(matches!(status(certdesk, &file).await?, RevocationStatus::Revoked { .. }), "the file says the same");

    // Its session is over, its key is refused, its password is good again.
    let _ = certdesk.log_out().await;
    let prompt = certdesk.prepare_pin(PinPurpose::LogIn { key }).await.map_err(failed)?;
    let entry = PinEntry { ticket: prompt.ticket, confirmed: false, pin: Pin::from_bytes(PIN.as_bytes().to_vec()) };
    let refused = certdesk.submit_pin(entry).await.err().context("the revoked certificate logged in")?;
    assert_eq!(refused.code, FailureCode::Service(ProblemCode::CertificateRevoked), "in its own words");
    certdesk.log_in_with_password(account, journey::PASSWORD.to_owned()).await.map_err(failed)?;

    // Offline: what is revoked stays so; who has no list knows nothing.
    stage.service.kill();
    assert!(matches!(status(certdesk, &file).await?, RevocationStatus::Revoked { .. }), "once revoked, for good");
    let mut options = stage.options()?;
    options = journeys::kept_at(options, stage.scratch().join("another computer"));
    let another = Controller::start(options);
    let offline = RevocationStatus::Unknown { why: UnknownWhy::Offline };
    assert_eq!(status(&another, &file).await?, offline, "without a list nothing is certain, and nothing good");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_another_authority_is_never_called_good() -> Result<()> {
    let stage = Stage::set()?;
    let certdesk = Controller::start(stage.options()?);
    // The root vouches for the authority; it is not the authority's own.
    let root = Path::new(stage.service.ready.text("root_certificate")?);
    let unknown = RevocationStatus::Unknown { why: UnknownWhy::OtherIssuer };
    assert_eq!(status(&certdesk, root).await?, unknown, "its list says nothing of other issuers' certificates");
    Ok(())
}

async fn status(certdesk: &Controller, file: &Path) -> Result<RevocationStatus> {
    Ok(certdesk.check_revocation_at(file.to_owned()).await.map_err(failed)?.status)
}

/// Serial numbers of what is announced.
async fn found(certdesk: &Controller, search: &str) -> Result<Vec<String>> {
    let query = AnnouncementQuery { search: search.to_owned(), ..Default::default() };
    let page = certdesk.announcements(query).await.map_err(failed)?;
    Ok(page.announcements.into_iter().map(|one| one.serial).collect())
}

fn failed(failure: Failure) -> anyhow::Error {
    anyhow::anyhow!("{failure:?}")
}
