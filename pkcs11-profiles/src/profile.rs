//! What a profile file may say. `schema.json` is made from these types.

use crate::path::{Arch, Os};
use serde::Deserialize;

/// What is known of one vendor's tokens and modules.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
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
    /// Models, as the tokens or their makers name them.
    #[serde(default)]
    pub models: Vec<String>,
    /// USB numbers of the tokens, `vvvv:pppp`, lower-case hex.
    #[serde(default)]
    pub usb: Vec<String>,
    /// Answers to reset (ISO 7816-3) of the cards in them, lower-case hex; `..` stands for any byte.
    #[serde(default)]
    pub atr: Vec<String>,
    /// Ids of profiles whose modules drive these tokens too, or instead where this one has no module.
    #[serde(default)]
    pub driven_by: Vec<String>,
    /// Where modules lie, the one to try first first.
    #[serde(default)]
    pub module: Vec<Location>,
    /// File names of modules whose folder is not known: they are known again where they are registered or added.
    #[serde(default)]
    pub file_names: Vec<String>,
    /// Where libraries of the SKF interface (GM/T 0016) lie. This program does not speak it; it says so.
    #[serde(default)]
    pub skf: Vec<Location>,
    /// `false`: a module that stands for no token (a list of trusted certificates, a collection of other modules, keys in
    /// a cloud). It is used only where a person asks for it.
    #[serde(default = "yes")]
    pub token: bool,
    /// Drives tokens of many makers: where a maker's own module shows the same token, that one is used.
    #[serde(default)]
    pub generic: bool,
    /// What is known of the PINs of these tokens. Advice: a token that takes another PIN is right, and the token's own
    /// limits go first.
    pub pin: Option<PinRules>,
    /// How the module differs from what the standard leads one to expect.
    #[serde(default)]
    pub quirks: Quirks,
    /// Packages that install the module.
    #[serde(default)]
    pub package: Vec<Package>,
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
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Location {
    /// Operating system.
    pub os: Os,
    /// Processors these files are for; absent where the file's own header decides.
    pub arch: Option<Vec<Arch>>,
    /// Absolute paths. `{multiarch}` stands for Debian's library folder; a Windows path may begin with
    /// `%SystemRoot%`, `%ProgramFiles%` or `%ProgramFiles(x86)%`. `*` stands for any part of one file's or folder's name.
    pub paths: Vec<String>,
}

impl Location {
    pub(crate) fn fits(&self, arch: Arch) -> bool {
        self.arch.as_ref().is_none_or(|those| those.contains(&arch))
    }
}

/// How a module differs from what the standard leads one to expect.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Quirks {
    /// There is always one more slot with an uninitialised token; it stands for no token and is not shown.
    pub spare_slot: bool,
    /// Tokens that come later are seen only after `C_Finalize` and `C_Initialize`, which this module bears well.
    pub rescan: bool,
    /// The flags that warn of few tries never change: no warning means nothing.
    pub silent_tries: bool,
    /// At login the module opens a window of its own and waits there for the person.
    pub vendor_dialog: bool,
    /// What it answers to a wrong PIN in place of `CKR_PIN_INCORRECT`, in the standard's names. It answers the same for
    /// other reasons, so none of these proves that a PIN was wrong.
    pub wrong_pin: Vec<String>,
    /// `C_SetPIN` while nobody is logged in may be taken for something else than a change of the PIN: it may be set up to take
    /// a PUK, of which a PIN would cost a try. Whoever changes a PIN is logged in first.
    pub change_logged_in: bool,
    /// How a blocked PIN is set anew.
    pub unblock: Unblock,
    /// It keeps a PIN that was right until its process ends, and lets any other pass meanwhile.
    pub cached_pin: bool,
    /// How labels and names are written.
    pub labels: LabelEncoding,
    /// How signatures of `CKM_ECDSA` are given.
    pub ecdsa: SignatureForm,
    /// How the module does SM2, which no version of PKCS#11 defines.
    pub sm2: Option<Sm2>,
}

/// How a blocked PIN is set anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Unblock {
    /// In the security officer's name: `C_Login`, then `C_InitPIN`.
    #[default]
    SecurityOfficer,
    /// By `C_SetPIN` while nobody is logged in, with the PUK for the old PIN.
    Puk,
}

/// How labels and names are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum LabelEncoding {
    /// UTF-8, as the standard has it. What is none is taken for GBK where it can be that.
    #[default]
    Utf8,
    /// GBK, whatever it looks like.
    Gbk,
}

/// What is known of the PINs of a family of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PinRules {
    /// Fewest characters.
    pub min: u32,
    /// Most characters.
    pub max: u32,
    /// Of what it consists.
    pub characters: PinCharacters,
    /// Wrong ones in a row that lock it, as the token leaves the factory.
    pub tries: Option<u32>,
}

/// Of what a PIN consists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PinCharacters {
    /// 0 to 9.
    Digits,
    /// Letters without accents, and digits.
    LettersAndDigits,
    /// Whatever ASCII prints.
    Printable,
}

