//! `certdesk-cli doctor`: what is well here and what is not, for whoever stands in front of the computer, or on the
//! telephone with somebody who does.

use std::{fmt::Write as _, path::PathBuf, process::ExitCode, sync::LazyLock};

use anyhow::{Context as _, Result};
use certdesk_controller::{
    Controller, Demo,
    doctor::{
        finding::{Examination, Fact, Finding, FindingCode, Level, Part},
        report::Report,
    },
    installed,
};
use clap::ValueEnum;
use serde_json::Value;

use crate::journey;

/// What the doctor is given.
#[derive(clap::Args)]
pub struct Arguments {
    /// JSON for programs, redacted as the report is.
    #[arg(long)]
    json: bool,
    /// Writes a report for the helpdesk: no names, no serial numbers in full; with a code to read out.
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
    /// Reads a report that somebody sent, in place of looking at this computer.
    #[arg(long, value_name = "FILE", conflicts_with = "bundle")]
    read: Option<PathBuf>,
    /// Language; that of the system where it is not given.
    #[arg(long, value_enum)]
    lang: Option<Language>,
    /// Also what is well.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    place: Place,
}

/// Where the program finds what it works with: as the window has it, where nothing is given.
#[derive(clap::Args)]
pub struct Place {
    /// Address of the service; what the administrator set where it is not given.
    #[arg(long)]
    service: Option<String>,
    /// PKCS#11 module to use; else what is installed.
    #[arg(long)]
    module: Vec<PathBuf>,
    /// Folder for local state; the window's own where it is not given.
    #[arg(long)]
    data: Option<PathBuf>,
    /// File that a service started with `--demo` writes when it listens.
    #[arg(long)]
    demo: Option<PathBuf>,
}

/// Language of the words.
#[derive(Clone, Copy, ValueEnum)]
pub enum Language {
    /// 简体中文
    #[value(name = "zh-CN")]
    Chinese,
    /// English
    #[value(name = "en")]
    English,
}

impl Place {
    /// The program, started there.
    ///
    /// # Errors
    /// The demo's file cannot be read, or there is no folder for local state.
    pub fn start(self) -> Result<Controller> {
        let (address, demo) = self.demo.map(|file| Demo::read(&file)).transpose().map_err(anyhow::Error::msg)?.unzip();
        let data = match self.data {
            Some(data) => data,
            None => dirs::data_local_dir().context("there is no folder for local data")?.join("certdesk"),
        };
        let mut options = journey::options(data, String::new(), self.module, installed::token_host());
        options.service = self.service.or(address).or_else(installed::service);
        options.demo = demo;
        Ok(Controller::start(options))
    }
}

/// Looks, and prints what was found. 0: a key can be used. 1: none can.
///
/// # Errors
/// A report cannot be read or written.
pub async fn run(arguments: Arguments) -> Result<ExitCode> {
    let language = arguments.lang.unwrap_or_else(Language::of_system);
    if let Some(file) = &arguments.read {
        let text = std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()))?;
        let report = Report::read(&text).context("this is no report, or somebody changed it")?;
        if arguments.json {
            print!("{}", report.to_json());
        } else {
            print!("{}", report_table(&report, language));
        }
        return Ok(exit_code(report.usable));
    }
    let certdesk = arguments.place.start()?;
    let examination = certdesk.examine().await.map_err(|failure| anyhow::anyhow!("{:?}", failure.code))?;
    let report = certdesk.report();
    if arguments.json {
        print!("{}", report.to_json());
    } else {
        print!("{}", table(&examination, language, arguments.all));
    }
    if let Some(file) = &arguments.bundle {
        std::fs::write(file, report.to_json()).with_context(|| format!("{} cannot be written", file.display()))?;
        if !arguments.json {
            println!("{}  {}  {}", language.words("summary", "report"), report.code, file.display());
        }
    }
    Ok(exit_code(examination.usable))
}

