//! A case is handed in: what it says and which files it has must be right, and in a correction only what was remarked
//! may differ.

use std::{collections::HashSet, sync::Arc};

use certdesk_contract::{
    Problem, ProblemCode,
    account::ConsentSubject,
    application::{AttachmentRecord, LegalAct, Receipt, Remark, RemarkTarget, Submission},
    catalogue::Offer,
    is_sha256,
};
use certdesk_domain::{
    Act, Fault, RequirementId, State, Timestamp, check,
    form::{FieldFault, Handler, Particulars, Registration},
};
use rusqlite::Connection;
use time::macros::format_description;
use uuid::Uuid;

use super::{advance, approve, form_signature, of};
use crate::{
    accounts,
    audit::{self, Actor, Event},
    businesses,
    failure::Outcome,
    idempotency::Once,
    portal::Portal,
    receipts::{self, ActRequest},
    sessions::Caller,
    store::{
        self,
        accounts::Account,
        applications::{self, Case},
        uploads::{self, UploadState},
    },
    verdicts,
};

/// Hands a case in, first or again after a correction. Uploads that it does not name end: nobody will come back to them.
pub(crate) async fn submit(
    portal: &Arc<Portal>,
    mut caller: Caller,
    id: Uuid,
    submission: Submission,
    once: Once,
    request: ActRequest,
) -> Outcome<Receipt> {
    let now = portal.now();
    let looked = form_signature::look(portal, &caller, id, &submission).await?;
    let act = portal.clone();
    let (receipt, unused) = portal
        .store
        .act(move |db| {
            // Nothing is done twice, so nothing has to be signed twice: not even by a key that this act took out of force.
            if let Some(answer) = once.answer(db, now)? {
                return Ok((answer, Vec::new()));
            }
            // As it is now: a change may just have come into force.
            caller.account = store::accounts::by_id(db, caller.account.id)?;
            let mut case = of(db, id, &caller.account)?;
            let signed = receipts::check(&act, db, &caller, request, LegalAct::Submit, &case, now)?;
            if !case.state.is_editable() {
                return Err(ProblemCode::WrongState.into());
            }
            if case.number.is_none() {
                // What could be begun may meanwhile be closed. Afterwards the case has its place in the queue.
                let certificate = case.particulars.certificate.as_deref();
                businesses::check_open(&act.catalogue, db, &caller.account, case.business, certificate, now)?;
            }
            let kind = caller.account.registration.kind;
            let offer = act.catalogue.offer(case.business, kind).ok_or(ProblemCode::WrongState)?;
            check_fields(&submission, &case, offer, &caller.account)?;
            let particulars = tidy(&submission.particulars, &caller.account.registration);
            let sensitive = accounts::version(&act, ConsentSubject::SensitiveData);
            if !offer.requirements.is_empty() {
                let consent = submission.sensitive_data_consent.ok_or(ProblemCode::StaleConsent)?;
                store::consents::attach(db, consent, ConsentSubject::SensitiveData, sensitive, caller.account.id)?;
            }
            check_files(db, &submission, &case, offer)?;
            let signers = form_signature::check(db, &caller, &case, &submission, offer.form(), &looked, now)?;
            if case.state == State::NeedsCorrection {
                check_correction(db, &submission, &particulars, &case, offer)?;
            }

            let automatic = offer.automatic && is_signed_by_key(!signers.is_empty(), &case, offer, &caller);
            case.particulars = particulars;
            hand_in(db, &mut case, &submission, now)?;
            for (upload, signer) in &signers {
                applications::set_signed_by(db, id, *upload, signer)?;
            }
            if automatic {
                approve(db, &act.ca, &mut case, &caller.account, now)?;
                let details = serde_json::json!({ "decision": "approve" });
                audit::note(db, &Actor::Service, Event::Decided, verdicts::subject(db, id)?, details, now)?;
                if !case.business.issues() {
                    // Who has just revoked their own certificate still wants to read and keep the receipt.
                    store::sessions::leave_key(db, &caller.token_hash)?;
                }
            }
            receipts::give(&act, db, signed, &case, now)?;
            let number = case.number.clone().unwrap_or_default();
            let receipt = Receipt { number, submitted_at: now, application: applications::view(db, case)? };
            once.keep(db, &receipt, now)?;
            Ok((receipt, uploads::end_unused(db, id)?))
        })
        .await?;
    for upload in unused {
        portal.files.remove(upload).await;
    }
    Ok(receipt)
}

