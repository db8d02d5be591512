//! What a person was told, and whether it still holds: in the program's folder, on the key, at the service.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    process::Command,
};

use anyhow::{Context, Result, ensure};
use certdesk_cache::Cache;
use certdesk_controller::storage::{DemoKeyStore, KeyStore as _};
use rusqlite::Connection;
use serde::Serialize;
use uuid::Uuid;

use super::{
    Journey, Memory, Said,
    person::number_in,
    scene::{PIN, Scene, open_service_tables},
};

/// What is wrong, by kind; each a sentence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Findings {
    /// Acknowledged, and not there any more.
    pub losses: Vec<String>,
    /// Twice what is to be once.
    pub duplicates: Vec<String>,
    /// What nobody owns.
    pub orphans: Vec<String>,
}

impl Findings {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.losses.is_empty() && self.duplicates.is_empty() && self.orphans.is_empty()
    }
}

/// What was acknowledged so far.
pub(crate) struct Truth {
    journey: Journey,
    memory: Memory,
    typed: u32,
    files: BTreeSet<Uuid>,
    number: Option<String>,
    pub(crate) findings: Findings,
    /// The sentences that were read, and how often.
    pub(crate) told: BTreeMap<String, u32>,
    /// The one read last, with its cause.
    pub(crate) told_last: String,
}

/// How much there is to be of everything in the end.
struct Expected {
    applications: i64,
    submissions: i64,
    active: i64,
    revoked: i64,
    on_key: usize,
}

impl Journey {
    fn expected(self) -> Expected {
        let (applications, submissions, active, revoked, on_key) = match self {
            Self::Register => (0, 0, 0, 0, 0),
            Self::Apply => (1, 1, 0, 0, 0),
            Self::Correct => (1, 2, 0, 0, 0),
            Self::Issue => (1, 1, 1, 0, 1),
            Self::Renew => (2, 2, 1, 1, 1),
            Self::Revoke => (2, 2, 0, 1, 1),
        };
        Expected { applications, submissions, active, revoked, on_key }
    }

    fn has_files(self) -> bool {
        matches!(self, Self::Apply | Self::Correct)
    }
}

impl Truth {
    pub(crate) fn new(journey: Journey, memory: Memory) -> Self {
        let (typed, files, number) = (0, BTreeSet::new(), None);
        Self {
            journey,
            memory,
            typed,
            files,
            number,
            findings: Findings::default(),
            told: BTreeMap::new(),
            told_last: String::new(),
        }
    }

    /// What the person knows now.
    pub(crate) fn memory(&self) -> Memory {
        self.memory.clone()
    }

    /// Takes what was said; what contradicts something said before is a finding.
    pub(crate) fn hear(&mut self, said: &Said) {
        match said {
            Said::Registered { account, password } => {
                if let Some((before, _)) = &self.memory.account
                    && before != account
                {
                    self.findings.duplicates.push(format!("an account {account} beside {before}"));
                }
                self.memory.account = Some((account.clone(), password.clone()));
            }
            Said::PasswordChanged => {
                if let Some((_, password)) = &mut self.memory.account {
                    certdesk_cli::journey::PASSWORD.clone_into(password);
                }
            }
            Said::Draft { id, typed, files } => {
                if self.memory.case.is_some_and(|case| case != *id) {
                    self.findings.duplicates.push("a second draft".to_owned());
                }
                self.memory.case = Some(*id);
                if *typed < self.typed {
                    self.findings.losses.push(format!("{} was saved, {typed} is there", self.typed));
                }
                self.typed = *typed;
                for gone in self.files.iter().filter(|file| !files.contains(file)) {
                    self.findings.losses.push(format!("the picked file {gone} is not there"));
                }
                self.files = files.iter().copied().collect();
            }
            Said::Saved { typed } => self.typed = *typed,
            Said::Picked { files } => self.files = files.iter().copied().collect(),
            Said::TakesOut { file } => drop(self.files.remove(file)),
            Said::Submitted { number } => {
                if let Some(before) = self.number.replace(number.clone())
                    && before != *number
                {
                    self.findings.duplicates.push(format!("number {number} after {before}"));
                }
            }
            Said::Told { code, detail } => {
                *self.told.entry(code.clone()).or_default() += 1;
                self.told_last = format!("{code}: {}", detail.as_deref().unwrap_or_default());
            }
            Said::Begins { .. } | Said::Form | Said::Sent | Said::Made | Said::Removed | Said::End => {}
        }
    }

    /// A process that nobody owns.
    pub(crate) fn outlived(&mut self, count: usize) {
        self.findings.orphans.push(format!("{count} helpers outlived the program"));
    }

    /// Compares what there is with what was said. The program has ended; the service runs.
    pub(crate) fn compare(&mut self, scene: &Scene) -> Result<()> {
        let expected = self.journey.expected();
        self.at_the_service(&scene.service_data(), &expected).context("looking at the service")?;
        self.on_the_key(scene, &expected).context("looking at the key")?;
        self.on_the_disk(&scene.client(), &expected).context("looking at the program's folder")
    }

    fn count(&mut self, what: &str, there: i64, expected: i64) {
        if there < expected {
            self.findings.losses.push(format!("{there} {what}, {expected} were acknowledged"));
        }
        if there > expected {
            self.findings.duplicates.push(format!("{there} {what} in place of {expected}"));
        }
    }

