//! The journal of 制证 (design §5.4): each step is written here before it is done, so that it can go on after a crash
//! or an unplugged key and leaves no orphan.

use certdesk_domain::token::KeyAlgorithm;
use rusqlite::OptionalExtension;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{from_json, to_json};
use crate::{Cache, CacheError};

const TABLE: &str = "issuance";

/// Where the making of one certificate stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issuance {
    /// The case.
    pub application: Uuid,
    /// The token it happens on.
    pub token_id: String,
    /// Algorithm of the key pair.
    pub algorithm: KeyAlgorithm,
    /// The step reached, in the controller's words.
    pub step: String,
    /// `CKA_ID` the key pair is made under: finds it where a crash came before its final name.
    pub provisional_id: Vec<u8>,
    /// Final `CKA_ID`.
    pub key_id: Option<Vec<u8>>,
    /// Public key, SubjectPublicKeyInfo DER.
    pub spki: Option<Vec<u8>>,
    /// Signed request, PKCS#10 DER.
    pub csr: Option<Vec<u8>>,
    /// Certificate, DER.
    pub certificate: Option<Vec<u8>>,
    /// Its issuers up to the root, DER.
    pub chain: Vec<Vec<u8>>,
}

impl Cache {
    /// Writes where a 制证 stands.
    ///
    /// # Errors
    /// Those of the file.
    pub fn put_issuance(&self, issuance: &Issuance) -> Result<(), CacheError> {
        self.connection()
            .prepare_cached(
                "INSERT INTO issuance VALUES (?1, ?2) ON CONFLICT (application) DO UPDATE SET content = excluded.content",
            )?
            .execute((issuance.application.to_string(), to_json(TABLE, issuance)?))?;
        Ok(())
    }

    /// Where the 制证 of a case stands, if it was begun.
    ///
    /// # Errors
    /// Those of the file.
    pub fn issuance(&self, application: Uuid) -> Result<Option<Issuance>, CacheError> {
        let text: Option<String> = self
            .connection()
            .prepare_cached("SELECT content FROM issuance WHERE application = ?1")?
            .query_row([application.to_string()], |row| row.get(0))
            .optional()?;
        text.map(|text| from_json(TABLE, &text)).transpose()
    }

    /// The issuers of a certificate that was made here, up to the root; none of one that was made elsewhere.
    ///
    /// # Errors
    /// Those of the file.
    pub fn chain_of(&self, certificate: &[u8]) -> Result<Vec<Vec<u8>>, CacheError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached("SELECT content FROM issuance")?;
        for text in statement.query_map([], |row| row.get::<_, String>(0))? {
            let issuance: Issuance = from_json(TABLE, &text?)?;
            if issuance.certificate.as_deref() == Some(certificate) {
                return Ok(issuance.chain);
            }
        }
        Ok(Vec::new())
    }

    /// Forgets the journal of a case.
    ///
    /// # Errors
    /// Those of the file.
    pub fn delete_issuance(&self, application: Uuid) -> Result<(), CacheError> {
        self.connection()
            .prepare_cached("DELETE FROM issuance WHERE application = ?1")?
            .execute([application.to_string()])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_journal_says_what_was_written_last() {
        let cache = Cache::in_memory().unwrap();
        let begun = Issuance {
            application: Uuid::now_v7(),
            token_id: "ab".repeat(32),
            algorithm: KeyAlgorithm::EcP256,
            step: "key_pair".into(),
            provisional_id: vec![0, 255, 7],
            key_id: None,
            spki: None,
            csr: None,
            certificate: None,
            chain: Vec::new(),
        };
        cache.put_issuance(&begun).unwrap();
        assert_eq!(cache.issuance(begun.application).unwrap(), Some(begun.clone()));
        let on = Issuance { step: "written".into(), key_id: Some(vec![1; 20]), chain: vec![vec![0x30, 0x82]], ..begun };
        cache.put_issuance(&on).unwrap();
        assert_eq!(cache.issuance(on.application).unwrap(), Some(on.clone()));
        cache.delete_issuance(on.application).unwrap();
        assert_eq!(cache.issuance(on.application).unwrap(), None);
    }
}
