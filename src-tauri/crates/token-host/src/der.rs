//! As much DER (X.690) as a helper needs: the fields of a certificate that PKCS#11 wants beside it, and the
//! `SubjectPublicKeyInfo` of a key it reads part by part. Judges nothing: that is the supervisor's side's business.

use certdesk_token::KeyAlgorithm;

/// A curve and how keys on it are written.
pub(crate) struct Curve {
    pub(crate) algorithm: KeyAlgorithm,
    /// `CKA_EC_PARAMS`: the curve's object identifier.
    pub(crate) parameters: &'static [u8],
    /// Bytes in a coordinate.
    coordinate: usize,
}

/// NIST P-256 (`prime256v1`).
pub(crate) const P256: Curve =
    Curve { algorithm: KeyAlgorithm::EcP256, parameters: b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", coordinate: 32 };
/// NIST P-384 (`secp384r1`).
pub(crate) const P384: Curve =
    Curve { algorithm: KeyAlgorithm::EcP384, parameters: b"\x06\x05\x2b\x81\x04\x00\x22", coordinate: 48 };
/// `sm2p256v1` (GM/T 0006).
pub(crate) const SM2: Curve =
    Curve { algorithm: KeyAlgorithm::Sm2, parameters: b"\x06\x08\x2a\x81\x1c\xcf\x55\x01\x82\x2d", coordinate: 32 };

/// `id-ecPublicKey` (RFC 5480 §2.1.1).
const EC_PUBLIC_KEY: &[u8] = b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01";
/// `rsaEncryption` with NULL (RFC 3279 §2.3.1), as an `AlgorithmIdentifier`.
const RSA: &[u8] = b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01\x05\x00";

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

/// Which of our RSA keys has this modulus, big endian.
pub(crate) fn rsa_algorithm(modulus: &[u8]) -> Option<KeyAlgorithm> {
    let zeros = modulus.iter().take_while(|&&byte| byte == 0).count();
    match modulus.len() - zeros {
        256 => Some(KeyAlgorithm::Rsa2048),
        384 => Some(KeyAlgorithm::Rsa3072),
        512 => Some(KeyAlgorithm::Rsa4096),
        _ => None,
    }
}

/// Of which of our kinds the key in a `SubjectPublicKeyInfo` is.
pub(crate) fn key_algorithm(spki: &[u8]) -> Option<KeyAlgorithm> {
    let bits = public_key_bits(spki)?;
    let (outer, _) = take(spki)?;
    let (algorithm, _) = take(outer.inside(SEQUENCE)?)?;
    if algorithm.whole == RSA {
        let (key, _) = take(bits)?;
        let (modulus, _) = take(key.inside(SEQUENCE)?)?;
        return rsa_algorithm(modulus.inside(INTEGER)?);
    }
    let parameters = algorithm.inside(SEQUENCE)?.strip_prefix(EC_PUBLIC_KEY)?;
    Curve::of(parameters).filter(|curve| curve.is_point(bits)).map(|curve| curve.algorithm)
}

/// `r‖s` out of `SEQUENCE { r, s }`, each in so many bytes.
pub(crate) fn two_numbers(signature: &[u8], bytes: usize) -> Option<Vec<u8>> {
    let (sequence, rest) = take(signature)?;
    let (r, more) = take(sequence.inside(SEQUENCE)?)?;
    let (s, end) = take(more)?;
    let mut raw = vec![0; 2 * bytes];
    for (half, number) in raw.chunks_mut(bytes).zip([r, s]) {
        let number = number.inside(INTEGER)?;
        let zeros = number.iter().take_while(|&&byte| byte == 0).count();
        let start = bytes.checked_sub(number.len() - zeros)?;
        half[start..].copy_from_slice(&number[zeros..]);
    }
    (rest.is_empty() && end.is_empty()).then_some(raw)
}

impl Curve {
    /// The one of ours that `CKA_EC_PARAMS` names.
    pub(crate) fn of(parameters: &[u8]) -> Option<&'static Self> {
        const OURS: [&Curve; 3] = [&P256, &P384, &SM2];
        OURS.into_iter().find(|curve| curve.parameters == parameters)
    }

    /// `SubjectPublicKeyInfo` of a key from `CKA_EC_POINT`, which modules give as the standard wants, wrapped in an
    /// OCTET STRING, or bare. `None` where it is no uncompressed point of this size.
    pub(crate) fn spki(&self, point: &[u8]) -> Option<Vec<u8>> {
        let wrapped = take(point).filter(|(_, rest)| rest.is_empty()).and_then(|(outer, _)| outer.inside(OCTET_STRING));
        let bare = wrapped.filter(|inner| self.is_point(inner)).unwrap_or(point);
        self.is_point(bare).then(|| spki(&put(SEQUENCE, &[EC_PUBLIC_KEY, self.parameters].concat()), bare))
    }

    /// Size of a key on it.
    pub(crate) fn bits(&self) -> u32 {
        self.coordinate as u32 * 8
    }

    fn is_point(&self, bits: &[u8]) -> bool {
        bits.len() == 2 * self.coordinate + 1 && bits[0] == 4
    }
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
        let spki = P256.spki(&bare).expect("a bare point is a key");
        assert_eq!(spki.len(), 91, "a P-256 SubjectPublicKeyInfo has 91 bytes");
        assert_eq!(public_key_bits(&spki), Some(&bare[..]));
        assert_eq!(key_algorithm(&spki), Some(KeyAlgorithm::EcP256));
        assert_eq!(P256.spki(&put(OCTET_STRING, &bare)), Some(spki), "wrapped or bare, it is the same key");
        assert_eq!(P256.spki(&[7; 256]), None, "stale memory is no key");
        assert_eq!(P384.spki(&bare), None, "a point of another curve is no key");
    }

    #[test]
    fn a_key_says_of_which_kind_it_is() {
        for (bytes, algorithm) in
            [(256, KeyAlgorithm::Rsa2048), (384, KeyAlgorithm::Rsa3072), (512, KeyAlgorithm::Rsa4096)]
        {
            assert_eq!(key_algorithm(&rsa_spki(&vec![0xc5; bytes], &[1, 0, 1])), Some(algorithm));
        }
        assert_eq!(key_algorithm(&rsa_spki(&[0xc5; 128], &[1, 0, 1])), None, "RSA 1024 is none of ours");
        for curve in [&P256, &P384, &SM2] {
            let point = [vec![4], vec![7; 2 * curve.coordinate]].concat();
            assert_eq!(key_algorithm(&curve.spki(&point).expect("a point")), Some(curve.algorithm));
        }
    }

    #[test]
    fn a_signature_is_taken_out_of_its_sequence() {
        let der = put(SEQUENCE, &[integer(&[0x80, 1]), integer(&[9])].concat());
        assert_eq!(two_numbers(&der, 3), Some(vec![0, 0x80, 1, 0, 0, 9]));
        assert_eq!(two_numbers(&der, 1), None, "a number that is too long is not cut");
        assert_eq!(two_numbers(&der[..der.len() - 1], 3), None);
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
            let _ = (P256.spki(&bytes), key_algorithm(&bytes), two_numbers(&bytes, 32));
        }

        #[test]
        fn a_key_put_together_comes_apart(modulus in proptest::collection::vec(any::<u8>(), 1..600)) {
            let spki = rsa_spki(&modulus, &[1, 0, 1]);
            let bits = public_key_bits(&spki);
            prop_assert!(bits.is_some_and(|bits| take(bits).is_some_and(|(key, rest)| key.tag == SEQUENCE && rest.is_empty())));
        }
    }
}
