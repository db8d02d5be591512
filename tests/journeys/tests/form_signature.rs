//! The form signed with the key of the session: from the program to the reviewer, and what becomes of its file.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use certdesk_cache::SealedFile;
use certdesk_cli::journey::Journey;
use certdesk_contract::account::ConsentSubject;
use certdesk_controller::{
    Controller, LocalCode, Pin, PinEntry,
    view::{AttachmentView, DraftView, PinOutcome, PinPurpose},
};
use certdesk_domain::{AccountKind, Business, FileKind, State, token::KeyAlgorithm};
use certdesk_pki::pdf;
use journeys::{PIN, Stage, failed, guide_opened, told};

/// Somebody logged in by key, with a draft of 变更 that says what changes.
async fn changing(stage: &Stage) -> Result<(Journey, DraftView)> {
    let journey = stage.journey(AccountKind::Enterprise, KeyAlgorithm::EcP256)?;
    let account = journey.register().await?;
    let first = journey.fill_in().await?;
    journey.hand_in(first.id).await?;
    journey.be_approved(first.id).await?;
    journey.make_certificate(first.id).await?;
    journey.log_in_with_key(&account).await?;
    let certdesk = &journey.controller;
    let held = certdesk.certificates().await.map_err(failed)?;
    let serial = held.first().context("there is no certificate")?.serial.clone();
    let draft = certdesk.start_application(Business::Change, Some(serial)).await.map_err(failed)?;
    let name = ("change.organisation.name".to_owned(), "厦门云帆测试科技有限公司".to_owned());
    let draft = certdesk.save_field(draft.id, name.0, name.1).await.map_err(failed)?;
    Ok((journey, draft))
}

