//! The messages between supervisor and helper, and their frames.
//!
//! A frame is a length (`u32`, little endian) of what follows, one version byte, and a postcard message. It is bounded:
//! neither side takes a longer one. The verbs are neutral (no PKCS#11 handles or structures), so that a helper for
//! another token interface can stand beside the PKCS#11 one.
//!
//! The helper first sends [`Reply::Ready`] (or why not) under id 0; then each request gets one answer under its own id.

use crate::{error::TokenError, pin::Pin};
use certdesk_domain::token::{KeyAlgorithm, ObjectClass, PinTries, SignatureScheme};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

/// Version of the messages; both programs come from one build, so another version is a damaged installation.
pub const VERSION: u8 = 4;

/// Most bytes in a frame after its length.
pub const MAX_FRAME: usize = 1 << 20;

/// A message with the number that ties an answer to its request.
#[derive(Debug, Serialize, Deserialize)]
pub struct Numbered<T> {
    /// Counts up from 1 for requests; 0 is the helper's greeting.
    pub id: u64,
    /// The message.
    pub body: T,
}

/// What the helper is asked.
#[derive(Debug, Serialize, Deserialize)]
pub enum Request {
    /// What the module says of itself.
    Library,
    /// All tokens of the module.
    List {
        /// Ask the module to look again from scratch if it shows no token and nobody is logged in.
        rescan: bool,
        /// Read what is on the tokens again also where nothing points to a change.
        thorough: bool,
    },
    /// Log the user in.
    Login {
        /// Token.
        token: String,
        /// PIN as typed.
        #[serde(with = "crate::pin")]
        pin: Pin,
    },
    /// Log the user in with the PIN typed on the token's own pad.
    LoginByPinPad {
        /// Token.
        token: String,
    },
    /// Log the user out.
    Logout {
        /// Token.
        token: String,
    },
    /// Key pairs on the token; needs a login.
    KeyPairs {
        /// Token.
        token: String,
    },
    /// Make a key pair on the token; needs a login.
    GenerateKeyPair {
        /// Token.
        token: String,
        /// Algorithm.
        algorithm: KeyAlgorithm,
        /// `CKA_LABEL` of both keys.
        label: String,
        /// `CKA_ID` both keys are born with.
        provisional_id: Vec<u8>,
    },
    /// Change the user's PIN.
    ChangePin {
        /// Token.
        token: String,
        /// The PIN there is.
        #[serde(with = "crate::pin")]
        old: Pin,
        /// The PIN there shall be.
        #[serde(with = "crate::pin")]
        new: Pin,
    },
    /// Change the user's PIN, both typed on the token's own pad.
    ChangePinByPinPad {
        /// Token.
        token: String,
    },
    /// Give the user a new PIN in the security officer's name. Whoever is logged in is logged out before.
    Unblock {
        /// Token.
        token: String,
        /// PIN of the security officer.
        #[serde(with = "crate::pin")]
        so_pin: Pin,
        /// The user's PIN there shall be.
        #[serde(with = "crate::pin")]
        new: Pin,
    },
    /// The same, both typed on the token's own pad.
    UnblockByPinPad {
        /// Token.
        token: String,
    },
    /// Sign a digest; needs a login.
    Sign(ToSign),
    /// Sign a digest with a key that wants the PIN for each signature ([`TokenError::PinAgain`]); needs a login.
    SignWithPin {
        /// What to sign.
        what: ToSign,
        /// PIN of the user, typed for this signature.
        #[serde(with = "crate::pin")]
        pin: Pin,
    },
    /// The same with the PIN typed on the token's own pad.
    SignByPinPad(ToSign),
    /// All objects that can be seen now, without their values.
    Objects {
        /// Token.
        token: String,
    },
    /// Write a certificate beside its key; needs a login.
    PutCertificate {
        /// Token.
        token: String,
        /// `CKA_ID` of the key.
        key_id: Vec<u8>,
        /// Certificate, DER.
        der: Vec<u8>,
        /// `CKA_LABEL`.
        label: String,
    },
    /// Remove both keys of a pair; needs a login.
    RemoveKeyPair {
        /// Token.
        token: String,
        /// `CKA_ID` of the pair.
        key_id: Vec<u8>,
    },
    /// Remove a certificate; needs a login.
    RemoveCertificate {
        /// Token.
        token: String,
        /// Certificate, DER.
        der: Vec<u8>,
    },
}

