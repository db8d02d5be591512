//! Key pairs on a token: finding them whole, making them, signing with them.

use crate::{
    der,
    failure::{token_error, unable},
    objects::{self, find, read, read_id, read_label},
    raw::Functions,
    text,
};
use certdesk_token::{KeyAlgorithm, KeyPair, Pin, SignatureScheme, TokenError, message::ToSign};
use cryptoki::{
    error::{Error, RvError},
    mechanism::{
        Mechanism, MechanismType,
        rsa::{PkcsMgfType, PkcsPssParams},
        vendor_defined::VendorDefinedMechanism,
    },
    object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle},
    session::{Session, UserType},
    types::RawAuthPin,
};
use cryptoki_sys::CK_ULONG;
use pkcs11_profiles::{Quirks, SignatureForm, Sm2};
use sha1::{Digest, Sha1};

/// The keys of the token that a session is with, and what is special about its module.
pub(crate) struct Keys<'a> {
    pub(crate) session: &'a Session,
    pub(crate) quirks: &'a Quirks,
}

/// Why there is no signature.
pub(crate) enum Refusal {
    /// As any call may fail.
    Token(TokenError),
    /// What the token answered to the PIN of this signature.
    Pin(Error),
}

impl From<TokenError> for Refusal {
    fn from(error: TokenError) -> Self {
        Self::Token(error)
    }
}