    fn at_the_service(&mut self, data: &Path, expected: &Expected) -> Result<()> {
        let tables = open_service_tables(data)?;
        let count = |sql: &str| -> Result<i64> { Ok(tables.query_row(sql, [], |row| row.get(0))?) };
        self.count("accounts", count("SELECT count(*) FROM accounts")?, 1);
        self.count("applications", count("SELECT count(*) FROM applications")?, expected.applications);
        self.count("submissions", count("SELECT count(*) FROM submissions")?, expected.submissions);
        let status = |word: &str| count(&format!("SELECT count(*) FROM certificates WHERE status = '{word}'"));
        self.count("certificates in force", status("active")?, expected.active);
        self.count("revoked certificates", status("revoked")?, expected.revoked);
        let unproven = status("issued")?;
        if unproven > 0 {
            self.findings.orphans.push(format!("{unproven} certificates that nobody proved and nobody revoked"));
        }
        if let (Some(case), Some(number)) = (self.memory.case, &self.number) {
            let kept: Option<String> =
                tables
                    .query_row("SELECT number FROM applications WHERE id = ?1", [case.to_string()], |row| row.get(0))?;
            if kept.as_ref() != Some(number) {
                self.findings.losses.push(format!("{number} was told, the service has {kept:?}"));
            }
            let body: String = tables.query_row(
                "SELECT body FROM submissions WHERE application = ?1 ORDER BY id DESC LIMIT 1",
                [case.to_string()],
                |row| row.get(0),
            )?;
            let body: serde_json::Value = serde_json::from_str(&body)?;
            let handed_in = number_in(body["handler"]["address"]["detail"].as_str().unwrap_or_default());
            if handed_in != self.typed {
                self.findings.losses.push(format!("{} was saved, {handed_in} was handed in", self.typed));
            }
            if self.journey.has_files() {
                let files = body["attachments"].as_array().map_or(0, Vec::len);
                self.count("files handed in", i64::try_from(files)?, i64::try_from(self.files.len())?);
            }
        }
        self.uploads(&tables, &data.join("uploads"))
    }

    /// Each file handed in is there, whole; no other is.
    fn uploads(&mut self, tables: &Connection, folder: &Path) -> Result<()> {
        let mut alive = BTreeSet::new();
        let mut rows = tables.prepare(
            "SELECT id, length, received, state, EXISTS (SELECT 1 FROM submissions s
               WHERE s.application = uploads.application AND instr(s.body, uploads.id)) FROM uploads WHERE state <> 'gone'",
        )?;
        let rows = rows.query_map([], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, u64>(1)?, row.get::<_, String>(3)?, row.get::<_, bool>(4)?))
        })?;
        for row in rows {
            let (id, length, state, handed_in) = row?;
            let there = fs::metadata(folder.join(&id)).map_or(0, |file| file.len());
            if handed_in && (state != "complete" || there != length) {
                self.findings.losses.push(format!("{there} of {length} bytes of a file that was handed in"));
            }
            if !handed_in {
                self.findings.orphans.push(format!("an upload that no case names ({state})"));
            }
            alive.insert(id);
        }
        for entry in fs::read_dir(folder)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if !alive.contains(&name) {
                self.findings.orphans.push("bytes of an upload that is none".to_owned());
            }
        }
        Ok(())
    }

    fn on_the_key(&mut self, scene: &Scene, expected: &Expected) -> Result<()> {
        let output = Command::new("pkcs11-tool")
            .arg("--module")
            .arg(&scene.key.module)
            .args(["--token-label", &scene.key.label, "--login", "--pin", PIN, "--list-objects"])
            .envs(scene.key.environment())
            .output()
            .context("pkcs11-tool is not installed")?;
        ensure!(output.status.success(), "pkcs11-tool: {}", String::from_utf8_lossy(&output.stderr));
        let listed = String::from_utf8_lossy(&output.stdout).into_owned();
        let count = |what: &str| listed.lines().filter(|line| line.starts_with(what)).count();
        let (private, public) = (count("Private Key Object"), count("Public Key Object"));
        let certificates = count("Certificate Object");
        self.count("certificates on the key", i64::try_from(certificates)?, i64::try_from(expected.on_key)?);
        if private != certificates || public != certificates {
            self.findings
                .orphans
                .push(format!("{private} private and {public} public keys for {certificates} certificates:\n{listed}"));
        }
        Ok(())
    }

    fn on_the_disk(&mut self, data: &Path, expected: &Expected) -> Result<()> {
        let kept: serde_json::Value = serde_json::from_slice(&fs::read(data.join("demo-key.json"))?)?;
        let name = kept["name"].as_str().context("the demo's key has no name")?.parse()?;
        let key = DemoKeyStore::new(data).key(name)?.context("the demo's key is not there")?;
        let cache = Cache::open(&data.join("certdesk.db"), &key)?;
        let Some((account, _)) = &self.memory.account else { return Ok(()) };
        let drafts = cache.drafts(account)?;
        self.count("drafts here", i64::try_from(drafts.len())?, expected.applications);
        let mut named = BTreeSet::new();
        for draft in &drafts {
            named.extend(cache.attachments(draft.id)?.into_iter().map(|held| held.path));
        }
        let signed = fs::read_dir(data.join("signed")).into_iter().flatten().flatten();
        for file in signed.map(|entry| entry.path()).filter(|path| !named.contains(path)) {
            self.findings.orphans.push(format!("a signed form that no case names: {:?}", file.file_name()));
        }
        for entry in fs::read_dir(data)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            let half_done = [".new", ".encrypting", ".plain", "-making"].iter().any(|end| name.ends_with(end));
            if half_done || name.contains("set-aside") {
                self.findings.orphans.push(format!("{name} was left"));
            }
        }
        Ok(())
    }
}
