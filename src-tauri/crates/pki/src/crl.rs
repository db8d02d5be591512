//! Certificate revocation lists (RFC 5280 §5): checked whole, then read in place.
//!
//! A list of a million entries has 40 MB. It lies in memory once, because its signature is over all of it; besides it
//! nothing grows with its entries: each is read where it lies and handed on. What this reader does not fully understand
//! it refuses: a revocation that was overlooked would make a revoked certificate look good.

use certdesk_domain::{RevocationReason, Timestamp, token::SignatureScheme};
use x509_parser::{certificate::X509Certificate, extensions::ParsedExtension, prelude::FromDer};

use crate::{PkiError, key};

/// Largest list that is looked at, bytes: one and a half million entries.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;

/// Longest serial number, bytes. RFC 5280 §4.1.2.2 allows 20; some authorities take more.
const MAX_SERIAL: usize = 32;

/// Why a list is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CrlError {
    /// Over [`MAX_BYTES`].
    #[error("the revocation list is too large")]
    TooLarge,
    /// No revocation list, or a damaged one.
    #[error("the bytes are no revocation list")]
    Malformed,
    /// Another authority's list, or one made with another of its keys.
    #[error("the revocation list is of another issuer")]
    OtherIssuer,
    /// The signature does not verify.
    #[error("the signature of the revocation list does not verify")]
    BadSignature,
    /// Says something that this reader does not understand and must not pass over.
    #[error("the revocation list has {0}, which is not supported")]
    Unsupported(&'static str),
}

/// A list whose signature holds. Fresh or not is the reader's own judgement: this knows no clock.
#[derive(Clone, Debug)]
pub struct Crl<'a> {
    /// Counts the issuer's lists up (§5.2.3).
    pub number: u64,
    /// When it was made.
    pub this_update: Timestamp,
    /// Until when the next one is there.
    pub next_update: Timestamp,
    /// Content of `revokedCertificates`.
    entries: &'a [u8],
}

/// One revoked certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Serial number, big-endian without leading zero bytes.
    pub serial: &'a [u8],
    /// When it was revoked, seconds since 1970.
    pub revoked_at: i64,
    /// Why.
    pub reason: RevocationReason,
}

impl<'a> Crl<'a> {
    /// Checks a list against the certificate of its issuer: whose it is, the key, the signature, and that it says
    /// nothing that is not understood. Complete lists only; neither delta nor indirect nor partitioned ones.
    ///
    /// # Errors
    /// [`CrlError`]. An issuer certificate that is none is [`CrlError::OtherIssuer`].
    pub fn verify(der: &'a [u8], issuer_der: &[u8]) -> Result<Self, CrlError> {
        if der.len() > MAX_BYTES {
            return Err(CrlError::TooLarge);
        }
        let Ok(([], issuer)) = X509Certificate::from_der(issuer_der) else { return Err(CrlError::OtherIssuer) };
        let mut whole = Reader(der);
        let mut list = whole.inside(SEQUENCE)?;
        whole.end()?;
        let signed = list.whole(SEQUENCE)?;
        let algorithm = list.whole(SEQUENCE)?;
        let signature = list.take(BIT_STRING)?.strip_prefix(&[0]).ok_or(CrlError::Malformed)?;
        list.end()?;

        let mut tbs = Reader(signed).inside(SEQUENCE)?;
        if tbs.take(INTEGER)? != [1] {
            return Err(CrlError::Unsupported("another version"));
        }
        if tbs.whole(SEQUENCE)? != algorithm {
            return Err(CrlError::Malformed);
        }
        if tbs.whole(SEQUENCE)? != issuer.subject().as_raw() {
            return Err(CrlError::OtherIssuer);
        }
        let this_update = tbs.time()?;
        if !matches!(tbs.tag(), Some(UTC_TIME | GENERALIZED_TIME)) {
            return Err(CrlError::Unsupported("no next update"));
        }
        let next_update = tbs.time()?;
        let entries = if tbs.tag() == Some(SEQUENCE) { tbs.take(SEQUENCE)? } else { &[] };
        let mut wrapped = tbs.inside(EXPLICIT_0)?;
        let extensions = wrapped.inside(SEQUENCE)?;
        wrapped.end()?;
        tbs.end()?;
        let number = list_extensions(extensions, &issuer)?;

        verify_signature(issuer.public_key().raw, algorithm, signed, signature)?;
        Ok(Self { number, this_update: instant(this_update)?, next_update: instant(next_update)?, entries })
    }

