//! Objects on a token: finding them, and reading them attribute by attribute.
//!
//! One attribute at a time, because one that the module does not know would otherwise spoil the answer for all.

use crate::{der, failure::token_error, text};
use certdesk_token::{ObjectClass as Kind, TokenCertificate, TokenError, TokenObject};
use cryptoki::{
    error::Error,
    object::{Attribute, AttributeInfo, AttributeType, CertificateType, KeyType, ObjectClass, ObjectHandle},
    session::Session,
};
use pkcs11_profiles::LabelEncoding;

/// Most certificates read from one token, and most bytes in one: a module may list a whole system's trust store.
const MOST_CERTIFICATES: usize = 64;
const LARGEST_CERTIFICATE: usize = 16 * 1024;
/// Most objects told of.
const MOST_OBJECTS: usize = 256;

/// An X.509 certificate and its handle.
pub(crate) struct Certificate {
    pub(crate) handle: ObjectHandle,
    pub(crate) key_id: Vec<u8>,
    pub(crate) label: Vec<u8>,
    pub(crate) der: Vec<u8>,
}

/// Handles of the token objects that fit a template.
pub(crate) fn find(session: &Session, class: ObjectClass, more: &[Attribute]) -> Result<Vec<ObjectHandle>, TokenError> {
    let mut template = vec![Attribute::Class(class), Attribute::Token(true)];
    template.extend_from_slice(more);
    session.find_objects(&template).map_err(token_error)
}

/// One attribute; `None` where the object does not have it, keeps it to itself, or it does not read.
pub(crate) fn read(
    session: &Session,
    object: ObjectHandle,
    attribute: AttributeType,
) -> Result<Option<Attribute>, TokenError> {
    match session.get_attributes(object, &[attribute]) {
        Ok(mut found) => Ok(found.pop()),
        Err(error @ Error::Pkcs11(..)) => match token_error(error) {
            lost @ (TokenError::NoToken | TokenError::NotLoggedIn) => Err(lost),
            _ => Ok(None),
        },
        Err(_) => Ok(None),
    }
}

/// `CKA_ID`; empty where there is none.
pub(crate) fn read_id(session: &Session, object: ObjectHandle) -> Result<Vec<u8>, TokenError> {
    match read(session, object, AttributeType::Id)? {
        Some(Attribute::Id(id)) => Ok(id),
        _ => Ok(Vec::new()),
    }
}

/// `CKA_LABEL` as it is ([`text::of`]); empty where there is none.
pub(crate) fn read_label(session: &Session, object: ObjectHandle) -> Result<Vec<u8>, TokenError> {
    match read(session, object, AttributeType::Label)? {
        Some(Attribute::Label(label)) => Ok(label),
        _ => Ok(Vec::new()),
    }
}

/// The certificates that can be read now.
pub(crate) fn certificates(session: &Session) -> Result<Vec<Certificate>, TokenError> {
    let mut certificates = Vec::new();
    for handle in find(session, ObjectClass::CERTIFICATE, &[])?.into_iter().take(MOST_CERTIFICATES) {
        let Some(Attribute::Value(der)) = read(session, handle, AttributeType::Value)? else { continue };
        if der.is_empty() || der.len() > LARGEST_CERTIFICATE {
            continue;
        }
        let (key_id, label) = (read_id(session, handle)?, read_label(session, handle)?);
        certificates.push(Certificate { handle, key_id, label, der });
    }
    Ok(certificates)
}

