//! Revocation lists as last verified, one an authority: who is on them, and until when they speak.
//!
//! Entries lie in sorted blocks: a million of them are two thousand rows, written in one transaction; a look-up reads
//! one block. An entry is its serial number's length (one byte), the number, the time (eight bytes) and the reason.

use certdesk_domain::{RevocationReason, Timestamp};
use rusqlite::{OptionalExtension, Transaction};

use crate::{Cache, CacheError};

/// Entries of one block.
const BLOCK: usize = 512;

/// What is kept of a list besides its entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrlRecord {
    /// The authority's certificate that the list was verified with, DER.
    pub issuer_der: Vec<u8>,
    /// Its number.
    pub number: u64,
    /// When it was made.
    pub this_update: Timestamp,
    /// Until when it speaks.
    pub next_update: Timestamp,
    /// The service's version mark.
    pub etag: Option<String>,
}

/// When a certificate was revoked, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: RevocationReason,
}

/// Takes the entries of a list one after the other, by ascending serial number.
pub struct CrlWriter<'a> {
    transaction: &'a Transaction<'a>,
    block: Vec<u8>,
    count: usize,
    first: Vec<u8>,
    failed: Option<CacheError>,
}

impl CrlWriter<'_> {
    /// Adds one: serial number without leading zero bytes, at most 255, and seconds since 1970. What goes wrong is told
    /// at the end.
    pub fn add(&mut self, serial: &[u8], revoked_at: i64, reason: RevocationReason) {
        let Ok(length) = u8::try_from(serial.len()) else { return };
        if self.count == 0 {
            self.first = serial.to_vec();
        }
        self.block.push(length);
        self.block.extend_from_slice(serial);
        self.block.extend_from_slice(&revoked_at.to_be_bytes());
        self.block.push(reason.code());
        self.count += 1;
        if self.count == BLOCK {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if self.count == 0 || self.failed.is_some() {
            return;
        }
        let insert = || -> Result<(), CacheError> {
            // A serial number that stands twice at the seam of two blocks is in both; the later one answers.
            let mut insert =
                self.transaction.prepare_cached("INSERT OR REPLACE INTO crl_block (first, entries) VALUES (?1, ?2)")?;
            insert.execute((&self.first, &self.block))?;
            Ok(())
        };
        self.failed = insert().err();
        self.block.clear();
        self.count = 0;
    }
}

impl Cache {
    /// What is known of the list.
    ///
    /// # Errors
    /// Those of the file.
    pub fn crl(&self) -> Result<Option<CrlRecord>, CacheError> {
        let row = self
            .connection()
            .prepare_cached("SELECT issuer, number, this_update, next_update, etag FROM crl")?
            .query_row([], |row| {
                Ok(CrlRecord {
                    issuer_der: row.get(0)?,
                    number: row.get(1)?,
                    this_update: instant(row.get(2)?),
                    next_update: instant(row.get(3)?),
                    etag: row.get(4)?,
                })
            })
            .optional()?;
        Ok(row)
    }

