//! Who logged in on this computer, kept so that the same person can read what was seen without asking the service: the
//! account as last seen, and one proof of the last login. What is tried against a proof is counted here, so that a new start
//! forgets no try.

use certdesk_contract::{account::AccountView, session::SessionKind};
use certdesk_domain::Timestamp;
use rusqlite::{OptionalExtension, Row};
use serde::{Deserialize, Serialize};
use time::format_description::well_known::Rfc3339;

use super::{from_json, to_json};
use crate::{Cache, CacheError};

const TABLE: &str = "offline_login";
const COLUMNS: &str = "seen_at, tries, content";

/// One account's last login.
#[derive(Clone, Debug, PartialEq)]
pub struct OfflineLogin {
    /// When the service was heard of this account last.
    pub seen_at: Timestamp,
    /// Tries begun since the last that was right.
    pub tries: u32,
    /// What was seen, and how its owner is known.
    pub known: KnownAccount,
}

/// An account, and how its owner is known again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KnownAccount {
    /// Address of the service it is an account of.
    pub service: String,
    /// The account as last seen.
    pub account: AccountView,
    /// Of the last login.
    pub proof: OfflineProof,
}

/// What the person of a login is known by without the service.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum OfflineProof {
    /// The password.
    Password {
        /// Its Argon2id hash (PHC string), never the password.
        verifier: String,
    },
    /// The key of a certificate.
    Certificate {
        /// The certificate, DER in base64.
        certificate_b64: String,
    },
}

impl OfflineProof {
    /// The kind of login that it proves.
    pub fn kind(&self) -> SessionKind {
        match self {
            Self::Password { .. } => SessionKind::Password,
            Self::Certificate { .. } => SessionKind::Token,
        }
    }
}

impl std::fmt::Debug for OfflineProof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "OfflineProof({:?}, redacted)", self.kind())
    }
}

impl Cache {
    /// Keeps the last login of an account, in place of the one before, with no tries against it.
    ///
    /// # Errors
    /// Those of the file.
    pub fn put_offline_login(&self, known: &KnownAccount, seen_at: Timestamp) -> Result<(), CacheError> {
        let content = to_json(TABLE, known)?;
        self.connection()
            .prepare_cached(
                "INSERT INTO offline_login (account, seen_at, tries, content) VALUES (?1, ?2, 0, ?3)
                 ON CONFLICT (account) DO UPDATE SET seen_at = excluded.seen_at, tries = 0, content = excluded.content",
            )?
            .execute([&known.account.name, &written(seen_at), &content])?;
        Ok(())
    }

    /// The last login of an account, if one is kept.
    ///
    /// # Errors
    /// Those of the file.
    pub fn offline_login(&self, account: &str) -> Result<Option<OfflineLogin>, CacheError> {
        let kept = self
            .connection()
            .prepare_cached(&format!("SELECT {COLUMNS} FROM offline_login WHERE account = ?1"))?
            .query_row([account], columns)
            .optional()?;
        kept.map(login).transpose()
    }

    /// All that are kept. One that cannot be read is left out: it opens nothing.
    ///
    /// # Errors
    /// Those of the file.
    pub fn offline_logins(&self) -> Result<Vec<OfflineLogin>, CacheError> {
        let connection = self.connection();
        let mut statement =
            connection.prepare_cached(&format!("SELECT {COLUMNS} FROM offline_login ORDER BY account"))?;
        let rows = statement.query_map([], columns)?.collect::<Result<Vec<_>, _>>()?;
        Ok(rows.into_iter().filter_map(|row| login(row).ok()).collect())
    }

    /// Counts a try before it is made: one that is cut short counts.
    ///
    /// # Errors
    /// Those of the file.
    pub fn begin_offline_try(&self, account: &str) -> Result<(), CacheError> {
        self.connection()
            .prepare_cached("UPDATE offline_login SET tries = tries + 1 WHERE account = ?1")?
            .execute([account])?;
        Ok(())
    }

    /// The try was right: those before it are forgotten.
    ///
    /// # Errors
    /// Those of the file.
    pub fn end_offline_tries(&self, account: &str) -> Result<(), CacheError> {
        self.connection()
            .prepare_cached("UPDATE offline_login SET tries = 0 WHERE account = ?1")?
            .execute([account])?;
        Ok(())
    }

