//! One request on its way: through which proxy, for how long nothing may move, and why it failed. What failed is looked at
//! once more where a second look tells a person what to do; nothing is sent twice for it but questions without content.

use std::{sync::Arc, time::Duration};

use http::{Request as HttpRequest, StatusCode, header};
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use reqwest::{Request, Response};
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use url::Url;

use crate::{
    CONNECT_TIMEOUT, IDLE_TIMEOUT, Inner, MAX_JSON, Portal, PortalError, ProxyChoice, ProxyLogin, ProxyState, STALL,
    ScriptRunner, ScriptTrouble, error, is_loopback, lock,
    proxy::{Hop, Proxies, dial},
    wire::Answer,
};

/// For the second look at a failure.
const LOOK_TIMEOUT: Duration = Duration::from_secs(5);
/// A clock off by less makes no certificate invalid that was issued with any care.
const CLOCK_TOLERANCE: time::Duration = time::Duration::minutes(5);

impl Portal {
    /// Which proxy carries requests from now on. What is under way goes on as it began.
    pub fn choose_proxy(&self, choice: ProxyChoice) {
        self.inner.proxies.choose(choice);
        self.connect_anew();
    }

    /// Name and password for the proxy from now on, or none. Refused once, they are forgotten.
    pub fn set_proxy_login(&self, login: Option<ProxyLogin>) {
        self.inner.proxies.log_in(login);
        self.connect_anew();
    }

    /// By whom the system's proxy script is run. Without one it is not.
    pub fn run_scripts_by(&self, runner: Arc<dyn ScriptRunner>) {
        self.inner.proxies.run_scripts_by(runner);
    }

    /// How requests leave this network now.
    pub async fn proxy_state(&self) -> ProxyState {
        match self.target() {
            Some(target) if !is_loopback(&self.inner.url) => {
                self.inner.proxies.refresh(&target, &self.inner.trust.now).await;
                self.inner.proxies.state(&target)
            }
            _ => ProxyState::default(),
        }
    }

    /// Bytes a second that files may take of the line, up and down together; `None` for all there is. At least 8 KiB.
    pub fn limit_bandwidth(&self, bytes_a_second: Option<u64>) {
        self.inner.pace.limit(bytes_a_second);
    }

    /// No connection of before is used again, and the way is asked for anew: after a sleep, or in another network, those of
    /// before lead nowhere.
    pub fn connect_anew(&self) {
        let inner = &self.inner;
        inner.proxies.doubt();
        // It was built before, of the same parts.
        if let Ok(fresh) = http_client(&inner.trust.now, &inner.url, &inner.user_agent, inner.proxies.clone()) {
            *lock(&inner.http) = fresh;
        }
    }

    /// Sends, and waits for the head of the answer: half a minute, unless the body is a file, whose sender looks after it.
    pub(crate) async fn execute(&self, mut request: Request) -> Result<Response, PortalError> {
        loop {
            let hop = self.hop().await?;
            let again = request.try_clone();
            let answer = self.execute_by(hop.as_ref(), request).await;
            // No tunnel stood, so nothing of the request went out.
            let away = matches!(answer, Err(PortalError::ProxyAway(_)));
            match again.filter(|_| away && hop.is_some_and(|hop| self.inner.proxies.pass_over(&hop))) {
                Some(again) => request = again,
                None => return answer,
            }
        }
    }