    /// Hands every entry to `visit`, in the order of the list.
    ///
    /// # Errors
    /// [`CrlError::Malformed`], [`CrlError::Unsupported`]: then the whole list is not to be used.
    pub fn scan(&self, mut visit: impl FnMut(Entry<'a>)) -> Result<(), CrlError> {
        let mut rest = Reader(self.entries);
        while !rest.0.is_empty() {
            visit(entry(&mut rest)?);
        }
        Ok(())
    }

    /// The same by ascending serial number (byte by byte, shorter first where one begins with the other). Takes eight
    /// bytes of memory an entry.
    ///
    /// # Errors
    /// As [`Crl::scan`]; then nothing was visited.
    pub fn scan_sorted(&self, mut visit: impl FnMut(Entry<'a>)) -> Result<(), CrlError> {
        let mut places: Vec<(u32, u32)> = Vec::with_capacity(self.entries.len() / 34);
        let mut rest = Reader(self.entries);
        while !rest.0.is_empty() {
            let place = (self.entries.len() - rest.0.len()) as u32; // at most MAX_BYTES
            places.push((first_four(entry(&mut rest)?.serial), place));
        }
        let at = |place: u32| entry(&mut Reader(&self.entries[place as usize..])).expect("it was read before");
        places.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| at(a.1).serial.cmp(at(b.1).serial)));
        places.into_iter().for_each(|(_, place)| visit(at(place)));
        Ok(())
    }
}

/// The serial number of [`crate::Certificate::serial`] as entries have it. `None` where it is no hex.
pub fn serial_bytes(hex: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = hex.chars().map(|c| c.to_digit(16).map(|d| d as u8)).collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits.rchunks(2).rev().map(|pair| pair.iter().fold(0, |sum, d| sum << 4 | d)).collect();
    Some(significant(&bytes).to_vec())
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OID: u8 = 0x06;
const BOOLEAN: u8 = 0x01;
const ENUMERATED: u8 = 0x0A;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const EXPLICIT_0: u8 = 0xA0;
const IMPLICIT_0: u8 = 0x80;

/// id-ce (RFC 5280 §4.2), under which all of these are.
const ID_CE: [u8; 2] = [0x55, 0x1D];
const CRL_NUMBER: u8 = 20;
const REASON_CODE: u8 = 21;
const INVALIDITY_DATE: u8 = 24;
const DELTA_INDICATOR: u8 = 27;
const DISTRIBUTION_POINT: u8 = 28;
const CERTIFICATE_ISSUER: u8 = 29;
const AUTHORITY_KEY: u8 = 35;

const RSA_SHA256: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0B];
const ECDSA_SHA256: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02];
const ECDSA_SHA384: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x03];
const SM2_SM3: &[u8] = &[0x2A, 0x81, 0x1C, 0xCF, 0x55, 0x01, 0x83, 0x75];

/// Reads the extensions of the list (§5.2); answers its number.
fn list_extensions(mut extensions: Reader<'_>, issuer: &X509Certificate<'_>) -> Result<u64, CrlError> {
    let (mut number, mut authority) = (None, None);
    while !extensions.0.is_empty() {
        let extension = extension(&mut extensions)?;
        match extension.name {
            Some(CRL_NUMBER) if number.is_none() => number = Some(count(Reader(extension.value).only(INTEGER)?)?),
            Some(AUTHORITY_KEY) if authority.is_none() => {
                let mut fields = Reader(Reader(extension.value).only(SEQUENCE)?);
                authority = Some(if fields.tag() == Some(IMPLICIT_0) { Some(fields.take(IMPLICIT_0)?) } else { None });
            }
            Some(CRL_NUMBER | AUTHORITY_KEY) => return Err(CrlError::Malformed),
            Some(DELTA_INDICATOR) => return Err(CrlError::Unsupported("only changes to another list")),
            Some(DISTRIBUTION_POINT) => return Err(CrlError::Unsupported("only a part of the certificates")),
            _ if extension.critical => return Err(CrlError::Unsupported("an unknown critical extension")),
            _ => {}
        }
    }
    let subject_key = issuer.extensions().iter().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0),
        _ => None,
    });
    let usage = issuer.key_usage().map_err(|_| CrlError::OtherIssuer)?;
    let may_sign = usage.is_none_or(|usage| usage.value.crl_sign());
    let same_key = match (authority.flatten(), subject_key) {
        (Some(named), Some(own)) => named == own,
        // Without the names the signature alone tells the keys apart.
        _ => true,
    };
    if !may_sign || !same_key {
        return Err(CrlError::OtherIssuer);
    }
    number.ok_or(CrlError::Unsupported("no number"))
}

