//! The few DER (X.690) shapes that are written here.

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OID: u8 = 0x06;
pub(crate) const UTF8_STRING: u8 = 0x0C;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// One value: tag, length, then the parts one after the other.
pub(crate) fn value(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|p| p.len()).sum();
    let mut out = vec![tag];
    if length < 0x80 {
        out.push(length as u8);
    } else {
        let bytes = length.to_be_bytes();
        let skip = bytes.iter().take_while(|&&b| b == 0).count();
        out.push(0x80 | (bytes.len() - skip) as u8);
        out.extend_from_slice(&bytes[skip..]);
    }
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

/// A non-negative INTEGER from big-endian bytes of any width.
pub(crate) fn unsigned(big_endian: &[u8]) -> Vec<u8> {
    let skip = big_endian.iter().take_while(|&&b| b == 0).count();
    let significant = &big_endian[skip..];
    // A leading zero byte where the value is zero or would read as negative.
    let pad: &[u8] = if significant.first().is_none_or(|b| b & 0x80 != 0) { &[0] } else { &[] };
    value(INTEGER, &[pad, significant])
}

/// A BIT STRING of whole bytes.
pub(crate) fn bit_string(bytes: &[u8]) -> Vec<u8> {
    value(BIT_STRING, &[&[0], bytes])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_integers_are_minimal() {
        assert_eq!(value(SEQUENCE, &[]), [0x30, 0]);
        assert_eq!(value(SEQUENCE, &[&[7; 127]])[..2], [0x30, 127]);
        assert_eq!(value(SEQUENCE, &[&[7; 128]])[..3], [0x30, 0x81, 128]);
        assert_eq!(value(SEQUENCE, &[&[7; 300]])[..4], [0x30, 0x82, 1, 44]);
        assert_eq!(unsigned(&[0, 0, 0x7F]), [2, 1, 0x7F]);
        assert_eq!(unsigned(&[0, 0x80]), [2, 2, 0, 0x80]);
        assert_eq!(unsigned(&[0, 0]), [2, 1, 0]);
    }
}
