//! Where the key of the cache is kept: the system's own store of secrets, behind one interface for all systems.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use base64::Engine as _;
use certdesk_cache::CacheKey;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::lock::BASE64;

/// Keeps keys of caches by the names of the caches. Its methods block, for as long as a person may need who is asked to
/// unlock it.
pub trait KeyStore: Send + Sync {
    /// The key of that name; `None` where the store has none.
    ///
    /// # Errors
    /// Where the store cannot be asked: then nobody knows whether it has one.
    fn key(&self, name: Uuid) -> Result<Option<CacheKey>, KeyStoreError>;

    /// Keeps a key, over the one of that name.
    ///
    /// # Errors
    /// Where the store did not take it.
    fn keep(&self, name: Uuid, key: &CacheKey) -> Result<(), KeyStoreError>;

    /// Whether this is the demo's store, whose key protects nothing.
    fn is_demo(&self) -> bool {
        false
    }
}

/// Why a store of keys gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyStoreError {
    /// There is none here, or it does not answer.
    #[error("no key store: {0}")]
    Away(String),
    /// It stayed locked, or the person said no.
    #[error("the key store is locked: {0}")]
    Locked(String),
}

/// The system's: Secret Service on Linux (GNOME Keyring, KWallet, KeePassXC), Credential Manager on Windows, Keychain on
/// macOS. Others of the same person's programs may be able to read it; other persons are not.
pub struct SystemKeyStore;

/// What a person sees of the entry in the system's own program for its secrets.
const SERVICE: &str = "cn.certdesk.client";
#[cfg(target_os = "linux")]
const LABEL: &str = "证办通 Certdesk";

impl SystemKeyStore {
    fn entry(name: Uuid) -> Result<keyring_core::Entry, KeyStoreError> {
        use keyring_core::api::CredentialStoreApi as _;
        #[cfg(target_os = "linux")]
        {
            let store = zbus_secret_service_keyring_store::Store::new()?;
            let label = [("label", LABEL)].into_iter().collect();
            Ok(store.build(SERVICE, &name.to_string(), Some(&label))?)
        }
        #[cfg(target_os = "windows")]
        return Ok(windows_native_keyring_store::Store::new()?.build(SERVICE, &name.to_string(), None)?);
        #[cfg(target_os = "macos")]
        return Ok(apple_native_keyring_store::keychain::Store::new()?.build(SERVICE, &name.to_string(), None)?);
        #[cfg(not(any(target_os = "linux", target_os = "windows", target_os = "macos")))]
        {
            let _ = (name, SERVICE, keyring_core::get_default_store().map(|store| store.vendor()));
            Err(KeyStoreError::Away(std::env::consts::OS.to_owned()))
        }
    }
}

impl KeyStore for SystemKeyStore {
    fn key(&self, name: Uuid) -> Result<Option<CacheKey>, KeyStoreError> {
        match Self::entry(name)?.get_secret().map(Zeroizing::new) {
            // An entry that somebody changed is no key any more.
            Ok(text) => Ok(std::str::from_utf8(&text).ok().and_then(read_key)),
            Err(keyring_core::Error::NoEntry) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn keep(&self, name: Uuid, key: &CacheKey) -> Result<(), KeyStoreError> {
        // As text: KWallet keeps nothing else.
        Ok(Self::entry(name)?.set_secret(write_key(key).as_bytes())?)
    }
}

impl From<keyring_core::Error> for KeyStoreError {
    fn from(error: keyring_core::Error) -> Self {
        match error {
            keyring_core::Error::NoStorageAccess(cause) => Self::Locked(cause.to_string()),
            other => Self::Away(other.to_string()),
        }
    }
}

/// The demo's: a file beside what it locks, which says so in plain words. It protects nothing; it is there so that a demo
/// asks nobody's key store, and is found again after a kill.
pub struct DemoKeyStore {
    file: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct DemoFile {
    note: String,
    name: Uuid,
    key: String,
}

impl DemoKeyStore {
    /// Its file lies in the folder of the demo's data.
    pub fn new(data: &Path) -> Self {
        Self { file: data.join("demo-key.json") }
    }
}

impl KeyStore for DemoKeyStore {
    fn key(&self, name: Uuid) -> Result<Option<CacheKey>, KeyStoreError> {
        let Ok(text) = fs::read_to_string(&self.file).map(Zeroizing::new) else { return Ok(None) };
        let kept = serde_json::from_str(&text).ok().filter(|kept: &DemoFile| kept.name == name);
        Ok(kept.and_then(|kept| read_key(&kept.key)))
    }

    fn keep(&self, name: Uuid, key: &CacheKey) -> Result<(), KeyStoreError> {
        let note = "DEMO ONLY: whoever has this file reads what lies beside it. 仅供演示：有此文件即可读取旁边的数据。";
        let kept = DemoFile { note: note.to_owned(), name, key: write_key(key).to_string() };
        let write = || -> std::io::Result<()> {
            let text = Zeroizing::new(serde_json::to_vec_pretty(&kept)?);
            crate::replace_file(&self.file, |file| file.write_all(&text))
        };
        write().map_err(|error| KeyStoreError::Away(error.kind().to_string()))
    }

    fn is_demo(&self) -> bool {
        true
    }
}

/// Where there is none, and nothing may be asked of one.
pub struct NoKeyStore;

impl KeyStore for NoKeyStore {
    fn key(&self, _: Uuid) -> Result<Option<CacheKey>, KeyStoreError> {
        Err(KeyStoreError::Away("none".to_owned()))
    }

    fn keep(&self, _: Uuid, _: &CacheKey) -> Result<(), KeyStoreError> {
        Err(KeyStoreError::Away("none".to_owned()))
    }
}

fn write_key(key: &CacheKey) -> Zeroizing<String> {
    Zeroizing::new(BASE64.encode(key.as_bytes()))
}

fn read_key(text: &str) -> Option<CacheKey> {
    let bytes = Zeroizing::new(BASE64.decode(text).ok()?);
    CacheKey::from_bytes(&bytes)
}
