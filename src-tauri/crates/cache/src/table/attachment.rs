//! Picked files and how far their uploads are. The files stay where they are; only their names are kept.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
};

use certdesk_domain::{FileKind, RequirementId};
use rusqlite::{Connection, OptionalExtension, Row};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{from_json, to_json, word};
use crate::{Cache, CacheError, FileKey};

const TABLE: &str = "attachment";

/// One picked file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// Its name for the window.
    pub id: Uuid,
    /// The case it belongs to.
    pub draft: Uuid,
    /// The requirement it meets.
    pub requirement: RequirementId,
    /// Where it lies: any path the system can have, UTF-8 or not.
    #[serde(skip)]
    pub path: PathBuf,
    /// File name to show and to send.
    pub name: String,
    /// Kind by content.
    pub kind: FileKind,
    /// Size when picked, bytes.
    pub bytes: u64,
    /// Time of its last change when picked, nanoseconds since 1970 UTC: with the size, tells that it changed since.
    pub modified_ns: i64,
    /// SHA-256, lower-case hex, once taken.
    pub sha256: Option<String>,
    /// Width and height of a picture or video, pixels.
    pub pixels: Option<(u32, u32)>,
    /// Length of a video, milliseconds.
    pub duration_ms: Option<u64>,
    /// The upload at the service, once created.
    pub upload: Option<Uuid>,
    /// Bytes the service has acknowledged.
    pub sent: u64,
    /// How far it is.
    pub phase: AttachmentPhase,
    /// Why it waits or has failed, in the controller's words.
    pub failure: Option<serde_json::Value>,
    /// The key of a file of the program's own, which is sealed. With this row it is gone, and what it sealed with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<FileKey>,
}

/// How far an upload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttachmentPhase {
    /// Waits for its turn.
    Queued,
    /// Its SHA-256 is being taken.
    Hashing,
    /// Bytes are on their way.
    Sending,
    /// The network is away; goes on by itself.
    Waiting,
    /// At the service, whole.
    Done,
    /// Needs the user.
    Failed,
    /// Stopped by the user.
    Cancelled,
}

impl AttachmentPhase {
    /// Whether it goes on by itself, also after a new start of the program.
    pub fn is_unfinished(self) -> bool {
        matches!(self, Self::Queued | Self::Hashing | Self::Sending | Self::Waiting)
    }
}

impl Cache {
    /// Keeps a newly picked file.
    ///
    /// # Errors
    /// [`CacheError::Gone`] if its draft is not there.
    pub fn add_attachment(&self, attachment: &Attachment) -> Result<(), CacheError> {
        self.transaction(|transaction| add(transaction, attachment))
    }

    /// The file of that id.
    ///
    /// # Errors
    /// Those of the file.
    pub fn attachment(&self, id: Uuid) -> Result<Option<Attachment>, CacheError> {
        read(&self.connection(), id)
    }

    /// The files of a draft, in the order they were picked.
    ///
    /// # Errors
    /// Those of the file.
    pub fn attachments(&self, draft: Uuid) -> Result<Vec<Attachment>, CacheError> {
        of_draft(&self.connection(), draft)
    }