impl Keys<'_> {
    /// The key pairs of the algorithms we work with. Needs a login.
    pub(crate) fn key_pairs(&self) -> Result<Vec<KeyPair>, TokenError> {
        let certificates = objects::certificates(self.session)?;
        let mut pairs = Vec::new();
        for private in find(self.session, ObjectClass::PRIVATE_KEY, &[])? {
            let key_id = read_id(self.session, private)?;
            let Some(public) = self.public_key_of(private, &key_id, &certificates)? else { continue };
            let has_certificate = is_certified(&key_id, public.bits(), &certificates);
            let label = text::of(&read_label(self.session, private)?, self.quirks.labels);
            let PublicKey { algorithm, spki_der } = public;
            pairs.push(KeyPair { key_id, label, algorithm, spki_der, has_certificate });
        }
        Ok(pairs)
    }

    /// Makes a pair, or finishes the one that an earlier call with this label left behind.
    pub(crate) fn generate(
        &self,
        algorithm: KeyAlgorithm,
        label: &str,
        provisional_id: &[u8],
    ) -> Result<KeyPair, TokenError> {
        if provisional_id.is_empty() {
            return Err(TokenError::Unsupported { what: "key pairs without a provisional id".into() });
        }
        let (public, private) = match self.unfinished(algorithm, label, provisional_id)? {
            Some(pair) => pair,
            None => self.make(algorithm, label, provisional_id)?,
        };
        let key = self.read_public(public)?.ok_or(TokenError::Driver {
            call: "C_GetAttributeValue".into(),
            code: "no public key that we understand after C_GenerateKeyPair".into(),
        })?;
        let key_id = rename(self.session, public, private, &key, provisional_id)?;
        Ok(KeyPair { key_id, label: label.into(), algorithm, spki_der: key.spki_der, has_certificate: false })
    }

    /// Signs a digest. `again`: the PIN for a key that wants it for each signature, `Some(None)` where it is typed on the
    /// pad; without it such a key is left alone.
    pub(crate) fn sign(
        &self,
        functions: &Functions,
        what: &ToSign,
        again: Option<Option<&Pin>>,
    ) -> Result<Vec<u8>, Refusal> {
        let ToSign { key_id, scheme, digest, .. } = what;
        if digest.len() != scheme.digest_length() {
            return Err(TokenError::Unsupported { what: "a digest of this length".into() }.into());
        }
        let session = self.session;
        let key = self.private_key(key_id, *scheme)?;
        // A try without its login logs the user out on some tokens, so the key is asked first.
        let wants_login =
            matches!(read(session, key, AttributeType::AlwaysAuthenticate)?, Some(Attribute::AlwaysAuthenticate(true)));
        let with_head = [SHA256_DIGEST_INFO, digest].concat();
        let (mechanism, data) = match scheme {
            SignatureScheme::RsaPkcs1Sha256 => (Mechanism::RsaPkcs, &with_head),
            SignatureScheme::RsaPssSha256 => (Mechanism::RsaPkcsPss(pss_sha256()), digest),
            SignatureScheme::EcdsaP256Sha256 | SignatureScheme::EcdsaP384Sha384 => (Mechanism::Ecdsa, digest),
            SignatureScheme::Sm2Sm3 => (vendor(self.sm2()?.sign)?, digest),
        };
        let unable = unable("this kind of signature");
        let signature = match (wants_login, again) {
            (true, None) => return Err(TokenError::PinAgain.into()),
            (true, Some(pin)) => {
                match session.sign_init(&mechanism, key) {
                    // What is left of a signature whose PIN was refused ends here.
                    Err(Error::Pkcs11(RvError::OperationActive, _)) => {
                        let _ = functions.sign(session, data);
                        session.sign_init(&mechanism, key)
                    }
                    other => other,
                }
                .map_err(&unable)?;
                match pin {
                    Some(pin) => session
                        .login_with_raw(UserType::ContextSpecific, &RawAuthPin::new(Box::new(pin.expose().to_vec()))),
                    None => session.login(UserType::ContextSpecific, None),
                }
                .map_err(Refusal::Pin)?;
                functions.sign(session, data)
            }
            (false, _) => session.sign(&mechanism, key, data),
        };
        let signature = signature.map_err(unable)?;
        signature_of(*scheme, self.quirks, &signature).ok_or_else(|| {
            let code = format!("{} bytes that are no signature", signature.len());
            Refusal::Token(TokenError::Driver { call: "C_Sign".into(), code })
        })
    }

    /// The `subjectPublicKey` bits of the pair with this `CKA_ID`.
    pub(crate) fn public_key_bits(&self, key_id: &[u8]) -> Result<Vec<u8>, TokenError> {
        let private = find(self.session, ObjectClass::PRIVATE_KEY, &[Attribute::Id(key_id.to_vec())])?;
        let &private = private.first().ok_or(TokenError::NoSuchKey)?;
        // Certificates must not vouch for themselves here.
        let public = self.public_key_of(private, key_id, &[])?.ok_or(TokenError::NoSuchKey)?;
        Ok(public.bits().to_vec())
    }

    fn sm2(&self) -> Result<Sm2, TokenError> {
        self.quirks.sm2.ok_or_else(|| TokenError::Unsupported { what: "SM2".into() })
    }

    /// The private key with this `CKA_ID` that can sign by this scheme.
    fn private_key(&self, key_id: &[u8], scheme: SignatureScheme) -> Result<ObjectHandle, TokenError> {
        let types = match scheme {
            SignatureScheme::RsaPkcs1Sha256 | SignatureScheme::RsaPssSha256 => vec![KeyType::RSA],
            SignatureScheme::EcdsaP256Sha256 | SignatureScheme::EcdsaP384Sha384 => vec![KeyType::EC],
            SignatureScheme::Sm2Sm3 => vec![vendor_key(self.sm2()?.key_type)?, KeyType::EC],
        };
        for key_type in types {
            let template = [Attribute::KeyType(key_type), Attribute::Id(key_id.to_vec())];
            if let Some(&key) = find(self.session, ObjectClass::PRIVATE_KEY, &template)?.first() {
                return Ok(key);
            }
        }
        Err(TokenError::NoSuchKey)
    }

    /// The public half of a private key: the object beside it; else what the private key itself tells (RSA); else the
    /// certificate with its `CKA_ID`.
    fn public_key_of(
        &self,
        private: ObjectHandle,
        key_id: &[u8],
        certificates: &[objects::Certificate],
    ) -> Result<Option<PublicKey>, TokenError> {
        if let Some((_, key)) = self.public_object_of(private, key_id)? {
            return Ok(Some(key));
        }
        if let Some(key) = self.read_public(private)? {
            return Ok(Some(key));
        }
        let certificate = certificates.iter().find(|certificate| !key_id.is_empty() && certificate.key_id == key_id);
        Ok(certificate.and_then(|certificate| der::certificate(&certificate.der)).and_then(|fields| {
            Some(PublicKey { algorithm: der::key_algorithm(fields.spki)?, spki_der: fields.spki.to_vec() })
        }))
    }

    /// The public key object of a private key: the one with the same `CKA_ID`, else the one whose bits make that `CKA_ID`
    /// (a renaming was interrupted).
    fn public_object_of(
        &self,
        private: ObjectHandle,
        key_id: &[u8],
    ) -> Result<Option<(ObjectHandle, PublicKey)>, TokenError> {
        let Some(Attribute::KeyType(key_type)) = read(self.session, private, AttributeType::KeyType)? else {
            return Ok(None);
        };
        if key_id.is_empty() {
            return Ok(None);
        }
        let of_type = Attribute::KeyType(key_type);
        for public in find(self.session, ObjectClass::PUBLIC_KEY, &[of_type.clone(), Attribute::Id(key_id.to_vec())])? {
            if let Some(key) = self.read_public(public)? {
                return Ok(Some((public, key)));
            }
        }
        for public in find(self.session, ObjectClass::PUBLIC_KEY, &[of_type])? {
            if let Some(key) = self.read_public(public)?.filter(|key| key.id() == key_id) {
                return Ok(Some((public, key)));
            }
        }
        Ok(None)
    }

    /// The public key that an object tells of; `None` for kinds that we do not work with.
    fn read_public(&self, object: ObjectHandle) -> Result<Option<PublicKey>, TokenError> {
        let key_type = match read(self.session, object, AttributeType::KeyType)? {
            Some(Attribute::KeyType(key_type)) => key_type,
            _ => return Ok(None),
        };
        if key_type == KeyType::RSA {
            let modulus = read(self.session, object, AttributeType::Modulus)?;
            let exponent = read(self.session, object, AttributeType::PublicExponent)?;
            let (Some(Attribute::Modulus(modulus)), Some(Attribute::PublicExponent(exponent))) = (modulus, exponent)
            else {
                return Ok(None);
            };
            let algorithm = der::rsa_algorithm(&modulus).filter(|_| !exponent.is_empty());
            return Ok(algorithm.map(|algorithm| PublicKey { algorithm, spki_der: der::rsa_spki(&modulus, &exponent) }));
        }
        // SM2 keys stand under the vendor's own number, or as EC keys on their curve.
        let is_sm2 =
            self.quirks.sm2.is_some_and(|sm2| vendor_key(sm2.key_type).is_ok_and(|of_vendor| of_vendor == key_type));
        if is_sm2 || key_type == KeyType::EC {
            let parameters = read(self.session, object, AttributeType::EcParams)?;
            let point = read(self.session, object, AttributeType::EcPoint)?;
            let curve = match parameters {
                Some(Attribute::EcParams(parameters)) => der::Curve::of(&parameters),
                _ if is_sm2 => Some(&der::SM2),
                _ => None,
            };
            let (Some(curve), Some(Attribute::EcPoint(point))) = (curve, point) else { return Ok(None) };
            let spki = curve.spki(&point);
            return Ok(spki.map(|spki_der| PublicKey { algorithm: curve.algorithm, spki_der }));
        }
        Ok(None)
    }

    /// The pair of this label and algorithm that has no certificate yet: an earlier call made it, wholly or in part. Half a
    /// pair of this label, without a certificate, is of no use to anybody and is cleared away.
    fn unfinished(
        &self,
        algorithm: KeyAlgorithm,
        label: &str,
        provisional_id: &[u8],
    ) -> Result<Option<(ObjectHandle, ObjectHandle)>, TokenError> {
        let certificates = objects::certificates(self.session)?;
        let labelled = Attribute::Label(label.as_bytes().to_vec());
        for private in find(self.session, ObjectClass::PRIVATE_KEY, std::slice::from_ref(&labelled))? {
            let key_id = read_id(self.session, private)?;
            match self.public_object_of(private, &key_id)? {
                Some((public, key))
                    if key.algorithm == algorithm && !is_certified(&key_id, key.bits(), &certificates) =>
                {
                    return Ok(Some((public, private)));
                }
                // A kill may also have come while the ids were changed, and left a public key that cannot be read.
                None if key_id == provisional_id || !certificates.iter().any(|held| held.key_id == key_id) => {
                    self.session.destroy_object(private).map_err(token_error)?
                }
                _ => {}
            }
        }
        for public in find(self.session, ObjectClass::PUBLIC_KEY, &[labelled, Attribute::Id(provisional_id.to_vec())])?
        {
            self.session.destroy_object(public).map_err(token_error)?;
        }
        Ok(None)
    }

    fn make(
        &self,
        algorithm: KeyAlgorithm,
        label: &str,
        provisional_id: &[u8],
    ) -> Result<(ObjectHandle, ObjectHandle), TokenError> {
        let named = [
            Attribute::Token(true),
            Attribute::Id(provisional_id.to_vec()),
            Attribute::Label(label.as_bytes().to_vec()),
        ];
        let mut public = named.to_vec();
        public.extend([Attribute::Private(false), Attribute::Verify(true)]);
        let mut private = named.to_vec();
        private.extend([
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Sign(true),
        ]);
        let (mechanism, what) = match algorithm {
            KeyAlgorithm::Rsa2048 | KeyAlgorithm::Rsa3072 | KeyAlgorithm::Rsa4096 => {
                let (bits, what) = match algorithm {
                    KeyAlgorithm::Rsa3072 => (3072, "making RSA-3072 key pairs"),
                    KeyAlgorithm::Rsa4096 => (4096, "making RSA-4096 key pairs"),
                    _ => (2048, "making RSA-2048 key pairs"),
                };
                public.extend([
                    Attribute::ModulusBits((bits as CK_ULONG).into()),
                    Attribute::PublicExponent(vec![1, 0, 1]),
                ]);
                (Mechanism::RsaPkcsKeyPairGen, what)
            }
            KeyAlgorithm::EcP256 => {
                public.push(Attribute::EcParams(der::P256.parameters.to_vec()));
                (Mechanism::EccKeyPairGen, "making P-256 key pairs")
            }
            KeyAlgorithm::EcP384 => {
                public.push(Attribute::EcParams(der::P384.parameters.to_vec()));
                (Mechanism::EccKeyPairGen, "making P-384 key pairs")
            }
            KeyAlgorithm::Sm2 => {
                let what = "making SM2 key pairs";
                let sm2 = self.sm2()?;
                let generate = sm2.generate.ok_or_else(|| TokenError::Unsupported { what: what.into() })?;
                for template in [&mut public, &mut private] {
                    template.push(Attribute::KeyType(vendor_key(sm2.key_type)?));
                }
                public.push(Attribute::EcParams(der::SM2.parameters.to_vec()));
                (vendor(generate)?, what)
            }
        };
        self.session.generate_key_pair(&mechanism, &public, &private).map_err(unable(what))
    }
}

