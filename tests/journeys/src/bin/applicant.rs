//! A person at the program, as a process of its own that a test can kill at any moment. Says on stdout what was
//! acknowledged. The stage comes by argument as JSON, so that nothing is shared but disk, service and key.

use std::{io::Write, path::PathBuf, time::Duration};

use anyhow::{Context, Result, bail};
use certdesk_cli::journey;
use certdesk_controller::{
    Controller, Demo, LocalCode, Pin, PinEntry, Uuid,
    view::{Event, IssuanceStep, PinOutcome, PinPurpose, UploadState},
};
use certdesk_domain::{Business, RequirementId, State, token::KeyAlgorithm};
use journeys::{Seat, failed};

#[tokio::main]
async fn main() -> Result<()> {
    let seat = std::env::args().nth(1).context("a seat is to be given")?;
    let seat: Seat = serde_json::from_str(&seat)?;
    let act = std::env::args().nth(2).context("an act is to be given")?;
    let given = std::env::args().nth(3);
    // Who has a certificate logs in with it.
    let by_key = matches!(act.as_str(), "renewed" | "remove");
    let certdesk = if by_key { sit_down_with_key(&seat).await? } else { sit_down(&seat).await? };
    match act.as_str() {
        "renewed" => make_certificate(&certdesk, &seat, given.context("a case is to be given")?.parse()?).await,
        "remove" => remove(&certdesk, &seat, given.context("a certificate is to be given")?).await,
        "type" => type_along(&certdesk).await,
        "upload" => upload(&certdesk, given.context("a file is to be given")?.into()).await,
        "submit" => submit(&certdesk, given.context("a draft is to be given")?.parse()?).await,
        "queue" => queue(&certdesk, given.context("a draft is to be given")?.parse()?).await,
        "certificate" => make_certificate(&certdesk, &seat, given.context("a case is to be given")?.parse()?).await,
        other => bail!("no such act: {other}"),
    }
}

async fn sit_down(seat: &Seat) -> Result<Controller> {
    let certdesk = start(seat).await?;
    certdesk.log_in_with_password(seat.account.clone(), journey::PASSWORD.into()).await.map_err(failed)?;
    Ok(certdesk)
}

async fn sit_down_with_key(seat: &Seat) -> Result<Controller> {
    let certdesk = start(seat).await?;
    let strip = certdesk.refresh_keys().await.map_err(failed)?;
    let key = strip.keys.iter().find(|key| key.can_log_in).context("no key can log in")?.id.clone();
    let prompt = certdesk.prepare_pin(PinPurpose::LogIn { key }).await.map_err(failed)?;
    let pin = Pin::from_bytes(seat.pin.as_bytes().to_vec());
    certdesk.submit_pin(PinEntry { ticket: prompt.ticket, confirmed: false, pin }).await.map_err(failed)?;
    Ok(certdesk)
}

async fn start(seat: &Seat) -> Result<Controller> {
    let (service, demo) = Demo::read(&seat.ready).map_err(anyhow::Error::msg)?;
    let host = stage::program("certdesk-token-host")?;
    let mut options = journey::options(seat.data.clone(), service, vec![seat.module.clone()], host);
    options.demo = Some(demo);
    options.token_environment = vec![("SOFTHSM2_CONF".into(), seat.softhsm.clone().into())];
    let certdesk = Controller::start(options);
    certdesk.catalogue().await.map_err(failed)?;
    Ok(certdesk)
}

/// Types an address letter by letter, for ever; says each value once it was answered as saved.
async fn type_along(certdesk: &Controller) -> Result<()> {
    let draft = certdesk.start_application(Business::New, None).await.map_err(failed)?;
    for count in 0_u32.. {
        let value = format!("测试路 {count} 号");
        let saved = certdesk.save_field(draft.id, "address.detail".into(), value.clone()).await.map_err(failed)?;
        if saved.handler.address.detail != value {
            bail!("saved {value}, got {}", saved.handler.address.detail);
        }
        say(&value)?;
    }
    Ok(())
}