fn exit_code(usable: bool) -> ExitCode {
    if usable { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Problems and notes with what to do; what is well as one line each.
fn table(examination: &Examination, language: Language, all: bool) -> String {
    let mut out = String::new();
    for finding in &examination.findings {
        if finding.level == Level::Good && !all && finding.part != Part::Key {
            continue;
        }
        let facts: Vec<_> = finding.facts.iter().map(|fact| (name_of(fact), language.value(fact))).collect();
        let _ = out.write_str(&paragraph(&code_of(finding), finding.level, &facts, language));
    }
    let usable = if examination.usable { "usable" } else { "unusable" };
    let _ = writeln!(out, "\n{}", language.words("summary", usable));
    out
}

fn report_table(report: &Report, language: Language) -> String {
    let mut out = format!("{}  {}  {}\n", language.words("summary", "report"), report.code, report.made.date());
    for finding in &report.findings {
        let facts: Vec<_> = finding.facts.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let code = word(&finding.code);
        let _ = out.write_str(&paragraph(&code, finding.level, &facts, language));
    }
    out
}

fn paragraph(code: &str, level: Level, facts: &[(String, String)], language: Language) -> String {
    let say = |part: &str| fill(language.words("finding", &format!("{code}.{part}")), facts);
    let sign = match level {
        Level::Problem => '✗',
        Level::Note => '!',
        Level::Good => '✓',
    };
    let mut out = format!("{sign} {}\n", say("title"));
    if level != Level::Good {
        let _ = writeln!(out, "    {}\n  → {}", say("means"), say("do"));
    }
    let known: Vec<_> =
        facts.iter().map(|(name, value)| format!("{}: {value}", language.words("fact", name))).collect();
    if !known.is_empty() {
        let _ = writeln!(out, "    [{code}] {}", known.join(" · "));
    }
    out
}

fn fill(text: &str, facts: &[(String, String)]) -> String {
    facts.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
}

fn code_of(finding: &Finding) -> String {
    word(&finding.code)
}

fn name_of(fact: &Fact) -> String {
    word(&fact.name)
}

/// The word that a code is in JSON.
fn word(code: &impl serde::Serialize) -> String {
    serde_json::to_value(code).ok().and_then(|value| value.as_str().map(ToOwned::to_owned)).unwrap_or_default()
}

impl Language {
    pub(crate) fn of_system() -> Self {
        let set = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .iter()
            .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
        if set.is_some_and(|value| !value.starts_with("zh")) { Self::English } else { Self::Chinese }
    }

    fn value(self, fact: &Fact) -> String {
        match (self, &fact.zh) {
            (Self::Chinese, Some(zh)) => zh.clone(),
            _ => fact.value.clone(),
        }
    }

    pub(crate) fn of(self, text: &certdesk_contract::catalogue::Text) -> &str {
        match self {
            Self::Chinese => &text.zh,
            Self::English => &text.en,
        }
    }

    /// The title of a finding, where its facts are not known.
    pub(crate) fn title(self, code: FindingCode) -> String {
        let title = self.words("finding", &format!("{}.title", word(&code)));
        // Up to what would be filled in: `…：{vendor}`.
        title.split(['：', '{']).next().unwrap_or_default().trim_end_matches([' ', ':']).to_owned()
    }

    /// The window's own texts.
    pub(crate) fn words(self, part: &str, path: &str) -> &'static str {
        static CHINESE: LazyLock<Value> =
            LazyLock::new(|| read(include_str!("../../../../ui/src/text/zh-CN/doctor.json")));
        static ENGLISH: LazyLock<Value> =
            LazyLock::new(|| read(include_str!("../../../../ui/src/text/en/doctor.json")));
        let texts: &'static Value = match self {
            Self::Chinese => &CHINESE,
            Self::English => &ENGLISH,
        };
        let found = path.split('.').fold(&texts[part], |at, step| &at[step]);
        found.as_str().unwrap_or_default()
    }
}

fn read(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_words_in_both_languages() {
        for language in [Language::Chinese, Language::English] {
            for code in FindingCode::ALL {
                for part in ["title", "means", "do"] {
                    let path = format!("{}.{part}", word(code));
                    assert!(!language.words("finding", &path).is_empty(), "{path} has no words");
                }
            }
            for word in ["usable", "unusable", "report"] {
                assert!(!language.words("summary", word).is_empty(), "{word} has no words");
            }
        }
    }
}
