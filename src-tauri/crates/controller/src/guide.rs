//! 服务申办向导: the draft, the form, and handing in. Its files: `files`.
//!
//! A draft lives in the cache from its first moment; every change is on disk before it is answered, so closing the
//! window or a power cut brings it back as it was.

use certdesk_cache::{Attachment, AttachmentPhase, Draft, DraftSync, FormRecord, Outgoing, OutgoingAct};
use certdesk_contract::{
    Problem, ProblemCode,
    account::ConsentSubject,
    application::{Application, ApplicationDraft, DraftContent, RemarkTarget, Submission, SubmittedAttachment},
    catalogue::{Catalogue, Offer, Requirement, Text},
};
use certdesk_domain::{
    Business, CHINA, Fault, RequirementId, State, Timestamp, check,
    form::{FieldFault, FieldName, Handler, Particulars, Registration},
};
use certdesk_forms::{FormCertificate, FormChange, FormData};
use uuid::Uuid;

use crate::{
    Controller,
    acts::Unlocked,
    convert::{internal, not_written, sha256_hex},
    failure::{Failure, LocalCode},
    fields,
    files::{attachment_view, handed_in},
    outbox::submission_key,
    picker::SaveQuestion,
    view::{ChangeField, DraftSummary, DraftView, FieldConflict, FormView, Locale, ReceiptView, RequirementView, Step},
};

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
            && let Err(failure) = Box::pin(self.refresh_applications()).await
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
            if draft.queued {
                return false;
            }
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
                // Looked at while it is queued, it stays at its last step.
                if !draft.queued {
                    draft.step = step.as_str().to_owned();
                }
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
        let made = made.await.map_err(internal)??;
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
                valid_until: known.map(|known| known.not_after.to_offset(CHINA).date()),
            }),
            changes: changes.collect(),
            reason: reason.map(|choice| choice.text.zh.clone()),
            key_signature: self.signed_by_key(offer).is_some(),
            unit_name: registration.organisation.as_ref().map(|unit| unit.name.clone()),
            legal_representative: registration.organisation.map(|unit| unit.legal_representative.name),
            handler: draft.handler,
            ca_name: catalogue.ca_name.clone(),
            reference: short(draft.id),
            date: Timestamp::now_utc().to_offset(CHINA).date(),
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
        tokio::task::spawn_blocking(write).await.map_err(internal)?.map_err(not_written)?;
        Ok(Some(name))
    }

    /// Throws a draft away, its uploads too. A case that was handed in cannot be thrown away like this.
    pub async fn discard_draft(&self, id: Uuid) -> Result<(), Failure> {
        let draft = self.own_draft(id).await?;
        if draft.state != State::Draft {
            return Err(LocalCode::BadCommand.into());
        }
        let _alone = self.inner.outbox.case(id).await;
        let attachments = self.attachments(id).await?;
        // The case's own name: thrown away twice it is one act.
        let outgoing = Outgoing::new(id, draft.account, id, OutgoingAct::Discard, Timestamp::now_utc());
        self.with_cache(move |cache| cache.discard_draft(&outgoing)).await?;
        attachments.iter().for_each(|held| self.inner.uploads.stop(held.id));
        self.sweep_signed_forms().await;
        self.inner.outbox.wake();
        Ok(())
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
        let _alone = self.inner.outbox.case(id).await;
        let receipt = self.hand_in_alone(id, declared_true, unlocked, None).await?;
        // Where it was queued, it need not go by itself any more.
        self.with_cache(move |cache| cache.take_back_submission(id, Timestamp::now_utc())).await?;
        Ok(receipt)
    }

    /// The same, by whoever works on the case alone. `declared`: the name of what was declared, where that was before.
    ///
    /// # Errors
    /// `draft_changed` where it is something else now.
    pub(crate) async fn hand_in_alone(
        &self,
        id: Uuid,
        declared_true: bool,
        unlocked: Unlocked,
        declared: Option<Uuid>,
    ) -> Result<ReceiptView, Failure> {
        self.need_login()?;
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
        let view = self.submittable(id).await?;
        let form = view.form.map(|form| form.sha256);
        if !view.files.iter().all(|requirement| requirement.satisfied) {
            return Err(LocalCode::FilesIncomplete.into());
        }
        let consent = match view.files.is_empty() {
            true => None,
            false => Some(self.sensitive_data_consent().await?),
        };
        // Looked at once more, all in one: a file may have been added since.
        let held = self.attachments(id).await?;
        let draft = self.own_draft(id).await?;
        let key = submission_key(&draft, form.as_deref(), &held)?;
        if declared.is_some_and(|declared| declared != key) {
            return Err(Problem::new(ProblemCode::DraftChanged).into());
        }
        let attachments = held.into_iter().map(|held| match held.upload {
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
        self.open_case(&draft).await?;
        let portal = self.portal()?;
        let answer = match &signer {
            None => self.noted(portal.submit(id, &submission, key).await),
            Some(signer) => self.signed(portal.submit_signed(id, draft.business, &submission, key, signer).await),
        };
        let answer = self.consented(answer).await;
        let said = |code| answer.as_ref().is_err_and(|failure: &Failure| failure.is_said(code));
        if said(ProblemCode::WrongState) || said(ProblemCode::IdempotencyMismatch) {
            // Handed in before, or elsewhere, or closed: then the draft here says so.
            self.application(id).await?;
            if !self.own_draft(id).await?.state.is_editable() {
                return Err(LocalCode::DraftGone.into());
            }
        }
        if answer.as_ref().is_err_and(|failure| failure.is_said(ProblemCode::MissingAttachments)) {
            self.send_again(id).await?;
        }
        let receipt = answer?;
        self.keep_application(receipt.application.clone()).await?;
        Ok(ReceiptView { receipt })
    }

    /// A draft that says all that it must, its files aside; made anew is the form that needs nobody's look.
    pub(crate) async fn submittable(&self, id: Uuid) -> Result<DraftView, Failure> {
        if self.queued_withdrawal(id).await?.is_some() {
            return Err(LocalCode::WithdrawalQueued.into());
        }
        let view = self.draft(id).await?;
        if !view.faults.is_empty() {
            return Err(Failure { faults: view.faults, ..LocalCode::FieldsIncomplete.into() });
        }
        let view = self.with_form(view).await?;
        if view.form.is_none() && view.steps.contains(&Step::Form) {
            return Err(LocalCode::FormNotMade.into());
        }
        Ok(view)
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

    pub(crate) async fn sensitive_data_consent(&self) -> Result<Uuid, Failure> {
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
        // A correction that was begun goes on as it was left; one that is queued is taken back first.
        if let Some(known) = known.filter(|known| known.queued || known.base.as_ref() == Some(&application)) {
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
        let mut summaries = Vec::new();
        for draft in drafts.into_iter().filter(|draft| draft.state.is_editable() || draft.queued) {
            summaries.push(DraftSummary {
                id: draft.id,
                business: draft.business,
                correction: draft.state == State::NeedsCorrection,
                step: step(&draft),
                changed_at: draft.changed_at,
                queued: self.queued(&draft).await?,
            });
        }
        Ok(summaries)
    }

    /// A draft of the account that is logged in. Another's is not there.
    pub(crate) async fn own_draft(&self, id: Uuid) -> Result<Draft, Failure> {
        let account = self.account_name()?;
        let draft = self.with_cache(move |cache| cache.draft(id)).await?;
        Ok(draft.filter(|draft| draft.account == account).ok_or(LocalCode::DraftGone)?)
    }

    /// The same, while it may be changed: not once it is handed in, nor while that is queued.
    pub(crate) async fn editable_draft(&self, id: Uuid) -> Result<Draft, Failure> {
        let mut draft = self.own_draft(id).await?;
        if draft.queued && self.queued(&draft).await?.is_none() {
            // Of a damaged cache the draft was saved and its submission was not.
            self.with_cache(move |cache| cache.take_back_submission(id, Timestamp::now_utc())).await?;
            draft.queued = false;
        }
        match draft.state.is_editable() {
            true if draft.queued => Err(LocalCode::SubmissionQueued.into()),
            true => Ok(draft),
            false => Err(LocalCode::DraftGone.into()),
        }
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
            queued: self.queued(&draft).await?,
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

fn step(draft: &Draft) -> Step {
    Step::ALL.into_iter().find(|step| step.as_str() == draft.step).unwrap_or(Step::Handler)
}

pub(crate) fn offer<'a>(
    catalogue: &'a Catalogue,
    business: Business,
    who: &Registration,
) -> Result<&'a Offer, Failure> {
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

/// The script with names filled in, as it is to be read aloud.
fn spoken(script: &Text, registration: &Registration, handler: &Handler) -> Text {
    let unit = registration.organisation.as_ref().map_or(&registration.contact.name, |unit| &unit.name);
    let date = Timestamp::now_utc().to_offset(CHINA).date();
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
