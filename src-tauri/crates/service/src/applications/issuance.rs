//! The certificate at the end of a case: requested by the key on the token, issued, proven to be there.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use certdesk_contract::{
    ProblemCode,
    application::Application,
    catalogue::{Offer, RenewalRule},
    certificate::{CertificateRecord, CertificateRequest, CertificateStatus, Installation, IssuedCertificate},
    path,
};
use certdesk_domain::{Act, Business, RevocationReason, State, Timestamp};
use certdesk_pki::Csr;
use rusqlite::Connection;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{advance, of, predecessor};
use crate::{
    businesses,
    ca::years_later,
    failure::Outcome,
    idempotency::Once,
    portal::Portal,
    revocation,
    sessions::Caller,
    store::{
        accounts,
        applications::{self, Case},
        certificates::{self, CertificateRow},
    },
};

/// A case whose key has to be made again and again needs the helpdesk.
const MOST_CERTIFICATES: usize = 5;

/// Certifies the key of a request; the same key again gets the same certificate.
pub(crate) async fn issue(
    portal: &Arc<Portal>,
    caller: Caller,
    id: Uuid,
    request: CertificateRequest,
    once: Once,
) -> Outcome<IssuedCertificate> {
    let csr = STANDARD.decode(&request.csr_b64).map_err(|_| ProblemCode::BadCsr)?;
    let csr = Csr::parse_and_verify(&csr).map_err(|_| ProblemCode::BadCsr)?;
    let key_hash: [u8; 32] = Sha256::digest(&csr.spki_der).into();
    let now = portal.now();
    let act = portal.clone();
    portal
        .store
        .act(move |db| {
            if let Some(answer) = once.answer(db, now)? {
                return Ok(answer);
            }
            let case = of(db, id, &caller.account)?;
            let before = predecessor(db, &case)?;
            if let Some(made) = certificates::by_key(db, &key_hash)? {
                if made.application == id && made.status != CertificateStatus::Revoked {
                    return Ok(issued(&act, &made.der));
                }
                check_standing(&case, before.as_ref())?;
                return Err(ProblemCode::BadCsr.into());
            }
            check_standing(&case, before.as_ref())?;
            if case.state != State::AwaitingIssuance {
                return Err(ProblemCode::WrongState.into());
            }
            let account = accounts::by_id(db, caller.account.id)?;
            if !case.business.needs_certificate() {
                // Of two drafts of 新办 one may have led to a certificate.
                businesses::check_open(&act.catalogue, db, &account, case.business, None, now)?;
            }
            let holder = account.registration.with(&case.particulars.changes);
            let offer = act.catalogue.offer(case.business, holder.kind).ok_or(ProblemCode::WrongState)?;
            if !offer.key_algorithms.contains(&csr.algorithm) {
                return Err(ProblemCode::BadCsr.into());
            }
            // The key of an earlier request was lost before its certificate was confirmed: that one must not live on.
            let earlier = certificates::of_application(db, id)?;
            if earlier.len() >= MOST_CERTIFICATES {
                return Err(ProblemCode::TooManyRequests.into());
            }
            for certificate in earlier.iter().filter(|c| c.status == CertificateStatus::Issued) {
                certificates::revoke(db, &certificate.serial, now)?;
            }
            let crl_url = format!("{}{}", act.origin, path::CRL);
            let old = before.as_ref().map(|row| row.not_after);
            let end = end_of(case.business, offer, &act.catalogue.renewal, old, now);
            let new = act.ca.issue(&csr.spki_der, &holder, end, crl_url, now)?;
            let answer = issued(&act, &new.der);
            certificates::add(
                db,
                &CertificateRow {
                    serial: new.serial,
                    application: id,
                    account: caller.account.id,
                    key_hash,
                    der: new.der,
                    status: CertificateStatus::Issued,
                    not_before: new.not_before,
                    not_after: new.not_after,
                    successor: None,
                    revocation: None,
                },
            )?;
            once.keep(db, &answer, now)?;
            Ok(answer)
        })
        .await
}

/// Takes note that the certificate is on its key, which signed to prove it. The case is completed: what it changed is in
/// force from now on, and the certificate whose place was taken is succeeded and, by the service's rule, revoked.
pub(crate) async fn confirm(
    portal: &Arc<Portal>,
    caller: Caller,
    id: Uuid,
    installation: Installation,
    once: Once,
) -> Outcome<Application> {
    let proof = STANDARD.decode(&installation.proof_b64).map_err(|_| ProblemCode::BadCsr)?;
    let now = portal.now();
    let act = portal.clone();
    portal
        .store
        .act(move |db| {
            if let Some(answer) = once.answer(db, now)? {
                return Ok(answer);
            }
            let mut case = of(db, id, &caller.account)?;
            let row = certificates::by_serial(db, &installation.serial)?.filter(|row| row.application == id);
            let row = row.ok_or(ProblemCode::NotFound)?;
            let certificate = certdesk_pki::Certificate::parse(&row.der).map_err(anyhow::Error::new)?;
            let scheme = certdesk_pki::key_algorithm(&certificate.spki_der).map_err(anyhow::Error::new)?.scheme();
            let statement = Installation::statement(id, &row.serial);
            certdesk_pki::verify(&certificate.spki_der, scheme, statement.as_bytes(), &proof)
                .map_err(|_| ProblemCode::BadCsr)?;
            match (case.state, row.status) {
                (State::Completed, CertificateStatus::Active) => {}
                (_, CertificateStatus::Issued) => {
                    let before = predecessor(db, &case)?;
                    check_standing(&case, before.as_ref())?;
                    advance(db, &mut case, Act::ConfirmInstallation, None, now)?;
                    certificates::activate(db, &row.serial)?;
                    if let Some(before) = before {
                        succeed(&act, db, &case, &before, &row.serial, now)?;
                    }
                }
                _ if lost_meanwhile(&case, predecessor(db, &case)?.as_ref()) => {
                    return Err(ProblemCode::CertificateRevoked.into());
                }
                _ => return Err(ProblemCode::WrongState.into()),
            }
            let answer = applications::view(db, case)?;
            once.keep(db, &answer, now)?;
            Ok(answer)
        })
        .await
}

