//! Applications: opened, handed in, corrected, withdrawn; and at their end the certificate.
//!
//! One file an act. Every act checks and changes inside one transaction, so a reviewer at work beside the service is
//! always seen.

mod approval;
mod issuance;
mod opening;
mod submission;

use std::sync::Arc;

use certdesk_contract::{
    ProblemCode,
    application::{Application, HistoryEntry},
};
use certdesk_domain::{Act, Timestamp};
use rusqlite::Connection;
use uuid::Uuid;

pub(crate) use self::{
    approval::approve,
    issuance::{certificates_of, confirm, issue},
    opening::{open, withdraw},
    submission::submit,
};
use crate::{
    accounts,
    failure::Outcome,
    notices,
    portal::Portal,
    sessions::Caller,
    store::{
        accounts::Account,
        applications::{self, Case},
    },
};

/// The caller's cases, newest first.
pub(crate) async fn list(portal: &Arc<Portal>, caller: Caller) -> Outcome<Vec<Application>> {
    portal
        .store
        .read(move |db| {
            let cases = applications::of_account(db, caller.account.id)?;
            Ok(cases.into_iter().map(|case| applications::view(db, case)).collect::<Result<_, _>>()?)
        })
        .await
}

/// One of the caller's cases.
pub(crate) async fn show(portal: &Arc<Portal>, caller: Caller, id: Uuid) -> Outcome<Application> {
    portal.store.read(move |db| Ok(applications::view(db, of(db, id, &caller.account)?)?)).await
}

/// Brings a case into the state after `act` and notes it in its history.
pub(crate) fn advance(db: &Connection, case: &mut Case, act: Act, note: Option<String>, at: Timestamp) -> Outcome<()> {
    case.state = case.state.after(act).ok_or(ProblemCode::WrongState)?;
    applications::update(db, case)?;
    applications::add_history(db, case.id, &HistoryEntry { state: case.state, at, note })?;
    Ok(notices::moved(db, case, act, at)?)
}

/// A case of this account; another's is not there.
pub(crate) fn of(db: &Connection, id: Uuid, account: &Account) -> Outcome<Case> {
    owned(applications::by_id(db, id)?.ok_or(ProblemCode::NotFound)?, account)
}

fn owned(case: Case, account: &Account) -> Outcome<Case> {
    if case.account == account.id { Ok(case) } else { Err(ProblemCode::NotFound.into()) }
}

/// What could be begun may meanwhile be closed: of two drafts of 新办 one led to a certificate.
fn check_still_open(portal: &Portal, db: &Connection, case: &Case, account: &Account, now: Timestamp) -> Outcome<()> {
    let open = accounts::businesses(portal, db, account, now)?.contains(&case.business);
    if open { Ok(()) } else { Err(ProblemCode::WrongState.into()) }
}

/// 64 lower-case hex digits.
pub(crate) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}
