//! Keys that come and go, and certificates that are not theirs.

use std::time::Duration;

use anyhow::{Context, Result};
use base64::{Engine, prelude::BASE64_STANDARD};
use certdesk_cache::Issuance;
use certdesk_cli::journey::Journey;
use certdesk_controller::{
    Failure, LocalCode, Pin, PinEntry, Uuid,
    view::{Event, IssuanceStep, KeyState, KeyView, PinOutcome, PinPrompt, PinPurpose},
};
use certdesk_domain::{AccountKind, Business, State, token::KeyAlgorithm};
use journeys::{PIN, Stage, certified_in, early_renewal, failed, hand_in, told};

const LABEL: &str = "证办通测试锁";

#[tokio::test(flavor = "multi_thread")]
async fn a_key_pulled_between_prompt_and_pin_is_told_and_the_prompt_is_used_up() -> Result<()> {
    let stage = Stage::set()?;
    let (journey, case) = approved(&stage).await?;
    let prompt = prompt(&journey, case, LABEL).await?;
    let ticket = prompt.ticket.clone();
    stage.pull_keys()?;
    let code = told(give_pin(&journey, prompt).await)?;
    assert!(matches!(code, LocalCode::KeyRemoved | LocalCode::NoKey), "the key is missed in its own words: {code:?}");
    until_strip(&journey, |state| *state == KeyState::NoKey).await?;
    stage.plug_keys_in()?;
    until_strip(&journey, |state| *state == KeyState::Present).await?;
    let pin = Pin::from_bytes(PIN.into());
    let again = journey.controller.submit_pin(PinEntry { ticket, confirmed: false, pin }).await;
    assert_eq!(told(again)?, LocalCode::PromptGone, "a PIN never goes twice by one prompt");
    journey.make_certificate(case).await?;
    alone_on_the_key(&stage, LABEL)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_pulled_during_issuance_goes_on_where_it_was() -> Result<()> {
    for step in [IssuanceStep::KeyPair, IssuanceStep::Request, IssuanceStep::Certificate, IssuanceStep::Written] {
        let stage = Stage::set()?;
        let (journey, case) = approved(&stage).await?;
        let prompt = prompt(&journey, case, LABEL).await?;
        let mut events = journey.controller.events();
        let pulled = async {
            loop {
                match events.recv().await? {
                    Event::Issuance { issuance } if issuance.step == step => return stage.pull_keys(),
                    _ => {}
                }
            }
        };
        let (outcome, pulled) = tokio::join!(give_pin(&journey, prompt), pulled);
        pulled?;
        stage.plug_keys_in()?;
        // A software key that is pulled may still finish what it had begun; a key of metal does not.
        if outcome.is_err() {
            until_strip(&journey, |state| *state == KeyState::Present).await?;
            journey.make_certificate(case).await.with_context(|| format!("pulled at {step:?}: {outcome:?}"))?;
        }
        alone_on_the_key(&stage, LABEL).with_context(|| format!("pulled at {step:?}"))?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_begun_on_one_key_can_be_done_on_another() -> Result<()> {
    let stage = Stage::set()?;
    stage.key.add("另一把锁", PIN)?;
    let (journey, case) = approved(&stage).await?;
    // Begun on the first: its pair is made, and then the service is not asked.
    seed(&stage, &journey, case, |_| ()).await?;
    let outcome = give_pin(&journey, prompt(&journey, case, "另一把锁").await?).await.map_err(failed)?;
    assert!(matches!(outcome, PinOutcome::Issued { .. }), "the other key gets its certificate: {outcome:?}");
    alone_on_the_key(&stage, "另一把锁")?;
    let certificates = journey.controller.certificates().await.map_err(failed)?;
    assert_eq!(certificates.len(), 1, "there is one certificate: {certificates:?}");
    assert_eq!(certificates[0].on_keys.len(), 1, "on one key");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_for_another_key_is_refused_and_nothing_is_written() -> Result<()> {
    // Somebody else's certificate, real and of the same authority.
    let stage = Stage::set()?;
    stage.key.add("另一把锁", PIN)?;
    let (mut other, their_case) = approved(&stage).await?;
    other.key_label = Some(LABEL.to_owned());
    other.make_certificate(their_case).await?;
    let certificates = other.controller.certificates().await.map_err(failed)?;
    let foreign = der(&certificates.first().context("no certificate was issued")?.pem)?;
    other.controller.log_out().await.map_err(failed)?;

    let journey = stage.journey_of(&other.controller, AccountKind::Enterprise, KeyAlgorithm::EcP256)?;
    let case = approve(&journey).await?;
    seed_on(&stage, &journey, case, "另一把锁", |journal| journal.certificate = Some(foreign)).await?;
    let refused = give_pin(&journey, prompt(&journey, case, "另一把锁").await?).await;
    assert_eq!(told(refused)?, LocalCode::CertificateMismatch, "it belongs to another key");
    let listed = stage.pkcs11_tool("另一把锁", &["--list-objects"])?;
    assert!(!listed.contains("Certificate Object"), "nothing was written:\n{listed}");
    let state = journey.controller.application(case).await.map_err(failed)?.application.state;
    assert_eq!(state, State::AwaitingIssuance, "and the service was told nothing");

    let outcome = give_pin(&journey, prompt(&journey, case, "另一把锁").await?).await.map_err(failed)?;
    assert!(matches!(outcome, PinOutcome::Issued { .. }), "the next try asks for the right one: {outcome:?}");
    alone_on_the_key(&stage, "另一把锁")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_pair_that_was_lost_on_the_way_is_made_anew() -> Result<()> {
    let stage = Stage::set()?;
    let (journey, case) = approved(&stage).await?;
    seed(&stage, &journey, case, |journal| {
        // The pair it speaks of was on the key before the key was initialised anew.
        journal.spki = Some(b"a key that is not there any more".to_vec());
        journal.key_id = Some(vec![7; 20]);
        journal.csr = Some(vec![0x30, 0]);
    })
    .await?;
    journey.make_certificate(case).await?;
    alone_on_the_key(&stage, LABEL)
}

/// The certificate in a PEM text.
fn der(pem: &str) -> Result<Vec<u8>> {
    let text: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    Ok(BASE64_STANDARD.decode(text)?)
}

/// Registered, handed in, approved: a certificate is to be made.
/// What a write that failed left on the key is looked for by a new helper, in which nobody is logged in.
#[tokio::test(flavor = "multi_thread")]
async fn after_a_write_that_failed_the_key_asks_for_its_pin_and_the_session_goes_on() -> Result<()> {
    let stage = Stage::set_with_catalogue(early_renewal)?;
    let module = stage.faulty("libkey.so");
    let (journey, _) = certified_in(&stage, stage.program_with(&[&module])?, AccountKind::Enterprise).await?;
    let certdesk = &journey.controller;
    let held = certdesk.certificates().await.map_err(failed)?.pop().context("no certificate is shown")?;
    let draft = certdesk.start_application(Business::Renew, Some(held.serial)).await.map_err(failed)?;
    journey.complete(draft.id).await?;
    hand_in(&journey, draft.id).await?;

    let prompt = prompt(&journey, draft.id, LABEL).await?;
    let (pins, helpers) = (module.pin_tries(), module.count("C_Initialize"));
    module.play("C_GenerateKeyPair return CKR_ATTRIBUTE_VALUE_INVALID");
    let failure = give_pin(&journey, prompt).await.err().context("a key pair was made")?;
    assert!(failure.is(LocalCode::DriverFailed), "what the driver said is told: {failure:?}");
    assert!(failure.detail.is_some_and(|detail| detail.contains("CKR_ATTRIBUTE_VALUE_INVALID")), "in its own words");
    module.play("");
    let unsigned = certdesk.withdraw_application(draft.id).await;
    assert_eq!(
        told(unsigned)?,
        LocalCode::PinNeeded,
        "the next act of the session asks for the PIN, and says just that"
    );
    assert_eq!(module.count("C_Initialize"), helpers + 1, "for it is another helper now");
    assert_eq!(module.pin_tries(), pins + 1, "and no PIN went out but the one that was typed");
    assert!(certdesk.home().await.map_err(failed)?.session.is_some(), "the session goes on");
    journey.make_certificate(draft.id).await?;
    assert_eq!(module.pin_tries(), pins + 2, "with its PIN, typed again, the certificate is made");
    Ok(())
}

async fn approved(stage: &Stage) -> Result<(Journey, Uuid)> {
    let journey = stage.journey(AccountKind::Individual, KeyAlgorithm::EcP256)?;
    let case = approve(&journey).await?;
    Ok((journey, case))
}

async fn approve(journey: &Journey) -> Result<Uuid> {
    journey.register().await?;
    let draft = journey.fill_in().await?;
    journey.hand_in(draft.id).await?;
    journey.be_approved(draft.id).await?;
    Ok(draft.id)
}

async fn prompt(journey: &Journey, case: Uuid, label: &str) -> Result<PinPrompt> {
    let key = key(journey, label).await?.id;
    let purpose = PinPurpose::Issue { key, application: case, algorithm: KeyAlgorithm::EcP256 };
    journey.controller.prepare_pin(purpose).await.map_err(failed)
}

async fn give_pin(journey: &Journey, prompt: PinPrompt) -> Result<PinOutcome, Failure> {
    let pin = Pin::from_bytes(PIN.into());
    let confirmed = prompt.needs_confirmation;
    journey.controller.submit_pin(PinEntry { ticket: prompt.ticket, confirmed, pin }).await
}

async fn key(journey: &Journey, label: &str) -> Result<KeyView> {
    let strip = journey.controller.refresh_keys().await.map_err(failed)?;
    strip.keys.into_iter().find(|key| key.label == label).with_context(|| format!("no key {label} is plugged in"))
}

async fn until_strip(journey: &Journey, fits: impl Fn(&KeyState) -> bool) -> Result<()> {
    let seen = async {
        while !fits(&journey.controller.refresh_keys().await.map_err(failed)?.state) {
            tokio::task::yield_now().await;
        }
        Ok(())
    };
    tokio::time::timeout(Duration::from_secs(30), seen).await.context("the strip did not follow the key")?
}

async fn seed(stage: &Stage, journey: &Journey, case: Uuid, change: impl FnOnce(&mut Issuance)) -> Result<()> {
    seed_on(stage, journey, case, LABEL, change).await
}

/// Writes a journal as an earlier try could have left it.
async fn seed_on(
    stage: &Stage,
    journey: &Journey,
    case: Uuid,
    label: &str,
    change: impl FnOnce(&mut Issuance),
) -> Result<()> {
    let mut journal = Issuance {
        application: case,
        token_id: key(journey, label).await?.id,
        algorithm: KeyAlgorithm::EcP256,
        step: "key_pair".into(),
        provisional_id: vec![1; 16],
        key_id: None,
        spki: None,
        csr: None,
        certificate: None,
        chain: Vec::new(),
    };
    change(&mut journal);
    Ok(stage.cache()?.put_issuance(&journal)?)
}

/// One pair, one certificate, nothing left over.
fn alone_on_the_key(stage: &Stage, label: &str) -> Result<()> {
    let listed = stage.pkcs11_tool(label, &["--list-objects"])?;
    for what in ["Private Key Object", "Public Key Object", "Certificate Object"] {
        let count = listed.lines().filter(|line| line.starts_with(what)).count();
        anyhow::ensure!(count == 1, "{count} × {what} on the key:\n{listed}");
    }
    Ok(())
}
