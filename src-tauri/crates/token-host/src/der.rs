//! As much DER (X.690) as a helper needs: the fields of a certificate that PKCS#11 wants beside it, and the
//! `SubjectPublicKeyInfo` of a key it reads part by part. Judges nothing: that is the supervisor's side's business.

/// `id-ecPublicKey` with `prime256v1` (RFC 5480 §2.1.1), as an `AlgorithmIdentifier`.
const EC_P256: &[u8] = b"\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
/// `rsaEncryption` with NULL (RFC 3279 §2.3.1), as an `AlgorithmIdentifier`.
const RSA: &[u8] = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";
/// `CKA_EC_PARAMS` of P-256: the curve's object identifier.
pub(crate) const P256_PARAMS: &[u8] = b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;

/// The fields of a certificate that PKCS#11 keeps as attributes, each with its tag and length.
pub(crate) struct CertificateFields<'a> {
    pub(crate) serial_number: &'a [u8],
    pub(crate) issuer: &'a [u8],
    pub(crate) subject: &'a [u8],
    pub(crate) spki: &'a [u8],
}

/// Takes a certificate apart (RFC 5280 §4.1); `None` where the bytes are none.
pub(crate) fn certificate(der: &[u8]) -> Option<CertificateFields<'_>> {
    let (certificate, rest) = take(der)?;
    let (tbs, _) = take(certificate.inside(SEQUENCE)?)?;
    let mut fields = tbs.inside(SEQUENCE)?;
    let mut next = || {
        let (field, rest) = take(fields)?;
        fields = rest;
        Some(field)
    };
    let mut serial = next()?;
    if serial.tag == 0xa0 {
        serial = next()?; // that was the version
    }
    serial.inside(INTEGER)?;
    let (_signature, issuer, _validity, subject, spki) = (next()?, next()?, next()?, next()?, next()?);
    public_key_bits(spki.whole)?;
    rest.is_empty().then_some(CertificateFields {
        serial_number: serial.whole,
        issuer: issuer.whole,
        subject: subject.whole,
        spki: spki.whole,
    })
}

/// The bytes of `subjectPublicKey` in a `SubjectPublicKeyInfo`.
pub(crate) fn public_key_bits(spki: &[u8]) -> Option<&[u8]> {
    let (spki, _) = take(spki)?;
    let (_algorithm, rest) = take(spki.inside(SEQUENCE)?)?;
    let (bits, _) = take(rest)?;
    match bits.inside(BIT_STRING)? {
        [0, bits @ ..] => Some(bits),
        _ => None,
    }
}

/// `SubjectPublicKeyInfo` of an RSA key; both numbers big endian, as PKCS#11 gives them.
pub(crate) fn rsa_spki(modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
    spki(RSA, &put(SEQUENCE, &[integer(modulus), integer(exponent)].concat()))
}

/// `SubjectPublicKeyInfo` of a P-256 key from `CKA_EC_POINT`, which modules give as the standard wants, wrapped in an
/// OCTET STRING, or bare. `None` where it is no uncompressed point of that size.
pub(crate) fn p256_spki(point: &[u8]) -> Option<Vec<u8>> {
    let wrapped = take(point).filter(|(_, rest)| rest.is_empty()).and_then(|(outer, _)| outer.inside(OCTET_STRING));
    let bare = wrapped.filter(|inner| inner.len() == 65).unwrap_or(point);
    (bare.len() == 65 && bare[0] == 4).then(|| spki(EC_P256, bare))
}

fn spki(algorithm: &[u8], bits: &[u8]) -> Vec<u8> {
    let bits = put(BIT_STRING, &[&[0], bits].concat());
    put(SEQUENCE, &[algorithm, &bits].concat())
}

fn integer(number: &[u8]) -> Vec<u8> {
    let start = number.iter().position(|&byte| byte != 0).unwrap_or(number.len());
    let number = &number[start..];
    match number.first() {
        Some(0..=0x7f) => put(INTEGER, number),
        _ => put(INTEGER, &[&[0], number].concat()), // not negative
    }
}

fn put(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    match content.len() {
        length @ 0..=0x7f => out.push(length as u8),
        length => {
            let bytes = length.to_be_bytes();
            let start = length.leading_zeros() as usize / 8;
            out.push(0x80 | (bytes.len() - start) as u8);
            out.extend(&bytes[start..]);
        }
    }
    out.extend(content);
    out
}

struct Element<'a> {
    tag: u8,
    content: &'a [u8],
    whole: &'a [u8],
}

impl<'a> Element<'a> {
    fn inside(&self, tag: u8) -> Option<&'a [u8]> {
        (self.tag == tag).then_some(self.content)
    }
}

/// The first element, and what follows it.
fn take(bytes: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, content) = match first {
        0..=0x7f => (first as usize, rest),
        0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked((first & 0x7f) as usize)?;
            (length.iter().try_fold(0usize, |sum, &byte| sum.checked_mul(256)?.checked_add(byte.into()))?, rest)
        }
        _ => return None,
    };
    let (content, rest) = content.split_at_checked(length)?;
    let whole = &bytes[..bytes.len() - rest.len()];
    Some((Element { tag, content, whole }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_ec_point_is_taken_wrapped_and_bare() {
        let bare = [vec![4], vec![7; 64]].concat();
        let spki = p256_spki(&bare).expect("a bare point is a key");
        assert_eq!(spki.len(), 91, "a P-256 SubjectPublicKeyInfo has 91 bytes");
        assert_eq!(public_key_bits(&spki), Some(&bare[..]));
        assert_eq!(p256_spki(&put(OCTET_STRING, &bare)), Some(spki), "wrapped or bare, it is the same key");
        assert_eq!(p256_spki(&[7; 256]), None, "stale memory is no key");
    }

    #[test]
    fn numbers_are_never_negative_nor_padded() {
        assert_eq!(integer(&[0x80]), [2, 2, 0, 0x80]);
        assert_eq!(integer(&[0, 0, 1]), [2, 1, 1]);
        assert_eq!(integer(&[]), [2, 1, 0]);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_harm(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), nested: bool) {
            if nested && bytes.len() > 8 {
                bytes[..4].copy_from_slice(&[0x30, 0x81, 0xc0, 0x30]);
            }
            let _ = certificate(&bytes);
            let _ = public_key_bits(&bytes);
            let _ = p256_spki(&bytes);
        }

        #[test]
        fn a_key_put_together_comes_apart(modulus in proptest::collection::vec(any::<u8>(), 1..600)) {
            let spki = rsa_spki(&modulus, &[1, 0, 1]);
            let bits = public_key_bits(&spki);
            prop_assert!(bits.is_some_and(|bits| take(bits).is_some_and(|(key, rest)| key.tag == SEQUENCE && rest.is_empty())));
        }
    }
}