/// A vendor's numbers for SM2. Private keys, public keys and mechanisms are otherwise as those of `CKK_EC`: `CKA_EC_PARAMS`
/// holds the curve's object identifier, `CKA_EC_POINT` the uncompressed point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Sm2 {
    /// `CKA_KEY_TYPE`
    pub key_type: u32,
    /// Mechanism, without parameter, that signs `e = SM3(Z ‖ message)`, 32 bytes.
    pub sign: u32,
    /// Mechanism that makes key pairs, where there is one.
    pub generate: Option<u32>,
    /// How the signature is given.
    #[serde(default)]
    pub signature: SignatureForm,
}

/// How the `r` and `s` of a signature are given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum SignatureForm {
    /// One after the other, both as long as the curve has it.
    #[default]
    Raw,
    /// `SEQUENCE { r, s }`
    Der,
}

impl Quirks {
    /// Those that the helper program heeds, as its arguments: for example `labels=gbk`, `ecdsa=der`,
    /// `sm2=80010001,80010002,-,raw`.
    pub fn to_arguments(&self) -> Vec<String> {
        let mut arguments = Vec::new();
        if self.change_logged_in {
            arguments.push("change=logged-in".to_owned());
        }
        if self.unblock == Unblock::Puk {
            arguments.push("unblock=puk".to_owned());
        }
        if self.labels == LabelEncoding::Gbk {
            arguments.push("labels=gbk".to_owned());
        }
        if self.ecdsa == SignatureForm::Der {
            arguments.push("ecdsa=der".to_owned());
        }
        if let Some(Sm2 { key_type, sign, generate, signature }) = self.sm2 {
            let generate = generate.map_or_else(|| "-".to_owned(), |number| format!("{number:08x}"));
            let signature = match signature {
                SignatureForm::Raw => "raw",
                SignatureForm::Der => "der",
            };
            arguments.push(format!("sm2={key_type:08x},{sign:08x},{generate},{signature}"));
        }
        arguments
    }

    /// Reads [`Quirks::to_arguments`]; `None` where one of them is no such thing.
    pub fn from_arguments<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut quirks = Self::default();
        for argument in arguments {
            match argument.split_once('=')? {
                ("change", "logged-in") => quirks.change_logged_in = true,
                ("unblock", "puk") => quirks.unblock = Unblock::Puk,
                ("labels", "gbk") => quirks.labels = LabelEncoding::Gbk,
                ("ecdsa", "der") => quirks.ecdsa = SignatureForm::Der,
                ("sm2", numbers) => quirks.sm2 = Some(Sm2::from_text(numbers)?),
                _ => return None,
            }
        }
        Some(quirks)
    }
}

impl Sm2 {
    fn from_text(text: &str) -> Option<Self> {
        let mut parts = text.split(',');
        let mut next = || parts.next();
        let number = |text: &str| u32::from_str_radix(text, 16).ok();
        let (key_type, sign) = (number(next()?)?, number(next()?)?);
        let generate = match next()? {
            "-" => None,
            text => Some(number(text)?),
        };
        let signature = match next()? {
            "raw" => SignatureForm::Raw,
            "der" => SignatureForm::Der,
            _ => return None,
        };
        next().is_none().then_some(Self { key_type, sign, generate, signature })
    }
}

fn yes() -> bool {
    true
}

/// A package that installs the module: one of the distribution's own, or an installer with its hash and publisher.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// For which system.
    pub os: PackageOs,
    /// For which processors; absent where for all.
    pub arch: Option<Vec<Arch>>,
    /// Name of a package that the distribution itself has.
    pub name: Option<String>,
    /// Where the installer is to be had, `https` only. Then with `sha256` and `publisher`.
    pub url: Option<String>,
    /// SHA-256 of the installer, lower-case hex.
    pub sha256: Option<String>,
    /// Who signed the installer, as the system shows it.
    pub publisher: Option<String>,
    /// Arguments with which it installs without asking.
    #[serde(default)]
    pub silent: Vec<String>,
}

/// Systems that packages are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum PackageOs {
    /// Windows.
    Windows,
    /// macOS.
    Macos,
    /// Linux with packages of Debian.
    LinuxDeb,
    /// Linux with packages of RPM.
    LinuxRpm,
}

impl Profile {
    /// Reads a profile file. What it says is not judged: that is [`Profile::faults`].
    ///
    /// # Errors
    /// Where and why the text is no profile.
    pub fn parse(id: &str, text: &str) -> Result<Self, toml::de::Error> {
        Ok(Self { id: id.into(), ..toml::from_str(text)? })
    }

    /// Whether a card answers to reset as one of these tokens.
    pub fn has_atr(&self, atr: &[u8]) -> bool {
        self.atr.iter().any(|known| {
            let pairs = || known.as_bytes().chunks(2);
            pairs().len() == atr.len()
                && pairs().zip(atr).all(|(pair, byte)| pair == b".." || pair == format!("{byte:02x}").as_bytes())
        })
    }

    /// File names by which a module of this profile is known; `*` as in [`Location::paths`].
    pub(crate) fn module_names(&self) -> impl Iterator<Item = &str> {
        let paths = self.module.iter().flat_map(|module| &module.paths);
        paths.chain(&self.file_names).map(|path| crate::path::file_name(path))
    }
}
