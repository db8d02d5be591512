//! 服务申办向导: the draft, the form, the files, and handing in.
//!
//! A draft lives in the cache from its first moment; every change is on disk before it is answered, so closing the
//! window or a power cut brings it back as it was.

use std::path::{Path, PathBuf};

use certdesk_cache::{Attachment, AttachmentPhase, Draft, DraftSync, FormRecord};
use certdesk_contract::{
    Problem, ProblemCode,
    account::ConsentSubject,
    application::{
        Application, ApplicationDraft, AttachmentRecord, DraftContent, RemarkTarget, Submission, SubmittedAttachment,
    },
    catalogue::{Catalogue, Offer, Requirement, Text},
};
use certdesk_domain::{
    Business, Fault, FileKind, RequirementId, State, Timestamp, check,
    form::{FieldFault, FieldName, Handler, Particulars, Registration},
};
use certdesk_forms::{FormCertificate, FormChange, FormData};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    Controller,
    acts::Unlocked,
    failure::{Failure, FailureCode, LocalCode},
    fields,
    file_facts::{self, FileFacts},
    picker::{OpenQuestion, SaveQuestion},
    view::{
        AttachmentView, ChangeField, DraftSummary, DraftView, FieldConflict, FormView, Locale, ReceiptView,
        RequirementView, Step, UploadState,
    },
};

/// Pictures and PDFs up to this size are shown in the window, bytes.
const MOST_PREVIEW_BYTES: u64 = 32 * 1024 * 1024;

impl Controller {
    /// Opens the draft of this business, about this certificate where it is about one; a new one if there is none. What
    /// is known of the applicant is filled in.
    ///
    /// # Errors
    /// `renewal_not_open` and `certificate_busy` as the service would say them.
    pub async fn start_application(
        &self,
        business: Business,
        certificate: Option<String>,
    ) -> Result<DraftView, Failure> {
        let session = self.session_view()?;
        if !session.account.businesses.contains(&business) || business.needs_certificate() != certificate.is_some() {
            return Err(LocalCode::BadCommand.into());
        }
        let account = session.account.name.clone();
        let (owner, serial) = (account.clone(), certificate.clone());
        let known = self.with_cache(move |cache| cache.open_draft(&owner, business, serial.as_deref())).await?;
        if let Some(known) = known {
            self.inner.sync.look_at(known.id);
            return self.draft_view(known).await;
        }
        if let Some(serial) = &certificate {
            self.check_can_begin(business, serial).await?;
        }
        // It may have been begun on another computer.
        if self.state().service.reachable != Some(false)
            && let Err(failure) = self.applications().await
        {
            tracing::info!(code = ?failure.code, "drafts of other computers not asked for");
        }
        let handler = self.prefilled(&session.account.registration).await?;
        let draft = self
            .with_cache(move |cache| {
                if let Some(open) = cache.open_draft(&account, business, certificate.as_deref())? {
                    return Ok(open);
                }
                let mut draft =
                    Draft::new(Uuid::now_v7(), account, business, Step::Handler.as_str(), Timestamp::now_utc());
                draft.handler = handler;
                draft.particulars.certificate = certificate;
                // Until something is typed there is nothing to tell the service.
                draft.sync.base = Some(content(&draft));
                cache.create_draft(&draft)?;
                Ok(draft)
            })
            .await?;
        self.draft_view(draft).await
    }

    /// A draft as it stands.
    pub async fn draft(&self, id: Uuid) -> Result<DraftView, Failure> {
        let draft = self.own_draft(id).await?;
        self.draft_view(draft).await
    }

    /// Saves one field: of step 1, `change.<field>` of 变更 (nothing, or what it is already, takes the change back), or
    /// `reason` of 注销. On disk when answered; the service hears of it by itself.
    ///
    /// # Errors
    /// `draft_gone` for a draft whose case has moved on.
    pub async fn save_field(&self, id: Uuid, field: String, value: String) -> Result<DraftView, Failure> {
        let draft = self.editable_draft(id).await?;
        let registration = self.session_view()?.account.registration;
        let catalogue = self.catalogue().await?;
        let editable = editable_fields(&draft, offer(&catalogue, draft.business, &registration)?, &registration);
        if !editable.contains(&field) {
            return Err(LocalCode::BadCommand.into());
        }
        let change = move |draft: &mut Draft| {
            let mut typed = content(draft);
            let sensible = fields::type_in(&mut typed, &registration, &field, &value);
            draft
                .sync
                .conflicts
                .retain(|conflict, theirs| *conflict != field || fields::get(&typed, &field).as_ref() != Some(theirs));
            (draft.handler, draft.particulars) = (typed.handler, typed.particulars);
            sensible
        };
        let draft = self.change_draft(id, change).await?;
        self.inner.sync.wake();
        self.draft_view(draft).await
    }

    /// Remembers the step to continue with.
    pub async fn save_step(&self, id: Uuid, step: Step) -> Result<DraftView, Failure> {
        self.own_draft(id).await?;
        let draft = self
            .change_draft(id, move |draft| {
                draft.step = step.as_str().to_owned();
                true
            })
            .await?;
        self.draft_view(draft).await
    }

