//! Random values from the operating system.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// Without look-alikes (0 o, 1 i l): read from an SMS, typed by hand.
const READABLE: &[u8] = b"abcdefghjkmnpqrstuvwxyz23456789";

/// `n` random bytes, base64url.
pub(crate) fn token(n: usize) -> String {
    URL_SAFE_NO_PAD.encode(bytes(n))
}

/// `n` random bytes.
pub(crate) fn bytes(n: usize) -> Vec<u8> {
    let mut bytes = vec![0; n];
    getrandom::fill(&mut bytes).expect("the system's random source does not fail");
    bytes
}

/// An initial password: 10 readable characters (49 bits), at least a letter and a digit among them.
pub(crate) fn initial_password() -> String {
    loop {
        let password: String = (0..10).map(|_| char::from(READABLE[below(READABLE.len())])).collect();
        if password.contains(|c: char| c.is_ascii_digit()) && password.contains(|c: char| c.is_ascii_alphabetic()) {
            return password;
        }
    }
}

/// `n` random decimal digits.
pub(crate) fn digits(n: usize) -> String {
    (0..n).map(|_| char::from(b"0123456789"[below(10)])).collect()
}

/// Uniform in `0..n`, `n` at most 256: bytes that would favour small values are thrown away.
fn below(n: usize) -> usize {
    let fair = 256 - 256 % n;
    loop {
        let byte = usize::from(bytes(1)[0]);
        if byte < fair {
            return byte % n;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_initial_password_can_be_read_and_typed() {
        for _ in 0..200 {
            let password = initial_password();
            assert_eq!(password.len(), 10);
            assert!(!password.contains(['0', 'o', '1', 'i', 'l']), "{password} has characters that look alike");
        }
    }
}
