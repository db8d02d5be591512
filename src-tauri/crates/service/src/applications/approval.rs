//! A case is approved: what was asked for is prepared.

use certdesk_domain::{Act, Timestamp};
use rusqlite::Connection;

use super::advance;
use crate::{
    ca::{Ca, common_name},
    failure::Outcome,
    store::{accounts::Account, applications::Case},
};

/// Approves a case and does what follows from it at once.
pub(crate) fn approve(db: &Connection, _ca: &Ca, case: &mut Case, account: &Account, now: Timestamp) -> Outcome<()> {
    case.subject = Some(common_name(&account.registration).to_owned());
    advance(db, case, Act::Approve, None, now)?;
    advance(db, case, Act::PrepareIssuance, None, now)
}
