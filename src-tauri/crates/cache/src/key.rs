//! The key of what lies on disk. Random, never derived from anything a person knows; wiped when dropped.

use std::fmt;

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
        let key = CacheKey([7; BYTES]);
        assert_eq!(format!("{key:?}"), "CacheKey");
        assert!(!key.mark().contains("0707"), "the mark is no part of the key");
        assert_ne!(key.mark(), CacheKey([8; BYTES]).mark(), "and tells keys apart");
        assert_ne!(CacheKey::random(), CacheKey::random());
    }
}
