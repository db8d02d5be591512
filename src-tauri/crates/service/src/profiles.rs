//! Profiles of tokens that are newer than those in the programs out there: signed by the operator, served to everybody.
//!
//! The service needs no key to serve them: it passes on what [`sign`] made, wherever that was done.

use std::{
    collections::BTreeMap,
    io::Cursor,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use anyhow::{Context, bail, ensure};
use certdesk_contract::profiles::SignedProfiles;
use minisign::{KeyPair, PublicKey, SecretKey, SecretKeyBox};
use pkcs11_profiles::Bundle;

use crate::catalogue::Served;

/// Makes a key to sign profiles with, in a new file that only its owner reads; gives the public key, for
/// `CERTDESK_PROFILES_KEY` of the program's build.
///
/// # Errors
/// The file is there already, or cannot be written.
pub fn make_key(file: &Path) -> anyhow::Result<String> {
    let pair = KeyPair::generate_unencrypted_keypair()?;
    let text = pair.sk.to_box(Some("Certdesk profiles: secret key"))?.into_string();
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut made = options.open(file).with_context(|| format!("cannot make {}", file.display()))?;
    std::io::Write::write_all(&mut made, text.as_bytes())?;
    Ok(pair.pk.to_base64())
}

/// The public key that belongs to a key file.
///
/// # Errors
/// It is no such file.
pub fn public_key(file: &Path) -> anyhow::Result<String> {
    Ok(PublicKey::from_secret_key(&secret_key(file)?)?.to_base64())
}

/// Signs the profiles of a folder, as of `now` (seconds since 1970), and gives the text to be served.
///
/// # Errors
/// A profile that cannot be used; the text says which and why. A key file that does not read.
pub fn sign(key: &Path, folder: &Path, now: i64) -> anyhow::Result<String> {
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        if path.extension().is_none_or(|ending| ending != "toml") {
            continue;
        }
        let Some(id) = path.file_stem().and_then(|stem| stem.to_str()) else {
            bail!("{} has a name that is no text", path.display());
        };
        let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        files.insert(id.to_owned(), text);
    }
    sign_files(key, files, now)
}

fn sign_files(key: &Path, files: BTreeMap<String, String>, now: i64) -> anyhow::Result<String> {
    Ok(serde_json::to_string(&sign_text(key, Bundle::write(now, files)?)?)?)
}

/// Signs a bundle's text as it stands.
///
/// # Errors
/// A key file that does not read.
pub fn sign_text(key: &Path, bundle: String) -> anyhow::Result<SignedProfiles> {
    let signature = signature(key, &bundle, "Certdesk profiles")?;
    Ok(SignedProfiles { bundle, signature })
}

pub(crate) fn signature(key: &Path, text: &str, comment: &str) -> anyhow::Result<String> {
    Ok(minisign::sign(None, &secret_key(key)?, Cursor::new(text), None, Some(comment))?.into_string())
}

fn secret_key(file: &Path) -> anyhow::Result<SecretKey> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let key = SecretKeyBox::from_string(&text).and_then(SecretKeyBox::into_unencrypted_secret_key);
    key.with_context(|| format!("{} is no key made by `profiles key`", file.display()))
}

/// A demo publishes nothing new, signed with a key of its own in its data directory, so that all of it can be tried.
pub(crate) fn of_demo(data: &Path, now: i64) -> anyhow::Result<PathBuf> {
    let (key, out) = (data.join(DEMO_KEY), data.join("profiles.json"));
    if !key.exists() {
        make_key(&key)?;
    }
    if !out.exists() {
        std::fs::write(&out, sign_files(&key, BTreeMap::new(), now)?)?;
    }
    Ok(out)
}

/// The public key with which a demo's profiles are verified.
pub fn demo_key(data: &Path) -> Option<String> {
    public_key(&data.join(DEMO_KEY)).ok()
}

/// Name of the demo's key in its data directory.
const DEMO_KEY: &str = "profiles.key";

