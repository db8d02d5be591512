//! Detached signatures as PDF carries them: CMS SignedData (RFC 5652) with the signed attributes of CAdES B-B
//! (ETSI EN 319 122-1), in two phases because the signing key sits on a token.
//!
//! One signer, DER throughout, SHA-256 or (for keys on P-384) SHA-384. Signed attributes: content-type, message-digest and signing-certificate-v2 with
//! one ESSCertIDv2 (RFC 5035); no signing-time, which a PDF has in its signature dictionary (ETSI EN 319 142-1 §6.3).

use std::iter;

use certdesk_domain::token::{KeyAlgorithm, SignatureScheme};
use ring::digest::{Context, SHA256, SHA384, digest};
use x509_parser::{certificate::X509Certificate, prelude::FromDer};

use crate::{PkiError, chain, der, key, request};

/// More certificates than any chain has are not looked at.
const MOST_CERTIFICATES: usize = 8;

/// 1.2.840.113549.1.7.1
const ID_DATA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x01];
/// 1.2.840.113549.1.7.2
const ID_SIGNED_DATA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x02];
/// 1.2.840.113549.1.9.3
const CONTENT_TYPE: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x03];
/// 1.2.840.113549.1.9.4
const MESSAGE_DIGEST: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x04];
/// 1.2.840.113549.1.9.16.2.47
const SIGNING_CERTIFICATE_V2: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x09, 0x10, 0x02, 0x2F];
/// AlgorithmIdentifier of SHA-256, parameters absent (RFC 5754 §2).
const ALGORITHM_SHA256: &[u8] = &[0x30, 0x0B, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
/// The same of SHA-384.
const ALGORITHM_SHA384: &[u8] = &[0x30, 0x0B, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02];

/// `[0]`, constructed.
const CONTEXT_0: u8 = 0xA0;

/// What a signature is over: digests by both hashes that keys here sign with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Content {
    sha256: [u8; 32],
    sha384: [u8; 48],
}

impl Content {
    /// Of a content that lies in pieces.
    pub fn of(pieces: &[&[u8]]) -> Self {
        let (mut sha256, mut sha384) = (Context::new(&SHA256), Context::new(&SHA384));
        for piece in pieces {
            sha256.update(piece);
            sha384.update(piece);
        }
        Self {
            sha256: sha256.finish().as_ref().try_into().expect("SHA-256 has 32 bytes"),
            sha384: sha384.finish().as_ref().try_into().expect("SHA-384 has 48 bytes"),
        }
    }
}

/// A signature to be made: [`Signing::to_be_signed`] goes to the token, its answer to [`Signing::finish`].
#[derive(Clone, Debug)]
pub struct Signing {
    algorithm: KeyAlgorithm,
    spki_der: Vec<u8>,
    /// IssuerAndSerialNumber of the signer.
    signer: Vec<u8>,
    certificates: Vec<Vec<u8>>,
    /// The attributes one after the other, in the order of DER.
    attributes: Vec<u8>,
}

