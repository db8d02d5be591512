//! What goes wrong on this computer and on the way: each is told in its own words, and nothing is lost.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use certdesk_cli::journey;
use certdesk_controller::{
    Controller, LocalCode,
    view::{KeyState, ModuleFault, UploadState},
};
use certdesk_domain::{AccountKind, token::KeyAlgorithm};
use journeys::{Stage, failed, guide_opened, picture_row, specimens, told};

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_or_missing_service_address_is_told() -> Result<()> {
    let stage = Stage::set()?;
    let ask = async |address: Option<&str>| -> Result<LocalCode> {
        let mut options = stage.options()?;
        options.service = address.map(str::to_owned);
        options = journeys::kept_at(options, stage.scratch().join("other"));
        told(Controller::start(options).catalogue().await)
    };
    assert_eq!(ask(None).await?, LocalCode::NoServiceAddress, "no address");
    assert_eq!(ask(Some("portal")).await?, LocalCode::BadServiceAddress, "no URL");
    assert_eq!(ask(Some("http://127.0.0.1:1")).await?, LocalCode::BadServiceAddress, "without TLS we do not talk");
    assert_eq!(ask(Some("https://127.0.0.1:1")).await?, LocalCode::ServiceUnreachable, "nobody listens there");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_whose_certificate_nobody_vouches_for_is_not_talked_to() -> Result<()> {
    let stage = Stage::set()?;
    let mut options = stage.options()?;
    options.demo = None;
    let code = told(Controller::start(options).catalogue().await)?;
    assert_eq!(code, LocalCode::ServiceReplaced, "outside the demo the demo root is worth nothing");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_service_is_told_from_one_that_hangs_up() -> Result<()> {
    let stage = Stage::set()?;
    for (answer, expected) in [
        (&b"HTTP/1.1 500 Internal Server Error\r\n\r\n"[..], LocalCode::ServiceGarbled),
        (b"SSH-2.0-OpenSSH_9.2\r\n", LocalCode::ServiceGarbled),
        (b"", LocalCode::ServiceUnreachable),
    ] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let mut options = stage.options()?;
        options.service = Some(format!("https://{}", listener.local_addr()?));
        options = journeys::kept_at(options, stage.scratch().join("other"));
        let certdesk = Controller::start(options);
        let asked = tokio::select! {
            asked = certdesk.catalogue() => asked,
            Err(error) = answer_all(&listener, answer) => return Err(error),
        };
        assert_eq!(told(asked)?, expected, "answered with {:?}", String::from_utf8_lossy(answer));
        let service = certdesk.home().await.map_err(failed)?.service;
        assert_eq!(service.reachable, Some(false), "and the home screen shows it");
    }
    Ok(())
}

/// Waits for the first bytes of one caller, answers and hangs up.
async fn answer_all(listener: &tokio::net::TcpListener, answer: &[u8]) -> Result<()> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    loop {
        let (mut caller, _) = listener.accept().await?;
        let _asked = caller.read(&mut [0; 4096]).await?;
        caller.write_all(answer).await?;
        caller.shutdown().await?;
        // Until it hangs up: whoever goes first may take the answer along.
        let _ = caller.read_to_end(&mut Vec::new()).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_driver_the_strip_says_so() -> Result<()> {
    let stage = Stage::set()?;
    let mut options = stage.options()?;
    options.modules = vec![PathBuf::from("/nonexistent/vendor.so")];
    let strip = Controller::start(options).refresh_keys().await.map_err(failed)?;
    let KeyState::ModuleUnusable { driver, fault } = strip.state else { panic!("the strip says {:?}", strip.state) };
    assert_eq!(driver, "vendor.so", "the driver is named");
    assert_eq!(fault, ModuleFault::Gone, "and that it is not there");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_do_not_fit_are_refused_in_words_and_nothing_is_added() -> Result<()> {
    let stage = Stage::set()?;
    let (certdesk, draft) = guide_opened(&stage).await?;
    let id = draft.id;
    let row = picture_row(&draft)?;
    let folder = stage.scratch().join("材料 📁 和 空格");
    std::fs::create_dir_all(&folder)?;
    let add = async |path: &Path| told(certdesk.add_files(id, row.clone(), vec![path.to_owned()]).await);

    let empty = folder.join("空.jpg");
    std::fs::write(&empty, b"")?;
    assert_eq!(add(&empty).await?, LocalCode::FileEmpty, "a file of zero bytes");

    let word = folder.join("其实是文档.jpg");
    std::fs::write(&word, b"PK\x03\x04 a Word file with another name")?;
    assert_eq!(add(&word).await?, LocalCode::FileWrongKind, "the content decides, not the name");

    assert_eq!(add(&folder.join("没有.jpg")).await?, LocalCode::FileGone, "a file that is not there");
    assert_eq!(add(&folder).await?, LocalCode::FileUnreadable, "a folder is no file");

    let huge = folder.join("太大.jpg");
    std::fs::copy(specimens()?.join("营业执照.jpg"), &huge)?;
    std::fs::OpenOptions::new().write(true).open(&huge)?.set_len(4 << 30)?;
    assert_eq!(add(&huge).await?, LocalCode::FileTooLarge, "four gigabytes, never read");

    let now = certdesk.draft(id).await.map_err(failed)?;
    assert!(now.files.iter().all(|row| row.attachments.is_empty()), "nothing was added");

    let good = folder.join("营业执照 副本📄.jpg");
    std::fs::copy(specimens()?.join("营业执照.jpg"), &good)?;
    let now = certdesk.add_files(id, row, vec![good]).await.map_err(failed)?;
    let names: Vec<_> = now.files.iter().flat_map(|row| &row.attachments).map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["营业执照 副本📄.jpg"], "Chinese, spaces and emoji in a path are fine");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_changes_after_it_was_picked_stops_and_asks() -> Result<()> {
    let mut stage = Stage::set()?;
    let (certdesk, draft) = guide_opened(&stage).await?;
    stage.service.kill();
    let path = stage.scratch().join("营业执照.jpg");
    std::fs::copy(specimens()?.join("营业执照.jpg"), &path)?;
    let row = picture_row(&draft)?;
    let now = certdesk.add_files(draft.id, row, vec![path.clone()]).await.map_err(failed)?;
    let file = now.files.iter().flat_map(|row| &row.attachments).next().context("the file was not added")?.id;

    std::fs::copy(specimens()?.join("身份证正面.jpg"), &path)?;
    stage.restart_service()?;
    let login = certdesk.retry_upload(file).await;
    assert!(login.is_ok(), "looked at anew, the changed file is a file like any other: {login:?}");
    let again = certdesk.draft(draft.id).await.map_err(failed)?;
    let bytes = again.files.iter().flat_map(|row| &row.attachments).next().context("the file is gone")?.bytes;
    assert_eq!(bytes, std::fs::metadata(&path)?.len(), "and its new size is shown");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_waits_for_a_service_that_went_away_and_goes_on() -> Result<()> {
    let mut stage = Stage::set()?;
    let (certdesk, draft) = guide_opened(&stage).await?;
    let row = picture_row(&draft)?;
    stage.service.kill();
    let mut events = certdesk.events();
    let file = specimens()?.join("营业执照.jpg");
    certdesk.add_files(draft.id, row, vec![file]).await.map_err(failed)?;
    let state = async || -> Result<UploadState> {
        let view = certdesk.draft(draft.id).await.map_err(failed)?;
        Ok(view.files.iter().flat_map(|row| &row.attachments).next().context("the file is gone")?.upload.clone())
    };
    while !matches!(state().await?, UploadState::Waiting { .. }) {
        events.recv().await?;
    }
    stage.restart_service()?;
    while state().await? != UploadState::Done {
        events.recv().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_killed_between_any_two_steps_loses_nothing() -> Result<()> {
    let mut stage = Stage::set()?;
    let journey = stage.journey(AccountKind::Individual, KeyAlgorithm::EcP256)?;
    let account = journey.register().await?;
    stage.restart_service()?;
    let draft = journey.fill_in().await?;
    stage.restart_service()?;
    let number = journey.hand_in(draft.id).await?;
    stage.restart_service()?;
    journey.be_returned_and_correct(draft.id, &number).await?;
    stage.restart_service()?;
    journey.be_approved(draft.id).await?;
    stage.restart_service()?;
    journey.make_certificate(draft.id).await?;
    stage.restart_service()?;
    journey.log_in_with_key(&account).await?;
    stage.restart_service()?;
    journey.look_at_certificate().await?;
    Ok(())
}

#[test]
fn the_sms_is_read_as_a_person_reads_it() {
    let sms = "【证办通】您的账号：qy12345678，初始密码：Ab3dEf9hJk，请于首次登录后修改。";
    assert_eq!(journey::credentials(sms), Some(("qy12345678".into(), "Ab3dEf9hJk".into())), "account and password");
}
