//! From the PIN handed over to logged in, against the module's share of it called directly.

use std::time::Instant;

use anyhow::{Context, Result, bail};
use certdesk_cli::journey;
use certdesk_controller::{
    Failure, Pin, PinEntry,
    view::{PinOutcome, PinPurpose},
};
use certdesk_domain::{AccountKind, token::KeyAlgorithm};
use certdesk_token::{HostProgram, Module};
use journeys::Stage;
use stage::program;

use crate::{
    direct,
    figure::{Figure, Limit, median, ms},
};

const ROUNDS: usize = 21;

pub(crate) async fn measure() -> Result<Vec<Figure>> {
    let stage = Stage::set()?;
    let journey = stage.journey(AccountKind::Enterprise, KeyAlgorithm::EcP256)?;
    journey::run(&journey).await.context("the journey to a key that logs in")?;

    let certdesk = &journey.controller;
    let mut ours = Vec::new();
    for _ in 0..ROUNDS {
        certdesk.log_out().await.map_err(told)?;
        let keys = certdesk.home().await.map_err(told)?.keys.keys;
        let key = keys.into_iter().find(|key| key.can_log_in).context("no key can log in")?;
        let prompt = certdesk.prepare_pin(PinPurpose::LogIn { key: key.id }).await.map_err(told)?;
        let pin = Pin::from_bytes(stage.key.pin.clone().into_bytes());
        let start = Instant::now();
        let entry = PinEntry { ticket: prompt.ticket, confirmed: false, pin };
        let outcome = certdesk.submit_pin(entry).await.map_err(told)?;
        ours.push(ms(start.elapsed()));
        let PinOutcome::LoggedIn { .. } = outcome else { bail!("the PIN led to {outcome:?}") };
    }
    let host = HostProgram { path: program("certdesk-token-host")?, environment: stage.key.environment().to_vec() };
    let tokens = Module::new(host, stage.key.module.clone()).list().await?;
    let certificates = tokens.iter().flat_map(|token| &token.certificates);
    let key_id = &certificates.into_iter().next().context("no certificate on the key")?.key_id;
    let peer = direct::ask(&stage.key, key_id, false, true, ROUNDS)?.into_iter().map(ms).collect();
    let (ours, peer) = (median(ours), Some(median(peer)));
    Ok(vec![Figure { name: "PIN to logged in", ours, peer, unit: "ms", limit: Limit::MoreByAtMost(30.0) }])
}

fn told(failure: Failure) -> anyhow::Error {
    anyhow::anyhow!("{failure:?}")
}
