//! The form signed by the key of the session, in place of print, stamp and scan.
//!
//! The signed form is a file of this program's own, in a private folder beside the cache, named by the form it signs and
//! by the attachment it is, and sealed with a key that lies in the attachment's row. The attachment owns it: a file that no
//! attachment of an open case names is removed, at the start and whenever one lost its owner. So a kill between any two
//! steps leaves nothing behind, and what was answered is there.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use certdesk_cache::{Attachment, AttachmentPhase, CacheError, Draft, FileKey, FormRecord};
use certdesk_contract::catalogue::{Offer, Requirement};
use certdesk_domain::{Business, FileKind, Timestamp};
use certdesk_pki::pdf::{self, SignatureError};
use uuid::Uuid;

use crate::{
    Controller,
    convert::{internal, not_written, sha256_hex},
    failure::{Failure, LocalCode},
    files,
    view::{DraftView, FormSigning, Locale},
};

impl Controller {
    /// Makes the form where need be and signs it with the key of the session; the signed form takes the place of whatever
    /// was under its requirement, and is uploaded. A form that is signed already stays as it is.
    ///
    /// # Errors
    /// `fields_incomplete` as `make_form`, `pin_needed`, `session_key_missing`; `bad_command` where the service does not
    /// take a key's signature, or in a session by password.
    pub async fn sign_form(&self, id: Uuid) -> Result<DraftView, Failure> {
        let view = self.make_form(id).await?;
        let signing = view.form_signing.as_ref().ok_or(LocalCode::BadCommand)?;
        let requirement = view.files.iter().find(|files| files.requirement.id == signing.requirement);
        let requirement = requirement.filter(|files| files.editable).ok_or(LocalCode::BadCommand)?;
        if signing.signed {
            return Ok(view);
        }
        let rule = requirement.requirement.clone();
        let signer = self.session_signer().await?.ok_or(LocalCode::BadCommand)?;
        let form = self.made_form(id).await?;
        let form_sha256 = sha256_hex(&form);
        let certificate = signer.certificate_der.clone();
        let chain = self.with_cache(move |cache| cache.chain_of(&certificate)).await?;
        let prepared = pdf::prepare(&form, &signer.certificate_der, &chain, Timestamp::now_utc())?;
        let scheme = prepared.scheme();
        let signature = signer.sign(prepared.to_be_signed()).await?;
        let signed = prepared.finish(scheme, &signature)?;

        // From the file to its owner nothing is swept.
        let sweeping = self.inner.signed_forms.lock().await;
        let attachment = Uuid::now_v7();
        let path = self.own_files().join(format!("{form_sha256}-{attachment}{SEALED}"));
        let written = path.clone();
        let write = tokio::task::spawn_blocking(move || write_sealed(&written, &signed).map(|key| (key, signed)));
        let (key, signed) = write.await.map_err(internal)?.map_err(not_written)?;
        let held = Attachment {
            id: attachment,
            draft: id,
            requirement: rule.id.clone(),
            path,
            name: display_name(view.business, self.state().settings.locale),
            kind: FileKind::Pdf,
            bytes: signed.len() as u64,
            modified_ns: 0,
            sha256: None,
            pixels: None,
            duration_ms: None,
            upload: None,
            sent: 0,
            phase: AttachmentPhase::Queued,
            failure: None,
            key: Some(key),
        };
        let replaced = self.with_cache(move |cache| cache.replace_attachments(&held)).await?;
        drop(sweeping);
        self.let_go(replaced).await;
        self.inner.uploads.wake();
        self.draft(id).await
    }

    /// The signed form of a draft, while it is true to the form that was made last.
    pub(crate) async fn signed_form(&self, id: Uuid) -> Result<Option<Vec<u8>>, Failure> {
        let Some(form) = self.own_draft(id).await?.form else { return Ok(None) };
        let attachments = self.attachments(id).await?;
        let signed = attachments.into_iter().find(|held| self.form_of(held) == Some(&form.sha256));
        let Some(signed) = signed else { return Ok(None) };
        // A file that somebody removed is no reason to show none: the form that was made is still there.
        Ok(files::read(signed).await.ok())
    }

    /// Where the signature of the form stands; `None` where it cannot be signed by a key.
    pub(crate) fn form_signing(
        &self,
        offer: &Offer,
        form: Option<&FormRecord>,
        attachments: &[Attachment],
    ) -> Option<FormSigning> {
        let rule = self.signed_by_key(offer)?;
        let signed = |held: &Attachment| form.is_some_and(|form| self.form_of(held) == Some(&form.sha256));
        let signed = attachments.iter().any(|held| held.requirement == rule.id && signed(held));
        Some(FormSigning { requirement: rule.id.clone(), signed })
    }

