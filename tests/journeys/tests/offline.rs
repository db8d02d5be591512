//! 离线查看: after a new start without the service what was seen is read by whoever saw it, and by nobody else; what is done
//! meanwhile waits for a login and arrives once.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result, ensure};
use certdesk_cache::CacheKey;
use certdesk_cli::journey::{self, Journey};
use certdesk_contract::{
    application::{Remark, RemarkTarget, Review},
    session::SessionKind,
};
use certdesk_controller::{
    Controller, Failure, LocalCode, Options, Uuid,
    storage::{KeyStore, KeyStoreError},
    view::{PinOutcome, PinPurpose, QueuedState, SessionView, StorageState},
};
use certdesk_domain::{AccountKind, Business, State, token::KeyAlgorithm};
use journeys::{Stage, certified, failed, specimens, told};

#[tokio::test(flavor = "multi_thread")]
async fn after_a_new_start_without_the_service_it_is_read_prepared_and_handed_in_once_after_a_login() -> Result<()> {
    let mut stage = Stage::set()?;
    let (journey, account) = newcomer(&stage).await?;
    let id = journey.fill_in().await?.id;
    let number = journey.hand_in(id).await?;
    let seen = journey.controller.application(id).await.map_err(failed)?.application;
    let file = seen.attachments.first().context("nothing was handed in with it")?.clone();
    let remarks = vec![
        Remark { target: RemarkTarget::Field("email".into()), text: "请填写常用邮箱。".into() },
        Remark { target: RemarkTarget::Files(file.requirement.clone()), text: "请重新扫描。".into() },
    ];
    journey.controller.demo_review(id, Review::Return { remarks }.into()).await.map_err(failed)?;
    journey.controller.start_correction(id).await.map_err(failed)?;
    let seen = journey.controller.application(id).await.map_err(failed)?.application;
    stage.service.kill();
    drop(journey);

    let certdesk = Controller::start(stage.options()?);
    certdesk.offline_choices().await.map_err(failed)?;
    let service = certdesk.home().await.map_err(failed)?.service;
    assert_eq!(service.reachable, Some(false), "before anybody tries to log in it is known that nobody can");
    let away = certdesk.log_in_with_password(account.clone(), journey::PASSWORD.into()).await;
    assert_eq!(told(away)?, LocalCode::ServiceUnreachable, "a login is refused for the true reason");
    let choices = certdesk.offline_choices().await.map_err(failed)?;
    assert_eq!((choices.by_password, choices.keys.len()), (true, 0), "but what was seen here can be read");
    ensure!(certdesk.applications().await.is_err(), "not by just anybody");
    let unknown = certdesk.read_offline("qy00000000".into(), journey::PASSWORD.into()).await;
    assert_eq!(told(unknown)?, LocalCode::OfflineUnknown);
    let wrong = certdesk.read_offline(account.clone(), "not-the-password".into()).await;
    assert_eq!(told(wrong)?, LocalCode::OfflinePasswordWrong);
    let session = certdesk.read_offline(format!(" {account} "), journey::PASSWORD.into()).await.map_err(failed)?;
    let since = session.offline.context("it is no session that the service knows")?.seen_at;
    ensure!(since <= time::OffsetDateTime::now_utc(), "and says since when");

    // Read.
    let mine = certdesk.applications().await.map_err(failed)?;
    assert_eq!(mine.iter().map(|view| &view.application).collect::<Vec<_>>(), [&seen], "the list is as it was seen");
    assert_eq!(certdesk.application(id).await.map_err(failed)?.application, seen, "and so is the case");
    ensure!(certdesk.notices().await.map_err(failed)?.offline, "notices say that they are as last seen");
    certdesk.refresh_account().await.map_err(failed)?;
    certdesk.local_data().await.map_err(failed)?;
    // What needs the service says so.
    for refused in [
        told(certdesk.withdraw_application(id).await)?,
        told(certdesk.submit(id, true).await)?,
        told(certdesk.change_password(journey::PASSWORD.into(), "Another-2026-ok".into()).await)?,
    ] {
        assert_eq!(refused, LocalCode::OfflineSession);
    }

    // Prepare.
    certdesk.save_field(id, "email".into(), "offline@example.cn".into()).await.map_err(failed)?;
    let draft = certdesk.make_form(id).await.map_err(failed)?;
    let row = draft.files.iter().find(|row| row.requirement.id == file.requirement).context("the row is gone")?;
    ensure!(row.editable, "it was sent back");
    for held in &row.attachments {
        certdesk.remove_attachment(held.id).await.map_err(failed)?;
    }
    let again = vec![specimens()?.join(&row.attachments.first().context("its file is gone")?.name)];
    certdesk.add_files(id, file.requirement.clone(), again).await.map_err(failed)?;
    certdesk.queue_submission(id, true).await.map_err(failed)?;

    // The service is back: it is noticed, and nothing goes out in nobody's name.
    stage.restart_service()?;
    until(&certdesk, "the service is seen", async || {
        Ok(certdesk.home().await.map_err(failed)?.service.reachable == Some(true))
    })
    .await?;
    let queued = certdesk.draft(id).await.map_err(failed)?.queued.context("it waits no more")?;
    ensure!(matches!(queued.state, QueuedState::Files | QueuedState::Waiting), "it waits: {:?}", queued.state);
    assert_eq!(queued.tries, 0, "nothing was tried");
    let refreshed = certdesk.applications().await.map_err(failed)?;
    assert_eq!(refreshed.first().map(|view| &view.application), Some(&seen), "and nothing was asked for");
    ensure!(is_offline(&certdesk).await?, "it goes on as it was");

    let session = certdesk.log_in_with_password(account.clone(), journey::PASSWORD.into()).await.map_err(failed)?;
    ensure!(session.offline.is_none(), "a login is a login");
    until(&certdesk, "it is handed in", async || {
        let draft = certdesk.draft(id).await.map_err(failed)?;
        Ok(draft.queued.is_none() && !matches!(draft.state, State::Draft | State::NeedsCorrection))
    })
    .await?;
    let mut mine = certdesk.applications().await.map_err(failed)?;
    let case = mine.pop().context("the case is gone")?.application;
    ensure!(mine.is_empty(), "it made no second case");
    assert_eq!((case.number, case.submissions, case.receipts.len()), (Some(number), 2, 2), "handed in once more");
    let handler = case.handler.context("nobody handed it in")?;
    assert_eq!(handler.email, "offline@example.cn", "with what was typed without the service");
    until(&certdesk, "the outbox is empty", async || Ok(stage.cache()?.outbox(&account)?.is_empty())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_is_slowed_down_and_a_new_start_is_no_way_around_it() -> Result<()> {
    let mut stage = Stage::set()?;
    let (journey, account) = newcomer(&stage).await?;
    stage.service.kill();
    journey.controller.log_out().await.map_err(failed)?;
    drop(journey);
    let certdesk = Controller::start(stage.options()?);
    let guess = async |certdesk: &Controller| certdesk.read_offline(account.clone(), "a-guess-2026".into()).await;
    for _ in 0..2 {
        let failure = guess(&certdesk).await.err().context("a guess went through")?;
        assert_eq!((told::<()>(Err(failure.clone()))?, failure.retry_after), (LocalCode::OfflinePasswordWrong, None));
    }
    let third = guess(&certdesk).await.err().context("a guess went through")?;
    assert_eq!(third.retry_after, Some(30), "the third says when the next may be tried");
    drop(certdesk);

    let certdesk = Controller::start(stage.options()?);
    let right = || certdesk.read_offline(account.clone(), journey::PASSWORD.into());
    let early: Failure = right().await.err().context("a new start went around the wait")?;
    assert_eq!(told::<()>(Err(early.clone()))?, LocalCode::OfflineTooSoon, "the right one has to wait too");
    ensure!(early.retry_after.is_some_and(|seconds| (20..=30).contains(&seconds)), "{:?}", early.retry_after);
    assert_eq!(stage.cache()?.offline_login(&account)?.context("it is gone")?.tries, 3, "and was not looked at");

    // A login that the service takes ends it.
    stage.restart_service()?;
    certdesk.log_in_with_password(account.clone(), journey::PASSWORD.into()).await.map_err(failed)?;
    certdesk.log_out().await.map_err(failed)?;
    stage.service.kill();
    right().await.map_err(failed)?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_account_reads_its_own_and_a_password_goes_with_what_the_service_says_of_it() -> Result<()> {
    let mut stage = Stage::set()?;
    let (journey, first) = newcomer(&stage).await?;
    let certdesk = journey.controller.clone();
    let id = journey.fill_in().await?.id;
    journey.hand_in(id).await?;
    certdesk.log_out().await.map_err(failed)?;
    let mut other = stage.journey_of(&certdesk, AccountKind::Individual, KeyAlgorithm::EcP256)?;
    other.registration.phone = "13900139000".into();
    other.registration.contact.name = "李测试".into();
    other.registration.contact.id_number = "110105194912310038".into();
    let second = other.register().await?;
    assert_ne!(first, second);

    // The second changes the password, and the one before opens nothing any more.
    certdesk.change_password(journey::PASSWORD.into(), "Another-2026-ok".into()).await.map_err(failed)?;
    stage.service.kill();
    let read = async |account: &str, password: &str| certdesk.read_offline(account.into(), password.into()).await;
    assert_eq!(told(read(&second, journey::PASSWORD).await)?, LocalCode::OfflinePasswordWrong);
    read(&second, "Another-2026-ok").await.map_err(failed)?;
    assert!(certdesk.applications().await.map_err(failed)?.is_empty(), "one's own, and nobody else's");
    ensure!(certdesk.application(id).await.is_err(), "not even by its name");
    ensure!(certdesk.draft(id).await.is_err());
    read(&first, journey::PASSWORD).await.map_err(failed)?;
    assert_eq!(certdesk.applications().await.map_err(failed)?.len(), 1);
    ensure!(told(certdesk.log_in_with_password(first.clone(), "x".into()).await)? == LocalCode::ServiceUnreachable);
    ensure!(is_offline(&certdesk).await?, "a login that fails ends nothing");

    // Changed on another computer: the old one opens until the service refuses it here.
    stage.restart_service()?;
    let there = stage.another_computer()?;
    there.log_in_with_password(first.clone(), journey::PASSWORD.into()).await.map_err(failed)?;
    there.change_password(journey::PASSWORD.into(), "Elsewhere-2026-ok".into()).await.map_err(failed)?;
    certdesk.log_out().await.map_err(failed)?;
    let refuse = async |password: &str| certdesk.log_in_with_password(first.clone(), password.into()).await;
    ensure!(refuse("mistyped-2026").await.is_err());
    read(&first, journey::PASSWORD).await.map_err(failed)?;
    certdesk.log_out().await.map_err(failed)?;
    ensure!(refuse(journey::PASSWORD).await.is_err());
    assert_eq!(told(read(&first, journey::PASSWORD).await)?, LocalCode::OfflineUnknown, "the service refused this one");

    // What is deleted here is nobody's to read.
    read(&second, "Another-2026-ok").await.map_err(failed)?;
    certdesk.delete_local_data().await.map_err(failed)?;
    assert_eq!(told(read(&second, "Another-2026-ok").await)?, LocalCode::OfflineUnknown);
    assert!(!certdesk.offline_choices().await.map_err(failed)?.by_password, "and it is not offered any more");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_key_that_logged_in_opens_what_was_seen_and_no_other_way_does() -> Result<()> {
    let mut stage = Stage::set()?;
    let (journey, account) = certified(&stage, AccountKind::Individual).await?;
    let before = journey.controller.certificates().await.map_err(failed)?;
    let case = journey.controller.applications().await.map_err(failed)?.pop().context("no case")?.application;
    stage.service.kill();
    journey.controller.log_out().await.map_err(failed)?;
    drop(journey);

    let journey = stage.journey(AccountKind::Individual, KeyAlgorithm::EcP256)?;
    let certdesk = &journey.controller;
    let key = plugged_in(certdesk).await?;
    let choices = certdesk.offline_choices().await.map_err(failed)?;
    assert_eq!((choices.by_password, &choices.keys), (false, &vec![key.clone()]), "by this key, and by no password");
    let by_password = certdesk.read_offline(account.clone(), journey::PASSWORD.into()).await;
    assert_eq!(told(by_password)?, LocalCode::OfflineNeedsKey, "the password of before went with the login by key");
    let purpose = PinPurpose::ReadOffline { key: key.clone() };
    let wrong = journey.give_pin(purpose.clone(), "000000").await?;
    ensure!(matches!(wrong, PinOutcome::Refused { .. }), "a wrong PIN led to {wrong:?}");
    ensure!(!is_offline(certdesk).await?, "and a wrong PIN opens nothing");
    let session = in_by(journey.give_pin(purpose.clone(), &stage.key.pin).await?)?;
    assert_eq!((session.kind, session.offline.is_some()), (SessionKind::Token, true));
    let seen = certdesk.certificates().await.map_err(failed)?;
    assert_eq!(seen.iter().map(|one| &one.serial).collect::<Vec<_>>(), [&before[0].serial], "我的证书 is there");
    assert_eq!(certdesk.application(case.id).await.map_err(failed)?.application, case);
    let act = PinPurpose::Withdraw { key: key.clone(), application: case.id };
    assert_eq!(told(certdesk.prepare_pin(act).await)?, LocalCode::OfflineSession, "no PIN is asked for nothing");

    // 注销 is prepared and queued; it goes after a login, signed then.
    let begun = certdesk.start_application(Business::Revoke, Some(before[0].serial.clone())).await;
    let id = begun.map_err(failed)?.id;
    certdesk.save_field(id, "reason".into(), "cessation_of_operation".into()).await.map_err(failed)?;
    certdesk.queue_submission(id, true).await.map_err(failed)?;
    stage.restart_service()?;
    in_by(journey.give_pin(PinPurpose::LogIn { key: key.clone() }, &stage.key.pin).await?)?;
    until(certdesk, "the key is asked for", async || {
        let queued = certdesk.draft(id).await.map_err(failed)?.queued;
        Ok(queued.is_some_and(|queued| queued.state == QueuedState::NeedsKey))
    })
    .await?;
    let submit = PinPurpose::Submit { key: key.clone(), draft: id, declared_true: true };
    let outcome = journey.give_pin(submit, &stage.key.pin).await?;
    let PinOutcome::Submitted { receipt } = outcome else { anyhow::bail!("not handed in: {outcome:?}") };
    assert_eq!(receipt.receipt.application.receipts.len(), 1, "handed in once");

    // Its certificate is revoked now, and this computer knows.
    certdesk.certificates().await.map_err(failed)?;
    certdesk.log_out().await.map_err(failed)?;
    stage.service.kill();
    assert_eq!(told(certdesk.prepare_pin(purpose).await)?, LocalCode::OfflineCertificateRevoked);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn pulling_the_key_out_ends_the_reading_and_what_was_deleted_is_nobodys() -> Result<()> {
    let mut stage = Stage::set()?;
    let (journey, account) = certified(&stage, AccountKind::Individual).await?;
    stage.service.kill();
    drop(journey);
    let journey = stage.journey(AccountKind::Individual, KeyAlgorithm::EcP256)?;
    let certdesk = &journey.controller;
    let purpose = PinPurpose::ReadOffline { key: plugged_in(certdesk).await? };
    in_by(journey.give_pin(purpose.clone(), &stage.key.pin).await?)?;
    stage.pull_keys()?;
    until(certdesk, "who sits down next reads nothing", async || {
        Ok(certdesk.home().await.map_err(failed)?.session.is_none())
    })
    .await?;
    ensure!(certdesk.application_counts(String::new()).await.is_err(), "not even how much there is");
    stage.plug_keys_in()?;
    until(certdesk, "the key is seen again", async || Ok(plugged_in(certdesk).await.is_ok())).await?;
    in_by(journey.give_pin(purpose.clone(), &stage.key.pin).await?)?;
    certdesk.delete_local_data().await.map_err(failed)?;
    assert_eq!(
        told(certdesk.prepare_pin(purpose).await)?,
        LocalCode::OfflineUnknown,
        "there is nothing to ask a PIN for"
    );
    assert_eq!(stage.cache()?.data_of(&account)?.offline_login, None);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_successor_of_a_certificate_opens_what_was_seen() -> Result<()> {
    let mut stage = Stage::set_with_catalogue(journeys::early_renewal)?;
    let (journey, _) = certified(&stage, AccountKind::Individual).await?;
    let old = journey.controller.certificates().await.map_err(failed)?.pop().context("no certificate")?;
    let begun = journey.controller.start_application(Business::Renew, Some(old.serial.clone())).await;
    let id = begun.map_err(failed)?.id;
    journey.complete(id).await?;
    journeys::hand_in(&journey, id).await?;
    journey.make_certificate(id).await?;
    journey.controller.certificates().await.map_err(failed)?;
    stage.service.kill();
    drop(journey);
    let journey = stage.journey(AccountKind::Individual, KeyAlgorithm::EcP256)?;
    let purpose = PinPurpose::ReadOffline { key: plugged_in(&journey.controller).await? };
    // The one that logged in is superseded, and would be refused as revoked.
    in_by(journey.give_pin(purpose, &stage.key.pin).await?)?;
    assert_eq!(journey.controller.certificates().await.map_err(failed)?.len(), 2, "the old one and the new one");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_passphrase_locks_is_read_after_it_and_what_was_not_kept_is_not_offered() -> Result<()> {
    const PASSPHRASE: &str = "金山大道的猫不吃鱼";
    let mut stage = Stage::set()?;
    let computer = async |stage: &Stage, folder: &str| {
        let options = Options { key_store: Arc::new(NoKeyStore), ..stage.options()? };
        let certdesk = Controller::start(Options { data: stage.scratch().join(folder), ..options });
        until(&certdesk, "somebody is asked", async || {
            let storage = certdesk.storage().await.map_err(failed)?;
            Ok(matches!(storage.state, StorageState::Asking { .. }))
        })
        .await?;
        anyhow::Ok(certdesk)
    };
    let locked = computer(&stage, "locked").await?;
    locked.choose_passphrase(PASSPHRASE.into()).await.map_err(failed)?;
    let account = stage.journey_of(&locked, AccountKind::Individual, KeyAlgorithm::EcP256)?.register().await?;
    let forgetful = computer(&stage, "nothing kept").await?;
    forgetful.keep_nothing().await.map_err(failed)?;
    forgetful.catalogue().await.map_err(failed)?;
    forgetful.log_in_with_password(account.clone(), journey::PASSWORD.into()).await.map_err(failed)?;
    stage.service.kill();
    drop((locked, forgetful));

    let locked = computer(&stage, "locked").await?;
    let asked = tokio::time::timeout(Duration::from_millis(300), locked.offline_choices()).await;
    ensure!(asked.is_err(), "before the passphrase nothing is known: {asked:?}");
    locked.unlock_storage(PASSPHRASE.into()).await.map_err(failed)?;
    assert!(locked.offline_choices().await.map_err(failed)?.by_password);
    locked.read_offline(account.clone(), journey::PASSWORD.into()).await.map_err(failed)?;
    let forgetful = computer(&stage, "nothing kept").await?;
    forgetful.keep_nothing().await.map_err(failed)?;
    assert!(!forgetful.offline_choices().await.map_err(failed)?.by_password, "there is nothing to read");
    Ok(())
}

/// A computer without one.
struct NoKeyStore;

impl KeyStore for NoKeyStore {
    fn key(&self, _: Uuid) -> Result<Option<CacheKey>, KeyStoreError> {
        Err(KeyStoreError::Away("none here".into()))
    }

    fn keep(&self, _: Uuid, _: &CacheKey) -> Result<(), KeyStoreError> {
        Err(KeyStoreError::Away("none here".into()))
    }
}

async fn newcomer(stage: &Stage) -> Result<(Journey, String)> {
    let journey = stage.journey(AccountKind::Individual, KeyAlgorithm::EcP256)?;
    let account = journey.register().await?;
    Ok((journey, account))
}

async fn plugged_in(certdesk: &Controller) -> Result<String> {
    let strip = certdesk.refresh_keys().await.map_err(failed)?;
    let key = strip.keys.into_iter().find(|key| key.can_log_in);
    Ok(key.context("no key that logs in is plugged in")?.id)
}

fn in_by(outcome: PinOutcome) -> Result<SessionView> {
    let PinOutcome::LoggedIn { session } = outcome else { anyhow::bail!("the PIN led to {outcome:?}") };
    Ok(*session)
}

/// Whether somebody reads without the service.
async fn is_offline(certdesk: &Controller) -> Result<bool> {
    let session = certdesk.home().await.map_err(failed)?.session;
    Ok(session.is_some_and(|session| session.offline.is_some()))
}

async fn until(certdesk: &Controller, what: &str, so: impl AsyncFn() -> Result<bool>) -> Result<()> {
    journeys::until(certdesk, Duration::from_secs(90), what, so).await
}
