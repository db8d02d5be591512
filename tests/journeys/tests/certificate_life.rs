//! The life of a certificate after its first day: renewed, changed, given up, lost, and replaced; on the key that the
//! program works with and at the service, both real.

use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use certdesk_cli::journey::{self, Journey};
use certdesk_contract::{ProblemCode, certificate::CertificateStatus};
use certdesk_controller::{
    Controller, Failure, LocalCode, Pin, PinEntry, Uuid,
    failure::FailureCode,
    view::{CertificateView, DraftView, IssuanceStep, KeyView, PinOutcome, PinPurpose, Step},
};
use certdesk_domain::{AccountKind, Business, RevocationReason, State, token::KeyAlgorithm};
use journeys::{PIN, Stage, certified, early_renewal, failed, hand_in, told};

const OTHER_KEY: &str = "另一把锁";

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_renewed_on_its_key_and_the_old_one_can_go() -> Result<()> {
    let stage = Stage::set_with_catalogue(early_renewal)?;
    let (journey, account) = certified(&stage, AccountKind::Enterprise).await?;
    let certdesk = &journey.controller;
    let old = only(certdesk.certificates().await.map_err(failed)?)?;
    assert_eq!(old.businesses, [Business::Change, Business::Renew, Business::Revoke], "all that can be begun about it");
    assert!(old.renewal.is_some(), "and from when to when it can be renewed");

    let draft = certdesk.start_application(Business::Renew, Some(old.serial.clone())).await.map_err(failed)?;
    let again = certdesk.start_application(Business::Renew, Some(old.serial.clone())).await.map_err(failed)?;
    assert_eq!(draft.id, again.id, "opened twice it is one draft");
    assert_eq!(draft.certificate.as_ref().map(|held| &held.fingerprint), Some(&old.fingerprint), "about this one");
    assert_eq!(draft.handler.phone, "13800138001", "the handler of the last case is there already");
    let other = certdesk.start_application(Business::Change, Some(old.serial.clone())).await;
    assert_eq!(refusal(other)?, ProblemCode::CertificateBusy, "one thing at a time about one certificate");
    journey.complete(draft.id).await?;
    hand_in(&journey, draft.id).await?;

    let issuance = certdesk.application(draft.id).await.map_err(failed)?.issuance.context("no certificate is due")?;
    assert_eq!(issuance.key.as_ref(), old.on_keys.first(), "the key that holds the old one is the one to take");
    journey.make_certificate(draft.id).await?;
    assert!(certdesk.home().await.map_err(failed)?.session.is_some(), "the session goes on");

    let certificates = certdesk.certificates().await.map_err(failed)?;
    ensure!(certificates.len() == 2, "the old one and the new one: {certificates:?}");
    let (new, old) = (&certificates[0], &certificates[1]);
    assert_eq!(new.status, Some(CertificateStatus::Active), "the new one is in force");
    assert!(new.not_after > old.not_after, "and ends later, by what was left of the old one");
    assert_eq!(old.successor.as_ref(), Some(&new.serial), "it took the place of the old one");
    let reason = old.revocation.as_ref().map(|revocation| revocation.reason);
    assert_eq!(reason, Some(RevocationReason::Superseded), "which is revoked for that reason");

    let key = new.on_keys.first().context("the new one is on no key")?.clone();
    let purpose = |held: &CertificateView| PinPurpose::RemoveCertificate {
        key: key.clone(),
        fingerprint: held.fingerprint.clone(),
    };
    let kept = certdesk.prepare_pin(purpose(new)).await;
    assert_eq!(told(kept)?, LocalCode::CertificateInUse, "what is in force is not removed");
    let outcome = journey.give_pin(purpose(old), PIN).await?;
    assert!(matches!(outcome, PinOutcome::Removed), "the old one goes: {outcome:?}");
    alone_on_the_key(&stage, &stage.key.label)?;
    journey.log_in_with_key(&account).await?;
    let gone = certdesk.prepare_pin(purpose(old)).await;
    assert_eq!(told(gone)?, LocalCode::Gone, "and is not there any more");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_that_was_cut_short_is_finished_the_next_time() -> Result<()> {
    let stage = Stage::set_with_catalogue(early_renewal)?;
    let (journey, account) = certified(&stage, AccountKind::Individual).await?;
    let old = only(journey.controller.certificates().await.map_err(failed)?)?;
    renew(&journey, &old).await?;
    // Cut after each of the steps: first the private key goes, then the public one.
    for class in ["privkey", "pubkey"] {
        let id = key_id_of(&stage, &old)?;
        stage.pkcs11_tool(&stage.key.label, &["--delete-object", "--type", class, "--id", &id])?;
        journey.controller.refresh_keys().await.map_err(failed)?;
        let seen = journey.controller.certificates().await.map_err(failed)?;
        let seen = seen.iter().find(|held| held.fingerprint == old.fingerprint).context("it is not seen any more")?;
        ensure!(!seen.on_keys.is_empty(), "what is left of it is seen on the key, so that it can be removed");
    }
    let key = old.on_keys.first().context("it is on no key")?.clone();
    let purpose = PinPurpose::RemoveCertificate { key, fingerprint: old.fingerprint };
    let outcome = journey.give_pin(purpose, PIN).await?;
    assert!(matches!(outcome, PinOutcome::Removed), "the rest goes: {outcome:?}");
    alone_on_the_key(&stage, &stage.key.label)?;
    journey.log_in_with_key(&account).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_name_makes_a_new_certificate_and_the_old_one_is_superseded() -> Result<()> {
    const NAME: &str = "福州远航测试科技有限公司";
    let stage = Stage::set()?;
    let (journey, account) = certified(&stage, AccountKind::Enterprise).await?;
    let certdesk = &journey.controller;
    let old = only(certdesk.certificates().await.map_err(failed)?)?;
    assert!(!old.businesses.contains(&Business::Renew), "a year before its end there is nothing to renew");
    let early = certdesk.start_application(Business::Renew, Some(old.serial.clone())).await;
    assert!(early.is_err(), "and nothing is begun");

    let draft = certdesk.start_application(Business::Change, Some(old.serial.clone())).await.map_err(failed)?;
    assert!(draft.faults.iter().any(|fault| fault.field == "change"), "a change changes something");
    let field = |field: &str| format!("change.organisation.{field}");
    let typed = certdesk.save_field(draft.id, field("name"), NAME.into()).await.map_err(failed)?;
    assert_eq!(typed.particulars.changes.len(), 1, "the new name is kept");
    let now = draft.change_fields.iter().find(|change| change.field == "organisation.name").context("no such field")?;
    let back = certdesk.save_field(draft.id, field("name"), now.now.clone()).await.map_err(failed)?;
    assert!(back.particulars.changes.is_empty(), "typing the old name takes it back");
    let closed = certdesk.save_field(draft.id, "change.contact.name".into(), "李测试".into()).await;
    assert!(closed.is_err(), "what the service does not let change is not taken");
    certdesk.save_field(draft.id, field("name"), NAME.into()).await.map_err(failed)?;
    journey.complete(draft.id).await?;
    hand_in(&journey, draft.id).await?;
    journey.make_certificate(draft.id).await?;

    let certificates = certdesk.certificates().await.map_err(failed)?;
    ensure!(certificates.len() == 2, "the old one and the new one: {certificates:?}");
    let (new, old) = (&certificates[0], &certificates[1]);
    assert_eq!(new.holder, NAME, "the new name stands in the new certificate");
    assert_eq!(old.status, Some(CertificateStatus::Revoked), "the old one is revoked");
    let session = certdesk.home().await.map_err(failed)?.session.context("the session ended")?;
    assert_eq!(session.account.registration.organisation.map(|unit| unit.name).as_deref(), Some(NAME));
    openssl_verifies(&stage, new).await?;
    certdesk.applications().await.map_err(failed)?;
    let session = journey.log_in_with_key(&account).await?;
    assert_eq!(session.account.name, account, "the new one logs in, though both are on the key");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_gives_a_certificate_up_says_why_and_signs_it() -> Result<()> {
    let stage = Stage::set()?;
    let (journey, account) = certified(&stage, AccountKind::Individual).await?;
    let certdesk = &journey.controller;
    let held = only(certdesk.certificates().await.map_err(failed)?)?;
    let draft = certdesk.start_application(Business::Revoke, Some(held.serial.clone())).await.map_err(failed)?;
    assert_eq!(draft.steps, [Step::Submit], "there is nothing to make and nothing to upload");
    let silent = certdesk.submit(draft.id, true).await;
    assert!(silent.is_err(), "without a reason it is not taken");
    let odd = certdesk.save_field(draft.id, "reason".into(), "ca_compromise".into()).await.map_err(failed)?;
    assert!(odd.faults.iter().any(|fault| fault.field == "reason"), "a reason nobody may choose is told at once");
    certdesk.save_field(draft.id, "reason".into(), "cessation_of_operation".into()).await.map_err(failed)?;
    let unsigned = certdesk.submit(draft.id, true).await;
    assert_eq!(told(unsigned)?, LocalCode::PinNeeded, "it is never done without the PIN");
    let key = held.on_keys.first().context("it is on no key")?.clone();
    let purpose = PinPurpose::Submit { key, draft: draft.id, declared_true: true };
    let outcome = journey.give_pin(purpose, PIN).await?;
    let PinOutcome::Submitted { receipt } = outcome else { bail!("the PIN led to {outcome:?}") };
    assert_eq!(receipt.receipt.application.state, State::Completed, "signed by its own key it is done at once");
    certdesk.log_out().await.map_err(failed)?;
    let session = certdesk.log_in_with_password(account, journey::PASSWORD.into()).await.map_err(failed)?;
    assert_eq!(session.account.businesses, [Business::New], "the password logs in again, and all begins anew");
    let gone = only(certdesk.certificates().await.map_err(failed)?)?;
    let reason = gone.revocation.map(|revocation| revocation.reason);
    assert_eq!(reason, Some(RevocationReason::CessationOfOperation), "it is revoked for the reason given");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_revoked_while_logged_in_ends_the_session_and_is_replaced_on_another_key() -> Result<()> {
    let stage = Stage::set()?;
    stage.key.add(OTHER_KEY, PIN)?;
    let (mut journey, account) = certified(&stage, AccountKind::Individual).await?;
    let certdesk = journey.controller.clone();
    let lost = only(certdesk.certificates().await.map_err(failed)?)?;
    revoke_at_the_service(&stage, &lost.serial)?;
    let next = certdesk.applications().await;
    assert_eq!(refusal(next)?, ProblemCode::CertificateRevoked, "the next act says why it is refused");
    until(&certdesk, "the session ends", async |home| home.session.is_none()).await?;
    let key = certdesk.refresh_keys().await.map_err(failed)?.keys.into_iter().find(|key| key.can_log_in);
    let refused = log_in(&certdesk, &key.context("the lost key is plugged in")?.id).await;
    assert_eq!(refusal(refused)?, ProblemCode::CertificateRevoked, "nor does it log in again");

    let session = certdesk.log_in_with_password(account.clone(), journey::PASSWORD.into()).await.map_err(failed)?;
    assert_eq!(session.account.businesses, [Business::Replace], "补办 is offered, and nothing else");
    let draft = certdesk.start_application(Business::Replace, None).await.map_err(failed)?;
    journey.complete(draft.id).await?;
    hand_in(&journey, draft.id).await?;
    journey.key_label = Some(OTHER_KEY.to_owned());
    journey.make_certificate(draft.id).await?;
    alone_on_the_key(&stage, OTHER_KEY)?;
    journey.log_in_with_key(&account).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn two_keys_are_renewed_in_one_sitting() -> Result<()> {
    let stage = Stage::set_with_catalogue(early_renewal)?;
    stage.key.add(OTHER_KEY, PIN)?;
    let journey = stage.journey(AccountKind::Individual, KeyAlgorithm::EcP256)?;
    journey.register().await?;
    let certdesk = &journey.controller;
    // Two cases of 新办 that were under way together make two certificates.
    let mut cases = Vec::new();
    for _ in 0..2 {
        let draft = certdesk.start_application(Business::New, None).await.map_err(failed)?;
        journey.complete(draft.id).await?;
        hand_in(&journey, draft.id).await?;
        cases.push(draft.id);
    }
    let (here, there) = (key(certdesk, &stage.key.label).await?, key(certdesk, OTHER_KEY).await?);
    let (one, other) = tokio::join!(issue(certdesk, &here.id, cases[0]), issue(certdesk, &there.id, cases[1]));
    one?;
    other?;
    certdesk.log_out().await.map_err(failed)?;
    log_in(certdesk, &here.id).await.map_err(failed)?;

    let before = certdesk.certificates().await.map_err(failed)?;
    ensure!(before.len() == 2, "a certificate on each key: {before:?}");
    for held in &before {
        let draft = certdesk.start_application(Business::Renew, Some(held.serial.clone())).await.map_err(failed)?;
        assert_eq!(draft.certificate.as_ref().map(|about| &about.serial), Some(&held.serial), "each has its own draft");
        journey.complete(draft.id).await?;
        hand_in(&journey, draft.id).await?;
        let view = certdesk.application(draft.id).await.map_err(failed)?.issuance.context("no certificate is due")?;
        assert_eq!(view.key.as_ref(), held.on_keys.first(), "each is renewed on the key that holds it");
        issue(certdesk, &view.key.context("no key")?, draft.id).await?;
        assert!(certdesk.home().await.map_err(failed)?.session.is_some(), "all in one session");
    }
    let after = certdesk.certificates().await.map_err(failed)?;
    let good: Vec<_> = after.iter().filter(|held| held.status == Some(CertificateStatus::Active)).collect();
    ensure!(good.len() == 2 && after.len() == 4, "two in force, two superseded: {after:?}");
    for key in [&here.id, &there.id] {
        assert!(good.iter().any(|held| held.on_keys == [key.clone()]), "one in force on each key");
        certdesk.log_out().await.map_err(failed)?;
        log_in(certdesk, key).await.map_err(failed)?;
    }
    Ok(())
}

async fn renew(journey: &Journey, held: &CertificateView) -> Result<DraftView> {
    let certdesk = &journey.controller;
    let draft = certdesk.start_application(Business::Renew, Some(held.serial.clone())).await.map_err(failed)?;
    journey.complete(draft.id).await?;
    hand_in(journey, draft.id).await?;
    journey.make_certificate(draft.id).await?;
    Ok(draft)
}

async fn issue(certdesk: &Controller, key: &str, application: Uuid) -> Result<()> {
    let purpose = PinPurpose::Issue { key: key.to_owned(), application, algorithm: KeyAlgorithm::EcP256 };
    let outcome = give_pin(certdesk, purpose).await.map_err(failed)?;
    let PinOutcome::Issued { issuance } = outcome else { bail!("the PIN led to {outcome:?}") };
    ensure!(issuance.step == IssuanceStep::Confirmed, "issuance stopped at {:?}", issuance.step);
    Ok(())
}

async fn log_in(certdesk: &Controller, key: &str) -> Result<PinOutcome, Failure> {
    give_pin(certdesk, PinPurpose::LogIn { key: key.to_owned() }).await
}

async fn give_pin(certdesk: &Controller, purpose: PinPurpose) -> Result<PinOutcome, Failure> {
    let prompt = certdesk.prepare_pin(purpose).await?;
    let entry = PinEntry { ticket: prompt.ticket, confirmed: false, pin: Pin::from_bytes(PIN.into()) };
    certdesk.submit_pin(entry).await
}

async fn key(certdesk: &Controller, label: &str) -> Result<KeyView> {
    let strip = certdesk.refresh_keys().await.map_err(failed)?;
    strip.keys.into_iter().find(|key| key.label == label).with_context(|| format!("no key {label} is plugged in"))
}

fn revoke_at_the_service(stage: &Stage, serial: &str) -> Result<()> {
    let output = Command::new(stage::program("certdesk-service")?)
        .arg("revoke")
        .arg("--data")
        .arg(stage.service_data())
        .args(["--serial", serial, "--reason", "key_compromise"])
        .output()?;
    ensure!(output.status.success(), "the administrator could not revoke: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// OpenSSL, who knows nothing of us, verifies the chain.
async fn openssl_verifies(stage: &Stage, certificate: &CertificateView) -> Result<()> {
    let folder = stage.scratch();
    let (leaf, chain) = (folder.join("leaf.pem"), folder.join("chain.pem"));
    std::fs::write(&leaf, &certificate.pem)?;
    let ca = stage.service_data().join("ca");
    let mut all = String::new();
    for entry in std::fs::read_dir(&ca)? {
        let text = std::fs::read_to_string(entry?.path()).unwrap_or_default();
        if text.contains("BEGIN CERTIFICATE") {
            all.push_str(&text);
        }
    }
    std::fs::write(&chain, all)?;
    let output = Command::new("openssl").arg("verify").arg("-CAfile").arg(&chain).arg(&leaf).output()?;
    ensure!(output.status.success(), "openssl: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// `CKA_ID` of a certificate on the key, hex.
fn key_id_of(stage: &Stage, held: &CertificateView) -> Result<String> {
    let listed = stage.pkcs11_tool(&stage.key.label, &["--list-objects", "--type", "cert"])?;
    let objects = listed.split("Certificate Object").skip(1);
    let serial = |object: &&str| {
        let digits: String = object.lines().find(|line| line.contains("serial:")).unwrap_or_default().to_lowercase();
        digits.replace([' ', ':'], "").contains(&held.serial)
    };
    let object = objects.into_iter().find(serial).with_context(|| format!("no such certificate:\n{listed}"))?;
    let id = object.lines().find_map(|line| line.trim().strip_prefix("ID:")).context("it has no id")?;
    Ok(id.trim().to_owned())
}

fn only<T: std::fmt::Debug>(mut all: Vec<T>) -> Result<T> {
    ensure!(all.len() == 1, "one is expected: {all:?}");
    all.pop().context("there is none")
}

fn refusal<T>(answer: Result<T, Failure>) -> Result<ProblemCode> {
    match answer {
        Err(Failure { code: FailureCode::Service(code), .. }) => Ok(code),
        Err(other) => bail!("{other:?}"),
        Ok(_) => bail!("it went through where it must not"),
    }
}

async fn until(
    certdesk: &Controller,
    what: &str,
    fits: impl AsyncFn(&certdesk_controller::view::Home) -> bool,
) -> Result<()> {
    let mut events = certdesk.events();
    let seen = async {
        while !fits(&certdesk.home().await.map_err(failed)?).await {
            let _ = tokio::time::timeout(std::time::Duration::from_millis(100), events.recv()).await;
        }
        Ok(())
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), seen).await.with_context(|| what.to_owned())?
}

/// One pair, one certificate, nothing left over.
fn alone_on_the_key(stage: &Stage, label: &str) -> Result<()> {
    let listed = stage.pkcs11_tool(label, &["--list-objects"])?;
    for what in ["Private Key Object", "Public Key Object", "Certificate Object"] {
        let count = listed.lines().filter(|line| line.starts_with(what)).count();
        ensure!(count == 1, "{count} × {what} on the key:\n{listed}");
    }
    Ok(())
}
