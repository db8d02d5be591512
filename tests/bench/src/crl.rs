//! A revocation list of a million entries: checked and stored, against `openssl crl` that merely parses it; the memory
//! that takes; and how fast one certificate is looked up in it. Ours runs in a process of its own, so that the memory is
//! its alone.

use std::{
    env, fs,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use anyhow::{Context, Result, anyhow, ensure};
use certdesk_cache::{Cache, CacheKey};
use certdesk_controller::announcements::keep_list;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, IsCa, Issuer, KeyIdMethod, KeyPair,
    KeyUsagePurpose, RevocationReason, RevokedCertParams, SerialNumber,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use time::{Duration, OffsetDateTime};

use crate::figure::{Figure, Limit, median, ms};

const ENTRIES: u32 = 1_000_000;
const ROUNDS: usize = 3;
const LOOKUPS: u32 = 1_000;

/// What the process of its own found.
#[derive(Serialize, Deserialize)]
struct Found {
    store_ms: f64,
    lookup_ms: f64,
    peak_mib: f64,
}

pub(crate) fn measure() -> Result<Vec<Figure>> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    make(folder)?;
    let (mut ours, mut peer, mut lookup, mut peak) = (Vec::new(), Vec::new(), Vec::new(), 0.0_f64);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let parsed = Command::new("openssl")
            .args(["crl", "-inform", "DER", "-noout", "-in"])
            .arg(folder.join("list.crl"))
            .stderr(Stdio::null())
            .status()
            .context("openssl is not installed")?;
        ensure!(parsed.success(), "openssl does not read the list");
        peer.push(ms(start.elapsed()));
        let output = Command::new(env::current_exe()?).arg("--crl").arg(folder).output()?;
        ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let found: Found = serde_json::from_slice(&output.stdout)?;
        ours.push(found.store_ms);
        lookup.push(found.lookup_ms);
        peak = peak.max(found.peak_mib);
    }
    let (ours, peer) = (median(ours), Some(median(peer)));
    Ok(vec![
        Figure { name: "CRL of 1 M, check and store", ours, peer, unit: "ms", limit: Limit::TimesAtMost(1.0) },
        Figure { name: "CRL of 1 M, memory", ours: peak, peer: None, unit: "MiB", limit: Limit::AtMost(64.0) },
        Figure { name: "CRL of 1 M, look-up", ours: median(lookup), peer: None, unit: "ms", limit: Limit::AtMost(1.0) },
    ])
}

/// The process of its own: one store, then look-ups, half of them of serial numbers that are on the list.
pub(crate) fn run(folder: &Path) -> Result<()> {
    let database = folder.join("cache.db");
    let issuer = fs::read(folder.join("issuer.der"))?;
    let start = Instant::now();
    let cache = Cache::open(&database, &CacheKey::random())?;
    let list = fs::read(folder.join("list.crl"))?;
    let kept = keep_list(&cache, &list, issuer, None).map_err(|error| anyhow!("{error}"))?;
    let store_ms = ms(start.elapsed());
    ensure!(kept, "the list was not kept");
    drop(list);
    let mut times = Vec::new();
    for i in 0..LOOKUPS {
        let serial = serial(i * (2 * ENTRIES / LOOKUPS));
        let start = Instant::now();
        let found = cache.revocation(&serial)?;
        times.push(ms(start.elapsed()));
        ensure!(found.is_some() == (i < LOOKUPS / 2), "entry {i} was looked up wrongly");
    }
    for ending in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(folder.join(format!("cache.db{ending}")));
    }
    let found = Found { store_ms, lookup_ms: median(times), peak_mib: peak_mib()? };
    println!("{}", serde_json::to_string(&found)?);
    Ok(())
}

fn make(folder: &Path) -> Result<()> {
    let now = OffsetDateTime::now_utc().replace_nanosecond(0)?;
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::CrlSign];
    params.key_identifier_method = KeyIdMethod::PreSpecified(vec![7; 20]);
    fs::write(folder.join("issuer.der"), params.self_signed(&key)?.der())?;
    let entry = |i| RevokedCertParams {
        serial_number: SerialNumber::from_slice(&serial(i)),
        revocation_time: now - Duration::minutes(i64::from(i)),
        reason_code: (i % 4 == 0).then_some(RevocationReason::KeyCompromise),
        invalidity_date: None,
    };
    let list = CertificateRevocationListParams {
        this_update: now,
        next_update: now + Duration::days(1),
        crl_number: SerialNumber::from(1),
        issuing_distribution_point: None,
        revoked_certs: (0..ENTRIES).map(entry).collect(),
        key_identifier_method: KeyIdMethod::PreSpecified(vec![7; 20]),
    };
    fs::write(folder.join("list.crl"), list.signed_by(&Issuer::new(params, key))?.der())?;
    Ok(())
}

/// Sixteen bytes as random as an authority's, positive.
fn serial(i: u32) -> Vec<u8> {
    let mut serial = Sha256::digest(i.to_be_bytes())[..16].to_vec();
    serial[0] = serial[0] & 0x3F | 0x40;
    serial
}

/// The most this process ever had in memory.
fn peak_mib() -> Result<f64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib / 1024.0)
}
