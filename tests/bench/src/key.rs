//! A signature through the helper process, against the module called directly.

use std::time::Instant;

use anyhow::{Context, Result};
use certdesk_token::{HostProgram, KeyAlgorithm, Module, Pin, SignatureScheme};
use stage::{SoftKey, program};

use crate::{
    direct,
    figure::{Figure, Limit, median, ms},
};

const ROUNDS: usize = 100;

pub(crate) async fn measure() -> Result<Vec<Figure>> {
    let folder = tempfile::tempdir()?;
    let key = SoftKey::blank(&folder.path().join("key"), "证办通测量锁", "135790")?;
    let host = HostProgram { path: program("certdesk-token-host")?, environment: key.environment().to_vec() };
    let module = Module::new(host, key.module.clone());
    let token =
        module.list().await?.into_iter().find(|token| token.label == key.label).context("the key is not seen")?;
    module.login(&token.id, Pin::from_bytes(key.pin.clone().into_bytes())).await?;

    let mut figures = Vec::new();
    let kinds = [
        ("signature, P-256", KeyAlgorithm::EcP256, SignatureScheme::EcdsaP256Sha256, b"ec"),
        ("signature, RSA-2048", KeyAlgorithm::Rsa2048, SignatureScheme::RsaPkcs1Sha256, b"rs"),
    ];
    for (name, algorithm, scheme, provisional) in kinds {
        let pair = module.generate_key_pair(&token.id, algorithm, name, provisional.to_vec()).await?;
        let rsa = algorithm == KeyAlgorithm::Rsa2048;
        let (mut ours, mut peer) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            peer.extend(direct::ask(&key, &pair.key_id, rsa, false, ROUNDS)?.into_iter().map(ms));
            for round in 0..ROUNDS {
                let start = Instant::now();
                module.sign(&token.id, &pair.key_id, scheme, round.to_le_bytes().to_vec()).await?;
                ours.push(ms(start.elapsed()));
            }
        }
        let (ours, peer) = (median(ours), Some(median(peer)));
        figures.push(Figure { name, ours, peer, unit: "ms", limit: Limit::MoreByAtMost(1.0) });
    }
    Ok(figures)
}
