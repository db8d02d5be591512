//! Key pairs on a token: finding them whole, making them, signing with them.

use crate::{
    der,
    failure::{token_error, unable},
    objects::{self, find, read, read_id, read_label},
};
use certdesk_token::{KeyAlgorithm, KeyPair, SignatureScheme, TokenError};
use cryptoki::{
    mechanism::{
        Mechanism, MechanismType,
        rsa::{PkcsMgfType, PkcsPssParams},
    },
    object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle},
    session::Session,
};
use sha1::{Digest, Sha1};

/// The key pairs of the algorithms we work with. Needs a login.
pub(crate) fn key_pairs(session: &Session) -> Result<Vec<KeyPair>, TokenError> {
    let certificates = objects::certificates(session)?;
    let mut pairs = Vec::new();
    for private in find(session, ObjectClass::PRIVATE_KEY, &[])? {
        let key_id = read_id(session, private)?;
        let Some(public) = public_key_of(session, private, &key_id, &certificates)? else { continue };
        let has_certificate = is_certified(&key_id, public.bits(), &certificates);
        let label = read_label(session, private)?;
        let PublicKey { algorithm, spki_der } = public;
        pairs.push(KeyPair { key_id, label, algorithm, spki_der, has_certificate });
    }
    Ok(pairs)
}

/// Makes a pair, or finishes the one that an earlier call with this label left behind.
pub(crate) fn generate(
    session: &Session,
    algorithm: KeyAlgorithm,
    label: &str,
    provisional_id: &[u8],
) -> Result<KeyPair, TokenError> {
    if provisional_id.is_empty() {
        return Err(TokenError::Unsupported { what: "key pairs without a provisional id".into() });
    }
    let (public, private) = match unfinished(session, algorithm, label, provisional_id)? {
        Some(pair) => pair,
        None => make(session, algorithm, label, provisional_id)?,
    };
    let key = read_public(session, public)?.ok_or(TokenError::Driver {
        call: "C_GetAttributeValue".into(),
        code: "no public key that we understand after C_GenerateKeyPair".into(),
    })?;
    let key_id = rename(session, public, private, &key, provisional_id)?;
    Ok(KeyPair { key_id, label: label.into(), algorithm, spki_der: key.spki_der, has_certificate: false })
}

/// Signs a SHA-256 digest.
pub(crate) fn sign(
    session: &Session,
    key_id: &[u8],
    scheme: SignatureScheme,
    digest: &[u8; 32],
) -> Result<Vec<u8>, TokenError> {
    let key_type = match scheme {
        SignatureScheme::RsaPkcs1Sha256 | SignatureScheme::RsaPssSha256 => KeyType::RSA,
        SignatureScheme::EcdsaP256Sha256 => KeyType::EC,
    };
    let key = find(session, ObjectClass::PRIVATE_KEY, &[Attribute::KeyType(key_type), Attribute::Id(key_id.to_vec())])?;
    let &key = key.first().ok_or(TokenError::NoSuchKey)?;
    // Such a key wants the PIN again for each signature; a try without it logs the user out on some tokens.
    if let Some(Attribute::AlwaysAuthenticate(true)) = read(session, key, AttributeType::AlwaysAuthenticate)? {
        return Err(TokenError::Unsupported { what: "signing with a key that wants its PIN each time".into() });
    }
    let signature = match scheme {
        SignatureScheme::RsaPkcs1Sha256 => {
            session.sign(&Mechanism::RsaPkcs, key, &[SHA256_DIGEST_INFO, digest.as_slice()].concat())
        }
        SignatureScheme::RsaPssSha256 => {
            let parameters = PkcsPssParams {
                hash_alg: MechanismType::SHA256,
                mgf: PkcsMgfType::MGF1_SHA256,
                s_len: (digest.len() as std::ffi::c_ulong).into(),
            };
            session.sign(&Mechanism::RsaPkcsPss(parameters), key, digest)
        }
        SignatureScheme::EcdsaP256Sha256 => session.sign(&Mechanism::Ecdsa, key, digest),
    };
    signature.map_err(unable("this kind of signature"))
}

