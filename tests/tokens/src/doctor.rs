//! What 检查本机 and the key strip say of a card in its reader: with its driver, with none that knows it, and taken out.

use crate::{
    shown,
    visit::{Hand, Subject},
};
use anyhow::{Context, Result, anyhow, bail, ensure};
use certdesk_controller::{
    Controller,
    doctor::{
        Machine,
        finding::{FactName, Finding, FindingCode},
    },
    view::KeyState,
};
use pkcs11_profiles::Profile;
use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

/// Longest until the smart card service knows of a card.
const NOTICED_WITHIN: Duration = Duration::from_secs(10);

/// Longest until the strip follows a card that no driver shows: the readers are asked every five seconds.
const STRIP_FOLLOWS_WITHIN: Duration = Duration::from_secs(20);

/// Between two looks at the strip.
const PACE: Duration = Duration::from_millis(250);

/// Where no driver lies.
const NO_DRIVER: &str = "/no-driver-lies-here.so";

/// Tells the readers and cards that were found.
///
/// # Errors
/// When the doctor says something else.
pub async fn says(subject: &Subject, hands: &mut Box<dyn FnMut(Hand) -> Result<()> + Send>) -> Result<String> {
    let with_driver = shown::program(subject, "with-driver", subject.module.clone(), Machine::here());
    let without = shown::program(subject, "without-driver", NO_DRIVER.into(), with_usb_reader(&subject.folder)?);
    let seen = look(&with_driver, FindingCode::CardSeen, None).await?;
    let (reader, atr) = (fact(&seen, FactName::Reader)?, fact(&seen, FactName::Atr)?);

    // The reader sees it, and nobody else.
    let unknown = look(&without, FindingCode::CardUnknown, Some(reader)).await?;
    ensure!(fact(&unknown, FactName::Atr)? == atr, "another card was seen: {unknown:?}");

    // A profile that knows its answer gives it a name.
    let profile = format!(
        "name = \"Lab card\"\nvendor = \"Lab\"\ntrust = \"tested\"\nsource = [\"tests/tokens\"]\natr = [\"{atr}\"]\n"
    );
    pkcs11_profiles::overlay(vec![Profile::parse("zz-lab-card", &profile)?]);
    let named = async {
        let known = look(&with_driver, FindingCode::CardKnown, Some(reader)).await?;
        ensure!(fact(&known, FactName::Vendor)? == "Lab card", "it is called something else: {known:?}");
        look(&without, FindingCode::CardWithoutDriver, Some(reader)).await?;
        strip_names(&without, Some("Lab card")).await?;
        ensure!(strip(&with_driver).await? == KeyState::Present, "the strip shows the key whose driver is here");
        hands(Hand::Out)?;
        let gone = strip_names(&without, None).await;
        let empty = look(&without, FindingCode::ReaderEmpty, Some(reader)).await;
        hands(Hand::In)?;
        gone.and(empty)
    };
    let named = named.await;
    pkcs11_profiles::overlay(Vec::new());
    named?;
    look(&with_driver, FindingCode::CardSeen, Some(reader)).await?;
    Ok(format!("{reader}, {atr}"))
}

/// A computer that is made up, with a card reader of no known maker on its USB: without one no card is looked for.
fn with_usb_reader(folder: &Path) -> Result<Machine> {
    let root = folder.join("machine");
    for (file, text) in [("1-1/idVendor", "f00d"), ("1-1/idProduct", "cafe"), ("1-1:1.0/bInterfaceClass", "0b")] {
        let file = root.join("sys/bus/usb/devices").join(file);
        fs::create_dir_all(file.parent().context("a file has a folder")?)?;
        fs::write(file, text)?;
    }
    Ok(Machine { root, programs: None })
}

/// Waits until the strip names this key as one without a driver, or none.
async fn strip_names(program: &Controller, wanted: Option<&str>) -> Result<()> {
    let start = Instant::now();
    loop {
        let state = strip(program).await?;
        let named = match &state {
            KeyState::KeyWithoutDriver { vendor, usb: None, .. } => Some(vendor.en.as_str()),
            _ => None,
        };
        if named == wanted {
            return Ok(());
        }
        ensure!(start.elapsed() < STRIP_FOLLOWS_WITHIN, "the strip is to name {wanted:?} and says {state:?}");
        tokio::time::sleep(PACE).await;
    }
}

async fn strip(program: &Controller) -> Result<KeyState> {
    Ok(program.refresh_keys().await.map_err(|failure| anyhow!("{failure:?}"))?.state)
}

/// Looks until the finding is there: the service notices a card that moved a moment later, and so does its driver.
async fn look(program: &Controller, wanted: FindingCode, reader: Option<&str>) -> Result<Finding> {
    let start = Instant::now();
    loop {
        let examination = program.examine().await.map_err(|failure| anyhow!("{failure:?}"))?;
        let is_it = |finding: &&Finding| {
            finding.code == wanted
                && reader.is_none_or(|name| fact(finding, FactName::Reader).is_ok_and(|it| it == name))
        };
        if let Some(found) = examination.findings.iter().find(is_it) {
            return Ok(found.clone());
        }
        if start.elapsed() > NOTICED_WITHIN {
            let codes: Vec<_> = examination.findings.iter().map(|finding| finding.code).collect();
            bail!("{wanted:?} of {reader:?} is not among {codes:?}");
        }
    }
}

fn fact(finding: &Finding, name: FactName) -> Result<&str> {
    let fact = finding.facts.iter().find(|fact| fact.name == name);
    Ok(&fact.with_context(|| format!("{name:?} is not told: {finding:?}"))?.value)
}
