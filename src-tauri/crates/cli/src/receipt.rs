//! Verifies a signed receipt without a network: what the service signed, and inside it what the applicant signed.
//!
//! Trusts nothing but the CA certificates that it is given.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use certdesk_contract::{
    application::{LegalAct, Submission},
    path,
    receipt::{Jws, NoReceipt, Opened, SignedRequest, Statement},
    signature::{
        ACT_LABEL, CONTENT_DIGEST, RequestHead, SESSION_LABEL, SESSION_TAG, SIGNATURE, SIGNATURE_INPUT, Signed, act_tag,
    },
};
use certdesk_domain::{Timestamp, check::is_invisible, token::SignatureScheme};
use certdesk_pki::{Certificate, chain, jwk_thumbprint, message_signature, spki_of_jwk};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// What was found out about a receipt.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// Everything that must hold holds, and a given CA vouches for it.
    pub verified: bool,
    /// Nothing is wrong, but no CA was given that could vouch.
    pub nobody_vouches: bool,
    /// What the receipt says.
    pub says: Says,
    /// Each check, in the order they were made.
    pub checks: Vec<Check>,
}

/// What a receipt says, for people.
#[derive(Clone, Debug, Serialize)]
pub struct Says {
    /// Its name.
    pub receipt: String,
    /// Origin of the service.
    pub service: String,
    /// `submit` or `withdraw`.
    pub act: LegalAct,
    /// `new`, `renew` and so on.
    pub business: &'static str,
    /// 申办编号
    pub number: Option<String>,
    /// Technical name of the case.
    pub application: String,
    /// The service's time, RFC 3339.
    #[serde(with = "time::serde::rfc3339")]
    pub at: Timestamp,
    /// Holder of the key that signed the act; `None`: a session by password.
    pub signed_by: Option<String>,
    /// Serial number of its certificate, hex.
    pub certificate: Option<String>,
    /// How it signed, for example `rsa-v1_5-sha256`.
    pub algorithm: Option<String>,
    /// The person who handled it, as the applicant wrote.
    pub handler: Option<String>,
}

/// One check.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// What was checked.
    pub what: &'static str,
    /// Whether it holds; `None`: there is nothing to check.
    pub holds: Option<bool>,
    /// Why not, or what there is to say.
    pub note: String,
}

/// Verifies a receipt file against CA certificates (DER), roots or issuers.
///
/// # Errors
/// [`NoReceipt`] where the file holds none; everything else is in the report.
pub fn verify<C: AsRef<[u8]>>(file: &[u8], authorities: &[C]) -> Result<Report, NoReceipt> {
    let opened = Jws::open(file)?;
    let statement = &opened.statement;
    let mut report =
        Report { verified: false, nobody_vouches: authorities.is_empty(), says: says(statement), checks: Vec::new() };
    report.note("the service's signature", receipt_signature(&opened));
    report.note("the service's certificate", vouched(&opened.chain, authorities, statement.at, chain::verify_signer));
    match evidence(&statement.request) {
        Err(why) => report.note("the request inside", Err(why)),
        Ok((head, body)) => {
            report.note("the body and its digest", digest(&head, &body));
            report.note("the act that it asks for", act_fits(statement, &head, &body));
            report.note("the session's signature", session_signature(statement, &head, &body));
            let signed = act_signature(statement, &head, &body);
            if let Ok(Some((algorithm, _))) = &signed {
                report.says.algorithm = Some(algorithm.clone());
            }
            let note = |(algorithm, tag): (String, String)| format!("{algorithm}, {tag}");
            report.note("the applicant's signature", signed.map(|signed| signed.map(note)));
            if statement.request.certificate_b64.is_some() {
                report.note("the applicant's certificate", applicant(&statement.request, authorities, statement.at));
            }
        }
    }
    let wrong = report.checks.iter().any(|check| check.holds == Some(false));
    report.nobody_vouches &= !wrong;
    report.verified = !wrong && !authorities.is_empty();
    Ok(report)
}

/// What a check came to: a note (`None`: there was nothing to check), or why it does not hold.
type Found = Result<Option<String>, String>;

