//! The disk as a power cut leaves it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use certdesk_cache::Cache;
use certdesk_controller::storage::{DemoKeyStore, KeyStore as _};
use serde::Serialize;
use uuid::Uuid;

use super::environment;
use crate::kills::{
    Journey, Said,
    campaign::{Ground, PATIENCE, Person},
    person::number_in,
};

/// What a disk writes at once.
const SECTOR: usize = 512;

/// One change of the disk, or what was said between two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Create(PathBuf),
    Write(PathBuf, usize, Vec<u8>),
    Truncate(PathBuf, usize),
    Rename(PathBuf, PathBuf),
    Unlink(PathBuf),
    Sync(PathBuf),
    Said(Vec<u8>),
}

impl Change {
    pub(super) fn is_of_the_disk(&self) -> bool {
        !matches!(self, Self::Said(_))
    }
}

/// Reads what `tests/faulty-disk` wrote down.
pub(super) fn read(mut log: &[u8]) -> Result<Vec<Change>> {
    fn take<'a>(log: &mut &'a [u8], length: usize) -> Result<&'a [u8]> {
        ensure!(log.len() >= length, "the log of changes ends in the middle of one");
        let (taken, rest) = log.split_at(length);
        *log = rest;
        Ok(taken)
    }
    let mut changes = Vec::new();
    while !log.is_empty() {
        let kind = take(&mut log, 1)?[0];
        let length = u32::from_le_bytes(take(&mut log, 4)?.try_into()?) as usize;
        let path = PathBuf::from(std::str::from_utf8(take(&mut log, length)?)?);
        let at = usize::try_from(u64::from_le_bytes(take(&mut log, 8)?.try_into()?))?;
        let length = u32::from_le_bytes(take(&mut log, 4)?.try_into()?) as usize;
        let data = take(&mut log, length)?.to_vec();
        changes.push(match kind {
            b'C' => Change::Create(path),
            b'W' => Change::Write(path, at, data),
            b'T' => Change::Truncate(path, at),
            b'R' => Change::Rename(path, PathBuf::from(String::from_utf8(data)?)),
            b'U' => Change::Unlink(path),
            b'S' => Change::Sync(path),
            b'A' => Change::Said(data),
            other => anyhow::bail!("a change of kind {other}"),
        });
    }
    Ok(changes)
}

/// A disk that has a memory of its own: what was written, and what of it is sure to be there after a cut.
#[derive(Clone, Default)]
struct Disk {
    files: Vec<Content>,
    /// Names as a program sees them, and as the disk has them.
    names: BTreeMap<PathBuf, usize>,
    sure_names: BTreeMap<PathBuf, usize>,
}

#[derive(Clone, Default)]
struct Content {
    sure: Vec<u8>,
    /// Since the last sync, in order.
    unsure: Vec<Piece>,
}

#[derive(Clone)]
enum Piece {
    Write(usize, Vec<u8>),
    Truncate(usize),
}

impl Piece {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Write(at, data) => {
                if bytes.len() < at + data.len() {
                    bytes.resize(at + data.len(), 0);
                }
                bytes[*at..at + data.len()].copy_from_slice(data);
            }
            Self::Truncate(length) => bytes.resize(*length, 0),
        }
    }
}