    /// Changes what is known of an account, where its last login is kept.
    ///
    /// # Errors
    /// Those of the file.
    pub fn update_offline_login(
        &self,
        account: &str,
        change: impl FnOnce(&mut KnownAccount),
    ) -> Result<(), CacheError> {
        self.transaction(|transaction| {
            let kept = transaction
                .query_row(&format!("SELECT {COLUMNS} FROM offline_login WHERE account = ?1"), [account], columns)
                .optional()?;
            let Some(mut kept) = kept.map(login).transpose()? else { return Ok(()) };
            let before = kept.known.clone();
            change(&mut kept.known);
            if kept.known != before {
                transaction.execute(
                    "UPDATE offline_login SET content = ?2 WHERE account = ?1",
                    [account, &to_json(TABLE, &kept.known)?],
                )?;
            }
            Ok(())
        })
    }

    /// Forgets the last login of an account where `which` says so: without the service nobody gets in any more. What was
    /// seen stays.
    ///
    /// # Errors
    /// Those of the file.
    pub fn forget_offline_login(
        &self,
        account: &str,
        which: impl FnOnce(&OfflineProof) -> bool,
    ) -> Result<(), CacheError> {
        self.transaction(|transaction| {
            let kept = transaction
                .query_row(&format!("SELECT {COLUMNS} FROM offline_login WHERE account = ?1"), [account], columns)
                .optional()?;
            // What cannot be read opens nothing either.
            let goes = kept.is_some_and(|row| login(row).is_ok_and(|kept| which(&kept.known.proof)));
            if goes {
                transaction.execute("DELETE FROM offline_login WHERE account = ?1", [account])?;
            }
            Ok(())
        })
    }
}

/// How the time of a contact is written.
pub(super) fn written(at: Timestamp) -> String {
    at.format(&Rfc3339).unwrap_or_default()
}

fn columns(row: &Row<'_>) -> rusqlite::Result<(String, u32, String)> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

fn login((seen_at, tries, content): (String, u32, String)) -> Result<OfflineLogin, CacheError> {
    let seen_at = Timestamp::parse(&seen_at, &Rfc3339).unwrap_or(Timestamp::UNIX_EPOCH);
    Ok(OfflineLogin { seen_at, tries, known: from_json(TABLE, &content)? })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn known(account: &str, verifier: &str) -> KnownAccount {
        let account = serde_json::json!({
            "name": account, "businesses": ["new"],
            "registration": {
                "kind": "individual", "organisation": null,
                "contact": { "name": "王䶮", "id_kind": "resident_id", "id_number": "11010519491231002X" },
                "phone": "13800000000", "email": "wang@example.cn",
                "address": { "region": "110101", "detail": "测试路 1 号" },
            },
        });
        KnownAccount {
            service: "https://portal.example".into(),
            account: serde_json::from_value(account).unwrap(),
            proof: OfflineProof::Password { verifier: verifier.into() },
        }
    }

    #[test]
    fn tries_are_counted_on_the_disk_and_end_with_a_right_one_or_a_new_login() {
        let cache = Cache::in_memory().unwrap();
        let now = Timestamp::UNIX_EPOCH;
        cache.put_offline_login(&known("qy1", "a"), now).unwrap();
        cache.put_offline_login(&known("qy2", "b"), now).unwrap();
        let tries = |account: &str| cache.offline_login(account).unwrap().unwrap().tries;
        for _ in 0..3 {
            cache.begin_offline_try("qy1").unwrap();
        }
        cache.begin_offline_try("nobody").unwrap();
        assert_eq!((tries("qy1"), tries("qy2")), (3, 0), "each account has its own");
        cache.update_offline_login("qy1", |known| known.account.businesses.clear()).unwrap();
        assert_eq!(tries("qy1"), 3, "another view of the account forgets none");
        cache.end_offline_tries("qy1").unwrap();
        assert_eq!(tries("qy1"), 0);
        cache.begin_offline_try("qy1").unwrap();
        cache.put_offline_login(&known("qy1", "c"), now).unwrap();
        assert_eq!(tries("qy1"), 0, "a login that the service took begins anew");
        let kept = cache.offline_login("qy1").unwrap().unwrap().known;
        assert_eq!(kept.proof, OfflineProof::Password { verifier: "c".into() }, "with its own proof");
    }

    #[test]
    fn a_proof_goes_where_it_is_the_one_meant() {
        let cache = Cache::in_memory().unwrap();
        cache.put_offline_login(&known("qy1", "a"), Timestamp::UNIX_EPOCH).unwrap();
        cache.forget_offline_login("qy1", |proof| proof.kind() == SessionKind::Token).unwrap();
        assert_eq!(cache.offline_logins().unwrap().len(), 1, "another proof is not meant");
        cache.forget_offline_login("qy1", |_| true).unwrap();
        assert_eq!(cache.offline_login("qy1").unwrap(), None);
    }

    #[test]
    fn a_proof_shows_itself_to_nobody() {
        let shown = format!("{:?}", known("qy1", "$argon2id$of-the-password").proof);
        assert!(!shown.contains("argon2id"), "{shown}");
    }
}
