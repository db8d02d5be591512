//! The way out of this network: directly, or through a proxy (HTTP CONNECT, RFC 9110 §9.3.6) that the system or a person
//! names. A proxy carries bytes and nothing more: TLS, its trust and its exporter are those of the service at its end.
//!
//! What the system says is asked for anew from time to time, for a laptop changes networks. A proxy's name and password
//! are sent until it refuses them once, and then forgotten: whoever repeats a wrong password locks an account.

mod script;
mod system;

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::Uri;
use hyper_util::{
    client::{legacy::connect::HttpConnector, proxy::matcher::Matcher},
    rt::TokioIo,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tower_service::Service as _;
use url::Url;
use zeroize::Zeroizing;

use crate::{PortalError, error, lock};
use script::{Scripted, Way};
use system::SystemProxy;

pub use script::{ScriptRunner, ScriptState, ScriptTrouble};

/// Which proxy carries requests. This computer itself is never asked for through one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ProxyChoice {
    /// As the environment says, or else the system.
    #[default]
    System,
    /// None.
    Direct,
    /// This one.
    Manual {
        /// Name or address.
        host: String,
        /// Port.
        port: u16,
    },
}

/// Name and password for a proxy, sent as Basic (RFC 7617). Shows nowhere.
#[derive(Clone)]
pub struct ProxyLogin {
    name: String,
    password: Zeroizing<String>,
}

impl ProxyLogin {
    /// `None` where the name has a colon, which Basic cannot carry.
    pub fn new(name: String, password: Zeroizing<String>) -> Option<Self> {
        (!name.is_empty() && !name.contains(':')).then_some(Self { name, password })
    }
}

impl std::fmt::Debug for ProxyLogin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ProxyLogin")
    }
}

/// How requests leave this network now, to be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProxyState {
    /// Host and port of the proxy in use.
    pub in_use: Option<String>,
    /// The script (PAC) that the system asks for a proxy, where it is in force.
    pub script: Option<ScriptState>,
    /// Whether a name and password for the proxy are at hand.
    pub has_login: bool,
}

/// What the system says is good for so long.
const SYSTEM_LIFE: Duration = Duration::from_secs(30);
/// Until it has said it.
const SYSTEM_PATIENCE: Duration = Duration::from_secs(5);
/// A proxy of a script that did not answer is passed over for so long.
const PASSED_OVER: Duration = Duration::from_secs(5 * 60);
/// Longest head of a proxy's answer.
const MAX_HEAD: usize = 16 * 1024;

/// What is known of proxies.
#[derive(Default)]
pub(crate) struct Proxies {
    held: Mutex<Held>,
    /// Held by whoever asks the system: the others wait for what it says.
    asking: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct Held {
    choice: ProxyChoice,
    login: Option<ProxyLogin>,
    system: Arc<SystemProxy>,
    asked: Option<Instant>,
    runner: Option<Arc<dyn ScriptRunner>>,
    scripted: Option<Scripted>,
    /// Proxies of a script that did not answer, and when.
    silent: Vec<(String, Instant)>,
}

impl Proxies {
    pub(crate) fn choose(&self, choice: ProxyChoice) {
        lock(&self.held).choice = choice;
    }

    pub(crate) fn log_in(&self, login: Option<ProxyLogin>) {
        lock(&self.held).login = login;
    }

    pub(crate) fn run_scripts_by(&self, runner: Arc<dyn ScriptRunner>) {
        lock(&self.held).runner = Some(runner);
    }

    /// This may be another network: what was found out is asked for anew.
    pub(crate) fn doubt(&self) {
        let mut held = lock(&self.held);
        held.asked = None;
        held.silent.clear();
    }