impl Disk {
    /// What lies there before the journey, all of it sure.
    fn holding(folder: &Path) -> Result<Self> {
        let mut disk = Self::default();
        let mut folders = vec![folder.to_owned()];
        while let Some(next) = folders.pop() {
            for entry in fs::read_dir(next)? {
                let path = entry?.path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let file = disk.new_file(path.clone());
                    disk.files[file].sure = fs::read(&path)?;
                    disk.sure_names.insert(path, file);
                }
            }
        }
        Ok(disk)
    }

    fn new_file(&mut self, path: PathBuf) -> usize {
        self.files.push(Content::default());
        self.names.insert(path, self.files.len() - 1);
        self.files.len() - 1
    }

    fn file(&mut self, path: &Path) -> usize {
        match self.names.get(path) {
            Some(file) => *file,
            None => self.new_file(path.to_owned()),
        }
    }

    fn change(&mut self, change: &Change) {
        match change {
            Change::Create(path) => drop(self.new_file(path.clone())),
            Change::Write(path, at, data) => {
                let file = self.file(path);
                self.files[file].unsure.push(Piece::Write(*at, data.clone()));
            }
            Change::Truncate(path, length) => {
                let file = self.file(path);
                self.files[file].unsure.push(Piece::Truncate(*length));
            }
            Change::Rename(from, to) => {
                if let Some(file) = self.names.remove(from) {
                    self.names.insert(to.clone(), file);
                }
            }
            Change::Unlink(path) => drop(self.names.remove(path)),
            Change::Sync(path) => self.sync(path),
            Change::Said(_) => {}
        }
    }

    /// Of a file: its bytes, and the name it was made under. Of a folder: what is named in it.
    fn sync(&mut self, path: &Path) {
        if let Some(&file) = self.names.get(path) {
            let content = &mut self.files[file];
            for piece in content.unsure.drain(..) {
                piece.apply(&mut content.sure);
            }
            if !self.sure_names.values().any(|named| *named == file) {
                self.sure_names.insert(path.to_owned(), file);
            }
            return;
        }
        self.sure_names.retain(|name, _| name.parent() != Some(path));
        let named = self.names.iter().filter(|(name, _)| name.parent() == Some(path));
        self.sure_names.extend(named.map(|(name, file)| (name.clone(), *file)));
    }

    /// What is on it after a cut. `random`: of what was not sure each sector and each name may be there or not; without,
    /// none is.
    fn after_a_cut(&self, mut random: Option<fastrand::Rng>) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut names = self.sure_names.clone();
        if let Some(random) = &mut random {
            for (name, file) in &self.names {
                if names.get(name) != Some(file) && random.bool() {
                    // A name that came by renaming is not there twice.
                    names.retain(|_, named| named != file);
                    names.insert(name.clone(), *file);
                }
            }
            let gone: Vec<_> = names.keys().filter(|name| !self.names.contains_key(*name)).cloned().collect();
            for name in gone.into_iter().filter(|_| random.bool()) {
                names.remove(&name);
            }
        }
        let content = |file: &usize, random: &mut Option<fastrand::Rng>| {
            let Content { sure, unsure } = &self.files[*file];
            let mut bytes = sure.clone();
            let Some(random) = random else { return bytes };
            for piece in unsure {
                match piece {
                    Piece::Write(at, data) => {
                        for (sector, part) in data.chunks(SECTOR).enumerate().filter(|_| random.bool()) {
                            Piece::Write(at + sector * SECTOR, part.to_vec()).apply(&mut bytes);
                        }
                    }
                    truncate if random.bool() => truncate.apply(&mut bytes),
                    Piece::Truncate(_) => {}
                }
            }
            bytes
        };
        names.iter().map(|(name, file)| (name.clone(), content(file, &mut random))).collect()
    }
}

/// What was acknowledged by some moment.
#[derive(Clone, Debug, Default)]
struct Known {
    case: Option<Uuid>,
    typed: u32,
    /// Picked, and none of them to be taken out.
    files: BTreeSet<Uuid>,
    form: bool,
    submitted: bool,
}

impl Known {
    fn hear(&mut self, said: &Said) {
        match said {
            Said::Draft { id, typed, files } => {
                (self.case, self.typed, self.files) = (Some(*id), *typed, files.iter().copied().collect());
            }
            // Another value makes another form, and takes away what was signed.
            Said::Saved { typed } => (self.typed, self.form) = (*typed, false),
            Said::Picked { files } => self.files = files.iter().copied().collect(),
            Said::TakesOut { file } => drop(self.files.remove(file)),
            Said::Form => self.form = true,
            Said::Submitted { .. } => self.submitted = true,
            _ => {}
        }
    }
}

/// Power cuts at one journey.
#[derive(Clone, Debug, Serialize)]
pub struct Cut {
    /// What the person came for.
    pub journey: Journey,
    /// Moments that were looked at.
    pub cuts: usize,
    /// What was acknowledged and is not there, each a sentence.
    pub losses: Vec<String>,
}

/// Cuts the power at every sync, every acknowledgement and `more` other moments of a journey; at each with everything gone
/// that was not synced, and with part of it gone.
///
/// # Errors
/// When the journey does not come to its end.
pub fn cuts(ground: &Ground, journey: Journey, more: usize, seed: u64) -> Result<Cut> {
    let (scene, memory) = ground.scene(journey)?;
    let account = memory.account.clone().map(|(account, _)| account).unwrap_or_default();
    let log = scene.client().with_file_name("changes");
    let environment = environment(&scene.client(), &[("CERTDESK_DISK_LOG", log.clone().into())])?;
    let folder = scene.client().canonicalize()?;
    let mut disk = Disk::holding(&folder)?;
    let mut person = Person::sit_down_with(&scene, journey, memory, &environment, PATIENCE)?;
    while person.said()? != Said::End {}
    person.leave();
    let changes = read(&fs::read(&log)?)?;
    ensure!(changes.iter().any(Change::is_of_the_disk), "no change was seen: the disk is not the faulty one");

    let mut random = fastrand::Rng::with_seed(seed);
    let others = changes.len().saturating_sub(1).max(1);
    let chosen: BTreeSet<usize> = (0..more).map(|_| random.usize(0..others)).collect();
    let mut cut = Cut { journey, cuts: 0, losses: Vec::new() };
    let (mut known, mut half_said) = (Known::default(), Vec::new());
    for (at, change) in changes.iter().enumerate() {
        if let Change::Said(words) = change {
            half_said.extend_from_slice(words);
            while let Some(end) = half_said.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = half_said.drain(..=end).collect();
                known.hear(&serde_json::from_slice(&line)?);
            }
        }
        disk.change(change);
        let telling = matches!(change, Change::Said(_) | Change::Sync(_) | Change::Rename(..) | Change::Unlink(_));
        if !telling && !chosen.contains(&at) {
            continue;
        }
        for random in [None, Some(random.fork())] {
            let how = if random.is_none() { "all that was not synced gone" } else { "part of it gone" };
            cut.cuts += 1;
            if let Err(loss) = look(&disk.after_a_cut(random), &folder, &account, &known) {
                cut.losses.push(format!("cut after change {at} of {}, {how}: {loss:#}", changes.len()));
            }
        }
    }
    Ok(cut)
}

