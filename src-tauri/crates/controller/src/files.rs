//! 电子文件: picked or dropped, looked at, put under a requirement, shown, taken out again. Sending them is `uploads`' matter.
//!
//! The paths stay here; the page knows ids, names and sizes.

use std::{
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use certdesk_cache::{Attachment, AttachmentPhase, Outgoing, OutgoingAct, SealedFile};
use certdesk_contract::{
    application::AttachmentRecord,
    catalogue::{Offer, Requirement, Text},
};
use certdesk_domain::{FileKind, RequirementId, Timestamp};
use certdesk_portal::{Content, Source};
use uuid::Uuid;

use crate::{
    Controller,
    convert::{internal, unreadable},
    failure::{Failure, LocalCode},
    file_facts::{self, FileFacts},
    guide::offer,
    picker::OpenQuestion,
    view::{AttachmentView, DraftView, Locale, UploadState},
};

/// Pictures and PDFs up to this size are shown in the window, bytes.
const MOST_PREVIEW_BYTES: u64 = 32 * 1024 * 1024;

impl Controller {
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
        // What a case handed in before refers to stays; the service deletes only what nothing refers to.
        let outgoing = held.upload.map(|upload| {
            let act = OutgoingAct::Terminate { upload };
            Outgoing::new(Uuid::now_v7(), draft.account, held.draft, act, Timestamp::now_utc())
        });
        self.with_cache(move |cache| cache.take_out_attachment(attachment, outgoing.as_ref())).await?;
        self.inner.uploads.stop(attachment);
        self.sweep_signed_forms().await;
        self.inner.outbox.wake();
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
        if held.key.is_some() {
            // Nobody changes a file of ours but to damage it: then it is told when it is read.
            return self.send_anew(held).await;
        }
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

    async fn send_anew(&self, held: Attachment) -> Result<DraftView, Failure> {
        self.inner.uploads.stop(held.id);
        let queue = |row: &mut Attachment| (row.phase, row.failure) = (AttachmentPhase::Queued, None);
        self.with_cache(move |cache| cache.update_attachment(held.id, queue)).await?;
        self.inner.uploads.wake();
        self.draft(held.draft).await
    }

    /// Bytes of a picture or PDF to show.
    pub async fn preview(&self, attachment: Uuid) -> Result<Vec<u8>, Failure> {
        let held = self.own_attachment(attachment).await?;
        if held.kind.is_video() || held.bytes > MOST_PREVIEW_BYTES {
            return Err(LocalCode::FileTooLarge.into());
        }
        read(held).await.map_err(|error| unreadable(&error))
    }

    /// Address from which the window may play a picked video.
    pub async fn media_url(&self, attachment: Uuid) -> Result<String, Failure> {
        let held = self.own_attachment(attachment).await?;
        self.inner.media.url(held.path, held.kind.media_type()).await
    }

    pub(crate) async fn attachments(&self, draft: Uuid) -> Result<Vec<Attachment>, Failure> {
        self.with_cache(move |cache| cache.attachments(draft)).await
    }

    async fn own_attachment(&self, id: Uuid) -> Result<Attachment, Failure> {
        let held = self.with_cache(move |cache| cache.attachment(id)).await?.ok_or(LocalCode::Gone)?;
        self.own_draft(held.draft).await?;
        Ok(held)
    }

    async fn rule(&self, draft: Uuid, requirement: &RequirementId) -> Result<Requirement, Failure> {
        let draft = self.own_draft(draft).await?;
        let catalogue = self.catalogue().await?;
        let session = self.session_view()?;
        let offer = offer(&catalogue, draft.business, &session.account.registration)?;
        let rule = offer.requirements.iter().find(|rule| &rule.id == requirement);
        Ok(rule.cloned().ok_or(LocalCode::BadCommand)?)
    }
}

/// What is to be sent of a file: of one of our own what is under its seal.
pub(crate) fn source(held: &Attachment) -> Source {
    match held.key.clone() {
        None => Source::from(&held.path),
        Some(key) => Source::through(
            &held.path,
            Arc::new(move |path| Ok(Box::new(SealedFile::open(path, &key)?) as Box<dyn Content>)),
        ),
    }
}

/// All of a file, of one of our own what is under its seal.
pub(crate) async fn read(held: Attachment) -> io::Result<Vec<u8>> {
    let read = move || match &held.key {
        None => std::fs::read(&held.path),
        Some(key) => {
            let mut bytes = Vec::new();
            SealedFile::open(&held.path, key)?.read_to_end(&mut bytes).map(|_| bytes)
        }
    };
    tokio::task::spawn_blocking(read).await.map_err(io::Error::other)?
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

fn pick(locale: Locale, text: &Text) -> &str {
    match locale {
        Locale::ZhCn => &text.zh,
        Locale::En => &text.en,
    }
}

/// A file that was handed in, where it is not known here: it lies at the service, handed in from another computer.
pub(crate) fn handed_in(record: &AttachmentRecord, draft: Uuid, offer: &Offer) -> Attachment {
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
        key: None,
    }
}

/// The kind of a file of which only the name is here: the service took it, so it is one of the kinds asked for.
fn kind_by_name(name: &str, asked: &[FileKind]) -> FileKind {
    let ending = name.rsplit('.').next().unwrap_or_default().to_lowercase();
    let named = asked.iter().find(|kind| kind.extensions().contains(&ending.as_str()));
    named.or(asked.first()).copied().unwrap_or(FileKind::Pdf)
}

/// Looks at a picked file and compares it with its rule.
pub(crate) async fn examine(draft: Uuid, rule: &Requirement, path: PathBuf) -> Result<Attachment, Failure> {
    let looked_at = path.clone();
    let facts = tokio::task::spawn_blocking(move || file_facts::facts(&looked_at));
    let facts = facts.await.map_err(internal)?.map_err(|error| unreadable(&error))?;
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
        key: None,
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