    /// Makes the form PDF from what was typed; the same details give the same bytes.
    pub async fn make_form(&self, id: Uuid) -> Result<DraftView, Failure> {
        let draft = self.editable_draft(id).await?;
        let session = self.session_view()?;
        let registration = session.account.registration;
        let catalogue = self.catalogue().await?;
        let faults = faults(&draft, offer(&catalogue, draft.business, &registration)?, &registration);
        if !faults.is_empty() {
            return Err(Failure { faults, ..LocalCode::FieldsIncomplete.into() });
        }
        let digest = form_digest(&draft, &registration);
        if draft.form.as_ref().is_some_and(|form| form.handler_digest == digest) {
            return self.draft_view(draft).await;
        }
        let data = self.form_data(draft, registration, &catalogue).await?;
        let made = tokio::task::spawn_blocking(move || certdesk_forms::application_form(&data));
        let made = made.await.map_err(crate::convert::internal)??;
        let record = FormRecord {
            sha256: sha256_hex(&made.bytes),
            bytes: made.bytes.len() as u64,
            pages: made.pages,
            handler_digest: digest,
        };
        self.with_cache(move |cache| cache.put_form(id, Timestamp::now_utc(), record, &made.bytes)).await?;
        self.draft(id).await
    }

    /// What the form shows of a draft.
    async fn form_data(
        &self,
        draft: Draft,
        registration: Registration,
        catalogue: &Catalogue,
    ) -> Result<FormData, Failure> {
        let offer = offer(catalogue, draft.business, &registration)?;
        let known = self.certificate_of(&draft.particulars).await?;
        let changes = fields::changeable(offer, &registration).filter_map(|field| {
            let (old, new) = (registration.get(field)?, draft.particulars.changes.get(field)?.clone());
            Some(FormChange { field: field.clone(), old, new })
        });
        let reason = offer.reasons.iter().find(|choice| Some(choice.reason) == draft.particulars.reason);
        Ok(FormData {
            business: draft.business,
            account: registration.kind,
            certificate: draft.particulars.certificate.clone().map(|serial| FormCertificate {
                serial,
                valid_until: known.map(|known| known.not_after.to_offset(BEIJING).date()),
            }),
            changes: changes.collect(),
            reason: reason.map(|choice| choice.text.zh.clone()),
            key_signature: self.signed_by_key(offer).is_some(),
            unit_name: registration.organisation.as_ref().map(|unit| unit.name.clone()),
            legal_representative: registration.organisation.map(|unit| unit.legal_representative.name),
            handler: draft.handler,
            ca_name: catalogue.ca_name.clone(),
            reference: short(draft.id),
            date: Timestamp::now_utc().to_offset(BEIJING).date(),
        })
    }

    /// Bytes of the form PDF, with the key's signature once it was signed.
    pub async fn form_pdf(&self, id: Uuid) -> Result<Vec<u8>, Failure> {
        match self.signed_form(id).await? {
            Some(signed) => Ok(signed),
            None => self.made_form(id).await,
        }
    }

    /// Bytes of the form as it was made.
    pub(crate) async fn made_form(&self, id: Uuid) -> Result<Vec<u8>, Failure> {
        self.own_draft(id).await?;
        let bytes = self.with_cache(move |cache| cache.form(id)).await?;
        Ok(bytes.ok_or(LocalCode::FormNotMade)?)
    }

    /// Saves a copy of the form where the person says. `None`: cancelled. Else the file's name.
    pub async fn save_form_copy(&self, id: Uuid) -> Result<Option<String>, Failure> {
        let bytes = self.form_pdf(id).await?;
        let (title, file_name) = match self.state().settings.locale {
            Locale::ZhCn => ("保存申请表副本", "数字证书业务申请表.pdf"),
            Locale::En => ("Save a copy of the form", "application-form.pdf"),
        };
        self.save_file(SaveQuestion { title: title.to_owned(), file_name: file_name.to_owned() }, bytes).await
    }

    /// Writes a file where the person says. `None`: cancelled. Else its name.
    pub(crate) async fn save_file(&self, question: SaveQuestion, bytes: Vec<u8>) -> Result<Option<String>, Failure> {
        let Some(path) = self.inner.options.picker.save(question).await? else { return Ok(None) };
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let write = move || std::fs::write(&path, bytes);
        tokio::task::spawn_blocking(write).await.map_err(crate::convert::internal)?.map_err(|error| {
            let code = match error.kind() {
                std::io::ErrorKind::StorageFull => LocalCode::DiskFull,
                _ => LocalCode::StorageFailed,
            };
            Failure::new(code).with_detail(error.kind().to_string())
        })?;
        Ok(Some(name))
    }

    /// Throws a draft away, its uploads too. A case that was handed in cannot be thrown away like this.
    pub async fn discard_draft(&self, id: Uuid) -> Result<(), Failure> {
        let draft = self.own_draft(id).await?;
        if draft.state != State::Draft {
            return Err(LocalCode::BadCommand.into());
        }
        let attachments = self.attachments(id).await?;
        self.note_discarded(id).await?;
        self.with_cache(move |cache| cache.delete_draft(id)).await?;
        attachments.iter().for_each(|held| self.inner.uploads.stop(held.id));
        self.sweep_signed_forms().await;
        self.tell_discarded(id).await;
        Ok(())
    }

