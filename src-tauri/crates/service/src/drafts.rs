//! What is typed of a case that is not handed in. The service keeps it for the applicant's other computers and does
//! nothing with it; it is forgotten once the case is handed in or taken back.

use std::sync::Arc;

use certdesk_contract::{ProblemCode, application::DraftContent};
use certdesk_domain::form::{Handler, Registration};
use rusqlite::Connection;
use uuid::Uuid;

use crate::{
    applications,
    catalogue::Served,
    failure::Outcome,
    idempotency::Once,
    portal::Portal,
    sessions::Caller,
    store::{accounts::Account, applications as cases, drafts},
};

/// Longest text of one field, bytes. What is too long to be right may stand in a draft, a book may not.
const FIELD_BYTES: usize = 2048;

/// What a `PUT` expects to find (RFC 9110 §13.1).
pub(crate) enum Expected {
    /// `If-None-Match: *`
    Nothing,
    /// `If-Match` with these entity tags.
    OneOf(Vec<String>),
}

/// What is kept of the caller's case.
pub(crate) async fn show(portal: &Arc<Portal>, caller: Caller, id: Uuid) -> Outcome<Served> {
    portal
        .store
        .read(move |db| {
            let case = applications::of(db, id, &caller.account)?;
            let kept = drafts::of(db, case.id)?.filter(|_| case.state.is_editable());
            served(&kept.ok_or(ProblemCode::NotFound)?)
        })
        .await
}

/// Keeps what is typed, in place of what the caller last saw; answers its entity tag.
pub(crate) async fn put(
    portal: &Arc<Portal>,
    caller: Caller,
    id: Uuid,
    content: DraftContent,
    expected: Expected,
    once: Once,
) -> Outcome<String> {
    if !is_bounded(&content) {
        return Err(ProblemCode::TooLarge.into());
    }
    let now = portal.now();
    portal
        .store
        .act(move |db| {
            if let Some(etag) = once.answer(db, now)? {
                return Ok(etag);
            }
            let case = applications::of(db, id, &caller.account)?;
            if !case.state.is_editable() {
                return Err(ProblemCode::WrongState.into());
            }
            let kept = drafts::of(db, id)?.map(|kept| served(&kept)).transpose()?;
            let as_expected = match (&expected, kept) {
                (Expected::Nothing, kept) => kept.is_none(),
                (Expected::OneOf(tags), Some(kept)) => tags.contains(&kept.etag),
                (Expected::OneOf(_), None) => false,
            };
            if !as_expected {
                return Err(ProblemCode::DraftChanged.into());
            }
            drafts::put(db, id, &content, now)?;
            let etag = served(&content)?.etag;
            once.keep(db, &etag, now)?;
            Ok(etag)
        })
        .await
}

/// Entity tag of what is kept of a case, where it is shown.
pub(crate) fn etag(db: &Connection, account: &Account, id: Uuid) -> Outcome<Option<String>> {
    let case = cases::by_id(db, id)?.filter(|case| case.account == account.id && case.state.is_editable());
    let kept = if case.is_some() { drafts::of(db, id)? } else { None };
    Ok(kept.map(|kept| served(&kept)).transpose()?.map(|served| served.etag))
}

fn served(content: &DraftContent) -> Outcome<Served> {
    Ok(Served::new(serde_json::to_vec(content)?))
}

/// Whether it is of a size that somebody can have typed, in fields there are.
fn is_bounded(content: &DraftContent) -> bool {
    let short = |text: &str| text.len() <= FIELD_BYTES;
    let changes = &content.particulars.changes;
    Handler::FIELDS.iter().all(|field| content.handler.get(field).is_none_or(|value| short(&value)))
        && changes.iter().all(|(field, value)| Registration::CHANGEABLE.contains(&field.as_str()) && short(value))
        && content.particulars.certificate.as_deref().is_none_or(short)
}
