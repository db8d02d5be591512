//! Table `evidence`: legal acts as they were asked for, with their receipts. Rows are never changed.

use certdesk_contract::{
    application::{LegalAct, ReceiptRecord},
    receipt::SignedRequest,
};
use certdesk_domain::Timestamp;
use rusqlite::Connection;
use uuid::Uuid;

use super::{find, from_word, json, millis, time, word};

/// One act.
pub(crate) struct EvidenceRow {
    /// Of the receipt.
    pub(crate) id: Uuid,
    pub(crate) application: Uuid,
    pub(crate) account: i64,
    pub(crate) act: LegalAct,
    pub(crate) at: Timestamp,
    pub(crate) signed_by_key: bool,
    pub(crate) request: SignedRequest,
    /// JWS, flattened JSON.
    pub(crate) receipt: String,
}

pub(crate) fn add(db: &Connection, row: &EvidenceRow) -> rusqlite::Result<()> {
    db.execute(
        "INSERT INTO evidence (id, application, account, act, at, signed_by_key, request, receipt)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        (
            row.id.to_string(),
            row.application.to_string(),
            row.account,
            word(row.act),
            millis(row.at),
            row.signed_by_key,
            json(&row.request),
            &row.receipt,
        ),
    )
    .map(drop)
}

/// The receipts of a case, oldest first.
pub(crate) fn of_application(db: &Connection, application: Uuid) -> rusqlite::Result<Vec<ReceiptRecord>> {
    db.prepare_cached("SELECT id, act, at, signed_by_key FROM evidence WHERE application = ?1 ORDER BY place")?
        .query_map([application.to_string()], |row| {
            Ok(ReceiptRecord {
                id: from_word(&row.get::<_, String>(0)?)?,
                act: from_word(&row.get::<_, String>(1)?)?,
                at: time(row.get(2)?),
                signed_by_key: row.get(3)?,
            })
        })?
        .collect()
}

/// A receipt of this account.
pub(crate) fn receipt(db: &Connection, id: Uuid, account: i64) -> rusqlite::Result<Option<String>> {
    find(db, "SELECT receipt FROM evidence WHERE id = ?1 AND account = ?2", (id.to_string(), account))
}
