//! The campaign of kills: a person goes a journey, something is killed on the way, the person goes on, and in the end
//! what there is is compared with what the person had been told.
//!
//! Two programs. The person ([`person`], a process of its own that can be killed) drives the controller against the real
//! service and a real software key, and says each thing on a pipe at the moment it was acknowledged. The campaign
//! ([`campaign`]) listens, kills, starts again, and keeps the truth: what was said once must hold for ever.

pub mod campaign;
pub mod person;
pub mod scene;
pub mod truth;

use std::{path::PathBuf, time::Duration};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What a person comes for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Journey {
    /// An account, its first login and a password of one's own.
    Register,
    /// 新办: typed, form, files, handed in.
    Apply,
    /// A case that came back, corrected and handed in again.
    Correct,
    /// The certificate of an approved case, made on the key, and a login with it.
    Issue,
    /// 续订 by key: the form signed, handed in, the new certificate made, the old one removed.
    Renew,
    /// 注销 by key.
    Revoke,
}

impl Journey {
    /// All.
    pub const ALL: [Self; 6] = [Self::Register, Self::Apply, Self::Correct, Self::Issue, Self::Renew, Self::Revoke];

    /// Its parts, in order.
    #[must_use]
    pub fn phases(self) -> &'static [Phase] {
        use Phase::{Choose, Files, Form, Login, Make, Password, Registration, Remove, Sign, Submit, Type};
        match self {
            Self::Register => &[Registration, Login, Password],
            Self::Apply => &[Login, Type, Form, Files, Submit],
            Self::Correct => &[Login, Type, Form, Files, Submit],
            Self::Issue => &[Login, Make, Choose],
            Self::Renew => &[Login, Type, Sign, Files, Submit, Make, Remove],
            Self::Revoke => &[Login, Type, Submit],
        }
    }
}

/// A part of a journey.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The account is asked for.
    Registration,
    /// Logging in.
    Login,
    /// A password of one's own.
    Password,
    /// Fields are typed.
    Type,
    /// The form is made.
    Form,
    /// The form is made and signed by the key.
    Sign,
    /// Files are picked and sent.
    Files,
    /// The case is handed in.
    Submit,
    /// The certificate is made.
    Make,
    /// The new certificate logs in.
    Choose,
    /// The old certificate leaves the key.
    Remove,
}

/// What is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Victim {
    /// The program itself.
    App,
    /// The helper that holds the vendor's module.
    Helper,
    /// The service.
    Service,
}

impl Victim {
    /// All.
    pub const ALL: [Self; 3] = [Self::App, Self::Helper, Self::Service];
}

/// What the person says, one JSON object a line, when it was acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "said", rename_all = "snake_case")]
pub enum Said {
    /// A part of the journey begins.
    Begins {
        /// Which.
        phase: Phase,
    },
    /// There is an account of this name.
    Registered {
        /// Its name.
        account: String,
        /// The password that came with it.
        password: String,
    },
    /// The password is one's own now.
    PasswordChanged,
    /// The draft that is open, with what is in it.
    Draft {
        /// Case.
        id: Uuid,
        /// The number in the field that is typed; 0 where nothing was typed yet.
        typed: u32,
        /// Files that are there.
        files: Vec<Uuid>,
    },
    /// The field has this number now.
    Saved {
        /// Typed.
        typed: u32,
    },
    /// The form is made, or signed.
    Form,
    /// These files are picked.
    Picked {
        /// All of the case.
        files: Vec<Uuid>,
    },
    /// A file that was picked is to go: from here on it may be there or not.
    TakesOut {
        /// Which.
        file: Uuid,
    },
    /// All files are at the service.
    Sent,
    /// The case is handed in.
    Submitted {
        /// 申办编号
        number: String,
    },
    /// The certificate is on the key and confirmed.
    Made,
    /// The old certificate is gone from the key.
    Removed,
    /// Something did not work; the sentence of this code was read.
    Told {
        /// Code.
        code: String,
        /// Its cause.
        detail: Option<String>,
    },
    /// The journey is at its end.
    End,
}

/// Where a person sits and what they know.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Seat {
    /// What they come for.
    pub journey: Journey,
    /// Folder of the program's state.
    pub data: PathBuf,
    /// The service's ready file.
    pub ready: PathBuf,
    /// PKCS#11 module.
    pub module: PathBuf,
    /// SoftHSM's configuration.
    pub softhsm: PathBuf,
    /// PIN of the key.
    pub pin: String,
    /// Folder with the files to hand in.
    pub files: PathBuf,
    /// What they were told before.
    pub memory: Memory,
    /// How long they try before they are stuck.
    pub patience: Duration,
}

/// What a person remembers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// Account and password.
    pub account: Option<(String, String)>,
    /// The case at hand.
    pub case: Option<Uuid>,
    /// The certificate it is about, by its serial number.
    pub certificate: Option<String>,
}