/// A digest, and the key that is to sign it.
#[derive(Debug, Serialize, Deserialize)]
pub struct ToSign {
    /// Token.
    pub token: String,
    /// `CKA_ID` of the key.
    pub key_id: Vec<u8>,
    /// Scheme.
    pub scheme: SignatureScheme,
    /// Digest of the message, of [`SignatureScheme::digest_length`] bytes.
    pub digest: Vec<u8>,
}

impl Request {
    /// Whether a PIN is in it.
    pub fn carries_pin(&self) -> bool {
        matches!(self, Self::Login { .. } | Self::ChangePin { .. } | Self::Unblock { .. } | Self::SignWithPin { .. })
    }

    /// Whether it gives the module a PIN to prove. Not the PIN of one signature, which goes to who is logged in already.
    pub(crate) fn proves_pin(&self) -> bool {
        matches!(
            self,
            Self::Login { .. }
                | Self::LoginByPinPad { .. }
                | Self::ChangePin { .. }
                | Self::ChangePinByPinPad { .. }
                | Self::Unblock { .. }
                | Self::UnblockByPinPad { .. }
        )
    }

    /// Whether it changes the objects on a token.
    pub(crate) fn writes(&self) -> bool {
        matches!(
            self,
            Self::GenerateKeyPair { .. }
                | Self::PutCertificate { .. }
                | Self::RemoveKeyPair { .. }
                | Self::RemoveCertificate { .. }
        )
    }

    /// Name for messages and logs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Library => "library",
            Self::List { .. } => "list",
            Self::Login { .. } => "login",
            Self::LoginByPinPad { .. } => "login by PIN pad",
            Self::Logout { .. } => "logout",
            Self::KeyPairs { .. } => "key pairs",
            Self::GenerateKeyPair { .. } => "generate key pair",
            Self::ChangePin { .. } => "change PIN",
            Self::ChangePinByPinPad { .. } => "change PIN by PIN pad",
            Self::Unblock { .. } => "unblock",
            Self::UnblockByPinPad { .. } => "unblock by PIN pad",
            Self::Sign(_) => "sign",
            Self::SignWithPin { .. } => "sign with PIN",
            Self::SignByPinPad(_) => "sign by PIN pad",
            Self::Objects { .. } => "objects",
            Self::PutCertificate { .. } => "put certificate",
            Self::RemoveKeyPair { .. } => "remove key pair",
            Self::RemoveCertificate { .. } => "remove certificate",
        }
    }
}

/// What the helper answers; each request has one kind of reply.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// The module is loaded and initialised.
    Ready,
    /// Done; nothing more to say.
    Done,
    /// To [`Request::Library`].
    Library(LibraryInfo),
    /// To [`Request::List`].
    Tokens(Vec<TokenInfo>),
    /// To [`Request::KeyPairs`].
    KeyPairs(Vec<KeyPair>),
    /// To [`Request::GenerateKeyPair`].
    KeyPair(KeyPair),
    /// To [`Request::Sign`] and its likes. ECDSA and SM2 as raw `r‖s`.
    Signature(Vec<u8>),
    /// To [`Request::Objects`].
    Objects(Vec<TokenObject>),
}

/// A reply, or why there is none.
pub type Answer = Result<Reply, TokenError>;

/// What a module says of itself (`C_GetInfo`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LibraryInfo {
    /// Who made it; may be empty.
    pub manufacturer: String,
    /// What it is; may be empty.
    pub description: String,
    /// Its version, such as `2.6`.
    pub version: String,
}

/// One token, as it shows itself without and with login.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenInfo {
    /// Stable name: SHA-256, hex, of `manufacturer|model|serial`. Where a module shows several tokens with the same
    /// three (one card as two slots), label and slot are hashed too.
    pub id: String,
    /// `CK_SLOT_ID` it sits in now.
    pub slot: u64,
    /// What the module calls that slot: mostly the reader, as the smart card service calls it, cut at 64 bytes. Empty where it
    /// is not told.
    pub reader: String,
    /// Label, without its padding.
    pub label: String,
    /// Manufacturer, without its padding.
    pub manufacturer: String,
    /// Model, without its padding.
    pub model: String,
    /// Serial number, without its padding.
    pub serial: String,
    /// What the flags say of the user PIN's tries.
    pub tries: PinTries,
    /// What the flags say of the security officer's tries.
    pub so_tries: PinTries,
    /// The user's PIN must be changed before anything else (`CKF_USER_PIN_TO_BE_CHANGED`).
    pub pin_must_change: bool,
    /// Fewest bytes in a PIN, as stated; tokens do not always hold to it.
    pub pin_min: u32,
    /// Most bytes in a PIN, as stated; 0 where the token states no limit.
    pub pin_max: u32,
    /// The PIN is typed on the token (`CKF_PROTECTED_AUTHENTICATION_PATH`).
    pub pin_pad: bool,
    /// `CKF_TOKEN_INITIALIZED`
    pub initialised: bool,
    /// `CKF_USER_PIN_INITIALIZED`
    pub user_pin_set: bool,
    /// `CKF_WRITE_PROTECTED`
    pub write_protected: bool,
    /// The user is logged in, in this helper.
    pub logged_in: bool,
    /// The certificates that can be read now.
    pub certificates: Vec<TokenCertificate>,
}