/// Removes both keys of a pair.
pub(crate) fn remove(session: &Session, key_id: &[u8]) -> Result<(), TokenError> {
    if key_id.is_empty() {
        return Ok(()); // an empty id names nothing, but some modules would find every object by it
    }
    for class in [ObjectClass::PRIVATE_KEY, ObjectClass::PUBLIC_KEY] {
        for key in find(session, class, &[Attribute::Id(key_id.to_vec())])? {
            session.destroy_object(key).map_err(token_error)?;
        }
    }
    Ok(())
}

/// What a driver gave as a signature, in the form of the scheme; `None` where it is none.
fn signature_of(scheme: SignatureScheme, quirks: &Quirks, signature: &[u8]) -> Option<Vec<u8>> {
    let (form, numbers) = match scheme {
        SignatureScheme::RsaPkcs1Sha256 | SignatureScheme::RsaPssSha256 => {
            return matches!(signature.len(), 256 | 384 | 512).then(|| signature.to_vec());
        }
        SignatureScheme::EcdsaP256Sha256 => (quirks.ecdsa, 32),
        SignatureScheme::EcdsaP384Sha384 => (quirks.ecdsa, 48),
        SignatureScheme::Sm2Sm3 => (quirks.sm2?.signature, 32),
    };
    match form {
        SignatureForm::Raw => (signature.len() == 2 * numbers).then(|| signature.to_vec()),
        SignatureForm::Der => der::two_numbers(signature, numbers),
    }
}

