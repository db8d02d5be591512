//! What the doctor says: findings with facts, a level, and a repair where there is one.
//!
//! Texts are not here: `ui/src/text/<language>/doctor.json` has a title, a meaning and an advice for each code, for the
//! window, the terminal and the report alike.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What was looked at, whole or so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, TS)]
pub struct Examination {
    /// Probes that have not answered yet. Empty: the examination is done.
    pub waiting: Vec<Probe>,
    /// Problems first, then notes, then what is well; within a level in the order of [`FindingCode`].
    pub findings: Vec<Finding>,
    /// Whether a key could be used now.
    pub usable: bool,
}

/// What is looked at, side by side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Probe {
    /// Driver modules, and the keys they show.
    Keys,
    /// USB devices.
    Usb,
    /// The system's smart card service (PC/SC).
    CardService,
    /// Smart card readers, as that service shows them.
    CardReaders,
    /// Name, connection, TLS, answer and clock of the portal service.
    Service,
    /// Drivers that the portal service offers.
    Offers,
    /// Operating system and what it runs in.
    Computer,
}

impl Probe {
    /// All.
    pub const ALL: &'static [Self] =
        &[Self::Keys, Self::Usb, Self::CardService, Self::CardReaders, Self::Service, Self::Offers, Self::Computer];
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct Finding {
    /// What its texts are found by.
    pub code: FindingCode,
    /// What it is about.
    pub part: Part,
    /// How well it is.
    pub level: Level,
    /// What it was found by; also what fills the `{names}` of its texts.
    pub facts: Vec<Fact>,
    /// What the program can do about it.
    pub repair: Option<Repair>,
}

/// How well it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Stands in the way of using a key here.
    Problem,
    /// Worth knowing.
    Note,
    /// Well.
    Good,
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The key itself.
    Key,
    /// Driver modules.
    Driver,
    /// The system's smart card service.
    CardService,
    /// The portal service and the way to it.
    Service,
    /// This computer.
    Computer,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident, $part:ident;)*) => {
        /// All that can be found.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
        #[serde(rename_all = "snake_case")]
        pub enum FindingCode { $($(#[$doc])* $name,)* }

        impl FindingCode {
            /// All, for the test that each has its texts.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// What it is about.
            pub fn part(self) -> Part { match self { $(Self::$name => Part::$part,)* } }
        }
    };
}

codes! {
    /// A key with a certificate in force, PIN not locked.
    KeyReady, Key;
    /// No driver shows a key and no USB device is known as one.
    KeyNone, Key;
    /// A USB device is known as a key, and no driver for it is installed.
    KeyWithoutDriver, Key;
    /// A USB device is known as a key, its driver runs, and yet does not show it.
    KeyUnseen, Key;
    /// The system does not let this user reach the key's device.
    KeyForbidden, Key;
    /// A smart card reader or key by its USB class that no profile knows.
    KeyUnknown, Key;
    /// A reader holds a card that profiles know, and no driver for it is installed.
    CardWithoutDriver, Key;
    /// A reader holds a card that profiles know, its driver runs, and yet does not show it.
    CardUnseen, Key;
    /// A reader holds a card that no profile knows and no driver shows.
    CardUnknown, Key;
    /// What is in a reader does not answer.
    CardMute, Key;
    /// A reader has no card in it.
    ReaderEmpty, Key;
    /// A reader holds a card that profiles know by its answer to reset.
    CardKnown, Key;
    /// A reader holds a card that a driver shows and no profile knows.
    CardSeen, Key;
    /// No tries are left.
    KeyLocked, Key;
    /// One try is left.
    KeyLastTry, Key;
    /// Few tries are left.
    KeyFewTries, Key;
    /// Never initialised, or without a user PIN.
    KeyNotReady, Key;
    /// No certificate with its private key is on it.
    KeyEmpty, Key;
    /// Its certificate is of a kind that logs in nowhere here.
    KeyUnfit, Key;
    /// Its certificate has ended.
    KeyExpired, Key;
    /// Its certificate ends soon.
    KeyEnding, Key;
    /// More than one key is plugged in.
    KeySeveral, Key;
    /// A module answers.
    DriverWorks, Driver;
    /// No module is installed.
    DriverNone, Driver;
    /// A module is for another processor or bitness.
    DriverOtherMachine, Driver;
    /// A module needs libraries that are not here.
    DriverLacksLibraries, Driver;
    /// A module cannot be loaded.
    DriverUnloadable, Driver;
    /// A driver speaks another interface (SKF) than this program.
    DriverOtherInterface, Driver;
    /// A module that was named is not there.
    DriverGone, Driver;
    /// A module was switched off by the user.
    DriverBanned, Driver;
    /// A module does not answer.
    DriverHung, Driver;
    /// A module crashed.
    DriverCrashed, Driver;
    /// A module answers with an error.
    DriverFailed, Driver;
    /// Our own helper cannot be started: the installation is damaged.
    HelperBroken, Driver;
    /// PC/SC runs.
    CardServiceRuns, CardService;
    /// PC/SC is installed and does not run.
    CardServiceStopped, CardService;
    /// PC/SC is not installed.
    CardServiceMissing, CardService;
    /// PC/SC does not let this user in.
    CardServiceForbidden, CardService;
    /// PC/SC does not answer.
    CardServiceHung, CardService;
    /// PC/SC answers with an error.
    CardServiceFailed, CardService;
    /// The library of PC/SC is not installed.
    CardServiceLibrary, CardService;
    /// The portal service answers.
    ServiceAnswers, Service;
    /// No address, or none that can be one.
    ServiceUnset, Service;
    /// The service's name is not found.
    ServiceName, Service;
    /// No connection to the service.
    ServiceConnect, Service;
    /// No connection to the proxy that is set.
    ServiceProxy, Service;
    /// The system's proxy script found no way, and there is none without it.
    ServiceScript, Service;
    /// The network wants a login in a browser first.
    ServiceNetworkLogin, Service;
    /// A connection, but no TLS.
    ServiceTls, Service;
    /// The service's certificate is not trusted.
    ServiceUntrusted, Service;
    /// The service's certificate is by an authority that this computer does not know: it may have been put in its place on
    /// the way.
    ServiceReplaced, Service;
    /// Something answers, but not the service as it should.
    ServiceAnswer, Service;
    /// This computer's clock is right.
    ClockRight, Service;
    /// This computer's clock is wrong.
    ClockWrong, Service;
    /// System, machine and program.
    Computer, Computer;
    /// The program runs in a remote desktop session.
    RemoteSession, Computer;
    /// The program runs in a virtual machine.
    VirtualMachine, Computer;
    /// Security software that may stand between.
    SecuritySoftware, Computer;
    /// The system's web view cannot be found.
    WebViewMissing, Computer;
    /// A probe did not answer in time.
    ProbeLate, Computer;
}

/// One fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct Fact {
    /// What it is.
    pub name: FactName,
    /// Its value, to show to the person in front of this computer.
    pub value: String,
    /// The same in Chinese, where that is another word.
    pub zh: Option<String>,
    /// What a report may say of it.
    #[serde(skip)]
    pub care: Care,
}

/// What a report for others may say of a fact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Care {
    /// All of it, but for this computer's user and folders.
    #[default]
    Open,
    /// Its last characters.
    Number,
    /// That there is one.
    Person,
}