    /// Asks for files by the native dialog and adds them.
    pub async fn pick_files(&self, id: Uuid, requirement: RequirementId) -> Result<DraftView, Failure> {
        let rule = self.rule(id, &requirement).await?;
        let locale = self.state().settings.locale;
        let title = match locale {
            Locale::ZhCn => format!("选择文件：{}", rule.title.zh),
            Locale::En => format!("Choose a file: {}", rule.title.en),
        };
        let endings = rule.kinds.iter().flat_map(|kind| kind.extensions()).map(|ending| (*ending).to_owned());
        let filter = (pick(locale, &rule.title).to_owned(), endings.collect());
        let question = OpenQuestion { title, filter, many: rule.max_count > 1 };
        match self.inner.options.picker.open(question).await? {
            Some(paths) => self.add_files(id, requirement, paths).await,
            None => self.draft(id).await,
        }
    }

    /// Adds the files that were dropped on the window last.
    pub async fn add_dropped(&self, id: Uuid, requirement: RequirementId) -> Result<DraftView, Failure> {
        let paths = std::mem::take(&mut self.state().dropped);
        self.add_files(id, requirement, paths).await
    }

    /// Adds files to a requirement, checked against it; their upload begins at once.
    ///
    /// # Errors
    /// The first file that does not fit says why; those before it were added.
    pub async fn add_files(
        &self,
        id: Uuid,
        requirement: RequirementId,
        paths: Vec<PathBuf>,
    ) -> Result<DraftView, Failure> {
        let draft = self.editable_draft(id).await?;
        let rule = self.rule(id, &requirement).await?;
        if draft.editable_files.as_ref().is_some_and(|editable| !editable.contains(&requirement)) {
            return Err(LocalCode::BadCommand.into());
        }
        for path in paths {
            let held = self.attachments(id).await?.into_iter().filter(|held| held.requirement == requirement);
            if held.count() >= usize::from(rule.max_count) {
                return Err(LocalCode::TooManyFiles.into());
            }
            let attachment = examine(id, &rule, path).await?;
            self.with_cache(move |cache| cache.add_attachment(&attachment)).await?;
            self.inner.uploads.wake();
        }
        self.draft(id).await
    }

    /// Takes a file out again; what was uploaded of it is deleted at the service.
    pub async fn remove_attachment(&self, attachment: Uuid) -> Result<DraftView, Failure> {
        let held = self.own_attachment(attachment).await?;
        let draft = self.editable_draft(held.draft).await?;
        if draft.editable_files.as_ref().is_some_and(|editable| !editable.contains(&held.requirement)) {
            return Err(LocalCode::BadCommand.into());
        }
        self.with_cache(move |cache| cache.delete_attachment(attachment)).await?;
        self.inner.uploads.stop(attachment);
        self.sweep_signed_forms().await;
        // What a case handed in before refers to stays; the service deletes only what nothing refers to.
        if let Some(upload) = held.upload
            && let Err(failure) = self.portal()?.terminate(upload).await.map_err(Failure::from)
        {
            tracing::info!(code = ?failure.code, "upload not terminated");
        }
        self.draft(held.draft).await
    }

    /// Stops an upload; the file stays in the list.
    pub async fn cancel_upload(&self, attachment: Uuid) -> Result<DraftView, Failure> {
        let held = self.own_attachment(attachment).await?;
        self.with_cache(move |cache| {
            cache.update_attachment(attachment, |row| {
                // One that came to its end a moment ago stays what it is.
                if row.phase.is_unfinished() {
                    (row.phase, row.failure) = (AttachmentPhase::Cancelled, None);
                }
            })
        })
        .await?;
        self.inner.uploads.stop(attachment);
        self.draft(held.draft).await
    }

    /// Starts an upload again. A file that changed since it was picked is looked at anew.
    pub async fn retry_upload(&self, attachment: Uuid) -> Result<DraftView, Failure> {
        let held = self.own_attachment(attachment).await?;
        let rule = self.rule(held.draft, &held.requirement).await?;
        let fresh = examine(held.draft, &rule, held.path.clone()).await?;
        let same = fresh.bytes == held.bytes && fresh.modified_ns == held.modified_ns;
        // A try that is still winding down must not write over the new one.
        self.inner.uploads.stop(attachment);
        self.with_cache(move |cache| {
            cache.update_attachment(attachment, |row| {
                if !same {
                    *row = Attachment { id: row.id, ..fresh };
                }
                row.phase = AttachmentPhase::Queued;
                row.failure = None;
            })
        })
        .await?;
        self.inner.uploads.wake();
        self.draft(held.draft).await
    }

    /// Bytes of a picture or PDF to show.
    pub async fn preview(&self, attachment: Uuid) -> Result<Vec<u8>, Failure> {
        let held = self.own_attachment(attachment).await?;
        if held.kind.is_video() || held.bytes > MOST_PREVIEW_BYTES {
            return Err(LocalCode::FileTooLarge.into());
        }
        let read = move || std::fs::read(held.path);
        let bytes = tokio::task::spawn_blocking(read).await.map_err(crate::convert::internal)?;
        bytes.map_err(|error| unreadable(&error))
    }

