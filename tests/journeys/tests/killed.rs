//! kill -9 of the program, at any moment: what it had acknowledged is there again, and what it had begun goes on.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, Result, ensure};
use certdesk_domain::{AccountKind, Business, State, token::KeyAlgorithm};
use journeys::{PIN, Seat, Stage, certified, early_renewal, failed, hand_in};

/// Each step is what the program said last before it was killed.
#[tokio::test(flavor = "multi_thread")]
async fn issuance_killed_after_any_step_leaves_one_certificate_and_no_orphan() -> Result<()> {
    for step in ["KeyPair", "Request", "Certificate", "Written", "Proven"] {
        let stage = Stage::set()?;
        let journey = stage.journey(AccountKind::Individual, KeyAlgorithm::EcP256)?;
        let account = journey.register().await?;
        let draft = journey.fill_in().await?;
        journey.hand_in(draft.id).await?;
        journey.be_approved(draft.id).await?;
        let seat = stage.seat(&account);

        let mut killed = applicant(&seat, "certificate", &draft.id.to_string())?;
        wait_for(&mut killed, |line| line == step).with_context(|| format!("never came to {step}"))?;
        killed.kill()?;
        killed.wait()?;

        // It may end in a refusal: on a busy computer a kill may come after the proof was sent, and then the service has all
        // it waits for and takes the password no more.
        let again = applicant(&seat, "certificate", &draft.id.to_string())?.wait_with_output()?;
        let application = journey.controller.application(draft.id).await.map_err(failed)?.application;
        assert_eq!(application.state, State::Completed, "killed after {step}, the case comes to its end: {again:?}");
        let listed = Command::new("pkcs11-tool")
            .arg("--module")
            .arg(&stage.key.module)
            .args(["--login", "--pin", PIN, "--list-objects"])
            .envs(stage.key.environment())
            .output()?;
        let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
        let count = |what: &str| listed.lines().filter(|line| line.starts_with(what)).count();
        assert_eq!(count("Private Key Object"), 1, "killed after {step}, one private key:\n{listed}");
        assert_eq!(count("Public Key Object"), 1, "killed after {step}, one public key:\n{listed}");
        assert_eq!(count("Certificate Object"), 1, "killed after {step}, one certificate:\n{listed}");
    }
    Ok(())
}

/// Each step is what the program said last before it was killed; then the old certificate goes, killed later and later.
#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_killed_after_any_step_leaves_one_that_works_and_no_orphan() -> Result<()> {
    for step in ["KeyPair", "Request", "Certificate", "Written", "Proven"] {
        let stage = Stage::set_with_catalogue(early_renewal)?;
        let (journey, account) = certified(&stage, AccountKind::Individual).await?;
        let certdesk = journey.controller.clone();
        let old = certdesk.certificates().await.map_err(failed)?.pop().context("no certificate was made")?;
        let draft = certdesk.start_application(Business::Renew, Some(old.serial.clone())).await.map_err(failed)?;
        journey.complete(draft.id).await?;
        hand_in(&journey, draft.id).await?;
        let (seat, case) = (stage.seat(&account), draft.id.to_string());
        let mut killed = applicant(&seat, "renewed", &case)?;
        wait_for(&mut killed, |line| line == step).with_context(|| format!("never came to {step}"))?;
        killed.kill()?;
        killed.wait()?;
        // Whatever is on the key now, it lets its holder in, who goes on where it stood.
        let finished = applicant(&seat, "renewed", &case)?.wait_with_output()?;
        ensure!(finished.status.success(), "killed after {step}, it did not go on");
        let state = certdesk.application(draft.id).await.map_err(failed)?.application.state;
        assert_eq!(state, State::Completed, "killed after {step}, the case still comes to its end");
        assert_eq!(on_the_key(&stage)?, (2, 2, 2), "killed after {step}: the old and the new, each with its key pair");

        // The first, the second and the third object of the old one went.
        for left in [5, 4, 3] {
            // One kill may have come late and let two of them go: the next would then fall into a login, which is not meant.
            if objects(&stage)? <= left {
                continue;
            }
            let mut killed = applicant(&seat, "remove", &old.fingerprint)?;
            wait_for(&mut killed, |line| line == "removing" || line == "removed")?;
            while objects(&stage)? > left && killed.try_wait()?.is_none() {
                std::hint::spin_loop();
            }
            killed.kill()?;
            killed.wait()?;
            let (private, _, certificates) = on_the_key(&stage)?;
            ensure!(private <= certificates, "a key pair without its certificate is left");
        }
        let finished = applicant(&seat, "remove", &old.fingerprint)?.wait_with_output()?;
        ensure!(finished.status.success(), "killed while it removed, it did not go on");
        assert_eq!(on_the_key(&stage)?, (1, 1, 1), "the new one alone is left, whole");
        journey.log_in_with_key(&account).await.with_context(|| format!("killed after {step}"))?;
    }
    Ok(())
}

