//! The catalogue and the regions: read once at the start, served as the same bytes ever after.

use std::{collections::HashSet, path::Path};

use anyhow::{Context as _, ensure};
use certdesk_contract::catalogue::{Catalogue, LegalText, Offer, RenewalRule, Requirement, Text};
use certdesk_domain::{
    AccountKind, Business, FileKind, RevocationReason,
    form::{Handler, Registration},
    token::KeyAlgorithm,
};
use sha2::{Digest as _, Sha256};

/// What is served where the operator has no catalogue of their own.
const EMBEDDED: &str = include_str!("../data/catalogue.json");

/// Windows and reminders lie no further from a certificate's end, days.
const MOST_DAYS: u16 = 3650;

/// A body with its entity tag.
pub(crate) struct Served {
    pub(crate) body: Vec<u8>,
    /// Quoted, as `ETag` has it.
    pub(crate) etag: String,
}

impl Served {
    pub(crate) fn new(body: Vec<u8>) -> Self {
        let digest = Sha256::digest(&body);
        let etag = format!("\"{}\"", crate::ca::hex(&digest[..12]));
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
    ensure!(!catalogue.version.trim().is_empty(), "the catalogue needs a version");
    let reminders = &catalogue.reminder_days;
    let falling = reminders.windows(2).all(|pair| pair[0] > pair[1]);
    ensure!(
        falling && reminders.iter().all(|days| (1..=MOST_DAYS).contains(days)),
        "reminder days must fall from at most {MOST_DAYS} to at least 1"
    );
    let mut places = HashSet::new();
    for offer in &catalogue.offers {
        let place = format!("{:?} for {:?}", offer.business, offer.account);
        ensure!(places.insert((offer.business, offer.account)), "{place} is offered twice");
        check_offer(offer, &catalogue.renewal).with_context(|| place)?;
    }
    Ok(())
}

fn check_offer(offer: &Offer, renewal: &RenewalRule) -> anyhow::Result<()> {
    let business = offer.business;
    if business.issues() {
        ensure!(!offer.key_algorithms.is_empty(), "no key algorithm");
        // Web eID and message signatures have no names for it: such a certificate could log nobody in.
        ensure!(!offer.key_algorithms.contains(&KeyAlgorithm::Sm2), "certificates for SM2 keys are not issued here");
        ensure!((1..=10).contains(&offer.validity_years), "validity must be 1 to 10 years");
    }
    if business == Business::Renew {
        let days = renewal.opens_days;
        ensure!(renewal.grace_days <= MOST_DAYS && days <= MOST_DAYS, "renewal opens or closes years away");
        ensure!(days > 0 || renewal.grace_days > 0, "there is no day on which a certificate can be renewed");
        // Else the new one could be renewed at once, and again.
        ensure!(days < u16::from(offer.validity_years) * 365, "renewal opens before the certificate begins");
    }
    ensure!(
        !offer.automatic || matches!(business, Business::Renew | Business::Revoke),
        "only what the certificate itself says, renewed or revoked, can be decided without a reviewer"
    );
    ensure!(
        (business == Business::Change) != offer.change_fields.is_empty(),
        "变更, and it alone, has fields to change"
    );
    let known = |field: &&String| is_changeable(offer.account, field);
    ensure!(offer.change_fields.iter().all(|field| known(&field)), "a field to change that there is not");
    ensure!(all_differ(&offer.change_fields), "a field to change is named twice");
    ensure!((business == Business::Revoke) != offer.reasons.is_empty(), "注销, and it alone, has reasons");
    for choice in &offer.reasons {
        use RevocationReason::*;
        let holders = !matches!(choice.reason, CaCompromise | AaCompromise | CertificateHold | PrivilegeWithdrawn);
        ensure!(holders, "{:?} is not a holder's reason", choice.reason);
        ensure!(is_said(&choice.text), "{:?} has no words", choice.reason);
    }
    let reasons: Vec<_> = offer.reasons.iter().map(|choice| choice.reason).collect();
    ensure!(all_differ(&reasons), "a reason is named twice");
    ensure!(offer.consequences.iter().chain(&offer.notes).all(is_said), "an empty sentence");
    let ids: Vec<_> = offer.requirements.iter().map(|requirement| &requirement.id).collect();
    ensure!(all_differ(&ids), "a requirement is named twice");
    ensure!(offer.requirements.iter().filter(|requirement| requirement.is_form).count() <= 1, "more than one form");
    offer.requirements.iter().try_for_each(|requirement| {
        check_requirement(requirement, business).with_context(|| format!("requirement `{}`", requirement.id.0))
    })
}

fn check_requirement(requirement: &Requirement, business: Business) -> anyhow::Result<()> {
    let id = &requirement.id.0;
    let well_formed =
        (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    ensure!(well_formed, "its name is not of [a-z0-9_]");
    ensure!(!requirement.kinds.is_empty() && requirement.max_bytes > 0, "it takes no file");
    ensure!(
        requirement.min_count <= requirement.max_count && requirement.max_count > 0,
        "fewest and most files do not fit"
    );
    let proven = |name: &str| Handler::FIELDS.contains(&name) || Registration::CHANGEABLE.contains(&name);
    ensure!(requirement.proves.iter().all(|name| proven(name)), "it proves a field that there is not");
    if let Some(video) = &requirement.video {
        ensure!(video.max_seconds > 0 && video.min_seconds <= video.max_seconds, "its video has no possible length");
    }
    ensure!(!requirement.is_form || requirement.video.is_none(), "a form is no video");
    if requirement.key_signature {
        let signable = requirement.is_form && requirement.kinds.contains(&FileKind::Pdf);
        ensure!(signable, "a key signs nothing but the form, a PDF");
        ensure!(business.needs_certificate(), "there is no key yet that could sign");
    }
    Ok(())
}

/// Whether accounts of this kind have such a field.
fn is_changeable(account: AccountKind, field: &str) -> bool {
    Registration::CHANGEABLE.contains(&field) && (account.is_organisation() || !field.starts_with("organisation."))
}

fn is_said(text: &Text) -> bool {
    !text.zh.trim().is_empty() && !text.en.trim().is_empty()
}

fn all_differ<T: Eq + std::hash::Hash>(values: &[T]) -> bool {
    let mut seen = HashSet::new();
    values.iter().all(|value| seen.insert(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use certdesk_contract::catalogue::VideoRule;

    #[test]
    fn the_embedded_catalogue_offers_every_business_to_everybody() {
        let catalogue = load(None).expect("the embedded catalogue is sound");
        assert!(catalogue.agreement.paragraphs.len() >= 10, "the agreement must say what it is about");
        for (account, business) in AccountKind::ALL.into_iter().flat_map(|a| Business::ALL.map(|b| (a, b))) {
            let offer = catalogue.offer(business, account).expect("every business is offered to every account");
            let place = format!("{business:?} for {account:?}");
            let has_form = business != Business::Revoke;
            assert_eq!(offer.form().is_some(), has_form, "{place}: the form is asked for, but not to revoke");
            let has_video = matches!(business, Business::New | Business::Replace);
            let video = offer.requirements.iter().any(|r| r.video.is_some());
            assert_eq!(video, has_video, "{place}: the commitment video is asked of who has no certificate");
            let by_key = offer.form().is_some_and(|form| form.key_signature);
            assert_eq!(by_key, has_form && business.needs_certificate(), "{place}: who has a key signs with it");
            assert_eq!(offer.automatic, matches!(business, Business::Renew | Business::Revoke), "{place}");
            assert_eq!(
                offer.consequences.is_empty(),
                business == Business::New,
                "{place}: what follows is said before"
            );
            let texts = offer.requirements.iter().flat_map(|r| [&r.title, &r.hint]);
            let texts = texts.chain(offer.reasons.iter().map(|r| &r.text)).chain(&offer.consequences);
            for text in texts.chain(&offer.notes).chain([&offer.fees]) {
                assert!(is_said(text), "{place}: a text is missing in a language");
                let plain = text.zh.replace("（USB Key）", "");
                assert!(!plain.contains("Key"), "the key is 认证锁, as on the screen: {}", text.zh);
            }
        }
    }

    #[test]
    fn a_catalogue_that_would_lead_clients_astray_is_refused() {
        let refused = |what: &str, change: &dyn Fn(&mut Catalogue)| {
            let mut catalogue = load(None).expect("the embedded catalogue is sound");
            change(&mut catalogue);
            assert!(check(&catalogue).is_err(), "{what} must be refused");
        };
        fn of(catalogue: &mut Catalogue, business: Business) -> &mut Offer {
            catalogue.offers.iter_mut().find(|offer| offer.business == business).expect("is offered")
        }
        refused("the same offer twice", &|c| c.offers.push(c.offers[0].clone()));
        refused("a change of nothing", &|c| of(c, Business::Change).change_fields.clear());
        refused("a change of the credit code", &|c| {
            of(c, Business::Change).change_fields.push("organisation.credit_code".into());
        });
        refused("a unit of a person", &|c| {
            let offer = c.offers.iter_mut().rfind(|o| o.business == Business::Change);
            let offer = offer.expect("is offered");
            offer.account = AccountKind::Individual;
            offer.change_fields = vec!["organisation.name".into()];
        });
        refused("fields to change at a renewal", &|c| {
            of(c, Business::Renew).change_fields.push("organisation.name".into());
        });
        refused("revocation without a reason", &|c| of(c, Business::Revoke).reasons.clear());
        refused("the authority's own reason", &|c| {
            of(c, Business::Revoke).reasons[0].reason = RevocationReason::CaCompromise;
        });
        refused("the same reason twice", &|c| {
            let reasons = &mut of(c, Business::Revoke).reasons;
            reasons.push(reasons[0].clone());
        });
        refused("a first certificate without a reviewer", &|c| of(c, Business::New).automatic = true);
        refused("a new name without a reviewer", &|c| of(c, Business::Change).automatic = true);
        refused("a signature by a key that is not there", &|c| {
            of(c, Business::New).requirements[0].key_signature = true;
        });
        refused("a signed picture", &|c| of(c, Business::Renew).requirements[0].kinds = vec![FileKind::Jpeg]);
        refused("two forms", &|c| of(c, Business::New).requirements[1].is_form = true);
        refused("a video of no length", &|c| {
            of(c, Business::New).requirements.last_mut().expect("has some").video =
                Some(VideoRule { min_seconds: 60, max_seconds: 10, script: Text { zh: "我".into(), en: "I".into() } });
        });
        refused("a window before the certificate", &|c| c.renewal.opens_days = 365);
        refused("no window at all", &|c| (c.renewal.opens_days, c.renewal.grace_days) = (0, 0));
        refused("reminders out of order", &|c| c.reminder_days = vec![7, 30]);
        refused("a reminder after the end", &|c| c.reminder_days = vec![7, 0]);
        refused("an empty consequence", &|c| of(c, Business::Revoke).consequences[0].zh.clear());
    }
}