    /// Address from which the window may play a picked video.
    pub async fn media_url(&self, attachment: Uuid) -> Result<String, Failure> {
        let held = self.own_attachment(attachment).await?;
        self.inner.media.url(held.path, held.kind.media_type()).await
    }

    /// Hands the case in. Pressed twice, killed in between, or answered into a dead line: one application.
    ///
    /// # Errors
    /// `pin_needed` in a session by key whose key is locked again, and always for 注销: ask for the PIN with the purpose
    /// `submit`.
    pub async fn submit(&self, id: Uuid, declared_true: bool) -> Result<ReceiptView, Failure> {
        self.hand_in(id, declared_true, Unlocked::Before).await
    }

    /// The same; `unlocked` tells whether the PIN was given for this very act.
    pub(crate) async fn hand_in(
        &self,
        id: Uuid,
        declared_true: bool,
        unlocked: Unlocked,
    ) -> Result<ReceiptView, Failure> {
        let view = self.draft(id).await?;
        let signer = self.session_signer().await?;
        if view.business == Business::Revoke && signer.is_some() && unlocked == Unlocked::Before {
            return Err(LocalCode::PinNeeded.into());
        }
        if !view.faults.is_empty() {
            return Err(Failure { faults: view.faults, ..LocalCode::FieldsIncomplete.into() });
        }
        // What was typed on another computer meanwhile is looked at first, or it would be lost.
        if self.pull(id).await? {
            return Err(Problem::new(ProblemCode::DraftChanged).into());
        }
        let view = self.with_form(view).await?;
        let form = match view.form {
            Some(form) => Some(form.sha256),
            None if view.steps.contains(&Step::Form) => return Err(LocalCode::FormNotMade.into()),
            None => None,
        };
        if !view.files.iter().all(|requirement| requirement.satisfied) {
            return Err(LocalCode::FilesIncomplete.into());
        }
        let consent = match view.files.is_empty() {
            true => None,
            false => Some(self.sensitive_data_consent().await?),
        };
        // Looked at once more, all in one: a file may have been added since.
        let attachments = self.attachments(id).await?.into_iter().map(|held| match held.upload {
            Some(upload) if held.phase == AttachmentPhase::Done => {
                Ok(SubmittedAttachment { requirement: held.requirement, upload })
            }
            _ => Err(LocalCode::FilesIncomplete),
        });
        let submission = Submission {
            handler: view.handler,
            particulars: view.particulars,
            form_sha256: form,
            attachments: attachments.collect::<Result<_, _>>()?,
            declared_true,
            sensitive_data_consent: consent,
        };
        let draft = self.own_draft(id).await?;
        // Named by its content and by how often the case came back: the try after a kill is the same request, the one
        // after a change is another.
        let returned = draft.base.as_ref().map_or(0, |base| base.history.len());
        let key = crate::convert::named_uuid(&(id, returned, &submission))?;
        self.open_case(&draft).await?;
        let portal = self.portal()?;
        let answer = match &signer {
            None => self.noted(portal.submit(id, &submission, key).await),
            Some(signer) => self.signed(portal.submit_signed(id, draft.business, &submission, key, signer).await),
        };
        let answer = self.consented(answer).await;
        if answer.as_ref().is_err_and(|failure| failure.code == FailureCode::Service(ProblemCode::WrongState)) {
            // Handed in elsewhere, or closed: then the draft here says so.
            self.application(id).await?;
            self.editable_draft(id).await?;
        }
        if answer.as_ref().is_err_and(|failure| failure.code == FailureCode::Service(ProblemCode::MissingAttachments)) {
            self.send_again(id).await?;
        }
        let receipt = answer?;
        self.keep_application(receipt.application.clone()).await?;
        Ok(ReceiptView { receipt })
    }

    /// A draft that lay long: the service keeps no file for ever that was not handed in. Each is looked for there, and
    /// sent again where it is gone.
    async fn send_again(&self, id: Uuid) -> Result<(), Failure> {
        for held in self.attachments(id).await?.into_iter().filter(|held| !held.path.as_os_str().is_empty()) {
            let queue = |row: &mut Attachment| row.phase = AttachmentPhase::Queued;
            self.with_cache(move |cache| cache.update_attachment(held.id, queue)).await?;
        }
        self.inner.uploads.wake();
        Ok(())
    }

    /// The view with its form. In a correction of files alone the details are what they were: the form is made again
    /// without asking, where another computer made it.
    async fn with_form(&self, view: DraftView) -> Result<DraftView, Failure> {
        let draft = self.own_draft(view.id).await?;
        let same = draft
            .base
            .as_ref()
            .is_some_and(|base| base.handler.as_ref() == Some(&draft.handler) && base.particulars == draft.particulars);
        if view.form.is_some() || !same || !view.steps.contains(&Step::Form) || !view.state.is_editable() {
            return Ok(view);
        }
        self.make_form(view.id).await
    }

    async fn sensitive_data_consent(&self) -> Result<Uuid, Failure> {
        let version = self.catalogue().await?.sensitive_data.version;
        let consent = self.consent(ConsentSubject::SensitiveData, &version).await?;
        consent.ok_or_else(|| Problem::new(ProblemCode::StaleConsent).into())
    }

