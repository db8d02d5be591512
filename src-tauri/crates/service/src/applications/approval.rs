//! A case is approved: what was asked for is prepared, or carried out where nothing is left to do for the applicant.

use anyhow::Context as _;
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
/// `wrong_state`.
pub(crate) fn approve(db: &Connection, ca: &Ca, case: &mut Case, account: &Account, now: Timestamp) -> Outcome<()> {
    if case.business.issues() {
        case.subject = Some(common_name(&account.registration.with(&case.particulars.changes)).to_owned());
        advance(db, case, Act::Approve, None, now)?;
        return advance(db, case, Act::PrepareIssuance, None, now);
    }
    advance(db, case, Act::Approve, None, now)?;
    advance(db, case, Act::CarryOut, None, now)?;
    let before = predecessor(db, case)?;
    // One that ended by itself or was revoked meanwhile needs no revocation any more.
    if let Some(row) = before.filter(|row| row.is_in_force(now)) {
        let reason = case.particulars.reason.context("a case of 注销 has no reason")?;
        revocation::announce(db, ca, &row.serial, reason, now)?;
    }
    Ok(())
}
