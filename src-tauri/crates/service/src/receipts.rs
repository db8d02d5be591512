//! Evidence of legal acts, and the signed receipts of them (see [`certdesk_contract::receipt`]).

use std::sync::Arc;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use certdesk_contract::{
    ProblemCode,
    application::LegalAct,
    receipt::{Jws, SignedRequest, Statement},
    signature::{SIGNATURE, SIGNATURE_INPUT, act_tag},
};
use certdesk_domain::Timestamp;
use rusqlite::Connection;
use uuid::Uuid;

use crate::{
    failure::Outcome,
    portal::Portal,
    sessions::Caller,
    signatures::{self, Incoming},
    store::{
        applications::Case,
        evidence::{self, EvidenceRow},
    },
};

/// A request for a legal act, whole.
pub(crate) struct ActRequest {
    pub(crate) incoming: Incoming,
    /// As it came.
    pub(crate) body: Vec<u8>,
}

/// A request for a legal act whose signature was checked.
pub(crate) struct SignedAct {
    act: LegalAct,
    request: SignedRequest,
}

/// Checks the signature that the act needs in a session by key.
///
/// # Errors
/// As [`signatures::check_act`].
pub(crate) fn check(
    portal: &Portal,
    db: &Connection,
    caller: &Caller,
    request: ActRequest,
    act: LegalAct,
    case: &Case,
    now: Timestamp,
) -> Outcome<SignedAct> {
    let ActRequest { incoming, body } = request;
    let certificate = signatures::check_act(portal, db, caller, &incoming, &act_tag(act, case.business), now)?;
    let mut headers = incoming.head.fields;
    for (name, value) in [(SIGNATURE_INPUT, incoming.inputs), (SIGNATURE, incoming.signatures)] {
        if !value.is_empty() {
            headers.push((name.to_owned(), value));
        }
    }
    let issuers: &[&[u8]] = if certificate.is_some() { &[portal.ca.issuing_der(), portal.ca.root_der()] } else { &[] };
    let request = SignedRequest {
        method: incoming.head.method,
        target_uri: incoming.head.target_uri,
        headers,
        body_b64: STANDARD.encode(body),
        session_key: caller.session_key.clone(),
        certificate_b64: certificate.map(|der| STANDARD.encode(der)),
        issuers_b64: issuers.iter().map(|der| STANDARD.encode(der)).collect(),
    };
    Ok(SignedAct { act, request })
}

/// Keeps the evidence of an act that was taken and signs its receipt, in the transaction of the act. `case` is as it is
/// after it.
pub(crate) fn give(portal: &Portal, db: &Connection, signed: SignedAct, case: &Case, now: Timestamp) -> Outcome<()> {
    let statement = Statement {
        id: Uuid::now_v7(),
        service: portal.origin.clone(),
        act: signed.act,
        application: case.id,
        number: case.number.clone(),
        business: case.business,
        state: case.state,
        at: now,
        request: signed.request,
    };
    let jws = Jws::unsigned(&statement, &portal.ca.receipt_chain());
    let signature = portal.ca.sign_receipt(jws.signing_input().as_bytes())?;
    let row = EvidenceRow {
        id: statement.id,
        application: case.id,
        account: case.account,
        act: signed.act,
        at: now,
        signed_by_key: statement.request.certificate_b64.is_some(),
        request: statement.request,
        receipt: serde_json::to_string(&jws.signed(&signature))?,
    };
    Ok(evidence::add(db, &row)?)
}

/// A receipt of the caller's, as a file.
pub(crate) async fn show(portal: &Arc<Portal>, caller: Caller, id: Uuid) -> Outcome<String> {
    let account = caller.account.id;
    let receipt = portal.store.read(move |db| Ok(evidence::receipt(db, id, account)?)).await?;
    Ok(receipt.ok_or(ProblemCode::NotFound)?)
}