    /// Settles a field that was typed differently on another computer.
    pub async fn resolve_conflict(&self, id: Uuid, field: String, mine: bool) -> Result<DraftView, Failure> {
        self.editable_draft(id).await?;
        let settle = move |draft: &mut Draft| {
            let Some(theirs) = draft.sync.conflicts.remove(&field) else { return false };
            if mine {
                return true;
            }
            let mut chosen = content(draft);
            let sensible = fields::set(&mut chosen, &field, &theirs);
            (draft.handler, draft.particulars) = (chosen.handler, chosen.particulars);
            sensible
        };
        let draft = self.change_draft(id, settle).await?;
        self.inner.sync.wake();
        self.draft_view(draft).await
    }

    /// Opens a returned case: the remarks stand where they belong, and only what they mean can be changed.
    pub async fn start_correction(&self, id: Uuid) -> Result<DraftView, Failure> {
        let application = self.application(id).await?.application;
        if application.state != State::NeedsCorrection {
            return Err(LocalCode::DraftGone.into());
        }
        let catalogue = self.catalogue().await?;
        let session = self.session_view()?;
        let offer = offer(&catalogue, application.business, &session.account.registration)?;
        let draft = correction(&session.account.name, &application, offer, &session.account.registration);
        let known = self.with_cache(move |cache| cache.draft(id)).await?;
        // A correction that was begun goes on as it was left.
        if let Some(known) = known.filter(|known| known.base.as_ref() == Some(&application)) {
            self.inner.sync.look_at(id);
            let view = self.draft_view(known).await?;
            return self.with_form(view).await;
        }
        let handed_in: Vec<_> = application.attachments.iter().map(|record| handed_in(record, id, offer)).collect();
        self.with_cache(move |cache| {
            if cache.draft(id)?.is_some() {
                cache.update_draft(id, draft.changed_at, |row| *row = Draft { form: row.form.take(), ..draft })?;
            } else {
                cache.create_draft(&draft)?;
            }
            // What was handed in is what is corrected: files of an earlier try, or replaced on another computer, go.
            let mut here = Vec::new();
            for held in cache.attachments(id)? {
                if handed_in.iter().any(|file| file.upload == held.upload) {
                    here.push(held.upload);
                } else {
                    cache.delete_attachment(held.id)?;
                }
            }
            let elsewhere = handed_in.iter().filter(|file| !here.contains(&file.upload));
            elsewhere.into_iter().try_for_each(|file| cache.add_attachment(file))
        })
        .await?;
        self.inner.sync.look_at(id);
        let view = self.draft(id).await?;
        self.with_form(view).await
    }

    /// Makes the case known at the service, so that files can be sent to it. Repeating it changes nothing.
    pub(crate) async fn open_case(&self, draft: &Draft) -> Result<(), Failure> {
        let opening = ApplicationDraft { business: draft.business, certificate: draft.particulars.certificate.clone() };
        let answer = self.portal()?.put_application(draft.id, &opening).await;
        self.noted(answer).map(drop)
    }

    /// What is known of the handler already: as in the last case, else from the registration.
    pub(crate) async fn prefilled(&self, registration: &Registration) -> Result<Handler, Failure> {
        let account = self.account_name()?;
        let cases = self.with_cache(move |cache| cache.applications(&account)).await?;
        let last = cases.into_iter().find_map(|case| case.handler);
        let fresh = prefilled(registration);
        Ok(last.map_or(fresh.clone(), |last| Handler { credit_code: fresh.credit_code, ..last }))
    }

    pub(crate) async fn draft_summaries(&self, account: String) -> Result<Vec<DraftSummary>, Failure> {
        let drafts = self.with_cache(move |cache| cache.drafts(&account)).await?;
        let editable = drafts.into_iter().filter(|draft| draft.state.is_editable());
        let summary = |draft: Draft| DraftSummary {
            id: draft.id,
            business: draft.business,
            step: step(&draft),
            changed_at: draft.changed_at,
        };
        Ok(editable.map(summary).collect())
    }

    pub(crate) async fn attachments(&self, draft: Uuid) -> Result<Vec<Attachment>, Failure> {
        self.with_cache(move |cache| cache.attachments(draft)).await
    }

    async fn own_attachment(&self, id: Uuid) -> Result<Attachment, Failure> {
        let held = self.with_cache(move |cache| cache.attachment(id)).await?.ok_or(LocalCode::Gone)?;
        self.own_draft(held.draft).await?;
        Ok(held)
    }

    /// A draft of the account that is logged in. Another's is not there.
    pub(crate) async fn own_draft(&self, id: Uuid) -> Result<Draft, Failure> {
        let account = self.account_name()?;
        let draft = self.with_cache(move |cache| cache.draft(id)).await?;
        Ok(draft.filter(|draft| draft.account == account).ok_or(LocalCode::DraftGone)?)
    }

    /// The same, while it may be changed: not once it is handed in.
    async fn editable_draft(&self, id: Uuid) -> Result<Draft, Failure> {
        let draft = self.own_draft(id).await?;
        if draft.state.is_editable() { Ok(draft) } else { Err(LocalCode::DraftGone.into()) }
    }

