//! Table `accounts`.

use certdesk_domain::{Timestamp, form::Registration};
use rusqlite::{Connection, OptionalExtension as _, Row};

use super::{from_json, json, millis};

/// One account.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) registration: Registration,
    /// PHC string.
    pub(crate) password: String,
    pub(crate) must_change: bool,
}

/// What makes an account one of its kind: a second registration with the same is the same applicant.
pub(crate) fn identity(registration: &Registration) -> String {
    let kind = super::word(registration.kind);
    match &registration.organisation {
        Some(unit) => format!("{kind}:{}", unit.credit_code.to_ascii_uppercase()),
        None => format!(
            "{kind}:{}:{}",
            super::word(registration.contact.id_kind),
            registration.contact.id_number.to_ascii_uppercase()
        ),
    }
}

/// Adds an account with an initial password; `false` where the name is taken.
pub(crate) fn add(
    db: &Connection,
    name: &str,
    registration: &Registration,
    password: &str,
    at: Timestamp,
) -> rusqlite::Result<bool> {
    let added = db.execute(
        "INSERT INTO accounts (name, identity, registration, password, must_change, created_at)
         VALUES (?1, ?2, ?3, ?4, 1, ?5) ON CONFLICT (name) DO NOTHING",
        (name, identity(registration), json(registration), password, millis(at)),
    )?;
    Ok(added == 1)
}

pub(crate) fn by_id(db: &Connection, id: i64) -> rusqlite::Result<Account> {
    db.query_row(&format!("{SELECT} WHERE id = ?1"), [id], read)
}

pub(crate) fn by_name(db: &Connection, name: &str) -> rusqlite::Result<Option<Account>> {
    db.query_row(&format!("{SELECT} WHERE name = ?1"), [name], read).optional()
}

pub(crate) fn by_identity(db: &Connection, registration: &Registration) -> rusqlite::Result<Option<Account>> {
    db.query_row(&format!("{SELECT} WHERE identity = ?1"), [identity(registration)], read).optional()
}

/// The account that whoever cannot log in names: by its name, or by the credit code or ID number it was registered with.
/// A number that registered several accounts names none of them.
pub(crate) fn by_anything(db: &Connection, named: &str) -> rusqlite::Result<Option<Account>> {
    if let Some(account) = by_name(db, &named.to_ascii_lowercase())? {
        return Ok(Some(account));
    }
    let identities = super::queries::account_identities(named);
    let sql = format!("{SELECT} WHERE identity IN (SELECT value FROM json_each(?1)) LIMIT 2");
    let mut found = db.prepare(&sql)?.query_map([identities], read)?.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(if found.len() == 1 { found.pop() } else { None })
}

/// Replaces what was registered. Where the new identity is another account's already, this one stays known by its old:
/// a registration with it goes on to mean the other.
pub(crate) fn set_registration(db: &Connection, id: i64, registration: &Registration) -> rusqlite::Result<()> {
    db.execute("UPDATE accounts SET registration = ?2 WHERE id = ?1", (id, json(registration)))?;
    db.execute("UPDATE OR IGNORE accounts SET identity = ?2 WHERE id = ?1", (id, identity(registration))).map(drop)
}

/// Replaces the password by the account's own choice.
pub(crate) fn set_password(db: &Connection, id: i64, password: &str) -> rusqlite::Result<()> {
    db.execute("UPDATE accounts SET password = ?2, must_change = 0 WHERE id = ?1", (id, password)).map(drop)
}

const SELECT: &str = "SELECT id, name, registration, password, must_change FROM accounts";

fn read(row: &Row<'_>) -> rusqlite::Result<Account> {
    Ok(Account {
        id: row.get(0)?,
        name: row.get(1)?,
        registration: from_json(&row.get::<_, String>(2)?)?,
        password: row.get(3)?,
        must_change: row.get(4)?,
    })
}
