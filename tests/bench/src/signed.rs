//! Signed requests (RFC 9421): how many are verified in a second, against the bare arithmetic of their signatures.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use certdesk_contract::signature::{Parameters, RequestHead, SESSION_LABEL, Signed, Unsigned, content_digest, fields};
use certdesk_pki::message_signature;
use certdesk_token::{HostProgram, KeyAlgorithm, Module, Pin};
use sha2::{Digest as _, Sha256};
use stage::{Service, SoftKey, program};

use crate::{
    figure::{Figure, Limit},
    upload,
};

/// How long each measurement runs, twice.
const TIME: Duration = Duration::from_millis(1500);
/// Requests under way at a time.
const AT_ONCE: usize = 16;

pub(crate) async fn measure() -> Result<Vec<Figure>> {
    let folder = tempfile::tempdir()?;
    let folder = folder.path();
    let key = SoftKey::blank(&folder.join("signer"), "证办通验签锁", "135790")?;
    let host = HostProgram { path: program("certdesk-token-host")?, environment: key.environment().to_vec() };
    let module = Module::new(host, key.module.clone());
    let token =
        module.list().await?.into_iter().find(|token| token.label == key.label).context("the key is not seen")?;
    module.login(&token.id, Pin::from_bytes(key.pin.clone().into_bytes())).await?;

    let mut figures = Vec::new();
    let mut raw_p256 = 0.0;
    for (name, algorithm) in [
        ("signed requests verified, P-256", KeyAlgorithm::EcP256),
        ("signed requests verified, RSA-2048", KeyAlgorithm::Rsa2048),
    ] {
        let pair = module.generate_key_pair(&token.id, algorithm, name, name.as_bytes()[..4].to_vec()).await?;
        let scheme = algorithm.scheme();
        let alg = message_signature::name(scheme).context("an algorithm without a name")?;
        let body = vec![b'{'; 2048];
        let unsigned = Unsigned::new(&head(&body)?, SESSION_LABEL, &parameters(alg))?;
        let base = unsigned.base.clone();
        let signature = module.sign(&token.id, &pair.key_id, scheme, base.clone().into_bytes()).await?;
        let (inputs, signatures) = fields(&[(unsigned, signature.clone())]);

        // What the service does with each request before anything else.
        let whole = || -> Result<()> {
            let head = head(&body)?;
            let signed = Signed::read(&inputs, &signatures, SESSION_LABEL)?.context("it is not signed")?;
            let parameters = signed.parameters()?;
            let base = signed.base(&head, true)?;
            anyhow::ensure!(head.content_digest() == Some(Sha256::digest(&body).into()), "another body");
            Ok(message_signature::verify(&pair.spki_der, &parameters.alg, base.as_bytes(), &signed.signature)?)
        };
        let bare =
            || -> Result<()> { Ok(message_signature::verify(&pair.spki_der, alg, base.as_bytes(), &signature)?) };
        let (mut ours, mut peer) = (0.0_f64, 0.0_f64);
        for _ in 0..2 {
            peer = peer.max(per_second(bare)?);
            ours = ours.max(per_second(whole)?);
        }
        if algorithm == KeyAlgorithm::EcP256 {
            raw_p256 = peer;
        }
        figures.push(Figure { name, ours, peer: Some(peer), unit: "/s", limit: Limit::TimesAtLeast(0.5) });
    }
    figures.push(Figure {
        name: "signed requests answered over TLS",
        ours: answered(folder).await?,
        peer: Some(raw_p256),
        unit: "/s",
        limit: Limit::TimesAtLeast(0.05),
    });
    Ok(figures)
}

/// Signed by a session key here and answered by the service in its own process, both on this machine.
async fn answered(folder: &std::path::Path) -> Result<f64> {
    let service = Service::start(&folder.join("service"), "127.0.0.1:0")?;
    let (portal, _) = upload::applicant(folder, &service).await?;
    portal.account().await?;
    let start = Instant::now();
    let tasks: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let portal = portal.clone();
            tokio::spawn(async move {
                let mut count = 0_u32;
                while start.elapsed() < 2 * TIME {
                    portal.account().await?;
                    count += 1;
                }
                Ok::<_, certdesk_portal::PortalError>(count)
            })
        })
        .collect();
    let mut count = 0;
    for task in tasks {
        count += task.await??;
    }
    Ok(f64::from(count) / start.elapsed().as_secs_f64())
}

fn per_second(mut once: impl FnMut() -> Result<()>) -> Result<f64> {
    let start = Instant::now();
    let mut count = 0_u32;
    while start.elapsed() < TIME {
        for _ in 0..64 {
            once()?;
        }
        count += 64;
    }
    Ok(f64::from(count) / start.elapsed().as_secs_f64())
}

fn head(body: &[u8]) -> Result<RequestHead> {
    let digest = content_digest(&Sha256::digest(body).into());
    let fields: [(&str, &[u8]); 6] = [
        ("host", b"portal.example"),
        ("user-agent", b"certdesk"),
        ("accept", b"*/*"),
        ("content-type", b"application/json"),
        ("content-digest", digest.as_bytes()),
        ("idempotency-key", b"0193e7c0-7000-7000-8000-000000000001"),
    ];
    Ok(RequestHead::new("POST", "https://portal.example/v1/applications/0193e7c0-7000-7000-8000-000000000002", fields)?)
}

fn parameters(alg: &str) -> Parameters {
    Parameters {
        created: 1_800_000_000,
        expires: 1_800_000_120,
        nonce: "AAECAwQFBgcICQoLDA0ODw".to_owned(),
        keyid: "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U".to_owned(),
        alg: alg.to_owned(),
        tag: "certdesk-session".to_owned(),
    }
}
