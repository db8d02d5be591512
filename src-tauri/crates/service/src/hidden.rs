//! Keyed hashes of what must be compared or counted, but not kept in plain words.

use std::{fs, path::Path};

use anyhow::Context as _;
use ring::hmac;

use crate::{ca, random};

/// The key, in a file of its own beside the database: who has one of the two alone learns nothing.
pub(crate) struct Hidden(hmac::Key);

impl Hidden {
    /// Reads the key at `file`, or makes it.
    pub(crate) fn open(file: &Path) -> anyhow::Result<Self> {
        let bytes = match fs::read(file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => make_key(file)?,
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", file.display())),
        };
        anyhow::ensure!(bytes.len() == 32, "{} is no key", file.display());
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// The hash of a value; `name` keeps values of different kinds apart and has no zero byte.
    pub(crate) fn hash(&self, name: &str, value: &str) -> Vec<u8> {
        hmac::sign(&self.0, format!("{name}\0{value}").as_bytes()).as_ref().to_vec()
    }

    /// Whether this is the hash of that value; takes as long for one that nearly is.
    pub(crate) fn is_hash(&self, hash: &[u8], name: &str, value: &str) -> bool {
        hmac::verify(&self.0, format!("{name}\0{value}").as_bytes(), hash).is_ok()
    }
}

/// Whole or not at all, for its owner's eyes only.
fn make_key(file: &Path) -> anyhow::Result<Vec<u8>> {
    let bytes = random::bytes(32);
    let draft = file.with_extension("part");
    // Left over by a kill in the middle of this.
    let _ = fs::remove_file(&draft);
    let written = ca::write_private(&draft, &bytes).and_then(|()| fs::rename(&draft, file));
    written.with_context(|| format!("cannot write {}", file.display()))?;
    Ok(bytes)
}