    /// The requirement that is the form, where the key of this session may sign it.
    pub(crate) fn signed_by_key<'a>(&self, offer: &'a Offer) -> Option<&'a Requirement> {
        self.session_key_id()?;
        offer.form().filter(|form| form.key_signature)
    }

    /// Takes away what was signed before the details changed: it is no signature under this form. `form`: the form that
    /// is true to the details, if one was made.
    pub(crate) async fn take_away_stale(&self, draft: &Draft, form: Option<&FormRecord>) -> Result<(), Failure> {
        if !draft.state.is_editable() {
            return Ok(());
        }
        let attachments = self.attachments(draft.id).await?;
        let stale = |held: &Attachment| self.form_of(held).is_some_and(|of| form.is_none_or(|form| form.sha256 != of));
        let stale: Vec<_> = attachments.into_iter().filter(stale).collect();
        if stale.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = stale.iter().map(|held| held.id).collect();
        self.with_cache(move |cache| ids.into_iter().try_for_each(|id| cache.delete_attachment(id))).await?;
        self.let_go(stale).await;
        Ok(())
    }

    /// Seals the signed forms of an earlier version of the program, which lie there in plain. A kill in between leaves the
    /// plain one to the next start, or to the sweep.
    pub(crate) async fn seal_plain_forms(&self) {
        let _sweeping = self.inner.signed_forms.lock().await;
        if self.opened().await.is_err() {
            return;
        }
        let folder = self.own_files();
        let sealed = self.with_cache(move |cache| {
            for held in cache.attachments_in(&folder)?.into_iter().filter(|held| held.key.is_none()) {
                let path = held.path.with_extension(&SEALED[1..]);
                // What a kill left of an earlier try.
                let _ = fs::remove_file(&path);
                let sealed = fs::read(&held.path).and_then(|plain| write_sealed(&path, &plain));
                let Ok(key) = sealed else {
                    tracing::warn!("a signed form of before was not sealed");
                    continue;
                };
                cache.update_attachment(held.id, |row| (row.path, row.key) = (path, Some(key)))?;
                certdesk_cache::wipe(&held.path)?;
            }
            Ok(())
        });
        if let Err(failure) = sealed.await {
            tracing::warn!(code = ?failure.code, "signed forms of before not sealed");
        }
    }

    /// Removes signed forms that nothing names any more.
    pub(crate) async fn sweep_signed_forms(&self) {
        let _sweeping = self.inner.signed_forms.lock().await;
        // Only what belongs to the cache that is open: of any other, nobody here knows what is still named.
        if let Err(failure) = self.opened().await {
            tracing::warn!(code = ?failure.code, "signed forms not swept");
            return;
        }
        let listed = self.own_files();
        let there = tokio::task::spawn_blocking(move || list(&listed)).await.unwrap_or_default();
        if there.is_empty() {
            return;
        }
        let swept = self.with_cache(move |cache| {
            let used = cache.open_paths()?;
            // One that cannot be removed now is removed by the next sweep.
            there.iter().filter(|path| !used.contains(path.as_path())).for_each(|path| drop(remove(path)));
            Ok(())
        });
        if let Err(failure) = swept.await {
            tracing::warn!(code = ?failure.code, "signed forms not swept");
        }
    }

    /// Files that are no attachments any more: their uploads end, and what is ours of them goes.
    async fn let_go(&self, gone: Vec<Attachment>) {
        gone.iter().for_each(|held| self.inner.uploads.stop(held.id));
        self.sweep_signed_forms().await;
        let uploads: Vec<_> = gone.into_iter().filter_map(|held| held.upload).collect();
        let controller = self.clone();
        // Nobody waits for the service to hear of it; it gives up by itself what nobody hands in.
        tokio::spawn(async move {
            let Ok(portal) = controller.portal() else { return };
            for upload in uploads {
                if let Err(failure) = portal.terminate(upload).await.map_err(Failure::from) {
                    tracing::info!(code = ?failure.code, "upload not terminated");
                }
            }
        });
    }

    /// SHA-256 of the form that a signed form of ours signs; `None` for any other file.
    fn form_of<'a>(&self, held: &'a Attachment) -> Option<&'a str> {
        let name = held.path.strip_prefix(self.own_files()).ok()?.to_str()?;
        name.split_once('-').map(|(form, _)| form)
    }
}

impl From<SignatureError> for Failure {
    fn from(error: SignatureError) -> Self {
        match error {
            // The token signed with another key, or wrongly.
            SignatureError::Pki(certdesk_pki::PkiError::BadSignature) => LocalCode::ProofFailed.into(),
            other => internal(other),
        }
    }
}

/// Ending of a sealed file.
const SEALED: &str = ".sealed";

fn write_sealed(path: &Path, bytes: &[u8]) -> io::Result<FileKey> {
    if let Some(folder) = path.parent() {
        crate::private_folder(folder)?;
    }
    let key = FileKey::random();
    certdesk_cache::seal(path, &key, bytes).map(|_| key)
}

/// A sealed file lost its key with its row; a plain one is overwritten.
fn remove(path: &Path) -> Result<(), CacheError> {
    let sealed = certdesk_cache::is_sealed(path).unwrap_or(false);
    if sealed && fs::remove_file(path).is_ok() { Ok(()) } else { certdesk_cache::wipe(path) }
}

fn list(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.flatten().map(|entry| entry.path()).collect()
}

fn display_name(business: Business, locale: Locale) -> String {
    match (locale, business) {
        (Locale::En, business) => format!("application-form-{}-signed.pdf", business.name()),
        (_, Business::Change) => "数字证书变更申请表（已签名）.pdf".to_owned(),
        (_, Business::Renew) => "数字证书续订申请表（已签名）.pdf".to_owned(),
        (_, Business::Revoke) => "数字证书注销申请表（已签名）.pdf".to_owned(),
        (_, Business::Replace) => "数字证书补办申请表（已签名）.pdf".to_owned(),
        (_, Business::New) => "数字证书业务申请表（已签名）.pdf".to_owned(),
    }
}
