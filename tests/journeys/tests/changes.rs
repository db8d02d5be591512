//! What is done elsewhere is learned by what changed, and nothing else is fetched for it.

use std::{fs, time::Duration};

use anyhow::{Context, Result, ensure};
use certdesk_cli::journey;
use certdesk_contract::application::{Remark, RemarkTarget, Review};
use certdesk_controller::{Uuid, view::Event};
use certdesk_domain::{AccountKind, Business, State, token::KeyAlgorithm};
use journeys::{Stage, failed};
use stage::copy_folder;

#[tokio::test(flavor = "multi_thread")]
async fn what_is_decided_or_typed_elsewhere_is_shown_here_without_anybody_asking() -> Result<()> {
    let stage = Stage::set()?;
    let journey = stage.journey(AccountKind::Individual, KeyAlgorithm::EcP256)?;
    let account = journey.register().await?;
    let here = &journey.controller;
    let id = journey.fill_in().await?.id;
    here.submit(id, true).await.map_err(failed)?;
    ensure!(here.applications().await.map_err(failed)?.len() == 1, "it is among the applications");
    let there = stage.another_computer()?;
    there.catalogue().await.map_err(failed)?;

    let mut events = here.events();
    let remarks = vec![Remark { target: RemarkTarget::Case, text: "请补正".into() }];
    there.demo_review(id, Review::Return { remarks }.into()).await.map_err(failed)?;
    heard(&mut events, |event| matches!(event, Event::Applications)).await.context("the case was returned")?;
    let case = stage.cache()?.application(&account, id)?.context("it is kept")?;
    assert_eq!((case.state, case.remarks.len()), (State::NeedsCorrection, 1), "it is known here, with the remarks");
    heard(&mut events, |event| matches!(event, Event::Notices { unread: 1, .. })).await.context("it was told")?;

    there.log_in_with_password(account.clone(), journey::PASSWORD.into()).await.map_err(failed)?;
    there.applications().await.map_err(failed)?;
    let begun = there.start_application(Business::New, None).await.map_err(failed)?.id;
    there.save_field(begun, "email".into(), "there@example.cn".into()).await.map_err(failed)?;
    heard(&mut events, |event| matches!(event, Event::Draft { id } if *id == begun)).await.context("a draft begun")?;
    assert_eq!(here.draft(begun).await.map_err(failed)?.handler.email, "there@example.cn", "it can be gone on with");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_was_put_back_as_it_was_is_believed() -> Result<()> {
    let mut stage = Stage::set()?;
    let journey = stage.journey(AccountKind::Individual, KeyAlgorithm::EcP256)?;
    let account = journey.register().await?;
    let here = &journey.controller;
    let first = journey.fill_in().await?.id;
    here.submit(first, true).await.map_err(failed)?;
    stage.service.kill();
    let backup = stage.scratch().join("backup");
    copy_folder(&stage.service_data(), &backup)?;

    stage.restart_service()?;
    here.log_in_with_password(account.clone(), journey::PASSWORD.into()).await.map_err(failed)?;
    here.withdraw_application(first).await.map_err(failed)?;
    let state = async |id: Uuid| here.application(id).await.map(|view| view.application.state).map_err(failed);
    assert_eq!(state(first).await?, State::Withdrawn);
    let seen = stage.cache()?.changes_cursor(&account)?.context("there is a cursor")?;
    here.applications().await.map_err(failed)?;
    ensure!(stage.cache()?.application(&account, first)?.is_some_and(|case| case.state == State::Withdrawn));

    stage.service.kill();
    fs::remove_dir_all(stage.service_data())?;
    copy_folder(&backup, &stage.service_data())?;
    stage.restart_service()?;
    here.log_in_with_password(account.clone(), journey::PASSWORD.into()).await.map_err(failed)?;
    assert_eq!(state(first).await?, State::Submitted, "what the service does not know any more is not told here");
    assert_ne!(stage.cache()?.changes_cursor(&account)?, Some(seen), "everything was asked for anew");
    Ok(())
}

async fn heard(events: &mut tokio::sync::broadcast::Receiver<Event>, what: impl Fn(&Event) -> bool) -> Result<()> {
    let heard = async {
        loop {
            match events.recv().await {
                Ok(event) if what(&event) => return anyhow::Ok(()),
                Ok(_) | Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {}
                Err(closed) => return Err(closed.into()),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), heard).await?
}