impl Signing {
    /// For this content, by the key of `certificate_der`. `chain`: further certificates, in any order; carried along are
    /// those that lead to a root among them ([`chain::path_to_root`]). The signature does not cover them, so each must be
    /// vouched for by the next.
    ///
    /// # Errors
    /// [`PkiError::Malformed`] for what is no certificate, or too many of them; [`PkiError::UnsupportedKey`], of SM2 too:
    /// PAdES knows none.
    pub fn new(certificate_der: &[u8], chain: &[Vec<u8>], content: Content) -> Result<Self, PkiError> {
        if chain.len() >= MOST_CERTIFICATES {
            return Err(PkiError::Malformed("certificate chain"));
        }
        let certificate = certificate(certificate_der)?;
        let spki_der = certificate.public_key().raw.to_vec();
        let algorithm = key::key_algorithm(&spki_der)?;
        let digest: &[u8] = match algorithm {
            KeyAlgorithm::Sm2 => return Err(PkiError::UnsupportedKey),
            KeyAlgorithm::EcP384 => &content.sha384,
            _ => &content.sha256,
        };
        let path = chain::path_to_root(certificate_der, chain);
        let certificates = iter::once(certificate_der).chain(path).map(<[u8]>::to_vec).collect();
        let attributes = [
            attribute(CONTENT_TYPE, &der::value(der::OID, &[ID_DATA])),
            attribute(MESSAGE_DIGEST, &der::value(der::OCTET_STRING, &[digest])),
            attribute(SIGNING_CERTIFICATE_V2, &signing_certificate_v2(certificate_der)),
        ];
        let attributes = der::set_of(der::SET, &attributes);
        let content = der::Reader(&attributes).next().map(|set| set.content.to_vec()).unwrap_or_default();
        Ok(Self { algorithm, spki_der, signer: issuer_and_serial(&certificate), certificates, attributes: content })
    }

    /// How the key signs: RSA by PKCS#1 v1.5, or ECDSA.
    pub fn scheme(&self) -> SignatureScheme {
        self.algorithm.scheme()
    }

    /// The message for the token to sign: the signed attributes as a SET OF (RFC 5652 §5.4).
    pub fn to_be_signed(&self) -> Vec<u8> {
        der::value(der::SET, &[&self.attributes])
    }

    /// The ContentInfo, DER. `signature` as the token made it (ECDSA: raw `r‖s`); it is verified before it is used, so
    /// that a token which signs with another key is found out here.
    ///
    /// # Errors
    /// [`PkiError::UnsupportedKey`] for another scheme than [`Signing::scheme`], [`PkiError::BadSignature`].
    pub fn finish(&self, scheme: SignatureScheme, signature: &[u8]) -> Result<Vec<u8>, PkiError> {
        if scheme != self.scheme() {
            return Err(PkiError::UnsupportedKey);
        }
        key::verify(&self.spki_der, scheme, &self.to_be_signed(), signature)?;
        Ok(self.content_info(&key::to_der(scheme, signature)))
    }

    fn content_info(&self, signature: &[u8]) -> Vec<u8> {
        let sequence = |parts: &[&[u8]]| der::value(der::SEQUENCE, parts);
        let version_1 = der::unsigned(&[1]);
        let hash = match self.algorithm {
            KeyAlgorithm::EcP384 => ALGORITHM_SHA384,
            _ => ALGORITHM_SHA256,
        };
        let signer_info = sequence(&[
            &version_1,
            &self.signer,
            hash,
            &der::value(CONTEXT_0, &[&self.attributes]),
            request::algorithm(self.scheme()),
            &der::value(der::OCTET_STRING, &[signature]),
        ]);
        let signed_data = sequence(&[
            &version_1,
            &der::value(der::SET, &[hash]),
            &sequence(&[&der::value(der::OID, &[ID_DATA])]),
            &der::set_of(CONTEXT_0, &self.certificates),
            &der::value(der::SET, &[&signer_info]),
        ]);
        sequence(&[&der::value(der::OID, &[ID_SIGNED_DATA]), &der::value(CONTEXT_0, &[&signed_data])])
    }
}

/// A signature that verified. Says nothing about trust in its certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The signer's certificate, DER.
    pub certificate_der: Vec<u8>,
    /// Its issuers up to the root, where they came along, DER.
    pub chain: Vec<Vec<u8>>,
}

