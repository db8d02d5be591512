//! What every act of the service has at hand.

use std::sync::Arc;

use certdesk_contract::catalogue::Catalogue;
use certdesk_domain::Timestamp;

use crate::{
    Clock, DemoSecret,
    ca::Ca,
    catalogue::Served,
    changes::Epoch,
    drivers::Drivers,
    hidden::Hidden,
    idempotency::{self, UnderWay},
    pace::Pace,
    passwords::Passwords,
    queries,
    signatures::Nonces,
    sms::SmsGateway,
    store::Store,
    uploads::Files,
};

/// The running portal.
pub(crate) struct Portal {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) catalogue: Catalogue,
    pub(crate) catalogue_served: Served,
    pub(crate) regions_served: Served,
    pub(crate) profiles: crate::profiles::Published,
    pub(crate) drivers: Drivers,
    pub(crate) passwords: Passwords,
    pub(crate) pace: Pace,
    pub(crate) hidden: Hidden,
    pub(crate) epoch: Epoch,
    pub(crate) under_way: UnderWay,
    pub(crate) ca: Ca,
    pub(crate) files: Files,
    pub(crate) sms: Box<dyn SmsGateway>,
    /// The address as clients have it, serialised as an origin (RFC 6454 §6.2).
    pub(crate) origin: String,
    /// The address as clients have it, without a slash at its end: what signatures of requests name.
    pub(crate) base: String,
    pub(crate) nonces: Nonces,
    /// Sessions may do without a key.
    pub(crate) unsigned_sessions: bool,
    pub(crate) demo: Option<DemoSecret>,
}

impl Portal {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What stands in the log for a name or an address: the same for the same, and nobody's without this service's key.
    pub(crate) fn mark(&self, name: &str) -> String {
        crate::ca::hex(&self.hidden.hash("log", name)[..8])
    }

    /// Forgets what has had its time. Called at the start and every few minutes.
    pub(crate) async fn tidy(self: &Arc<Self>) {
        if let Err(failure) = self.try_tidy().await {
            tracing::warn!(?failure, "tidying did not finish");
        }
    }

    async fn try_tidy(self: &Arc<Self>) -> crate::failure::Outcome<()> {
        use crate::store::{
            attempts, challenges, changes, codes, consents, drafts, idempotency as answers, sessions, sms, staff,
            uploads,
        };
        let now = self.now();
        let ago = move |hours: i64| now - time::Duration::hours(hours);
        self.store
            .act(move |db| {
                sessions::forget_seen_before(db, ago(8))?;
                staff::forget_sessions_seen_before(db, ago(8))?;
                challenges::forget_before(db, now)?;
                codes::forget_before(db, ago(24), now)?;
                attempts::forget_before(db, ago(24))?;
                // As long as a draft may wait for its submission.
                consents::forget_unclaimed_before(db, ago(100 * 24))?;
                drafts::forget_before(db, ago(100 * 24))?;
                changes::forget_older_than(db, crate::changes::KEPT_DAYS)?;
                answers::forget_before(db, now - idempotency::KEPT)?;
                sms::forget_before(db, ago(30 * 24))?;
                crate::store::queries::forget_before(db, queries::hour(now))?;
                uploads::forget_gone_before(db, ago(30 * 24))?;
                Ok(())
            })
            .await?;
        crate::notices::tidy(self).await?;
        crate::uploads::expire(self).await
    }
}
