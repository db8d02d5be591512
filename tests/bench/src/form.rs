//! The application form: time and size, with a rare character in it.

use std::time::Instant;

use anyhow::Result;
use certdesk_cli::journey::sample_registration;
use certdesk_domain::{AccountKind, Business, form::Handler};
use certdesk_forms::{FormData, application_form};
use time::macros::date;

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
    Ok(vec![
        Figure { name: "form PDF, time", ours: median(times), peer: None, unit: "ms", limit: Limit::AtMost(30.0) },
        Figure { name: "form PDF, size", ours: kib, peer: None, unit: "KiB", limit: Limit::AtMost(60.0) },
    ])
}