    /// Asks the system, and the script that it names for the way to `target`, where its word is old.
    pub(crate) async fn refresh(&self, target: &Uri, tls: &rustls::ClientConfig) {
        if lock(&self.held).is_fresh() {
            return;
        }
        let _asking = self.asking.lock().await;
        if lock(&self.held).is_fresh() {
            return;
        }
        // Off the async threads: on Linux and macOS it takes a program. One that hangs does not hold up every request.
        let read = timeout(SYSTEM_PATIENCE, tokio::task::spawn_blocking(SystemProxy::read)).await;
        let Ok(Ok(system)) = read else {
            lock(&self.held).asked = Some(Instant::now());
            return;
        };
        let scripted = match system.script.clone() {
            Some(address) => {
                let (kept, runner) = {
                    let held = lock(&self.held);
                    let kept = held.scripted.as_ref().and_then(|scripted| scripted.kept(&address));
                    // After a doubt nothing is kept.
                    (kept.filter(|_| held.asked.is_some()), held.runner.clone())
                };
                Some(Scripted::ask(address, kept, target, runner, tls).await)
            }
            None => None,
        };
        let mut held = lock(&self.held);
        (held.system, held.scripted, held.asked) = (Arc::new(system), scripted, Some(Instant::now()));
    }

    /// The proxy on the way to `target`, if any.
    pub(crate) fn hop(&self, target: &Uri) -> Option<Hop> {
        let held = lock(&self.held);
        let mut hop = match &held.choice {
            ProxyChoice::Direct => return None,
            ProxyChoice::Manual { host, port } => Hop::to(host, *port),
            ProxyChoice::System => match held.by_script() {
                Some(Way::Direct) => return None,
                Some(Way::Proxy { host, port }) => Hop { by_script: true, ..Hop::to(host, *port) },
                None => Hop::named(&held.system.matcher, target)?,
            },
        };
        // What a person typed is newer than what stands in an environment.
        hop.login = held.login.clone().or(hop.login);
        Some(hop)
    }

    /// This proxy did not answer. Whether its script has another way.
    pub(crate) fn pass_over(&self, away: &Hop) -> bool {
        let mut held = lock(&self.held);
        if !away.by_script || held.choice != ProxyChoice::System {
            return false;
        }
        let authority = away.authority();
        held.silent.retain(|(silent, _)| *silent != authority);
        held.silent.push((authority.clone(), Instant::now()));
        held.by_script().is_some_and(|way| way.authority().is_none_or(|next| !held.is_silent(&next)))
    }

    pub(crate) fn state(&self, target: &Uri) -> ProxyState {
        let in_use = self.hop(target).map(|hop| hop.authority());
        let held = lock(&self.held);
        let script = held.scripted.as_ref().filter(|_| held.choice == ProxyChoice::System).map(Scripted::state);
        ProxyState { in_use, script, has_login: held.login.is_some() }
    }

    /// The proxy refused this login: it is not sent again.
    pub(crate) fn forget(&self, refused: &Hop) {
        let mut held = lock(&self.held);
        let same = |a: &ProxyLogin, b: &ProxyLogin| a.name == b.name && a.password == b.password;
        if held.login.as_ref().zip(refused.login.as_ref()).is_some_and(|(held, sent)| same(held, sent)) {
            held.login = None;
        }
    }
}

impl Held {
    fn is_fresh(&self) -> bool {
        self.choice != ProxyChoice::System || self.asked.is_some_and(|at| at.elapsed() < SYSTEM_LIFE)
    }

    /// The first way that the script named and that is not known to be silent; where all are, the first.
    fn by_script(&self) -> Option<&Way> {
        let ways = self.scripted.as_ref()?.answer.as_ref().ok()?;
        let speaks = |way: &&Way| way.authority().is_none_or(|place| !self.is_silent(&place));
        ways.iter().find(speaks).or(ways.first())
    }

    fn is_silent(&self, authority: &str) -> bool {
        self.silent.iter().any(|(silent, since)| silent == authority && since.elapsed() < PASSED_OVER)
    }
}

impl Way {
    fn authority(&self) -> Option<String> {
        match self {
            Self::Direct => None,
            Self::Proxy { host, port } => Some(authority(host, *port)),
        }
    }
}

/// One proxy on the way.
#[derive(Clone, Debug)]
pub(crate) struct Hop {
    /// Named by a script, which may name others.
    by_script: bool,
    scheme: String,
    /// Without brackets.
    host: String,
    port: u16,
    login: Option<ProxyLogin>,
}

impl Hop {
    fn to(host: &str, port: u16) -> Self {
        Self { by_script: false, scheme: "http".to_owned(), host: host.to_owned(), port, login: None }
    }

