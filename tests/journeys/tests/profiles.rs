//! Profiles published by the service: taken where they are good, and nothing lost where they are not. One test, because
//! what is known of tokens is one for the whole process.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, Result};
use certdesk_contract::profiles::SignedProfiles;
use certdesk_controller::{
    Controller,
    view::{ProfilesRefusal, ProfilesView},
};
use certdesk_service::profiles;
use journeys::{Stage, failed};

const LAB: &str = r#"
name = "Lab key"
vendor = "Lab"
trust = "reported"
source = ["the lab"]
usb = ["1209:0001"]
"#;

#[tokio::test(flavor = "multi_thread")]
async fn newer_profiles_are_taken_and_bad_ones_leave_the_last_good_ones() -> Result<()> {
    let stage = Stage::set()?;
    let desk = Desk { stage: &stage, key: stage.service_data().join("profiles.key") };
    let mut certdesk = Controller::start(stage.options()?);
    let view = refresh(&certdesk).await?;
    assert_eq!((view.published, &view.refused), (0, &None), "a demo publishes nothing new: {view:?}");
    let packaged = view.known;
    let now = time::OffsetDateTime::now_utc().unix_timestamp();

    desk.publish(&desk.signed(now + 10, &[("lab", LAB)])?)?;
    let view = refresh(&certdesk).await?;
    assert_eq!((view.published, view.known, view.refused), (1, packaged + 1, None), "one more is known");
    assert!(pkcs11_profiles::by_id("lab").is_some(), "and used");
    assert_eq!(refresh(&certdesk).await?.published, 1, "asked again, nothing changes");

    let good = desk.signed(now + 20, &[("lab", LAB), ("lab-two", LAB)])?;
    let other = desk.signed_by_somebody_else(now + 30)?;
    let bundle = |of: &SignedProfiles, from: &str, to: &str| -> Result<SignedProfiles> {
        anyhow::ensure!(of.bundle.contains(from), "{from} is in it");
        Ok(SignedProfiles { bundle: of.bundle.replacen(from, to, 1), signature: of.signature.clone() })
    };
    for (name, published, refusal) in [
        ("somebody else's key", other, ProfilesRefusal::BadSignature),
        ("a word changed on the way", bundle(&good, "Lab key", "Lab kez")?, ProfilesRefusal::BadSignature),
        ("an older one put back", desk.signed(now, &[])?, ProfilesRefusal::Older),
        ("one from the future", desk.signed(now + 999_999, &[])?, ProfilesRefusal::FromTheFuture),
        ("a newer form", desk.resigned(&good, "\"format\":1", "\"format\":2")?, ProfilesRefusal::NewerFormat),
    ] {
        let view = desk.refused(&certdesk, &published).await?;
        assert_eq!(view.refused, Some(refusal), "{name}");
        assert_eq!((view.published, view.known), (1, packaged + 1), "{name}: the last good one stays");
    }
    let view = desk.refused(&certdesk, &desk.resigned(&good, "1209:0001", "1209")?).await?;
    let told = view.refused.context("one that makes no sense is refused")?;
    assert!(matches!(&told, ProfilesRefusal::Unusable { detail } if detail.contains("lab")), "it says which: {told:?}");
    assert!(pkcs11_profiles::by_id("lab").is_some(), "the last good one stays");

    desk.publish(&good)?;
    let view = refresh(&certdesk).await?;
    assert_eq!((view.published, view.refused), (2, None), "a good one is taken after all of them");

    drop(certdesk);
    pkcs11_profiles::overlay(Vec::new());
    certdesk = Controller::start(stage.options()?);
    let view = certdesk.modules().await.map_err(failed)?.profiles;
    assert_eq!(view.published, 2, "the next start has them, before it asks anybody");

    drop(certdesk);
    pkcs11_profiles::overlay(Vec::new());
    let kept = stage.options()?.data.join("profiles/current.json");
    std::fs::write(&kept, "half a fi").with_context(|| kept.display().to_string())?;
    let mut options = stage.options()?;
    options.service = Some("https://127.0.0.1:9".into());
    certdesk = Controller::start(options);
    let view = certdesk.modules().await.map_err(failed)?.profiles;
    assert_eq!(view.published, 1, "a damaged file: the one before is used, without a service too");
    Ok(())
}

async fn refresh(certdesk: &Controller) -> Result<ProfilesView> {
    certdesk.refresh_profiles().await.map_err(failed)
}

/// Who publishes.
struct Desk<'a> {
    stage: &'a Stage,
    key: std::path::PathBuf,
}

impl Desk<'_> {
    fn publish(&self, signed: &SignedProfiles) -> Result<()> {
        // In the place of the old file, which then has another time of change, however coarse the disk counts it.
        let file = self.stage.service_data().join("profiles.json");
        let before = file.metadata()?.modified()?;
        let draft = file.with_extension("part");
        std::fs::write(&draft, serde_json::to_vec(signed)?)?;
        let changed = std::fs::File::options().write(true).open(&draft)?;
        changed.set_modified(before + std::time::Duration::from_secs(2))?;
        Ok(std::fs::rename(draft, file)?)
    }

    /// What the program says to a bundle that the service itself would not serve: it comes by a service that does not look.
    async fn refused(&self, certdesk: &Controller, signed: &SignedProfiles) -> Result<ProfilesView> {
        self.publish(signed)?;
        refresh(certdesk).await
    }

    fn signed(&self, at: i64, files: &[(&str, &str)]) -> Result<SignedProfiles> {
        signed_with(&self.key, at, files)
    }

    fn signed_by_somebody_else(&self, at: i64) -> Result<SignedProfiles> {
        let key = self.stage.scratch().join("other.key");
        profiles::make_key(&key)?;
        signed_with(&key, at, &[])
    }

    /// A bundle that its publisher's tool would refuse to sign.
    fn resigned(&self, of: &SignedProfiles, from: &str, to: &str) -> Result<SignedProfiles> {
        anyhow::ensure!(of.bundle.contains(from), "{from} is in it");
        profiles::sign_text(&self.key, of.bundle.replacen(from, to, 1))
    }
}

fn signed_with(key: &Path, at: i64, files: &[(&str, &str)]) -> Result<SignedProfiles> {
    let files: BTreeMap<_, _> = files.iter().map(|(id, text)| ((*id).to_owned(), (*text).to_owned())).collect();
    profiles::sign_text(key, pkcs11_profiles::Bundle::write(at, files)?)
}
