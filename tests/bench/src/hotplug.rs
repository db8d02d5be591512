//! Keys that come and go, with five drivers: what looking for them costs while nothing happens, and how long a key that is
//! put in takes to be shown. The five are copies of the faulty module before SoftHSM, each with a store of its own, so
//! the cost holds what that module does at each call as well.

use std::{
    fs,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use certdesk_cli::journey;
use certdesk_controller::{
    Controller,
    view::{Event, KeyStrip},
};
use certdesk_token::{HostProgram, KeyAlgorithm, Module, Pin};
use softhsm_lab::{FaultyModule, SoftHsm};
use stage::{descendants, program};
use tokio::{sync::broadcast::Receiver, time::timeout};

use crate::figure::{Figure, Limit, ms};

const DRIVERS: usize = 5;
const IDLE: Duration = Duration::from_secs(30);
const INSERTIONS: u32 = 20;

pub(crate) async fn measure() -> Result<Vec<Figure>> {
    let mut stores = Vec::new();
    let mut modules = Vec::new();
    for number in 0..DRIVERS {
        let store = SoftHsm::new();
        let label = format!("测量锁 {number}");
        store.add_token(&label, "135790");
        let module = FaultyModule::named(&format!("libkey{number}.so"), &store.module, &store.environment);
        let module = module.showing(&label);
        certify(&module, &label).await?;
        stores.push(store);
        modules.push(module);
    }
    let folder = tempfile::tempdir()?;
    let paths = modules.iter().map(|module| module.path.clone()).collect();
    let data = folder.path().join("client");
    let options = journey::options(data, "https://127.0.0.1:1".into(), paths, program("certdesk-token-host")?);
    let certdesk = Controller::start(options);
    let mut events = certdesk.events();
    strip_when(&certdesk, &mut events, |strip| strip.keys.len() == DRIVERS).await?;

    let before = processor_time()?;
    tokio::time::sleep(IDLE).await;
    let share = (processor_time()? - before).as_secs_f64() / IDLE.as_secs_f64() * 100.0;

    let mut shown = Vec::new();
    let module = modules.first().context("there are drivers")?;
    for insertion in 0..INSERTIONS {
        module.pull();
        strip_when(&certdesk, &mut events, |strip| strip.keys.len() == DRIVERS - 1).await?;
        // At every moment between two looks, evenly.
        tokio::time::sleep(Duration::from_secs(1) * insertion / INSERTIONS).await;
        let start = Instant::now();
        module.put_in();
        strip_when(&certdesk, &mut events, |strip| strip.keys.len() == DRIVERS).await?;
        shown.push(ms(start.elapsed()));
    }
    shown.sort_by(f64::total_cmp);
    let part = |percent: usize| shown[(shown.len() - 1) * percent / 100];
    let figure = |name, ours, unit, most| Figure { name, ours, peer: None, unit, limit: Limit::AtMost(most) };
    Ok(vec![
        figure("idle, five drivers (one core)", share, "%", 2.0),
        figure("key put in → shown, p50", part(50), "ms", 1000.0),
        figure("key put in → shown, p95", part(95), "ms", 1500.0),
    ])
}

/// Puts a key pair and a certificate on the key, as keys in use have them.
async fn certify(module: &FaultyModule, label: &str) -> Result<()> {
    let host = HostProgram { path: program("certdesk-token-host")?, environment: Vec::new() };
    let helper = Module::new(host, module.path.clone());
    let token = helper.list().await?.into_iter().next().context("the key is not seen")?;
    helper.login(&token.id, Pin::from_bytes(b"135790".to_vec())).await?;
    let pair = helper.generate_key_pair(&token.id, KeyAlgorithm::EcP256, label, b"provisional".to_vec()).await?;
    let issuer = rcgen::Issuer::new(rcgen::CertificateParams::new(Vec::new())?, rcgen::KeyPair::generate()?);
    let subject = rcgen::SubjectPublicKeyInfo::from_der(&pair.spki_der)?;
    let certificate = rcgen::CertificateParams::new(Vec::new())?.signed_by(&subject, &issuer)?;
    Ok(helper.put_certificate(&token.id, &pair.key_id, certificate.der().to_vec(), label).await?)
}

async fn strip_when(
    certdesk: &Controller,
    events: &mut Receiver<Event>,
    fits: impl Fn(&KeyStrip) -> bool,
) -> Result<()> {
    if fits(&certdesk.home().await.map_err(|failure| anyhow::anyhow!("{failure:?}"))?.keys) {
        return Ok(());
    }
    let told = async {
        loop {
            if let Event::Keys { keys } = events.recv().await?
                && fits(&keys)
            {
                return anyhow::Ok(());
            }
        }
    };
    timeout(Duration::from_secs(60), told).await.context("the strip did not follow the key")?
}

/// What this process and its helpers have used so far (proc(5): `utime` and `stime`, in hundredths of a second).
fn processor_time() -> Result<Duration> {
    let own = std::process::id();
    let mut hundredths = 0;
    for process in descendants(own).into_iter().chain([own]) {
        let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
        let (_, fields) = stat.rsplit_once(')').context("a line of /proc does not read")?;
        let times = fields.split_whitespace().skip(11).take(2);
        hundredths += times.map(str::parse::<u64>).sum::<Result<u64, _>>()?;
    }
    Ok(Duration::from_millis(hundredths * 10))
}