/// What is served: the file as it is now.
pub(crate) struct Published {
    file: Option<PathBuf>,
    held: Mutex<Option<(SystemTime, Arc<Served>)>>,
}

impl Published {
    /// # Errors
    /// The file is not what [`sign`] gives.
    pub(crate) fn open(file: Option<PathBuf>) -> anyhow::Result<Self> {
        let held = file.as_deref().map(read).transpose()?;
        if let Some(file) = &file {
            // What no program would take is noticed here, not out there.
            let signed: SignedProfiles = serde_json::from_slice(&std::fs::read(file)?)?;
            Bundle::read(&signed.bundle).with_context(|| format!("cannot serve the profiles {}", file.display()))?;
        }
        Ok(Self { file, held: Mutex::new(held) })
    }

    /// As of now: a newer file is served without a new start, a broken one leaves the last good one in place.
    pub(crate) fn served(&self) -> Option<Arc<Served>> {
        let file = self.file.as_deref()?;
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = file.metadata().and_then(|facts| facts.modified()).ok();
        if changed.is_some() && changed != held.as_ref().map(|(when, _)| *when) {
            match read(file) {
                Ok(new) => *held = Some(new),
                Err(error) => tracing::warn!(error = format!("{error:#}"), "published profiles not read"),
            }
        }
        held.as_ref().map(|(_, served)| Arc::clone(served))
    }
}

fn read(file: &Path) -> anyhow::Result<(SystemTime, Arc<Served>)> {
    let cannot = || format!("cannot serve the profiles {}", file.display());
    let modified = file.metadata().and_then(|facts| facts.modified()).with_context(cannot)?;
    let text = std::fs::read(file).with_context(cannot)?;
    let signed: SignedProfiles = serde_json::from_slice(&text).with_context(cannot)?;
    ensure!(!signed.signature.is_empty(), "{}: it is not signed", cannot());
    Ok((modified, Arc::new(Served::new(text))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_is_served_until_something_better_comes() {
        let folder = tempfile::tempdir().unwrap();
        let (key, profiles, out) =
            (folder.path().join("profiles.key"), folder.path().join("profiles"), folder.path().join("profiles.json"));
        let public = make_key(&key).unwrap();
        assert_eq!(public_key(&key).unwrap(), public, "the file tells its public key again");
        assert!(make_key(&key).is_err(), "a key is never written over");
        std::fs::create_dir(&profiles).unwrap();
        let lab = "name = \"Lab\"\nvendor = \"Lab\"\ntrust = \"reported\"\nsource = [\"lab\"]\nusb = [\"096e:0807\"]\n";
        std::fs::write(profiles.join("lab.toml"), lab).unwrap();
        std::fs::write(&out, sign(&key, &profiles, 1).unwrap()).unwrap();
        let published = Published::open(Some(out.clone())).unwrap();
        let first = published.served().unwrap();

        // Another moment of writing, whatever the clock of the disk counts in.
        let touch = |seconds| {
            let later = SystemTime::now() + std::time::Duration::from_secs(seconds);
            std::fs::File::options().write(true).open(&out).unwrap().set_modified(later).unwrap();
        };
        std::fs::write(&out, sign(&key, &profiles, 2).unwrap()).unwrap();
        touch(10);
        let second = published.served().unwrap();
        assert_ne!(first.etag, second.etag, "the newer file, without a new start");
        std::fs::write(&out, "half a fi").unwrap();
        touch(20);
        assert_eq!(published.served().unwrap().etag, second.etag, "half a file changes nothing");

        std::fs::write(profiles.join("lab.toml"), lab.replace("096e", "96E")).unwrap();
        let refused = sign(&key, &profiles, 3).unwrap_err().to_string();
        assert!(
            refused.contains("lab") && refused.contains("usb"),
            "what is wrong is said before it is signed: {refused}"
        );
        assert!(Published::open(Some(out)).is_err(), "a service does not start with what it cannot serve");
        assert!(Published::open(None).unwrap().served().is_none(), "and one without a file serves none");
    }
}
