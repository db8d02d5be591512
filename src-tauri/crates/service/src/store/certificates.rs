//! Tables `certificates` and `crls`.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use certdesk_contract::{
    catalogue::RenewalRule,
    certificate::{CertificateRecord, CertificateStatus, RenewalWindow, Revocation},
};
use certdesk_domain::{RevocationReason, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row};
use time::Duration;
use uuid::Uuid;

use super::{find, from_word, millis, time, word};

/// One certificate.
#[derive(Clone)]
pub(crate) struct CertificateRow {
    /// Lower-case hex without leading zeros.
    pub(crate) serial: String,
    pub(crate) application: Uuid,
    pub(crate) account: i64,
    /// SHA-256 of its SubjectPublicKeyInfo.
    pub(crate) key_hash: [u8; 32],
    pub(crate) der: Vec<u8>,
    /// As stored: never `Expired`, which the clock decides.
    pub(crate) status: CertificateStatus,
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
    /// Serial number of the one that took its place.
    pub(crate) successor: Option<String>,
    /// As announced. One that never came to a key is revoked without a word.
    pub(crate) revocation: Option<Revocation>,
}

impl CertificateRow {
    /// Whether it is good at a time.
    pub(crate) fn status(&self, now: Timestamp) -> CertificateStatus {
        let over = self.status != CertificateStatus::Revoked && self.not_after < now;
        if over { CertificateStatus::Expired } else { self.status }
    }

    /// Whether it logs in at a time.
    pub(crate) fn is_in_force(&self, now: Timestamp) -> bool {
        self.status(now) == CertificateStatus::Active
    }

    /// Whether it ever was confirmed on a key.
    pub(crate) fn was_on_a_key(&self) -> bool {
        match self.status {
            CertificateStatus::Issued => false,
            CertificateStatus::Active | CertificateStatus::Expired => true,
            CertificateStatus::Revoked => self.revocation.is_some(),
        }
    }

    /// From when to when it can be renewed: it was on a key, nothing took its place, and that time is not over.
    pub(crate) fn renewal(&self, rule: &RenewalRule, now: Timestamp) -> Option<RenewalWindow> {
        let window = RenewalWindow {
            opens_at: self.not_after - Duration::days(rule.opens_days.into()),
            closes_at: self.not_after + Duration::days(rule.grace_days.into()),
        };
        let renewable = self.status == CertificateStatus::Active && self.successor.is_none();
        (renewable && now <= window.closes_at).then_some(window)
    }

    /// The contract's record of it at a time. `rule` is there where renewal is offered to its holder.
    pub(crate) fn record(&self, rule: Option<&RenewalRule>, now: Timestamp) -> CertificateRecord {
        CertificateRecord {
            serial: self.serial.clone(),
            application: self.application,
            certificate_b64: STANDARD.encode(&self.der),
            status: self.status(now),
            not_before: self.not_before,
            not_after: self.not_after,
            renewal: rule.and_then(|rule| self.renewal(rule, now)),
            successor: self.successor.clone(),
            revocation: self.revocation.clone(),
        }
    }
}

pub(crate) fn add(db: &Connection, certificate: &CertificateRow) -> rusqlite::Result<()> {
    db.execute(
        "INSERT INTO certificates (serial, application, account, key_hash, der, status, not_before, not_after)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        (
            &certificate.serial,
            certificate.application.to_string(),
            certificate.account,
            certificate.key_hash,
            &certificate.der,
            word(certificate.status),
            millis(certificate.not_before),
            millis(certificate.not_after),
        ),
    )
    .map(drop)
}

pub(crate) fn by_key(db: &Connection, key_hash: &[u8]) -> rusqlite::Result<Option<CertificateRow>> {
    db.query_row(&format!("{SELECT} WHERE key_hash = ?1"), [key_hash], read).optional()
}

pub(crate) fn by_serial(db: &Connection, serial: &str) -> rusqlite::Result<Option<CertificateRow>> {
    db.query_row(&format!("{SELECT} WHERE serial = ?1"), [serial], read).optional()
}

/// Newest first.
pub(crate) fn of_account(db: &Connection, account: i64) -> rusqlite::Result<Vec<CertificateRow>> {
    db.prepare(&format!("{SELECT} WHERE account = ?1 ORDER BY rowid DESC"))?.query_map([account], read)?.collect()
}

pub(crate) fn of_application(db: &Connection, application: Uuid) -> rusqlite::Result<Vec<CertificateRow>> {
    db.prepare(&format!("{SELECT} WHERE application = ?1"))?.query_map([application.to_string()], read)?.collect()
}

