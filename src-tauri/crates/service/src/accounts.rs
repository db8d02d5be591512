//! Accounts: consent, registration, login by password, change of password.

use std::sync::Arc;

use certdesk_contract::{
    Problem, ProblemCode,
    account::{
        AccountView, ConsentReceipt, ConsentRequest, ConsentSubject, PasswordChange, RegistrationReceipt,
        RegistrationRequest, SmsMessage,
    },
    session::{PasswordLogin, Session, SessionKind},
};
use certdesk_domain::{AccountKind, Timestamp, check, form::Registration, mask};
use rusqlite::Connection;
use sha2::{Digest as _, Sha256};
use time::Duration;

use crate::{
    businesses, consents,
    failure::Outcome,
    idempotency::Once,
    passwords,
    portal::Portal,
    profile, random, sessions,
    sessions::Caller,
    sms,
    store::{
        self,
        accounts::{self, Account},
        attempts::Attempts,
    },
};

/// Messages that go to one phone within a day; registration must not become a way to bother people,
const SMS_PER_DAY: u32 = 10;
/// and a stranger who registers somebody over and over reminds them no more than this.
const REMINDERS_PER_DAY: u32 = 3;

/// From this many wrong passwords on, the next try has to wait: 2 s, then twice as long each time.
const WRONG_UNTIL_DELAY: u32 = 3;
/// With this many the account is locked for [`LOCK`].
const WRONG_UNTIL_LOCK: u32 = 10;
const LOCK: Duration = Duration::minutes(15);

/// Records that a text was accepted.
pub(crate) async fn consent(portal: &Arc<Portal>, request: ConsentRequest, once: Once) -> Outcome<ConsentReceipt> {
    if request.version != version(portal, request.subject) {
        return Err(ProblemCode::StaleConsent.into());
    }
    let now = portal.now();
    portal.store.act(move |db| once.run(db, now, || Ok(store::consents::record(db, request, now)?))).await
}

/// The version in force of a text.
pub(crate) fn version(portal: &Portal, subject: ConsentSubject) -> &str {
    match subject {
        ConsentSubject::Agreement => &portal.catalogue.agreement.version,
        ConsentSubject::SensitiveData => &portal.catalogue.sensitive_data.version,
    }
}

/// Opens an account and sends its name and initial password to the phone.
///
/// Who is registered already gets the same receipt and, on the phone on record, a reminder: the answer tells nobody
/// who has an account here.
pub(crate) async fn register(
    portal: &Arc<Portal>,
    request: RegistrationRequest,
    once: Once,
) -> Outcome<RegistrationReceipt> {
    let faults = check::registration(&request.registration);
    if !faults.is_empty() {
        return Err(Problem::new(ProblemCode::InvalidFields).with_faults(faults).into());
    }
    let password = random::initial_password();
    let hash = portal.passwords.hash(password.clone()).await?;
    let now = portal.now();
    let act = portal.clone();
    portal
        .store
        .act(move |db| {
            if let Some(answer) = once.answer(db, now)? {
                return Ok(answer);
            }
            let registration = &request.registration;
            let agreement = version(&act, ConsentSubject::Agreement);
            if !store::consents::is_on_record(db, request.consent, ConsentSubject::Agreement, agreement)? {
                return Err(ProblemCode::StaleConsent.into());
            }
            // Before it is known whether there is an account, so that a phone that had enough does not tell.
            if messages_today(db, &registration.phone, now)? >= SMS_PER_DAY {
                return Err(Problem::new(ProblemCode::TooManyRequests).with_retry_after(24 * 60 * 60).into());
            }
            let account = match accounts::by_identity(db, registration)? {
                Some(account) => {
                    let phone = &account.registration.phone;
                    if messages_today(db, phone, now)? < REMINDERS_PER_DAY {
                        send(&act, db, phone, sms::reminder(&account.name), now)?;
                    }
                    account.id
                }
                None => {
                    let account = open(db, &request, &hash, now)?;
                    let text = sms::welcome(registration.kind, &account.name, &password);
                    send(&act, db, &registration.phone, text, now)?;
                    account.id
                }
            };
            store::consents::attach(db, request.consent, ConsentSubject::Agreement, agreement, account)?;
            let receipt = RegistrationReceipt { masked_phone: mask::phone(&registration.phone) };
            once.keep(db, &receipt, now)?;
            Ok(receipt)
        })
        .await
}

