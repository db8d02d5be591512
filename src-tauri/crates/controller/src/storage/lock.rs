//! How the cache is locked: a small file beside it, without a secret in it. It names the key in the key store, or holds
//! the key itself, sealed by a passphrase (Argon2id, RFC 9106; ChaCha20-Poly1305, RFC 8439), and knows the key's mark.
//!
//! A new passphrase seals the same key anew; nothing of the cache is written again.

use std::{fs, io, path::Path};

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine as _;
use certdesk_cache::CacheKey;
use chacha20poly1305::{
    ChaCha20Poly1305, KeyInit,
    aead::{Aead, Payload},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

pub(super) use base64::prelude::BASE64_STANDARD as BASE64;

/// Argon2id as RFC 9106 §4 has it for less memory: 64 MiB, three passes; about a tenth of a second.
pub(crate) const MEMORY_KIB: u32 = 64 * 1024;
pub(crate) const PASSES: u32 = 3;
/// What a file may ask for at most: one that was changed must not bring the computer down.
const MOST_MEMORY_KIB: u32 = 1024 * 1024;
const MOST_PASSES: u32 = 20;

/// The file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lock {
    /// Of this layout: 1.
    version: u32,
    /// Name of the key in a key store.
    pub(super) name: Uuid,
    /// [`CacheKey::mark`]
    mark: String,
    /// Where the key is.
    pub(super) kept: Kept,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kept {
    /// In the key store.
    KeyStore,
    /// Here, under a passphrase.
    Passphrase(Sealed),
}

/// A key sealed by a passphrase. base64 throughout.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sealed {
    memory_kib: u32,
    passes: u32,
    salt: String,
    key: String,
}

impl Lock {
    /// For a key that the key store keeps under `name`.
    pub(super) fn in_store(name: Uuid, key: &CacheKey) -> Self {
        Self { version: 1, name, mark: key.mark(), kept: Kept::KeyStore }
    }

    /// For a key that a passphrase seals.
    pub(super) fn by_passphrase(name: Uuid, key: &CacheKey, passphrase: &str) -> Self {
        let mut salt = [0; 16];
        getrandom::fill(&mut salt).expect("the system gives random numbers");
        let by = derive(passphrase, &salt, MEMORY_KIB, PASSES).expect("our own parameters are sound");
        // The salt is new, so the key derived is: it seals once, and needs no nonce of its own.
        let payload = Payload { msg: key.as_bytes(), aad: name.as_bytes() };
        let sealed = cipher(&by).encrypt(&Default::default(), payload).expect("32 bytes are not too many to seal");
        let kept =
            Sealed { memory_kib: MEMORY_KIB, passes: PASSES, salt: BASE64.encode(salt), key: BASE64.encode(sealed) };
        Self { version: 1, name, mark: key.mark(), kept: Kept::Passphrase(kept) }
    }

    /// The key, if this is its passphrase. Takes about a tenth of a second, and 64 MiB while it does.
    pub(super) fn open(&self, passphrase: &str) -> Option<CacheKey> {
        let Kept::Passphrase(sealed) = &self.kept else { return None };
        let by = derive(passphrase, &BASE64.decode(&sealed.salt).ok()?, sealed.memory_kib, sealed.passes)?;
        let payload = Payload { msg: &BASE64.decode(&sealed.key).ok()?, aad: self.name.as_bytes() };
        let key = Zeroizing::new(cipher(&by).decrypt(&Default::default(), payload).ok()?);
        CacheKey::from_bytes(&key).filter(|key| self.is_of(key))
    }

    /// Whether the cache has this key.
    pub(super) fn is_of(&self, key: &CacheKey) -> bool {
        self.mark == key.mark()
    }

    /// The lock of a folder. `Err(None)`: there is one, and it cannot be understood.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, Option<io::Error>> {
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Some(error)),
        };
        let lock = serde_json::from_slice(&text).ok().filter(|lock: &Self| lock.version == 1);
        lock.map(Some).ok_or(None)
    }

    /// Writes it in the place of the one before: whole, or not at all.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        crate::replace_file(path, |file| Ok(serde_json::to_writer_pretty(file, self)?))
    }
}

/// What a lock file is read as, and whether a passphrase could be tried at it, for `tests/fuzz`.
#[cfg(feature = "fuzz")]
pub fn read_bytes(bytes: &[u8]) -> String {
    let Ok(lock) = serde_json::from_slice::<Lock>(bytes) else { return String::new() };
    // What asks for a gibibyte is taken, and takes its time: not a matter of reading.
    let cheap = matches!(&lock.kept, Kept::Passphrase(sealed) if sealed.memory_kib <= 64 && sealed.passes <= 2);
    format!("{lock:?} {}", cheap && lock.open("a passphrase").is_some())
}

fn derive(passphrase: &str, salt: &[u8], memory_kib: u32, passes: u32) -> Option<Zeroizing<[u8; 32]>> {
    if memory_kib > MOST_MEMORY_KIB || passes > MOST_PASSES {
        return None;
    }
    let params = Params::new(memory_kib, passes, 1, Some(32)).ok()?;
    let mut by = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, &mut *by)
        .ok()?;
    Some(by)
}

fn cipher(by: &[u8; 32]) -> ChaCha20Poly1305 {
    ChaCha20Poly1305::new(by.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passphrase_gives_its_key_and_another_gives_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock.json");
        let key = CacheKey::random();
        let lock = Lock::by_passphrase(Uuid::now_v7(), &key, "金山大道 1 号的猫");
        lock.write(&path).unwrap();
        let lock = Lock::read(&path).unwrap().unwrap();
        assert_eq!(lock.open("金山大道 1 号的猫"), Some(key.clone()), "the passphrase as it was typed");
        assert_eq!(lock.open("金山大道 1 号的狗"), None, "another opens nothing");
        let text = fs::read_to_string(&path).unwrap();
        assert!(
            !text.contains(&BASE64.encode(key.as_bytes())) && !text.contains("金山"),
            "the file has no secret in it"
        );
        let moved = Lock { name: Uuid::now_v7(), ..lock.clone() };
        assert_eq!(moved.open("金山大道 1 号的猫"), None, "nor does it open another cache");
        let Kept::Passphrase(sealed) = lock.kept.clone() else { panic!("kept by a passphrase") };
        for (memory_kib, passes) in [(u32::MAX, 3), (MEMORY_KIB, u32::MAX), (0, 0)] {
            let kept = Kept::Passphrase(Sealed { memory_kib, passes, ..sealed.clone() });
            assert_eq!(Lock { kept, ..lock.clone() }.open("金山大道 1 号的猫"), None, "a changed file costs nothing");
        }
    }

    #[test]
    fn no_lock_and_one_that_is_not_understood_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock.json");
        assert!(matches!(Lock::read(&path), Ok(None)));
        for broken in ["", "{}", "{\"version\":2}", "\0\0\0"] {
            fs::write(&path, broken).unwrap();
            assert!(matches!(Lock::read(&path), Err(None)), "{broken:?} is no lock");
        }
    }
}