/// Picks a file where it is not picked yet and waits for its upload; says how far it is.
async fn upload(certdesk: &Controller, file: PathBuf) -> Result<()> {
    let draft = certdesk.start_application(Business::New, None).await.map_err(failed)?;
    let mut events = certdesk.events();
    if draft.files.iter().all(|row| row.attachments.is_empty()) {
        let row = draft.files.iter().find(|row| row.requirement.video.is_some()).context("no row takes a video")?;
        let requirement: RequirementId = row.requirement.id.clone();
        certdesk.add_files(draft.id, requirement, vec![file]).await.map_err(failed)?;
    }
    loop {
        let view = certdesk.draft(draft.id).await.map_err(failed)?;
        let held = view.files.iter().flat_map(|row| &row.attachments).next().context("the file is gone")?;
        match &held.upload {
            UploadState::Done => return say("done"),
            UploadState::Failed { failure } => bail!("{failure:?}"),
            _ => {}
        }
        if let Event::Upload { upload: UploadState::Sending { done }, .. } = events.recv().await? {
            say(&format!("sent {done}"))?;
        }
    }
}

/// Hands a draft in; says when it begins, and the number it got.
async fn submit(certdesk: &Controller, draft: Uuid) -> Result<()> {
    say("submitting")?;
    let receipt = certdesk.submit(draft, true).await.map_err(failed)?.receipt;
    say(&receipt.number)
}

/// Queues a draft where it is one still; says so, and the number it got.
async fn queue(certdesk: &Controller, draft: Uuid) -> Result<()> {
    let mut events = certdesk.events();
    if certdesk.draft(draft).await.map_err(failed)?.state == State::Draft {
        // Queued already by one that was killed it is queued still; handed in meanwhile, it says that.
        if let Err(failure) = certdesk.queue_submission(draft, true).await
            && !failure.is(LocalCode::DraftGone)
        {
            return Err(failed(failure));
        }
        say("queued")?;
    }
    while certdesk.draft(draft).await.map_err(failed)?.state == State::Draft {
        let _ = tokio::time::timeout(Duration::from_millis(200), events.recv()).await;
    }
    let case = certdesk.application(draft).await.map_err(failed)?.application;
    say(&case.number.context("handed in it has a number")?)
}

/// Makes the certificate of an approved case, from wherever its journal stands; says each step.
async fn make_certificate(certdesk: &Controller, seat: &Seat, application: Uuid) -> Result<()> {
    certdesk.application(application).await.map_err(failed)?;
    let mut events = certdesk.events();
    let told = tokio::spawn(async move {
        while let Ok(event) = events.recv().await {
            if let Event::Issuance { issuance } = event {
                say(&format!("{:?}", issuance.step))?;
                if issuance.step == IssuanceStep::Confirmed {
                    break;
                }
            }
        }
        anyhow::Ok(())
    });
    let strip = certdesk.refresh_keys().await.map_err(failed)?;
    let key = strip.keys.iter().find(|key| key.ready).context("no key is plugged in")?.id.clone();
    let purpose = PinPurpose::Issue { key, application, algorithm: KeyAlgorithm::EcP256 };
    let prompt = certdesk.prepare_pin(purpose).await.map_err(failed)?;
    let pin = Pin::from_bytes(seat.pin.as_bytes().to_vec());
    let entry = PinEntry { ticket: prompt.ticket, confirmed: prompt.needs_confirmation, pin };
    match certdesk.submit_pin(entry).await.map_err(failed)? {
        PinOutcome::Issued { .. } => told.await?,
        other => bail!("the PIN led to {other:?}"),
    }
}

/// Removes an old certificate from the key; says when it begins, and when it is done or there is nothing to remove.
async fn remove(certdesk: &Controller, seat: &Seat, fingerprint: String) -> Result<()> {
    let strip = certdesk.refresh_keys().await.map_err(failed)?;
    let key = strip.keys.iter().find(|key| key.can_log_in).context("no key is plugged in")?.id.clone();
    let prompt = match certdesk.prepare_pin(PinPurpose::RemoveCertificate { key, fingerprint }).await {
        Err(failure) if failure.is(LocalCode::Gone) => return say("removed"),
        prompt => prompt.map_err(failed)?,
    };
    let entry = PinEntry {
        ticket: prompt.ticket,
        confirmed: prompt.needs_confirmation,
        pin: Pin::from_bytes(seat.pin.as_bytes().to_vec()),
    };
    say("removing")?;
    match certdesk.submit_pin(entry).await.map_err(failed)? {
        PinOutcome::Removed => say("removed"),
        other => bail!("the PIN led to {other:?}"),
    }
}

fn say(what: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{what}")?;
    Ok(out.flush()?)
}
