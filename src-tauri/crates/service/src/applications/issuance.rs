//! The certificate at the end of a case: requested by the key on the token, issued, proven to be there.

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use certdesk_contract::{
    ProblemCode,
    application::Application,
    certificate::{CertificateRecord, CertificateRequest, CertificateStatus, Installation, IssuedCertificate},
    path,
};
use certdesk_domain::{Act, State};
use certdesk_pki::Csr;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{advance, check_still_open, of};
use crate::{
    failure::Outcome,
    portal::Portal,
    sessions::Caller,
    store::{
        applications,
        certificates::{self, CertificateRow},
    },
};

/// A case whose key has to be made again and again needs the helpdesk.
const MOST_CERTIFICATES: usize = 5;

/// Certifies the key of a request; the same key again gets the same certificate.
pub(crate) async fn issue(
    portal: &Arc<Portal>,
    caller: Caller,
    id: Uuid,
    request: CertificateRequest,
) -> Outcome<IssuedCertificate> {
    let csr = STANDARD.decode(&request.csr_b64).map_err(|_| ProblemCode::BadCsr)?;
    let csr = Csr::parse_and_verify(&csr).map_err(|_| ProblemCode::BadCsr)?;
    let key_hash: [u8; 32] = Sha256::digest(&csr.spki_der).into();
    let now = portal.now();
    let act = portal.clone();
    portal
        .store
        .act(move |db| {
            let case = of(db, id, &caller.account)?;
            if let Some(before) = certificates::by_key(db, &key_hash)? {
                let same_case = before.application == id && before.status != CertificateStatus::Revoked;
                return if same_case { Ok(issued(&act, &before.der)) } else { Err(ProblemCode::BadCsr.into()) };
            }
            if case.state != State::AwaitingIssuance {
                return Err(ProblemCode::WrongState.into());
            }
            check_still_open(&act, db, &case, &caller.account, now)?;
            let registration = &caller.account.registration;
            let offer = act.catalogue.offer(case.business, registration.kind).ok_or(ProblemCode::WrongState)?;
            if !offer.key_algorithms.contains(&csr.algorithm) {
                return Err(ProblemCode::BadCsr.into());
            }
            // The key of an earlier request was lost before its certificate was confirmed: that one must not live on.
            let earlier = certificates::of_application(db, id)?;
            if earlier.len() >= MOST_CERTIFICATES {
                return Err(ProblemCode::TooManyRequests.into());
            }
            for certificate in earlier.iter().filter(|c| c.status == CertificateStatus::Issued) {
                certificates::revoke(db, &certificate.serial, now)?;
            }
            let crl_url = format!("{}{}", act.origin, path::CRL);
            let new = act.ca.issue(&csr.spki_der, registration, offer.validity_years, crl_url, now)?;
            let answer = issued(&act, &new.der);
            certificates::add(
                db,
                &CertificateRow {
                    serial: new.serial,
                    application: id,
                    account: caller.account.id,
                    key_hash,
                    der: new.der,
                    status: CertificateStatus::Issued,
                    not_before: new.not_before,
                    not_after: new.not_after,
                },
            )?;
            Ok(answer)
        })
        .await
}

/// Takes note that the certificate is on its key, which signed to prove it. The case is completed.
pub(crate) async fn confirm(
    portal: &Arc<Portal>,
    caller: Caller,
    id: Uuid,
    installation: Installation,
) -> Outcome<Application> {
    let proof = STANDARD.decode(&installation.proof_b64).map_err(|_| ProblemCode::BadCsr)?;
    let now = portal.now();
    portal
        .store
        .act(move |db| {
            let mut case = of(db, id, &caller.account)?;
            let row = certificates::by_serial(db, &installation.serial)?.filter(|row| row.application == id);
            let row = row.ok_or(ProblemCode::NotFound)?;
            let certificate = certdesk_pki::Certificate::parse(&row.der).map_err(anyhow::Error::new)?;
            let scheme = certdesk_pki::key_algorithm(&certificate.spki_der).map_err(anyhow::Error::new)?.scheme();
            let statement = Installation::statement(id, &row.serial);
            certdesk_pki::verify(&certificate.spki_der, scheme, statement.as_bytes(), &proof)
                .map_err(|_| ProblemCode::BadCsr)?;
            match (case.state, row.status) {
                (State::Completed, CertificateStatus::Active) => {}
                (_, CertificateStatus::Issued) => {
                    advance(db, &mut case, Act::ConfirmInstallation, None, now)?;
                    certificates::activate(db, &row.serial)?;
                }
                _ => return Err(ProblemCode::WrongState.into()),
            }
            Ok(applications::view(db, case)?)
        })
        .await
}

/// The caller's certificates, newest first.
pub(crate) async fn certificates_of(portal: &Arc<Portal>, caller: Caller) -> Outcome<Vec<CertificateRecord>> {
    let now = portal.now();
    let rows = portal.store.read(move |db| Ok(certificates::of_account(db, caller.account.id)?)).await?;
    Ok(rows.iter().map(|row| row.record(now)).collect())
}

fn issued(portal: &Portal, der: &[u8]) -> IssuedCertificate {
    IssuedCertificate {
        certificate_b64: STANDARD.encode(der),
        chain_b64: vec![STANDARD.encode(portal.ca.issuing_der()), STANDARD.encode(portal.ca.root_der())],
    }
}