/// Head of the `DigestInfo` of a SHA-256 digest (RFC 8017 §9.2, note 1).
const SHA256_DIGEST_INFO: &[u8] = b"\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00\x04\x20";

struct PublicKey {
    algorithm: KeyAlgorithm,
    spki_der: Vec<u8>,
}

impl PublicKey {
    fn bits(&self) -> &[u8] {
        der::public_key_bits(&self.spki_der).unwrap_or_default()
    }

    /// The `CKA_ID` it should have: SHA-1 of the public key bits (RFC 5280 §4.2.1.2 (1)).
    fn id(&self) -> Vec<u8> {
        Sha1::digest(self.bits()).to_vec()
    }
}

fn certified_bits(certificate: &[u8]) -> Option<&[u8]> {
    der::public_key_bits(der::certificate(certificate)?.spki)
}

fn is_certified(key_id: &[u8], bits: &[u8], certificates: &[objects::Certificate]) -> bool {
    certificates.iter().any(|certificate| {
        (!key_id.is_empty() && certificate.key_id == key_id) || certified_bits(&certificate.der) == Some(bits)
    })
}

/// SHA-256 throughout, salt as long as the digest.
fn pss_sha256() -> PkcsPssParams {
    PkcsPssParams { hash_alg: MechanismType::SHA256, mgf: PkcsMgfType::MGF1_SHA256, s_len: (32 as CK_ULONG).into() }
}

