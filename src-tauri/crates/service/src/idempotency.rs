//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): a request that comes again under its key does nothing and
//! gets the answer of the first time.
//!
//! The answer is kept in the transaction of the act, so neither is without the other, for 30 days. A refusal did nothing
//! and is not kept: the same request may be taken later. Which request a key is of is told by a keyed hash of its method,
//! its target and its body, because a body may hold a password. Who a request is from is checked before any of this.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use certdesk_contract::{Problem, ProblemCode};
use certdesk_domain::Timestamp;
use rusqlite::Connection;
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::{
    failure::Outcome,
    portal::Portal,
    store::idempotency::{self, Keyed},
};

/// How long an answer is kept.
pub(crate) const KEPT: time::Duration = time::Duration::days(30);
/// Answers kept for one account at a time: more than a person can do, less than fills a disk.
const MOST: u32 = 2000;

/// Whose keys a request's is among.
#[derive(Clone, Copy)]
pub(crate) enum Owner {
    /// The account that asks.
    Account(i64),
    /// Nobody is logged in: the name of the act.
    Anybody(&'static str),
}

/// Keys whose requests are being worked on.
#[derive(Default)]
pub(crate) struct UnderWay(Mutex<HashSet<(String, Uuid)>>);

impl UnderWay {
    fn lock(&self) -> MutexGuard<'_, HashSet<(String, Uuid)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request, with its key where it has one. As long as a clone lives, the same key is refused as `in_progress`.
#[derive(Clone)]
pub(crate) struct Once(Option<Arc<Held>>);

struct Held {
    portal: Arc<Portal>,
    keyed: Keyed,
    bounded: bool,
    replayed: AtomicBool,
}

impl Once {
    /// Begins to work on a request. `request`: what it is known by.
    ///
    /// # Errors
    /// `in_progress` while another request with this key is being worked on.
    pub(crate) fn begin(portal: &Arc<Portal>, owner: Owner, key: Option<Uuid>, request: &str) -> Outcome<Self> {
        let Some(key) = key else { return Ok(Self(None)) };
        let (name, bounded) = match owner {
            Owner::Account(id) => (format!("account {id}"), true),
            Owner::Anybody(act) => (act.to_owned(), false),
        };
        if !portal.under_way.lock().insert((name.clone(), key)) {
            return Err(Problem::new(ProblemCode::InProgress).with_retry_after(1).into());
        }
        let keyed = Keyed { owner: name, key, request: portal.hidden.hash("request", request) };
        Ok(Self(Some(Arc::new(Held { portal: portal.clone(), keyed, bounded, replayed: AtomicBool::new(false) }))))
    }

    /// The act, or, where it was done under this key before, the answer of then. Inside its transaction.
    ///
    /// # Errors
    /// Those of the act; `idempotency_mismatch`; `too_many_requests` where the account has too many keys.
    pub(crate) fn run<T: Serialize + DeserializeOwned>(
        &self,
        db: &Connection,
        now: Timestamp,
        act: impl FnOnce() -> Outcome<T>,
    ) -> Outcome<T> {
        if let Some(answer) = self.answer(db, now)? {
            return Ok(answer);
        }
        let answer = act()?;
        self.keep(db, &answer, now)?;
        Ok(answer)
    }

    /// The answer that was given under this key before.
    ///
    /// # Errors
    /// As [`Once::run`].
    pub(crate) fn answer<T: DeserializeOwned>(&self, db: &Connection, now: Timestamp) -> Outcome<Option<T>> {
        let Some(held) = &self.0 else { return Ok(None) };
        let answer = idempotency::answer(db, &held.keyed, now - KEPT)?;
        if answer.is_some() {
            held.replayed.store(true, Ordering::Relaxed);
        } else if held.bounded && idempotency::count(db, &held.keyed.owner)? >= MOST {
            return Err(Problem::new(ProblemCode::TooManyRequests).with_retry_after(60 * 60).into());
        }
        Ok(answer)
    }

    /// Keeps the answer, in the transaction of the act.
    pub(crate) fn keep<T: Serialize>(&self, db: &Connection, answer: &T, now: Timestamp) -> Outcome<()> {
        match &self.0 {
            Some(held) => Ok(idempotency::keep(db, &held.keyed, answer, now)?),
            None => Ok(()),
        }
    }

    /// Whether the answer is one of before.
    pub(crate) fn is_replayed(&self) -> bool {
        self.0.as_ref().is_some_and(|held| held.replayed.load(Ordering::Relaxed))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.portal.under_way.lock().remove(&(self.keyed.owner.clone(), self.keyed.key));
    }
}
