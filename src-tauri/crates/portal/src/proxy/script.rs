//! Proxy scripts (PAC): where the system says "ask this script", it is fetched, run elsewhere, and its answer read.
//!
//! It is a program from the network, so it is run by whoever can lock it up ([`ScriptRunner`]), never here. It hears of the
//! service's origin and of nothing that is asked there. What comes of it is at most a proxy: TLS and its trust stay ours.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::{StreamExt as _, future::BoxFuture};
use http::Uri;
use tokio::{io::AsyncReadExt as _, time::timeout};
use url::Url;

use crate::{PortalError, error};

/// Longest script, bytes: what the frame of a runner holds. Browsers take a mebibyte.
const MAX_SCRIPT: usize = 1_000_000;
/// For all of fetching it.
const FETCH_TIME: Duration = Duration::from_secs(5);
/// A script is fetched anew after so long, and its answer asked for anew each time the system is asked.
const LIFE: Duration = Duration::from_secs(5 * 60);
/// One that could not be fetched is tried again after so long.
const PAUSE: Duration = Duration::from_secs(60);
/// Most entries of an answer that are looked at.
const MOST_WAYS: usize = 16;

/// Runs scripts where they can do no harm, and for a bounded time.
pub trait ScriptRunner: Send + Sync {
    /// What the script's `FindProxyForURL(url, host)` answers; empty for nothing.
    fn run(&self, script: String, url: String, host: String) -> BoxFuture<'static, Result<String, ScriptTrouble>>;
}

/// Why a script found no way. Then the way is direct, as with browsers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScriptTrouble {
    /// The system is to search the network for the script (WPAD), which is not done: whoever answers first would be asked.
    #[error("the script has no address")]
    Unaddressed,
    /// It cannot be fetched.
    #[error("the script cannot be fetched: {0}")]
    Unfetched(String),
    /// What is at its address is no script.
    #[error("this is no proxy script: {0}")]
    NoScript(String),
    /// It ended with an error of its own.
    #[error("the script ended with an error: {0}")]
    Threw(String),
    /// It came to no end and was stopped.
    #[error("the script does not come to an end")]
    Endless,
    /// Its answer names nothing that could be a proxy.
    #[error("the script's answer is not understood: {0}")]
    Nonsense(String),
    /// It names only proxies of kinds that are not spoken: their names.
    #[error("the script names no proxy of a kind that is supported: {0}")]
    Unspoken(String),
    /// There is nothing here to run it with.
    #[error("the script could not be run: {0}")]
    NotRun(String),
}

/// The system's script, to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptState {
    /// Its address, without a password that stands in it; empty where the system searches for it.
    pub address: String,
    /// Why it found no way.
    pub trouble: Option<ScriptTrouble>,
}

/// A script and what it said for the service.
pub(super) struct Scripted {
    address: String,
    fetched: Instant,
    text: Result<Arc<str>, ScriptTrouble>,
    /// What it named, in its order, as far as it is spoken; not empty where there is no trouble.
    pub(super) answer: Result<Vec<Way>, ScriptTrouble>,
}

/// One entry of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Direct,
    /// HTTP CONNECT.
    Proxy {
        /// Without brackets.
        host: String,
        port: u16,
    },
}

impl Scripted {
    pub(super) fn state(&self) -> ScriptState {
        ScriptState { address: without_password(&self.address), trouble: self.answer.as_ref().err().cloned() }
    }

    /// What was fetched from there, while it is good.
    pub(super) fn kept(&self, address: &str) -> Option<(Instant, Result<Arc<str>, ScriptTrouble>)> {
        let life = if self.text.is_ok() { LIFE } else { PAUSE };
        (self.address == address && self.fetched.elapsed() < life).then(|| (self.fetched, self.text.clone()))
    }