    /// Puts a verified list in the place of the one before: all of it or nothing. A list of the same issuer with a
    /// smaller number is not taken: numbers never go back. Answers whether it was taken.
    ///
    /// # Errors
    /// Those of `fill` and of the file.
    pub fn replace_crl<E: From<CacheError>>(
        &self,
        record: &CrlRecord,
        fill: impl FnOnce(&mut CrlWriter<'_>) -> Result<(), E>,
    ) -> Result<bool, E> {
        let mut fault = None;
        let taken = self.transaction(|transaction| {
            let seen: Option<u64> = transaction
                .query_row("SELECT number FROM crl_number WHERE issuer = ?1", [&record.issuer_der], |row| row.get(0))
                .optional()?;
            if seen.is_some_and(|seen| seen > record.number) {
                return Ok(false);
            }
            transaction.execute(
                "INSERT INTO crl_number VALUES (?1, ?2) ON CONFLICT DO UPDATE SET number = excluded.number",
                (&record.issuer_der, record.number),
            )?;
            transaction.execute("DELETE FROM crl", [])?;
            transaction.execute("DELETE FROM crl_block", [])?;
            transaction.execute(
                "INSERT INTO crl (issuer, number, this_update, next_update, etag) VALUES (?1, ?2, ?3, ?4, ?5)",
                (
                    &record.issuer_der,
                    record.number,
                    record.this_update.unix_timestamp(),
                    record.next_update.unix_timestamp(),
                    &record.etag,
                ),
            )?;
            let block = Vec::with_capacity(BLOCK * 30);
            let mut writer = CrlWriter { transaction, block, count: 0, first: Vec::new(), failed: None };
            if let Err(error) = fill(&mut writer) {
                fault = Some(error);
                return Err(CacheError::Gone { what: "revocation list" });
            }
            writer.flush();
            writer.failed.map_or(Ok(true), Err)
        });
        match (taken, fault) {
            (_, Some(fault)) => Err(fault),
            (taken, None) => taken.map_err(E::from),
        }
    }

    /// Whether a serial number (without leading zero bytes) is on the list.
    ///
    /// # Errors
    /// Those of the file.
    pub fn revocation(&self, serial: &[u8]) -> Result<Option<Revocation>, CacheError> {
        let block: Option<Vec<u8>> = self
            .connection()
            .prepare_cached("SELECT entries FROM crl_block WHERE first <= ?1 ORDER BY first DESC LIMIT 1")?
            .query_row([serial], |row| row.get(0))
            .optional()?;
        block.map_or(Ok(None), |block| find(&block, serial))
    }
}

fn find(mut block: &[u8], serial: &[u8]) -> Result<Option<Revocation>, CacheError> {
    while let [length, rest @ ..] = block {
        let Some((number, rest)) = rest.split_at_checked(usize::from(*length)) else { return Err(CacheError::Corrupt) };
        let Some((at, rest)) = rest.split_first_chunk::<8>() else { return Err(CacheError::Corrupt) };
        let [reason, rest @ ..] = rest else { return Err(CacheError::Corrupt) };
        if number == serial {
            let reason = RevocationReason::from_code(*reason).ok_or(CacheError::Corrupt)?;
            return Ok(Some(Revocation { at: instant(i64::from_be_bytes(*at)), reason }));
        }
        block = rest;
    }
    Ok(None)
}

fn instant(seconds: i64) -> Timestamp {
    Timestamp::from_unix_timestamp(seconds).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(issuer: &[u8], number: u64) -> CrlRecord {
        let this_update = Timestamp::UNIX_EPOCH + time::Duration::days(20_000);
        CrlRecord {
            issuer_der: issuer.to_vec(),
            number,
            this_update,
            next_update: this_update + time::Duration::days(1),
            etag: Some("\"a\"".into()),
        }
    }

    fn put(cache: &Cache, record: &CrlRecord, serials: &[Vec<u8>]) -> bool {
        let fill = |writer: &mut CrlWriter<'_>| {
            serials.iter().for_each(|serial| writer.add(serial, 7, RevocationReason::Superseded));
            Ok::<_, CacheError>(())
        };
        cache.replace_crl(record, fill).unwrap()
    }

    #[test]
    fn everybody_on_the_list_is_found_and_nobody_else() {
        let cache = Cache::in_memory().unwrap();
        assert_eq!(cache.revocation(&[1]).unwrap(), None, "without a list nothing is found");
        let mut serials: Vec<Vec<u8>> = (0..2000u32).map(|i| (i * 3 + 256).to_be_bytes()[2..].to_vec()).collect();
        serials.push(vec![1]);
        serials.push(vec![]);
        serials.sort();
        assert!(put(&cache, &record(b"ca", 4), &serials));
        assert_eq!(cache.crl().unwrap(), Some(record(b"ca", 4)));
        let expected = Revocation { at: instant(7), reason: RevocationReason::Superseded };
        for serial in &serials {
            assert_eq!(cache.revocation(serial).unwrap(), Some(expected), "{serial:?} is on the list");
        }
        for other in [vec![0x01, 0x01], vec![2], vec![0xFF; 20], vec![1, 0, 0]] {
            assert_eq!(cache.revocation(&other).unwrap(), None, "{other:?} is not");
        }
    }

    #[test]
    fn numbers_never_go_back_and_a_list_is_taken_whole_or_not() {
        let cache = Cache::in_memory().unwrap();
        assert!(put(&cache, &record(b"ca", 9), &[vec![1]]));
        assert!(!put(&cache, &record(b"ca", 8), &[]), "an older list is not taken");
        assert!(cache.revocation(&[1]).unwrap().is_some(), "what was revoked stays so");
        let broken = cache.replace_crl(&record(b"ca", 10), |writer| {
            writer.add(&[2], 7, RevocationReason::Unspecified);
            Err(CacheError::Corrupt)
        });
        assert!(matches!(broken, Err(CacheError::Corrupt)), "the reader's own error comes back");
        assert_eq!(cache.crl().unwrap().map(|record| record.number), Some(9), "the list of before is still there");
        assert!(cache.revocation(&[1]).unwrap().is_some() && cache.revocation(&[2]).unwrap().is_none());
        assert!(put(&cache, &record(b"other", 1), &[vec![3]]), "another authority counts for itself");
        assert!(!put(&cache, &record(b"ca", 8), &[]), "and the first one is remembered");
    }
}