    /// Changes a draft on disk while it may be changed; `change` answers whether the change made sense.
    async fn change_draft<F>(&self, id: Uuid, change: F) -> Result<Draft, Failure>
    where
        F: FnOnce(&mut Draft) -> bool + Send + 'static,
    {
        let (draft, sensible) = self
            .with_cache(move |cache| {
                let mut sensible = true;
                let draft = cache.update_draft(id, Timestamp::now_utc(), |draft| {
                    sensible = draft.state.is_editable() && change(draft);
                })?;
                Ok((draft, sensible))
            })
            .await?;
        match sensible {
            true => Ok(draft),
            false if draft.state.is_editable() => Err(LocalCode::BadCommand.into()),
            false => Err(LocalCode::DraftGone.into()),
        }
    }

    async fn rule(&self, draft: Uuid, requirement: &RequirementId) -> Result<Requirement, Failure> {
        let draft = self.own_draft(draft).await?;
        let catalogue = self.catalogue().await?;
        let session = self.session_view()?;
        let offer = offer(&catalogue, draft.business, &session.account.registration)?;
        let rule = offer.requirements.iter().find(|rule| &rule.id == requirement);
        Ok(rule.cloned().ok_or(LocalCode::BadCommand)?)
    }

    async fn draft_view(&self, draft: Draft) -> Result<DraftView, Failure> {
        let session = self.session_view()?;
        let registration = &session.account.registration;
        let catalogue = self.catalogue().await?;
        let offer = offer(&catalogue, draft.business, registration)?;
        let digest = form_digest(&draft, registration);
        let form = draft.form.as_ref().filter(|form| form.handler_digest == digest);
        self.take_away_stale(&draft, form).await?;
        let attachments = self.attachments(draft.id).await?;
        let form_signing = self.form_signing(offer, form, &attachments);
        let form = form.map(|form| FormView { sha256: form.sha256.clone(), bytes: form.bytes, pages: form.pages });
        let version = catalogue.sensitive_data.version.clone();
        let sensitive_data_accepted = self.consent(ConsentSubject::SensitiveData, &version).await?.is_some();
        let requirement_view = |rule: &Requirement| {
            let mine: Vec<_> = attachments.iter().filter(|held| held.requirement == rule.id).collect();
            let done = mine.iter().filter(|held| held.phase == AttachmentPhase::Done).count();
            RequirementView {
                requirement: rule.clone(),
                satisfied: done == mine.len() && done >= usize::from(rule.min_count),
                editable: draft.editable_files.as_ref().is_none_or(|editable| editable.contains(&rule.id)),
                attachments: mine.into_iter().map(attachment_view).collect(),
            }
        };
        let script = offer.requirements.iter().find_map(|rule| rule.video.as_ref()).map(|video| &video.script);
        Ok(DraftView {
            id: draft.id,
            business: draft.business,
            state: draft.state,
            step: step(&draft),
            faults: faults(&draft, offer, registration),
            form,
            files: offer.requirements.iter().map(requirement_view).collect(),
            editable_fields: editable_fields(&draft, offer, registration),
            sensitive_data_accepted,
            video_script: script.map(|script| spoken(script, registration, &draft.handler)),
            change_fields: change_fields(offer, registration),
            certificate: self.certificate_of(&draft.particulars).await?,
            steps: steps(&draft, offer, registration),
            form_signing,
            conflicts: conflicts(&draft),
            particulars: draft.particulars,
            handler: draft.handler,
            remarks: draft.remarks,
            saved_at: draft.changed_at,
        })
    }
}

impl Step {
    const ALL: [Self; 4] = [Self::Handler, Self::Form, Self::Files, Self::Submit];

    /// Its name on disk.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Handler => "handler",
            Self::Form => "form",
            Self::Files => "files",
            Self::Submit => "submit",
        }
    }
}

/// What was typed.
pub(crate) fn content(draft: &Draft) -> DraftContent {
    DraftContent { handler: draft.handler.clone(), particulars: draft.particulars.clone() }
}

/// Fields that may be changed: in a draft all that the service asks for now, in a correction the remarked ones.
fn editable_fields(draft: &Draft, offer: &Offer, registration: &Registration) -> Vec<FieldName> {
    match draft.state {
        State::Draft => fields::of_offer(offer, registration),
        State::NeedsCorrection => draft.editable_fields.clone(),
        _ => Vec::new(),
    }
}

/// What is not right yet, in the order of the pages.
fn faults(draft: &Draft, offer: &Offer, registration: &Registration) -> Vec<FieldFault> {
    let mut faults = check::handler(&draft.handler, registration.kind);
    let (particulars, fields) = (&draft.particulars, &offer.change_fields);
    let reasons: Vec<_> = offer.reasons.iter().map(|choice| choice.reason).collect();
    faults.extend(check::particulars(particulars, draft.business, fields, &reasons, registration));
    let unsettled =
        draft.sync.conflicts.keys().map(|field| FieldFault { field: field.clone(), fault: Fault::TwoValues });
    faults.extend(unsettled);
    faults
}

fn conflicts(draft: &Draft) -> Vec<FieldConflict> {
    let typed = content(draft);
    let conflict = |(field, theirs): (&FieldName, &String)| FieldConflict {
        field: field.clone(),
        mine: fields::get(&typed, field).unwrap_or_default(),
        theirs: theirs.clone(),
    };
    draft.sync.conflicts.iter().map(conflict).collect()
}

