//! What is known of each module: `modules.toml`.

use crate::finding::Act;
use serde::Deserialize;

/// One row of the table.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// Name in the table; [`crate::lab`] knows it.
    pub name: String,
    /// What it is, for people.
    pub what: String,
    /// What it teaches: why it is in the lab.
    pub teaches: String,
    /// Part of `cargo xtask test`: needs nothing that is not there anyway, and no time.
    #[serde(default)]
    pub everyday: bool,
    /// The module is not to be loaded; what the listing says then.
    pub refused: Option<String>,
    /// The module has no token, and says so in time.
    #[serde(default)]
    pub empty: bool,
    /// More tokens on the same card.
    #[serde(default)]
    pub twins: usize,
    /// Other tokens, which stay as they are whatever happens to this one.
    #[serde(default)]
    pub others: usize,
    /// Certificates that are there from the start.
    #[serde(default)]
    pub certificates: usize,
    /// Keys that are there from the start: whose certificate has a private key on the token.
    #[serde(default)]
    pub keys: usize,
    /// `CKF_WRITE_PROTECTED`
    #[serde(default)]
    pub write_protected: bool,
    /// `CKF_PROTECTED_AUTHENTICATION_PATH`
    #[serde(default)]
    pub pin_pad: bool,
    /// Measure how long the whole program takes to show that this key comes and goes.
    #[serde(default)]
    pub shown: bool,
    /// Algorithm of the key of a whole journey on this token, as `certdesk-cli journey` names it.
    pub journey: Option<String>,
    /// Log in anew for each key: the token cannot hold two in one login.
    #[serde(default)]
    pub login_for_each_key: bool,
    /// Set up to be unblocked by the PUK, as the profile of who did so says (`unblock`).
    #[serde(default)]
    pub unblock_by_puk: bool,
    /// What each wrong PIN in a row is answered with, the last one the first that is called locked. The first alone is
    /// used where the list does not end in `locked`.
    #[serde(default)]
    pub wrong_pins: Vec<Wrong>,
    /// What the module does not do.
    #[serde(default)]
    pub cannot: Vec<Cannot>,
}

/// The answer to a wrong PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wrong {
    /// Wrong, and no warning.
    NoWarning,
    /// Wrong, few tries left.
    Few,
    /// Wrong, one try left.
    Last,
    /// Wrong, and that was the last.
    WrongAndLocked,
    /// Wrong, and the token does not tell how many are left.
    Unknown,
    /// Locked: the PIN is not judged any more.
    Locked,
}

/// Acts a module does not do.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cannot {
    /// Which.
    pub acts: Vec<Act>,
    /// Why.
    pub why: String,
    /// Words that must be in the answer; without them the act is not even tried.
    pub answer: Option<String>,
}

impl Expected {
    /// What is known of `act`, where it is not simply done.
    pub fn cannot(&self, act: Act) -> Option<&Cannot> {
        self.cannot.iter().find(|cannot| cannot.acts.contains(&act))
    }
}

/// All rows, in the table's order.
///
/// # Panics
/// Never in a build whose tests pass: the file is part of it.
pub fn modules() -> Vec<Expected> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        module: Vec<Expected>,
    }
    toml::from_str::<File>(include_str!("../modules.toml")).expect("a test holds that modules.toml reads").module
}