fn open(db: &Connection, request: &RegistrationRequest, hash: &str, now: Timestamp) -> Outcome<Account> {
    let prefix = match request.registration.kind {
        AccountKind::Enterprise => "qy",
        AccountKind::Individual => "gr",
        AccountKind::Authority => "zg",
    };
    for _ in 0..20 {
        let name = format!("{prefix}{}", random::digits(8));
        if accounts::add(db, &name, &request.registration, hash, now)? {
            return accounts::by_name(db, &name)?.ok_or_else(|| anyhow::anyhow!("a new account is not there").into());
        }
    }
    Err(anyhow::anyhow!("no free account name was found").into())
}

fn messages_today(db: &Connection, phone: &str, now: Timestamp) -> rusqlite::Result<u32> {
    store::sms::count_since(db, phone, now - Duration::days(1))
}

fn send(portal: &Portal, db: &Connection, phone: &str, text: String, now: Timestamp) -> Outcome<()> {
    Ok(portal.sms.take(db, &SmsMessage { phone: phone.to_owned(), text, sent_at: now })?)
}

/// Logs in by account and password, for those without a valid certificate.
pub(crate) async fn log_in(portal: &Arc<Portal>, login: PasswordLogin) -> Outcome<Session> {
    let key_is_right = match &login.session_key {
        Some(key) => sessions::is_session_key(key),
        None => portal.unsigned_sessions,
    };
    if !key_is_right {
        return Err(ProblemCode::BadRequest.into());
    }
    let name = login.account.trim().to_ascii_lowercase();
    let name_hash: [u8; 32] = Sha256::digest(&name).into();
    let (account, delay) = {
        let now = portal.now();
        portal
            .store
            .act(move |db| {
                let delay = count_try(db, &name_hash, now)?;
                Ok((accounts::by_name(db, &name)?, delay))
            })
            .await?
    };
    let phc = account.as_ref().map(|a| a.password.clone());
    let right = verify(portal, login.password, phc).await?;
    let Some(account) = account.filter(|_| right) else { return Err(wrong(delay)) };

    // For itself: whatever refuses the login from here on, the password was not wrong.
    portal.store.act(move |db| Ok(store::attempts::forget(db, &name_hash)?)).await?;
    let now = portal.now();
    let act = portal.clone();
    portal
        .store
        .act(move |db| {
            // The password may have been changed while this one was being verified.
            let current = accounts::by_id(db, account.id)?;
            if current.password != account.password {
                return Err(ProblemCode::WrongCredentials.into());
            }
            if store::certificates::has_active(db, account.id, now)? {
                return Err(ProblemCode::CertificateLoginRequired.into());
            }
            consents::at_login(&act, db, account.id, login.consent)?;
            sessions::open(&act, db, current, SessionKind::Password, None, login.session_key, now)
        })
        .await
}

/// Replaces the caller's password and ends the account's other sessions.
pub(crate) async fn change_password(
    portal: &Arc<Portal>,
    caller: Caller,
    change: PasswordChange,
    once: Once,
) -> Outcome<()> {
    if !passwords::is_strong_enough(&change.new, &known_of(&caller.account)) || change.new == change.old {
        return Err(ProblemCode::WeakPassword.into());
    }
    // The password of before is wrong by now: done once, it is not asked for again.
    let (asked, now) = (once.clone(), portal.now());
    if let Some(done) = portal.store.read(move |db| asked.answer(db, now)).await? {
        return Ok(done);
    }
    let name_hash: [u8; 32] = Sha256::digest(&caller.account.name).into();
    let delay = portal.store.act(move |db| count_try(db, &name_hash, now)).await?;
    if !verify(portal, change.old, Some(caller.account.password.clone())).await? {
        return Err(wrong(delay));
    }
    let hash = portal.passwords.hash(change.new).await?;
    portal
        .store
        .act(move |db| {
            store::attempts::forget(db, &name_hash)?;
            accounts::set_password(db, caller.account.id, &hash)?;
            store::sessions::end_others(db, caller.account.id, &caller.token_hash)?;
            once.keep(db, &(), now)
        })
        .await
}

