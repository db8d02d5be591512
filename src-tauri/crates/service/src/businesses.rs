//! Which business is open to whom, and about which certificate.

use certdesk_contract::{
    ProblemCode,
    catalogue::{Catalogue, RenewalRule},
    certificate::CertificateStatus,
};
use certdesk_domain::{Business, RevocationReason, Timestamp};
use rusqlite::Connection;

use crate::{
    failure::Outcome,
    store::{
        accounts::Account,
        applications,
        certificates::{self, CertificateRow},
    },
};

/// Businesses open to an account, in the order to show them.
///
/// With a certificate in force: 变更, 续订 while the time for it is there, 注销. Without one: 续订 of one that has just
/// ended, and 新办, or 补办 in its place where the last key was lost or broken. Of these, what the catalogue offers.
pub(crate) fn open_to(
    catalogue: &Catalogue,
    db: &Connection,
    account: &Account,
    now: Timestamp,
) -> Outcome<Vec<Business>> {
    let kind = account.registration.kind;
    let offered = |business| catalogue.offer(business, kind).is_some();
    let rows = certificates::of_account(db, account.id)?;
    let renewable = rows.iter().any(|row| is_renewable(row, &catalogue.renewal, now));
    let mut open = Vec::new();
    if rows.iter().any(|row| row.is_in_force(now)) {
        if rows.iter().any(|row| row.is_in_force(now) && row.successor.is_none()) {
            open.push(Business::Change);
        }
        if renewable {
            open.push(Business::Renew);
        }
        open.push(Business::Revoke);
    } else {
        if renewable {
            open.push(Business::Renew);
        }
        let replaced = to_replace(db, &rows)?.is_some() && offered(Business::Replace);
        open.push(if replaced { Business::Replace } else { Business::New });
    }
    open.retain(|&business| offered(business));
    Ok(open)
}

/// Whether a case of this business may be opened, or handed in for the first time, about this certificate.
///
/// # Errors
/// `not_found` for another account's, `certificate_revoked`, `certificate_expired`, `renewal_not_open`; `wrong_state`
/// where the business is not open to the account at all.
pub(crate) fn check_open(
    catalogue: &Catalogue,
    db: &Connection,
    account: &Account,
    business: Business,
    certificate: Option<&str>,
    now: Timestamp,
) -> Outcome<()> {
    let open = open_to(catalogue, db, account, now)?.contains(&business);
    let Some(serial) = certificate.filter(|_| business.needs_certificate()) else {
        // What is about no certificate names none, and the other way round.
        let fits = certificate.is_some() == business.needs_certificate();
        return match (open, fits) {
            (false, _) => Err(ProblemCode::WrongState.into()),
            (true, false) => Err(ProblemCode::BadRequest.into()),
            (true, true) => Ok(()),
        };
    };
    let row = certificates::by_serial(db, serial)?.filter(|row| row.account == account.id);
    let row = row.ok_or(ProblemCode::NotFound)?;
    if catalogue.offer(business, account.registration.kind).is_none() {
        return Err(ProblemCode::WrongState.into());
    }
    match (row.status(now), business) {
        (CertificateStatus::Issued, _) => Err(ProblemCode::WrongState.into()),
        (CertificateStatus::Revoked, _) => Err(ProblemCode::CertificateRevoked.into()),
        (_, Business::Renew) if !is_renewable(&row, &catalogue.renewal, now) => Err(ProblemCode::RenewalNotOpen.into()),
        (_, Business::Renew) => Ok(()),
        (CertificateStatus::Expired, _) => Err(ProblemCode::CertificateExpired.into()),
        // What took its place is changed, not what it took the place of.
        (_, Business::Change) if row.successor.is_some() => Err(ProblemCode::WrongState.into()),
        (CertificateStatus::Active, _) => Ok(()),
    }
}

/// The certificate whose place a new one by 补办 takes: the last one, where it ended through its key and not by the
/// holder's wish or fault.
///
/// That is so where the key was reported (挂失), where the holder revoked because the key may be known to others, or
/// where the administrator revoked for another reason than what is written in the certificate.
pub(crate) fn to_replace<'a>(db: &Connection, rows: &'a [CertificateRow]) -> Outcome<Option<&'a CertificateRow>> {
    let last = rows.iter().find(|row| row.was_on_a_key());
    let Some((row, revocation)) = last.and_then(|row| Some((row, row.revocation.as_ref()?))) else {
        return Ok(None);
    };
    let through_its_key = match applications::revocation_of(db, &row.serial)? {
        Some(case) => case.circumstance.is_some() || revocation.reason == RevocationReason::KeyCompromise,
        None => {
            !matches!(revocation.reason, RevocationReason::PrivilegeWithdrawn | RevocationReason::AffiliationChanged)
        }
    };
    Ok(through_its_key.then_some(row))
}

fn is_renewable(row: &CertificateRow, rule: &RenewalRule, now: Timestamp) -> bool {
    row.renewal(rule, now).is_some_and(|window| window.opens_at <= now)
}