/// The certificates for the list of tokens, each with whether its key is there as far as can be seen. `all_shown`: after
/// login, or on a token without one, no key is hidden.
pub(crate) fn token_certificates(
    session: &Session,
    all_shown: bool,
    labels: LabelEncoding,
) -> Result<Vec<TokenCertificate>, TokenError> {
    let certificates = certificates(session)?;
    if certificates.is_empty() {
        return Ok(Vec::new());
    }
    let mut key_ids = Vec::new();
    for class in [ObjectClass::PRIVATE_KEY, ObjectClass::PUBLIC_KEY] {
        // Where they are not hidden the private keys themselves tell.
        if class == ObjectClass::PUBLIC_KEY && all_shown {
            break;
        }
        for handle in find(session, class, &[])? {
            key_ids.push(read_id(session, handle)?);
        }
    }
    let in_doubt = !all_shown && key_ids.is_empty();
    let told = certificates.into_iter().map(|Certificate { key_id, label, der, .. }| {
        let has_private_key = in_doubt || (!key_id.is_empty() && key_ids.contains(&key_id));
        TokenCertificate { key_id, label: text::of(&label, labels), der, has_private_key }
    });
    Ok(told.collect())
}

/// Everything that can be seen now, certificates and their keys first. Of a secret or private object no value is read.
pub(crate) fn all(session: &Session, labels: LabelEncoding) -> Result<Vec<TokenObject>, TokenError> {
    let mut objects = Vec::new();
    for handle in session.find_objects(&[]).map_err(token_error)?.into_iter().take(MOST_OBJECTS) {
        objects.push(object(session, handle, labels)?);
    }
    objects.sort_by(|a, b| (a.class, &a.label, &a.id).cmp(&(b.class, &b.label, &b.id)));
    Ok(objects)
}

fn object(session: &Session, handle: ObjectHandle, labels: LabelEncoding) -> Result<TokenObject, TokenError> {
    let class = match read(session, handle, AttributeType::Class)? {
        Some(Attribute::Class(ObjectClass::CERTIFICATE)) => Kind::Certificate,
        Some(Attribute::Class(ObjectClass::PRIVATE_KEY)) => Kind::PrivateKey,
        Some(Attribute::Class(ObjectClass::PUBLIC_KEY)) => Kind::PublicKey,
        Some(Attribute::Class(ObjectClass::SECRET_KEY)) => Kind::SecretKey,
        Some(Attribute::Class(ObjectClass::DATA)) => Kind::Data,
        _ => Kind::Other,
    };
    let is_key = matches!(class, Kind::PrivateKey | Kind::PublicKey | Kind::SecretKey);
    let mut kind = None;
    let mut bits = None;
    if class == Kind::Certificate
        && let Some(Attribute::CertificateType(it)) = read(session, handle, AttributeType::CertificateType)?
    {
        kind = Some(it.to_string());
    }
    if is_key && let Some(Attribute::KeyType(it)) = read(session, handle, AttributeType::KeyType)? {
        kind = Some(key_kind(it));
        bits = key_bits(session, handle, class, it)?;
    }
    let mut flags = Vec::new();
    for (attribute, held, name) in FLAGS {
        if read(session, handle, attribute)? == Some(held) {
            flags.push(name.to_owned());
        }
    }
    let is_public = !flags.iter().any(|flag| flag == "PRIVATE");
    let bytes = match class {
        Kind::Certificate | Kind::Data if is_public => size(session, handle),
        _ => None,
    };
    Ok(TokenObject {
        class,
        kind,
        label: text::of(&read_label(session, handle)?, labels),
        id: read_id(session, handle)?,
        bits,
        bytes,
        flags,
    })
}

const FLAGS: [(AttributeType, Attribute, &str); 14] = [
    (AttributeType::Token, Attribute::Token(true), "TOKEN"),
    (AttributeType::Private, Attribute::Private(true), "PRIVATE"),
    (AttributeType::Modifiable, Attribute::Modifiable(true), "MODIFIABLE"),
    (AttributeType::Sensitive, Attribute::Sensitive(true), "SENSITIVE"),
    (AttributeType::AlwaysSensitive, Attribute::AlwaysSensitive(true), "ALWAYS_SENSITIVE"),
    (AttributeType::Extractable, Attribute::Extractable(true), "EXTRACTABLE"),
    (AttributeType::NeverExtractable, Attribute::NeverExtractable(true), "NEVER_EXTRACTABLE"),
    (AttributeType::Local, Attribute::Local(true), "LOCAL"),
    (AttributeType::Sign, Attribute::Sign(true), "SIGN"),
    (AttributeType::Verify, Attribute::Verify(true), "VERIFY"),
    (AttributeType::Encrypt, Attribute::Encrypt(true), "ENCRYPT"),
    (AttributeType::Decrypt, Attribute::Decrypt(true), "DECRYPT"),
    (AttributeType::Derive, Attribute::Derive(true), "DERIVE"),
    (AttributeType::AlwaysAuthenticate, Attribute::AlwaysAuthenticate(true), "ALWAYS_AUTHENTICATE"),
];