/// Certificates that were not revoked, nor had another take their place, and end between two times: of one account or all.
pub(crate) fn ending(
    db: &Connection,
    account: Option<i64>,
    from: Timestamp,
    to: Timestamp,
) -> rusqlite::Result<Vec<CertificateRow>> {
    db.prepare(&format!(
        "{SELECT} WHERE status = 'active' AND successor IS NULL AND not_after BETWEEN ?2 AND ?3
         AND (?1 IS NULL OR account = ?1)"
    ))?
    .query_map((account, millis(from), millis(to)), read)?
    .collect()
}

/// Whether the account can log in by certificate: one is in force, see [`CertificateRow::is_in_force`].
pub(crate) fn has_active(db: &Connection, account: i64, now: Timestamp) -> rusqlite::Result<bool> {
    let found: Option<i64> = find(
        db,
        "SELECT 1 FROM certificates WHERE account = ?1 AND status = 'active' AND not_after >= ?2 LIMIT 1",
        (account, millis(now)),
    )?;
    Ok(found.is_some())
}

pub(crate) fn activate(db: &Connection, serial: &str) -> rusqlite::Result<()> {
    db.execute("UPDATE certificates SET status = 'active' WHERE serial = ?1", [serial]).map(drop)
}

/// Notes which certificate took the place of another.
pub(crate) fn set_successor(db: &Connection, serial: &str, successor: &str) -> rusqlite::Result<()> {
    db.execute("UPDATE certificates SET successor = ?2 WHERE serial = ?1", (serial, successor)).map(drop)
}

pub(crate) fn revoke(db: &Connection, serial: &str, at: Timestamp) -> rusqlite::Result<()> {
    db.execute("UPDATE certificates SET status = 'revoked', revoked_at = ?2 WHERE serial = ?1", (serial, millis(at)))
        .map(drop)
}

/// Says why a certificate was revoked.
pub(crate) fn set_reason(db: &Connection, serial: &str, reason: RevocationReason) -> rusqlite::Result<()> {
    db.execute("UPDATE certificates SET revocation_reason = ?2 WHERE serial = ?1", (serial, word(reason))).map(drop)
}

/// A revoked certificate.
pub(crate) struct Revoked {
    pub(crate) serial: String,
    pub(crate) at: Timestamp,
    pub(crate) reason: RevocationReason,
}

/// All revoked certificates, in the order they were.
pub(crate) fn revoked(db: &Connection) -> rusqlite::Result<Vec<Revoked>> {
    db.prepare(
        "SELECT serial, revoked_at, coalesce(revocation_reason, 'unspecified') FROM certificates
         WHERE status = 'revoked' ORDER BY revoked_at, serial",
    )?
    .query_map([], |row| {
        Ok(Revoked { serial: row.get(0)?, at: time(row.get(1)?), reason: from_word(&row.get::<_, String>(2)?)? })
    })?
    .collect()
}

/// One published list.
pub(crate) struct CrlRow {
    pub(crate) der: Vec<u8>,
    pub(crate) this_update: Timestamp,
    pub(crate) revoked_count: usize,
}

pub(crate) fn latest_crl(db: &Connection) -> rusqlite::Result<Option<CrlRow>> {
    db.query_row("SELECT der, this_update, revoked_count FROM crls ORDER BY number DESC LIMIT 1", [], |row| {
        Ok(CrlRow { der: row.get(0)?, this_update: time(row.get(1)?), revoked_count: row.get(2)? })
    })
    .optional()
}

/// Keeps the newest list alone; its number stays counted.
pub(crate) fn replace_crl(db: &Connection, number: u64, crl: &CrlRow) -> rusqlite::Result<()> {
    db.execute("DELETE FROM crls", [])?;
    db.execute(
        "INSERT INTO crls (number, der, this_update, revoked_count) VALUES (?1, ?2, ?3, ?4)",
        (number, &crl.der, millis(crl.this_update), crl.revoked_count),
    )
    .map(drop)
}

const SELECT: &str = "SELECT serial, application, account, key_hash, der, status, not_before, not_after, successor,
    revoked_at, revocation_reason FROM certificates";

fn read(row: &Row<'_>) -> rusqlite::Result<CertificateRow> {
    let revoked_at: Option<i64> = row.get(9)?;
    let reason: Option<String> = row.get(10)?;
    let reason: Option<RevocationReason> = reason.map(|word| from_word(&word)).transpose()?;
    Ok(CertificateRow {
        serial: row.get(0)?,
        application: from_word(&row.get::<_, String>(1)?)?,
        account: row.get(2)?,
        key_hash: row.get(3)?,
        der: row.get(4)?,
        status: from_word(&row.get::<_, String>(5)?)?,
        not_before: time(row.get(6)?),
        not_after: time(row.get(7)?),
        successor: row.get(8)?,
        revocation: revoked_at.zip(reason).map(|(at, reason)| Revocation { at: time(at), reason }),
    })
}
