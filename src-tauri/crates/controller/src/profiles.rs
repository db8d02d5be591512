//! Profiles that are newer than those packaged with the program: fetched from the service, believed for their publisher's
//! signature alone, kept beside the cache, and laid over the packaged ones.
//!
//! Nothing that is wrong with a published bundle takes anything away: a bad one is refused and the last good one stays.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use certdesk_contract::{ProblemCode, profiles::SignedProfiles};
use certdesk_domain::Timestamp;
use certdesk_portal::{Fetched, PortalError};
use minisign_verify::{PublicKey, Signature};
use pkcs11_profiles::{Bundle, BundleError};
use serde::{Deserialize, Serialize};

use crate::{
    Controller,
    convert::{internal, not_written},
    failure::Failure,
    view::{ProfilesRefusal, ProfilesView},
};

/// Public key of who publishes profiles for this build (minisign, base64). A build without one asks for none; a demo has
/// its own.
const PUBLISHER: Option<&str> = option_env!("CERTDESK_PROFILES_KEY");

/// How often the service is asked.
const ASK_EVERY: Duration = Duration::from_secs(6 * 60 * 60);

/// A bundle from further ahead was signed by a wrong clock; taken, it would hold up all that come before its time.
const AHEAD: time::Duration = time::Duration::days(2);

/// What is known of published profiles, while the program runs.
#[derive(Default)]
pub(crate) struct Published {
    state: Mutex<ProfilesState>,
    /// Held while a bundle is judged and kept.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Clone, Default)]
struct ProfilesState {
    asked: Option<Instant>,
    /// Of the bundle in use.
    signed_at: Option<i64>,
    count: u32,
    etag: Option<String>,
    refused: Option<ProfilesRefusal>,
}

/// A bundle as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    etag: Option<String>,
    #[serde(flatten)]
    signed: SignedProfiles,
}

const CURRENT: &str = "current.json";
/// The one before: where the current one cannot be used any more, because its file is damaged.
const PREVIOUS: &str = "previous.json";

impl Controller {
    /// Asks the service for newer profiles, now.
    ///
    /// # Errors
    /// Those of the connection. A bundle that is refused is no failure: the answer says so, and nothing has changed.
    pub async fn refresh_profiles(&self) -> Result<ProfilesView, Failure> {
        self.load_profiles().await;
        let Some(key) = self.publisher() else { return Ok(self.profiles_view()) };
        let _turn = self.inner.published.turn.lock().await;
        self.published(|state| state.asked = Some(Instant::now()));
        let etag = self.published(|state| state.etag.clone());
        match self.portal()?.profiles(etag.as_deref()).await {
            Ok(Fetched::NotModified) => self.published(|state| state.refused = None),
            Ok(Fetched::New { value, etag }) => self.take(key, Kept { etag, signed: value }).await?,
            // None are published.
            Err(PortalError::Problem(problem)) if problem.code == ProblemCode::NotFound => {}
            Err(error) => return self.noted(Err(error)),
        }
        Ok(self.profiles_view())
    }

    /// What is in use, and what was refused last.
    pub(crate) fn profiles_view(&self) -> ProfilesView {
        let state = self.published(|state| state.clone());
        ProfilesView {
            signed_at: state.signed_at.and_then(|at| Timestamp::from_unix_timestamp(at).ok()),
            published: state.count,
            known: u32::try_from(pkcs11_profiles::all().len()).unwrap_or(u32::MAX),
            refused: state.refused,
        }
    }

    /// Asks where it is time to, without being waited for.
    pub(crate) fn poll_profiles(&self) {
        let due = self.published(|state| {
            let due = state.asked.is_none_or(|asked| asked.elapsed() >= ASK_EVERY);
            if due {
                state.asked = Some(Instant::now());
            }
            due
        });
        if due && self.publisher().is_some() {
            let controller = self.clone();
            tokio::spawn(async move {
                if let Err(failure) = controller.refresh_profiles().await {
                    tracing::info!(code = ?failure.code, "profiles not renewed");
                }
            });
        }
    }

