//! From nothing to a key that logs in, for each kind of account and both kinds of key.

use std::process::Command;

use anyhow::{Context, Result};
use certdesk_cli::journey;
use certdesk_domain::{AccountKind, token::KeyAlgorithm};
use journeys::{PIN, Stage};

#[tokio::test(flavor = "multi_thread")]
async fn an_enterprise_gets_an_rsa_certificate_and_logs_in_with_it() -> Result<()> {
    let stage = Stage::set()?;
    let outcome = journey::run(&stage.journey(AccountKind::Enterprise, KeyAlgorithm::Rsa2048)?).await?;
    assert_eq!(outcome.certificate.holder, "福州云帆测试科技有限公司", "the certificate names the unit");
    outside_judges(&stage, &outcome.certificate.pem)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_gets_a_p256_certificate_and_logs_in_with_it() -> Result<()> {
    let stage = Stage::set()?;
    let outcome = journey::run(&stage.journey(AccountKind::Individual, KeyAlgorithm::EcP256)?).await?;
    assert_eq!(outcome.certificate.holder, "王䶮", "the certificate names the person, rare character and all");
    outside_judges(&stage, &outcome.certificate.pem)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_department_gets_a_certificate_and_logs_in_with_it() -> Result<()> {
    let stage = Stage::set()?;
    journey::run(&stage.journey(AccountKind::Authority, KeyAlgorithm::EcP256)?).await?;
    Ok(())
}

/// OpenSSL accepts the certificate under the demo root; `pkcs11-tool` lists key and certificate with equal ids.
fn outside_judges(stage: &Stage, pem: &str) -> Result<()> {
    let folder = stage.scratch();
    std::fs::write(folder.join("certificate.pem"), pem)?;
    let root = stage.service.ready.text("root_certificate")?;
    let verify = Command::new("openssl")
        .args(["verify", "-x509_strict", "-CAfile", root, "-untrusted"])
        .arg(folder.join("service/data/ca/issuing.pem"))
        .arg(folder.join("certificate.pem"))
        .output()
        .context("openssl is not installed")?;
    assert!(
        verify.status.success(),
        "openssl accepts the certificate under the demo root: {}",
        String::from_utf8_lossy(&verify.stderr)
    );

    let listed = Command::new("pkcs11-tool")
        .arg("--module")
        .arg(&stage.key.module)
        .args(["--login", "--pin", PIN, "--list-objects"])
        .envs(stage.key.environment())
        .output()
        .context("pkcs11-tool is not installed")?;
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let mut ids: Vec<_> = listed.lines().filter_map(|line| line.trim().strip_prefix("ID:")).map(str::trim).collect();
    assert_eq!(ids.len(), 3, "private key, public key and certificate are on the key, nothing else:\n{listed}");
    ids.dedup();
    assert_eq!(ids.len(), 1, "all three have the same ID:\n{listed}");
    Ok(())
}