fn change_fields(offer: &Offer, registration: &Registration) -> Vec<ChangeField> {
    let field = |field: &FieldName| Some(ChangeField { field: field.clone(), now: registration.get(field)? });
    fields::changeable(offer, registration).filter_map(field).collect()
}

/// The steps there is something to do in. Who gives a certificate up has only to say why, as long as what is known of
/// the handler is right.
fn steps(draft: &Draft, offer: &Offer, registration: &Registration) -> Vec<Step> {
    let handler_known = check::handler(&draft.handler, registration.kind).is_empty();
    let has = |step: &Step| match step {
        Step::Handler => draft.business != Business::Revoke || !handler_known,
        Step::Form => offer.form().is_some(),
        Step::Files => !offer.requirements.is_empty(),
        Step::Submit => true,
    };
    Step::ALL.into_iter().filter(has).collect()
}

pub(crate) fn attachment_view(held: &Attachment) -> AttachmentView {
    AttachmentView {
        id: held.id,
        requirement: held.requirement.clone(),
        name: held.name.clone(),
        kind: held.kind,
        bytes: held.bytes,
        pixels: held.pixels,
        duration_ms: held.duration_ms,
        on_this_computer: !held.path.as_os_str().is_empty(),
        upload: upload_state(held),
    }
}

pub(crate) fn upload_state(held: &Attachment) -> UploadState {
    let failure = || {
        let kept = held.failure.clone().and_then(|failure| serde_json::from_value(failure).ok());
        kept.unwrap_or_else(|| Failure::new(LocalCode::Internal))
    };
    match held.phase {
        AttachmentPhase::Queued => UploadState::Queued,
        AttachmentPhase::Hashing => UploadState::Hashing { done: 0 },
        AttachmentPhase::Sending => UploadState::Sending { done: held.sent },
        AttachmentPhase::Waiting => UploadState::Waiting { failure: failure() },
        AttachmentPhase::Done => UploadState::Done,
        AttachmentPhase::Failed => UploadState::Failed { failure: failure() },
        AttachmentPhase::Cancelled => UploadState::Cancelled,
    }
}

const BEIJING: time::UtcOffset = match time::UtcOffset::from_hms(8, 0, 0) {
    Ok(offset) => offset,
    Err(_) => time::UtcOffset::UTC,
};

fn step(draft: &Draft) -> Step {
    Step::ALL.into_iter().find(|step| step.as_str() == draft.step).unwrap_or(Step::Handler)
}

fn pick(locale: Locale, text: &Text) -> &str {
    match locale {
        Locale::ZhCn => &text.zh,
        Locale::En => &text.en,
    }
}

fn offer<'a>(catalogue: &'a Catalogue, business: Business, who: &Registration) -> Result<&'a Offer, Failure> {
    Ok(catalogue.offer(business, who.kind).ok_or(LocalCode::BadCommand)?)
}

/// The end of a case's id, random and short enough to read out, for the paper form.
fn short(id: Uuid) -> String {
    let id = id.simple().to_string();
    id[id.len() - 8..].to_uppercase()
}

/// What registration knows of the handler already.
fn prefilled(registration: &Registration) -> Handler {
    Handler {
        credit_code: registration.organisation.as_ref().map(|unit| unit.credit_code.clone()).unwrap_or_default(),
        address: registration.address.clone(),
        person: registration.contact.clone(),
        phone: registration.phone.clone(),
        email: registration.email.clone(),
    }
}

/// The draft of a returned case.
fn correction(account: &str, application: &Application, offer: &Offer, registration: &Registration) -> Draft {
    let whole = application.remarks.iter().any(|remark| remark.target == RemarkTarget::Case);
    let mut fields: Vec<FieldName> = Vec::new();
    let mut files: Vec<RequirementId> = Vec::new();
    for remark in &application.remarks {
        match &remark.target {
            RemarkTarget::Field(field) => fields.push(field.clone()),
            RemarkTarget::Files(requirement) => files.push(requirement.clone()),
            RemarkTarget::Case => {}
        }
    }
    if whole {
        fields = fields::of_offer(offer, registration);
    }
    if !fields.is_empty() {
        // Another detail makes another form, and with it another stamped copy.
        files.extend(offer.requirements.iter().filter(|rule| rule.is_form).map(|rule| rule.id.clone()));
    }
    let step = if fields.is_empty() { Step::Files } else { Step::Handler };
    Draft {
        state: State::NeedsCorrection,
        handler: application.handler.clone().unwrap_or_default(),
        particulars: application.particulars.clone(),
        remarks: application.remarks.clone(),
        editable_fields: fields,
        editable_files: (!whole).then_some(files),
        base: Some(application.clone()),
        sync: DraftSync { base: Some(handed_in_last(application)), ..DraftSync::default() },
        ..Draft::new(application.id, account, application.business, step.as_str(), Timestamp::now_utc())
    }
}

/// What the applicant wrote, as it was handed in last.
fn handed_in_last(application: &Application) -> DraftContent {
    DraftContent {
        handler: application.handler.clone().unwrap_or_default(),
        particulars: application.particulars.clone(),
    }
}

