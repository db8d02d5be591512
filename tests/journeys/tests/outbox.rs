//! Away from the service: everything seen can be read, everything typed is kept, what is handed in waits and arrives once.

use std::{
    io::{BufRead as _, BufReader},
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use certdesk_cli::journey::{self, Journey};
use certdesk_contract::announcement::AnnouncementQuery;
use certdesk_controller::{
    Controller, LocalCode, Uuid,
    view::{DraftView, Event, PinOutcome, PinPurpose, QueuedState, UploadState},
};
use certdesk_domain::{AccountKind, Business, State, token::KeyAlgorithm};
use journeys::{Stage, certified, failed, specimens, told};

#[tokio::test(flavor = "multi_thread")]
async fn handed_in_while_the_service_is_away_it_waits_and_arrives_once_after_its_files() -> Result<()> {
    let mut stage = Stage::set()?;
    let (journey, account) = newcomer(&stage).await?;
    let certdesk = &journey.controller;
    let draft = journey.fill_in().await?;
    let id = draft.id;
    stage.service.kill();

    // A file is exchanged: taken out here, and told to the service later; the new one waits for the line.
    let row = draft.files.iter().find(|row| !row.requirement.is_form && row.requirement.video.is_none());
    let row = row.context("nothing but form and video is asked for")?;
    let old = row.attachments.first().context("its file is not there")?;
    certdesk.remove_attachment(old.id).await.map_err(failed)?;
    let files = vec![specimens()?.join(&old.name)];
    certdesk.add_files(id, row.requirement.id.clone(), files).await.map_err(failed)?;

    let refused = certdesk.submit(id, true).await;
    assert_eq!(told(refused)?, LocalCode::ServiceUnreachable, "nobody is told that it was handed in");
    let queued = certdesk.queue_submission(id, true).await.map_err(failed)?;
    let state = queued.queued.context("it is not queued")?.state;
    ensure!(matches!(state, QueuedState::Files | QueuedState::Waiting), "its files go first: {state:?}");
    let home = certdesk.home().await.map_err(failed)?;
    ensure!(home.drafts.iter().any(|draft| draft.queued.is_some()), "the list of drafts says so");
    ensure!(home.service.seen_at.is_some(), "and since when the service is away");
    let late = certdesk.save_field(id, "email".into(), "late@example.cn".into()).await;
    assert_eq!(told(late)?, LocalCode::SubmissionQueued, "what is declared is not changed behind the declaration");
    certdesk.queue_submission(id, true).await.map_err(failed)?;
    assert_eq!(stage.cache()?.outbox(&account)?.len(), 2, "queued twice it is one; and the file that was taken out");

    stage.restart_service()?;
    arrived(certdesk, id).await?;
    let case = once(certdesk).await?;
    assert_eq!((case.submissions, case.receipts.len()), (1, 1), "handed in once");
    until(certdesk, "the outbox is empty", async || Ok(stage.cache()?.outbox(&account)?.is_empty())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn taken_back_before_it_went_it_is_a_draft_as_it_was() -> Result<()> {
    let mut stage = Stage::set()?;
    let (journey, account) = newcomer(&stage).await?;
    let certdesk = &journey.controller;
    let id = journey.fill_in().await?.id;
    stage.service.kill();
    certdesk.queue_submission(id, true).await.map_err(failed)?;
    let before = certdesk.draft(id).await.map_err(failed)?;
    let back = certdesk.take_back_submission(id).await.map_err(failed)?;
    ensure!(back.queued.is_none() && !back.editable_fields.is_empty(), "it can be changed again");
    assert_eq!((back.handler, back.form), (before.handler, before.form), "and says what it said");
    stage.restart_service()?;
    certdesk.save_field(id, "address.detail".into(), "测试路 9 号".into()).await.map_err(failed)?;
    until(certdesk, "the service is back", async || {
        certdesk.applications().await.map_err(failed)?;
        Ok(certdesk.home().await.map_err(failed)?.service.reachable == Some(true))
    })
    .await?;
    assert!(certdesk.applications().await.map_err(failed)?.is_empty(), "nothing was handed in");
    assert_eq!(stage.cache()?.outbox(&account)?, []);
    certdesk.make_form(id).await.map_err(failed)?;
    certdesk.submit(id, true).await.map_err(failed)?;
    once(certdesk).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_computer_changed_stops_it_and_the_applicant_decides() -> Result<()> {
    let mut stage = Stage::set()?;
    let (journey, account) = newcomer(&stage).await?;
    let here = &journey.controller;
    let id = journey.fill_in().await?.id;
    stage.service.kill();
    here.queue_submission(id, true).await.map_err(failed)?;
    here.log_out().await.map_err(failed)?;
    stage.restart_service()?;
    let there = stage.another_computer()?;
    there.catalogue().await.map_err(failed)?;
    there.log_in_with_password(account.clone(), journey::PASSWORD.into()).await.map_err(failed)?;
    until(&there, "the draft appears there", async || {
        there.applications().await.map_err(failed)?;
        Ok(there.draft(id).await.is_ok())
    })
    .await?;
    there.save_field(id, "email".into(), "there@example.cn".into()).await.map_err(failed)?;
    let third = stage.scratch().join("third");
    let third = Controller::start(journeys::kept_at(stage.options()?, third));
    third.catalogue().await.map_err(failed)?;
    third.log_in_with_password(account.clone(), journey::PASSWORD.into()).await.map_err(failed)?;
    until(&third, "the service knows", async || {
        third.applications().await.map_err(failed)?;
        third.start_application(Business::New, None).await.map_err(failed)?;
        Ok(third.draft(id).await.is_ok_and(|draft| draft.handler.email == "there@example.cn"))
    })
    .await?;

    here.log_in_with_password(account.clone(), journey::PASSWORD.into()).await.map_err(failed)?;
    let state = async || here.draft(id).await.map(|draft| draft.queued.map(|queued| queued.state)).map_err(failed);
    until(here, "it is refused", async || Ok(state().await? == Some(QueuedState::Refused))).await?;
    let home = here.home().await.map_err(failed)?;
    let shown = home.drafts.iter().find_map(|draft| draft.queued.clone()).context("the list does not show it")?;
    ensure!(shown.failure.is_some(), "with the reason");
    assert!(here.applications().await.map_err(failed)?.is_empty(), "nothing was handed in");

    let back = here.take_back_submission(id).await.map_err(failed)?;
    assert_eq!(back.handler.email, "there@example.cn", "what was typed there is shown, nothing is lost");
    here.make_form(id).await.map_err(failed)?;
    here.submit(id, true).await.map_err(failed)?;
    once(here).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_session_by_key_the_key_signs_when_it_goes_and_is_asked_for_where_its_pin_is_needed() -> Result<()> {
    let mut stage = Stage::set()?;
    let (journey, _) = certified(&stage, AccountKind::Individual).await?;
    let certdesk = &journey.controller;
    let held = certdesk.certificates().await.map_err(failed)?.pop().context("no certificate")?;
    // 注销 asks for the PIN with the act as its reason, so it cannot go by itself.
    let draft = certdesk.start_application(Business::Revoke, Some(held.serial)).await.map_err(failed)?;
    let id = draft.id;
    certdesk.save_field(id, "reason".into(), "cessation_of_operation".into()).await.map_err(failed)?;
    stage.service.kill();
    certdesk.queue_submission(id, true).await.map_err(failed)?;
    stage.restart_service()?;
    let state = async || certdesk.draft(id).await.map(|draft| draft.queued.map(|queued| queued.state)).map_err(failed);
    until(certdesk, "the key is asked for", async || Ok(state().await? == Some(QueuedState::NeedsKey))).await?;
    let key = certdesk.home().await.map_err(failed)?.session.and_then(|session| session.key).context("no key")?;
    let purpose = PinPurpose::Submit { key, draft: id, declared_true: true };
    let outcome = journey.give_pin(purpose, &stage.key.pin).await?;
    let PinOutcome::Submitted { receipt } = outcome else { anyhow::bail!("not handed in: {outcome:?}") };
    let case = receipt.receipt.application;
    assert_eq!((case.state, case.receipts.len()), (State::Completed, 1), "its own key revoked it, once");
    ensure!(case.receipts[0].signed_by_key, "and signed that");
    ensure!(certdesk.home().await.map_err(failed)?.drafts.is_empty(), "nothing waits any more");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_session_by_key_a_queued_change_goes_by_itself_and_is_signed_by_the_key() -> Result<()> {
    let mut stage = Stage::set_with_catalogue(journeys::early_renewal)?;
    let (journey, _) = certified(&stage, AccountKind::Individual).await?;
    let certdesk = &journey.controller;
    let held = certdesk.certificates().await.map_err(failed)?.pop().context("no certificate")?;
    let id = certdesk.start_application(Business::Renew, Some(held.serial)).await.map_err(failed)?.id;
    journey.complete(id).await?;
    stage.service.kill();
    certdesk.queue_submission(id, true).await.map_err(failed)?;
    let address = stage.service.ready.text("base_url")?.to_owned();
    stage.change_catalogue(journeys::early_renewal)?;
    assert_eq!(stage.service.ready.text("base_url")?, address, "it is the same service");
    arrived(certdesk, id).await?;
    let case = certdesk.application(id).await.map_err(failed)?.application;
    assert_eq!(case.receipts.iter().map(|receipt| receipt.signed_by_key).collect::<Vec<_>>(), [true]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn away_from_the_service_everything_seen_is_readable_and_what_is_done_arrives_once() -> Result<()> {
    let mut stage = Stage::set()?;
    let (journey, account) = certified(&stage, AccountKind::Individual).await?;
    let certdesk = &journey.controller;
    let case = certdesk.applications().await.map_err(failed)?.pop().context("no case")?.application.id;
    let seen = walk(certdesk, case).await?;
    let receipt = certdesk.application(case).await.map_err(failed)?.application.receipts;
    ensure!(!receipt.is_empty(), "there is a receipt to look at");

    stage.service.kill();
    let away = walk(certdesk, case).await.context("away from the service")?;
    for ((page, before), (_, now)) in seen.iter().zip(&away) {
        assert_eq!(now, before, "{page} shows what was seen");
    }
    ensure!(certdesk.notices().await.map_err(failed)?.offline, "and says that it is as last seen");

    // A business is begun, typed, given a file, thrown away, and begun again.
    let held = certdesk.certificates().await.map_err(failed)?.pop().context("no certificate")?;
    let begin = async || certdesk.start_application(Business::Change, Some(held.serial.clone())).await.map_err(failed);
    let thrown = begin().await?.id;
    certdesk.discard_draft(thrown).await.map_err(failed)?;
    let draft = begin().await?;
    assert_ne!(draft.id, thrown, "what was thrown away stays away");
    let saved = certdesk.save_field(draft.id, "change.contact.name".into(), "王大䶮".into()).await.map_err(failed)?;
    ensure!(saved.faults.is_empty(), "{:?}", saved.faults);
    let with_form = certdesk.make_form(draft.id).await.map_err(failed)?;
    let row = with_form.files.iter().find(|row| !row.requirement.is_form).context("no file is asked for")?;
    let file = journey_file(&journey, row.requirement.kinds.first().copied())?;
    certdesk.add_files(draft.id, row.requirement.id.clone(), vec![file]).await.map_err(failed)?;

    stage.restart_service()?;
    until(certdesk, "the file is at the service", async || {
        let draft = certdesk.draft(draft.id).await.map_err(failed)?;
        Ok(draft.files.iter().flat_map(|row| &row.attachments).all(|held| held.upload == UploadState::Done))
    })
    .await?;
    until(certdesk, "what was typed is at the service", async || {
        let kept = stage.cache()?.draft(draft.id)?.context("the draft is gone")?;
        Ok(kept.sync.base.is_some_and(|base| base.particulars == kept.particulars) && kept.sync.sending.is_none())
    })
    .await?;
    until(certdesk, "the outbox is empty", async || Ok(stage.cache()?.outbox(&account)?.is_empty())).await?;
    let drafts = certdesk.home().await.map_err(failed)?.drafts;
    assert_eq!(drafts.iter().map(|draft| draft.id).collect::<Vec<_>>(), [draft.id], "one draft, and it is this one");
    assert_eq!(certdesk.applications().await.map_err(failed)?.len(), 1, "and one case");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn taken_back_while_the_service_is_away_it_is_withdrawn_once_or_stays_after_all() -> Result<()> {
    let mut stage = Stage::set()?;
    let (journey, account) = newcomer(&stage).await?;
    let certdesk = &journey.controller;
    let id = journey.fill_in().await?.id;
    journey.hand_in(id).await?;
    stage.service.kill();
    let at_once = certdesk.withdraw_application(id).await;
    assert_eq!(told(at_once)?, LocalCode::ServiceUnreachable, "nobody is told that it was taken back");
    let queued = certdesk.queue_withdrawal(id).await.map_err(failed)?.withdrawal.context("it is not queued")?;
    assert_eq!(queued.state, QueuedState::Waiting);
    certdesk.queue_withdrawal(id).await.map_err(failed)?;
    assert_eq!(stage.cache()?.outbox(&account)?.len(), 1, "queued twice it is one");
    let shown = certdesk.home().await.map_err(failed)?.withdrawals;
    assert_eq!(shown.iter().map(|one| one.application).collect::<Vec<_>>(), [id], "and the list of cases shows it");
    let stays = certdesk.drop_withdrawal(id).await.map_err(failed)?;
    ensure!(stays.withdrawal.is_none() && stays.can_withdraw, "it can stay after all");
    assert_eq!(stage.cache()?.outbox(&account)?, [], "and nothing is sent");

    // A new start without the service does not change it.
    certdesk.log_out().await.map_err(failed)?;
    certdesk.read_offline(account.clone(), journey::PASSWORD.into()).await.map_err(failed)?;
    certdesk.queue_withdrawal(id).await.map_err(failed)?;
    let own = certdesk.queue_submission(id, true).await;
    ensure!(own.is_err(), "what is taken back is not handed in");
    stage.restart_service()?;
    certdesk.log_in_with_password(account.clone(), journey::PASSWORD.into()).await.map_err(failed)?;
    until(certdesk, "it is taken back", async || {
        let view = certdesk.application(id).await.map_err(failed)?;
        Ok(view.application.state == State::Withdrawn && stage.cache()?.outbox(&account)?.is_empty())
    })
    .await?;
    let case = once(certdesk).await?;
    assert_eq!(case.receipts.len(), 2, "handed in once and taken back once: {:?}", case.receipts);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_that_was_decided_meanwhile_is_not_taken_back_and_its_applicant_reads_so() -> Result<()> {
    let mut stage = Stage::set()?;
    let (journey, account) = newcomer(&stage).await?;
    let certdesk = &journey.controller;
    let id = journey.fill_in().await?.id;
    journey.hand_in(id).await?;
    stage.service.kill();
    certdesk.queue_withdrawal(id).await.map_err(failed)?;
    certdesk.log_out().await.map_err(failed)?;
    stage.restart_service()?;
    certdesk.demo_review(id, certdesk_contract::application::Review::Approve.into()).await.map_err(failed)?;
    let mut events = certdesk.events();
    certdesk.log_in_with_password(account.clone(), journey::PASSWORD.into()).await.map_err(failed)?;
    let refused = async {
        while !matches!(events.recv().await?, Event::Refused { case, withdrawal: true } if case == id) {}
        anyhow::Ok(())
    };
    tokio::time::timeout(Duration::from_secs(60), refused).await.context("nobody is told")??;
    let view = certdesk.application(id).await.map_err(failed)?;
    assert_eq!(view.application.state, State::AwaitingIssuance, "the decision stands");
    let told = view.withdrawal.context("why is not to be read")?;
    assert_eq!(told.state, QueuedState::Refused);
    ensure!(told.failure.is_some(), "with the reason");
    let read = certdesk.drop_withdrawal(id).await.map_err(failed)?;
    ensure!(read.withdrawal.is_none(), "read, it is gone");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_session_by_key_a_queued_withdrawal_is_signed_by_the_key_when_it_goes() -> Result<()> {
    let mut stage = Stage::set_with_catalogue(journeys::early_renewal)?;
    let (journey, _) = certified(&stage, AccountKind::Enterprise).await?;
    let certdesk = &journey.controller;
    let held = certdesk.certificates().await.map_err(failed)?.pop().context("no certificate")?;
    let draft = certdesk.start_application(Business::Change, Some(held.serial)).await.map_err(failed)?;
    let (id, name) = (draft.id, "厦门云帆测试科技有限公司");
    certdesk.save_field(id, "change.organisation.name".into(), name.into()).await.map_err(failed)?;
    journey.complete(id).await?;
    certdesk.submit(id, true).await.map_err(failed)?;
    let state = certdesk.application(id).await.map_err(failed)?;
    ensure!(state.can_withdraw, "a reviewer looks at it: {:?}", state.application.state);
    stage.service.kill();
    certdesk.queue_withdrawal(id).await.map_err(failed)?;
    stage.change_catalogue(journeys::early_renewal)?;
    until(certdesk, "it is taken back", async || {
        Ok(certdesk.application(id).await.map_err(failed)?.application.state == State::Withdrawn)
    })
    .await?;
    let case = certdesk.application(id).await.map_err(failed)?.application;
    assert_eq!(case.receipts.iter().map(|receipt| receipt.signed_by_key).collect::<Vec<_>>(), [true, true]);
    Ok(())
}

/// Killed later and later after it was queued, until one got through; then somebody sits down again.
#[tokio::test(flavor = "multi_thread")]
async fn queued_and_killed_between_any_two_steps_it_is_one_application() -> Result<()> {
    let stage = Stage::set()?;
    let (journey, account) = newcomer(&stage).await?;
    let draft = journey.fill_in().await?.id.to_string();
    // Another program on the same cache would send it too.
    journey.controller.log_out().await.map_err(failed)?;
    for patience in (0..).map(|step| Duration::from_millis(6 * step)) {
        let mut killed = applicant(&stage, &account, &draft)?;
        let mut said = BufReader::new(killed.stdout.take().context("it has no stdout")?).lines();
        let first = said.next().transpose()?.context("it said nothing")?;
        let over = first != "queued" || {
            tokio::time::sleep(patience).await;
            killed.kill()?;
            // What it said before the kill counts.
            said.next().is_some()
        };
        killed.wait()?;
        if over {
            break;
        }
    }
    let mut again = applicant(&stage, &account, &draft)?;
    let mut said = BufReader::new(again.stdout.take().context("it has no stdout")?).lines();
    let number = said.by_ref().map_while(Result::ok).find(|line| line != "queued").context("it never arrived")?;
    again.wait()?;
    let certdesk = &journey.controller;
    certdesk.log_in_with_password(account.clone(), journey::PASSWORD.into()).await.map_err(failed)?;
    let case = once(certdesk).await?;
    assert_eq!((case.number, case.submissions, case.receipts.len()), (Some(number), 1, 1), "handed in once");
    until(certdesk, "the outbox is empty", async || Ok(stage.cache()?.outbox(&account)?.is_empty())).await
}

async fn newcomer(stage: &Stage) -> Result<(Journey, String)> {
    let journey = stage.journey(AccountKind::Individual, KeyAlgorithm::EcP256)?;
    let account = journey.register().await?;
    Ok((journey, account))
}

/// What every page that shows something of the service shows, by its command.
async fn walk(certdesk: &Controller, case: Uuid) -> Result<Vec<(&'static str, String)>> {
    let cases = certdesk.applications().await.map_err(failed).context("我的申办")?;
    let one = certdesk.application(case).await.map_err(failed).context("a case")?;
    let certificates = certdesk.certificates().await.map_err(failed).context("我的证书")?;
    let notices = certdesk.notices().await.map_err(failed).context("通知消息")?.notices;
    let consents = certdesk.consents().await.map_err(failed).context("consents")?;
    let account = certdesk.refresh_account().await.map_err(failed).context("用户信息")?;
    let catalogue = certdesk.catalogue().await.map_err(failed).context("what is asked for")?;
    let announced = certdesk.announcements(AnnouncementQuery::default()).await.map_err(failed).context("注销公告")?;
    let drivers = certdesk.drivers().await.map_err(failed).context("服务支持")?;
    certdesk.local_data().await.map_err(failed).context("what is kept here")?;
    Ok(vec![
        ("我的申办", format!("{:?}", cases.iter().map(|view| &view.application).collect::<Vec<_>>())),
        ("a case", format!("{:?}", one.application)),
        ("我的证书", format!("{certificates:?}")),
        ("通知消息", format!("{notices:?}")),
        ("consents", format!("{consents:?}")),
        ("用户信息", format!("{:?}", account.account)),
        ("what is asked for", format!("{:?}", catalogue.offers)),
        ("注销公告", format!("{announced:?}")),
        ("服务支持", format!("{}", drivers.drivers.len())),
    ])
}

fn journey_file(journey: &Journey, kind: Option<certdesk_domain::FileKind>) -> Result<std::path::PathBuf> {
    let ending = kind.context("no kind is asked for")?.extensions()[0];
    let files = std::fs::read_dir(&journey.files)?.flatten().map(|entry| entry.path());
    let mut fitting = files.filter(|path| path.extension().is_some_and(|found| found == ending));
    fitting.next().with_context(|| format!("no specimen ends in {ending}"))
}

/// The only case there is.
async fn once(certdesk: &Controller) -> Result<certdesk_contract::application::Application> {
    let mut mine = certdesk.applications().await.map_err(failed)?;
    ensure!(mine.len() == 1, "one application, not {}", mine.len());
    mine.pop().map(|view| view.application).context("one is one")
}

async fn arrived(certdesk: &Controller, id: Uuid) -> Result<DraftView> {
    until(certdesk, "it is handed in", async || {
        let draft = certdesk.draft(id).await.map_err(failed)?;
        Ok(draft.queued.is_none() && !matches!(draft.state, State::Draft | State::NeedsCorrection))
    })
    .await?;
    certdesk.draft(id).await.map_err(failed)
}

async fn until(certdesk: &Controller, what: &str, so: impl AsyncFn() -> Result<bool>) -> Result<()> {
    journeys::until(certdesk, Duration::from_secs(90), what, so).await
}

fn applicant(stage: &Stage, account: &str, draft: &str) -> Result<std::process::Child> {
    let seat = serde_json::to_string(&stage.seat(account))?;
    let child = Command::new(env!("CARGO_BIN_EXE_applicant"))
        .args([seat.as_str(), "queue", draft])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()?;
    Ok(child)
}