/// What a fact is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum FactName {
    /// Operating system.
    System,
    /// Version of the operating system.
    SystemVersion,
    /// Processor.
    Machine,
    /// Version of this program.
    Program,
    /// Web view and its version.
    WebView,
    /// Maker of the key.
    Vendor,
    /// The key or the device as people call it.
    Device,
    /// USB numbers, `vvvv:pppp`.
    Usb,
    /// Path of the device.
    Node,
    /// A smart card reader.
    Reader,
    /// A card's answer to reset, hex.
    Atr,
    /// A driver's name.
    Driver,
    /// A driver's file.
    File,
    /// A driver's version.
    Version,
    /// Who made a driver, as it says.
    Maker,
    /// Who signed a driver's file, as the system finds.
    Signer,
    /// The package that brought a driver's file.
    Brought,
    /// Who issued a certificate.
    Issuer,
    /// Libraries.
    Libraries,
    /// What is there.
    Found,
    /// What is needed.
    Needed,
    /// Name of a key.
    Label,
    /// Holder of a certificate.
    Holder,
    /// Serial number of a key.
    Serial,
    /// Last day of a certificate, `yyyy-mm-dd`.
    Until,
    /// Days.
    Days,
    /// Wrong PINs in a row that lock such a key as it leaves the factory; never what is left.
    LocksAfter,
    /// How many.
    Count,
    /// Address of the service.
    Address,
    /// Address of the proxy.
    Proxy,
    /// Minutes.
    Minutes,
    /// Milliseconds.
    Milliseconds,
    /// Kind of remote session or virtual machine.
    Kind,
    /// Names of products.
    Products,
    /// A package that the service offers.
    Package,
    /// The exact words of the system or the driver.
    Cause,
    /// Which probe.
    Probe,
}

/// What the program can do about a finding. Before it does, the person is told what ([`RepairPlan`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Repair {
    /// Start the system's smart card service.
    StartCardService,
    /// Install the system's smart card service.
    InstallCardService,
    /// Let the users of this computer reach the USB devices that are known as keys.
    AllowKeys,
    /// Fetch, check and install a driver that the service offers.
    InstallDriver {
        /// Its id.
        id: String,
    },
    /// Ask the service for its list of drivers again.
    RefreshLists,
    /// Start the drivers anew and look again.
    LookAgain,
}

/// What a repair will do, to be read before it is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct RepairPlan {
    /// The command line as the system will get it; `None` where no other program runs.
    pub command: Option<String>,
    /// Whether the system will ask for an administrator.
    pub asks_for_administrator: bool,
}

impl Finding {
    pub(crate) fn new(code: FindingCode, level: Level) -> Self {
        Self { code, part: code.part(), level, facts: Vec::new(), repair: None }
    }

    pub(crate) fn fact(mut self, name: FactName, value: impl ToString) -> Self {
        self.facts.push(Fact { name, value: value.to_string(), zh: None, care: Care::Open });
        self
    }

    /// A fact that has a word of its own in Chinese.
    pub(crate) fn word(mut self, name: FactName, value: &str, zh: Option<&str>) -> Self {
        self.facts.push(Fact { name, value: value.to_owned(), zh: zh.map(ToOwned::to_owned), care: Care::Open });
        self
    }

    /// A fact where there is one.
    pub(crate) fn known(self, name: FactName, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.fact(name, value),
            None => self,
        }
    }

    /// A fact that a report shows the end of.
    pub(crate) fn number(mut self, name: FactName, value: impl ToString) -> Self {
        self.facts.push(Fact { name, value: value.to_string(), zh: None, care: Care::Number });
        self
    }

    /// A fact that no report shows.
    pub(crate) fn person(mut self, name: FactName, value: impl ToString) -> Self {
        self.facts.push(Fact { name, value: value.to_string(), zh: None, care: Care::Person });
        self
    }

    pub(crate) fn repair(mut self, repair: Repair) -> Self {
        self.repair = Some(repair);
        self
    }
}
