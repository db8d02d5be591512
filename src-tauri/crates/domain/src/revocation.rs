//! Why a certificate was revoked.

use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)*) => {
        /// Reasons of RFC 5280 §5.3.1. `removeFromCRL` is none: it takes a revocation back, in delta lists alone.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ts_rs::TS, utoipa::ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum RevocationReason { $($(#[$doc])* $name,)* }

        impl RevocationReason {
            /// All of them, by their code.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The number on a revocation list.
            pub fn code(self) -> u8 { match self { $(Self::$name => $code,)* } }
        }
    };
}

reasons! {
    /// Nobody said.
    Unspecified = 0;
    /// The private key is known to others, or may be: a lost key.
    KeyCompromise = 1;
    /// The authority's own key.
    CaCompromise = 2;
    /// Name or unit changed.
    AffiliationChanged = 3;
    /// Another certificate took its place.
    Superseded = 4;
    /// No longer needed.
    CessationOfOperation = 5;
    /// Suspended, perhaps for a while.
    CertificateHold = 6;
    /// A right in it was withdrawn.
    PrivilegeWithdrawn = 9;
    /// The key of an attribute authority.
    AaCompromise = 10;
}

impl RevocationReason {
    /// The reason of that number.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|reason| reason.code() == code)
    }
}