fn verify_signature(spki: &[u8], algorithm: &[u8], signed: &[u8], signature: &[u8]) -> Result<(), CrlError> {
    let name = Reader(algorithm).inside(SEQUENCE)?.take(OID)?;
    let scheme = match name {
        RSA_SHA256 => SignatureScheme::RsaPkcs1Sha256,
        ECDSA_SHA256 => SignatureScheme::EcdsaP256Sha256,
        ECDSA_SHA384 => SignatureScheme::EcdsaP384Sha384,
        SM2_SM3 => SignatureScheme::Sm2Sm3,
        _ => return Err(CrlError::Unsupported("a signature of another kind")),
    };
    key::verify_der(spki, scheme, signed, signature).map_err(|error| match error {
        PkiError::BadSignature => CrlError::BadSignature,
        _ => CrlError::Unsupported("a signature that does not fit the issuer's key"),
    })
}

fn entry<'a>(list: &mut Reader<'a>) -> Result<Entry<'a>, CrlError> {
    let mut fields = list.inside(SEQUENCE)?;
    let serial = fields.take(INTEGER)?;
    if serial.is_empty() || serial.len() > MAX_SERIAL {
        return Err(CrlError::Malformed);
    }
    let revoked_at = fields.time()?;
    let mut reason = RevocationReason::Unspecified;
    if !fields.0.is_empty() {
        let mut extensions = fields.inside(SEQUENCE)?;
        fields.end()?;
        while !extensions.0.is_empty() {
            let extension = extension(&mut extensions)?;
            match extension.name {
                Some(REASON_CODE) => {
                    let [code] = Reader(extension.value).only(ENUMERATED)? else { return Err(CrlError::Malformed) };
                    reason = RevocationReason::from_code(*code).ok_or(CrlError::Unsupported("an unknown reason"))?;
                }
                Some(INVALIDITY_DATE) => {}
                Some(CERTIFICATE_ISSUER) => return Err(CrlError::Unsupported("certificates of other issuers")),
                _ if extension.critical => return Err(CrlError::Unsupported("an unknown critical extension")),
                _ => {}
            }
        }
    }
    Ok(Entry { serial: significant(serial), revoked_at, reason })
}

struct Extension<'a> {
    /// The last arc, where it is one of [`ID_CE`].
    name: Option<u8>,
    critical: bool,
    value: &'a [u8],
}

fn extension<'a>(list: &mut Reader<'a>) -> Result<Extension<'a>, CrlError> {
    let mut fields = list.inside(SEQUENCE)?;
    let name = match fields.take(OID)? {
        [a, b, name] if [*a, *b] == ID_CE => Some(*name),
        _ => None,
    };
    let critical = match fields.tag() {
        Some(BOOLEAN) => fields.take(BOOLEAN)? != [0],
        _ => false,
    };
    let value = fields.take(OCTET_STRING)?;
    fields.end()?;
    Ok(Extension { name, critical, value })
}

/// DER values (X.690) one after the other, each with a definite, shortest length.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn tag(&self) -> Option<u8> {
        self.0.first().copied()
    }

    /// The content of the next value.
    fn take(&mut self, tag: u8) -> Result<&'a [u8], CrlError> {
        let (head, length) = self.measure(tag)?;
        let content = &self.0[head..head + length];
        self.0 = &self.0[head + length..];
        Ok(content)
    }

    /// The next value with tag and length.
    fn whole(&mut self, tag: u8) -> Result<&'a [u8], CrlError> {
        let (head, length) = self.measure(tag)?;
        let (value, rest) = self.0.split_at(head + length);
        self.0 = rest;
        Ok(value)
    }

    fn inside(&mut self, tag: u8) -> Result<Self, CrlError> {
        self.take(tag).map(Reader)
    }

    /// The content of the one value that there is.
    fn only(mut self, tag: u8) -> Result<&'a [u8], CrlError> {
        let content = self.take(tag)?;
        self.end()?;
        Ok(content)
    }

    fn end(&self) -> Result<(), CrlError> {
        if self.0.is_empty() { Ok(()) } else { Err(CrlError::Malformed) }
    }

    /// Seconds since 1970, of either kind of time (RFC 5280 §5.1.2.4).
    fn time(&mut self) -> Result<i64, CrlError> {
        let tag = self.tag().ok_or(CrlError::Malformed)?;
        match tag {
            UTC_TIME => {
                let text = self.take(tag)?;
                let [year, rest @ ..] = numbers::<6>(text)?;
                seconds(if year >= 50 { 1900 + year } else { 2000 + year }, rest)
            }
            GENERALIZED_TIME => {
                let text = self.take(tag)?;
                let [century, year, rest @ ..] = numbers::<7>(text)?;
                seconds(century * 100 + year, rest)
            }
            _ => Err(CrlError::Malformed),
        }
    }

    /// Bytes of tag and length, and of the content; both are there.
    fn measure(&self, tag: u8) -> Result<(usize, usize), CrlError> {
        let (head, length) = match *self.0 {
            [t, length, ..] if t == tag && length < 0x80 => (2, usize::from(length)),
            [t, 0x81, a, ..] if t == tag && a >= 0x80 => (3, usize::from(a)),
            [t, 0x82, a, b, ..] if t == tag && a != 0 => (4, usize::from(u16::from_be_bytes([a, b]))),
            [t, 0x83, a, b, c, ..] if t == tag && a != 0 => (5, u32::from_be_bytes([0, a, b, c]) as usize),
            [t, 0x84, a, b, c, d, ..] if t == tag && a != 0 => (6, u32::from_be_bytes([a, b, c, d]) as usize),
            _ => return Err(CrlError::Malformed),
        };
        if length <= self.0.len() - head { Ok((head, length)) } else { Err(CrlError::Malformed) }
    }
}

