//! `demo`: the whole of it on one machine, for a person at the display or, headless, for nobody but the pictures.

use std::{env, fs, path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::{Value, json};
use stage::{Running, Service, SoftKey};

use crate::{
    report::Report,
    setup::{self, Purpose},
    terminal::{Terminal, cargo},
    test,
};

const FOLDER: &str = "target/demo";
const KEY_LABEL: &str = "证办通演示锁";
const PIN: &str = "123456";

#[derive(Args)]
pub(crate) struct Arguments {
    /// Needs no display: drives the real window through the whole journey on a virtual one, checks each step, and writes
    /// pictures and `tour.md` under `target/demo/`.
    #[arg(long)]
    headless: bool,
    /// Languages of the headless journey, one after the other.
    #[arg(long, default_values = ["zh-CN", "en"], value_parser = ["zh-CN", "en"], value_delimiter = ',')]
    locale: Vec<String>,
    /// Size of the window in the headless journey, pixels.
    #[arg(long, default_value = "1280x800")]
    size: String,
    /// Go on where the last demo was closed, instead of with an empty service and a blank key.
    #[arg(long, conflicts_with = "headless")]
    keep: bool,
}

pub(crate) fn run(terminal: &Terminal, arguments: Arguments) -> Result<Report> {
    if arguments.headless { tour(terminal, &arguments) } else { show(terminal, arguments.keep) }
}

fn show(terminal: &Terminal, keep: bool) -> Result<Report> {
    let display = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| env::var_os(name).is_some());
    ensure!(
        display || !cfg!(target_os = "linux"),
        "there is no display here: `cargo xtask demo --headless` needs none"
    );
    let node = setup::prepare(terminal, Purpose::Demo)?;
    test::build_ui(terminal, &node)?;
    terminal.run(cargo().args(["build", "-p", "certdesk", "-p", "certdesk-token-host", "-p", "certdesk-service"]))?;

    let folder = std::path::absolute(FOLDER)?;
    let (service_folder, key_folder, data) = (folder.join("service"), folder.join("key"), folder.join("data"));
    let key = if keep && key_folder.exists() {
        SoftKey::in_folder(&key_folder, KEY_LABEL, PIN)?
    } else {
        for old in [&service_folder, &data] {
            remove(old)?;
        }
        SoftKey::blank(&key_folder, KEY_LABEL, PIN)?
    };
    let catalogue = stage::catalogue_with_open_renewals(&service_folder)?;
    let service =
        Service::start_with(&service_folder, "127.0.0.1:0", &["--catalogue".as_ref(), catalogue.as_os_str()])?;

    let mut report = Report::new(&["what", "value"]);
    report.row([json!("software key"), json!(KEY_LABEL)]);
    report.row([json!("its PIN"), json!(PIN)]);
    report.row([json!("portal service"), json!(service.ready.text("base_url")?)]);
    report.row([json!("everything is in"), json!(FOLDER)]);
    terminal.say(&format!("\n{report}\nClose the window to end the demo."));

    let mut window = Running::start(
        Command::new(stage::program("certdesk")?)
            .args([Path::new("--demo"), &service.ready.file, Path::new("--data"), &data])
            .args([Path::new("--module"), &key.module, Path::new("--desk")])
            .envs(key.environment()),
    )?;
    let status = window.wait()?;
    if !status.success() {
        report.falls_short(format!("the window ended with {status}"));
    }
    Ok(report)
}

fn tour(terminal: &Terminal, arguments: &Arguments) -> Result<Report> {
    let node = setup::prepare(terminal, Purpose::Test)?;
    test::build_ui(terminal, &node)?;
    let packages = ["certdesk", "certdesk-token-host", "certdesk-service", "certdesk-cli", "window"];
    terminal
        .run(cargo().arg("build").args(packages.iter().flat_map(|name| ["-p", name])).arg("--features=certdesk/e2e"))?;

    let mut report = Report::new(&["language", "step", "rows of the manual", "title", "seconds", "pictures"]);
    for locale in &arguments.locale {
        let mut answer = Value::Null;
        let run = terminal.run_reading(
            Command::new(stage::program("tour")?).args(["--out", FOLDER]).args([
                "--locale",
                locale,
                "--size",
                &arguments.size,
            ]),
            |line| answer = serde_json::from_str(line).unwrap_or(Value::Null),
        );
        for step in answer["steps"].as_array().into_iter().flatten() {
            let [number, rows, title, seconds, pictures] =
                ["number", "rows", "title", "seconds", "pictures"].map(|name| step[name].clone());
            report.row([json!(locale), number, rows, title, seconds, pictures]);
        }
        let file = if locale == "en" { "tour.en.md" } else { "tour.md" };
        report.fact(&format!("tour in {locale}"), format!("{FOLDER}/{file}"));
        if let Err(error) = run {
            report.falls_short(answer["failure"].as_str().map_or_else(|| format!("{error:#}"), str::to_owned));
        }
    }
    Ok(report)
}

fn remove(folder: &Path) -> Result<()> {
    if !folder.exists() {
        return Ok(());
    }
    fs::remove_dir_all(folder).with_context(|| format!("cannot empty {}", folder.display()))
}
