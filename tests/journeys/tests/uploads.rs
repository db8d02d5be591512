//! The upload queue beside a person who changes their mind: nothing is lost, nothing comes back, nothing stands still.

use std::{
    path::PathBuf,
    time::{Duration, SystemTime},
};

use anyhow::{Context, Result};
use certdesk_cli::journey;
use certdesk_controller::{
    Controller, LocalCode, Uuid,
    view::{AttachmentView, DraftView, Event, UploadState},
};
use certdesk_domain::{AccountKind, Business, RequirementId, token::KeyAlgorithm};
use journeys::{Stage, failed, guide_opened, picture_row, specimens, told, video_row};

/// As long as the rule for videos allows: long enough to be met under way.
const LONG: u64 = 90 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_cancelled_under_way_stays_cancelled_until_it_is_started_again() -> Result<()> {
    let stage = Stage::set()?;
    let (certdesk, draft) = guide_opened(&stage).await?;
    let file = pick_video(&stage, &certdesk, &draft).await?;
    until_sending(&certdesk, &draft).await?;
    certdesk.cancel_upload(file).await.map_err(failed)?;
    let picture = add_picture(&certdesk, &draft).await?;
    until(&certdesk, &draft, picture, |state| *state == UploadState::Done).await?;
    assert_eq!(state(&certdesk, &draft, file).await?, UploadState::Cancelled, "the next file went, this one did not");

    // At once after one another, as by an impatient hand: the last word counts.
    certdesk.retry_upload(file).await.map_err(failed)?;
    certdesk.cancel_upload(file).await.map_err(failed)?;
    certdesk.retry_upload(file).await.map_err(failed)?;
    until(&certdesk, &draft, file, |state| *state == UploadState::Done).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_taken_out_while_it_is_read_or_sent_is_gone_and_those_behind_it_go_on() -> Result<()> {
    let stage = Stage::set()?;
    let (certdesk, draft) = guide_opened(&stage).await?;
    // Taken out at once: its SHA-256 is being taken.
    let reading = pick_video(&stage, &certdesk, &draft).await?;
    certdesk.remove_attachment(reading).await.map_err(failed)?;
    let sending = pick_video(&stage, &certdesk, &draft).await?;
    until_sending(&certdesk, &draft).await?;
    certdesk.remove_attachment(sending).await.map_err(failed)?;
    let picture = add_picture(&certdesk, &draft).await?;
    until(&certdesk, &draft, picture, |state| *state == UploadState::Done).await?;
    let now = certdesk.draft(draft.id).await.map_err(failed)?;
    let ids: Vec<_> = files(&now).map(|file| file.id).collect();
    assert_eq!(ids, [picture], "what was taken out does not come back");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_thrown_away_during_an_upload_is_gone_here_and_there() -> Result<()> {
    let stage = Stage::set()?;
    let (certdesk, draft) = guide_opened(&stage).await?;
    pick_video(&stage, &certdesk, &draft).await?;
    until_sending(&certdesk, &draft).await?;
    certdesk.discard_draft(draft.id).await.map_err(failed)?;
    assert_eq!(told(certdesk.draft(draft.id).await)?, LocalCode::DraftGone, "it is gone");
    let anew = certdesk.start_application(Business::New, None).await.map_err(failed)?;
    assert_ne!(anew.id, draft.id, "another draft begins");
    let picture = add_picture(&certdesk, &anew).await?;
    until(&certdesk, &anew, picture, |state| *state == UploadState::Done).await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_goes_on_after_a_logout_and_never_for_another_account() -> Result<()> {
    let stage = Stage::set()?;
    let journey = stage.journey(AccountKind::Enterprise, KeyAlgorithm::EcP256)?;
    let first = journey.register().await?;
    let certdesk = journey.controller.clone();
    let draft = certdesk.start_application(Business::New, None).await.map_err(failed)?;
    let file = pick_video(&stage, &certdesk, &draft).await?;
    until_sending(&certdesk, &draft).await?;
    certdesk.log_out().await.map_err(failed)?;

    let other = stage.journey_of(&certdesk, AccountKind::Individual, KeyAlgorithm::EcP256)?;
    other.register().await?;
    assert_eq!(told(certdesk.draft(draft.id).await)?, LocalCode::DraftGone, "another's draft is not there");
    assert_eq!(told(certdesk.remove_attachment(file).await)?, LocalCode::DraftGone, "nor are its files");
    let own = certdesk.start_application(Business::New, None).await.map_err(failed)?;
    assert_ne!(own.id, draft.id, "everyone has a draft of their own");
    let picture = add_picture(&certdesk, &own).await?;
    until(&certdesk, &own, picture, |state| *state == UploadState::Done).await?;

    certdesk.log_out().await.map_err(failed)?;
    certdesk.log_in_with_password(first, journey::PASSWORD.into()).await.map_err(failed)?;
    until(&certdesk, &draft, file, |state| *state == UploadState::Done).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_the_service_ended_stops_no_upload_for_good() -> Result<()> {
    let stage = Stage::set()?;
    let journey = stage.journey(AccountKind::Enterprise, KeyAlgorithm::EcP256)?;
    let account = journey.register().await?;
    let certdesk = journey.controller;
    let draft = certdesk.start_application(Business::New, None).await.map_err(failed)?;
    let file = pick_video(&stage, &certdesk, &draft).await?;
    until_sending(&certdesk, &draft).await?;

    let mut elsewhere = stage.options()?;
    elsewhere.data = stage.scratch().join("another computer");
    let elsewhere = Controller::start(elsewhere);
    elsewhere.log_in_with_password(account.clone(), journey::PASSWORD.into()).await.map_err(failed)?;
    let fresh = "Another-2026-ok";
    elsewhere.change_password(journey::PASSWORD.into(), fresh.into()).await.map_err(failed)?;
    let mut events = certdesk.events();
    while certdesk.home().await.map_err(failed)?.session.is_some() {
        let _ = tokio::time::timeout(Duration::from_secs(60), events.recv()).await?;
    }
    certdesk.log_in_with_password(account, fresh.into()).await.map_err(failed)?;
    until(&certdesk, &draft, file, |state| *state == UploadState::Done).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_fails_holds_up_none_behind_it() -> Result<()> {
    let mut stage = Stage::set()?;
    let (certdesk, draft) = guide_opened(&stage).await?;
    stage.service.kill();
    let file = pick_video(&stage, &certdesk, &draft).await?;
    std::fs::remove_file(stage.scratch().join("长视频.mp4"))?;
    let picture = add_picture(&certdesk, &draft).await?;
    stage.restart_service()?;
    until(&certdesk, &draft, picture, |state| *state == UploadState::Done).await?;
    let stuck = state(&certdesk, &draft, file).await?;
    let UploadState::Failed { failure } = &stuck else { panic!("the deleted file is {stuck:?}") };
    assert!(failure.is(LocalCode::FileGone), "and it says why: {failure:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_changed_under_way_stops_and_is_sent_as_it_is_now_when_told_so() -> Result<()> {
    let stage = Stage::set()?;
    let (certdesk, draft) = guide_opened(&stage).await?;
    let file = pick_video(&stage, &certdesk, &draft).await?;
    until_sending(&certdesk, &draft).await?;
    let path = stage.scratch().join("长视频.mp4");
    std::fs::OpenOptions::new().write(true).open(&path)?.set_len(LONG - 4096)?;
    let changed =
        |state: &UploadState| matches!(state, UploadState::Failed { failure } if failure.is(LocalCode::FileChanged));
    until(&certdesk, &draft, file, changed).await?;
    certdesk.retry_upload(file).await.map_err(failed)?;
    until(&certdesk, &draft, file, |state| *state == UploadState::Done).await?;
    let now = certdesk.draft(draft.id).await.map_err(failed)?;
    assert_eq!(files(&now).next().context("the file is gone")?.bytes, LONG - 4096, "at its new size");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_dated_before_1970_is_a_file_like_any_other() -> Result<()> {
    let stage = Stage::set()?;
    let (certdesk, draft) = guide_opened(&stage).await?;
    let path = stage.scratch().join("老扫描件.jpg");
    std::fs::copy(specimens()?.join("营业执照.jpg"), &path)?;
    let old = SystemTime::UNIX_EPOCH - Duration::from_secs(3600);
    std::fs::OpenOptions::new().write(true).open(&path)?.set_modified(old)?;
    let file = add(&certdesk, &draft, picture_row(&draft)?, path).await?;
    until(&certdesk, &draft, file, |state| !matches!(state, UploadState::Failed { .. })).await?;
    until(&certdesk, &draft, file, |state| *state == UploadState::Done).await
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_typed_during_an_upload_are_all_kept() -> Result<()> {
    let stage = Stage::set()?;
    let (certdesk, draft) = guide_opened(&stage).await?;
    let file = pick_video(&stage, &certdesk, &draft).await?;
    until_sending(&certdesk, &draft).await?;
    for round in 0..20 {
        let save = |field: &str, value: String| certdesk.save_field(draft.id, field.into(), value);
        let (detail, email) = tokio::join!(
            save("address.detail", format!("测试路 {round} 号")),
            save("email", format!("wang{round}@example.cn")),
        );
        detail.map_err(failed)?;
        email.map_err(failed)?;
        let now = certdesk.draft(draft.id).await.map_err(failed)?.handler;
        assert_eq!(now.address.detail, format!("测试路 {round} 号"), "one field saved does not undo the other");
        assert_eq!(now.email, format!("wang{round}@example.cn"), "nor the other way round");
    }
    assert_eq!(
        told(certdesk.submit(draft.id, true).await)?,
        LocalCode::FormNotMade,
        "and nothing incomplete is handed in"
    );
    certdesk.make_form(draft.id).await.map_err(failed)?;
    assert_eq!(told(certdesk.submit(draft.id, true).await)?, LocalCode::FilesIncomplete, "least of all half a file");
    until(&certdesk, &draft, file, |state| *state == UploadState::Done).await
}

async fn pick_video(stage: &Stage, certdesk: &Controller, draft: &DraftView) -> Result<Uuid> {
    let path = stage.scratch().join("长视频.mp4");
    std::fs::copy(specimens()?.join("承诺视频.mp4"), &path)?;
    // Bytes after the last box change nothing for a player.
    std::fs::OpenOptions::new().write(true).open(&path)?.set_len(LONG)?;
    add(certdesk, draft, video_row(draft)?, path).await
}

async fn add_picture(certdesk: &Controller, draft: &DraftView) -> Result<Uuid> {
    add(certdesk, draft, picture_row(draft)?, specimens()?.join("营业执照.jpg")).await
}

async fn add(certdesk: &Controller, draft: &DraftView, row: RequirementId, path: PathBuf) -> Result<Uuid> {
    let before: Vec<_> = files(&certdesk.draft(draft.id).await.map_err(failed)?).map(|file| file.id).collect();
    let now = certdesk.add_files(draft.id, row, vec![path]).await.map_err(failed)?;
    Ok(files(&now).find(|file| !before.contains(&file.id)).context("the file was not added")?.id)
}

fn files(draft: &DraftView) -> impl Iterator<Item = &AttachmentView> {
    draft.files.iter().flat_map(|row| &row.attachments)
}

async fn state(certdesk: &Controller, draft: &DraftView, file: Uuid) -> Result<UploadState> {
    let now = certdesk.draft(draft.id).await.map_err(failed)?;
    Ok(files(&now).find(|held| held.id == file).context("the file is gone")?.upload.clone())
}

/// Waits for the file to come into such a state; looks again at every event.
async fn until(
    certdesk: &Controller,
    draft: &DraftView,
    file: Uuid,
    fits: impl Fn(&UploadState) -> bool,
) -> Result<()> {
    let mut events = certdesk.events();
    let fitting = async {
        while !fits(&state(certdesk, draft, file).await?) {
            let _ = events.recv().await;
        }
        Ok(())
    };
    match tokio::time::timeout(Duration::from_secs(60), fitting).await {
        Ok(came) => came,
        Err(_) => anyhow::bail!("the upload stands still: {:?}", state(certdesk, draft, file).await?),
    }
}

/// Waits until bytes of a file are on their way.
async fn until_sending(certdesk: &Controller, draft: &DraftView) -> Result<()> {
    let mut events = certdesk.events();
    let under_way = async {
        loop {
            let now = certdesk.draft(draft.id).await.map_err(failed)?;
            if files(&now).any(|file| matches!(file.upload, UploadState::Sending { .. })) {
                return Ok(());
            }
            if let Ok(Event::Upload { upload: UploadState::Sending { .. }, .. }) = events.recv().await {
                return Ok(());
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), under_way).await.context("the upload never began")?
}
