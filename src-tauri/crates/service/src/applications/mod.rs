//! Applications: opened, handed in, corrected, withdrawn; and at their end the certificate.
//!
//! One file an act. Every act checks and changes inside one transaction, so a reviewer at work beside the service is
//! always seen.

mod approval;
mod form_signature;
mod issuance;
mod lost_key;
mod opening;
mod submission;

use std::sync::Arc;

use certdesk_contract::{
    ProblemCode,
    application::{Application, HistoryEntry},
    certificate::CertificateStatus,
};
use certdesk_domain::{Act, Business, Timestamp};
use rusqlite::Connection;
use uuid::Uuid;

pub(crate) use self::{
    approval::approve,
    issuance::{certificates_of, confirm, issue},
    lost_key::lost_key,
    opening::{open, withdraw},
    submission::submit,
};
use crate::{
    businesses,
    failure::Outcome,
    notices,
    portal::Portal,
    sessions::Caller,
    store::{
        accounts::Account,
        applications::{self, Case},
        certificates::{self, CertificateRow},
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

/// Ends an open case because its certificate is no more, and with it what was issued but not confirmed.
pub(crate) fn lapse(db: &Connection, case: &mut Case, why: &str, at: Timestamp) -> Outcome<()> {
    for row in certificates::of_application(db, case.id)? {
        if row.status == CertificateStatus::Issued {
            certificates::revoke(db, &row.serial, at)?;
        }
    }
    case.remarks.clear();
    case.reason = Some(why.to_owned());
    advance(db, case, Act::Lapse, Some(why.to_owned()), at)
}

/// A case of this account; another's is not there.
pub(crate) fn of(db: &Connection, id: Uuid, account: &Account) -> Outcome<Case> {
    owned(applications::by_id(db, id)?.ok_or(ProblemCode::NotFound)?, account)
}

fn owned(case: Case, account: &Account) -> Outcome<Case> {
    if case.account == account.id { Ok(case) } else { Err(ProblemCode::NotFound.into()) }
}

/// The certificate whose place the one of this case will take, or which it revokes.
fn predecessor(db: &Connection, case: &Case) -> Outcome<Option<CertificateRow>> {
    if let Some(serial) = &case.particulars.certificate {
        return Ok(certificates::by_serial(db, serial)?);
    }
    if case.business != Business::Replace {
        return Ok(None);
    }
    let rows = certificates::of_account(db, case.account)?;
    Ok(businesses::to_replace(db, &rows)?.cloned())
}