    async fn execute_by(&self, hop: Option<&Hop>, request: Request) -> Result<Response, PortalError> {
        let client = self.inner.client();
        let is_file = request.body().is_some_and(|body| body.as_bytes().is_none());
        let sent = client.execute(request);
        let answer =
            if is_file { sent.await } else { timeout(STALL, sent).await.map_err(|_| PortalError::timeout())? };
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => return Err(self.explain(hop.cloned(), &error).await),
        };
        match self.sent_away(answer.status(), answer.headers()) {
            Some(moved) => Err(moved),
            None => Ok(answer),
        }
    }

    /// A TCP connection to the service, through the proxy where one is set.
    pub(crate) async fn open_tcp(&self) -> Result<TcpStream, PortalError> {
        let (host, port) = self.host_and_port()?;
        while let Some(hop) = self.hop().await? {
            match hop.tunnel(host, port).await {
                Err(PortalError::ProxyAway(_)) if self.inner.proxies.pass_over(&hop) => {}
                Err(told @ PortalError::ProxyLogin { .. }) => {
                    self.inner.proxies.forget(&hop);
                    return Err(told);
                }
                other => return other,
            }
        }
        let dialled = dial(host, port).await;
        dialled.map_err(|error| self.without_script(error::from_source(&*error)))
    }

    /// TLS on a connection of its own.
    pub(crate) async fn open_tls(&self, config: &rustls::ClientConfig) -> Result<TlsStream<TcpStream>, PortalError> {
        let server_name = match self.inner.url.host().ok_or(PortalError::BadAddress)? {
            url::Host::Domain(name) => ServerName::try_from(name.to_owned()).map_err(|_| PortalError::BadAddress)?,
            url::Host::Ipv4(address) => ServerName::from(std::net::IpAddr::from(address)),
            url::Host::Ipv6(address) => ServerName::from(std::net::IpAddr::from(address)),
        };
        let tcp = self.open_tcp().await?;
        let connected = TlsConnector::from(Arc::new(config.clone())).connect(server_name, tcp).await;
        connected.map_err(|error| error::from_source(&error))
    }

    /// What becomes of a failure of TLS when it is looked at once more.
    pub(crate) async fn second_look(&self, told: PortalError) -> PortalError {
        let look = async {
            match &told {
                PortalError::TlsUntrusted(cause) if error::is_about_time(cause) => self.clock_of_certificate().await,
                PortalError::Garbled(cause) if cause == error::NO_TLS => self.plain_answer().await,
                _ => None,
            }
        };
        timeout(LOOK_TIMEOUT, look).await.ok().flatten().unwrap_or(told)
    }

    /// Where an answer sends to another origin: there nothing of ours goes.
    pub(crate) fn sent_away(&self, status: StatusCode, headers: &http::HeaderMap) -> Option<PortalError> {
        let place = headers.get(header::LOCATION).filter(|_| status.is_redirection())?;
        let next = self.inner.url.join(place.to_str().ok()?).ok()?;
        (next.origin() != self.inner.url.origin()).then(|| PortalError::Moved(authority(&next)))
    }

    /// The proxy on the way, asked of the system anew where its word is old.
    pub(crate) async fn named_hop(&self) -> Option<Hop> {
        if is_loopback(&self.inner.url) {
            return None;
        }
        let target = self.target()?;
        self.inner.proxies.refresh(&target, &self.inner.trust.now).await;
        self.inner.proxies.hop(&target)
    }

    /// The same, of a kind that is spoken.
    async fn hop(&self) -> Result<Option<Hop>, PortalError> {
        self.named_hop().await.map_or(Ok(None), |hop| hop.check().map(|()| Some(hop)))
    }

    /// Why a request got no answer.
    async fn explain(&self, hop: Option<Hop>, error: &reqwest::Error) -> PortalError {
        let told = error::from_source(error);
        let Some(hop) = hop else {
            let told = if error.is_connect() { self.without_script(told) } else { told };
            return self.second_look(told).await;
        };
        match told {
            PortalError::ProxyLogin { .. } | PortalError::ProxyRefused(_) => {
                if told == (PortalError::ProxyLogin { refused: false }) {
                    self.inner.proxies.forget(&hop);
                }
                let Ok((host, port)) = self.host_and_port() else { return told };
                let asked = hop.explain(host, port, told.clone());
                timeout(LOOK_TIMEOUT, asked).await.unwrap_or(told)
            }
            // Until the tunnel stands, whoever is silent is the proxy.
            PortalError::Unreachable(cause) if error.is_connect() && error.is_timeout() => {
                PortalError::ProxyAway(cause)
            }
            told => self.second_look(told).await,
        }
    }

    /// Where there is no direct way, a script that found no proxy is the likelier reason.
    fn without_script(&self, told: PortalError) -> PortalError {
        match (self.script_trouble(), told) {
            (Some(trouble), PortalError::Unreachable(_)) => PortalError::ProxyByScript(trouble),
            (_, told) => told,
        }
    }

    /// Why the system's script found no way, where there is one and it did not.
    pub(crate) fn script_trouble(&self) -> Option<ScriptTrouble> {
        let target = self.target().filter(|_| !is_loopback(&self.inner.url))?;
        self.inner.proxies.state(&target).script?.trouble
    }

    /// The service's time, where its certificate is good at that time and not at ours.
    async fn clock_of_certificate(&self) -> Option<PortalError> {
        let tls = self.open_tls(&self.inner.trust.whenever).await.ok()?;
        let shown = tls.get_ref().1.peer_certificates()?.first()?.clone();
        let certificate = certdesk_pki::Certificate::parse(&shown).ok()?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(tls)).await.ok()?;
        let driver = tokio_util::task::AbortOnDropHandle::new(tokio::spawn(connection));
        let prefix = self.inner.url.path().trim_end_matches('/');
        let request = HttpRequest::get(format!("{prefix}{}", certdesk_contract::path::HEALTH))
            .header(header::HOST, authority(&self.inner.url))
            .body(Empty::<bytes::Bytes>::new())
            .ok()?;
        let answer = Answer::read(sender.send_request(request).await.ok()?, MAX_JSON).await.ok()?;
        drop(driver);
        let theirs = answer.date()?;
        let skew = time::OffsetDateTime::now_utc() - theirs;
        let good = certificate.not_before <= theirs && theirs <= certificate.not_after;
        (good && skew.abs() > CLOCK_TOLERANCE).then(|| {
            *lock(&self.inner.clock_skew) = Some(skew);
            PortalError::ClockWrong(skew)
        })
    }

    /// Whether what speaks no TLS is the page of a network that wants a login: it then answers plain HTTP, with a page or
    /// by sending elsewhere.
    async fn plain_answer(&self) -> Option<PortalError> {
        let host = authority(&self.inner.url);
        let mut stream = self.open_tcp().await.ok()?;
        let question = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(question.as_bytes()).await.ok()?;
        let mut head = vec![0; 4096];
        let mut length = 0;
        while length < head.len() && !head[..length].windows(4).any(|end| end == b"\r\n\r\n") {
            match stream.read(&mut head[length..]).await.ok()? {
                0 => break,
                read => length += read,
            }
        }
        let head = String::from_utf8_lossy(&head[..length]).to_ascii_lowercase();
        let status = head.strip_prefix("http/1.")?.split(' ').nth(1)?.parse::<u16>().ok()?;
        let page = head.contains("\r\ncontent-type: text/html");
        let asks = matches!(status, 301 | 302 | 303 | 307 | 308 | 511) || (status == 200 && page);
        asks.then(|| PortalError::NetworkLogin(format!("HTTP {status}, no TLS")))
    }

    fn target(&self) -> Option<http::Uri> {
        self.inner.base.parse().ok()
    }

    /// An IPv6 address in brackets.
    fn host_and_port(&self) -> Result<(&str, u16), PortalError> {
        let url = &self.inner.url;
        Ok((url.host_str().ok_or(PortalError::BadAddress)?, url.port_or_known_default().unwrap_or(443)))
    }
}

impl Inner {
    pub(crate) fn client(&self) -> reqwest::Client {
        lock(&self.http).clone()
    }
}

/// Host, and port where it is not the scheme's own.
fn authority(url: &Url) -> String {
    url[url::Position::BeforeHost..url::Position::AfterPort].to_owned()
}

/// The HTTP client for everything but logins by token.
pub(crate) fn http_client(
    tls: &rustls::ClientConfig,
    url: &Url,
    user_agent: &http::HeaderValue,
    proxies: Arc<Proxies>,
) -> Result<reqwest::Client, PortalError> {
    let http = reqwest::Client::builder()
        .tls_backend_preconfigured(tls.clone())
        .https_only(true)
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .tcp_nodelay(true)
        .user_agent(user_agent.clone());
    let http = if is_loopback(url) {
        http.no_proxy()
    } else {
        // Asked for each connection: what the system says may have changed since the last.
        http.proxy(reqwest::Proxy::custom(move |url| proxies.hop(&url.as_str().parse().ok()?)?.url()))
    };
    http.build().map_err(|error| error::from_source(&error))
}
