//! Keys that come and go, and drivers that misbehave beside others: with the real service, the real helper, and the
//! faulty module before SoftHSM.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use certdesk_controller::{
    Controller, LocalCode, Options, Pin, PinEntry,
    storage::NoKeyStore,
    view::{Event, KeyState, KeyStrip, ModuleFault, ModuleUse, PinPurpose, StorageState},
};
use certdesk_domain::AccountKind;
use journeys::{PIN, Stage, certified_in, failed, told};
use tokio::{sync::broadcast::Receiver, time::timeout};

/// No test waits longer for anything.
const LONG: Duration = Duration::from_secs(60);

const PASSPHRASE: &str = "金山大道的猫不吃鱼";

#[tokio::test(flavor = "multi_thread")]
async fn a_driver_that_hangs_delays_no_other_and_is_named() -> Result<()> {
    let stage = Stage::set()?;
    let (hung, good) = (stage.faulty("libhung.so"), stage.faulty("libgood.so"));
    hung.play("C_GetSlotList hang");
    let certdesk = stage.program_with(&[&hung, &good])?;
    let mut events = certdesk.events();
    let strip = strip_when(&certdesk, &mut events, |strip| !strip.keys.is_empty()).await?;
    assert!(strip.failing.is_empty(), "the key is shown before the other driver is given up: {:?}", strip.failing);

    let asked = Instant::now();
    let purpose = PinPurpose::LogIn { key: strip.keys[0].id.clone() };
    let told_now = told(certdesk.prepare_pin(purpose).await)?;
    assert_eq!(told_now, LocalCode::NoCertificateOnKey, "the key answers for itself");
    assert!(asked.elapsed() < Duration::from_secs(1), "and waits for no other: {:?}", asked.elapsed());

    let strip = strip_when(&certdesk, &mut events, |strip| !strip.failing.is_empty()).await?;
    assert_eq!(strip.failing[0].driver, "libhung.so", "the driver that hangs is named");
    assert!(strip.failing[0].failure.is(LocalCode::DriverHung), "in its own words: {:?}", strip.failing);
    assert_eq!((strip.state, strip.keys.len()), (KeyState::Present, 1), "and the other's key is still there");
    hung.play("");
    strip_when(&certdesk, &mut events, |strip| strip.failing.is_empty()).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_shown_while_a_person_is_asked_about_the_data_of_this_computer() -> Result<()> {
    let stage = Stage::set()?;
    let (module, unwanted) = (stage.faulty("libkey.so"), stage.faulty("libunwanted.so"));
    let options = || -> Result<Options> {
        let modules = vec![module.path.clone(), unwanted.path.clone()];
        Ok(Options { modules, key_store: Arc::new(NoKeyStore), ..stage.options()? })
    };
    let certdesk = Controller::start(options()?);
    let mut events = certdesk.events();
    let strip = strip_when(&certdesk, &mut events, |strip| !strip.keys.is_empty()).await?;
    assert_eq!(strip.state, KeyState::Present, "the strip waits for no answer of a person");
    let storage = certdesk.storage().await.map_err(failed)?.state;
    assert!(matches!(storage, StorageState::Asking { .. }), "who is asked all the while: {storage:?}");
    timeout(LONG, certdesk.refresh_keys()).await.context("a new look waits for none either")?.map_err(failed)?;
    certdesk.choose_passphrase(PASSPHRASE.into()).await.map_err(failed)?;
    let path = unwanted.path.to_string_lossy().into_owned();
    certdesk.set_module(path, ModuleUse::Never).await.map_err(failed)?;

    let certdesk = Controller::start(options()?);
    let mut events = certdesk.events();
    strip_when(&certdesk, &mut events, |strip| !strip.keys.is_empty()).await?;
    certdesk.unlock_storage(PASSPHRASE.into()).await.map_err(failed)?;
    strip_when(&certdesk, &mut events, |strip| !strip.keys.is_empty()).await?;
    let modules = certdesk.modules().await.map_err(failed)?.modules;
    let unwanted = modules.iter().find(|module| module.file_name == "libunwanted.so").context("it is listed")?;
    assert_eq!(unwanted.fault, Some(ModuleFault::Banned), "what is wanted of drivers is heeded once it can be read");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_driver_that_crashes_on_and_on_is_asked_less_and_less() -> Result<()> {
    let stage = Stage::set()?;
    let (bad, good) = (stage.faulty("libbad.so"), stage.faulty("libgood.so"));
    bad.play("C_GetTokenInfo crash");
    let certdesk = stage.program_with(&[&bad, &good])?;
    let mut events = certdesk.events();
    let strip = strip_when(&certdesk, &mut events, |strip| !strip.failing.is_empty() && !strip.keys.is_empty()).await?;
    assert!(strip.failing[0].failure.is(LocalCode::DriverFailed), "it is named as failing: {:?}", strip.failing);
    // Started at once, then after growing waits: with seven losses half a minute lies between them.
    let polls = good.count("C_GetSlotList");
    while good.count("C_GetSlotList") < polls + 2 * 10 {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let starts = bad.count("C_Initialize");
    assert!(starts <= 7, "{starts} helpers in ten seconds are too many for a driver that crashes");
    assert!(starts >= 3, "it is tried again: {starts}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_the_same_after_it_was_out_and_after_its_driver_was_started_anew() -> Result<()> {
    let stage = Stage::set()?;
    let module = stage.faulty("libkey.so");
    let certdesk = stage.program_with(&[&module])?;
    let mut events = certdesk.events();
    let before = strip_when(&certdesk, &mut events, |strip| !strip.keys.is_empty()).await?;
    module.pull();
    let out = strip_when(&certdesk, &mut events, |strip| strip.keys.is_empty()).await?;
    assert_eq!(out.state, KeyState::NoKey, "a pulled key is no failing driver");
    module.put_in();
    let again = strip_when(&certdesk, &mut events, |strip| !strip.keys.is_empty()).await?;
    assert_eq!(again.keys, before.keys, "put in again, it is the same key");
    module.play("C_GetSlotList once crash");
    strip_when(&certdesk, &mut events, |strip| !strip.failing.is_empty()).await?;
    let anew = strip_when(&certdesk, &mut events, |strip| strip.failing.is_empty()).await?;
    assert_eq!(anew.keys, before.keys, "and by a new helper too");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn several_keys_are_told_apart_and_one_can_leave() -> Result<()> {
    let stage = Stage::set()?;
    stage.key.add("第二把锁", PIN)?;
    let (first, second) = (stage.faulty("libfirst.so"), stage.faulty("libsecond.so"));
    second.play("slot shows 第二把锁");
    let certdesk = stage.program_with(&[&first, &second])?;
    let mut events = certdesk.events();
    let strip = strip_when(&certdesk, &mut events, |strip| strip.keys.len() == 2).await?;
    assert_ne!(strip.keys[0].serial, strip.keys[1].serial, "each has its serial number");
    second.pull();
    let strip = strip_when(&certdesk, &mut events, |strip| strip.keys.len() == 1).await?;
    assert_eq!(strip.keys[0].label, stage.key.label, "the other one stays");
    assert_eq!(strip.state, KeyState::Present);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_read_again_while_nothing_changes() -> Result<()> {
    let stage = Stage::set()?;
    let module = stage.faulty("libkey.so");
    let certdesk = stage.program_with(&[&module])?;
    certified_in(&stage, certdesk.clone(), AccountKind::Individual).await?;
    let polls = async |count: usize| {
        let before = module.count("C_GetTokenInfo");
        while module.count("C_GetTokenInfo") < before + count {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        (module.count("C_FindObjectsInit"), module.count("C_GetAttributeValue"))
    };
    let before = polls(2).await;
    let after = polls(5).await;
    assert_eq!(after, before, "five polls of a key that does not change read none of its objects");
    certdesk.refresh_keys().await.map_err(failed)?;
    assert!(polls(0).await > before, "a person who asks gets an answer from the key itself");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_of_a_key_ends_when_it_stays_out_and_not_when_it_changes_its_port() -> Result<()> {
    let stage = Stage::set()?;
    let module = stage.faulty("libkey.so");
    let certdesk = stage.program_with(&[&module])?;
    let (_, account) = certified_in(&stage, certdesk.clone(), AccountKind::Individual).await?;
    let mut events = certdesk.events();
    let key = certdesk.refresh_keys().await.map_err(failed)?.keys[0].id.clone();

    module.pull();
    strip_when(&certdesk, &mut events, |strip| strip.keys.is_empty()).await?;
    module.put_in();
    strip_when(&certdesk, &mut events, |strip| !strip.keys.is_empty()).await?;
    assert!(session(&certdesk).await?, "into another port and back: nobody is thrown out");
    let tries = module.pin_tries();
    let drafts = certdesk.home().await.map_err(failed)?.drafts.len();

    module.pull();
    let out = Instant::now();
    let why = timeout(LONG, async {
        loop {
            if let Event::Session { session: None, unasked } = events.recv().await? {
                return anyhow::Ok(unasked);
            }
        }
    });
    let why = why.await.context("the session did not end")??.context("no reason was told")?;
    assert!(why.is(LocalCode::SessionKeyPulled), "the sentence says that the key was pulled: {why:?}");
    assert!(out.elapsed() > Duration::from_secs(5), "not at once: {:?}", out.elapsed());
    assert!(!session(&certdesk).await?, "nobody is logged in any more");

    module.put_in();
    strip_when(&certdesk, &mut events, |strip| !strip.keys.is_empty()).await?;
    assert_eq!(module.pin_tries(), tries, "no PIN was tried by itself");
    let prompt = certdesk.prepare_pin(PinPurpose::LogIn { key }).await.map_err(failed)?;
    let pin = Pin::from_bytes(PIN.into());
    certdesk.submit_pin(PinEntry { ticket: prompt.ticket, confirmed: false, pin }).await.map_err(failed)?;
    let home = certdesk.home().await.map_err(failed)?;
    assert_eq!(home.session.context("logged in")?.account.name, account, "by the same key, into the same account");
    assert_eq!(home.drafts.len(), drafts, "what was typed is still there");
    Ok(())
}

async fn session(certdesk: &Controller) -> Result<bool> {
    Ok(certdesk.home().await.map_err(failed)?.session.is_some())
}

/// The first strip that fits: the one now, or one that is told.
async fn strip_when(
    certdesk: &Controller,
    events: &mut Receiver<Event>,
    fits: impl Fn(&KeyStrip) -> bool,
) -> Result<KeyStrip> {
    let now = certdesk.home().await.map_err(failed)?.keys;
    if fits(&now) {
        return Ok(now);
    }
    let waited = timeout(LONG, async {
        loop {
            if let Event::Keys { keys } = events.recv().await?
                && fits(&keys)
            {
                return anyhow::Ok(keys);
            }
        }
    });
    waited.await.context("no strip that fits was told")?
}