    /// Asks the script for the way to `target`, with the text of before where there is one.
    pub(super) async fn ask(
        address: String,
        kept: Option<(Instant, Result<Arc<str>, ScriptTrouble>)>,
        target: &Uri,
        runner: Option<Arc<dyn ScriptRunner>>,
        tls: &rustls::ClientConfig,
    ) -> Self {
        let (fetched, text) = match kept {
            Some(kept) => kept,
            None => {
                let text = timeout(FETCH_TIME, fetch(&address, tls)).await;
                (Instant::now(), text.unwrap_or_else(|_| Err(ScriptTrouble::Unfetched("no answer in time".into()))))
            }
        };
        let answer = match (&text, runner) {
            (Err(trouble), _) => Err(trouble.clone()),
            (Ok(_), None) => Err(ScriptTrouble::NotRun("nothing runs scripts here".into())),
            (Ok(text), Some(runner)) => {
                let host = target.host().unwrap_or_default();
                // Origin alone: paths are nobody's business.
                let url = match target.port_u16() {
                    Some(port) if port != 443 => format!("https://{host}:{port}/"),
                    _ => format!("https://{host}/"),
                };
                let host = host.trim_matches(['[', ']']).to_owned();
                runner.run(text.to_string(), url, host).await.and_then(|answer| ways(&answer))
            }
        };
        Self { address, fetched, text, answer }
    }
}

/// What an answer such as `PROXY a:8080; SOCKS b; DIRECT` names.
fn ways(answer: &str) -> Result<Vec<Way>, ScriptTrouble> {
    let entries = answer.split(';').map(str::trim).filter(|entry| !entry.is_empty()).take(MOST_WAYS);
    let (mut ways, mut unspoken, mut is_empty) = (Vec::new(), Vec::new(), true);
    for entry in entries {
        is_empty = false;
        let (kind, place) = entry.split_once(char::is_whitespace).unwrap_or((entry, ""));
        match (kind.to_ascii_uppercase().as_str(), proxy_at(place.trim())) {
            ("DIRECT", _) => ways.push(Way::Direct),
            ("PROXY" | "HTTP", Some(way)) => ways.push(way),
            (kind @ ("HTTPS" | "SOCKS" | "SOCKS4" | "SOCKS5" | "QUIC"), Some(_)) => unspoken.push(kind.to_owned()),
            _ => {}
        }
    }
    match (ways.is_empty(), unspoken.is_empty()) {
        (true, _) if is_empty => Ok(vec![Way::Direct]),
        (true, true) => Err(ScriptTrouble::Nonsense(answer.chars().take(200).collect())),
        (true, false) => {
            unspoken.dedup();
            Err(ScriptTrouble::Unspoken(unspoken.join(", ")))
        }
        (false, _) => Ok(ways),
    }
}

fn proxy_at(place: &str) -> Option<Way> {
    let url = Url::parse(&format!("http://{place}")).ok()?;
    let plain = url.path() == "/" && url.query().is_none() && url.username().is_empty() && url.fragment().is_none();
    let host = url.host_str().filter(|_| plain)?.trim_matches(['[', ']']).to_owned();
    Some(Way::Proxy { host, port: url.port_or_known_default().filter(|port| *port != 0)? })
}

/// Directly, in nobody's name, with nothing of ours.
async fn fetch(address: &str, tls: &rustls::ClientConfig) -> Result<Arc<str>, ScriptTrouble> {
    if address.trim().is_empty() {
        return Err(ScriptTrouble::Unaddressed);
    }
    let unfetched = |cause: &str| ScriptTrouble::Unfetched(cause.to_owned());
    let url = Url::parse(address.trim()).map_err(|_| unfetched("this is no address"))?;
    let bytes = match url.scheme() {
        "http" | "https" => over_http(url, tls).await?,
        // Of this computer: another's name in it would send a Windows login there.
        "file" if url.host().is_none() => {
            let path = url.to_file_path().map_err(|()| unfetched("this is no file's address"))?;
            let file = tokio::fs::File::open(path).await.map_err(|error| unfetched(&error.kind().to_string()))?;
            let mut bytes = Vec::new();
            let read = file.take(MAX_SCRIPT as u64 + 1).read_to_end(&mut bytes).await;
            read.map_err(|error| unfetched(&error.kind().to_string()))?;
            bytes
        }
        other => return Err(ScriptTrouble::Unfetched(format!("an address of the kind {other}"))),
    };
    // Remarks in another encoding do no harm, though they grow by it; what counts in such a script is ASCII.
    let text = String::from_utf8_lossy(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes));
    if text.len() > MAX_SCRIPT { Err(unfetched("it is too long")) } else { Ok(text.into()) }
}

