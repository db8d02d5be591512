//! What may leave this computer: findings without names, without serial numbers in full, without this computer's user and
//! folders; with a short code over all of it, so that two people on the telephone know they look at the same.

use certdesk_domain::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::{collections::BTreeMap, path::Path};
use ts_rs::TS;

use super::finding::{Care, Examination, Fact, FindingCode, Level, Part};

/// A report as it is written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Six characters to read out, made from everything below.
    pub code: String,
    /// Version of this form.
    pub version: u32,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub made: Timestamp,
    /// Whether a key could be used.
    pub usable: bool,
    /// What was found, problems first.
    pub findings: Vec<ReportedFinding>,
}

/// One finding of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportedFinding {
    /// Code.
    pub code: FindingCode,
    /// What it is about.
    pub part: Part,
    /// How well it is.
    pub level: Level,
    /// Facts, redacted, by name.
    pub facts: BTreeMap<String, String>,
}

/// A report that was saved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, TS)]
pub struct SavedReport {
    /// Name of the file.
    pub name: String,
    /// Its code, to read out.
    pub code: String,
}

/// Version of the form.
const VERSION: u32 = 1;

/// Letters and digits that are not taken for each other, read or heard.
const ALPHABET: &[u8; 24] = b"ACDEFGHJKMNPRTUVWXY34679";

impl Report {
    /// The report of an examination.
    pub fn of(examination: &Examination, made: Timestamp) -> Self {
        let traces = Traces::here();
        let findings = examination.findings.iter().map(|finding| ReportedFinding {
            code: finding.code,
            part: finding.part,
            level: finding.level,
            facts: finding.facts.iter().map(|fact| (fact_name(fact), traces.redacted(fact))).collect(),
        });
        let mut report = Self {
            code: String::new(),
            version: VERSION,
            // Whole seconds: what is written is what was coded.
            made: made.replace_nanosecond(0).unwrap_or(made),
            usable: examination.usable,
            findings: findings.collect(),
        };
        report.code = report.code_of_content();
        report
    }

    /// As it is written to a file.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Reads a report; `None` where it is none, or where its content is not what its code was made from.
    pub fn read(json: &str) -> Option<Self> {
        let report: Self = serde_json::from_str(json).ok()?;
        (report.code == report.code_of_content()).then_some(report)
    }

    /// The code: the first six digits, in base 24, of the SHA-256 of the report without it.
    fn code_of_content(&self) -> String {
        let content = Self { code: String::new(), ..self.clone() };
        let digest = Sha256::digest(serde_json::to_vec(&content).unwrap_or_default());
        let mut number = u64::from_be_bytes(digest[..8].try_into().unwrap_or_default());
        let mut code = String::new();
        for _ in 0..6 {
            code.push(char::from(ALPHABET[(number % 24) as usize]));
            number /= 24;
        }
        code
    }
}

/// What would tell whose computer this is.
struct Traces(Vec<(String, &'static str)>);

impl Traces {
    fn here() -> Self {
        let variable = |name: &str| std::env::var(name).ok();
        let home = variable("HOME").or_else(|| variable("USERPROFILE"));
        let user = variable("USER").or_else(|| variable("USERNAME")).or_else(|| {
            home.as_deref().and_then(|home| Some(Path::new(home).file_name()?.to_string_lossy().into_owned()))
        });
        let host = variable("HOSTNAME")
            .or_else(|| variable("COMPUTERNAME"))
            .or_else(|| Some(std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?.trim().to_owned()));
        Self::of(home, user, host)
    }

    fn of(home: Option<String>, user: Option<String>, host: Option<String>) -> Self {
        // A name of two letters, or one that is everywhere, would take whole words apart and names nobody.
        let telling =
            |name: &String| name.chars().count() > 2 && !["root", "user", "localhost"].contains(&name.as_str());
        let whole = |path: &String| path.trim_end_matches(['/', '\\']).len() > 1;
        let mut traces = Vec::new();
        traces.extend(home.filter(whole).map(|home| (home, "~")));
        traces.extend(user.filter(telling).map(|user| (user, HIDDEN)));
        traces.extend(host.filter(telling).map(|host| (host, HIDDEN)));
        Self(traces)
    }

    fn redacted(&self, fact: &Fact) -> String {
        match fact.care {
            Care::Person => HIDDEN.to_owned(),
            Care::Number => end_of(&fact.value),
            Care::Open => {
                let mut text = fact.value.clone();
                for (trace, instead) in &self.0 {
                    text = text.replace(trace.as_str(), instead);
                }
                text
            }
        }
    }
}

const HIDDEN: &str = "•••";

/// The last characters of a number, a third of it at most and never more than four.
fn end_of(number: &str) -> String {
    let length = number.chars().count();
    let shown = (length / 3).min(4);
    format!("•••{}", number.chars().skip(length - shown).collect::<String>())
}

fn fact_name(fact: &Fact) -> String {
    serde_json::to_value(fact.name).ok().and_then(|name| name.as_str().map(ToOwned::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::{FactName, Finding};
    use proptest::prelude::*;

    const MADE: Timestamp = time::macros::datetime!(2026-11-23 08:00 UTC);

    fn report() -> Report {
        let finding = Finding::new(FindingCode::KeyReady, Level::Good)
            .person(FactName::Holder, "福州云帆测试科技有限公司")
            .number(FactName::Serial, "2611230042")
            .fact(FactName::Vendor, "ePass2003");
        Report::of(&Examination { waiting: Vec::new(), findings: vec![finding], usable: true }, MADE)
    }

    #[test]
    fn a_report_names_nobody_and_no_number_in_full() {
        let json = report().to_json();
        assert!(!json.contains("云帆") && !json.contains("2611230042"), "{json}");
        assert!(json.contains("•••042"), "its end is there to compare with: {json}");
        assert!(json.contains("ePass2003"), "what tells nothing of a person stays");
    }

    #[test]
    fn this_computers_user_and_folders_are_left_out() {
        let traces = Traces::of(Some("/home/linxm".into()), Some("linxm".into()), Some("caiwu-03".into()));
        let redacted = |value: &str| {
            traces.redacted(&Finding::new(FindingCode::DriverGone, Level::Note).fact(FactName::File, value).facts[0])
        };
        assert_eq!(redacted("/home/linxm/drivers/libkey.so"), "~/drivers/libkey.so");
        assert_eq!(redacted("caiwu-03: no such user linxm"), "•••: no such user •••");
        let root = Traces::of(Some("/".into()), Some("root".into()), None);
        assert_eq!(root.0.len(), 0, "a name that is everywhere tells nothing");
    }

    #[test]
    fn the_code_is_that_of_what_stands_there() {
        let report = report();
        assert_eq!(Report::read(&report.to_json()).as_ref(), Some(&report), "read as it was written");
        assert_eq!(report.code.len(), 6);
        let changed = report.to_json().replace("\"usable\": true", "\"usable\": false");
        assert_eq!(Report::read(&changed), None, "what was changed has another code");
        let later = Report::of(&Examination::default(), MADE);
        assert_ne!(later.code, report.code, "another content, another code");
    }

    proptest! {
        #[test]
        fn of_a_number_little_is_shown(number in "[0-9A-Z]{1,40}") {
            let shown = end_of(&number);
            let shown = shown.trim_start_matches('•');
            prop_assert!(number.ends_with(shown) && shown.len() <= 4 && shown.len() * 3 <= number.len());
        }

        #[test]
        fn any_text_is_read_without_harm(text in ".{0,200}") {
            let _ = Report::read(&text);
        }
    }
}