/// The `subjectPublicKey` bits of the pair with this `CKA_ID`.
pub(crate) fn public_key_bits(session: &Session, key_id: &[u8]) -> Result<Vec<u8>, TokenError> {
    let private = find(session, ObjectClass::PRIVATE_KEY, &[Attribute::Id(key_id.to_vec())])?;
    let &private = private.first().ok_or(TokenError::NoSuchKey)?;
    // Certificates must not vouch for themselves here.
    let public = public_key_of(session, private, key_id, &[])?.ok_or(TokenError::NoSuchKey)?;
    Ok(public.bits().to_vec())
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

/// The public half of a private key: the object beside it; else what the private key itself tells (RSA); else the
/// certificate with its `CKA_ID`.
fn public_key_of(
    session: &Session,
    private: ObjectHandle,
    key_id: &[u8],
    certificates: &[objects::Certificate],
) -> Result<Option<PublicKey>, TokenError> {
    if let Some((_, key)) = public_object_of(session, private, key_id)? {
        return Ok(Some(key));
    }
    if let Some(key) = read_public(session, private)? {
        return Ok(Some(key));
    }
    let certificate = certificates.iter().find(|certificate| !key_id.is_empty() && certificate.key_id == key_id);
    Ok(certificate.and_then(|certificate| der::certificate(&certificate.der)).and_then(|fields| {
        let algorithm = match der::public_key_bits(fields.spki)?.len() {
            65 => KeyAlgorithm::EcP256,
            270 => KeyAlgorithm::Rsa2048,
            _ => return None,
        };
        Some(PublicKey { algorithm, spki_der: fields.spki.to_vec() })
    }))
}

/// The public key object of a private key: the one with the same `CKA_ID`, else the one whose bits make that `CKA_ID`
/// (a renaming was interrupted).
fn public_object_of(
    session: &Session,
    private: ObjectHandle,
    key_id: &[u8],
) -> Result<Option<(ObjectHandle, PublicKey)>, TokenError> {
    let Some(Attribute::KeyType(key_type)) = read(session, private, AttributeType::KeyType)? else { return Ok(None) };
    if key_id.is_empty() {
        return Ok(None);
    }
    let of_type = Attribute::KeyType(key_type);
    for public in find(session, ObjectClass::PUBLIC_KEY, &[of_type.clone(), Attribute::Id(key_id.to_vec())])? {
        if let Some(key) = read_public(session, public)? {
            return Ok(Some((public, key)));
        }
    }
    for public in find(session, ObjectClass::PUBLIC_KEY, &[of_type])? {
        if let Some(key) = read_public(session, public)?.filter(|key| key.id() == key_id) {
            return Ok(Some((public, key)));
        }
    }
    Ok(None)
}

/// The public key that an object tells of; `None` for kinds that we do not work with.
fn read_public(session: &Session, object: ObjectHandle) -> Result<Option<PublicKey>, TokenError> {
    let key_type = match read(session, object, AttributeType::KeyType)? {
        Some(Attribute::KeyType(key_type)) => key_type,
        _ => return Ok(None),
    };
    if key_type == KeyType::RSA {
        let modulus = read(session, object, AttributeType::Modulus)?;
        let exponent = read(session, object, AttributeType::PublicExponent)?;
        let (Some(Attribute::Modulus(modulus)), Some(Attribute::PublicExponent(exponent))) = (modulus, exponent) else {
            return Ok(None);
        };
        let zeros = modulus.iter().take_while(|&&byte| byte == 0).count();
        let fits = modulus.len() - zeros == 256 && !exponent.is_empty();
        return Ok(
            fits.then(|| PublicKey { algorithm: KeyAlgorithm::Rsa2048, spki_der: der::rsa_spki(&modulus, &exponent) })
        );
    }
    if key_type == KeyType::EC {
        let parameters = read(session, object, AttributeType::EcParams)?;
        let point = read(session, object, AttributeType::EcPoint)?;
        let (Some(Attribute::EcParams(parameters)), Some(Attribute::EcPoint(point))) = (parameters, point) else {
            return Ok(None);
        };
        let spki = der::p256_spki(&point).filter(|_| parameters == der::P256_PARAMS);
        return Ok(spki.map(|spki_der| PublicKey { algorithm: KeyAlgorithm::EcP256, spki_der }));
    }
    Ok(None)
}

/// The pair of this label and algorithm that has no certificate yet: an earlier call made it, wholly or in part. Half a
/// pair under the provisional id is of no use to anybody and is cleared away.
fn unfinished(
    session: &Session,
    algorithm: KeyAlgorithm,
    label: &str,
    provisional_id: &[u8],
) -> Result<Option<(ObjectHandle, ObjectHandle)>, TokenError> {
    let certificates = objects::certificates(session)?;
    let labelled = Attribute::Label(label.as_bytes().to_vec());
    for private in find(session, ObjectClass::PRIVATE_KEY, std::slice::from_ref(&labelled))? {
        let key_id = read_id(session, private)?;
        match public_object_of(session, private, &key_id)? {
            Some((public, key)) if key.algorithm == algorithm && !is_certified(&key_id, key.bits(), &certificates) => {
                return Ok(Some((public, private)));
            }
            None if key_id == provisional_id => session.destroy_object(private).map_err(token_error)?,
            _ => {}
        }
    }
    for public in find(session, ObjectClass::PUBLIC_KEY, &[labelled, Attribute::Id(provisional_id.to_vec())])? {
        session.destroy_object(public).map_err(token_error)?;
    }
    Ok(None)
}

fn make(
    session: &Session,
    algorithm: KeyAlgorithm,
    label: &str,
    provisional_id: &[u8],
) -> Result<(ObjectHandle, ObjectHandle), TokenError> {
    let named =
        [Attribute::Token(true), Attribute::Id(provisional_id.to_vec()), Attribute::Label(label.as_bytes().to_vec())];
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
        KeyAlgorithm::Rsa2048 => {
            public.extend([Attribute::ModulusBits(2048.into()), Attribute::PublicExponent(vec![1, 0, 1])]);
            (Mechanism::RsaPkcsKeyPairGen, "making RSA-2048 key pairs")
        }
        KeyAlgorithm::EcP256 => {
            public.push(Attribute::EcParams(der::P256_PARAMS.to_vec()));
            (Mechanism::EccKeyPairGen, "making P-256 key pairs")
        }
    };
    session.generate_key_pair(&mechanism, &public, &private).map_err(unable(what))
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
