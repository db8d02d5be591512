//! The form signed by the applicant's key, among the files that are handed in.
//!
//! A scan without any signature is a scan. What claims to be signed must be: by the certificate of the session, over
//! the very form the submission names. Only what was verified here is ever called signed.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read as _},
    path::Path,
    sync::Arc,
};

use certdesk_contract::{
    ProblemCode,
    application::{FormSigner, Submission},
    catalogue::Requirement,
};
use certdesk_domain::{FileKind, Timestamp};
use certdesk_pki::{
    Certificate,
    pdf::{self, SignedForm},
};
use rusqlite::Connection;
use uuid::Uuid;

use super::of;
use crate::{
    failure::Outcome,
    portal::Portal,
    sessions::Caller,
    store::{
        applications::{self, Case},
        certificates,
        uploads::{self, UploadState},
    },
};

/// What the files under the form are, by their uploads.
pub(super) type Looked = HashMap<Uuid, Look>;

/// What one file is.
pub(super) enum Look {
    /// Nothing in it claims to be a signature.
    Unsigned,
    /// Signed, by whomever.
    Signed(SignedForm),
    /// It claims to be signed, and is not.
    Feigned,
}

/// Looks at the files handed in under the form, where a key may sign it. Before anything is decided: reading takes time
/// that a transaction should not.
pub(super) async fn look(portal: &Arc<Portal>, caller: &Caller, id: Uuid, submission: &Submission) -> Outcome<Looked> {
    let (act, account, submission) = (portal.clone(), caller.account.clone(), submission.clone());
    let found = portal
        .store
        .read(move |db| {
            let case = of(db, id, &account)?;
            let offer = act.catalogue.offer(case.business, account.registration.kind);
            let Some(form) = offer.and_then(|offer| offer.form()).filter(|form| form.key_signature) else {
                return Ok(Vec::new());
            };
            let mut found = Vec::new();
            for upload in under(&submission, form).take(form.max_count.into()) {
                // The rest of what must be right with it is looked at when it is handed in.
                let row = uploads::by_id(db, upload)?;
                if row.is_some_and(|row| row.application == id && row.state == UploadState::Complete) {
                    found.push(upload);
                }
            }
            Ok(found)
        })
        .await?;
    let files: Vec<_> = found.into_iter().map(|upload| (upload, portal.files.path(upload))).collect();
    let looked = tokio::task::spawn_blocking(move || {
        files.into_iter().map(|(upload, path)| Ok((upload, look_at(&path)?))).collect::<io::Result<Looked>>()
    });
    Ok(looked.await.map_err(anyhow::Error::new)?.map_err(anyhow::Error::new)?)
}

/// Who signed which of the files under the form.
///
/// # Errors
/// `form_signature_invalid` for a file that claims to be signed and is not so by the caller's key over this form.
pub(super) fn check(
    db: &Connection,
    caller: &Caller,
    case: &Case,
    submission: &Submission,
    form: Option<&Requirement>,
    looked: &Looked,
    now: Timestamp,
) -> Outcome<Vec<(Uuid, FormSigner)>> {
    let Some(form) = form.filter(|form| form.key_signature) else { return Ok(Vec::new()) };
    let own = match &caller.certificate {
        Some(serial) => certificates::by_serial(db, serial)?.filter(|own| own.is_in_force(now)),
        None => None,
    };
    let mut signers = Vec::new();
    for upload in under(submission, form) {
        if let Some(signer) = handed_in_before(db, case, submission, upload)? {
            signers.push((upload, signer));
            continue;
        }
        match looked.get(&upload).ok_or(ProblemCode::MissingAttachments)? {
            Look::Unsigned => {}
            Look::Signed(signed)
                if own.as_ref().is_some_and(|own| own.der == signed.certificate_der)
                    && submission.form_sha256.as_ref() == Some(&signed.original_sha256) =>
            {
                let certificate = Certificate::parse(&signed.certificate_der).map_err(anyhow::Error::new)?;
                signers.push((upload, FormSigner { holder: certificate.holder, serial: certificate.serial }));
            }
            _ => return Err(ProblemCode::FormSignatureInvalid.into()),
        }
    }
    Ok(signers)
}

/// Who signed a file of the last submission, where it is handed in again and nothing that the form shows was changed:
/// the form made anew on another day is another file, the one that was signed is not less signed for it.
fn handed_in_before(
    db: &Connection,
    case: &Case,
    submission: &Submission,
    upload: Uuid,
) -> rusqlite::Result<Option<FormSigner>> {
    let Some(before) = applications::last_submission(db, case.id)? else { return Ok(None) };
    if before.handler != submission.handler || before.particulars != submission.particulars {
        return Ok(None);
    }
    let files = applications::attachments(db, case.id)?;
    Ok(files.into_iter().find(|file| file.upload == upload).and_then(|file| file.signed_by))
}

fn under<'a>(submission: &'a Submission, form: &'a Requirement) -> impl Iterator<Item = Uuid> + 'a {
    submission.attachments.iter().filter(|file| file.requirement == form.id).map(|file| file.upload)
}

fn look_at(path: &Path) -> io::Result<Look> {
    let mut file = File::open(path)?;
    let mut bytes = Vec::new();
    file.by_ref().take(pdf::MOST_SIGNED_BYTES as u64).read_to_end(&mut bytes)?;
    if FileKind::sniff(&bytes) != Some(FileKind::Pdf) {
        return Ok(Look::Unsigned);
    }
    if let Ok(signed) = pdf::verify(&bytes)
        && file.read(&mut [0])? == 0
    {
        return Ok(Look::Signed(signed));
    }
    // What is larger than any signed form can still claim to be one.
    loop {
        if pdf::looks_signed(&bytes) {
            return Ok(Look::Feigned);
        }
        bytes.drain(..bytes.len().saturating_sub(pdf::MARK_BYTES));
        let before = bytes.len();
        file.by_ref().take(pdf::MOST_SIGNED_BYTES as u64).read_to_end(&mut bytes)?;
        if bytes.len() == before {
            return Ok(Look::Unsigned);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_seen_wherever_it_stands_and_a_picture_claims_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let look_at = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            look_at(&path).unwrap()
        };
        assert!(matches!(look_at(b"%PDF-1.4 a scan"), Look::Unsigned));
        assert!(matches!(look_at(b"%PDF-1.4 <</ByteRange[0 1 2 3]>>"), Look::Feigned));
        assert!(matches!(look_at(b"\xFF\xD8\xFF\xE0 /ByteRange"), Look::Unsigned), "no reader sees a signature there");
        for place in [pdf::MOST_SIGNED_BYTES - 5, pdf::MOST_SIGNED_BYTES + 100] {
            let mut large = vec![b' '; pdf::MOST_SIGNED_BYTES + 1000];
            large[..9].copy_from_slice(b"%PDF-1.4\n");
            assert!(matches!(look_at(&large), Look::Unsigned), "a large scan");
            large[place..place + 10].copy_from_slice(b"/ByteRange");
            assert!(matches!(look_at(&large), Look::Feigned), "also across the parts it is read in");
        }
    }
}
