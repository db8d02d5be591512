//! The few DER (X.690) shapes that are written here, and the reading of one value after the other.

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
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

/// A SET OF: its members in the order of their encodings (X.690 §11.6).
pub(crate) fn set_of(tag: u8, members: &[Vec<u8>]) -> Vec<u8> {
    let mut members: Vec<&[u8]> = members.iter().map(Vec::as_slice).collect();
    members.sort_unstable();
    value(tag, &members)
}

/// One value that was read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Value<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
    /// With tag and length.
    pub(crate) whole: &'a [u8],
}

/// Reads values one after the other. Tags of one byte, definite lengths below 16 MiB; how minimal they are is not judged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    /// The next value; `None` where there is none that is whole.
    pub(crate) fn next(&mut self) -> Option<Value<'a>> {
        let (&tag, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7F => (usize::from(first), rest),
            0x81..=0x83 => {
                let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7F))?;
                (bytes.iter().fold(0, |length, &byte| length << 8 | usize::from(byte)), rest)
            }
            _ => return None,
        };
        let (content, after) = rest.split_at_checked(length)?;
        let whole = &self.0[..self.0.len() - after.len()];
        self.0 = after;
        Some(Value { tag, content, whole })
    }

    /// The next value, if it has this tag.
    pub(crate) fn expect(&mut self, tag: u8) -> Option<Value<'a>> {
        self.next().filter(|value| value.tag == tag)
    }
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

    #[test]
    fn what_was_written_is_read_and_what_is_cut_is_not() {
        let written = value(SEQUENCE, &[&unsigned(&[7]), &value(OCTET_STRING, &[&[9; 300]])]);
        let mut outer = Reader(&written);
        let mut inner = Reader(outer.expect(SEQUENCE).expect("a sequence").content);
        assert_eq!(inner.expect(INTEGER).expect("a number").content, [7]);
        assert_eq!(inner.expect(OCTET_STRING).expect("a string").content, [9; 300]);
        assert!(inner.next().is_none() && outer.next().is_none(), "nothing is left");
        assert!(Reader(&written[..written.len() - 1]).next().is_none(), "a value that is cut is none");
        assert!(Reader(&[0x30, 0x80, 0, 0]).next().is_none(), "DER has no indefinite lengths");
    }

    #[test]
    fn the_members_of_a_set_are_ordered() {
        let members = [unsigned(&[9]), unsigned(&[1, 0]), unsigned(&[3])];
        assert_eq!(set_of(SET, &members), [0x31, 10, 2, 1, 3, 2, 1, 9, 2, 2, 1, 0]);
    }
}