    /// The files of all drafts whose uploads go on by themselves, in the order they were picked.
    ///
    /// # Errors
    /// Those of the file.
    pub fn unfinished_attachments(&self) -> Result<Vec<Attachment>, CacheError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT path, content FROM attachment
             WHERE phase IN ('queued', 'hashing', 'sending', 'waiting') ORDER BY position",
        )?;
        statement.query_map([], columns)?.map(|row| from_columns(row?)).collect()
    }

    /// Changes what is known of a file and gives it back as it is now.
    ///
    /// # Errors
    /// [`CacheError::Gone`] if it is not there.
    pub fn update_attachment(&self, id: Uuid, change: impl FnOnce(&mut Attachment)) -> Result<Attachment, CacheError> {
        self.transaction(|transaction| {
            let before = read(transaction, id)?.ok_or(CacheError::Gone { what: TABLE })?;
            let mut after = before.clone();
            change(&mut after);
            (after.id, after.draft) = (before.id, before.draft);
            if after == before {
                return Ok(before);
            }
            transaction
                .prepare_cached("UPDATE attachment SET phase = ?2, path = ?3, content = ?4 WHERE id = ?1")?
                .execute((
                    id.to_string(),
                    word(TABLE, &after.phase)?,
                    path::to_bytes(&after.path),
                    to_json(TABLE, &after)?,
                ))?;
            Ok(after)
        })
    }

    /// Keeps a file in place of all others of its draft and requirement, and gives those back.
    ///
    /// # Errors
    /// [`CacheError::Gone`] if its draft is not there.
    pub fn replace_attachments(&self, attachment: &Attachment) -> Result<Vec<Attachment>, CacheError> {
        self.transaction(|transaction| {
            let before = of_draft(transaction, attachment.draft)?;
            let replaced: Vec<_> =
                before.into_iter().filter(|held| held.requirement == attachment.requirement).collect();
            for held in &replaced {
                transaction.prepare_cached("DELETE FROM attachment WHERE id = ?1")?.execute([held.id.to_string()])?;
            }
            add(transaction, attachment)?;
            Ok(replaced)
        })
    }

    /// Where the files lie of all drafts whose case has not ended.
    ///
    /// # Errors
    /// Those of the file.
    pub fn open_paths(&self) -> Result<HashSet<PathBuf>, CacheError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT attachment.path FROM attachment JOIN draft ON draft.id = attachment.draft
             WHERE draft.state NOT IN ('completed', 'rejected', 'withdrawn')",
        )?;
        statement.query_map([], |row| row.get(0))?.map(|path| Ok(path::from_bytes(path?))).collect()
    }

    /// The files of all drafts that lie in a folder.
    ///
    /// # Errors
    /// Those of the file.
    pub fn attachments_in(&self, folder: &Path) -> Result<Vec<Attachment>, CacheError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached("SELECT path, content FROM attachment ORDER BY position")?;
        let all = statement.query_map([], columns)?.map(|row| from_columns(row?));
        all.filter(|held| held.as_ref().map_or(true, |held| held.path.starts_with(folder))).collect()
    }

    /// Forgets a file, down to the bytes of the log. The file itself is not touched.
    ///
    /// # Errors
    /// Those of the file.
    pub fn delete_attachment(&self, id: Uuid) -> Result<(), CacheError> {
        self.connection().prepare_cached("DELETE FROM attachment WHERE id = ?1")?.execute([id.to_string()])?;
        self.cut_log()
    }
}

fn add(connection: &Connection, attachment: &Attachment) -> Result<(), CacheError> {
    let known =
        connection.prepare_cached("SELECT 1 FROM draft WHERE id = ?1")?.exists([attachment.draft.to_string()])?;
    if !known {
        return Err(CacheError::Gone { what: "draft" });
    }
    connection
        .prepare_cached("INSERT INTO attachment (id, draft, phase, path, content) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute((
            attachment.id.to_string(),
            attachment.draft.to_string(),
            word(TABLE, &attachment.phase)?,
            path::to_bytes(&attachment.path),
            to_json(TABLE, attachment)?,
        ))?;
    Ok(())
}

fn of_draft(connection: &Connection, draft: Uuid) -> Result<Vec<Attachment>, CacheError> {
    let mut statement =
        connection.prepare_cached("SELECT path, content FROM attachment WHERE draft = ?1 ORDER BY position")?;
    statement.query_map([draft.to_string()], columns)?.map(|row| from_columns(row?)).collect()
}

fn read(connection: &Connection, id: Uuid) -> Result<Option<Attachment>, CacheError> {
    connection
        .prepare_cached("SELECT path, content FROM attachment WHERE id = ?1")?
        .query_row([id.to_string()], columns)
        .optional()?
        .map(from_columns)
        .transpose()
}

fn columns(row: &Row) -> rusqlite::Result<(Vec<u8>, String)> {
    Ok((row.get(0)?, row.get(1)?))
}

fn from_columns((path, content): (Vec<u8>, String)) -> Result<Attachment, CacheError> {
    Ok(Attachment { path: path::from_bytes(path), ..from_json(TABLE, &content)? })
}

/// Paths as the system has them.
#[cfg(unix)]
mod path {
    use std::{
        ffi::OsString,
        os::unix::ffi::{OsStrExt, OsStringExt},
        path::{Path, PathBuf},
    };

    pub(super) fn to_bytes(path: &Path) -> Vec<u8> {
        path.as_os_str().as_bytes().to_vec()
    }

    pub(super) fn from_bytes(bytes: Vec<u8>) -> PathBuf {
        OsString::from_vec(bytes).into()
    }
}

/// Paths as the system has them: UTF-16 that may hold lone surrogates, kept little-endian.
#[cfg(windows)]
mod path {
    use std::{
        ffi::OsString,
        os::windows::ffi::{OsStrExt, OsStringExt},
        path::{Path, PathBuf},
    };

    pub(super) fn to_bytes(path: &Path) -> Vec<u8> {
        path.as_os_str().encode_wide().flat_map(u16::to_le_bytes).collect()
    }

