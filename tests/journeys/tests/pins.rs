//! 我的认证锁: whatever is done with the PIN of a key, from the prompt to the module, where each try is counted.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use certdesk_controller::{
    Controller, Failure, LocalCode, Pin, PinEntry,
    view::{CertificateEncoding, Event, KeyView, ObjectClass, PinOutcome, PinPurpose},
};
use certdesk_domain::{
    AccountKind,
    token::{KeyAlgorithm, PinTries},
};
use journeys::{PIN, Stage, certified, failed, told, with_certificate};
use softhsm_lab::{FaultyModule, SO_PIN};
use tokio::task::JoinHandle;

const NEW: &str = "246824";

#[tokio::test(flavor = "multi_thread")]
async fn a_new_pin_logs_in_and_the_old_one_does_not() -> Result<()> {
    let stage = Stage::set()?;
    let (journey, _) = certified(&stage, AccountKind::Enterprise).await?;
    let certdesk = &journey.controller;
    let key = key(certdesk).await?.id;
    let change = || PinPurpose::ChangePin { key: key.clone() };

    let wrong = give(certdesk, change(), &two("000000", NEW)).await.map_err(failed)?;
    assert!(matches!(wrong, PinOutcome::Refused { tries: PinTries::Few }), "the old PIN is wrong: {wrong:?}");
    assert_eq!(told(give(certdesk, change(), &two(PIN, "12")).await)?, LocalCode::NewPinLength);
    assert_eq!(told(give(certdesk, change(), &two("1", NEW)).await)?, LocalCode::PinLength, "no PIN is this short");
    assert_eq!(told(give(certdesk, change(), b"\x09135").await)?, LocalCode::BadCommand, "these are no two PINs");
    let changed = give(certdesk, change(), &two(PIN, NEW)).await.map_err(failed)?;
    assert!(matches!(changed, PinOutcome::PinChanged), "{changed:?}");

    let log_in = || PinPurpose::LogIn { key: key.clone() };
    let old = give(certdesk, log_in(), PIN.as_bytes()).await.map_err(failed)?;
    assert!(matches!(old, PinOutcome::Refused { .. }), "the old PIN is worth nothing: {old:?}");
    let new = give(certdesk, log_in(), NEW.as_bytes()).await.map_err(failed)?;
    assert!(matches!(new, PinOutcome::LoggedIn { .. }), "the new one logs in: {new:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_key_is_unblocked_by_its_security_officer() -> Result<()> {
    let stage = Stage::set()?;
    let (certdesk, faulty) = behind(&stage, "tries 3\nso-tries 3")?;
    let id = key(&certdesk).await?.id;
    let show = || PinPurpose::ShowObjects { key: id.clone() };
    for (left, tries) in [PinTries::Few, PinTries::Last, PinTries::Locked].into_iter().enumerate() {
        let prompt = certdesk.prepare_pin(show()).await.map_err(failed)?;
        assert_eq!(prompt.needs_confirmation, left == 2, "the last try, and it alone, wants a yes");
        if prompt.needs_confirmation {
            let unsure = PinEntry { ticket: prompt.ticket, confirmed: false, pin: pin(b"000000") };
            assert_eq!(told(certdesk.submit_pin(unsure).await)?, LocalCode::LastTryUnconfirmed);
        }
        let outcome = give(&certdesk, show(), b"000000").await.map_err(failed)?;
        ensure!(matches!(outcome, PinOutcome::Refused { tries: now } if now == tries), "{tries:?}, not {outcome:?}");
    }
    assert_eq!(faulty.pin_tries(), 3, "three wrong PINs were sent, and nothing beside them");
    assert_eq!(told(certdesk.prepare_pin(show()).await)?, LocalCode::PinLocked);
    assert_eq!(told(certdesk.prepare_pin(PinPurpose::ChangePin { key: id.clone() }).await)?, LocalCode::PinLocked);

    let unblock = || PinPurpose::Unblock { key: id.clone() };
    let wrong = give(&certdesk, unblock(), &two("00000000", NEW)).await.map_err(failed)?;
    assert!(matches!(wrong, PinOutcome::Refused { tries: PinTries::Few }), "the SO PIN is wrong: {wrong:?}");
    let view = key(&certdesk).await?;
    assert_eq!((view.tries, view.so_tries), (PinTries::Locked, PinTries::Few), "each PIN has tries of its own");
    assert_eq!(told(give(&certdesk, unblock(), &two(SO_PIN, "1")).await)?, LocalCode::NewPinLength);
    assert_eq!(faulty.pin_tries(), 4, "a new PIN that cannot be costs no try");
    let done = give(&certdesk, unblock(), &two(SO_PIN, NEW)).await.map_err(failed)?;
    assert!(matches!(done, PinOutcome::Unblocked), "{done:?}");
    assert_eq!(key(&certdesk).await?.tries, PinTries::NoWarning, "all tries are back");
    let open = give(&certdesk, show(), NEW.as_bytes()).await.map_err(failed)?;
    assert!(matches!(open, PinOutcome::Objects { .. }), "the new PIN opens the key: {open:?}");
    assert_eq!(faulty.pin_tries(), 6);
    Ok(())
}

/// The last try of the security officer's PIN wants a yes too, and then there is no way back.
#[tokio::test(flavor = "multi_thread")]
async fn the_security_officers_last_try_wants_a_yes() -> Result<()> {
    let stage = Stage::set()?;
    let (certdesk, faulty) = behind(&stage, "tries 3\nso-tries 1")?;
    let id = key(&certdesk).await?.id;
    let unblock = || PinPurpose::Unblock { key: id.clone() };
    faulty.play("tries 3\nso-tries 2");
    let wrong = give(&certdesk, unblock(), &two("00000000", NEW)).await.map_err(failed)?;
    assert!(matches!(wrong, PinOutcome::Refused { tries: PinTries::Last }), "{wrong:?}");
    let prompt = certdesk.prepare_pin(unblock()).await.map_err(failed)?;
    assert!(prompt.needs_confirmation, "it is the last try");
    let unsure = PinEntry { ticket: prompt.ticket, confirmed: false, pin: pin(&two("00000000", NEW)) };
    assert_eq!(told(certdesk.submit_pin(unsure).await)?, LocalCode::LastTryUnconfirmed);
    assert_eq!(faulty.pin_tries(), 1, "without the yes nothing is sent");
    let wrong = give(&certdesk, unblock(), &two("00000000", NEW)).await.map_err(failed)?;
    assert!(matches!(wrong, PinOutcome::Refused { tries: PinTries::Locked }), "{wrong:?}");
    assert_eq!(told(certdesk.prepare_pin(unblock()).await)?, LocalCode::SoPinLocked);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_pin_is_changed_before_anything_else() -> Result<()> {
    let stage = Stage::set()?;
    let (certdesk, faulty) = behind(&stage, "must-change-pin")?;
    let view = key(&certdesk).await?;
    assert!(view.pin_must_change, "the key says so: {view:?}");
    let show = || PinPurpose::ShowObjects { key: view.id.clone() };
    assert_eq!(told(certdesk.prepare_pin(show()).await)?, LocalCode::PinMustChange);
    assert_eq!(faulty.pin_tries(), 0, "and no PIN is asked for before");
    let changed = give(&certdesk, PinPurpose::ChangePin { key: view.id.clone() }, &two(PIN, NEW)).await;
    assert!(matches!(changed.map_err(failed)?, PinOutcome::PinChanged));
    assert!(!key(&certdesk).await?.pin_must_change, "now it is the person's own");
    let open = give(&certdesk, show(), NEW.as_bytes()).await.map_err(failed)?;
    assert!(matches!(open, PinOutcome::Objects { .. }), "{open:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_pin_pad_nothing_is_typed_here() -> Result<()> {
    let stage = Stage::set()?;
    let (certdesk, faulty) = behind(&stage, &format!("pin-pad {PIN} {NEW}"))?;
    let view = key(&certdesk).await?;
    assert!(view.pin_pad);
    let changed = give(&certdesk, PinPurpose::ChangePin { key: view.id.clone() }, b"").await.map_err(failed)?;
    assert!(matches!(changed, PinOutcome::PinChanged), "{changed:?}");
    faulty.play(&format!("pin-pad {NEW}"));
    let open = give(&certdesk, PinPurpose::ShowObjects { key: view.id }, b"").await.map_err(failed)?;
    assert!(matches!(open, PinOutcome::Objects { .. }), "the key has the PIN typed on its pad: {open:?}");
    Ok(())
}

/// A key that wants its PIN for each signature gets a certificate and logs in; the person is asked each time.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_wants_its_pin_each_time_asks_the_person() -> Result<()> {
    let stage = Stage::set()?;
    let (certdesk, faulty) = behind(&stage, "always-authenticate")?;
    let person = person(&certdesk, &[PIN; 3]);
    let (journey, account) = with_certificate(&stage, &certdesk, AccountKind::Enterprise, KeyAlgorithm::EcP256).await?;
    assert_eq!(faulty.pin_tries(), 1 + 2, "one PIN opened the key, one went with the request, one with the proof");
    certdesk.log_out().await.map_err(failed)?;
    let id = key(&certdesk).await?.id;
    let outcome = give(&certdesk, PinPurpose::LogIn { key: id.clone() }, PIN.as_bytes()).await.map_err(failed)?;
    let PinOutcome::LoggedIn { session } = outcome else { bail!("the PIN led to {outcome:?}") };
    assert_eq!(session.account.name, account);
    assert_eq!(faulty.pin_tries(), 3 + 2, "one PIN opened the key, one went with the login's signature");
    let refusals = person.await??;
    assert_eq!(refusals, [None, None, None], "each was right at once");

    let fingerprint = journey.look_at_certificate().await?.fingerprint;
    let test = || PinPurpose::TestKey { key: id.clone(), fingerprint: fingerprint.clone() };
    // A slip in the middle: this key logs out over it, so the act ends, and nothing is tried again.
    let person = self::person(&certdesk, &["000000"]);
    assert_eq!(told(give(&certdesk, test(), PIN.as_bytes()).await)?, LocalCode::PinIncorrect);
    assert_eq!(person.await??, [None]);
    assert_eq!(faulty.pin_tries(), 5 + 2, "one PIN opened the key, the wrong one went once");
    let person = self::person(&certdesk, &[PIN]);
    let outcome = give(&certdesk, test(), PIN.as_bytes()).await.map_err(failed)?;
    assert!(matches!(outcome, PinOutcome::Tested), "{outcome:?}");
    assert_eq!(person.await??, [None]);
    assert_eq!(faulty.pin_tries(), 7 + 2);

    // Who does not give it ends the act, and nothing is sent.
    let mut events = certdesk.events();
    let asked = give(&certdesk, test(), PIN.as_bytes());
    let withheld = async {
        let ticket = asked_again(&mut events).await?.0;
        certdesk.withhold_pin(ticket).await.map_err(failed)
    };
    let (outcome, withheld) = tokio::join!(asked, withheld);
    withheld?;
    assert_eq!(told(outcome)?, LocalCode::PinWithheld);
    assert_eq!(faulty.pin_tries(), 9 + 1, "only the login went out");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_authority_offers_is_made_and_logs_in() -> Result<()> {
    for algorithm in [KeyAlgorithm::EcP384, KeyAlgorithm::Rsa3072] {
        let stage = Stage::set_with_catalogue(|catalogue| {
            for offer in catalogue.offers.iter_mut().filter(|offer| !offer.key_algorithms.is_empty()) {
                offer.key_algorithms = vec![algorithm];
            }
        })?;
        let certdesk = Controller::start(stage.options()?);
        let (journey, account) = with_certificate(&stage, &certdesk, AccountKind::Enterprise, algorithm).await?;
        journey.log_in_with_key(&account).await?;
        let certificate = journey.look_at_certificate().await?;
        let id = key(&certdesk).await?.id;
        let test = PinPurpose::TestKey { key: id.clone(), fingerprint: certificate.fingerprint.clone() };
        let outcome = give(&certdesk, test, PIN.as_bytes()).await.map_err(failed)?;
        assert!(matches!(outcome, PinOutcome::Tested), "{algorithm:?}: {outcome:?}");
        let objects = give(&certdesk, PinPurpose::ShowObjects { key: id }, PIN.as_bytes()).await.map_err(failed)?;
        let PinOutcome::Objects { objects } = objects else { bail!("the PIN led to {objects:?}") };
        let classes: Vec<_> = objects.iter().map(|object| object.class).collect();
        assert_eq!(classes, [ObjectClass::Certificate, ObjectClass::PrivateKey, ObjectClass::PublicKey]);
        // Nobody is there to say where to save.
        let saved = certdesk.save_certificate(certificate.fingerprint, CertificateEncoding::Der).await;
        assert_eq!(saved.map_err(failed)?, None);
    }
    Ok(())
}

/// The program before a key that behaves as the script says. By its file's name the module has SoftHSM's profile.
fn behind(stage: &Stage, script: &str) -> Result<(Controller, FaultyModule)> {
    let faulty = FaultyModule::named("libsofthsm2.so", &stage.key.module, &stage.key.environment());
    faulty.play(script);
    Ok((stage.program_with(&[&faulty])?, faulty))
}

/// Somebody who gives these PINs, one each time an act asks in the middle; and what was said of the one before.
fn person(certdesk: &Controller, pins: &[&'static str]) -> JoinHandle<Result<Vec<Option<PinTries>>>> {
    let (certdesk, pins, mut events) = (certdesk.clone(), pins.to_vec(), certdesk.events());
    tokio::spawn(async move {
        let mut said = Vec::new();
        for typed in pins {
            let (ticket, refused) = asked_again(&mut events).await?;
            said.push(refused);
            let entry = PinEntry { ticket, confirmed: true, pin: pin(typed.as_bytes()) };
            let outcome = certdesk.submit_pin(entry).await.map_err(failed)?;
            ensure!(matches!(outcome, PinOutcome::Taken), "the PIN led to {outcome:?}");
        }
        Ok(said)
    })
}

async fn asked_again(events: &mut tokio::sync::broadcast::Receiver<Event>) -> Result<(String, Option<PinTries>)> {
    let asked = async {
        loop {
            if let Event::PinAgain { prompt, refused } = events.recv().await? {
                return Ok((prompt.ticket, refused));
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(120), asked).await.context("nobody was asked for the PIN")?
}

async fn give(certdesk: &Controller, purpose: PinPurpose, typed: &[u8]) -> Result<PinOutcome, Failure> {
    let ticket = certdesk.prepare_pin(purpose).await?.ticket;
    certdesk.submit_pin(PinEntry { ticket, confirmed: true, pin: pin(typed) }).await
}

async fn key(certdesk: &Controller) -> Result<KeyView> {
    let strip = certdesk.refresh_keys().await.map_err(failed)?;
    strip.keys.into_iter().next().context("no key is plugged in")
}

fn pin(typed: &[u8]) -> Pin {
    Pin::from_bytes(typed.to_vec())
}

/// Two PINs as the window sends them.
fn two(first: &str, second: &str) -> Vec<u8> {
    [&[first.len() as u8], first.as_bytes(), second.as_bytes()].concat()
}