/// In the standard's words; a vendor's own number as it is.
fn key_kind(it: KeyType) -> String {
    match *it {
        number @ 0x8000_0000.. => format!("CKK_VENDOR_DEFINED 0x{number:08x}"),
        _ => it.to_string(),
    }
}

/// What the object tells of its size. A private RSA key tells its modulus, which is no secret.
fn key_bits(session: &Session, handle: ObjectHandle, class: Kind, it: KeyType) -> Result<Option<u32>, TokenError> {
    if it == KeyType::RSA {
        let Some(Attribute::Modulus(modulus)) = read(session, handle, AttributeType::Modulus)? else { return Ok(None) };
        let bytes = modulus.iter().skip_while(|&&byte| byte == 0).count();
        return Ok((bytes > 0).then_some(bytes as u32 * 8));
    }
    if let Some(Attribute::EcParams(parameters)) = read(session, handle, AttributeType::EcParams)? {
        return Ok(der::Curve::of(&parameters).map(der::Curve::bits));
    }
    if class == Kind::SecretKey
        && let Some(Attribute::ValueLen(bytes)) = read(session, handle, AttributeType::ValueLen)?
    {
        return Ok(u32::try_from(*bytes).ok().and_then(|bytes| bytes.checked_mul(8)));
    }
    Ok(None)
}

/// Bytes in `CKA_VALUE`, without reading it.
fn size(session: &Session, handle: ObjectHandle) -> Option<u32> {
    match session.get_attribute_info(handle, &[AttributeType::Value]).ok()?.first()? {
        AttributeInfo::Available(bytes) => u32::try_from(*bytes).ok(),
        _ => None,
    }
}

/// Removes certificate objects that hold nothing at all: what SoftHSM leaves of a write that was cut short. An object that
/// only points elsewhere (`CKA_URL`) or carries any name of its own is somebody's and stays.
pub(crate) fn remove_shells(session: &Session) -> Result<(), TokenError> {
    for handle in find(session, ObjectClass::CERTIFICATE, &[])?.into_iter().take(MOST_CERTIFICATES) {
        let holds = |kind| {
            Ok::<_, TokenError>(match read(session, handle, kind)? {
                Some(Attribute::Value(bytes) | Attribute::Url(bytes) | Attribute::Subject(bytes)) => !bytes.is_empty(),
                _ => false,
            })
        };
        let named = !read_id(session, handle)?.is_empty() || !read_label(session, handle)?.is_empty();
        if !named && !holds(AttributeType::Value)? && !holds(AttributeType::Url)? && !holds(AttributeType::Subject)? {
            session.destroy_object(handle).map_err(token_error)?;
        }
    }
    Ok(())
}

/// Writes a certificate, public, with all that others look for beside it.
pub(crate) fn create_certificate(
    session: &Session,
    key_id: &[u8],
    der: &[u8],
    fields: &der::CertificateFields<'_>,
    label: &str,
) -> Result<(), TokenError> {
    let template = [
        Attribute::Class(ObjectClass::CERTIFICATE),
        Attribute::CertificateType(CertificateType::X_509),
        Attribute::Token(true),
        Attribute::Private(false),
        Attribute::Subject(fields.subject.to_vec()),
        Attribute::Issuer(fields.issuer.to_vec()),
        Attribute::SerialNumber(fields.serial_number.to_vec()),
        Attribute::Value(der.to_vec()),
        Attribute::Id(key_id.to_vec()),
        Attribute::Label(label.as_bytes().to_vec()),
    ];
    session.create_object(&template).map(drop).map_err(token_error)
}