/// Keeps what was handed in and puts the case, under its number, before the service.
pub(super) fn hand_in(db: &Connection, case: &mut Case, submission: &Submission, now: Timestamp) -> Outcome<()> {
    if case.number.is_none() {
        case.number = Some(new_number(db, now)?);
    }
    case.handler = Some(submission.handler.clone());
    case.remarks.clear();
    applications::add_submission(db, case.id, submission, now)?;
    store::drafts::forget(db, case.id)?;
    advance(db, case, Act::Submit, None, now)
}

/// Whether the holder's key stands for what is handed in: the session is the key's, and so is the signature on the
/// form, where there is one. Only then no reviewer has to look.
fn is_signed_by_key(form_signed: bool, case: &Case, offer: &Offer, caller: &Caller) -> bool {
    let by_holder = caller.certificate.is_some() && caller.certificate == case.particulars.certificate;
    by_holder && (form_signed || offer.form().is_none())
}

/// The particulars as they are kept: real changes alone, each value the one way it is written.
fn tidy(particulars: &Particulars, current: &Registration) -> Particulars {
    let changed = current.with(&particulars.changes);
    let differing = particulars.changes.keys().filter(|field| changed.get(field) != current.get(field));
    let changes = differing.filter_map(|field| Some((field.clone(), changed.get(field)?))).collect();
    Particulars { changes, ..particulars.clone() }
}

/// `CD`, the day in China, and a number counted up from 1 each day.
fn new_number(db: &Connection, now: Timestamp) -> Outcome<String> {
    let day = now
        .to_offset(certdesk_domain::CHINA)
        .format(format_description!("[year][month][day]"))
        .map_err(anyhow::Error::new)?;
    let count = store::count_up(db, &format!("applications-{day}"))?;
    Ok(format!("CD{day}{count:06}"))
}

fn check_fields(submission: &Submission, case: &Case, offer: &Offer, account: &Account) -> Outcome<()> {
    let mut faults = check::handler(&submission.handler, account.registration.kind);
    let (particulars, registration) = (&submission.particulars, &account.registration);
    let reasons: Vec<_> = offer.reasons.iter().map(|choice| choice.reason).collect();
    faults.extend(check::particulars(particulars, case.business, &offer.change_fields, &reasons, registration));
    if particulars.certificate.is_some() && particulars.certificate != case.particulars.certificate {
        faults.push(FieldFault { field: "certificate".into(), fault: Fault::BadFormat });
    }
    let form_named = submission.form_sha256.as_deref().is_some_and(is_sha256);
    if form_named != offer.form().is_some() {
        faults.push(FieldFault { field: "form_sha256".into(), fault: Fault::BadFormat });
    }
    if !submission.declared_true {
        faults.push(FieldFault { field: "declared_true".into(), fault: Fault::Missing });
    }
    if faults.is_empty() { Ok(()) } else { Err(Problem::new(ProblemCode::InvalidFields).with_faults(faults).into()) }
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
fn check_correction(
    db: &Connection,
    submission: &Submission,
    particulars: &Particulars,
    case: &Case,
    offer: &Offer,
) -> Outcome<()> {
    let remarked = |target: &RemarkTarget| case.remarks.iter().any(|remark| remark.target == *target);
    if remarked(&RemarkTarget::Case) {
        return Ok(());
    }
    let before = case.handler.clone().unwrap_or_default();
    let field_free = |field: &str| remarked(&RemarkTarget::Field(field.to_owned()));
    let field_same = |field: &str| before.get(field) == submission.handler.get(field);
    let change_same = |field: &str| case.particulars.changes.get(field) == particulars.changes.get(field);
    let fields_right = Handler::FIELDS.iter().all(|field| field_free(field) || field_same(field))
        && offer.change_fields.iter().all(|field| field_free(&format!("change.{field}")) || change_same(field))
        && (field_free("reason") || case.particulars.reason == particulars.reason);

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