impl Report {
    fn note(&mut self, what: &'static str, found: Found) {
        let (holds, note) = match found {
            Ok(Some(note)) => (Some(true), note),
            Ok(None) => (None, "a session by password: no key signed this act".to_owned()),
            Err(why) => (Some(false), why),
        };
        self.checks.push(Check { what, holds, note });
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Says { receipt, service, act, business, number, application, at, signed_by, certificate, handler, .. } =
            &self.says;
        let act = if *act == LegalAct::Submit { "handed in 提交" } else { "taken back 撤回" };
        let number = number.as_deref().unwrap_or("-");
        let at = at.format(&time::format_description::well_known::Rfc3339).unwrap_or_default();
        let nobody = || "nobody's key (a session by password)".to_owned();
        let signed_by = match (signed_by, certificate) {
            (Some(holder), Some(serial)) => format!("{} ({serial})", shown(holder)),
            _ => nobody(),
        };
        let handler = handler.as_deref().map_or_else(|| "-".to_owned(), shown);
        for (name, value) in [
            ("receipt 回执", receipt.as_str()),
            ("service", &shown(service)),
            ("act", act),
            ("business 业务", business),
            ("number 申办编号", &shown(number)),
            ("case", application),
            ("at", &at),
            ("signed by", &signed_by),
            ("handler 经办人", &handler),
        ] {
            writeln!(f, "{name:<18} {value}")?;
        }
        writeln!(f)?;
        for Check { what, holds, note } in &self.checks {
            let mark = match holds {
                Some(true) => "ok  ",
                Some(false) => "BAD ",
                None => "-   ",
            };
            writeln!(f, "{mark}{what:<28} {note}")?;
        }
        let verdict = match (self.verified, self.nobody_vouches) {
            (true, _) => "VERIFIED 有效",
            (false, true) => "NOBODY VOUCHES 无人担保: give the CA's certificate with --ca",
            (false, false) => "NOT VALID 无效",
        };
        writeln!(f, "\n{verdict}")
    }
}

/// What others wrote, for a terminal: nothing in it moves the cursor or turns the line around.
fn shown(text: &str) -> String {
    let shown = |c: char| if is_invisible(c) { c.escape_unicode().to_string() } else { c.to_string() };
    text.chars().map(shown).collect()
}

fn says(statement: &Statement) -> Says {
    let request = &statement.request;
    let der = request.certificate_b64.as_ref().and_then(|text| STANDARD.decode(text).ok());
    let certificate = der.and_then(|der| Certificate::parse(&der).ok());
    let body = STANDARD.decode(&request.body_b64).unwrap_or_default();
    let handler = serde_json::from_slice::<Submission>(&body).ok().map(|body| body.handler.person.name);
    Says {
        receipt: statement.id.to_string(),
        service: statement.service.clone(),
        act: statement.act,
        business: statement.business.name(),
        number: statement.number.clone(),
        application: statement.application.to_string(),
        at: statement.at,
        signed_by: certificate.as_ref().map(|certificate| certificate.holder.clone()),
        certificate: certificate.map(|certificate| certificate.serial),
        algorithm: None,
        handler,
    }
}

fn receipt_signature(opened: &Opened) -> Found {
    let signer = opened.chain.first().ok_or("there is no certificate")?;
    let signer = Certificate::parse(signer).map_err(|error| error.to_string())?;
    let message = opened.signing_input.as_bytes();
    certdesk_pki::verify(&signer.spki_der, SignatureScheme::EcdsaP256Sha256, message, &opened.signature)
        .map_err(|error| error.to_string())?;
    Ok(Some(format!("ES256, {}", signer.holder)))
}

type Path<C> = fn(&[u8], &[Vec<u8>], &[C], Timestamp) -> Result<(), certdesk_pki::PkiError>;

fn vouched<C: AsRef<[u8]>>(chain: &[Vec<u8>], authorities: &[C], at: Timestamp, path: Path<C>) -> Found {
    if authorities.is_empty() {
        return Ok(Some("no CA was given: NOBODY VOUCHES for it".to_owned()));
    }
    let (signer, issuers) = chain.split_first().ok_or("there is no certificate")?;
    path(signer, issuers, authorities, at).map_err(|error| format!("no CA that was given vouches for it: {error}"))?;
    Ok(Some("a CA that was given vouches for it".to_owned()))
}

/// The request as its signatures look at it, and its body.
fn evidence(request: &SignedRequest) -> Result<(RequestHead, Vec<u8>), String> {
    let fields = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let head = RequestHead::new(&request.method, &request.target_uri, fields).map_err(|error| error.to_string())?;
    let body = STANDARD.decode(&request.body_b64).map_err(|_| "the body is not base64")?;
    Ok((head, body))
}

