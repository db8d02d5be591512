//! Codes by SMS: proof that a phone is at hand, in place of a password, a key, or for a new phone.
//!
//! Whoever asks may be a stranger: the answer is the same, and not sooner, where there is no such account. What was
//! asked for is counted by what was typed, whether or not anybody has that name; what was sent is counted by the phone,
//! and a phone that had enough gets nothing, without a word. The pace of one address is [`crate::pace`]'s matter.
//! A code is kept as a keyed hash that names its purpose, its account and its phone: it is good for nothing else.

use std::{sync::Arc, time::Duration as Span};

use certdesk_contract::{
    Problem, ProblemCode,
    account::{CodePurpose, CodeRequest, PhoneCodeRequest, SmsMessage},
};
use certdesk_domain::{Timestamp, check, form::FieldFault};
use rusqlite::Connection;
use time::Duration;
use tokio::time::Instant;

use crate::{
    failure::Outcome,
    idempotency::Once,
    portal::Portal,
    random,
    sessions::Caller,
    sms,
    store::{
        accounts::{self, Account},
        codes::{self, CodeRow},
    },
};

/// No answer comes earlier, so that its time does not tell what was found on the way.
pub(crate) const ANSWER_TIME: Span = Span::from_millis(150);
/// Longest name of an account that is looked up, characters.
pub(crate) const LONGEST_NAME: usize = 64;
/// How long a code is good.
const LIFE: Duration = Duration::minutes(5);
/// Tries of one code, the right one included.
const MOST_TRIES: u32 = 5;
/// One code a minute,
const APART: Duration = Duration::minutes(1);
/// and so many a day.
const A_DAY: u32 = 10;
const DAY: Duration = Duration::days(1);

/// What a code is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// [`CodePurpose::PasswordReset`]
    PasswordReset,
    /// [`CodePurpose::LostKey`]
    LostKey,
    /// A new phone of an account.
    NewPhone,
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::PasswordReset => "password_reset",
            Self::LostKey => "lost_key",
            Self::NewPhone => "new_phone",
        }
    }
}

impl From<CodePurpose> for Purpose {
    fn from(purpose: CodePurpose) -> Self {
        match purpose {
            CodePurpose::PasswordReset => Self::PasswordReset,
            CodePurpose::LostKey => Self::LostKey,
        }
    }
}

/// Sends a code to the phone on record, if there is such an account.
pub(crate) async fn request(portal: &Arc<Portal>, request: CodeRequest) -> Outcome<()> {
    let earliest = Instant::now() + ANSWER_TIME;
    let named = request.account;
    if named.is_empty() || named.chars().count() > LONGEST_NAME {
        return Err(ProblemCode::BadRequest.into());
    }
    let purpose = Purpose::from(request.purpose);
    let now = portal.now();
    let act = portal.clone();
    let asked = portal.store.act(move |db| {
        let item = act.hidden.hash("code asked for", &format!("{}\0{named}", purpose.as_str()));
        if let Some(seconds) = wait(db, &item, now, 1, APART)?.or(wait(db, &item, now, A_DAY, DAY)?) {
            return Err(Problem::new(ProblemCode::TooManyRequests).with_retry_after(seconds).into());
        }
        codes::note(db, &item, now)?;
        let Some(account) = accounts::by_anything(db, &named)? else { return Ok(()) };
        let phone = account.registration.phone.clone();
        if phone_wait(&act, db, purpose, &phone, now)?.is_none() {
            send(&act, db, purpose, &account, &phone, now)?;
        }
        Ok(())
    });
    let answer = asked.await;
    tokio::time::sleep_until(earliest).await;
    answer
}