    /// Lays what an earlier start kept over the packaged profiles, once.
    pub(crate) async fn load_profiles(&self) {
        let load = async || {
            let Some(key) = self.publisher() else { return };
            let (folder, now) = (self.profiles_folder(), self.service_now());
            let kept = tokio::task::spawn_blocking(move || {
                [CURRENT, PREVIOUS].into_iter().find_map(|name| {
                    let kept = read(&folder.join(name))?;
                    match judge(&key, &kept.signed, None, now) {
                        Ok(bundle) => Some((bundle, kept.etag)),
                        Err(refusal) => {
                            tracing::warn!(?refusal, name, "kept profiles are of no use any more");
                            None
                        }
                    }
                })
            });
            if let Ok(Some((bundle, etag))) = kept.await {
                self.lay_over(bundle, etag);
            }
        };
        self.inner.profiles_read.get_or_init(load).await;
    }

    async fn take(&self, key: String, kept: Kept) -> Result<(), Failure> {
        let held = self.published(|state| state.signed_at);
        match judge(&key, &kept.signed, held, self.service_now()) {
            Err(refusal) => {
                tracing::warn!(?refusal, "published profiles are refused");
                self.published(|state| state.refused = Some(refusal));
            }
            Ok(bundle) => {
                let etag = kept.etag.clone();
                let folder = self.profiles_folder();
                let written = tokio::task::spawn_blocking(move || keep(&folder, &kept)).await.map_err(internal)?;
                written.map_err(not_written)?;
                self.lay_over(bundle, etag);
                self.inner.keys.look_again().await;
            }
        }
        Ok(())
    }

    fn lay_over(&self, bundle: Bundle, etag: Option<String>) {
        self.published(|state| {
            state.signed_at = Some(bundle.signed_at);
            state.count = u32::try_from(bundle.profiles.len()).unwrap_or(u32::MAX);
            state.etag = etag;
            state.refused = None;
        });
        pkcs11_profiles::overlay(bundle.profiles);
    }

    pub(crate) fn publisher(&self) -> Option<String> {
        match &self.inner.options.demo {
            Some(demo) => demo.profiles_key.clone(),
            None => PUBLISHER.map(str::to_owned),
        }
    }

    fn profiles_folder(&self) -> PathBuf {
        self.inner.options.data.join("profiles")
    }

    fn published<T>(&self, look: impl FnOnce(&mut ProfilesState) -> T) -> T {
        look(&mut self.inner.published.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Reads what was published, where it may be believed and is newer than `held` (seconds since 1970).
fn judge(key: &str, signed: &SignedProfiles, held: Option<i64>, now: Timestamp) -> Result<Bundle, ProfilesRefusal> {
    if !is_signed_by(key, &signed.bundle, &signed.signature) {
        return Err(ProfilesRefusal::BadSignature);
    }
    let bundle = Bundle::read(&signed.bundle).map_err(|error| match error {
        BundleError::NewerFormat(_) => ProfilesRefusal::NewerFormat,
        other => ProfilesRefusal::Unusable { detail: other.to_string() },
    })?;
    // The one in use, put in the place of a newer one, would take back what was mended.
    if held.is_some_and(|held| bundle.signed_at < held) {
        return Err(ProfilesRefusal::Older);
    }
    if bundle.signed_at > (now + AHEAD).unix_timestamp() {
        return Err(ProfilesRefusal::FromTheFuture);
    }
    Ok(bundle)
}

/// Whether a publisher (minisign public key, base64) signed this text as it stands.
pub(crate) fn is_signed_by(publisher: &str, text: &str, signature: &str) -> bool {
    let (Ok(key), Ok(signature)) = (PublicKey::from_base64(publisher), Signature::decode(signature)) else {
        return false;
    };
    key.verify(text.as_bytes(), &signature, false).is_ok()
}

fn read(file: &Path) -> Option<Kept> {
    serde_json::from_slice(&std::fs::read(file).ok()?).ok()
}

/// Keeps a bundle; the one before stays beside it. A kill between any two steps leaves one of them whole.
fn keep(folder: &Path, kept: &Kept) -> std::io::Result<()> {
    let current = folder.join(CURRENT);
    if read(&current).is_some() {
        std::fs::rename(&current, folder.join(PREVIOUS))?;
    }
    crate::replace_file(&current, |file| Ok(serde_json::to_writer(file, kept)?))
}
