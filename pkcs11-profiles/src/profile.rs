//! What a profile file may say. `schema.json` is made from these types.

use crate::path::{Arch, Os};
use serde::Deserialize;

/// What is known of one vendor's tokens and modules.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Name of the file without its ending; not written in the file.
    #[serde(skip)]
    pub id: String,
    /// Tokens as people call them.
    pub name: String,
    /// The same in Chinese, where it has a name of its own.
    pub name_zh: Option<String>,
    /// Who makes them.
    pub vendor: String,
    /// How far the paths can be relied on.
    pub trust: Trust,
    /// Where the facts come from: addresses or repositories with file and commit. At least one.
    pub source: Vec<String>,
    /// USB numbers of the tokens, `vvvv:pppp`, lower-case hex.
    #[serde(default)]
    pub usb: Vec<String>,
    /// Where modules lie, the one to try first first.
    #[serde(default)]
    pub module: Vec<Location>,
    /// `false`: a module that stands for no token (a list of trusted certificates, a collection of other modules). It is
    /// used only where a person asks for it.
    #[serde(default = "yes")]
    pub token: bool,
    /// How the module differs from what the standard leads one to expect.
    #[serde(default)]
    pub quirks: Quirks,
    /// What a person who looks after such tokens should know.
    pub notes: Option<String>,
}

/// How far a profile can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Trust {
    /// This project's own tests run with the module.
    Tested,
    /// The maker's or the distribution's own documents or packages say so.
    Documented,
    /// Other projects look there; not seen by us.
    Reported,
}

/// Places on one operating system.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Location {
    /// Operating system.
    pub os: Os,
    /// Processors these files are for; absent where the file's own header decides.
    pub arch: Option<Vec<Arch>>,
    /// Absolute paths. `{multiarch}` stands for Debian's library folder; a Windows path may begin with
    /// `%SystemRoot%`, `%ProgramFiles%` or `%ProgramFiles(x86)%`.
    pub paths: Vec<String>,
}

impl Location {
    pub(crate) fn fits(&self, arch: Arch) -> bool {
        self.arch.as_ref().is_none_or(|those| those.contains(&arch))
    }
}

/// How a module differs from what the standard leads one to expect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Quirks {
    /// There is always one more slot with an uninitialised token; it stands for no token and is not shown.
    pub spare_slot: bool,
    /// Tokens that come later are seen only after `C_Finalize` and `C_Initialize`, which this module bears well.
    pub rescan: bool,
}

fn yes() -> bool {
    true
}

impl Profile {
    /// Reads a profile file.
    ///
    /// # Errors
    /// Where and why the text is no profile.
    pub fn parse(id: &str, text: &str) -> Result<Self, toml::de::Error> {
        Ok(Self { id: id.into(), ..toml::from_str(text)? })
    }
}