/// Opens what is left as the program would, and looks for what was acknowledged.
fn look(left: &BTreeMap<PathBuf, Vec<u8>>, folder: &Path, account: &str, known: &Known) -> Result<()> {
    let place = tempfile::tempdir()?;
    for (path, bytes) in left {
        let path = place.path().join(path.strip_prefix(folder)?);
        fs::create_dir_all(path.parent().context("a file lies in a folder")?)?;
        fs::write(path, bytes)?;
    }
    let Some(case) = known.case else { return Ok(()) };
    let kept = fs::read(place.path().join("demo-key.json")).context("the key is gone")?;
    let kept: serde_json::Value = serde_json::from_slice(&kept).context("the key cannot be read")?;
    let name = kept["name"].as_str().context("the key has no name")?.parse()?;
    let lock = fs::read(place.path().join("certdesk.lock.json")).context("the lock is gone")?;
    serde_json::from_slice::<serde_json::Value>(&lock).context("the lock cannot be read")?;
    let key = DemoKeyStore::new(place.path()).key(name)?.context("the key is not the lock's")?;
    let cache = Cache::open(&place.path().join("certdesk.db"), &key).context("the store does not open")?;
    let draft = cache.draft(case)?.context("the draft is gone")?;
    ensure!(draft.account == account, "it is another's draft");
    let typed = number_in(&draft.handler.address.detail);
    ensure!(typed >= known.typed, "{} was saved, {typed} is there", known.typed);
    if known.form && typed == known.typed {
        ensure!(cache.form(case)?.is_some(), "the form is gone");
    }
    ensure!(!known.submitted || !draft.state.is_editable(), "it was handed in and is a draft again");
    let held = cache.attachments(case)?;
    for file in &known.files {
        ensure!(held.iter().any(|held| held.id == *file), "a picked file is not known any more");
    }
    // A file of the program's own is there, whole, as long as its row is.
    for held in held.iter().filter(|held| held.path.starts_with(folder)) {
        let own = place.path().join(held.path.strip_prefix(folder)?);
        let there = fs::metadata(&own).map_or(0, |file| file.len());
        ensure!(there >= held.bytes, "{there} of {} bytes of the signed form are there", held.bytes);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &str, bytes: &[u8]) -> Change {
        Change::Write(path.into(), 0, bytes.to_vec())
    }

    fn left(changes: &[Change]) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut disk = Disk::default();
        changes.iter().for_each(|change| disk.change(change));
        disk.after_a_cut(None)
    }

    #[test]
    fn what_was_not_synced_is_gone_and_what_was_is_there() {
        let begun = [Change::Create("/d/a".into()), write("/d/a", b"one")];
        assert!(left(&begun).is_empty(), "neither name nor bytes");
        let synced = [&begun[..], &[Change::Sync("/d/a".into()), write("/d/a", b"two")]].concat();
        assert_eq!(left(&synced)[Path::new("/d/a")], b"one", "what came after the sync is gone");
    }

    #[test]
    fn a_new_name_holds_from_the_sync_of_its_folder_on() {
        let renamed = [
            Change::Create("/d/a.new".into()),
            write("/d/a.new", b"one"),
            Change::Sync("/d/a.new".into()),
            Change::Rename("/d/a.new".into(), "/d/a".into()),
        ];
        assert!(left(&renamed).contains_key(Path::new("/d/a.new")), "before it, the old name");
        let synced = [&renamed[..], &[Change::Sync("/d".into())]].concat();
        assert_eq!(left(&synced).keys().collect::<Vec<_>>(), [Path::new("/d/a")], "after it, the new one alone");
    }
}
