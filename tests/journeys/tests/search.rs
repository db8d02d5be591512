//! One box for everything, over what a real service said.

use anyhow::{Context, Result, ensure};
use certdesk_cache::search::{business_words, state_words};
use certdesk_controller::{Controller, view::SearchView};
use certdesk_domain::{AccountKind, Business, State, token::KeyAlgorithm};
use journeys::{Stage, certified, failed};
use stage::project_root;

#[tokio::test(flavor = "multi_thread")]
async fn what_was_seen_is_found_with_and_without_the_service_and_by_its_owner_alone() -> Result<()> {
    let mut stage = Stage::set()?;
    let (journey, account) = certified(&stage, AccountKind::Enterprise).await?;
    let certdesk = &journey.controller;
    let case = certdesk.applications().await.map_err(failed)?.pop().context("no case")?.application;
    let number = case.number.clone().context("no number")?;
    let handler = case.handler.clone().context("no handler")?.person.name;
    let certificate = certdesk.certificates().await.map_err(failed)?.pop().context("no certificate")?;
    certdesk.notices().await.map_err(failed)?;
    let all =
        [&number, &number[2..], &number[number.len() - 4..], &handler, &certificate.holder, "已完成", "completed"];
    for question in all {
        let found = ask(certdesk, question).await?;
        ensure!(found.applications.len() == 1, "{question} finds the case");
    }
    let two: String = certificate.holder.chars().take(2).collect();
    for question in [&two, &certificate.serial[..8]] {
        ensure!(ask(certdesk, question).await?.certificates.len() == 1, "{question} finds the certificate");
    }
    let said = ask(certdesk, &handler).await?.applications.pop().and_then(|hit| hit.said);
    assert_eq!(said.as_deref(), Some(handler.as_str()), "the list does not show the handler: the answer does");
    ensure!(!ask(certdesk, &number).await?.notices.is_empty(), "and what was told of it");
    let renewal =
        certdesk.start_application(Business::Revoke, Some(certificate.serial.clone())).await.map_err(failed)?;
    let drafts = ask(certdesk, "注销 草稿").await?.drafts;
    ensure!(drafts.iter().map(|hit| hit.draft.id).eq([renewal.id]), "the draft is found by what it is");
    let person = case.handler.context("no handler")?;
    for private in [&person.person.id_number, &person.phone, &person.email] {
        ensure!(is_empty(&ask(certdesk, private).await?), "{private} is in no index");
    }

    stage.service.kill();
    ensure!(ask(certdesk, &number).await?.applications.len() == 1, "the same without the service");
    stage.restart_service()?;

    certdesk.log_out().await.map_err(failed)?;
    let found = ask(certdesk, &two).await?;
    ensure!(found.applications.is_empty() && found.notices.is_empty(), "nobody is logged in");
    ensure!(found.certificates.len() == 1, "what is on the key is shown to who holds it");
    let other = stage.journey_of(certdesk, AccountKind::Individual, KeyAlgorithm::EcP256)?;
    ensure!(other.register().await? != account, "somebody else");
    for question in [&number, &handler, "已完成"] {
        let found = ask(certdesk, question).await?;
        ensure!(found.applications.is_empty() && found.drafts.is_empty() && found.notices.is_empty(), "{question}");
    }
    Ok(())
}

#[test]
fn businesses_and_states_are_found_by_the_words_they_are_shown_by() -> Result<()> {
    let texts = ["zh-CN", "en"].map(|language| format!("ui/src/text/{language}/words.ts"));
    for (at, file) in texts.iter().enumerate() {
        let text = std::fs::read_to_string(project_root()?.join(file))?;
        let line =
            |begin: &str| text.split_once(begin).and_then(|(_, rest)| rest.split_once("},")).map(|(line, _)| line);
        let (businesses, states) = (line("  business: {"), line("  state: {"));
        let shows = |among: Option<&str>, name: &str, word: &str| {
            let line = among.unwrap_or_default();
            ensure!(line.contains(&format!("{name}: \"{word}\"")), "{file} has another word for {name} than {word}");
            Ok(())
        };
        for business in Business::ALL {
            shows(businesses, business.name(), business_words(business)[at])?;
        }
        for state in STATES {
            let name = serde_json::to_string(&state)?;
            shows(states, name.trim_matches('"'), state_words(state)[at])?;
        }
    }
    Ok(())
}

const STATES: [State; 9] = [
    State::Draft,
    State::Submitted,
    State::InReview,
    State::NeedsCorrection,
    State::Approved,
    State::AwaitingIssuance,
    State::Completed,
    State::Rejected,
    State::Withdrawn,
];

async fn ask(certdesk: &Controller, question: &str) -> Result<SearchView> {
    certdesk.search(question.to_owned()).await.map_err(failed)
}

fn is_empty(found: &SearchView) -> bool {
    found.applications.is_empty()
        && found.drafts.is_empty()
        && found.certificates.is_empty()
        && found.notices.is_empty()
}