    pub(super) fn from_bytes(bytes: Vec<u8>) -> PathBuf {
        let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        OsString::from_wide(&units).into()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::Draft;
    use certdesk_domain::{Business, State, Timestamp};

    pub(crate) fn picked(draft: Uuid, name: &str) -> Attachment {
        Attachment {
            id: Uuid::now_v7(),
            draft,
            requirement: RequirementId("business_license".into()),
            path: PathBuf::from("/home/云帆/我的 文件 📎").join(name),
            name: name.to_owned(),
            kind: FileKind::Pdf,
            bytes: 5 << 32,
            modified_ns: 1_795_338_000_123_456_789,
            sha256: None,
            pixels: None,
            duration_ms: None,
            upload: None,
            sent: 0,
            phase: AttachmentPhase::Queued,
            failure: None,
            key: None,
        }
    }

    fn with_draft() -> (Cache, Uuid) {
        let cache = Cache::in_memory().unwrap();
        let draft = Uuid::now_v7();
        cache.create_draft(&Draft::new(draft, "acct", Business::New, "files", Timestamp::UNIX_EPOCH)).unwrap();
        (cache, draft)
    }

    #[test]
    fn files_come_back_in_order_with_all_that_is_known() {
        let (cache, draft) = with_draft();
        let files: Vec<_> = ["营业执照.pdf", "法人身份证.pdf"].into_iter().map(|name| picked(draft, name)).collect();
        for file in &files {
            cache.add_attachment(file).unwrap();
        }
        assert_eq!(cache.attachments(draft).unwrap(), files);
        let upload = Uuid::now_v7();
        let after = cache
            .update_attachment(files[0].id, |file| {
                file.upload = Some(upload);
                file.sent = 8 << 20;
                file.phase = AttachmentPhase::Sending;
                file.sha256 = Some("ab".repeat(32));
                file.pixels = Some((1920, 1080));
            })
            .unwrap();
        assert_eq!(cache.attachment(files[0].id).unwrap(), Some(after));
        cache.delete_attachment(files[1].id).unwrap();
        assert_eq!(cache.attachment(files[1].id).unwrap(), None);
        assert!(matches!(cache.update_attachment(files[1].id, |_| ()), Err(CacheError::Gone { what: "attachment" })));
    }

    #[test]
    fn a_new_start_finds_what_must_go_on() {
        let (cache, draft) = with_draft();
        use AttachmentPhase::*;
        for phase in [Queued, Hashing, Sending, Waiting, Done, Failed, Cancelled] {
            cache.add_attachment(&Attachment { phase, ..picked(draft, "video.mp4") }).unwrap();
        }
        let found: Vec<_> = cache.unfinished_attachments().unwrap().into_iter().map(|file| file.phase).collect();
        assert_eq!(found, [Queued, Hashing, Sending, Waiting]);
        assert!(found.into_iter().all(AttachmentPhase::is_unfinished), "both ways to ask agree");
    }

    #[test]
    fn files_go_with_their_draft_and_never_without() {
        let (cache, draft) = with_draft();
        let file = picked(draft, "营业执照.pdf");
        cache.add_attachment(&file).unwrap();
        let discard = crate::Outgoing::new(draft, "acct", draft, crate::OutgoingAct::Discard, Timestamp::UNIX_EPOCH);
        cache.discard_draft(&discard).unwrap();
        assert_eq!(cache.attachment(file.id).unwrap(), None);
        assert!(matches!(cache.add_attachment(&file), Err(CacheError::Gone { what: "draft" })));
    }

    #[test]
    fn one_file_takes_the_place_of_all_of_its_requirement() {
        let (cache, draft) = with_draft();
        let mut other = picked(draft, "申请表.pdf");
        other.requirement = RequirementId("application_form".into());
        let (first, second) = (picked(draft, "1.pdf"), picked(draft, "2.pdf"));
        for file in [&first, &other, &second] {
            cache.add_attachment(file).unwrap();
        }
        let third = picked(draft, "3.pdf");
        assert_eq!(cache.replace_attachments(&third).unwrap(), [first, second], "what it took the place of");
        assert_eq!(cache.attachments(draft).unwrap(), [other.clone(), third.clone()], "other requirements keep theirs");
        assert_eq!(cache.open_paths().unwrap(), [other.path, third.path].into());
        cache.update_draft(draft, Timestamp::UNIX_EPOCH, |draft| draft.state = State::Completed).unwrap();
        assert!(cache.open_paths().unwrap().is_empty(), "a case that has ended needs no file here");
    }

    #[cfg(unix)]
    #[test]
    fn a_path_that_is_no_utf8_is_kept_as_it_is() {
        let (cache, draft) = with_draft();
        let path = path::from_bytes(b"/home/user/\xD3\xAA\xD2\xB5\xD6\xB4\xD5\xD5.pdf".to_vec());
        let file = Attachment { path: path.clone(), ..picked(draft, "营业执照.pdf") };
        cache.add_attachment(&file).unwrap();
        assert_eq!(cache.attachment(file.id).unwrap().unwrap().path, path, "an old GBK name finds its file again");
    }
}