/// A file that was handed in, where it is not known here: it lies at the service, handed in from another computer.
fn handed_in(record: &AttachmentRecord, draft: Uuid, offer: &Offer) -> Attachment {
    let rule = offer.requirements.iter().find(|rule| rule.id == record.requirement);
    Attachment {
        id: Uuid::now_v7(),
        draft,
        requirement: record.requirement.clone(),
        path: PathBuf::new(),
        name: record.file_name.clone(),
        kind: kind_by_name(&record.file_name, rule.map_or(&[], |rule| &rule.kinds)),
        bytes: record.bytes,
        modified_ns: 0,
        sha256: Some(record.sha256.clone()),
        pixels: None,
        duration_ms: None,
        upload: Some(record.upload),
        sent: record.bytes,
        phase: AttachmentPhase::Done,
        failure: None,
    }
}

/// The kind of a file of which only the name is here: the service took it, so it is one of the kinds asked for.
fn kind_by_name(name: &str, asked: &[FileKind]) -> FileKind {
    let ending = name.rsplit('.').next().unwrap_or_default().to_lowercase();
    let named = asked.iter().find(|kind| kind.extensions().contains(&ending.as_str()));
    named.or(asked.first()).copied().unwrap_or(FileKind::Pdf)
}

/// The script with names filled in, as it is to be read aloud.
fn spoken(script: &Text, registration: &Registration, handler: &Handler) -> Text {
    let unit = registration.organisation.as_ref().map_or(&registration.contact.name, |unit| &unit.name);
    let date = Timestamp::now_utc().to_offset(BEIJING).date();
    let fill = |text: &str, date: String| {
        text.replace("{unit}", unit).replace("{handler}", &handler.person.name).replace("{date}", &date)
    };
    Text {
        zh: fill(&script.zh, format!("{}年{}月{}日", date.year(), u8::from(date.month()), date.day())),
        en: fill(&script.en, date.to_string()),
    }
}

/// Names everything the form shows, so that a form is known to be out of date. A case about nothing in particular is
/// named as it always was: forms of earlier versions of the program stay true.
fn form_digest(draft: &Draft, registration: &Registration) -> String {
    let shown = match &draft.particulars {
        nothing if *nothing == Particulars::default() => serde_json::to_vec(&(&draft.handler, registration)),
        particulars => serde_json::to_vec(&(&draft.handler, registration, particulars)),
    };
    sha256_hex(&shown.unwrap_or_default())
}

pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Looks at a picked file and compares it with its rule.
pub(crate) async fn examine(draft: Uuid, rule: &Requirement, path: PathBuf) -> Result<Attachment, Failure> {
    let looked_at = path.clone();
    let facts = tokio::task::spawn_blocking(move || file_facts::facts(&looked_at));
    let facts = facts.await.map_err(crate::convert::internal)?.map_err(|error| unreadable(&error))?;
    let kind = fits(rule, &facts)?;
    Ok(Attachment {
        id: Uuid::now_v7(),
        draft,
        requirement: rule.id.clone(),
        name: display_name(&path),
        path,
        kind,
        bytes: facts.bytes,
        modified_ns: facts.modified_ns,
        sha256: None,
        pixels: facts.pixels,
        duration_ms: facts.duration_ms,
        upload: None,
        sent: 0,
        phase: AttachmentPhase::Queued,
        failure: None,
    })
}

fn fits(rule: &Requirement, facts: &FileFacts) -> Result<FileKind, LocalCode> {
    if facts.bytes == 0 {
        return Err(LocalCode::FileEmpty);
    }
    let kind = facts.kind.filter(|kind| rule.kinds.contains(kind)).ok_or(LocalCode::FileWrongKind)?;
    if facts.bytes > rule.max_bytes {
        return Err(LocalCode::FileTooLarge);
    }
    // A length that cannot be read is no reason to refuse: the reviewer sees the video.
    if let (Some(video), Some(length)) = (&rule.video, facts.duration_ms) {
        if length < u64::from(video.min_seconds) * 1000 {
            return Err(LocalCode::VideoTooShort);
        }
        // A player's rounding must not refuse a video of exactly the longest length.
        if length >= u64::from(video.max_seconds + 1) * 1000 {
            return Err(LocalCode::VideoTooLong);
        }
    }
    Ok(kind)
}

fn unreadable(error: &std::io::Error) -> Failure {
    let code = match error.kind() {
        std::io::ErrorKind::NotFound => LocalCode::FileGone,
        _ => LocalCode::FileUnreadable,
    };
    Failure::new(code).with_detail(error.kind().to_string())
}

fn display_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_at_the_service_is_of_the_kind_its_name_says_among_those_asked_for() {
        let pictures = [FileKind::Pdf, FileKind::Jpeg];
        assert_eq!(kind_by_name("营业执照.JPG", &pictures), FileKind::Jpeg, "endings of cameras count too");
        assert_eq!(kind_by_name("承诺.mov", &[FileKind::Mp4]), FileKind::Mp4, "a video by another of its endings");
        assert_eq!(kind_by_name("扫描件", &[FileKind::Png]), FileKind::Png, "no ending: what was asked for");
        assert_eq!(kind_by_name("照片.png", &[FileKind::Mp4]), FileKind::Mp4, "never a kind the service refuses");
    }
}
