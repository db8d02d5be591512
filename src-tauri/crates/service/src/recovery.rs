//! Without a password and without a key: a new password, and 挂失, by a code that went to the phone on record.
//!
//! A wrong code, one used up, one too old and no such account are one answer, at one time.

use std::sync::Arc;

use certdesk_contract::{
    ProblemCode,
    account::{LostKey, LostKeyReceipt, PasswordReset},
};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use crate::{
    applications,
    codes::{self, ANSWER_TIME, LONGEST_NAME, Purpose},
    failure::Outcome,
    idempotency::Once,
    passwords,
    portal::Portal,
    store::{self, accounts},
};

/// Sets a new password, which also does in place of an initial one that never arrived. Ends every session of the account
/// and forgets its wrong passwords.
pub(crate) async fn reset_password(portal: &Arc<Portal>, reset: PasswordReset, once: Once) -> Outcome<()> {
    // Before it is known whose account it is, if anybody's: what was typed is all that may tell.
    if !passwords::is_strong_enough(&reset.new, &[&reset.account]) {
        return Err(ProblemCode::WeakPassword.into());
    }
    if reset.account.chars().count() > LONGEST_NAME {
        return Err(ProblemCode::BadRequest.into());
    }
    let earliest = Instant::now() + ANSWER_TIME;
    // Before it is known whether the code is right: it takes longer than all the rest.
    let hash = portal.passwords.hash(reset.new).await?;
    let now = portal.now();
    let act = portal.clone();
    let done = portal.store.act(move |db| {
        if let Some(answer) = once.answer(db, now)? {
            return Ok(answer);
        }
        let account = accounts::by_anything(db, &reset.account)?;
        let phone = account.as_ref().map_or("", |account| &account.registration.phone);
        if !codes::take(&act, db, Purpose::PasswordReset, account.as_ref(), phone, &reset.code, now)? {
            return Ok(false);
        }
        let Some(account) = account else { return Ok(false) };
        accounts::set_password(db, account.id, &hash)?;
        store::sessions::end_all(db, account.id)?;
        store::attempts::forget(db, &Sha256::digest(&account.name))?;
        once.keep(db, &true, now)?;
        Ok(true)
    });
    let done = done.await;
    tokio::time::sleep_until(earliest).await;
    if done? { Ok(()) } else { Err(ProblemCode::WrongCode.into()) }
}

/// 挂失: opens a case of 注销 about every certificate in force, for a reviewer to decide. Whoever has the right code of
/// an account without one is told so (`wrong_state`), and the code stays good.
pub(crate) async fn report_lost_key(portal: &Arc<Portal>, lost: LostKey, once: Once) -> Outcome<LostKeyReceipt> {
    if lost.account.chars().count() > LONGEST_NAME {
        return Err(ProblemCode::BadRequest.into());
    }
    let earliest = Instant::now() + ANSWER_TIME;
    let now = portal.now();
    let act = portal.clone();
    let done = portal.store.act(move |db| {
        if let Some(answer) = once.answer(db, now)? {
            return Ok(Some(answer));
        }
        let account = accounts::by_anything(db, &lost.account)?;
        let phone = account.as_ref().map_or("", |account| &account.registration.phone);
        if !codes::take(&act, db, Purpose::LostKey, account.as_ref(), phone, &lost.code, now)? {
            return Ok(None);
        }
        let Some(account) = account else { return Ok(None) };
        let numbers = applications::lost_key(db, &account, lost.circumstance, now)?;
        if numbers.is_empty() {
            return Err(ProblemCode::WrongState.into());
        }
        let receipt = LostKeyReceipt { numbers, reported_at: now };
        once.keep(db, &receipt, now)?;
        Ok(Some(receipt))
    });
    let done = done.await;
    tokio::time::sleep_until(earliest).await;
    Ok(done?.ok_or(ProblemCode::WrongCode)?)
}
