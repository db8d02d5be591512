//! What 检查本机 says of a card in its reader: with its driver, with none that knows it, and taken out.

use crate::{
    shown,
    visit::{Hand, Subject},
};
use anyhow::{Context, Result, anyhow, bail, ensure};
use certdesk_controller::{
    Controller,
    doctor::finding::{FactName, Finding, FindingCode},
};
use pkcs11_profiles::Profile;
use std::time::{Duration, Instant};

/// Longest until the smart card service knows of a card.
const NOTICED_WITHIN: Duration = Duration::from_secs(10);

/// Where no driver lies.
const NO_DRIVER: &str = "/no-driver-lies-here.so";

/// Tells the readers and cards that were found.
///
/// # Errors
/// When the doctor says something else.
pub async fn says(subject: &Subject, hands: &mut Box<dyn FnMut(Hand) -> Result<()> + Send>) -> Result<String> {
    let with_driver = shown::program(subject, "with-driver", subject.module.clone());
    let without = shown::program(subject, "without-driver", NO_DRIVER.into());
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
        look(&without, FindingCode::CardWithoutDriver, Some(reader)).await
    };
    let named = named.await;
    pkcs11_profiles::overlay(Vec::new());
    named?;

    hands(Hand::Out)?;
    let empty = look(&without, FindingCode::ReaderEmpty, Some(reader)).await;
    hands(Hand::In)?;
    empty?;
    look(&with_driver, FindingCode::CardSeen, Some(reader)).await?;
    Ok(format!("{reader}, {atr}"))
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
