//! The catalogue and the regions: read once at the start, served as the same bytes ever after.

use std::path::Path;

use anyhow::{Context as _, ensure};
use certdesk_contract::catalogue::{Catalogue, LegalText};
use sha2::{Digest as _, Sha256};

/// What is served where the operator has no catalogue of their own.
const EMBEDDED: &str = include_str!("../data/catalogue.json");

/// A body with its entity tag.
pub(crate) struct Served {
    pub(crate) body: Vec<u8>,
    /// Quoted, as `ETag` has it.
    pub(crate) etag: String,
}

impl Served {
    pub(crate) fn new(body: Vec<u8>) -> Self {
        let digest = Sha256::digest(&body);
        let etag = format!("\"{}\"", digest[..12].iter().map(|b| format!("{b:02x}")).collect::<String>());
        Self { body, etag }
    }
}

/// Reads the catalogue at `file`, or the embedded one, and refuses one that would lead clients astray.
pub(crate) fn load(file: Option<&Path>) -> anyhow::Result<Catalogue> {
    let text = match file {
        None => EMBEDDED.to_owned(),
        Some(file) => {
            std::fs::read_to_string(file).with_context(|| format!("cannot read the catalogue {}", file.display()))?
        }
    };
    let catalogue: Catalogue = serde_json::from_str(&text).context("the catalogue is not what the contract says")?;
    check(&catalogue)?;
    Ok(catalogue)
}

pub(crate) fn served(catalogue: &Catalogue) -> anyhow::Result<Served> {
    Ok(Served::new(serde_json::to_vec(catalogue)?))
}

pub(crate) fn regions() -> anyhow::Result<Served> {
    Ok(Served::new(serde_json::to_vec(certdesk_domain::region::all())?))
}

fn check(catalogue: &Catalogue) -> anyhow::Result<()> {
    let said = |text: &LegalText| !text.version.is_empty() && !text.paragraphs.is_empty();
    ensure!(
        said(&catalogue.agreement) && said(&catalogue.sensitive_data),
        "the catalogue's legal texts need a version and paragraphs"
    );
    for offer in &catalogue.offers {
        let place = format!("{:?} for {:?}", offer.business, offer.account);
        ensure!(!offer.key_algorithms.is_empty(), "{place}: no key algorithm");
        ensure!((1..=10).contains(&offer.validity_years), "{place}: validity must be 1 to 10 years");
        let mut seen = std::collections::HashSet::new();
        for requirement in &offer.requirements {
            let id = &requirement.id.0;
            let well_formed = (1..=64).contains(&id.len())
                && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
            ensure!(well_formed && seen.insert(id), "{place}: requirement `{id}` is not a new name of [a-z0-9_]");
            ensure!(!requirement.kinds.is_empty() && requirement.max_bytes > 0, "{place}: `{id}` takes no file");
            ensure!(
                requirement.min_count <= requirement.max_count && requirement.max_count > 0,
                "{place}: counts of `{id}`"
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use certdesk_domain::{AccountKind, Business};

    #[test]
    fn the_embedded_catalogue_offers_a_first_certificate_to_everybody() {
        let catalogue = load(None).expect("the embedded catalogue is sound");
        assert!(catalogue.agreement.paragraphs.len() >= 10, "the agreement must say what it is about");
        for account in AccountKind::ALL {
            let offer = catalogue.offer(Business::New, account).expect("新办 is offered to every kind of account");
            assert!(offer.requirements.iter().any(|r| r.is_form), "{account:?}: the signed form is asked for");
            assert!(
                offer.requirements.iter().any(|r| r.video.is_some()),
                "{account:?}: the commitment video is asked for"
            );
            for text in offer.notes.iter().chain(offer.requirements.iter().flat_map(|r| [&r.title, &r.hint])) {
                assert!(
                    !text.zh.trim().is_empty() && !text.en.trim().is_empty(),
                    "{account:?}: a text is missing in a language"
                );
                assert!(
                    !text.zh.replace("（USB Key）", "").contains("Key"),
                    "the key is 认证锁, as on the screen: {}",
                    text.zh
                );
            }
        }
    }
}