    fn named(matcher: &Matcher, target: &Uri) -> Option<Self> {
        let found = matcher.intercept(target)?;
        let scheme = found.uri().scheme_str().unwrap_or("http").to_owned();
        let host = found.uri().host()?.trim_matches(['[', ']']).to_owned();
        let port = found.uri().port_u16().unwrap_or(if scheme == "http" { 80 } else { 443 });
        let login = found.basic_auth().and_then(|value| {
            let decoded = STANDARD.decode(value.as_bytes().strip_prefix(b"Basic ")?).map(Zeroizing::new).ok()?;
            let (name, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
            ProxyLogin::new(name.to_owned(), Zeroizing::new(password.to_owned()))
        });
        Some(Self { by_script: false, scheme, host, port, login })
    }

    /// Host and port, to show.
    pub(crate) fn authority(&self) -> String {
        authority(&self.host, self.port)
    }

    pub(crate) fn place(&self) -> (&str, u16) {
        (&self.host, self.port)
    }

    pub(crate) fn has_login(&self) -> bool {
        self.login.is_some()
    }

    /// As the HTTP client wants it. `None` for what cannot be written as an address.
    pub(crate) fn url(&self) -> Option<Url> {
        let mut url = Url::parse(&format!("{}://{}", self.scheme, self.authority())).ok()?;
        if let Some(login) = &self.login {
            url.set_username(&login.name).ok()?;
            url.set_password(Some(&login.password)).ok()?;
        }
        Some(url)
    }

    /// Refuses kinds of proxies that are not spoken, before anything is sent.
    pub(crate) fn check(&self) -> Result<(), PortalError> {
        if self.scheme == "http" { Ok(()) } else { Err(PortalError::ProxyUnsupported(self.scheme.clone())) }
    }

    /// A connection through the proxy to `host:port` (an IPv6 address in brackets). Bounded by the caller's patience.
    pub(crate) async fn tunnel(&self, host: &str, port: u16) -> Result<TcpStream, PortalError> {
        self.check()?;
        let away = |error: &(dyn std::error::Error + 'static)| match error::from_source(error) {
            PortalError::Unreachable(cause) => PortalError::ProxyAway(cause),
            other => other,
        };
        let mut stream = dial(&self.host, self.port).await.map_err(|error| away(&*error))?;
        let mut request = Zeroizing::new(format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n"));
        if let Some(login) = &self.login {
            let pair = Zeroizing::new(format!("{}:{}", login.name, *login.password));
            let encoded = Zeroizing::new(STANDARD.encode(pair.as_bytes()));
            request.push_str("Proxy-Authorization: Basic ");
            request.push_str(&encoded);
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        stream.write_all(request.as_bytes()).await.map_err(|error| away(&error))?;
        let mut head = Vec::new();
        let mut buffer = [0; 1024];
        // The service does not speak before we do, so nothing of it can be in here.
        while !head.windows(4).any(|end| end == b"\r\n\r\n") {
            match stream.read(&mut buffer).await.map_err(|error| away(&error))? {
                0 => return Err(PortalError::ProxyAway("the connection was closed before the answer".into())),
                _ if head.len() > MAX_HEAD => return Err(PortalError::ProxyRefused("a head without end".into())),
                length => head.extend_from_slice(&buffer[..length]),
            }
        }
        match refusal(&String::from_utf8_lossy(&head), self.has_login()) {
            None => Ok(stream),
            Some(refused) => Err(refused),
        }
    }

    /// Why the proxy opens no tunnel, asked without name and password: each try with a wrong one may count.
    pub(crate) async fn explain(mut self, host: &str, port: u16, told: PortalError) -> PortalError {
        let tried = self.login.take().is_some();
        match (self.tunnel(host, port).await, told) {
            (Err(PortalError::ProxyLogin { .. }), PortalError::ProxyLogin { .. }) => {
                PortalError::ProxyLogin { refused: tried }
            }
            // Whoever was let in with a login is not asked for one: only without it.
            (Err(PortalError::ProxyLogin { .. }) | Ok(_), told) => told,
            (Err(better), _) => better,
        }
    }
}

/// An IPv6 address in brackets.
fn authority(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// What a proxy answered to CONNECT, where it opens no tunnel.
fn refusal(head: &str, with_login: bool) -> Option<PortalError> {
    let mut lines = head.split("\r\n");
    let mut status = lines.next().unwrap_or_default().split(' ');
    let speaks_http = status.next().is_some_and(|version| version.starts_with("HTTP/1."));
    let code = status.next().and_then(|code| code.parse::<u16>().ok()).filter(|_| speaks_http);
    match code {
        Some(200..=299) => None,
        Some(407) => {
            let schemes: Vec<_> = lines
                .filter_map(|line| line.split_once(':'))
                .filter(|(name, _)| name.eq_ignore_ascii_case("proxy-authenticate"))
                .flat_map(|(_, value)| value.split(','))
                .filter_map(|challenge| challenge.split_whitespace().next())
                // A parameter of the challenge before, not a challenge.
                .filter(|scheme| !scheme.contains('='))
                .map(str::to_owned)
                .collect();
            let basic = schemes.is_empty() || schemes.iter().any(|scheme| scheme.eq_ignore_ascii_case("basic"));
            Some(if basic {
                PortalError::ProxyLogin { refused: with_login }
            } else {
                PortalError::ProxyUnsupported(schemes.join(", "))
            })
        }
        Some(code) => Some(PortalError::ProxyRefused(format!("HTTP {code}"))),
        None => Some(PortalError::ProxyRefused("the answer is no HTTP".into())),
    }
}

/// A TCP connection by name, to whichever of its addresses answers: one family that leads nowhere does not hold up the other
/// (RFC 8305).
pub(crate) async fn dial(host: &str, port: u16) -> Result<TcpStream, Box<dyn std::error::Error + Send + Sync>> {
    dial_by(HttpConnector::new(), host, port).await
}

async fn dial_by<R>(
    mut connector: HttpConnector<R>,
    host: &str,
    port: u16,
) -> Result<TcpStream, Box<dyn std::error::Error + Send + Sync>>
where
    HttpConnector<R>: tower_service::Service<Uri, Response = TokioIo<TcpStream>>,
    <HttpConnector<R> as tower_service::Service<Uri>>::Error: std::error::Error + Send + Sync + 'static,
{
    let host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() };
    let uri: Uri = format!("http://{host}:{port}").parse()?;
    // Small messages in turn: waiting to fill packets would only cost time.
    connector.set_nodelay(true);
    Ok(connector.call(uri).await.map(TokioIo::into_inner)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxys_answers_are_told_apart() {
        let said = |head: &str| refusal(head, false);
        assert_eq!(said("HTTP/1.1 200 Connection established\r\n\r\n"), None, "a tunnel");
        assert_eq!(
            said("HTTP/1.1 407 x\r\nProxy-Authenticate: Basic realm=\"a, b\"\r\n\r\n"),
            Some(PortalError::ProxyLogin { refused: false }),
            "a login by name and password"
        );
        assert_eq!(
            said("HTTP/1.0 407 x\r\nproxy-authenticate: Negotiate\r\nproxy-authenticate: NTLM\r\n\r\n"),
            Some(PortalError::ProxyUnsupported("Negotiate, NTLM".into())),
            "a login of Windows domains"
        );
        assert_eq!(
            said("HTTP/1.1 407 x\r\nProxy-Authenticate: NTLM, Basic realm=x\r\n\r\n"),
            Some(PortalError::ProxyLogin { refused: false }),
            "one of two is enough"
        );
        assert_eq!(said("HTTP/1.1 403 no\r\n\r\n"), Some(PortalError::ProxyRefused("HTTP 403".into())));
        assert!(matches!(said("SSH-2.0-x\r\n\r\n"), Some(PortalError::ProxyRefused(_))), "no proxy at all");
    }

    #[test]
    fn a_login_is_written_into_an_address_and_shows_nowhere() {
        let login = ProxyLogin::new("王 明".into(), Zeroizing::new("a:b/c@d".into())).expect("a good name");
        let hop = Hop { login: Some(login), ..Hop::to("::1", 8080) };
        let url = hop.url().expect("an address");
        assert_eq!((url.host_str(), url.port()), (Some("[::1]"), Some(8080)));
        assert_eq!(url.password(), Some("a%3Ab%2Fc%40d"), "nothing of a password is read as address");
        assert!(!format!("{hop:?}").contains("a:b"), "{hop:?}");
        assert!(ProxyLogin::new("a:b".into(), Zeroizing::default()).is_none(), "Basic cannot carry a colon in a name");
    }
}
