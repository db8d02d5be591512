//! What comes of an act.

use serde::{Deserialize, Serialize};

/// What is asked of a token, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    /// Its facts, readable and sound.
    List,
    /// The certificates that were there before us.
    Certificates,
    /// One wrong PIN: called wrong, its warning told, nobody logged in.
    WrongPin,
    /// The right PIN.
    Login,
    /// An RSA-2048 key pair.
    MakeRsa,
    /// A P-256 key pair.
    MakeEc,
    /// A P-384 key pair.
    MakeP384,
    /// RSASSA-PKCS1-v1_5.
    SignPkcs1,
    /// RSASSA-PSS.
    SignPss,
    /// ECDSA on P-256.
    SignEcdsa,
    /// ECDSA on P-384.
    SignP384,
    /// Everything on the token, as the helpdesk lists it.
    Objects,
    /// A certificate for a key made here, found again without login.
    Write,
    /// A key taken out is missed.
    Out,
    /// A key put in is seen.
    In,
    /// How long the whole program takes to show that it comes and goes.
    Shown,
    /// What the doctor says of reader and card: with its driver, without one, taken out.
    Doctor,
    /// Lost in the middle of a signature: told in time, and all is well afterwards.
    Lost,
    /// What was made here is removed.
    Remove,
    /// After logging out, nobody is logged in.
    Logout,
    /// The PIN is changed, and changed back; one that is too long is not sent.
    ChangePin,
    /// The whole way of a person: apply, make the key, write the certificate, log in to the service with it.
    Journey,
    /// Wrong PINs until none is left, each told as what it is.
    Lock,
    /// A new PIN from the security officer.
    Unblock,
}

impl Act {
    /// All, in order.
    pub const ALL: [Self; 24] = [
        Self::List,
        Self::Certificates,
        Self::WrongPin,
        Self::Login,
        Self::MakeRsa,
        Self::MakeEc,
        Self::MakeP384,
        Self::SignPkcs1,
        Self::SignPss,
        Self::SignEcdsa,
        Self::SignP384,
        Self::Objects,
        Self::Write,
        Self::Out,
        Self::In,
        Self::Shown,
        Self::Doctor,
        Self::Lost,
        Self::Remove,
        Self::Logout,
        Self::ChangePin,
        Self::Journey,
        Self::Lock,
        Self::Unblock,
    ];
}

/// An act and what came of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Finding {
    /// What was asked.
    pub act: Act,
    /// What came of it.
    pub verdict: Verdict,
    /// How long it took.
    pub seconds: f64,
    /// What else is worth telling.
    pub note: Option<String>,
}

/// How an act compares with what was expected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// The module is known not to do this, and said so in the way it is known to; or there is nothing to ask.
    Cannot(String),
    /// Not as it should be, or not as it was known to be.
    Fails(String),
}
