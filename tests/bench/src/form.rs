//! The application form: time and size, with a rare character in it; plain, and signed.

use std::time::Instant;

use anyhow::Result;
use certdesk_cli::journey::sample_registration;
use certdesk_domain::{AccountKind, Business, form::Handler};
use certdesk_forms::{FormData, application_form};
use certdesk_pki::pdf;
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use time::{OffsetDateTime, macros::date};

use crate::figure::{Figure, Limit, median, ms};

pub(crate) fn measure() -> Result<Vec<Figure>> {
    let registration = sample_registration(AccountKind::Enterprise);
    let organisation = registration.organisation.clone();
    let data = FormData {
        business: Business::New,
        account: AccountKind::Enterprise,
        unit_name: organisation.as_ref().map(|unit| unit.name.clone()),
        legal_representative: organisation.as_ref().map(|unit| unit.legal_representative.name.clone()),
        handler: Handler {
            credit_code: organisation.map(|unit| unit.credit_code).unwrap_or_default(),
            address: registration.address,
            person: registration.contact,
            phone: registration.phone,
            email: registration.email,
        },
        certificate: None,
        changes: Vec::new(),
        reason: None,
        key_signature: false,
        ca_name: "证办通演示 CA".to_owned(),
        reference: "BENCH-0001".to_owned(),
        date: date!(2026 - 11 - 22),
    };
    let mut times = Vec::new();
    let mut bytes = 0;
    for _ in 0..31 {
        let start = Instant::now();
        bytes = application_form(&data)?.bytes.len();
        times.push(ms(start.elapsed()));
    }
    let kib = bytes as f64 / 1024.0;
    let (signing, verifying, signed) = signed(&application_form(&data)?.bytes)?;
    Ok(vec![
        Figure { name: "form PDF, time", ours: median(times), peer: None, unit: "ms", limit: Limit::AtMost(30.0) },
        Figure { name: "form PDF, size", ours: kib, peer: None, unit: "KiB", limit: Limit::AtMost(60.0) },
        // Without the key's own time, which is measured elsewhere.
        Figure { name: "form signed, time", ours: signing, peer: None, unit: "ms", limit: Limit::AtMost(5.0) },
        Figure {
            name: "signed form verified, time",
            ours: verifying,
            peer: None,
            unit: "ms",
            limit: Limit::AtMost(10.0),
        },
        Figure { name: "signed form, size", ours: signed, peer: None, unit: "KiB", limit: Limit::AtMost(96.0) },
    ])
}

/// Signing and verifying, ms, and the size of the signed form, KiB.
fn signed(form: &[u8]) -> Result<(f64, f64, f64)> {
    let random = SystemRandom::new();
    let pair = rcgen::KeyPair::generate()?;
    let certificate = rcgen::CertificateParams::new([])?.self_signed(&pair)?;
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pair.serialize_der(), &random);
    let key = key.map_err(|error| anyhow::anyhow!("{error}"))?;
    let (mut signing, mut verifying, mut bytes) = (Vec::new(), Vec::new(), 0);
    for _ in 0..31 {
        let start = Instant::now();
        let prepared = pdf::prepare(form, certificate.der(), &[], OffsetDateTime::now_utc())?;
        let signature = key.sign(&random, &prepared.to_be_signed()).map_err(|error| anyhow::anyhow!("{error}"))?;
        let scheme = prepared.scheme();
        let signed = prepared.finish(scheme, signature.as_ref())?;
        signing.push(ms(start.elapsed()));
        let start = Instant::now();
        pdf::verify(&signed)?;
        verifying.push(ms(start.elapsed()));
        bytes = signed.len();
    }
    Ok((median(signing), median(verifying), bytes as f64 / 1024.0))
}
