//! What is known of tokens and their drivers, newer than what the program was built with.

use serde::{Deserialize, Serialize};

/// Profiles with their publisher's signature. Whoever passes them on can neither change nor forge them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SignedProfiles {
    /// What is signed, as it stands: the JSON text of a bundle of profiles (`pkcs11_profiles::Bundle`).
    pub bundle: String,
    /// Signature over it: the four lines of a minisign signature file (Ed25519).
    pub signature: String,
}
