//! Certificates for keys made on tokens, from an issuer of the lab's own.

use anyhow::Result;
use rcgen::{CertificateParams, DnType, Issuer, KeyPair, SubjectPublicKeyInfo};

/// Issues certificates; made anew for each run.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// A new one.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn new() -> Result<Self> {
        Ok(Self { issuer: Issuer::new(named("Token lab")?, KeyPair::generate()?) })
    }

    /// A certificate, DER, for a public key given as `SubjectPublicKeyInfo`, DER.
    ///
    /// # Errors
    /// Where the bytes are no public key.
    pub fn certify(&self, spki_der: &[u8], name: &str) -> Result<Vec<u8>> {
        let key = SubjectPublicKeyInfo::from_der(spki_der)?;
        Ok(named(name)?.signed_by(&key, &self.issuer)?.der().to_vec())
    }

    /// A certificate, PEM, for a public key given as PEM.
    ///
    /// # Errors
    /// Where the text is no public key.
    pub fn certify_pem(&self, spki_pem: &str, name: &str) -> Result<String> {
        let key = SubjectPublicKeyInfo::from_pem(spki_pem)?;
        Ok(named(name)?.signed_by(&key, &self.issuer)?.pem())
    }
}

fn named(name: &str) -> Result<CertificateParams> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.distinguished_name.push(DnType::CommonName, name);
    Ok(params)
}