/// A mechanism of the vendor's own, without parameter.
fn vendor(number: u32) -> Result<Mechanism<'static>, TokenError> {
    let kind = MechanismType::new_vendor_defined(number.into()).map_err(token_error)?;
    Ok(Mechanism::VendorDefined(VendorDefinedMechanism::new::<()>(kind, None)))
}

fn vendor_key(number: u32) -> Result<KeyType, TokenError> {
    KeyType::new_vendor_defined(number.into()).map_err(token_error)
}

/// Gives both keys their lasting `CKA_ID` and returns the one they have in the end. The private key comes first: as
/// long as the public key keeps the provisional id, an interruption can be told and mended.
fn rename(
    session: &Session,
    public: ObjectHandle,
    private: ObjectHandle,
    key: &PublicKey,
    provisional_id: &[u8],
) -> Result<Vec<u8>, TokenError> {
    let set = |object, id: &[u8]| session.update_attributes(object, &[Attribute::Id(id.to_vec())]).map_err(token_error);
    let lasting = key.id();
    match set(private, &lasting).and_then(|()| set(public, &lasting)) {
        Ok(()) => Ok(lasting),
        Err(lost @ (TokenError::NoToken | TokenError::NotLoggedIn)) => Err(lost),
        // A token that keeps ids as they were given at birth: then both keep that one.
        Err(_) => {
            if read_id(session, private)? != provisional_id {
                set(private, provisional_id)?;
            }
            Ok(provisional_id.to_vec())
        }
    }
}
