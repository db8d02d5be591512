//! The service's clock: the system's, which a test may set forward.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use certdesk_domain::Timestamp;

/// Tells the time, UTC. Clones share one time.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    ahead_ms: Arc<AtomicI64>,
}

impl Clock {
    /// The system's time.
    pub fn system() -> Self {
        Self::default()
    }

    /// Sets the clock forward, so that a proof of an expiry need not wait for it.
    pub fn advance(&self, by: Duration) {
        self.ahead_ms.fetch_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::Relaxed);
    }

    /// Now, in whole milliseconds: what is stored is what was said.
    pub fn now(&self) -> Timestamp {
        let now = Timestamp::now_utc() + time::Duration::milliseconds(self.ahead_ms.load(Ordering::Relaxed));
        now.replace_millisecond(now.millisecond()).expect("a millisecond of a time is one")
    }
}
