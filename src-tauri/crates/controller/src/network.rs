//! How this computer reaches the service: its proxy, the proxy's login, the bandwidth that files may take; and what is to
//! be done when the computer wakes from a sleep.

use std::{
    sync::Weak,
    time::{Duration, SystemTime},
};

use certdesk_portal::{ProxyChoice, ProxyLogin, ScriptRunner, ScriptTrouble};
use certdesk_token::{
    HostProgram,
    proxy_script::{Question, ScriptError, find_proxy},
};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::Zeroizing;

use crate::{
    Controller, Inner,
    failure::{Failure, LocalCode},
    view::{NetworkSettings, NetworkView, ProxySetting, ScriptView},
};

const SETTINGS: &str = "network";
/// Lies in the encrypted cache, whose key is in the system's key store.
const LOGIN: &str = "proxy-login";

/// How often the clock is looked at.
const PACE: Duration = Duration::from_secs(5);
/// A look that comes so much later than it should was slept through.
const SLEPT: Duration = Duration::from_secs(20);

/// How long a proxy script may take, with the names that it looks up.
const SCRIPT_PATIENCE: Duration = Duration::from_secs(6);

/// `detail` of `proxy_login_needed` where a login was sent and refused.
pub(crate) const REFUSED: &str = "refused";

/// A name and password for the proxy, as they are kept.
#[derive(Serialize, Deserialize)]
struct KeptLogin {
    name: String,
    password: String,
}

impl Controller {
    /// How this computer reaches the service now.
    pub async fn network(&self) -> Result<NetworkView, Failure> {
        self.load_settings().await;
        let login_kept = self.with_cache(|cache| cache.setting::<Option<KeptLogin>>(LOGIN)).await?.flatten().is_some();
        let state = self.portal()?.proxy_state().await;
        let settings = self.state().network.clone();
        Ok(NetworkView {
            settings,
            in_use: state.in_use,
            script: state
                .script
                .map(|script| ScriptView { address: script.address, failure: script.trouble.map(Failure::from) }),
            has_login: state.has_login,
            login_kept,
            failure: None,
        })
    }

    /// Keeps the person's choices, goes by them from now on, and tries whether the service is reached.
    ///
    /// # Errors
    /// `bad_proxy` where that can be no proxy's address.
    pub async fn save_network(&self, settings: NetworkSettings) -> Result<NetworkView, Failure> {
        check(&settings)?;
        self.load_settings().await;
        let kept = settings.clone();
        self.with_cache(move |cache| cache.put_setting(SETTINGS, &kept)).await?;
        self.go_by(settings)?;
        let answer = self.portal()?.health().await;
        let failure = self.noted(answer).err();
        self.wake_network()?;
        Ok(NetworkView { failure, ..self.network().await? })
    }

    /// Gives the proxy a name and password and tries them: asks the service whether it is there. `keep`: for later starts.
    ///
    /// # Errors
    /// `proxy_login_needed` with the detail `refused` where the proxy does not take them: then they are forgotten.
    pub async fn log_in_to_proxy(&self, name: String, password: String, keep: bool) -> Result<NetworkView, Failure> {
        let password = Zeroizing::new(password);
        let login = ProxyLogin::new(name.clone(), password.clone());
        let login = login.ok_or_else(|| Failure::new(LocalCode::ProxyLoginNeeded).with_detail(REFUSED))?;
        let portal = self.portal()?;
        portal.set_proxy_login(Some(login));
        let answer = portal.health().await;
        // Whatever else fails behind the proxy is not the login's fault.
        let failure = self.noted(answer).err();
        if let Some(failure) = failure.clone().filter(|failure| failure.is(LocalCode::ProxyLoginNeeded)) {
            return Err(failure);
        }
        let kept = keep.then(|| KeptLogin { name, password: password.to_string() });
        self.with_cache(move |cache| cache.put_setting(LOGIN, &kept)).await?;
        self.wake_network()?;
        Ok(NetworkView { failure, ..self.network().await? })
    }

    /// Forgets name and password for the proxy, here and on disk.
    pub async fn forget_proxy_login(&self) -> Result<NetworkView, Failure> {
        self.portal()?.set_proxy_login(None);
        self.with_cache(|cache| cache.put_setting(LOGIN, &None::<KeptLogin>)).await?;
        self.network().await
    }

    /// The computer was asleep, or came to another network: nothing waits any longer, and no connection of before is used.
    pub fn resumed(&self) {
        if self.wake_network().is_err() {
            return;
        }
        // Its connection may be one of those that nobody will answer on any more.
        self.inner.uploads.stop_all();
        self.inner.sync.doubt_session();
        self.state().changes_asked = None;
    }

    /// What was chosen at an earlier start.
    pub(crate) async fn load_network(&self) -> Result<(), Failure> {
        let (settings, login) = self
            .with_cache(|cache| {
                let settings = cache.setting::<NetworkSettings>(SETTINGS)?.unwrap_or_default();
                Ok((settings, cache.setting::<Option<KeptLogin>>(LOGIN)?.flatten()))
            })
            .await?;
        if let (Some(login), Ok(portal)) = (login, self.portal()) {
            portal.set_proxy_login(ProxyLogin::new(login.name, Zeroizing::new(login.password)));
        }
        self.go_by(settings)
    }