fn digest(head: &RequestHead, body: &[u8]) -> Found {
    match (head.field(CONTENT_DIGEST), body.is_empty()) {
        (None, true) => Ok(Some("no body".to_owned())),
        (None, false) => Err("there is a body, and no digest of it".to_owned()),
        (Some(_), _) if head.content_digest() == Some(Sha256::digest(body).into()) => Ok(Some("SHA-256".to_owned())),
        (Some(_), _) => Err("the digest is of another body".to_owned()),
    }
}

/// The request asks for what the receipt is for, of this service and this case.
fn act_fits(statement: &Statement, head: &RequestHead, body: &[u8]) -> Found {
    let (method, path) = match statement.act {
        LegalAct::Submit => ("POST", path::submission(statement.application)),
        LegalAct::Withdraw => ("DELETE", path::application(statement.application)),
    };
    let here = head.target_uri.strip_prefix(&statement.service).is_some_and(|rest| rest.starts_with('/'));
    if head.method != method || !here || !head.target_uri.ends_with(&path) {
        return Err("the request is for something else than the receipt".to_owned());
    }
    if statement.act == LegalAct::Submit && serde_json::from_slice::<Submission>(body).is_err() {
        return Err("the body hands nothing in".to_owned());
    }
    let number = statement.number.as_deref().unwrap_or("without a number");
    Ok(Some(format!("{}, {number}", act_tag(statement.act, statement.business))))
}

fn session_signature(statement: &Statement, head: &RequestHead, body: &[u8]) -> Found {
    let Some(key) = &statement.request.session_key else {
        return Ok(Some("the service let this session do without one".to_owned()));
    };
    let Read { signature, base, alg, keyid } = read(statement, head, body, SESSION_LABEL, SESSION_TAG)?;
    if keyid != jwk_thumbprint(&key.x, &key.y) {
        return Err("it is of another key".to_owned());
    }
    let spki = spki_of_jwk(&key.x, &key.y).map_err(|error| error.to_string())?;
    message_signature::verify(&spki, &alg, base.as_bytes(), &signature).map_err(|error| error.to_string())?;
    Ok(Some(alg))
}

/// Algorithm and tag of the applicant's signature.
fn act_signature(statement: &Statement, head: &RequestHead, body: &[u8]) -> Result<Option<(String, String)>, String> {
    let Some(certificate) = &statement.request.certificate_b64 else { return Ok(None) };
    let der = STANDARD.decode(certificate).map_err(|_| "the certificate is not base64")?;
    let certificate = Certificate::parse(&der).map_err(|error| error.to_string())?;
    let tag = act_tag(statement.act, statement.business);
    let Read { signature, base, alg, keyid } = read(statement, head, body, ACT_LABEL, &tag)?;
    if keyid != certdesk_pki::x5t_s256(&der) {
        return Err("it is of another certificate".to_owned());
    }
    message_signature::verify(&certificate.spki_der, &alg, base.as_bytes(), &signature)
        .map_err(|error| error.to_string())?;
    Ok(Some((alg, tag)))
}

fn applicant<C: AsRef<[u8]>>(request: &SignedRequest, authorities: &[C], at: Timestamp) -> Found {
    let texts = request.certificate_b64.iter().chain(&request.issuers_b64);
    let chain = texts.map(|text| STANDARD.decode(text)).collect::<Result<Vec<_>, _>>();
    vouched(&chain.map_err(|_| "the certificates are not base64")?, authorities, at, chain::verify)
}

/// A signature that is what it must be in all but its key.
struct Read {
    signature: Vec<u8>,
    /// What it is over.
    base: String,
    alg: String,
    keyid: String,
}

fn read(statement: &Statement, head: &RequestHead, body: &[u8], label: &str, tag: &str) -> Result<Read, String> {
    let line = |name: &str| {
        let found = statement.request.headers.iter().filter(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).collect::<Vec<_>>().join(", ")
    };
    let signed = Signed::read(&line(SIGNATURE_INPUT), &line(SIGNATURE), label).map_err(|error| error.to_string())?;
    let signed = signed.ok_or("it is missing")?;
    let parameters = signed.parameters().map_err(|error| error.to_string())?;
    if parameters.tag != tag {
        return Err("it was made for something else".to_owned());
    }
    // Of the time of the receipt; the service took a moment between the two.
    let at = statement.at.unix_timestamp();
    let of_then = parameters.check_time(at).or_else(|_| parameters.check_time(at - 30));
    of_then.map_err(|_| "it is of another time than the receipt")?;
    let base = signed.base(head, !body.is_empty()).map_err(|error| error.to_string())?;
    Ok(Read { signature: signed.signature, base, alg: parameters.alg, keyid: parameters.keyid })
}
