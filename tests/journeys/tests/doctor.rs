//! 检查本机 against a real service and a real key: which step fails on the way, and what a report does not say.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    process::Command,
};

use anyhow::{Context, Result, ensure};
use certdesk_controller::{
    Controller,
    doctor::{
        finding::{Examination, FactName, FindingCode, Level},
        report::Report,
    },
    view::Event,
};
use certdesk_domain::{AccountKind, token::KeyAlgorithm};
use journeys::{Stage, failed};
use stage::program;

fn has(examination: &Examination, code: FindingCode) -> bool {
    examination.findings.iter().any(|finding| finding.code == code)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_step_that_fails_on_the_way_to_the_service_is_found() -> Result<()> {
    let mut stage = Stage::set()?;
    let certdesk = Controller::start(stage.options()?);
    let mut events = certdesk.events();
    let well = certdesk.examine().await.map_err(failed)?;
    let works =
        well.findings.iter().find(|finding| finding.code == FindingCode::DriverWorks).context("a driver works")?;
    let said = |name| works.facts.iter().find(|fact| fact.name == name).map(|fact| fact.value.as_str());
    assert_eq!(said(FactName::Maker), Some("SoftHSM"), "the driver says who made it");
    assert_eq!(said(FactName::Version), Some("2.6"));
    assert!(has(&well, FindingCode::ServiceAnswers) && has(&well, FindingCode::ClockRight), "{well:?}");
    let told = std::iter::from_fn(|| events.try_recv().ok());
    let steps = told.filter_map(|event| match event {
        Event::Examination { examination } => Some(examination.waiting.len()),
        _ => None,
    });
    let steps: Vec<_> = steps.collect();
    assert_eq!((steps.first(), steps.last()), (Some(&7), Some(&0)), "each probe is told when it answers: {steps:?}");
    assert!(steps.is_sorted_by(|one, other| one >= other), "none is unasked again: {steps:?}");

    // Whoever does not trust the demo's root finds a stranger there.
    let mut stranger = stage.options()?;
    stranger.demo = None;
    let found = Controller::start(stranger).examine().await.map_err(failed)?;
    let replaced = found.findings.iter().find(|finding| finding.code == FindingCode::ServiceReplaced);
    let issuer = replaced.and_then(|finding| finding.facts.iter().find(|fact| fact.name == FactName::Issuer));
    let issuer = issuer.with_context(|| format!("who put it there is not named: {found:?}"))?;
    assert!(!issuer.value.is_empty(), "the stranger's authority has a name");

    stage.service.kill();
    let found = certdesk.examine().await.map_err(failed)?;
    assert!(has(&found, FindingCode::ServiceConnect), "{found:?}");

    // A page of a hotel: it answers in plain HTTP, and sends to its login.
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    std::thread::spawn(move || {
        for line in listener.incoming().flatten() {
            let mut line = line;
            let _ = line.read(&mut [0; 512]);
            let _ = line.write_all(b"HTTP/1.1 302 Found\r\nLocation: http://login.example/\r\n\r\n");
        }
    });
    let mut hotel = stage.options()?;
    hotel.service = Some(format!("https://{address}"));
    let found = Controller::start(hotel).examine().await.map_err(failed)?;
    assert!(has(&found, FindingCode::ServiceNetworkLogin), "{found:?}");

    let mut nowhere = stage.options()?;
    nowhere.service = Some("https://no-such-host.invalid".into());
    let found = Controller::start(nowhere).examine().await.map_err(failed)?;
    assert!(has(&found, FindingCode::ServiceName), "{found:?}");
    Ok(())
}

/// After a whole journey the program knows names, numbers and addresses; the report tells none of them.
#[tokio::test(flavor = "multi_thread")]
async fn a_report_holds_nothing_of_the_person_nor_of_the_key() -> Result<()> {
    let stage = Stage::set()?;
    let journey = stage.journey(AccountKind::Enterprise, KeyAlgorithm::EcP256)?;
    let outcome = certdesk_cli::journey::run(&journey).await?;
    let certdesk = &journey.controller;
    let examination = certdesk.examine().await.map_err(failed)?;
    assert!(examination.usable && has(&examination, FindingCode::KeyReady), "{examination:?}");
    let key = certdesk.refresh_keys().await.map_err(failed)?.keys.into_iter().next().context("the key")?;
    let shown = examination.findings.iter().flat_map(|finding| &finding.facts).any(|fact| fact.value == key.serial);
    assert!(shown, "the person in front of the computer sees the serial number in full");

    let json = certdesk.report().to_json();
    let registration = &journey.registration;
    let organisation = registration.organisation.as_ref().context("an enterprise")?;
    let personal = [
        organisation.name.as_str(),
        &organisation.credit_code,
        &organisation.legal_representative.name,
        &organisation.legal_representative.id_number,
        &registration.contact.name,
        &registration.contact.id_number,
        &registration.phone,
        &registration.email,
        &registration.address.detail,
        &outcome.account,
        &outcome.number,
        &outcome.certificate.serial,
        &outcome.certificate.fingerprint,
        &key.serial,
        &key.label,
        &journey.pin,
    ];
    for trace in personal {
        assert!(!trace.is_empty() && !json.contains(trace), "the report tells {trace}: {json}");
    }
    let home = std::env::var("HOME").unwrap_or_default();
    assert!(home.len() <= 1 || !json.contains(&home), "the report tells whose folder it is: {json}");
    assert!(Report::read(&json).is_some(), "and it is what its code says");
    Ok(())
}

#[test]
fn the_command_line_tells_by_its_exit_code_whether_a_key_can_be_used() -> Result<()> {
    let stage = Stage::set()?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("report.json");
    let run = |words: &[&std::ffi::OsStr]| -> Result<(Option<i32>, String)> {
        let mut command = Command::new(program("certdesk-cli")?);
        command.args(["doctor", "--lang", "zh-CN", "--data"]).arg(folder.path()).args(words);
        command.envs(stage.key.environment().iter().map(|(name, value)| (name, value)));
        let output = command.output()?;
        Ok((output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned()))
    };
    let module = stage.key.module.as_os_str();
    let (code, said) = run(&["--module".as_ref(), module, "--bundle".as_ref(), file.as_os_str()])?;
    ensure!(code == Some(1), "the key is blank: {said}");
    ensure!(said.contains("认证锁里还没有证书"), "{said}");
    let report = Report::read(&std::fs::read_to_string(&file)?).context("a report")?;
    ensure!(said.contains(&report.code), "the code is told: {said}");
    ensure!(report.findings.iter().any(|finding| finding.level == Level::Note), "{report:?}");
    let (code, said) = run(&["--read".as_ref(), file.as_os_str()])?;
    ensure!(code == Some(1) && said.contains(&report.code), "the helpdesk sees the same: {said}");
    let (_, json) = run(&["--module".as_ref(), module, "--json".as_ref()])?;
    ensure!(Report::read(&json).is_some(), "JSON for programs is the report: {json}");
    Ok(())
}
