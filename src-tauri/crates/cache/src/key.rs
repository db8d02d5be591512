//! Keys of what lies on disk. Random, never derived from anything a person knows; wiped when dropped.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Bytes of a key.
const BYTES: usize = 32;

/// The key of a cache. Where it is kept is not this room's matter.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct CacheKey([u8; BYTES]);

impl CacheKey {
    /// A new one, by the system's random numbers.
    pub fn random() -> Self {
        Self(random())
    }

    /// The key of these bytes; `None` where they are too many or too few.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// To be kept where others cannot read it.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Tells this key from others and nothing else about it: so that a wrong key is not taken for a damaged file.
    pub fn mark(&self) -> String {
        let digest = Sha256::new().chain_update(b"certdesk cache key\0").chain_update(self.0).finalize();
        hex(&digest[..16]).to_string()
    }

    /// As SQLCipher takes a key that is none of a passphrase: `x'…'`.
    pub(crate) fn literal(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("x'{}'", *hex(&self.0)))
    }
}

impl fmt::Debug for CacheKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CacheKey")
    }
}

/// The key of one sealed file, made for it alone. It lies in the row that owns the file: with the row the file is gone,
/// wherever its bytes may still be.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct FileKey(pub(crate) [u8; BYTES]);

impl FileKey {
    /// A new one, by the system's random numbers.
    pub fn random() -> Self {
        Self(random())
    }
}

impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FileKey")
    }
}

/// For its row in the encrypted cache.
impl Serialize for FileKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(&self.0))
    }
}

impl<'de> Deserialize<'de> for FileKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        let digits = (text.len() == 2 * BYTES && text.is_ascii()).then_some(text.as_str());
        let digits = digits.ok_or_else(|| de::Error::custom("a key has 64 digits"))?;
        let mut bytes = [0; BYTES];
        for (byte, at) in bytes.iter_mut().zip((0..).step_by(2)) {
            *byte = u8::from_str_radix(&digits[at..at + 2], 16).map_err(de::Error::custom)?;
        }
        Ok(Self(bytes))
    }
}

fn random() -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    // Without random numbers nothing may be written at all.
    getrandom::fill(&mut bytes).expect("the system gives random numbers");
    bytes
}

fn hex(bytes: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_shows_itself_to_nobody() {
        let (cache, file) = (CacheKey([7; BYTES]), FileKey([7; BYTES]));
        assert_eq!((format!("{cache:?}"), format!("{file:?}")), ("CacheKey".into(), "FileKey".into()));
        assert!(!cache.mark().contains("0707"), "the mark is no part of the key");
        assert_ne!(cache.mark(), CacheKey([8; BYTES]).mark(), "and tells keys apart");
        assert_ne!(CacheKey::random(), CacheKey::random());
    }

    #[test]
    fn a_file_key_is_read_as_it_was_written() {
        let key = FileKey::random();
        let text = serde_json::to_string(&key).unwrap();
        assert_eq!(serde_json::from_str::<FileKey>(&text).unwrap(), key);
        for broken in
            ["\"\"", "\"zz\"", "7", &text.replace(|c: char| c.is_ascii_digit(), "x"), &text.replacen('"', "\"a", 1)]
        {
            assert!(serde_json::from_str::<FileKey>(broken).is_err(), "{broken} is no key");
        }
    }
}