async fn over_http(url: Url, tls: &rustls::ClientConfig) -> Result<Vec<u8>, ScriptTrouble> {
    let told = |error: reqwest::Error| match error::from_source(&error) {
        PortalError::Unreachable(cause) => ScriptTrouble::Unfetched(cause),
        other => ScriptTrouble::Unfetched(other.to_string()),
    };
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls.clone())
        .no_proxy()
        .redirect(reqwest::redirect::Policy::limited(3))
        .build()
        .map_err(told)?;
    let answer = client.get(url).send().await.map_err(told)?;
    if !answer.status().is_success() {
        return Err(ScriptTrouble::Unfetched(format!("HTTP {}", answer.status().as_u16())));
    }
    let mut bytes = Vec::new();
    let mut stream = answer.bytes_stream();
    while let Some(piece) = stream.next().await {
        bytes.extend_from_slice(&piece.map_err(told)?);
        if bytes.len() > MAX_SCRIPT {
            break;
        }
    }
    Ok(bytes)
}

fn without_password(address: &str) -> String {
    match Url::parse(address) {
        Ok(mut url) if url.password().is_some() => {
            // Whoever has a password can be without one.
            let _ = url.set_password(None);
            url.into()
        }
        _ => address.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_answer_is_read_as_browsers_read_it() {
        let proxy = |host: &str, port| Way::Proxy { host: host.into(), port };
        for (answer, read) in [
            ("DIRECT", vec![Way::Direct]),
            ("", vec![Way::Direct]),
            (" ; ", vec![Way::Direct]),
            ("PROXY a.example:8080", vec![proxy("a.example", 8080)]),
            ("proxy a.example", vec![proxy("a.example", 80)]),
            ("PROXY a:1; PROXY [::1]:2;DIRECT;", vec![proxy("a", 1), proxy("::1", 2), Way::Direct]),
            ("SOCKS5 s:1080; HTTP b:3128", vec![proxy("b", 3128)]),
            ("PROXY a b; DIRECT", vec![Way::Direct]),
            ("PROXY user@a:1; PROXY a/b; PROXY a:0; PROXY a:99999; DIRECT", vec![Way::Direct]),
        ] {
            assert_eq!(ways(answer), Ok(read), "{answer:?}");
        }
        let unspoken = |kinds: &str| Err(ScriptTrouble::Unspoken(kinds.into()));
        assert_eq!(ways("SOCKS a:1; SOCKS b:1"), unspoken("SOCKS"));
        assert_eq!(ways("HTTPS a:443; SOCKS5 b:1"), unspoken("HTTPS, SOCKS5"));
        assert_eq!(ways("<html>"), Err(ScriptTrouble::Nonsense("<html>".into())));
        assert_eq!(ways("a.example:8080"), Err(ScriptTrouble::Nonsense("a.example:8080".into())), "of no kind");
    }

    proptest! {
        #[test]
        fn any_answer_is_read_without_harm(answer in "\\PC{0,100}", entries in "((PROXY|SOCKS|DIRECT|HTTPS) ?[a-z:@/.\\[\\]0-9 ]{0,12};?){0,20}") {
            for answer in [answer, entries] {
                prop_assert!(ways(&answer).map_or(true, |ways| (1..=MOST_WAYS).contains(&ways.len())));
            }
        }
    }

    #[test]
    fn an_address_is_shown_without_its_password() {
        assert_eq!(without_password("http://u:secret@a.example/p.pac"), "http://u@a.example/p.pac");
        assert_eq!(without_password("http://a.example/p.pac"), "http://a.example/p.pac");
        assert_eq!(without_password(""), "");
    }
}
