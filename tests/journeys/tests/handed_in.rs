//! Handing in once, whatever happens to the answer, and corrections that change computers.

use std::time::Duration;

use anyhow::{Context, Result};
use certdesk_cli::journey::{self, Journey};
use certdesk_contract::{
    account::ConsentSubject,
    application::{Remark, RemarkTarget, Review},
};
use certdesk_controller::{
    Controller, LocalCode, Uuid,
    view::{DraftView, UploadState},
};
use certdesk_domain::{AccountKind, State, token::KeyAlgorithm};
use journeys::{Stage, failed, specimens, told, video_row};

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_whose_answer_is_lost_is_one_application_and_no_draft_any_more() -> Result<()> {
    let stage = Stage::set()?;
    let journey = stage.journey(AccountKind::Individual, KeyAlgorithm::EcP256)?;
    journey.register().await?;
    let certdesk = &journey.controller;
    let draft = journey.fill_in().await?.id;
    // Given up later and later, until one got through.
    for patience in (0..).map(|step| Duration::from_millis(2 * step)) {
        if tokio::time::timeout(patience, certdesk.submit(draft, true)).await.is_ok_and(|answer| answer.is_ok()) {
            break;
        }
    }
    let mine = certdesk.applications().await.map_err(failed)?;
    assert_eq!(mine.len(), 1, "one application, however often it was tried");
    let number = mine[0].application.number.clone();
    let again = certdesk.submit(draft, true).await.map_err(failed)?;
    assert_eq!(Some(again.receipt.number), number, "pressed once more it is still the same");

    assert!(certdesk.home().await.map_err(failed)?.drafts.is_empty(), "what was handed in is no draft");
    let late = certdesk.save_field(draft, "email".into(), "late@example.cn".into()).await;
    assert!(late.is_err(), "what was handed in cannot be typed over");
    let row = video_row(&certdesk.draft(draft).await.map_err(failed)?)?;
    let more = certdesk.add_files(draft, row, vec![specimens()?.join("承诺视频.mp4")]).await;
    assert_eq!(told(more)?, LocalCode::DraftGone, "nor is a file added to it");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_correction_is_handed_in_again_and_not_taken_for_the_first() -> Result<()> {
    let stage = Stage::set()?;
    let (journey, _, case) = returned(&stage).await?;
    let certdesk = &journey.controller;
    certdesk.start_correction(case).await.map_err(failed)?;
    let again = certdesk.submit(case, true).await.map_err(failed)?;
    assert_eq!(again.receipt.application.state, State::Submitted, "the applicant stands by it: the reviewer is next");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_corrected_on_another_computer_is_whole_on_both() -> Result<()> {
    let stage = Stage::set()?;
    let (journey, account, case) = returned(&stage).await?;
    let here = &journey.controller;
    let before = here.start_correction(case).await.map_err(failed)?;

    let mut options = stage.options()?;
    options = journeys::kept_at(options, stage.scratch().join("another computer"));
    let there = Controller::start(options);
    there.catalogue().await.map_err(failed)?;
    there.log_in_with_password(account, journey::PASSWORD.into()).await.map_err(failed)?;
    let draft = there.start_correction(case).await.map_err(failed)?;
    assert_eq!(shown(&draft), shown(&before), "the same files of the same kinds, by name where the file is elsewhere");
    for file in draft.files.iter().flat_map(|row| &row.attachments) {
        assert!(!file.on_this_computer, "{} cannot be looked at here", file.name);
        assert!(there.preview(file.id).await.is_err(), "and nothing else is shown for it");
    }
    // The remarked video is replaced there.
    let row = video_row(&draft)?;
    let old: Vec<_> =
        draft.files.iter().flat_map(|row| &row.attachments).filter(|file| file.requirement == row).collect();
    for file in &old {
        there.remove_attachment(file.id).await.map_err(failed)?;
    }
    let video = stage.scratch().join("重录.mp4");
    std::fs::copy(specimens()?.join("承诺视频.mp4"), &video)?;
    there.add_files(case, row, vec![video]).await.map_err(failed)?;
    all_sent(&there, case).await?;
    let version = there.catalogue().await.map_err(failed)?.sensitive_data.version;
    there.accept_consent(ConsentSubject::SensitiveData, version).await.map_err(failed)?;
    there.submit(case, true).await.map_err(failed)?;

    // Returned once more, it is corrected here: with the files of there, not those of before.
    here.demo_review(case, remarked(&draft)?.into()).await.map_err(failed)?;
    let now = here.start_correction(case).await.map_err(failed)?;
    let names: Vec<_> = shown(&now);
    assert!(names.iter().any(|(_, name, _)| name == "重录.mp4"), "the new video is known: {names:?}");
    assert_eq!(names.len(), shown(&before).len(), "and the one it replaced is gone: {names:?}");
    let again = here.submit(case, true).await.map_err(failed)?;
    assert_eq!(again.receipt.application.state, State::Submitted, "it is handed in as it stands");
    Ok(())
}

/// A case that came back with a remark on its video, and whose it is.
async fn returned(stage: &Stage) -> Result<(Journey, String, Uuid)> {
    let journey = stage.journey(AccountKind::Enterprise, KeyAlgorithm::EcP256)?;
    let account = journey.register().await?;
    let draft = journey.fill_in().await?;
    journey.hand_in(draft.id).await?;
    journey.controller.demo_review(draft.id, remarked(&draft)?.into()).await.map_err(failed)?;
    Ok((journey, account, draft.id))
}

fn remarked(draft: &DraftView) -> Result<Review> {
    let target = RemarkTarget::Files(video_row(draft)?);
    Ok(Review::Return { remarks: vec![Remark { target, text: "请在安静处重录。".into() }] })
}

/// Row, name and kind of every file.
fn shown(draft: &DraftView) -> Vec<(String, String, certdesk_domain::FileKind)> {
    let files = draft.files.iter().flat_map(|row| &row.attachments);
    files.map(|file| (file.requirement.0.clone(), file.name.clone(), file.kind)).collect()
}

async fn all_sent(certdesk: &Controller, case: Uuid) -> Result<()> {
    let mut events = certdesk.events();
    let sent = async {
        loop {
            let view = certdesk.draft(case).await.map_err(failed)?;
            if view.files.iter().flat_map(|row| &row.attachments).all(|file| file.upload == UploadState::Done) {
                return Ok(());
            }
            let _ = events.recv().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), sent).await.context("the upload stands still")?
}