/// A certificate on a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenCertificate {
    /// `CKA_ID`; empty where there is none.
    pub key_id: Vec<u8>,
    /// `CKA_LABEL`
    pub label: String,
    /// `CKA_VALUE`, DER.
    pub der: Vec<u8>,
    /// Its key is on the token. Before login private keys are hidden: then a public key with the same `CKA_ID` stands
    /// for the pair, and on a token that shows no key at all every certificate gets the benefit of the doubt.
    pub has_private_key: bool,
}

/// A key pair on a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyPair {
    /// `CKA_ID` of the private key.
    pub key_id: Vec<u8>,
    /// `CKA_LABEL` of the private key; tells whose orphan it is.
    pub label: String,
    /// Algorithm.
    pub algorithm: KeyAlgorithm,
    /// Public key as `SubjectPublicKeyInfo`, DER (RFC 5280 §4.1).
    pub spki_der: Vec<u8>,
    /// A certificate for this key is on the token, by `CKA_ID` or by its public key.
    pub has_certificate: bool,
}

/// An object on a token, as the helpdesk looks at it: what it is, never what a secret one holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenObject {
    /// `CKA_CLASS`
    pub class: ObjectClass,
    /// Kind of key or certificate in the standard's words (`CKK_RSA`, `CKC_X_509`), where it has one.
    pub kind: Option<String>,
    /// `CKA_LABEL`, without its padding.
    pub label: String,
    /// `CKA_ID`
    pub id: Vec<u8>,
    /// Size in bits of a key; `None` where it does not tell.
    pub bits: Option<u32>,
    /// Bytes in the value of a public certificate or data object.
    pub bytes: Option<u32>,
    /// `CKA_PRIVATE` and the like that are true, in the standard's words without `CKA_`.
    pub flags: Vec<String>,
}

/// Why bytes are no frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Longer than [`MAX_FRAME`].
    #[error("a frame of {0} bytes, at most {MAX_FRAME} are taken")]
    TooLong(usize),
    /// No version byte.
    #[error("an empty frame")]
    Empty,
    /// Another version than [`VERSION`].
    #[error("frame version {0}, expected {VERSION}")]
    Version(u8),
    /// The message does not read.
    #[error("a garbled message")]
    Garbled,
}

/// The whole frame of a message, length included. The buffer is made in its final size and wiped when dropped, since
/// it may hold a PIN.
///
/// # Errors
/// [`FrameError::TooLong`]
pub fn encode<T: Serialize>(message: &Numbered<T>) -> Result<Zeroizing<Vec<u8>>, FrameError> {
    let size = postcard::experimental::serialized_size(message).map_err(|_| FrameError::Garbled)? + 1;
    if size > MAX_FRAME {
        return Err(FrameError::TooLong(size));
    }
    let mut frame = Zeroizing::new(vec![0; 4 + size]);
    frame[..4].copy_from_slice(&(size as u32).to_le_bytes());
    frame[4] = VERSION;
    postcard::to_slice(message, &mut frame[5..]).map_err(|_| FrameError::Garbled)?;
    Ok(frame)
}

/// How many bytes follow a frame's length field.
///
/// # Errors
/// [`FrameError::TooLong`], [`FrameError::Empty`]; the stream cannot be read on after that.
pub fn body_length(length: [u8; 4]) -> Result<usize, FrameError> {
    match u32::from_le_bytes(length) as usize {
        0 => Err(FrameError::Empty),
        length if length > MAX_FRAME => Err(FrameError::TooLong(length)),
        length => Ok(length),
    }
}

