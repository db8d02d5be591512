//! 用户信息: the basic data of an account that its owner changes without 变更.

use std::sync::Arc;

use certdesk_contract::{
    Problem, ProblemCode,
    account::{AccountChange, AccountView, SmsMessage},
};
use certdesk_domain::{
    Business, Timestamp,
    form::{FieldName, Registration},
    mask,
};
use rusqlite::Connection;

use crate::{
    accounts as acts,
    codes::{self, Purpose},
    failure::Outcome,
    idempotency::Once,
    portal::Portal,
    sessions::Caller,
    sms,
    store::{
        self,
        accounts::{self, Account},
    },
};

/// Changes basic data. A new phone needs the code that went to it; the phone before is told.
pub(crate) async fn change(
    portal: &Arc<Portal>,
    caller: Caller,
    change: AccountChange,
    once: Once,
) -> Outcome<AccountView> {
    let now = portal.now();
    let act = portal.clone();
    let changed = portal.store.act(move |db| {
        if let Some(answer) = once.answer(db, now)? {
            return Ok(Some(answer));
        }
        let mut account = accounts::by_id(db, caller.account.id)?;
        let applied = change.applied(&account.registration);
        let faults = change.faults(&acts::view(&act, db, &account, now)?);
        if !faults.is_empty() {
            return Err(Problem::new(ProblemCode::InvalidFields).with_faults(faults).into());
        }
        let before = std::mem::replace(&mut account.registration, applied);
        let phone = &account.registration.phone;
        if *phone != before.phone {
            let code = change.phone_code.as_deref().unwrap_or_default();
            if !codes::take(&act, db, Purpose::NewPhone, Some(&account), phone, code, now)? {
                return Ok(None);
            }
            let text = sms::phone_changed(&account.name, &mask::phone(phone));
            act.sms.take(db, &SmsMessage { phone: before.phone, text, sent_at: now })?;
        }
        accounts::set_registration(db, account.id, &account.registration)?;
        let view = acts::view(&act, db, &account, now)?;
        once.keep(db, &view, now)?;
        Ok(Some(view))
    });
    Ok(changed.await?.ok_or(ProblemCode::WrongCode)?)
}

/// Fields that 变更 alone changes: what a certificate in force says of its holder, and what registered a person.
pub(crate) fn fixed_fields(
    portal: &Portal,
    db: &Connection,
    account: &Account,
    now: Timestamp,
) -> Outcome<Vec<FieldName>> {
    let registration = &account.registration;
    let holder = if registration.kind.is_organisation() { "organisation." } else { "contact." };
    let certified = store::certificates::has_active(db, account.id, now)?;
    let offer = portal.catalogue.offer(Business::Change, registration.kind);
    let fixed = |field: &str| {
        let changed_by_case = offer.is_some_and(|offer| offer.change_fields.iter().any(|known| known == field));
        let identity = !registration.kind.is_organisation() && matches!(field, "contact.id_kind" | "contact.id_number");
        identity || (certified && (field.starts_with(holder) || changed_by_case))
    };
    let there = Registration::CHANGEABLE.iter().filter(|field| registration.get(field).is_some());
    Ok(there.filter(|field| fixed(field)).map(|field| (*field).to_owned()).collect())
}
