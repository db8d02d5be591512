//! The demo desk over HTTPS: one person plays applicant, phone and reviewer. Only with `--demo`, only with its secret.

use std::sync::Arc;

use certdesk_contract::{
    ProblemCode,
    account::SmsMessage,
    application::{Application, Verdict},
};
use uuid::Uuid;

use crate::{audit::Actor, failure::Outcome, portal::Portal, review, store, verdicts};

/// The SMS outbox, newest first.
pub(crate) async fn sms(portal: &Arc<Portal>) -> Outcome<Vec<SmsMessage>> {
    portal.store.read(|db| Ok(store::sms::list(db)?)).await
}

/// The reviewer's queue.
pub(crate) async fn queue(portal: &Arc<Portal>) -> Outcome<Vec<Application>> {
    portal.store.read(review::queue).await
}

/// A reviewer's decision.
pub(crate) async fn decide(portal: &Arc<Portal>, id: Uuid, verdict: Verdict) -> Outcome<Application> {
    let now = portal.now();
    let act = portal.clone();
    portal
        .store
        .act(move |db| {
            let case = store::applications::by_id(db, id)?.ok_or(ProblemCode::NotFound)?;
            Ok(verdicts::decide(db, &act.ca, case, verdict, &Actor::Demo, now)?.application())
        })
        .await
}