    /// The proxy refused the login that was kept: it is not sent at the next start.
    pub(crate) fn forget_refused_login(&self) {
        let controller = self.clone();
        tokio::spawn(async move {
            let _ = controller.with_cache(|cache| cache.put_setting(LOGIN, &None::<KeptLogin>)).await;
        });
    }

    fn go_by(&self, settings: NetworkSettings) -> Result<(), Failure> {
        if let Ok(portal) = self.portal() {
            portal.choose_proxy(match settings.proxy.clone() {
                ProxySetting::System => ProxyChoice::System,
                ProxySetting::Direct => ProxyChoice::Direct,
                ProxySetting::Manual { host, port } => ProxyChoice::Manual { host, port },
            });
            portal.limit_bandwidth(settings.kib_a_second.map(|kib| u64::from(kib) * 1024));
        }
        self.state().network = settings;
        Ok(())
    }

    /// Asks whether the service is there, in nobody's name: who reads without it is to hear that it is back.
    pub(crate) async fn look_for_service(&self) {
        let Ok(portal) = self.portal() else { return };
        let answer = portal.health().await;
        if let Err(failure) = self.noted(answer) {
            tracing::debug!(code = ?failure.code, "the service is still away");
        }
    }

    /// The service is back, or there is another way to it: what waited for it goes at once.
    pub(crate) fn back_online(&self) {
        self.inner.uploads.wake();
        self.inner.sync.wake();
        self.inner.outbox.wake_all();
    }

    fn wake_network(&self) -> Result<(), Failure> {
        self.portal()?.connect_anew();
        self.back_online();
        Ok(())
    }
}

/// Runs the system's proxy script in the helper program, apart from this one and from every driver.
pub(crate) struct InHelper(pub(crate) HostProgram);

impl ScriptRunner for InHelper {
    fn run(&self, script: String, url: String, host: String) -> BoxFuture<'static, Result<String, ScriptTrouble>> {
        let program = self.0.clone();
        Box::pin(async move {
            let answer = find_proxy(&program, Question { script, url, host }, SCRIPT_PATIENCE).await;
            answer.map_err(|error| match error {
                ScriptError::NoScript { reason } => ScriptTrouble::NoScript(reason),
                ScriptError::Threw { reason } => ScriptTrouble::Threw(reason),
                ScriptError::Endless => ScriptTrouble::Endless,
                ScriptError::NoText { what } => ScriptTrouble::Nonsense(what),
                ScriptError::Broke | ScriptError::NoHelper { .. } => ScriptTrouble::NotRun(error.to_string()),
            })
        })
    }
}

/// Looks at the clock until the program ends: on waking from a sleep nothing goes on waiting as if no time had passed.
pub(crate) async fn watch(inner: Weak<Inner>) {
    let mut looked = SystemTime::now();
    loop {
        tokio::time::sleep(PACE).await;
        let Some(inner) = inner.upgrade() else { return };
        let now = SystemTime::now();
        if slept(looked, now) {
            tracing::info!("awake again");
            Controller { inner }.resumed();
        }
        looked = now;
    }
}

/// Whether somebody slept between two looks. By the wall clock: others stand still meanwhile on some systems.
fn slept(looked: SystemTime, now: SystemTime) -> bool {
    now.duration_since(looked).is_ok_and(|span| span > PACE + SLEPT)
}

fn check(settings: &NetworkSettings) -> Result<(), Failure> {
    let ProxySetting::Manual { host, port } = &settings.proxy else { return Ok(()) };
    let written = if host.contains(':') { format!("[{host}]") } else { host.clone() };
    let sound = Url::parse(&format!("http://{written}:{port}"))
        .is_ok_and(|url| *port != 0 && url.path() == "/" && url.username().is_empty() && url.query().is_none());
    if sound { Ok(()) } else { Err(LocalCode::BadProxy.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxys_address_is_checked() {
        let said = |host: &str, port: u16| {
            let proxy = ProxySetting::Manual { host: host.into(), port };
            check(&NetworkSettings { proxy, kib_a_second: None })
        };
        for (host, port) in [("proxy.corp.example", 8080), ("10.0.0.1", 3128), ("::1", 8080), ("代理.example", 80)] {
            assert_eq!(said(host, port), Ok(()), "{host}");
        }
        for (host, port) in [("", 80), ("a b", 80), ("http://a", 80), ("a/b", 80), ("user@a", 80), ("a", 0)] {
            assert!(said(host, port).is_err_and(|failure| failure.is(LocalCode::BadProxy)), "{host}:{port}");
        }
    }

    #[test]
    fn a_sleep_is_seen_and_a_moment_is_not() {
        let now = SystemTime::now();
        assert!(!slept(now, now + PACE), "on time");
        assert!(!slept(now, now + Duration::from_secs(20)), "a busy computer");
        assert!(slept(now, now + Duration::from_secs(3600)), "an hour with the lid closed");
        assert!(!slept(now + Duration::from_secs(3600), now), "a clock that was set back");
    }
}