/// Sends a code to a phone that the caller wants to have on record.
pub(crate) async fn request_for_phone(
    portal: &Arc<Portal>,
    caller: Caller,
    request: PhoneCodeRequest,
    once: Once,
) -> Outcome<()> {
    let phone = request.phone;
    if let Err(fault) = check::mobile_phone(&phone) {
        let faults = vec![FieldFault { field: "phone".into(), fault }];
        return Err(Problem::new(ProblemCode::InvalidFields).with_faults(faults).into());
    }
    let now = portal.now();
    let act = portal.clone();
    portal
        .store
        .act(move |db| {
            if let Some(sent) = once.answer(db, now)? {
                return Ok(sent);
            }
            let account = act.hidden.hash("codes of account", &caller.account.id.to_string());
            let wait = match wait(db, &account, now, A_DAY, DAY)? {
                Some(seconds) => Some(seconds),
                None => phone_wait(&act, db, Purpose::NewPhone, &phone, now)?,
            };
            if let Some(seconds) = wait {
                return Err(Problem::new(ProblemCode::TooManyRequests).with_retry_after(seconds).into());
            }
            codes::note(db, &account, now)?;
            send(&act, db, Purpose::NewPhone, &caller.account, &phone, now)?;
            once.keep(db, &(), now)
        })
        .await
}

/// Takes a code: `true` where it is the one in force that went to this phone of this account; it is used up then.
/// `false` is a try that counts, so the caller commits after it too.
pub(crate) fn take(
    portal: &Portal,
    db: &Connection,
    purpose: Purpose,
    account: Option<&Account>,
    phone: &str,
    code: &str,
    now: Timestamp,
) -> Outcome<bool> {
    let Some(account) = account else { return Ok(false) };
    let Some(row) = codes::of(db, purpose.as_str(), account.id)? else { return Ok(false) };
    // Also not one from further in the future than any is good, made before the clock was set right.
    let in_force = row.tries < MOST_TRIES && now < row.expires_at && row.expires_at <= now + LIFE;
    let right = portal.hidden.is_hash(&row.hash, "code", &bound(purpose, account, &row.phone, code));
    if !(in_force && right && row.phone == phone) {
        codes::count_try(db, purpose.as_str(), account.id)?;
        return Ok(false);
    }
    codes::delete(db, purpose.as_str(), account.id)?;
    Ok(true)
}

fn send(
    portal: &Portal,
    db: &Connection,
    purpose: Purpose,
    account: &Account,
    phone: &str,
    now: Timestamp,
) -> Outcome<()> {
    let code = random::digits(6);
    let hash = portal.hidden.hash("code", &bound(purpose, account, phone, &code));
    let row = CodeRow { phone: phone.to_owned(), hash, tries: 0, expires_at: now + LIFE };
    codes::put(db, purpose.as_str(), account.id, &row)?;
    for item in phone_items(portal, purpose, phone) {
        codes::note(db, &item, now)?;
    }
    let text = sms::code(purpose, &account.name, &code);
    Ok(portal.sms.take(db, &SmsMessage { phone: phone.to_owned(), text, sent_at: now })?)
}

/// What a code is hashed with.
fn bound(purpose: Purpose, account: &Account, phone: &str, code: &str) -> String {
    format!("{}\0{}\0{phone}\0{code}", purpose.as_str(), account.id)
}

/// How often a phone had a code: for this purpose, and at all.
fn phone_items(portal: &Portal, purpose: Purpose, phone: &str) -> [Vec<u8>; 2] {
    let item = |purpose: &str| portal.hidden.hash("code sent", &format!("{purpose}\0{phone}"));
    [item(purpose.as_str()), item("")]
}

fn phone_wait(portal: &Portal, db: &Connection, purpose: Purpose, phone: &str, now: Timestamp) -> Outcome<Option<u32>> {
    let [this, any] = phone_items(portal, purpose, phone);
    Ok(wait(db, &this, now, 1, APART)?.or(wait(db, &any, now, A_DAY, DAY)?))
}

/// Seconds until an item may come again, of which there may be so many within that time; `None`: now.
fn wait(db: &Connection, item: &[u8], now: Timestamp, most: u32, within: Duration) -> rusqlite::Result<Option<u32>> {
    let (count, first) = codes::between(db, item, now - within, now + APART)?;
    let Some(first) = first.filter(|_| count >= most) else { return Ok(None) };
    Ok(Some(u32::try_from((first + within - now).whole_seconds().max(0) + 1).unwrap_or(u32::MAX)))
}
