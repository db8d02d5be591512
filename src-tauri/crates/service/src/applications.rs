//! Applications: drafted, handed in, corrected, withdrawn; and at their end the certificate.
//!
//! Every act checks and changes inside one transaction, so a reviewer at work beside the service is always seen.

use std::{collections::HashSet, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use certdesk_contract::{
    Problem, ProblemCode,
    account::ConsentSubject,
    application::{
        Application, ApplicationDraft, AttachmentRecord, HistoryEntry, Receipt, Remark, RemarkTarget, Submission,
    },
    catalogue::Offer,
    certificate::{CertificateRecord, CertificateRequest, CertificateStatus, Installation, IssuedCertificate},
    path,
};
use certdesk_domain::{
    Act, Fault, RequirementId, State, Timestamp, check,
    form::{FieldFault, Handler},
};
use certdesk_pki::Csr;
use rusqlite::Connection;
use sha2::{Digest as _, Sha256};
use time::{UtcOffset, macros::format_description};
use uuid::Uuid;

use crate::{
    accounts,
    failure::Outcome,
    portal::Portal,
    sessions::Caller,
    store::{
        self,
        accounts::Account,
        applications::{self, Case},
        certificates::{self, CertificateRow, CrlRow},
        idempotency::{self, Repeatable},
        uploads::{self, UploadState},
    },
};

/// More unfinished drafts than this are refused,
const MOST_DRAFTS: u32 = 20;
/// and more cases opened within a day, withdrawn or not.
const MOST_OPENED: u32 = 50;
/// A case whose key has to be made again and again needs the helpdesk.
const MOST_CERTIFICATES: usize = 5;

/// Opens a case under the client's id; the same again answers the same case.
pub(crate) async fn open(
    portal: &Arc<Portal>,
    caller: Caller,
    id: Uuid,
    draft: ApplicationDraft,
) -> Outcome<Application> {
    let now = portal.now();
    let act = portal.clone();
    portal
        .store
        .act(move |db| {
            if let Some(case) = applications::by_id(db, id)? {
                let case = owned(case, &caller.account)?;
                if case.business != draft.business {
                    return Err(ProblemCode::WrongState.into());
                }
                return Ok(applications::view(db, case)?);
            }
            if !accounts::businesses(&act, db, &caller.account, now)?.contains(&draft.business) {
                return Err(ProblemCode::WrongState.into());
            }
            let account = caller.account.id;
            if applications::count_in_state(db, account, State::Draft)? >= MOST_DRAFTS
                || applications::count_since(db, account, now - time::Duration::days(1))? >= MOST_OPENED
            {
                return Err(ProblemCode::TooManyRequests.into());
            }
            let case = Case {
                id,
                account: caller.account.id,
                number: None,
                business: draft.business,
                state: State::Draft,
                handler: None,
                remarks: Vec::new(),
                reason: None,
                subject: None,
            };
            applications::add(db, &case, now)?;
            applications::add_history(db, id, &HistoryEntry { state: State::Draft, at: now, note: None })?;
            Ok(applications::view(db, case)?)
        })
        .await
}

/// The caller's cases, newest first.
pub(crate) async fn list(portal: &Arc<Portal>, caller: Caller) -> Outcome<Vec<Application>> {
    portal
        .store
        .read(move |db| {
            let cases = applications::of_account(db, caller.account.id)?;
            Ok(cases.into_iter().map(|case| applications::view(db, case)).collect::<Result<_, _>>()?)
        })
        .await
}

/// One of the caller's cases.
pub(crate) async fn show(portal: &Arc<Portal>, caller: Caller, id: Uuid) -> Outcome<Application> {
    portal.store.read(move |db| Ok(applications::view(db, of(db, id, &caller.account)?)?)).await
}

/// Withdraws a case; again is as good as once.
pub(crate) async fn withdraw(portal: &Arc<Portal>, caller: Caller, id: Uuid) -> Outcome<Application> {
    let now = portal.now();
    let (application, unused) = portal
        .store
        .act(move |db| {
            let mut case = of(db, id, &caller.account)?;
            if case.state == State::Withdrawn {
                return Ok((applications::view(db, case)?, Vec::new()));
            }
            case.remarks.clear();
            advance(db, &mut case, Act::Withdraw, None, now)?;
            let mut unused = uploads::of_application(db, id)?;
            let mut kept = HashSet::new();
            for &upload in &unused {
                if uploads::is_handed_in(db, upload)? {
                    kept.insert(upload);
                } else {
                    uploads::set_gone(db, upload)?;
                }
            }
            unused.retain(|upload| !kept.contains(upload));
            Ok((applications::view(db, case)?, unused))
        })
        .await?;
    for upload in unused {
        portal.files.remove(upload).await;
    }
    Ok(application)
}

/// Hands a case in, first or again after a correction.
pub(crate) async fn submit(
    portal: &Arc<Portal>,
    caller: Caller,
    id: Uuid,
    submission: Submission,
    repeatable: Repeatable,
) -> Outcome<Receipt> {
    let now = portal.now();
    let act = portal.clone();
    portal
        .store
        .act(move |db| {
            let mut case = of(db, id, &caller.account)?;
            if let Some(answer) = idempotency::answer(db, &repeatable)? {
                return Ok(answer);
            }
            if !case.state.is_editable() {
                return Err(ProblemCode::WrongState.into());
            }
            check_still_open(&act, db, &case, &caller.account, now)?;
            let kind = caller.account.registration.kind;
            let offer = act.catalogue.offer(case.business, kind).ok_or(ProblemCode::WrongState)?;
            check_fields(&submission, offer, &caller.account)?;
            let sensitive = accounts::version(&act, ConsentSubject::SensitiveData);
            if !offer.requirements.is_empty() {
                let consent = submission.sensitive_data_consent.ok_or(ProblemCode::StaleConsent)?;
                store::consents::attach(db, consent, ConsentSubject::SensitiveData, sensitive, caller.account.id)?;
            }
            check_files(db, &submission, &case, offer)?;
            if case.state == State::NeedsCorrection {
                check_correction(db, &submission, &case, offer)?;
            }

            if case.number.is_none() {
                case.number = Some(new_number(db, now)?);
            }
            case.handler = Some(submission.handler.clone());
            case.remarks.clear();
            applications::add_submission(db, id, &submission, now)?;
            advance(db, &mut case, Act::Submit, None, now)?;
            let number = case.number.clone().unwrap_or_default();
            let receipt = Receipt { number, submitted_at: now, application: applications::view(db, case)? };
            idempotency::keep(db, &repeatable, &receipt, now)?;
            Ok(receipt)
        })
        .await
}

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

/// The revocation list: the kept one while it says everything and is in the first half of its life, else a new one.
pub(crate) async fn crl(portal: &Arc<Portal>) -> Outcome<Vec<u8>> {
    let now = portal.now();
    let act = portal.clone();
    portal
        .store
        .act(move |db| {
            let revoked = certificates::revoked(db)?;
            let kept = certificates::latest_crl(db)?
                .filter(|kept| kept.revoked_count == revoked.len())
                // Also not one of the future, made before the clock was set right.
                .filter(|kept| (kept.this_update..kept.this_update + crate::ca::CRL_LIFE / 2).contains(&now));
            if let Some(kept) = kept {
                return Ok(kept.der);
            }
            let number = store::count_up(db, "crl")?;
            let der = act.ca.crl(number, &revoked, now)?;
            certificates::replace_crl(
                db,
                number,
                &CrlRow { der: der.clone(), this_update: now, revoked_count: revoked.len() },
            )?;
            Ok(der)
        })
        .await
}

/// Brings a case into the state after `act` and notes it in its history.
pub(crate) fn advance(db: &Connection, case: &mut Case, act: Act, note: Option<String>, at: Timestamp) -> Outcome<()> {
    case.state = case.state.after(act).ok_or(ProblemCode::WrongState)?;
    applications::update(db, case)?;
    applications::add_history(db, case.id, &HistoryEntry { state: case.state, at, note })?;
    Ok(())
}

/// A case of this account; another's is not there.
pub(crate) fn of(db: &Connection, id: Uuid, account: &Account) -> Outcome<Case> {
    owned(applications::by_id(db, id)?.ok_or(ProblemCode::NotFound)?, account)
}

fn owned(case: Case, account: &Account) -> Outcome<Case> {
    if case.account == account.id { Ok(case) } else { Err(ProblemCode::NotFound.into()) }
}

/// `CD`, the day in China, and a number counted up from 1 each day.
fn new_number(db: &Connection, now: Timestamp) -> Outcome<String> {
    let china = UtcOffset::from_hms(8, 0, 0).expect("China is eight hours ahead");
    let day = now.to_offset(china).format(format_description!("[year][month][day]")).map_err(anyhow::Error::new)?;
    let count = store::count_up(db, &format!("applications-{day}"))?;
    Ok(format!("CD{day}{count:06}"))
}

fn issued(portal: &Portal, der: &[u8]) -> IssuedCertificate {
    IssuedCertificate {
        certificate_b64: STANDARD.encode(der),
        chain_b64: vec![STANDARD.encode(portal.ca.issuing_der()), STANDARD.encode(portal.ca.root_der())],
    }
}

/// What could be begun may meanwhile be closed: of two drafts of 新办 one led to a certificate.
fn check_still_open(portal: &Portal, db: &Connection, case: &Case, account: &Account, now: Timestamp) -> Outcome<()> {
    let open = accounts::businesses(portal, db, account, now)?.contains(&case.business);
    if open { Ok(()) } else { Err(ProblemCode::WrongState.into()) }
}

fn check_fields(submission: &Submission, offer: &Offer, account: &Account) -> Outcome<()> {
    let mut faults = check::handler(&submission.handler, account.registration.kind);
    let form_named = submission.form_sha256.as_deref().is_some_and(is_sha256);
    if form_named != offer.form().is_some() {
        faults.push(FieldFault { field: "form_sha256".into(), fault: Fault::BadFormat });
    }
    if !submission.declared_true {
        faults.push(FieldFault { field: "declared_true".into(), fault: Fault::Missing });
    }
    if faults.is_empty() { Ok(()) } else { Err(Problem::new(ProblemCode::InvalidFields).with_faults(faults).into()) }
}

/// 64 lower-case hex digits.
pub(crate) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// Each file once, complete, of this case, under the requirement it was uploaded for; as many as each requirement asks.
fn check_files(db: &Connection, submission: &Submission, case: &Case, offer: &Offer) -> Outcome<()> {
    let mut seen = HashSet::new();
    for attachment in &submission.attachments {
        let upload = uploads::by_id(db, attachment.upload)?.filter(|u| {
            u.account == case.account
                && u.application == case.id
                && u.requirement == attachment.requirement.0
                && u.state == UploadState::Complete
        });
        if upload.is_none() || !seen.insert(attachment.upload) {
            return Err(ProblemCode::MissingAttachments.into());
        }
    }
    let asked: HashSet<_> = offer.requirements.iter().map(|r| &r.id).collect();
    let all_asked_for = submission.attachments.iter().all(|a| asked.contains(&a.requirement));
    let counts_right = offer.requirements.iter().all(|requirement| {
        let count = submission.attachments.iter().filter(|a| a.requirement == requirement.id).count();
        (usize::from(requirement.min_count)..=usize::from(requirement.max_count)).contains(&count)
    });
    if all_asked_for && counts_right { Ok(()) } else { Err(ProblemCode::MissingAttachments.into()) }
}

/// Only what was remarked may differ. A remark on the case as a whole opens all of it; a remark on a field opens the
/// signed form as well, which shows that field.
fn check_correction(db: &Connection, submission: &Submission, case: &Case, offer: &Offer) -> Outcome<()> {
    let remarked = |target: &RemarkTarget| case.remarks.iter().any(|remark| remark.target == *target);
    if remarked(&RemarkTarget::Case) {
        return Ok(());
    }
    let before = case.handler.clone().unwrap_or_default();
    let field_free = |field: &&str| remarked(&RemarkTarget::Field((*field).to_owned()));
    let field_same = |field: &&str| before.get(field) == submission.handler.get(field);
    let fields_right = Handler::FIELDS.iter().all(|field| field_free(field) || field_same(field));

    let any_field = case.remarks.iter().any(|Remark { target, .. }| matches!(target, RemarkTarget::Field(_)));
    let files_before = applications::attachments(db, case.id)?;
    let files_right = offer.requirements.iter().all(|requirement| {
        let free = remarked(&RemarkTarget::Files(requirement.id.clone())) || (any_field && requirement.is_form);
        free || uploads_before(&files_before, &requirement.id) == uploads_now(submission, &requirement.id)
    });
    if fields_right && files_right { Ok(()) } else { Err(ProblemCode::NotRemarked.into()) }
}

fn uploads_before<'a>(files: &'a [AttachmentRecord], requirement: &RequirementId) -> HashSet<&'a Uuid> {
    files.iter().filter(|file| file.requirement == *requirement).map(|file| &file.upload).collect()
}

fn uploads_now<'a>(submission: &'a Submission, requirement: &RequirementId) -> HashSet<&'a Uuid> {
    submission.attachments.iter().filter(|file| file.requirement == *requirement).map(|file| &file.upload).collect()
}
