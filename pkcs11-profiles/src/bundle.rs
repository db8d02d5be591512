//! Profiles as a service publishes them: all in one text, which is signed as it stands.

use crate::Profile;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};

/// The form of bundles this program reads. A newer program's profiles may say what this one does not know; their bundle
/// has a higher number, and this program stays with what it has.
pub const FORMAT: u32 = 1;

/// Profiles that were published together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// When it was signed, seconds since 1970. Of two bundles the later one counts.
    pub signed_at: i64,
    /// Read and judged.
    pub profiles: Vec<Profile>,
}

/// Why a text is no bundle for this program.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// Another form than [`FORMAT`].
    #[error("its form is {0}, this program reads {FORMAT}")]
    NewerFormat(u32),
    /// Not such a text at all.
    #[error("it does not read: {0}")]
    Garbled(String),
    /// A profile in it cannot be used.
    #[error("the profile {id}: {fault}")]
    Profile {
        /// Its id.
        id: String,
        /// What is wrong with it.
        fault: String,
    },
}

#[derive(Deserialize)]
struct Form {
    format: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    format: u32,
    signed_at: i64,
    /// The files' texts by id.
    profiles: BTreeMap<String, String>,
}

impl Bundle {
    /// Reads a bundle. Its signature is the caller's to verify, first.
    ///
    /// # Errors
    /// Any [`BundleError`]: one profile that cannot be used spoils the bundle.
    pub fn read(text: &str) -> Result<Self, BundleError> {
        let garbled = |error: serde_json::Error| BundleError::Garbled(error.to_string());
        let form: Form = serde_json::from_str(text).map_err(garbled)?;
        if form.format != FORMAT {
            return Err(BundleError::NewerFormat(form.format));
        }
        let written: Written = serde_json::from_str(text).map_err(garbled)?;
        Ok(Self { signed_at: written.signed_at, profiles: read_all(&written.profiles)? })
    }

    /// The text to sign, from the files' texts by id.
    ///
    /// # Errors
    /// [`BundleError::Profile`]
    pub fn write(signed_at: i64, profiles: BTreeMap<String, String>) -> Result<String, BundleError> {
        read_all(&profiles)?;
        let written = Written { format: FORMAT, signed_at, profiles };
        serde_json::to_string(&written).map_err(|error| BundleError::Garbled(error.to_string()))
    }
}

fn read_all(texts: &BTreeMap<String, String>) -> Result<Vec<Profile>, BundleError> {
    let packaged: HashSet<&str> = crate::FILES.iter().map(|(id, _)| *id).collect();
    let known = |id: &str| packaged.contains(id) || texts.contains_key(id);
    let read = |(id, text): (&String, &String)| {
        let fault = |fault: String| BundleError::Profile { id: id.clone(), fault };
        let profile = Profile::parse(id, text).map_err(|error| fault(error.to_string()))?;
        match profile.faults(&known).into_iter().next() {
            None => Ok(profile),
            Some(wrong) => Err(fault(wrong)),
        }
    };
    texts.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LAB: &str = r#"
        name = "Lab"
        vendor = "Lab"
        trust = "reported"
        source = ["the lab"]

        [[module]]
        os = "linux"
        paths = ["/usr/lib/liblab.so"]
    "#;

    fn files(id: &str) -> BTreeMap<String, String> {
        BTreeMap::from([(id.to_owned(), LAB.to_owned())])
    }

    #[test]
    fn what_is_written_is_read() {
        let text = Bundle::write(1_700_000_000, files("lab")).expect("a sound profile");
        let read = Bundle::read(&text).expect("a sound bundle");
        assert_eq!((read.signed_at, read.profiles.len()), (1_700_000_000, 1));
        assert_eq!(read.profiles[0].id, "lab", "a profile has the name of its file");
    }

    #[test]
    fn what_cannot_be_used_is_refused_for_its_reason() {
        let sound = Bundle::write(1, files("lab")).unwrap();
        let newer = sound.replacen("\"format\":1", "\"format\":2,\"more\":true", 1);
        assert_eq!(Bundle::read(&newer), Err(BundleError::NewerFormat(2)), "a newer form is known as that");
        let path = sound.replace("/usr/lib/", "lib/");
        let Err(BundleError::Profile { id, fault }) = Bundle::read(&path) else { panic!("a searched path is refused") };
        assert!(id == "lab" && fault.contains("not absolute"), "{id}: {fault}");
        assert!(Bundle::write(1, files("No Id")).is_err(), "nothing is signed that would be refused");
        assert!(matches!(Bundle::read("[]"), Err(BundleError::Garbled(_))));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_harm(text in ".{0,300}", at in any::<prop::sample::Index>()) {
            let _ = Bundle::read(&text);
            let sound = Bundle::write(1, files("lab")).unwrap();
            let at = (0..=at.index(sound.len())).rev().find(|at| sound.is_char_boundary(*at)).unwrap_or(0);
            let _ = Bundle::read(&format!("{}{text}{}", &sound[..at], &sound[at..]));
        }
    }
}