/// How many private keys, public keys and certificates are on the key.
fn on_the_key(stage: &Stage) -> Result<(usize, usize, usize)> {
    let listed = stage.pkcs11_tool(&stage.key.label, &["--list-objects"])?;
    let count = |what: &str| listed.lines().filter(|line| line.starts_with(what)).count();
    Ok((count("Private Key Object"), count("Public Key Object"), count("Certificate Object")))
}

/// How many objects lie in the software key's folder, the key itself not counted.
fn objects(stage: &Stage) -> Result<usize> {
    let token = std::fs::read_dir(stage.scratch().join("key/tokens"))?.next().context("there is no key")??.path();
    let names = std::fs::read_dir(token)?.flatten().map(|entry| entry.file_name());
    let is_object = |name: &std::ffi::OsString| name.to_string_lossy().ends_with(".object") && name != "token.object";
    Ok(names.filter(is_object).count())
}

/// Killed later and later after it began to hand in, until one got through.
#[tokio::test(flavor = "multi_thread")]
async fn handed_in_and_killed_it_is_one_application() -> Result<()> {
    let stage = Stage::set()?;
    let journey = stage.journey(AccountKind::Individual, KeyAlgorithm::EcP256)?;
    let account = journey.register().await?;
    let draft = journey.fill_in().await?.id.to_string();
    for patience in (0..).map(|step| Duration::from_millis(4 * step)) {
        let mut killed = applicant(&stage.seat(&account), "submit", &draft)?;
        wait_for(&mut killed, |line| line == "submitting")?;
        tokio::time::sleep(patience).await;
        killed.kill()?;
        let rest = killed.wait_with_output()?;
        if !rest.stdout.is_empty() {
            break;
        }
    }
    let again = applicant(&stage.seat(&account), "submit", &draft)?.wait_with_output()?;
    let number = String::from_utf8(again.stdout)?.lines().last().map(str::to_owned);
    let mine = journey.controller.applications().await.map_err(failed)?;
    assert_eq!(mine.len(), 1, "one application, however often it was killed");
    assert_eq!(mine[0].application.number, number, "and the last try was told its number");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_typed_is_there_after_a_kill() -> Result<()> {
    let stage = Stage::set()?;
    let journey = stage.journey(AccountKind::Enterprise, KeyAlgorithm::EcP256)?;
    let account = journey.register().await?;
    for stop in [1, 7, 20] {
        let mut typing = applicant(&stage.seat(&account), "type", "")?;
        let mut said = 0;
        let last = wait_for(&mut typing, |_| {
            said += 1;
            said == stop
        })?;
        typing.kill()?;
        let rest = typing.wait_with_output()?;
        let last = String::from_utf8(rest.stdout)?.lines().last().map_or(last, str::to_owned);
        let draft = journey.controller.start_application(Business::New, None).await.map_err(failed)?;
        let kept = draft.handler.address.detail;
        let number = |text: &str| text.split(' ').nth(1).and_then(|number| number.parse::<u32>().ok());
        assert!(
            number(&kept) >= number(&last) && number(&last).is_some(),
            "the program had said that “{last}” is saved, but “{kept}” came back"
        );
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_goes_on_after_a_kill_where_it_was() -> Result<()> {
    let stage = Stage::set()?;
    let journey = stage.journey(AccountKind::Enterprise, KeyAlgorithm::EcP256)?;
    let account = journey.register().await?;
    // A second program on the same draft would send the file too.
    drop(journey);
    let video = stage.scratch().join("长视频.mp4");
    std::fs::copy(journeys::specimens()?.join("承诺视频.mp4"), &video)?;
    // Bytes after the last box change nothing for a player, and make the file as long as the rule allows.
    std::fs::OpenOptions::new().write(true).open(&video)?.set_len(90 << 20)?;
    let seat = stage.seat(&account);
    let video = video.to_string_lossy().into_owned();

    let mut sending = applicant(&seat, "upload", &video)?;
    let chunk = certdesk_contract::upload::CHUNK_BYTES;
    let sent = |line: &str| line.strip_prefix("sent ").and_then(|sent| sent.parse::<u64>().ok()).unwrap_or(0);
    wait_for(&mut sending, |line| sent(line) >= 2 * chunk || line == "done")?;
    sending.kill()?;
    sending.wait()?;

    let mut again = applicant(&seat, "upload", &video)?;
    let first = wait_for(&mut again, |line| sent(line) > 0 || line == "done")?;
    assert!(first == "done" || sent(&first) >= chunk, "it began again at {first}, although two chunks were there");
    let end = again.wait_with_output()?;
    ensure!(end.status.success(), "the upload did not come to its end");
    Ok(())
}

/// The command line goes the journey and is killed as it begins its n-th step; then somebody else goes the whole way
/// with the same program, the same folder and the same key.
#[tokio::test(flavor = "multi_thread")]
async fn killed_at_the_beginning_of_any_step_the_program_serves_on() -> Result<()> {
    for step in 1.. {
        let stage = Stage::set()?;
        let scratch = stage.scratch();
        std::fs::write(scratch.join("pin"), PIN)?;
        let mut walker = Command::new(stage::program("certdesk-cli")?)
            .args(["journey", "--account", "enterprise", "--algorithm", "ec-p256", "--demo"])
            .arg(&stage.service.ready.file)
            .arg("--module")
            .arg(&stage.key.module)
            .arg("--pin-file")
            .arg(scratch.join("pin"))
            .arg("--files")
            .arg(journeys::specimens()?)
            .arg("--data")
            .arg(stage.seat("").data)
            .envs(stage.key.environment())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut said = BufReader::new(walker.stderr.take().context("it has no stderr")?).lines();
        let mut begun = 0;
        let last = said.find(|line| {
            begun += u32::from(line.as_ref().is_ok_and(|line| line.starts_with('·')));
            begun == step
        });
        walker.kill()?;
        let ended = walker.wait()?;
        let Some(last) = last.transpose()? else {
            ensure!(step > 10 && ended.success(), "the journey ended before its step {step}: {ended}");
            return Ok(());
        };
        // A certificate counts its time in whole seconds, and of two on one key the later one logs in.
        let second = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let before = second();
        stage::until("the next second", Duration::from_secs(5), || (second() > before).then_some(()))?;
        let next = stage.journey(AccountKind::Individual, KeyAlgorithm::EcP256)?;
        certdesk_cli::journey::run(&next).await.with_context(|| format!("after a kill at “{last}”"))?;
    }
    Ok(())
}

/// Starts an applicant; killed with its handle where a test fails before.
fn applicant(seat: &Seat, act: &str, given: &str) -> Result<Child> {
    let child = Command::new(env!("CARGO_BIN_EXE_applicant"))
        .args([serde_json::to_string(seat)?.as_str(), act, given])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    Ok(child)
}

/// Reads what it says until a line fits; the line. Its stdout is given back for whoever reads on.
fn wait_for(child: &mut Child, mut fits: impl FnMut(&str) -> bool) -> Result<String> {
    let mut reader = BufReader::with_capacity(1, child.stdout.take().context("it has no stdout")?);
    let mut line = String::new();
    loop {
        line.clear();
        ensure!(reader.read_line(&mut line)? > 0, "it ended before");
        if fits(line.trim_end()) {
            child.stdout = Some(reader.into_inner());
            return Ok(line.trim_end().to_owned());
        }
    }
}