/// What anybody may know of an account, and nobody may take for its password.
fn known_of(account: &Account) -> Vec<&str> {
    let Registration { organisation, contact, phone, email, .. } = &account.registration;
    let mut known = vec![&*account.name, &*contact.name, &*contact.id_number, &**phone, &**email];
    known.extend(organisation.iter().flat_map(|organisation| [&*organisation.name, &*organisation.credit_code]));
    known
}

/// What the account's owner is told about it.
pub(crate) fn view(portal: &Portal, db: &Connection, account: &Account, now: Timestamp) -> Outcome<AccountView> {
    Ok(AccountView {
        name: account.name.clone(),
        registration: account.registration.clone(),
        businesses: businesses::open_to(&portal.catalogue, db, account, now)?,
        fixed_fields: profile::fixed_fields(portal, db, account, now)?,
    })
}

/// Whether the password is that of `phc`.
pub(crate) async fn verify(portal: &Portal, password: String, phc: Option<String>) -> Outcome<bool> {
    if password.chars().count() > passwords::MAX_LENGTH {
        return Ok(false);
    }
    Ok(portal.passwords.verify(password, phc).await?)
}

/// Counts a try as wrong before it is verified, so that tries side by side cannot outrun the count; a right one is
/// forgotten afterwards. Answers the delay, seconds, that holds if it was wrong.
pub(crate) fn count_try(db: &Connection, name_hash: &[u8], now: Timestamp) -> Outcome<u32> {
    let before = store::attempts::of(db, name_hash)?
        .filter(|a| a.wrong < WRONG_UNTIL_LOCK || now < a.blocked_until)
        // A clock that ran ahead and was set right must not lock anybody out until it catches up.
        .filter(|a| a.blocked_until <= now + LOCK);
    if let Some(before) = before
        && now < before.blocked_until
    {
        let locked = before.wrong >= WRONG_UNTIL_LOCK;
        let code = if locked { ProblemCode::AccountLocked } else { ProblemCode::TooManyRequests };
        return Err(Problem::new(code).with_retry_after(seconds_until(now, before.blocked_until)).into());
    }
    let wrong = before.map_or(0, |a| a.wrong) + 1;
    let delay = match wrong {
        WRONG_UNTIL_LOCK.. => LOCK,
        WRONG_UNTIL_DELAY.. => Duration::seconds(2i64 << (wrong - WRONG_UNTIL_DELAY)),
        _ => Duration::ZERO,
    };
    store::attempts::set(db, name_hash, Attempts { wrong, blocked_until: now + delay, last_at: now })?;
    Ok(seconds_until(now, now + delay))
}

/// The answer to a wrong try, with the delay that now holds.
pub(crate) fn wrong(delay: u32) -> crate::failure::Failure {
    let lock = u32::try_from(LOCK.whole_seconds()).unwrap_or(u32::MAX);
    match delay {
        0 => ProblemCode::WrongCredentials.into(),
        delay if delay >= lock => Problem::new(ProblemCode::AccountLocked).with_retry_after(delay).into(),
        delay => Problem::new(ProblemCode::WrongCredentials).with_retry_after(delay).into(),
    }
}

fn seconds_until(now: Timestamp, then: Timestamp) -> u32 {
    let millis = (then - now).whole_milliseconds().max(0);
    u32::try_from((millis + 999) / 1000).unwrap_or(u32::MAX)
}
