//! `check`: the program compiles for the other systems; for Windows its pieces also run, under Wine.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use crate::{
    node::Node,
    report::Report,
    setup::{self, Purpose},
    terminal::Terminal,
    test,
};

/// What ships.
const SHIPPED: [&str; 4] = ["certdesk", "certdesk-token-host", "certdesk-service", "certdesk-cli"];
/// What has tests and no window. A test that cannot hold there says why in its `ignore`.
const WINDOWLESS: [&str; 11] = [
    "certdesk-domain",
    "certdesk-contract",
    "pkcs11-profiles",
    "certdesk-pki",
    "certdesk-forms",
    "certdesk-cache",
    "certdesk-token",
    "certdesk-token-host",
    "certdesk-service",
    "certdesk-portal",
    "certdesk-controller",
];

/// Another system.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Target {
    #[value(name = "x86_64-pc-windows-gnu", alias = "windows")]
    Windows,
    #[value(name = "aarch64-apple-darwin", alias = "macos")]
    MacOs,
    #[value(name = "aarch64-unknown-linux-gnu", alias = "linux-arm64")]
    LinuxArm64,
}

#[derive(Args)]
pub(crate) struct Arguments {
    /// For which system; all three when none is named. Short names: windows, macos, linux-arm64.
    #[arg(long = "target", value_enum)]
    targets: Vec<Target>,
    /// Only these crates, instead of all that ship.
    #[arg(short, long = "package")]
    packages: Vec<String>,
    /// Also run the tests of the crates without a window under Wine.
    #[arg(long)]
    wine_test: bool,
}

pub(crate) fn run(terminal: &Terminal, arguments: Arguments) -> Result<Report> {
    // The window's crate takes its page in while it compiles.
    let node: Node = setup::prepare(terminal, Purpose::Build)?;
    test::build_ui(terminal, &node)?;
    let targets = if arguments.targets.is_empty() { Target::value_variants().to_vec() } else { arguments.targets };
    let chosen: Vec<_> = arguments.packages.iter().map(String::as_str).collect();
    let mut report = Report::new(&["target", "what", "seconds", "passed", "failed", "skipped", "result"]);
    for target in targets {
        cross(terminal, &mut report, target, "toolchain", &["setup", target.name()]);
        let packages: &[&str] = if chosen.is_empty() { &SHIPPED } else { &chosen };
        cross(terminal, &mut report, target, "check", &cargo_line("check", target, packages));
        if arguments.wine_test && target == Target::Windows {
            cross(terminal, &mut report, target, "Wine", &["wine"]);
            wine_tests(terminal, &mut report, target, if chosen.is_empty() { &WINDOWLESS } else { &chosen });
        }
    }
    Ok(report)
}

impl Target {
    fn name(self) -> &'static str {
        match self {
            Self::Windows => "x86_64-pc-windows-gnu",
            Self::MacOs => "aarch64-apple-darwin",
            Self::LinuxArm64 => "aarch64-unknown-linux-gnu",
        }
    }
}

fn cargo_line<'a>(verb: &'a str, target: Target, packages: &[&'a str]) -> Vec<&'a str> {
    let mut line = vec![verb, target.name()];
    line.extend(packages.iter().flat_map(|name| ["-p", name]));
    line
}

/// A failing step is told by its name and does not keep the other targets from being checked.
fn cross(terminal: &Terminal, report: &mut Report, target: Target, what: &str, line: &[&str]) {
    let start = Instant::now();
    let answer = terminal.run(script().args(line));
    enter(report, target, what, start, None, answer);
}

/// The tests of these crates: built at once, then run crate by crate, counted, and what is left out with its reason.
fn wine_tests(terminal: &Terminal, report: &mut Report, target: Target, packages: &[&str]) {
    let start = Instant::now();
    let built = build_tests(terminal, target, packages);
    let programs = built.as_ref().map(Vec::clone).unwrap_or_default();
    enter(report, target, "tests built", start, None, built.map(drop));
    for package in packages {
        let start = Instant::now();
        let mut tests = Tests::default();
        let run = |program: &TestProgram, tests: &mut Tests| {
            let mut command = script();
            command.arg("run").arg(&program.file).arg("--show-output").current_dir(&program.folder);
            terminal.run_reading(&mut command, |said| tests.read(said))
        };
        let own = programs.iter().filter(|program| program.package == *package);
        // A program that fails does not keep the next from being run.
        let answers: Vec<_> = own.map(|program| run(program, &mut tests)).collect();
        for (name, reason) in &tests.skipped {
            report.fact(&format!("skipped in {package}, {name}"), reason.as_str());
        }
        for name in &tests.failed {
            report.falls_short(format!("{package}, {name} fails under Wine"));
        }
        let answer = answers.into_iter().collect::<Result<Vec<()>>>();
        enter(report, target, &format!("{package} under Wine"), start, Some(&tests), answer.map(drop));
    }
}

/// A test program and the folder it expects to be run in.
#[derive(Clone, Debug, PartialEq, Eq)]
struct TestProgram {
    package: String,
    folder: PathBuf,
    file: PathBuf,
}

fn build_tests(terminal: &Terminal, target: Target, packages: &[&str]) -> Result<Vec<TestProgram>> {
    let mut command = script();
    command.args(cargo_line("test", target, packages)).args([
        "--no-run",
        "--message-format",
        "json-render-diagnostics",
    ]);
    terminal.say(&format!("$ building the tests of {}", packages.join(", ")));
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "the tests do not build for {} ({})", target.name(), output.status);
    let told = String::from_utf8_lossy(&output.stdout);
    Ok(told.lines().filter_map(test_program).collect())
}