/// The caller's certificates, newest first.
pub(crate) async fn certificates_of(portal: &Arc<Portal>, caller: Caller) -> Outcome<Vec<CertificateRecord>> {
    let now = portal.now();
    let kind = caller.account.registration.kind;
    let rule = portal.catalogue.offer(Business::Renew, kind).map(|_| &portal.catalogue.renewal);
    let rows = portal.store.read(move |db| Ok(certificates::of_account(db, caller.account.id)?)).await?;
    Ok(rows.iter().map(|row| row.record(rule, now)).collect())
}

/// When a new certificate ends. A first one: after the offered years. 续订: the years are added to what is left of the old
/// one, where the rule carries that over. 变更 and 补办 go on until the old one would have ended. Where the old one's time
/// is over, every certificate counts from now.
fn end_of(business: Business, offer: &Offer, rule: &RenewalRule, old: Option<Timestamp>, now: Timestamp) -> Timestamp {
    let old = old.filter(|end| *end > now);
    match (business, old) {
        (Business::Change | Business::Replace, Some(end)) => end,
        (Business::Renew, Some(end)) if rule.carries_over => years_later(end, offer.validity_years),
        _ => years_later(now, offer.validity_years),
    }
}

/// What should be changed or renewed was revoked while the case was open: its key may be in other hands, so nothing is
/// issued to it any more.
fn check_standing(case: &Case, before: Option<&CertificateRow>) -> Outcome<()> {
    if lost_meanwhile(case, before) { Err(ProblemCode::CertificateRevoked.into()) } else { Ok(()) }
}

fn lost_meanwhile(case: &Case, before: Option<&CertificateRow>) -> bool {
    case.state != State::Completed
        && case.business.needs_certificate()
        && before.is_some_and(|row| row.status == CertificateStatus::Revoked)
}

/// One certificate takes the place of another.
fn succeed(
    portal: &Portal,
    db: &Connection,
    case: &Case,
    before: &CertificateRow,
    serial: &str,
    now: Timestamp,
) -> Outcome<()> {
    certificates::set_successor(db, &before.serial, serial)?;
    if case.business == Business::Change {
        let account = accounts::by_id(db, case.account)?;
        accounts::set_registration(db, account.id, &account.registration.with(&case.particulars.changes))?;
    }
    let revokes = match case.business {
        Business::Change => true,
        Business::Renew => portal.catalogue.renewal.revokes_old,
        Business::New | Business::Revoke | Business::Replace => false,
    };
    if revokes && before.is_in_force(now) {
        revocation::announce(db, &portal.ca, &before.serial, RevocationReason::Superseded, now)?;
    }
    Ok(())
}

fn issued(portal: &Portal, der: &[u8]) -> IssuedCertificate {
    IssuedCertificate {
        certificate_b64: STANDARD.encode(der),
        chain_b64: vec![STANDARD.encode(portal.ca.issuing_der()), STANDARD.encode(portal.ca.root_der())],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::{Duration, macros::datetime};

    #[test]
    fn a_new_certificate_ends_by_the_rule_of_its_business() {
        let catalogue = crate::catalogue::load(None).unwrap();
        let kept = catalogue.renewal.clone();
        let lost = RenewalRule { carries_over: false, ..kept.clone() };
        let now = datetime!(2027-12-01 08:00:00 UTC);
        let ends = |business, years, rule: &RenewalRule, old: Option<Timestamp>| {
            let offer = Offer { validity_years: years, ..catalogue.offers[0].clone() };
            end_of(business, &offer, rule, old, now)
        };
        let leap = datetime!(2028-02-29 23:59:59 UTC);
        assert_eq!(
            ends(Business::Renew, 1, &kept, Some(leap)),
            datetime!(2029-02-28 23:59:59 UTC),
            "there is no 29 February 2029"
        );
        assert_eq!(ends(Business::Renew, 4, &kept, Some(leap)), datetime!(2032-02-29 23:59:59 UTC), "but one in 2032");
        let ordinary = datetime!(2028-01-15 07:30:01 UTC);
        assert_eq!(
            ends(Business::Renew, 1, &kept, Some(ordinary)),
            datetime!(2029-01-15 07:30:01 UTC),
            "to the second"
        );
        let from_now = datetime!(2028-12-01 08:00:00 UTC);
        assert_eq!(ends(Business::Renew, 1, &lost, Some(ordinary)), from_now, "where nothing is carried over");
        assert_eq!(ends(Business::Renew, 1, &kept, Some(now)), from_now, "ended at this instant: nothing is left");
        assert_eq!(ends(Business::Renew, 1, &kept, Some(now - Duration::days(20))), from_now, "of one that has ended");
        for business in [Business::Change, Business::Replace] {
            assert_eq!(ends(business, 1, &kept, Some(ordinary)), ordinary, "{business:?} gives no time");
            assert_eq!(ends(business, 1, &kept, Some(now - Duration::days(1))), from_now, "{business:?}: it had ended");
        }
        assert_eq!(ends(Business::New, 2, &kept, None), datetime!(2029-12-01 08:00:00 UTC));
    }
}
