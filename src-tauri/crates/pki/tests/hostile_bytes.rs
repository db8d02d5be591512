//! Whatever a token or a service sends: an error at worst, never a panic.

#![allow(clippy::unwrap_used, reason = "a test may fall over")]

use std::sync::OnceLock;

use certdesk_domain::token::SignatureScheme;
use certdesk_pki::{Certificate, Csr, CsrBuilder, chain, cms, key_algorithm, key_id, verify, web_eid};
use proptest::prelude::*;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, KeyUsagePurpose, SanType,
};

/// A certificate with many extensions and a request, to be damaged.
fn good() -> &'static (Vec<u8>, Vec<u8>) {
    static GOOD: OnceLock<(Vec<u8>, Vec<u8>)> = OnceLock::new();
    GOOD.get_or_init(|| {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["example.cn".into()]).unwrap();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "王䶮");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.subject_alt_names.push(SanType::IpAddress([127, 0, 0, 1].into()));
        params.use_authority_key_identifier_extension = true;
        params.crl_distribution_points =
            vec![rcgen::CrlDistributionPoint { uris: vec!["http://example.cn/a.crl".into()] }];
        let text = b"\x04\x07\x13\x05SF110".to_vec();
        params.custom_extensions = vec![CustomExtension::from_oid_content(&[1, 2, 156, 10260, 4, 1, 1], text)];
        let certificate = params.self_signed(&key).unwrap().der().to_vec();
        let request = params_for_request().serialize_request(&key).unwrap().der().to_vec();
        (certificate, request)
    })
}

/// Who certifies the signer of [`signature`].
struct Authority {
    der: Vec<u8>,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn params(name: &str) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
    }

    fn root() -> Self {
        let (params, key) = (Self::params("root"), KeyPair::generate().unwrap());
        Self { der: params.self_signed(&key).unwrap().der().to_vec(), issuer: Issuer::new(params, key) }
    }

    fn under(root: &Self) -> Self {
        let (params, key) = (Self::params("issuing"), KeyPair::generate().unwrap());
        Self { der: params.signed_by(&key, &root.issuer).unwrap().der().to_vec(), issuer: Issuer::new(params, key) }
    }
}

fn content() -> cms::Content {
    cms::Content::of(&[b"content"])
}

/// A detached signature over [`content`] that carries its chain along, to be damaged.
fn signature() -> &'static Vec<u8> {
    static SIGNATURE: OnceLock<Vec<u8>> = OnceLock::new();
    SIGNATURE.get_or_init(|| {
        let root = Authority::root();
        let issuing = Authority::under(&root);
        let pair = KeyPair::generate().unwrap();
        let certificate = params_for_request().signed_by(&pair, &issuing.issuer).unwrap();
        let random = ring::rand::SystemRandom::new();
        let scheme = &ring::signature::ECDSA_P256_SHA256_FIXED_SIGNING;
        let key = ring::signature::EcdsaKeyPair::from_pkcs8(scheme, &pair.serialize_der(), &random).unwrap();
        let chain = [root.der, issuing.der];
        let signing = cms::Signing::new(certificate.der(), &chain, content()).unwrap();
        let signature = key.sign(&random, &signing.to_be_signed()).unwrap();
        let signed = signing.finish(SignatureScheme::EcdsaP256Sha256, signature.as_ref()).unwrap();
        assert_eq!(cms::verify(&signed, content()).unwrap().chain.len(), 2, "undamaged it verifies, with its chain");
        signed
    })
}

fn params_for_request() -> CertificateParams {
    CertificateParams::new(["example.cn".into()]).unwrap()
}

fn read_everything(bytes: &[u8]) {
    if let Ok(certificate) = Certificate::parse(bytes) {
        assert!(!certificate.holder.is_empty(), "a certificate always has something to be called by");
        let _ = (certificate.fingerprint(), certificate.pem(), certificate.belongs_to(&certificate.spki_der));
        for (name, value) in &certificate.details {
            assert!(
                !value.chars().any(char::is_control) && !name.chars().any(char::is_control),
                "{name}: control characters are not shown"
            );
        }
    }
    let _ = Csr::parse_and_verify(bytes);
    let _ = (key_id(bytes), key_algorithm(bytes));
    for scheme in [SignatureScheme::RsaPkcs1Sha256, SignatureScheme::RsaPssSha256, SignatureScheme::EcdsaP256Sha256] {
        let _ = verify(bytes, scheme, bytes, bytes);
        if let Ok(builder) = CsrBuilder::new(bytes, "x") {
            let _ = builder.finish(scheme, bytes);
        }
    }
    let at = Certificate::parse(&good().0).unwrap().not_before;
    let _ = chain::verify(bytes, &[&good().0], &[&good().0], at);
    let _ = chain::verify(&good().0, &[bytes], &[bytes], at);
    let _ = (chain::is_issued_by(bytes, &good().0), chain::path_to_root(bytes, &[bytes.to_vec()]));
    let _ = (cms::verify(bytes, content()), cms::Signing::new(bytes, &[bytes.to_vec()], content()));
    let _ = web_eid::verify(bytes, "ES256", bytes, "https://a.example", "nonce");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        read_everything(&bytes);
    }

    #[test]
    fn damaged_certificates(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        for original in [&good().0, &good().1] {
            let mut bytes = original.clone();
            for (at, to) in &changes {
                let at = at.index(bytes.len());
                bytes[at] = *to;
            }
            read_everything(&bytes);
        }
    }

    #[test]
    fn damaged_signatures(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut bytes = signature().clone();
        for (at, to) in &changes {
            let at = at.index(bytes.len());
            bytes[at] = *to;
        }
        prop_assert!(bytes == *signature() || cms::verify(&bytes, content()).is_err(), "no byte may differ");
    }

    #[test]
    fn cut_off_certificates(at in any::<prop::sample::Index>()) {
        let bytes = &good().0;
        read_everything(&bytes[..at.index(bytes.len())]);
    }
}

#[test]
fn every_bit_of_a_signature_counts_those_of_its_chain_too() {
    let good = signature();
    for bit in 0..good.len() * 8 {
        let mut bytes = good.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(cms::verify(&bytes, content()).is_err(), "bit {} of byte {} was changed", bit % 8, bit / 8);
    }
}

#[test]
fn a_huge_certificate_is_refused_unread() {
    let mut bytes = good().0.clone();
    bytes.resize(1 << 20, 0);
    assert!(Certificate::parse(&bytes).is_err(), "a megabyte is no certificate");
}