/// Verifies a ContentInfo as [`Signing::finish`] writes it, over this content: the message digest, the
/// certificate's hash in ESSCertIDv2, and the signature.
///
/// Strict on purpose: certificates and signature are taken out, all is written anew from them, and must be the same to
/// the last byte. So there is one signer, beside it nothing but issuers each signed by the next, and one way to read it.
///
/// # Errors
/// [`PkiError::Malformed`] for anything that is written otherwise or is over other content, [`PkiError::UnsupportedKey`],
/// [`PkiError::BadSignature`].
pub fn verify(content_info: &[u8], content: Content) -> Result<Signed, PkiError> {
    const MALFORMED: PkiError = PkiError::Malformed("CMS signature");
    let parts = parts(content_info).ok_or(MALFORMED)?;
    let is_signer = |der: &&Vec<u8>| certificate(der).is_ok_and(|it| issuer_and_serial(&it) == parts.signer);
    let certificate_der = parts.certificates.iter().find(is_signer).ok_or(MALFORMED)?.clone();
    let chain: Vec<_> = parts.certificates.into_iter().filter(|other| *other != certificate_der).collect();
    let signing = Signing::new(&certificate_der, &chain, content)?;
    if signing.content_info(parts.signature) != content_info {
        return Err(MALFORMED);
    }
    let message = signing.to_be_signed();
    key::verify_der(&signing.spki_der, signing.scheme(), &message, parts.signature)?;
    Ok(Signed { certificate_der, chain })
}

/// What differs from signature to signature, besides the attributes.
struct Parts<'a> {
    certificates: Vec<Vec<u8>>,
    signer: &'a [u8],
    signature: &'a [u8],
}

fn parts(content_info: &[u8]) -> Option<Parts<'_>> {
    let mut content_info = der::Reader(der::Reader(content_info).expect(der::SEQUENCE)?.content);
    content_info.expect(der::OID)?;
    let explicit = content_info.expect(CONTEXT_0)?;
    let mut signed_data = der::Reader(der::Reader(explicit.content).expect(der::SEQUENCE)?.content);
    signed_data.expect(der::INTEGER)?;
    signed_data.expect(der::SET)?;
    signed_data.expect(der::SEQUENCE)?;
    let mut set = der::Reader(signed_data.expect(CONTEXT_0)?.content);
    let mut certificates = Vec::new();
    while let Some(certificate) = set.next() {
        if certificates.len() == MOST_CERTIFICATES {
            return None;
        }
        certificates.push(certificate.whole.to_vec());
    }
    let signer_infos = signed_data.expect(der::SET)?;
    let mut signer_info = der::Reader(der::Reader(signer_infos.content).expect(der::SEQUENCE)?.content);
    signer_info.expect(der::INTEGER)?;
    let signer = signer_info.expect(der::SEQUENCE)?.whole;
    signer_info.expect(der::SEQUENCE)?;
    signer_info.expect(CONTEXT_0)?;
    signer_info.expect(der::SEQUENCE)?;
    let signature = signer_info.expect(der::OCTET_STRING)?.content;
    Some(Parts { certificates, signer, signature })
}

fn certificate(der: &[u8]) -> Result<X509Certificate<'_>, PkiError> {
    match X509Certificate::from_der(der) {
        Ok(([], certificate)) => Ok(certificate),
        _ => Err(PkiError::Malformed("certificate")),
    }
}

fn issuer_and_serial(certificate: &X509Certificate<'_>) -> Vec<u8> {
    // As it stands in the certificate: a reader compares bytes.
    let serial = der::value(der::INTEGER, &[certificate.raw_serial()]);
    der::value(der::SEQUENCE, &[certificate.issuer().as_raw(), &serial])
}

fn attribute(oid: &[u8], value: &[u8]) -> Vec<u8> {
    der::value(der::SEQUENCE, &[&der::value(der::OID, &[oid]), &der::value(der::SET, &[value])])
}

/// SigningCertificateV2 with one ESSCertIDv2, whose hash is SHA-256 by default (RFC 5035 §3).
fn signing_certificate_v2(certificate_der: &[u8]) -> Vec<u8> {
    let hash = der::value(der::OCTET_STRING, &[digest(&SHA256, certificate_der).as_ref()]);
    let id = der::value(der::SEQUENCE, &[&hash]);
    der::value(der::SEQUENCE, &[&der::value(der::SEQUENCE, &[&id])])
}
