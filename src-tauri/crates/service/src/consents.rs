//! The consents of an account: listed, withdrawn (PIPL Art. 15), and asked for again.
//!
//! A consent that was withdrawn serves for nothing from then on; what was handed in under it stays, as the law has it.
//! How a client notices: the next submission with files is `stale_consent` until sensitive data is consented to anew,
//! and so is the next login until the agreement is; a session that is open goes on to its end, so that the case at hand
//! can be taken back or finished.

use std::sync::Arc;

use certdesk_contract::{
    ProblemCode,
    account::{ConsentRecord, ConsentSubject},
};
use rusqlite::Connection;
use uuid::Uuid;

use crate::{accounts, failure::Outcome, idempotency::Once, portal::Portal, sessions::Caller, store::consents};

/// Newest first.
pub(crate) async fn list(portal: &Arc<Portal>, caller: Caller) -> Outcome<Vec<ConsentRecord>> {
    portal.store.read(move |db| Ok(consents::of_account(db, caller.account.id)?)).await
}

/// Withdraws one; again is as good as once.
pub(crate) async fn withdraw(portal: &Arc<Portal>, caller: Caller, id: Uuid, once: Once) -> Outcome<()> {
    let now = portal.now();
    let act = move |db: &Connection| {
        once.run(db, now, || match consents::withdraw(db, id, caller.account.id, now)? {
            true => Ok(()),
            false => Err(ProblemCode::NotFound.into()),
        })
    };
    portal.store.act(act).await
}

/// The agreement at a login: what the login brings along is put to the account; without any that stands there is none.
pub(crate) fn at_login(portal: &Portal, db: &Connection, account: i64, consent: Option<Uuid>) -> Outcome<()> {
    if let Some(consent) = consent {
        let version = accounts::version(portal, ConsentSubject::Agreement);
        consents::attach(db, consent, ConsentSubject::Agreement, version, account)?;
    }
    let stands = consents::stands(db, account, ConsentSubject::Agreement)?;
    if stands { Ok(()) } else { Err(ProblemCode::StaleConsent.into()) }
}
