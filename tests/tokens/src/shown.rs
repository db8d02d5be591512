//! From the hand to the key strip: how long the whole program, without its window, takes to tell that a key came or went.

use crate::visit::{Hand, Subject};
use anyhow::{Context, Result, anyhow};
use certdesk_controller::{
    Controller, Options,
    doctor::Machine,
    picker::NoPicker,
    storage::DemoKeyStore,
    view::{Event, KeyStrip},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{sync::broadcast::Receiver, time::timeout};

/// How often the key comes and goes.
const TIMES: usize = 10;
/// Longest that it may take once: a module that hangs over a removal costs the deadline of a listing.
const LONGEST: Duration = Duration::from_secs(20);

/// Takes the key out and puts it in again and again; tells the middle and the slowest of each.
///
/// # Errors
/// When a change is not told in time.
pub async fn times(subject: &Subject, hands: &mut Box<dyn FnMut(Hand) -> Result<()> + Send>) -> Result<String> {
    let data = subject.folder.join("shown");
    let program = Controller::start(Options {
        key_store: Arc::new(DemoKeyStore::new(&data)),
        data,
        service: None,
        demo: None,
        modules: vec![subject.module.clone()],
        token_host: subject.host.clone(),
        token_environment: subject.environment.clone(),
        picker: Arc::new(NoPicker),
        machine: Machine::here(),
    });
    let mut events = program.events();
    let now = program.home().await.map_err(|failure| anyhow!("{failure:?}"))?.keys;
    if now.keys.is_empty() {
        strip_when(&mut events, true).await?;
    }
    let (mut gone, mut come) = (Vec::new(), Vec::new());
    for time in 0..TIMES {
        for (hand, took) in [(Hand::Out, &mut gone), (Hand::In, &mut come)] {
            // A hand does not wait for the program to have just looked.
            tokio::time::sleep(Duration::from_millis(time as u64 * 370 % 1000)).await;
            let start = Instant::now();
            hands(hand)?;
            strip_when(&mut events, hand == Hand::In).await?;
            took.push(start.elapsed());
        }
    }
    Ok(format!("{TIMES} times, gone: {}; come: {}", middle_and_slowest(gone), middle_and_slowest(come)))
}

async fn strip_when(events: &mut Receiver<Event>, there: bool) -> Result<KeyStrip> {
    let told = timeout(LONGEST, async {
        loop {
            match events.recv().await? {
                Event::Keys { keys } if keys.keys.is_empty() != there => return anyhow::Ok(keys),
                _ => {}
            }
        }
    });
    told.await
        .with_context(|| format!("the key strip does not show that the key {}", if there { "came" } else { "went" }))?
}

fn middle_and_slowest(mut times: Vec<Duration>) -> String {
    times.sort();
    let ms = |time: Option<&Duration>| time.map_or(0, Duration::as_millis);
    format!("p50 {} ms, slowest {} ms", ms(times.get(times.len() / 2)), ms(times.last()))
}
