//! One draft on two computers: what is typed on one is there on the other, nothing typed is lost, and what has been
//! handed in is closed everywhere. And a program that follows whatever catalogue the service has.

use std::time::Duration;

use anyhow::{Context, Result};
use certdesk_cli::journey::{self, Journey};
use certdesk_contract::account::ConsentSubject;
use certdesk_controller::{
    Controller, LocalCode, Uuid,
    view::{DraftView, Home},
};
use certdesk_domain::{AccountKind, Business, Fault, FileKind, RequirementId, State, token::KeyAlgorithm};
use journeys::{Stage, certified, failed, guide_opened, specimens, told, video_row};

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_gone_on_with_on_another_computer_and_merged() -> Result<()> {
    let mut stage = Stage::set()?;
    let (here, account, id) = draft_of(&stage).await?;
    type_in(&here, id, "address.detail", "测试路 2 号").await?;

    let there = sit_down(&stage, &account).await?;
    until(&there, "the draft appears", async |home| home.drafts.iter().any(|draft| draft.id == id)).await?;
    let begun = there.start_application(Business::New, None).await.map_err(failed)?;
    assert_eq!(begun.id, id, "it is the same draft, not another one");
    until_draft(&there, id, "what was typed is there", |draft| draft.handler.address.detail == "测试路 2 号").await?;

    // Different fields: both are taken. The same field: nobody is written over.
    type_in(&here, id, "phone", "13800138002").await?;
    type_in(&there, id, "email", "office@example.cn").await?;
    let both = |draft: &DraftView| draft.handler.phone == "13800138002" && draft.handler.email == "office@example.cn";
    meet(&here, id, both).await?;
    meet(&there, id, both).await?;

    // Side by side: neither can know of the other.
    stage.service.kill();
    type_in(&here, id, "person.name", "王小䶮").await?;
    type_in(&there, id, "person.name", "王大䶮").await?;
    stage.restart_service()?;
    let asked = until_either(&here, &there, id).await?;
    let draft = asked.draft(id).await.map_err(failed)?;
    let conflict = draft.conflicts.first().context("nobody is asked")?;
    assert_eq!(conflict.field, "person.name", "only this field says two things: {:?}", draft.conflicts);
    assert!(conflict.mine.starts_with('王') && conflict.theirs.starts_with('王') && conflict.mine != conflict.theirs);
    let unsettled = draft.faults.iter().any(|fault| fault.field == "person.name" && fault.fault == Fault::TwoValues);
    assert!(unsettled, "the page names the field: {:?}", draft.faults);
    assert_eq!(told(asked.submit(id, true).await)?, LocalCode::FieldsIncomplete, "and it is not handed in like this");

    let settled = asked.resolve_conflict(id, "person.name".into(), false).await.map_err(failed)?;
    assert!(settled.conflicts.is_empty(), "it is settled");
    assert_eq!(settled.handler.person.name, conflict.theirs, "as the other computer has it");
    let again = asked.resolve_conflict(id, "person.name".into(), true).await;
    assert_eq!(told(again)?, LocalCode::BadCommand, "what is settled is not asked again");
    let name = conflict.theirs.clone();
    meet(&here, id, |draft| draft.handler.person.name == name && draft.conflicts.is_empty()).await?;
    meet(&there, id, |draft| draft.handler.person.name == name && draft.conflicts.is_empty()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_outlives_the_program_and_keeps_what_was_typed() -> Result<()> {
    let mut stage = Stage::set()?;
    let (here, account, id) = draft_of(&stage).await?;
    type_in(&here, id, "email", "first@example.cn").await?;
    let there = sit_down(&stage, &account).await?;
    until_draft(&there, id, "the draft appears", |draft| draft.handler.email == "first@example.cn").await?;
    // Apart: the line is cut, and both go on.
    stage.service.kill();
    for (certdesk, mail) in [(&here, "here@example.cn"), (&there, "there@example.cn")] {
        let saved = certdesk.save_field(id, "email".into(), mail.into()).await.map_err(failed)?;
        assert_eq!(saved.handler.email, mail, "away from the service it is saved all the same");
    }
    stage.restart_service()?;
    let asked = until_either(&here, &there, id).await?;
    let before = asked.draft(id).await.map_err(failed)?;
    assert!(before.conflicts[0].mine != before.conflicts[0].theirs, "both are kept: {:?}", before.conflicts);
    let after = asked.draft(id).await.map_err(failed)?.conflicts;
    assert_eq!(after, before.conflicts, "and they stay until somebody chooses");
    let kept = asked.resolve_conflict(id, "email".into(), true).await.map_err(failed)?;
    assert_eq!(kept.handler.email, before.conflicts[0].mine, "mine was chosen");
    let mail = kept.handler.email.clone();
    meet(&here, id, |draft| draft.handler.email == mail).await?;
    meet(&there, id, |draft| draft.handler.email == mail).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_handed_in_elsewhere_is_closed_here_and_what_was_typed_can_be_read() -> Result<()> {
    let stage = Stage::set()?;
    let journey = stage.journey(AccountKind::Individual, KeyAlgorithm::EcP256)?;
    let account = journey.register().await?;
    let here = &journey.controller;
    let id = here.start_application(Business::New, None).await.map_err(failed)?.id;
    type_in(here, id, "email", "office@example.cn").await?;
    let there = sit_down(&stage, &account).await?;
    until_draft(&there, id, "the draft appears", |draft| draft.handler.email == "office@example.cn").await?;
    let elsewhere = Journey {
        controller: there.clone(),
        ..stage.journey_of(&there, AccountKind::Individual, KeyAlgorithm::EcP256)?
    };
    elsewhere.complete(id).await?;
    there.submit(id, true).await.map_err(failed)?;

    let late = here.save_field(id, "address.detail".into(), "来不及的路".into()).await;
    let saved = late.is_ok();
    until_draft(here, id, "it is closed", |draft| draft.state == State::Submitted).await?;
    let closed = here.draft(id).await.map_err(failed)?;
    if saved {
        assert_eq!(closed.handler.address.detail, "来不及的路", "what was typed last can be read");
    }
    assert!(closed.editable_fields.is_empty(), "and nothing can be typed any more");
    assert!(here.home().await.map_err(failed)?.drafts.is_empty(), "it is no draft to go on with");
    let more = here.save_field(id, "email".into(), "late@example.cn".into()).await;
    assert_eq!(told(more)?, LocalCode::DraftGone);
    assert_eq!(here.applications().await.map_err(failed)?.len(), 1, "it is among the applications");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_computer_typed_is_looked_at_before_it_is_handed_in() -> Result<()> {
    let stage = Stage::set()?;
    let journey = stage.journey(AccountKind::Individual, KeyAlgorithm::EcP256)?;
    let account = journey.register().await?;
    let here = &journey.controller;
    let id = journey.fill_in().await?.id;
    let there = sit_down(&stage, &account).await?;
    until_draft(&there, id, "the draft appears", |_| true).await?;
    type_in(&there, id, "email", "there@example.cn").await?;
    told_to_the_service(&stage, &account, id, "there@example.cn").await?;
    let refused = here.submit(id, true).await;
    // Either the news came by itself, and the form is out of date, or it comes now.
    let fresh = here.draft(id).await.map_err(failed)?;
    assert!(refused.is_err(), "it is not handed in without it");
    assert_eq!(fresh.handler.email, "there@example.cn", "and shown");
    here.make_form(id).await.map_err(failed)?;
    let handed_in = here.submit(id, true).await.map_err(failed)?.receipt.application;
    assert_eq!(handed_in.handler.map(|handler| handler.email).as_deref(), Some("there@example.cn"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_thrown_away_while_the_service_is_away_does_not_come_back() -> Result<()> {
    let mut stage = Stage::set()?;
    let (here, account, id) = draft_of(&stage).await?;
    type_in(&here, id, "email", "office@example.cn").await?;
    told_to_the_service(&stage, &account, id, "office@example.cn").await?;
    stage.service.kill();
    here.discard_draft(id).await.map_err(failed)?;
    stage.restart_service()?;
    here.applications().await.map_err(failed)?;
    let drafts = here.home().await.map_err(failed)?.drafts;
    assert!(drafts.is_empty(), "what was thrown away stays away: {drafts:?}");
    until(&here, "the service knows", async |_| {
        here.application(id).await.is_ok_and(|case| case.application.state == State::Withdrawn)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_follows_another_catalogue_without_being_built_anew() -> Result<()> {
    let mut stage = Stage::set()?;
    let (journey, account) = certified(&stage, AccountKind::Individual).await?;
    let certificates = journey.controller.certificates().await.map_err(failed)?;
    let held = certificates.first().context("no certificate")?.clone();
    assert!(!held.businesses.contains(&Business::Renew), "its time has not come");
    drop(journey);

    stage.change_catalogue(|catalogue| {
        journeys::early_renewal(catalogue);
        for offer in &mut catalogue.offers {
            let Some(form) = offer.form().cloned() else { continue };
            let mut proof = form;
            proof.id = RequirementId("residence_proof".into());
            (proof.is_form, proof.key_signature, proof.kinds) = (false, false, vec![FileKind::Pdf]);
            offer.requirements.push(proof);
            for video in offer.requirements.iter_mut().filter_map(|rule| rule.video.as_mut()) {
                (video.min_seconds, video.max_seconds) = (1, 2);
            }
        }
    })?;
    let journey = stage.journey(AccountKind::Individual, KeyAlgorithm::EcP256)?;
    let certdesk = &journey.controller;
    journey.log_in_with_key(&account).await?;
    let followed = async {
        loop {
            let catalogue = certdesk.catalogue().await.map_err(failed)?;
            if catalogue.renewal.opens_days == 400 {
                return anyhow::Ok(());
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), followed).await.context("the catalogue stays as it was")??;
    let now = certdesk.certificates().await.map_err(failed)?;
    assert!(now[0].businesses.contains(&Business::Renew), "another window: {:?}", now[0].renewal);
    let draft = certdesk.start_application(Business::Renew, Some(held.serial)).await.map_err(failed)?;
    let rows: Vec<_> = draft.files.iter().map(|row| row.requirement.id.0.as_str()).collect();
    assert_eq!(rows, ["application_form", "residence_proof"], "another requirement is a row of the page");
    assert!(certdesk.submit(draft.id, true).await.is_err(), "and it is asked for");
    journey.complete(draft.id).await?;
    // A test's thread has little room for all that an act waits for at once.
    Box::pin(journeys::hand_in(&journey, draft.id)).await?;

    // Somebody new, under the new limits of the video.
    certdesk.log_out().await.map_err(failed)?;
    let newcomer = stage.journey_of(certdesk, AccountKind::Enterprise, KeyAlgorithm::EcP256)?;
    newcomer.register().await?;
    let draft = certdesk.start_application(Business::New, None).await.map_err(failed)?;
    let video = certdesk.add_files(draft.id, video_row(&draft)?, vec![specimens()?.join("承诺视频.mp4")]).await;
    assert_eq!(
        told(video)?,
        LocalCode::VideoTooLong,
        "the video that was right under the old catalogue is too long now"
    );
    Ok(())
}

/// Someone with an open draft, and whose it is.
async fn draft_of(stage: &Stage) -> Result<(Controller, String, Uuid)> {
    let (certdesk, draft) = guide_opened(stage).await?;
    let session = certdesk.home().await.map_err(failed)?.session.context("nobody is logged in")?;
    Ok((certdesk, session.account.name, draft.id))
}

/// The same person at another computer.
async fn sit_down(stage: &Stage, account: &str) -> Result<Controller> {
    let certdesk = stage.another_computer()?;
    certdesk.catalogue().await.map_err(failed)?;
    certdesk.log_in_with_password(account.to_owned(), journey::PASSWORD.into()).await.map_err(failed)?;
    let version = certdesk.catalogue().await.map_err(failed)?.sensitive_data.version;
    certdesk.accept_consent(ConsentSubject::SensitiveData, version).await.map_err(failed)?;
    Ok(certdesk)
}

async fn type_in(certdesk: &Controller, id: Uuid, field: &str, value: &str) -> Result<()> {
    certdesk.save_field(id, field.to_owned(), value.to_owned()).await.map(drop).map_err(failed)
}

/// Opens the draft again and again, as somebody who goes to and fro, until it is as expected.
async fn meet(certdesk: &Controller, id: Uuid, fits: impl Fn(&DraftView) -> bool) -> Result<()> {
    let met = async {
        loop {
            certdesk.start_application(Business::New, None).await.map_err(failed)?;
            let draft = certdesk.draft(id).await.map_err(failed)?;
            if fits(&draft) {
                return Ok(());
            }
            pause(certdesk).await;
        }
    };
    let seen = tokio::time::timeout(Duration::from_secs(60), met).await;
    let last = certdesk.draft(id).await.map_err(failed)?;
    seen.with_context(|| format!("the computers do not meet: {:?} {:?}", last.handler, last.conflicts))?
}

/// Whichever of the two is asked to choose.
async fn until_either<'a>(one: &'a Controller, other: &'a Controller, id: Uuid) -> Result<&'a Controller> {
    let asked = async {
        loop {
            for certdesk in [one, other] {
                certdesk.start_application(Business::New, None).await.map_err(failed)?;
                if !certdesk.draft(id).await.map_err(failed)?.conflicts.is_empty() {
                    return Ok(certdesk);
                }
            }
            pause(one).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), asked).await.context("nobody is asked to choose")?
}

/// Until a program of no memory finds it at the service.
async fn told_to_the_service(stage: &Stage, account: &str, id: Uuid, mail: &str) -> Result<()> {
    let mut options = stage.options()?;
    options = journeys::kept_at(options, stage.scratch().join(Uuid::now_v7().to_string()));
    let third = Controller::start(options);
    third.catalogue().await.map_err(failed)?;
    third.log_in_with_password(account.to_owned(), journey::PASSWORD.into()).await.map_err(failed)?;
    let told = async {
        loop {
            third.applications().await.map_err(failed)?;
            if third.home().await.map_err(failed)?.drafts.iter().any(|draft| draft.id == id) {
                third.start_application(Business::New, None).await.map_err(failed)?;
                if third.draft(id).await.map_err(failed)?.handler.email == mail {
                    return Ok(());
                }
            }
            pause(&third).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), told).await.context("the service was not told")?
}

async fn until_draft(certdesk: &Controller, id: Uuid, what: &str, fits: impl Fn(&DraftView) -> bool) -> Result<()> {
    let seen = async {
        loop {
            match certdesk.draft(id).await {
                Ok(draft) if fits(&draft) => return Ok(()),
                Err(failure) if !failure.is(LocalCode::DraftGone) => return Err(failed(failure)),
                _ => pause(certdesk).await,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), seen).await.with_context(|| what.to_owned())?
}

async fn until(certdesk: &Controller, what: &str, fits: impl AsyncFn(&Home) -> bool) -> Result<()> {
    let seen = async {
        while !fits(&certdesk.home().await.map_err(failed)?).await {
            pause(certdesk).await;
        }
        Ok(())
    };
    tokio::time::timeout(Duration::from_secs(60), seen).await.with_context(|| what.to_owned())?
}

/// Until something happens, or might have.
async fn pause(certdesk: &Controller) {
    let _ = tokio::time::timeout(Duration::from_millis(50), certdesk.events().recv()).await;
}
