//! A case begins, and is taken back.

use std::sync::Arc;

use certdesk_contract::{
    ProblemCode,
    application::{Application, ApplicationDraft, LegalAct},
};
use certdesk_domain::{Act, State};
use uuid::Uuid;

use super::{advance, of, owned};
use crate::{
    businesses,
    failure::Outcome,
    idempotency::Once,
    portal::Portal,
    receipts::{self, ActRequest},
    sessions::Caller,
    store::{
        applications::{self, Case},
        drafts, uploads,
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
    once: Once,
) -> Outcome<Application> {
    let now = portal.now();
    let act = portal.clone();
    portal
        .store
        .act(move |db| {
            if let Some(answer) = once.answer(db, now)? {
                return Ok(answer);
            }
            if let Some(case) = applications::by_id(db, id)? {
                let case = owned(case, &caller.account)?;
                if (case.business, &case.particulars.certificate) != (draft.business, &draft.certificate) {
                    return Err(ProblemCode::WrongState.into());
                }
                return Ok(applications::view(db, case)?);
            }
            let certificate = draft.certificate.as_deref();
            businesses::check_open(&act.catalogue, db, &caller.account, draft.business, certificate, now)?;
            if let Some(serial) = certificate
                && applications::open_about(db, serial)?.is_some()
            {
                return Err(ProblemCode::CertificateBusy.into());
            }
            let account = caller.account.id;
            if applications::count_in_state(db, account, State::Draft)? >= MOST_DRAFTS
                || applications::count_since(db, account, now - time::Duration::days(1))? >= MOST_OPENED
            {
                return Err(ProblemCode::TooManyRequests.into());
            }
            let case = Case::new(id, account, draft.business, draft.certificate);
            applications::add(db, &case, now)?;
            let answer = applications::view(db, case)?;
            once.keep(db, &answer, now)?;
            Ok(answer)
        })
        .await
}

/// Withdraws a case; again is as good as once.
pub(crate) async fn withdraw(
    portal: &Arc<Portal>,
    caller: Caller,
    id: Uuid,
    once: Once,
    request: ActRequest,
) -> Outcome<Application> {
    let now = portal.now();
    let act = portal.clone();
    let (application, unused) = portal
        .store
        .act(move |db| {
            // Nothing is done twice, so nothing has to be signed twice.
            if let Some(answer) = once.answer(db, now)? {
                return Ok((answer, Vec::new()));
            }
            let mut case = of(db, id, &caller.account)?;
            if case.state == State::Withdrawn {
                return Ok((applications::view(db, case)?, Vec::new()));
            }
            // What was never handed in is thrown away without ceremony.
            let signed = match case.number {
                Some(_) => Some(receipts::check(&act, db, &caller, request, LegalAct::Withdraw, &case, now)?),
                None => None,
            };
            case.remarks.clear();
            advance(db, &mut case, Act::Withdraw, None, now)?;
            drafts::forget(db, id)?;
            if let Some(signed) = signed {
                receipts::give(&act, db, signed, &case, now)?;
            }
            let unused = uploads::end_unused(db, id)?;
            let answer = applications::view(db, case)?;
            once.keep(db, &answer, now)?;
            Ok((answer, unused))
        })
        .await?;
    for upload in unused {
        portal.files.remove(upload).await;
    }
    Ok(application)
}
