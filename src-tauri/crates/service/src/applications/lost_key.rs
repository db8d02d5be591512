//! 挂失: a key was lost, stolen or broken, and its holder says so without it.

use certdesk_contract::{account::Circumstance, application::Submission};
use certdesk_domain::{
    Business, Timestamp,
    form::{Handler, Registration},
};
use rusqlite::Connection;
use uuid::Uuid;

use super::{lapse, submission::hand_in};
use crate::{
    failure::Outcome,
    store::{
        accounts::Account,
        applications::{self, Case},
        certificates,
    },
};

/// Hands in a case of 注销 about every certificate in force of an account, for a reviewer to decide; answers their
/// numbers. Whoever calls has made sure that it is the account's holder who asks.
///
/// A case of 变更 or 续订 about such a certificate ends with it. A case of 注销 that is open already is the one: what is
/// reported twice has one number. An account without a certificate in force has none.
pub(crate) fn lost_key(
    db: &Connection,
    account: &Account,
    circumstance: Circumstance,
    now: Timestamp,
) -> Outcome<Vec<String>> {
    let rows = certificates::of_account(db, account.id)?;
    let in_force = rows.into_iter().filter(|row| row.is_in_force(now));
    in_force.map(|row| report(db, account, row.serial, circumstance, now)).collect()
}

fn report(
    db: &Connection,
    account: &Account,
    serial: String,
    circumstance: Circumstance,
    now: Timestamp,
) -> Outcome<String> {
    let open = match applications::open_about(db, &serial)? {
        Some(mut other) if other.business != Business::Revoke => {
            lapse(db, &mut other, "认证锁已挂失，这项申办不再办理。", now)?;
            None
        }
        open => open,
    };
    let mut case = match open {
        Some(case) => case,
        None => {
            let case = Case::new(Uuid::now_v7(), account.id, Business::Revoke, Some(serial));
            applications::add(db, &case, now)?;
            case
        }
    };
    case.circumstance = Some(circumstance);
    case.particulars.reason = Some(circumstance.reason());
    if case.state.is_editable() {
        let submission = Submission {
            handler: handler(&account.registration),
            particulars: case.particulars.clone(),
            form_sha256: None,
            attachments: Vec::new(),
            declared_true: true,
            sensitive_data_consent: None,
        };
        hand_in(db, &mut case, &submission, now)?;
    } else {
        applications::update(db, &case)?;
    }
    Ok(case.number.unwrap_or_default())
}

/// Who handles the case, as far as registration knows.
fn handler(registration: &Registration) -> Handler {
    let unit = registration.organisation.as_ref();
    Handler {
        credit_code: unit.map_or_else(String::new, |unit| unit.credit_code.clone()),
        address: registration.address.clone(),
        person: registration.contact.clone(),
        phone: registration.phone.clone(),
        email: registration.email.clone(),
    }
}
