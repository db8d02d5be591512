//! A case is approved: what was asked for is prepared, or carried out where nothing is left to do for the applicant.

use anyhow::Context as _;
use certdesk_contract::ProblemCode;
use certdesk_domain::{Act, Timestamp};
use rusqlite::Connection;

use super::{advance, predecessor};
use crate::{
    ca::{Ca, common_name},
    failure::Outcome,
    revocation,
    store::{accounts::Account, applications::Case},
};

/// Approves a case and does what follows from it at once: a certificate is to be made by the applicant, or one is
/// revoked and announced.
///
/// # Errors
/// `wrong_state`; `certificate_revoked` where what should be changed or renewed was revoked meanwhile.
pub(crate) fn approve(db: &Connection, ca: &Ca, case: &mut Case, account: &Account, now: Timestamp) -> Outcome<()> {
    let before = predecessor(db, case)?;
    if case.business.issues() {
        if before.is_some_and(|row| row.revocation.is_some()) && case.business.needs_certificate() {
            return Err(ProblemCode::CertificateRevoked.into());
        }
        case.subject = Some(common_name(&account.registration.with(&case.particulars.changes)).to_owned());
        advance(db, case, Act::Approve, None, now)?;
        return advance(db, case, Act::PrepareIssuance, None, now);
    }
    advance(db, case, Act::Approve, None, now)?;
    advance(db, case, Act::CarryOut, None, now)?;
    // One that ended by itself or was revoked meanwhile needs no revocation any more.
    if let Some(row) = before.filter(|row| row.is_in_force(now)) {
        let reason = case.particulars.reason.context("a case of 注销 has no reason")?;
        revocation::announce(db, ca, &row.serial, reason, now)?;
    }
    Ok(())
}