/// The message in a frame's body (all that follows the length).
///
/// # Errors
/// Any [`FrameError`]; bytes left over after the message are an error too.
pub fn decode<T: DeserializeOwned>(body: &[u8]) -> Result<Numbered<T>, FrameError> {
    let (&version, message) = body.split_first().ok_or(FrameError::Empty)?;
    if version != VERSION {
        return Err(FrameError::Version(version));
    }
    match postcard::take_from_bytes(message) {
        Ok((message, [])) => Ok(message),
        _ => Err(FrameError::Garbled),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn token_with(certificates: Vec<TokenCertificate>) -> TokenInfo {
        TokenInfo {
            id: "ab".repeat(32),
            slot: 1,
            reader: "Lab 00 00".into(),
            label: "云帆".into(),
            manufacturer: "maker".into(),
            model: "model".into(),
            serial: "0042".into(),
            tries: PinTries::Few,
            so_tries: PinTries::NoWarning,
            pin_must_change: false,
            pin_min: 6,
            pin_max: 8,
            pin_pad: false,
            initialised: true,
            user_pin_set: true,
            write_protected: false,
            logged_in: false,
            certificates,
        }
    }

    fn body(frame: &[u8]) -> &[u8] {
        let length = body_length(frame[..4].try_into().unwrap()).expect("the length is in bounds");
        assert_eq!(length, frame.len() - 4, "the length counts what follows it");
        &frame[4..]
    }

    #[test]
    fn a_login_arrives_with_its_pin() {
        let sent = Numbered {
            id: 7,
            body: Request::Login { token: "t".into(), pin: Pin::from_bytes(b"\xb0\x001234".to_vec()) },
        };
        let frame = encode(&sent).unwrap();
        let got: Numbered<Request> = decode(body(&frame)).unwrap();
        assert_eq!(got.id, 7);
        assert!(!format!("{got:?}").contains("1234"), "a message must not print its PIN");
        let Request::Login { pin, .. } = got.body else { panic!("a login must arrive as a login") };
        assert_eq!(pin.expose(), b"\xb0\x001234");
    }

    #[test]
    fn too_much_is_not_sent() {
        let message =
            Numbered { id: 1, body: Request::RemoveCertificate { token: String::new(), der: vec![0; MAX_FRAME] } };
        assert!(matches!(encode(&message), Err(FrameError::TooLong(_))), "a frame over the bound must not be made");
    }

    #[test]
    fn another_version_is_refused() {
        let mut frame = encode(&Numbered { id: 1, body: Request::List { rescan: false, thorough: true } }).unwrap();
        frame[4] = 9;
        assert_eq!(decode::<Request>(&frame[4..]).unwrap_err(), FrameError::Version(9));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = decode::<Request>(&bytes);
            let _ = decode::<Answer>(&bytes);
            let mut versioned = vec![VERSION];
            versioned.extend(&bytes);
            let _ = decode::<Request>(&versioned);
            let _ = decode::<Answer>(&versioned);
        }

        #[test]
        fn any_length_is_judged(length in any::<u32>()) {
            let judged = body_length(length.to_le_bytes());
            prop_assert_eq!(judged.is_ok(), (1..=MAX_FRAME).contains(&(length as usize)));
        }

        #[test]
        fn a_frame_cut_or_lengthened_is_garbled(signature in proptest::collection::vec(any::<u8>(), 0..300), cut in 1usize..50) {
            let frame = encode(&Numbered { id: 3, body: Answer::Ok(Reply::Signature(signature)) }).unwrap();
            let body = &frame[4..];
            prop_assert!(decode::<Answer>(&body[..body.len().saturating_sub(cut)]).is_err());
            let mut longer = body.to_vec();
            longer.push(0);
            prop_assert_eq!(decode::<Answer>(&longer).unwrap_err(), FrameError::Garbled);
        }

        #[test]
        fn a_damaged_list_is_read_without_harm(
            label: String,
            der in proptest::collection::vec(any::<u8>(), 0..200),
            damages in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
        ) {
            let held = TokenCertificate { key_id: vec![1; 20], label: label.clone(), der, has_private_key: true };
            let pair = KeyPair {
                key_id: vec![2; 20],
                label,
                algorithm: KeyAlgorithm::EcP256,
                spki_der: vec![3; 91],
                has_certificate: false,
            };
            let token = token_with(vec![held; 3]);
            let bodies = [Reply::KeyPairs(vec![pair; 3]), Reply::Tokens(vec![token; 2])];
            for body in bodies {
                let frame = encode(&Numbered { id: 9, body: Answer::Ok(body) }).unwrap();
                let mut body = frame[4..].to_vec();
                for (place, byte) in &damages {
                    let place = place.index(body.len());
                    body[place] = *byte;
                }
                // What still reads can be sent on: nothing in it is larger than what came.
                if let Ok(read) = decode::<Answer>(&body) {
                    prop_assert!(encode(&read).is_ok(), "{read:?} came in a frame and fits into none");
                }
            }
        }
    }
}