/// Pairs of decimal digits, then `Z`.
fn numbers<const N: usize>(text: &[u8]) -> Result<[i64; N], CrlError> {
    let mut found = [0; N];
    if text.len() != 2 * N + 1 || text[2 * N] != b'Z' || !text[..2 * N].iter().all(u8::is_ascii_digit) {
        return Err(CrlError::Malformed);
    }
    for (number, pair) in found.iter_mut().zip(text.chunks_exact(2)) {
        *number = i64::from(pair[0] - b'0') * 10 + i64::from(pair[1] - b'0');
    }
    Ok(found)
}

/// Seconds since 1970 of a day and time of the Gregorian calendar.
fn seconds(year: i64, [month, day, hour, minute, second]: [i64; 5]) -> Result<i64, CrlError> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return Err(CrlError::Malformed),
    };
    if !(1..=longest).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return Err(CrlError::Malformed);
    }
    // Years from March on, so that the leap day is the last of its year.
    let (years, months) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * years + years.div_euclid(4) - years.div_euclid(100)
        + years.div_euclid(400)
        + (153 * months + 2) / 5
        + day
        - 719_469;
    Ok(((days * 24 + hour) * 60 + minute) * 60 + second)
}

fn instant(seconds: i64) -> Result<Timestamp, CrlError> {
    Timestamp::from_unix_timestamp(seconds).map_err(|_| CrlError::Malformed)
}

/// A number that counts lists: positive, within what is counted here.
fn count(integer: &[u8]) -> Result<u64, CrlError> {
    let digits = significant(integer);
    if integer.first().is_none_or(|first| first & 0x80 != 0) {
        return Err(CrlError::Malformed);
    }
    let number = digits.iter().fold(0u128, |sum, byte| sum << 8 | u128::from(*byte));
    let fits = digits.len() <= 8 && number <= i64::MAX as u128;
    if fits { Ok(number as u64) } else { Err(CrlError::Unsupported("a number beyond counting")) }
}

fn significant(integer: &[u8]) -> &[u8] {
    let zeros = integer.iter().take_while(|byte| **byte == 0).count();
    &integer[zeros..]
}

/// In the order of the whole.
fn first_four(serial: &[u8]) -> u32 {
    let mut four = [0; 4];
    let length = serial.len().min(4);
    four[..length].copy_from_slice(&serial[..length]);
    u32::from_be_bytes(four)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_both_kinds_are_read() {
        let read = |tag: u8, text: &str| Reader(&[&[tag, text.len() as u8], text.as_bytes()].concat()).time();
        assert_eq!(read(UTC_TIME, "700101000000Z"), Ok(0));
        assert_eq!(read(UTC_TIME, "261122080000Z"), Ok(1_795_334_400));
        assert_eq!(read(GENERALIZED_TIME, "20261122080000Z"), Ok(1_795_334_400), "both say the same");
        assert_eq!(read(GENERALIZED_TIME, "20500101000000Z"), Ok(2_524_608_000));
        assert_eq!(read(UTC_TIME, "240229235959Z"), Ok(1_709_251_199), "a leap day");
        for bad in ["230229000000Z", "261322080000Z", "2611220800Z", "261122080000+", "26112208000xZ"] {
            assert_eq!(read(UTC_TIME, bad), Err(CrlError::Malformed), "{bad} is no time");
        }
    }

    #[test]
    fn a_serial_number_is_the_same_in_words_and_on_the_list() {
        assert_eq!(serial_bytes("5f3a"), Some(vec![0x5F, 0x3A]));
        assert_eq!(serial_bytes("f3a"), Some(vec![0x0F, 0x3A]), "an odd digit stands alone");
        assert_eq!(serial_bytes("0"), Some(vec![]));
        assert_eq!(serial_bytes("5g"), None);
    }
}
