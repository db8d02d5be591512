//! The PIN: moved, never copied, wiped when dropped, and unprintable.

use serde::{Deserializer, Serializer, de::Visitor};
use zeroize::Zeroizing;

/// A PIN as typed, as raw bytes. It has no `Clone`, no `Display` and no `Serialize`, so it cannot slip into a log, a
/// JSON text or a second try.
pub struct Pin(Zeroizing<Vec<u8>>);

impl Pin {
    /// Takes the bytes over; they are wiped when the PIN is dropped.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Two PINs that came as one: a byte with the length of the first, the first, the second. `None` where it is no such thing.
    pub fn into_two(self) -> Option<(Self, Self)> {
        let (&length, both) = self.0.split_first()?;
        let (first, second) = both.split_at_checked(length.into())?;
        Some((Self::from_bytes(first.to_vec()), Self::from_bytes(second.to_vec())))
    }

    /// The bytes, for the helper's `C_Login` and for the frame that carries them there; nobody else has a use for them.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for Pin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pin(***)")
    }
}

/// Writes a PIN into a frame (`#[serde(with)]` of the one message that carries it).
pub(crate) fn serialize<S: Serializer>(pin: &Pin, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(pin.expose())
}

/// Reads a PIN out of a frame.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Pin, D::Error> {
    struct Bytes;
    impl Visitor<'_> for Bytes {
        type Value = Pin;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("the bytes of a PIN")
        }

        fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Pin, E> {
            // Copied in one piece: a vector that grows would leave parts of the PIN behind in freed memory.
            Ok(Pin::from_bytes(bytes.to_vec()))
        }
    }
    deserializer.deserialize_bytes(Bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_does_not_print_itself() {
        let pin = Pin::from_bytes(b"135790".to_vec());
        assert_eq!(format!("{pin:?}"), "Pin(***)", "a PIN must never show in a log");
    }

    #[test]
    fn two_pins_come_apart_where_the_first_ends() {
        let (old, new) = Pin::from_bytes(b"\x03123abcd".to_vec()).into_two().expect("two PINs");
        assert_eq!((old.expose(), new.expose()), (&b"123"[..], &b"abcd"[..]));
        for nothing in [&b""[..], b"\x041"] {
            assert!(Pin::from_bytes(nothing.to_vec()).into_two().is_none(), "{nothing:?} is no two PINs");
        }
    }
}
