//! Table `sms`: the outbox.

use certdesk_contract::account::SmsMessage;
use certdesk_domain::Timestamp;
use rusqlite::Connection;

use super::{millis, time};

pub(crate) fn add(db: &Connection, message: &SmsMessage) -> rusqlite::Result<()> {
    db.execute(
        "INSERT INTO sms (phone, text, sent_at) VALUES (?1, ?2, ?3)",
        (&message.phone, &message.text, millis(message.sent_at)),
    )
    .map(drop)
}

/// The latest 200, newest first.
pub(crate) fn list(db: &Connection) -> rusqlite::Result<Vec<SmsMessage>> {
    db.prepare("SELECT phone, text, sent_at FROM sms ORDER BY id DESC LIMIT 200")?
        .query_map([], |row| Ok(SmsMessage { phone: row.get(0)?, text: row.get(1)?, sent_at: time(row.get(2)?) }))?
        .collect()
}

/// How many went to a phone since then.
pub(crate) fn count_since(db: &Connection, phone: &str, since: Timestamp) -> rusqlite::Result<u32> {
    db.query_row("SELECT count(*) FROM sms WHERE phone = ?1 AND sent_at > ?2", (phone, millis(since)), |row| row.get(0))
}

pub(crate) fn forget_before(db: &Connection, at: Timestamp) -> rusqlite::Result<()> {
    db.execute("DELETE FROM sms WHERE sent_at < ?1", [millis(at)]).map(drop)
}
