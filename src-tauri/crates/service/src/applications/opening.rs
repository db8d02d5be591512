//! A case begins, and is taken back.

use std::{collections::HashSet, sync::Arc};

use certdesk_contract::{
    ProblemCode,
    application::{Application, ApplicationDraft, HistoryEntry},
};
use certdesk_domain::{Act, State};
use uuid::Uuid;

use super::{advance, of, owned};
use crate::{
    accounts,
    failure::Outcome,
    portal::Portal,
    sessions::Caller,
    store::{
        applications::{self, Case},
        uploads,
    },
};

/// More unfinished drafts than this are refused,
const MOST_DRAFTS: u32 = 20;
/// and more cases opened within a day, withdrawn or not.
const MOST_OPENED: u32 = 50;

/// Opens a case under the client's id; the same again answers the same case.
pub(crate) async fn open(
    portal: &Arc<Portal>,
    caller: Caller,
    id: Uuid,
    draft: ApplicationDraft,
) -> Outcome<Application> {
    let now = portal.now();
    let act = portal.clone();
    portal
        .store
        .act(move |db| {
            if let Some(case) = applications::by_id(db, id)? {
                let case = owned(case, &caller.account)?;
                if case.business != draft.business {
                    return Err(ProblemCode::WrongState.into());
                }
                return Ok(applications::view(db, case)?);
            }
            if !accounts::businesses(&act, db, &caller.account, now)?.contains(&draft.business) {
                return Err(ProblemCode::WrongState.into());
            }
            let account = caller.account.id;
            if applications::count_in_state(db, account, State::Draft)? >= MOST_DRAFTS
                || applications::count_since(db, account, now - time::Duration::days(1))? >= MOST_OPENED
            {
                return Err(ProblemCode::TooManyRequests.into());
            }
            let case = Case {
                id,
                account: caller.account.id,
                number: None,
                business: draft.business,
                state: State::Draft,
                handler: None,
                remarks: Vec::new(),
                reason: None,
                subject: None,
            };
            applications::add(db, &case, now)?;
            applications::add_history(db, id, &HistoryEntry { state: State::Draft, at: now, note: None })?;
            Ok(applications::view(db, case)?)
        })
        .await
}

/// Withdraws a case; again is as good as once.
pub(crate) async fn withdraw(portal: &Arc<Portal>, caller: Caller, id: Uuid) -> Outcome<Application> {
    let now = portal.now();
    let (application, unused) = portal
        .store
        .act(move |db| {
            let mut case = of(db, id, &caller.account)?;
            if case.state == State::Withdrawn {
                return Ok((applications::view(db, case)?, Vec::new()));
            }
            case.remarks.clear();
            advance(db, &mut case, Act::Withdraw, None, now)?;
            let mut unused = uploads::of_application(db, id)?;
            let mut kept = HashSet::new();
            for &upload in &unused {
                if uploads::is_handed_in(db, upload)? {
                    kept.insert(upload);
                } else {
                    uploads::set_gone(db, upload)?;
                }
            }
            unused.retain(|upload| !kept.contains(upload));
            Ok((applications::view(db, case)?, unused))
        })
        .await?;
    for upload in unused {
        portal.files.remove(upload).await;
    }
    Ok(application)
}