/// The test program that a message of cargo tells of.
fn test_program(message: &str) -> Option<TestProgram> {
    let message: Value = serde_json::from_str(message).ok()?;
    if message["profile"]["test"] != true {
        return None;
    }
    let file = message["executable"].as_str()?.into();
    let folder = Path::new(message["manifest_path"].as_str()?).parent()?;
    // `path+file:///…/pki#certdesk-pki@0.1.0`, or without the name where the folder has it.
    let package = match message["package_id"].as_str()?.rsplit_once('#')?.1.split_once('@') {
        Some((name, _)) => name.to_owned(),
        None => folder.file_name()?.to_str()?.to_owned(),
    };
    Some(TestProgram { package, folder: folder.into(), file })
}

fn script() -> Command {
    let mut command = Command::new("bash");
    // Absolute: test programs are run in folders of their own.
    command.arg(std::path::absolute("packaging/cross/cross.sh").unwrap_or_else(|_| "packaging/cross/cross.sh".into()));
    command
}

fn enter(report: &mut Report, target: Target, what: &str, start: Instant, tests: Option<&Tests>, answer: Result<()>) {
    let result = if answer.is_ok() { "holds" } else { "fails" };
    let count = |of: fn(&Tests) -> usize| tests.map_or(json!(null), |tests| json!(of(tests)));
    let (passed, failed, skipped) =
        (count(|tests| tests.passed), count(|tests| tests.failed.len()), count(|tests| tests.skipped.len()));
    let seconds = start.elapsed().as_secs_f64();
    report.row([json!(target.name()), json!(what), json!(seconds), passed, failed, skipped, json!(result)]);
    if let Err(error) = answer {
        report.falls_short(format!("{}, {what}: {error:#}", target.name()));
    }
}

/// What the test programs of a crate said.
#[derive(Debug, Default)]
struct Tests {
    passed: usize,
    failed: Vec<String>,
    /// Name and reason.
    skipped: Vec<(String, String)>,
    /// The test whose output is being read.
    speaks: Option<String>,
}

impl Tests {
    /// A line as libtest prints it: `test NAME ... ok`, `… FAILED`, `… ignored, REASON`, and later what the tests printed,
    /// each after `---- NAME stdout ----`: one that found nothing to run on says `skipped: REASON` there. The totals are not
    /// asked: a program that is killed by a test has none.
    fn read(&mut self, line: &str) {
        if let Some(name) = line.strip_prefix("---- ").and_then(|rest| rest.strip_suffix(" stdout ----")) {
            self.speaks = Some(name.to_owned());
        }
        if let Some(reason) = line.strip_prefix("skipped: ")
            && let Some(name) = self.speaks.take()
        {
            self.passed = self.passed.saturating_sub(1);
            self.skipped.push((name, reason.to_owned()));
        }
        let Some((name, outcome)) = line.strip_prefix("test ").and_then(|rest| rest.split_once(" ... ")) else {
            return;
        };
        let name = name.trim_end_matches(" - should panic").to_owned();
        match outcome.split_once(", ").unwrap_or((outcome, "no reason given")) {
            ("ignored", reason) => self.skipped.push((name, reason.to_owned())),
            ("FAILED", _) => self.failed.push(name),
            ("ok", _) => self.passed += 1,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_program_is_known_by_its_crate() {
        let message = |id: &str, test: bool| {
            json!({
                "reason": "compiler-artifact",
                "package_id": format!("path+file:///house/{id}"),
                "manifest_path": "/house/pkcs11-profiles/Cargo.toml",
                "profile": { "test": test },
                "executable": "/house/target/deps/it-0.exe",
            })
        };
        let of = |id, test| test_program(&message(id, test).to_string()).map(|program| program.package);
        assert_eq!(of("pki#certdesk-pki@0.1.0", true).as_deref(), Some("certdesk-pki"), "by its name where it is told");
        assert_eq!(of("pkcs11-profiles#0.1.0", true).as_deref(), Some("pkcs11-profiles"), "by its folder otherwise");
        assert_eq!(of("pki#certdesk-pki@0.1.0", false), None, "a program that ships is no test");
        assert_eq!(test_program("{\"reason\":\"build-finished\",\"success\":true}"), None);
    }

    #[test]
    fn tests_are_counted_and_what_is_left_out_keeps_its_reason() {
        let mut tests = Tests::default();
        let said = "running 5 tests\ntest a::holds ... ok\ntest a::panics - should panic ... ok\ntest b::fails ... FAILED\n\
                    test c::waits ... ignored, Windows has no such signal\ntest d::asks ... ok\n\nsuccesses:\n\n\
                    ---- d::asks stdout ----\nskipped: no Python here\n\n---- a::holds stdout ----\nmade 3 files\n\n\
                    test result: FAILED. 3 passed; 1 failed; 1 ignored";
        said.lines().for_each(|line| tests.read(line));
        let skipped = [("c::waits", "Windows has no such signal"), ("d::asks", "no Python here")];
        assert_eq!((tests.passed, tests.failed), (2, vec!["b::fails".to_owned()]));
        assert_eq!(tests.skipped, skipped.map(|(name, reason)| (name.to_owned(), reason.to_owned())));
    }
}
