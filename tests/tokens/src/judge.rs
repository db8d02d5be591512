//! Signatures judged by another library: the program `openssl`.

use anyhow::{Context, Result, ensure};
use certdesk_token::SignatureScheme;
use std::{fs, path::Path, process::Command};

/// Holds where `signature` is one of `message` by the key in `spki_der`.
///
/// # Errors
/// What OpenSSL says, or why it cannot be asked.
pub fn verify(folder: &Path, spki_der: &[u8], scheme: SignatureScheme, message: &[u8], signature: &[u8]) -> Result<()> {
    let signature = match scheme {
        SignatureScheme::EcdsaP256Sha256 => ecdsa_der(signature, 32)?,
        SignatureScheme::EcdsaP384Sha384 => ecdsa_der(signature, 48)?,
        _ => signature.to_vec(),
    };
    let [key, data, signed] = ["key.der", "message", "signature"].map(|name| folder.join(name));
    for (file, bytes) in [(&key, spki_der), (&data, message), (&signed, &signature)] {
        fs::write(file, bytes)?;
    }
    let mut openssl = Command::new("openssl");
    let hash = if scheme == SignatureScheme::EcdsaP384Sha384 { "-sha384" } else { "-sha256" };
    openssl.args(["dgst", hash, "-keyform", "DER", "-verify"]).arg(&key).arg("-signature").arg(&signed);
    if scheme == SignatureScheme::RsaPssSha256 {
        openssl.args(["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"]);
    }
    let output = openssl.arg(&data).output().context("openssl cannot be started")?;
    ensure!(output.status.success(), "openssl: {}", String::from_utf8_lossy(&output.stdout).trim());
    Ok(())
}

/// `ECDSA-Sig-Value` (RFC 3279 §2.2.3) of the raw `r‖s`, each of `size` bytes.
fn ecdsa_der(raw: &[u8], size: usize) -> Result<Vec<u8>> {
    ensure!(raw.len() == 2 * size, "an ECDSA signature of {} bytes, not {}", raw.len(), 2 * size);
    let integer = |number: &[u8]| {
        let start = number.iter().position(|&byte| byte != 0).unwrap_or(number.len() - 1);
        let number = &number[start..];
        let sign: &[u8] = if number[0] & 0x80 == 0 { &[] } else { &[0] };
        [&[2, (sign.len() + number.len()) as u8], sign, number].concat()
    };
    let both = [integer(&raw[..size]), integer(&raw[size..])].concat();
    Ok([&[0x30, both.len() as u8], both.as_slice()].concat())
}

#[cfg(test)]
mod tests {
    use super::ecdsa_der;

    #[test]
    fn a_raw_signature_becomes_two_numbers() {
        let mut raw = [0; 64];
        (raw[31], raw[32]) = (1, 0x80);
        let der = ecdsa_der(&raw, 32).unwrap();
        assert_eq!(der[..8], [0x30, 38, 2, 1, 1, 2, 33, 0], "no leading zeros, and none negative");
        assert!(ecdsa_der(&raw[1..], 32).is_err(), "a signature of another size is none");
    }
}