/// Picks what is asked for besides the form, and waits until it is all at the service.
async fn other_files(certdesk: &Controller, draft: &DraftView) -> Result<DraftView> {
    let specimens = journeys::specimens()?;
    for row in draft.files.iter().filter(|row| row.attachments.is_empty()) {
        let name = match row.requirement.kinds.first() {
            Some(FileKind::Pdf) => "授权委托书.pdf",
            Some(FileKind::Mp4 | FileKind::Webm) => "承诺视频.mp4",
            _ => "营业执照.jpg",
        };
        let files = vec![specimens.join(name); row.requirement.min_count.into()];
        certdesk.add_files(draft.id, row.requirement.id.clone(), files).await.map_err(failed)?;
    }
    for _ in 0..3000 {
        let draft = certdesk.draft(draft.id).await.map_err(failed)?;
        if draft.files.iter().all(|row| row.satisfied) {
            return Ok(draft);
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    anyhow::bail!("not all files came to the service")
}

async fn give_pin(certdesk: &Controller, purpose: PinPurpose) -> Result<PinOutcome> {
    let prompt = certdesk.prepare_pin(purpose).await.map_err(failed)?;
    let entry = PinEntry { ticket: prompt.ticket, confirmed: false, pin: Pin::from_bytes(PIN.into()) };
    certdesk.submit_pin(entry).await.map_err(failed)
}

/// What is under the form.
fn under_form(draft: &DraftView) -> &[AttachmentView] {
    draft.files.iter().find(|row| row.requirement.is_form).map_or(&[], |row| &row.attachments)
}

fn is_signed(draft: &DraftView) -> bool {
    draft.form_signing.as_ref().is_some_and(|form| form.signed)
}

/// The signed forms that lie in the program's folder.
fn kept(stage: &Stage) -> Result<Vec<PathBuf>> {
    let folder = stage.options()?.data.join("signed");
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(Vec::new()) };
    Ok(entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_signs_in_place_of_the_pen() -> Result<()> {
    let stage = Stage::set()?;
    let (journey, draft) = changing(&stage).await?;
    let certdesk = &journey.controller;
    ensure!(draft.form_signing.is_some() && !is_signed(&draft), "it can be signed, and is not yet");
    // A scan that was picked before makes room.
    let form = draft.files.iter().find(|row| row.requirement.is_form).context("no form is asked for")?;
    let scan = journeys::specimens()?.join("授权委托书.pdf");
    certdesk.add_files(draft.id, form.requirement.id.clone(), vec![scan]).await.map_err(failed)?;

    let signed = certdesk.sign_form(draft.id).await.map_err(failed)?;
    assert!(is_signed(&signed), "the form is signed");
    let [file] = under_form(&signed) else { anyhow::bail!("one file is under the form: {:?}", under_form(&signed)) };
    assert!(file.name.contains("已签名"), "and named so: {}", file.name);
    let bytes = certdesk.preview(file.id).await.map_err(failed)?;
    let plain = certdesk.form_pdf(draft.id).await.map_err(failed)?;
    assert_eq!(bytes[..plain.len()], plain, "the form's own bytes are untouched");
    let verified = pdf::verify(&bytes)?;
    assert_eq!(Some(&verified.original_sha256), signed.form.as_ref().map(|form| &form.sha256));
    poppler_calls_it_valid(&stage, &bytes)?;
    only_its_owner_reads(&kept(&stage)?)?;
    let again = certdesk.sign_form(draft.id).await.map_err(failed)?;
    let ids = |draft: &DraftView| under_form(draft).iter().map(|file| file.id).collect::<Vec<_>>();
    assert_eq!(ids(&again), ids(&signed), "signed twice it is signed once");

    let version = certdesk.catalogue().await.map_err(failed)?.sensitive_data.version;
    certdesk.accept_consent(ConsentSubject::SensitiveData, version).await.map_err(failed)?;
    other_files(certdesk, &again).await?;
    let receipt = certdesk.submit(draft.id, true).await.map_err(failed)?.receipt;
    let signer = receipt.application.attachments.iter().find_map(|file| file.signed_by.as_ref());
    let signer = signer.context("the service does not call it signed")?;
    assert_eq!(signer.holder, "福州云帆测试科技有限公司", "the reviewer sees whose key it was");
    // Until the case has ended it may come back for a correction.
    assert_eq!(kept(&stage)?.len(), 1, "the signed form is still here");
    if receipt.application.state == State::Submitted {
        journey.be_approved(draft.id).await?;
    }
    journey.make_certificate(draft.id).await?;
    drop(journey);
    let after = Controller::start(stage.options()?);
    gone(&stage).await.context("the signed form of a case that has ended goes at the next start")?;
    drop(after);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_signed_goes_with_what_it_signed() -> Result<()> {
    let stage = Stage::set()?;
    let (journey, draft) = changing(&stage).await?;
    let certdesk = &journey.controller;
    certdesk.sign_form(draft.id).await.map_err(failed)?;
    let first = kept(&stage)?;
    ensure!(first.len() == 1, "the signed form is a file of ours");

    let field = ("address.detail".to_owned(), "金山大道 7 号".to_owned());
    let changed = certdesk.save_field(draft.id, field.0, field.1).await.map_err(failed)?;
    assert!(changed.form.is_none() && !is_signed(&changed), "another detail, another form");
    assert!(under_form(&changed).is_empty(), "nobody signed that one");
    assert!(kept(&stage)?.is_empty(), "and the file is gone");

    let signed = certdesk.sign_form(draft.id).await.map_err(failed)?;
    assert!(is_signed(&signed), "it is made and signed anew");
    let file = under_form(&signed).first().context("no file is under the form")?.id;
    let taken_out = certdesk.remove_attachment(file).await.map_err(failed)?;
    assert!(!is_signed(&taken_out) && kept(&stage)?.is_empty(), "taken out like any file");

    certdesk.sign_form(draft.id).await.map_err(failed)?;
    certdesk.discard_draft(draft.id).await.map_err(failed)?;
    assert!(kept(&stage)?.is_empty(), "nothing is left of a draft that was thrown away");
    Ok(())
}

/// Killed after the file was written and before it got its owner, or after it lost its owner.
#[tokio::test(flavor = "multi_thread")]
async fn a_kill_between_two_steps_leaves_no_file_behind() -> Result<()> {
    let stage = Stage::set()?;
    let (journey, draft) = changing(&stage).await?;
    journey.controller.sign_form(draft.id).await.map_err(failed)?;
    let [owned] = &kept(&stage)?[..] else { anyhow::bail!("one signed form") };
    let orphan = owned.with_file_name(format!("{}-0198.pdf", "0".repeat(64)));
    std::fs::copy(owned, &orphan)?;
    drop(journey);

    let again = Controller::start(stage.options()?);
    let waited = async {
        while orphan.exists() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), waited).await.context("the orphan is still there")?;
    assert!(owned.exists(), "what has its owner stays");
    drop(again);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_form_lies_sealed_and_one_that_was_changed_is_told() -> Result<()> {
    let stage = Stage::set()?;
    let (journey, draft) = changing(&stage).await?;
    let certdesk = &journey.controller;
    let signed = certdesk.sign_form(draft.id).await.map_err(failed)?;
    let file = under_form(&signed).first().context("no file is under the form")?.id;
    let [path] = &kept(&stage)?[..] else { anyhow::bail!("one signed form") };
    let sealed = std::fs::read(path)?;
    assert!(!sealed.windows(5).any(|bytes| bytes == b"%PDF-"), "nothing of the form can be read");
    assert!(certdesk.preview(file).await.map_err(failed)?.starts_with(b"%PDF-"), "the program reads it");

    let mut changed = sealed.clone();
    changed[sealed.len() / 2] ^= 1;
    std::fs::write(path, changed)?;
    assert_eq!(told(certdesk.preview(file).await)?, LocalCode::SignedFormDamaged, "one bit is enough");
    std::fs::write(path, &sealed[..sealed.len() - 1])?;
    assert_eq!(told(certdesk.preview(file).await)?, LocalCode::SignedFormDamaged, "so is a byte that is missing");
    assert!(certdesk.form_pdf(draft.id).await.is_ok(), "the form that was made is still there");
    certdesk.remove_attachment(file).await.map_err(failed)?;
    assert!(is_signed(&certdesk.sign_form(draft.id).await.map_err(failed)?), "removed, it is signed once more");
    Ok(())
}

/// As the program before sealing left it.
#[tokio::test(flavor = "multi_thread")]
async fn a_plain_one_of_before_is_sealed_at_the_start() -> Result<()> {
    let stage = Stage::set()?;
    let (journey, draft) = changing(&stage).await?;
    let signed = journey.controller.sign_form(draft.id).await.map_err(failed)?;
    let file = under_form(&signed).first().context("no file is under the form")?.id;
    let bytes = journey.controller.preview(file).await.map_err(failed)?;
    let [sealed] = &kept(&stage)?[..] else { anyhow::bail!("one signed form") };
    drop(journey);
    let plain = sealed.with_extension("pdf");
    std::fs::write(&plain, &bytes)?;
    let (now, cache) = (plain.clone(), stage.cache()?);
    cache.update_attachment(file, |row| (row.path, row.key) = (now, None))?;
    std::fs::remove_file(sealed)?;

    let again = Controller::start(stage.options()?);
    let waited = async {
        while plain.exists() || !sealed.exists() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), waited).await.context("it lies there in plain")?;
    let held = cache.attachment(file)?.context("the row is gone")?;
    assert!(held.key.is_some() && held.path == *sealed, "its row has the key");
    let mut content = Vec::new();
    SealedFile::open(sealed, held.key.as_ref().context("no key")?)?.read_to_end(&mut content)?;
    assert_eq!(content, bytes, "it is what it was");
    drop(again);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn it_takes_an_open_key_and_a_service_that_takes_it() -> Result<()> {
    let stage = Stage::set()?;
    let (certdesk, draft) = guide_opened(&stage).await?;
    ensure!(draft.form_signing.is_none(), "who has no certificate yet has nothing to sign with");
    assert!(certdesk.sign_form(draft.id).await.is_err());
    drop(certdesk);

    let stage = Stage::set()?;
    let (journey, draft) = changing(&stage).await?;
    let certdesk = &journey.controller;
    let key = certdesk.refresh_keys().await.map_err(failed)?.keys.remove(0).id;
    stage.pull_keys()?;
    until_keys(certdesk, 0).await?;
    assert_eq!(told(certdesk.sign_form(draft.id).await)?, LocalCode::SessionKeyMissing, "the key is away");
    stage.plug_keys_in()?;
    until_keys(certdesk, 1).await?;
    if certdesk.sign_form(draft.id).await.is_err_and(|failure| failure.is(LocalCode::PinNeeded)) {
        let purpose = PinPurpose::SignForm { key, draft: draft.id };
        let outcome = give_pin(certdesk, purpose).await?;
        ensure!(matches!(outcome, PinOutcome::FormSigned { .. }), "the PIN led to {outcome:?}");
    }
    assert!(is_signed(&certdesk.draft(draft.id).await.map_err(failed)?), "plugged in again, it signs");
    Ok(())
}

async fn until_keys(certdesk: &Controller, count: usize) -> Result<()> {
    for _ in 0..500 {
        if certdesk.refresh_keys().await.map_err(failed)?.keys.len() == count {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    anyhow::bail!("{count} keys are not seen")
}

async fn gone(stage: &Stage) -> Result<()> {
    for _ in 0..1000 {
        if kept(stage)?.is_empty() {
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    anyhow::bail!("still there")
}

#[cfg(unix)]
fn only_its_owner_reads(files: &[PathBuf]) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    for file in files {
        assert_eq!(std::fs::metadata(file)?.permissions().mode() & 0o777, 0o600, "the file is for its owner alone");
        let folder = file.parent().map(Path::to_owned).unwrap_or_default();
        assert_eq!(std::fs::metadata(folder)?.permissions().mode() & 0o777, 0o700, "and so is its folder");
    }
    Ok(())
}

#[cfg(not(unix))]
fn only_its_owner_reads(_: &[PathBuf]) -> Result<()> {
    Ok(())
}

/// The judge that is not ours; skipped, and said so, where it is not installed.
fn poppler_calls_it_valid(stage: &Stage, signed: &[u8]) -> Result<()> {
    let file = stage.scratch().join("signed.pdf");
    std::fs::write(&file, signed)?;
    let Ok(output) = Command::new("pdfsig").arg("-nocert").arg(&file).output() else {
        println!("skipped: no pdfsig here");
        return Ok(());
    };
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(said.contains("Signature is Valid") && said.contains("Total document signed"), "pdfsig: {said}");
    Ok(())
}
