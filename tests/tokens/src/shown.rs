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
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{sync::broadcast::Receiver, time::timeout};

/// How often the key comes and goes.
const TIMES: usize = 20;
/// Longest that it may take once: a module that hangs over a removal costs the deadline of a listing.
const LONGEST: Duration = Duration::from_secs(20);

/// Takes the key out and puts it in again and again; tells how long half of the times took at most, and 95 in 100.
///
/// # Errors
/// When a change is not told in time.
pub async fn times(subject: &Subject, hands: &mut Box<dyn FnMut(Hand) -> Result<()> + Send>) -> Result<String> {
    let program = program(subject, "shown", subject.module.clone(), Machine::here());
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
            hands(hand)?;
            let start = Instant::now();
            strip_when(&mut events, hand == Hand::In).await?;
            took.push(start.elapsed());
        }
    }
    Ok(format!("{TIMES} times, gone: {}; come: {}", told(gone), told(come)))
}

/// The program, with one module and no service, and a data folder of its own: two programs never share one.
pub fn program(subject: &Subject, name: &str, module: PathBuf, machine: Machine) -> Controller {
    let data = subject.folder.join(name);
    Controller::start(Options {
        key_store: Arc::new(DemoKeyStore::new(&data)),
        data,
        service: None,
        demo: None,
        modules: vec![module],
        token_host: subject.host.clone(),
        token_environment: subject.environment.clone(),
        picker: Arc::new(NoPicker),
        machine,
    })
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

fn told(mut times: Vec<Duration>) -> String {
    times.sort();
    // The nearest rank.
    let at = |percent: usize| times.get((times.len() * percent).div_ceil(100).saturating_sub(1));
    let ms = |percent| at(percent).map_or(0, Duration::as_millis);
    format!("p50 {} ms, p95 {} ms, slowest {} ms", ms(50), ms(95), ms(100))
}
