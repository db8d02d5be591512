//! The line: a man in the middle who has the service's own key, so that the program trusts him and each request can be
//! seen, cut and repeated.
//!
//! A login by key is bound to its TLS connection and fails over two: it is a promise that no man in the middle gets one.
//! So the connection after one on which somebody asked for a challenge is passed through as bytes, for a moment, and what
//! is struck on it is struck at a byte.

use std::{
    collections::{BTreeMap, HashMap},
    ffi::OsString,
    fs,
    io::{self, ErrorKind},
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use anyhow::Result;
use certdesk_contract::path;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::{ClientConfig, RootCertStore, ServerConfig, pki_types::ServerName};
use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, copy_bidirectional},
    net::{TcpListener, TcpStream},
    sync::Notify,
    time::{sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, TlsConnector, client::TlsStream};
use uuid::Uuid;

use super::Fault;

/// In runs of all faults mixed, this part of the requests is struck.
const MIXED: f64 = 0.35;
/// A connection that is passed through as bytes lives no longer.
const PASSED: Duration = Duration::from_millis(1500);
/// Nothing on this computer takes longer.
const PATIENCE: Duration = Duration::from_secs(20);
/// An answer without end ends here all the same, when nobody hangs up.
const GIANT: usize = 64 * 1024 * 1024;
const MAX_HEAD: usize = 64 * 1024;

/// The line, laid and not yet taken up.
pub(crate) struct Line {
    runtime: tokio::runtime::Runtime,
    port: u16,
    identity: TempDir,
    middle: Arc<Middle>,
}

/// What the line saw.
pub(crate) struct Seen {
    pub(crate) struck: BTreeMap<String, u32>,
    pub(crate) requests: u32,
    /// Connections to where a redirect sent.
    pub(crate) elsewhere: u32,
    /// The service's certificate, which it wants at its next start too.
    _identity: TempDir,
}

struct Middle {
    acceptor: TlsAcceptor,
    connector: TlsConnector,
    service: Mutex<Option<SocketAddr>>,
    chance: Mutex<Chance>,
    /// A request went by.
    went: Notify,
    elsewhere: u16,
    elsewhere_asked: AtomicU32,
}

/// What is struck, and with what.
struct Chance {
    fault: Option<Fault>,
    random: fastrand::Rng,
    /// How often each request was seen and struck.
    known: HashMap<String, (u32, u32)>,
    struck: BTreeMap<String, u32>,
    requests: u32,
    /// The next connection is passed through.
    passes: bool,
}

/// One message of HTTP/1.1, as it came.
#[derive(Clone)]
struct Message {
    head: Vec<u8>,
    body: Vec<u8>,
}

impl Line {
    pub(crate) fn lay(fault: Option<Fault>, random: fastrand::Rng) -> Result<Self> {
        let identity = tempfile::tempdir()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let (acceptor, connector) = trust(&identity)?;
        let (listener, elsewhere) = runtime.block_on(async {
            let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            Ok::<_, io::Error>((TcpListener::bind(any).await?, TcpListener::bind(any).await?))
        })?;
        let port = listener.local_addr()?.port();
        let chance =
            Chance { fault, random, known: HashMap::new(), struck: BTreeMap::new(), requests: 0, passes: false };
        let middle = Arc::new(Middle {
            acceptor,
            connector,
            service: Mutex::default(),
            chance: Mutex::new(chance),
            went: Notify::new(),
            elsewhere: elsewhere.local_addr()?.port(),
            elsewhere_asked: AtomicU32::new(0),
        });
        let counted = middle.clone();
        runtime.spawn(async move {
            while elsewhere.accept().await.is_ok() {
                counted.elsewhere_asked.fetch_add(1, Ordering::SeqCst);
            }
        });
        let carried = middle.clone();
        runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carried.clone().serve(client));
            }
        });
        Ok(Self { runtime, port, identity, middle })
    }

    /// For the service: its address is the line's, and the line has its certificate.
    pub(crate) fn service_arguments(&self) -> [OsString; 6] {
        let file = |name: &str| self.identity.path().join(name).into_os_string();
        let url = format!("https://127.0.0.1:{}", self.port);
        ["--public-url".into(), url.into(), "--tls-cert".into(), file("tls.pem"), "--tls-key".into(), file("tls.key")]
    }

    pub(crate) fn lead_to(&self, service: SocketAddr) {
        *lock(&self.middle.service) = Some(service);
    }

    /// Takes the line up when nothing is on its way any more.
    pub(crate) fn take_up(self) -> Seen {
        // What is repeated late is repeated by now.
        self.runtime.shutdown_timeout(Duration::from_secs(2));
        let chance = lock(&self.middle.chance);
        Seen {
            struck: chance.struck.clone(),
            requests: chance.requests,
            elsewhere: self.middle.elsewhere_asked.load(Ordering::SeqCst),
            _identity: self.identity,
        }
    }
}

/// A root, and in its name this computer; for the service as files, for the line to be the one and to trust the other.
fn trust(folder: &TempDir) -> Result<(TlsAcceptor, TlsConnector)> {
    let mut root = CertificateParams::default();
    root.distinguished_name.push(DnType::CommonName, "The line");
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = CertifiedIssuer::self_signed(root, KeyPair::generate()?)?;
    let key = KeyPair::generate()?;
    let leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()])?.signed_by(&key, &root)?;
    fs::write(folder.path().join("tls.pem"), format!("{}{}", leaf.pem(), root.pem()))?;
    fs::write(folder.path().join("tls.key"), key.serialize_pem())?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let chain = vec![leaf.der().clone(), root.der().clone()];
    let key = rustls::pki_types::PrivateKeyDer::try_from(key.serialize_der()).map_err(anyhow::Error::msg)?;
    let mut server = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    let mut roots = RootCertStore::empty();
    roots.add(root.der().clone())?;
    let mut client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    client.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok((TlsAcceptor::from(Arc::new(server)), TlsConnector::from(Arc::new(client))))
}

impl Chance {
    /// What is to be done to this request. One that was struck passes the next time, or nobody would ever come through.
    fn falls_on(&mut self, method: &str, path: &str) -> Option<Fault> {
        self.requests += 1;
        if path.starts_with("/demo/") {
            return None;
        }
        // Of requests by a cursor each is another one, and still the same question.
        let (path, asked) = path.split_once('?').map_or((path, false), |(path, _)| (path, true));
        let most = match method {
            "GET" | "HEAD" if asked => 3,
            "GET" | "HEAD" => 1,
            _ => 2,
        };
        let (seen, struck) = self.known.entry(format!("{method} {path}")).or_default();
        let turn = *seen % 2 == 0 && *struck < most;
        *seen += 1;
        if !turn || (self.fault.is_none() && self.random.f64() > MIXED) {
            return None;
        }
        *struck += 1;
        let fault = self.fault.unwrap_or_else(|| *self.random.choice(&Fault::ALL).unwrap_or(&Fault::CutAfter));
        *self.struck.entry(format!("{method} {}", template(path))).or_default() += 1;
        Some(fault)
    }

    fn milliseconds(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(self.random.u64(from..=to))
    }
}

/// The path without whom it is about.
fn template(path: &str) -> String {
    path.split('/').map(|part| if Uuid::try_parse(part).is_ok() { "{id}" } else { part }).collect::<Vec<_>>().join("/")
}

impl Middle {
    async fn serve(self: Arc<Self>, mut client: TcpStream) -> io::Result<()> {
        client.set_nodelay(true)?;
        if std::mem::take(&mut self.chance().passes) {
            return self.pass(&mut client).await;
        }
        let mut client = self.acceptor.accept(client).await?;
        while let Some(request) = Message::read(&mut client, None).await? {
            let (method, path) = request.asks();
            let fault = self.chance().falls_on(&method, &path);
            let binds = path == path::CHALLENGES;
            if binds {
                self.chance().passes = true;
            }
            let answer = match fault {
                // Two connections bind nothing.
                None if binds => None,
                None => Some(self.carry(&request).await?),
                Some(fault) => self.clone().strike(fault, &request, &method, &mut client).await?,
            };
            self.went.notify_waiters();
            let Some(answer) = answer else { return Ok(()) };
            client.write_all(&answer.head).await?;
            client.write_all(&answer.body).await?;
            client.flush().await?;
        }
        Ok(())
    }

    /// Carries bytes as they are; struck, no further than to some byte of either way.
    async fn pass(&self, client: &mut TcpStream) -> io::Result<()> {
        let mut service = TcpStream::connect(self.service()?).await?;
        service.set_nodelay(true)?;
        let cut = {
            let mut chance = self.chance();
            let fault = chance.falls_on("POST", path::TOKEN_SESSIONS);
            fault.map(|fault| (fault, chance.random.u64(1..6000), chance.random.bool(), chance.milliseconds(100, 900)))
        };
        match cut {
            None => drop(timeout(PASSED, copy_bidirectional(client, &mut service)).await),
            Some((Fault::Delayed | Fault::Drip | Fault::Reordered, _, _, pause)) => {
                sleep(pause).await;
                drop(timeout(PASSED, copy_bidirectional(client, &mut service)).await);
            }
            Some((_, bytes, of_client, _)) => {
                let (from_client, to_client) = client.split();
                let (from_service, to_service) = service.split();
                let budgets = if of_client { (bytes, u64::MAX) } else { (u64::MAX, bytes) };
                let ways = async {
                    tokio::select! {
                        _ = copy_some(from_client, to_service, budgets.0) => {}
                        _ = copy_some(from_service, to_client, budgets.1) => {}
                    }
                };
                drop(timeout(PASSED, ways).await);
            }
        }
        Ok(())
    }

    /// To the service and back.
    async fn carry(&self, request: &Message) -> io::Result<Message> {
        let (method, _) = request.asks();
        let mut service = self.connect().await?;
        service.write_all(&request.head).await?;
        service.write_all(&request.body).await?;
        service.flush().await?;
        let answer =
            timeout(PATIENCE, Message::read(&mut service, Some(&method))).await.map_err(|_| ErrorKind::TimedOut)?;
        answer?.ok_or_else(|| ErrorKind::UnexpectedEof.into())
    }

    /// Does its worst. `None`: hang up.
    async fn strike<S>(
        self: Arc<Self>,
        fault: Fault,
        request: &Message,
        method: &str,
        client: &mut S,
    ) -> io::Result<Option<Message>>
    where
        S: AsyncWrite + Unpin,
    {
        // Whether the service sees it before another answers in its place.
        let sees = self.chance().random.bool();
        let instead = async |middle: &Self| {
            if sees { middle.carry(request).await } else { Ok(Message::new(200, "application/json", b"[]")) }
        };
        Ok(match fault {
            Fault::CutBefore => None,
            Fault::CutWithin => {
                let mut service = self.connect().await?;
                let half = if request.body.is_empty() { request.head.len() / 2 } else { request.head.len() };
                service.write_all(&request.head[..half]).await?;
                service.write_all(&request.body[..request.body.len() / 2]).await?;
                service.flush().await?;
                None
            }
            Fault::CutAfter => {
                self.carry(request).await?;
                None
            }
            Fault::CutAnswer => {
                let answer = self.carry(request).await?;
                let bytes = [answer.head, answer.body].concat();
                client.write_all(&bytes[..bytes.len() / 2]).await?;
                client.flush().await?;
                None
            }
            Fault::Delayed => {
                let (before, after) = {
                    let mut chance = self.chance();
                    (chance.milliseconds(100, 1200), chance.milliseconds(0, 500))
                };
                sleep(before).await;
                let answer = self.carry(request).await?;
                sleep(after).await;
                Some(answer)
            }
            Fault::Duplicated => Some(self.duplicate(request).await?),
            Fault::Reordered => {
                let longest = self.chance().milliseconds(100, 600);
                let _ = timeout(longest, self.went.notified()).await;
                Some(self.carry(request).await?)
            }
            Fault::Status => {
                let status = *self
                    .chance()
                    .random
                    .choice(&[200, 204, 400, 401, 403, 404, 409, 410, 429, 500, 502, 503])
                    .unwrap_or(&500);
                let told = instead(&self).await?;
                let with_body = self.chance().random.bool();
                let body = if with_body { told.body } else { Vec::new() };
                Some(Message::new(status, "application/json", &body))
            }
            Fault::Type => {
                let kind = *self
                    .chance()
                    .random
                    .choice(&["text/html; charset=utf-8", "text/plain", "application/octet-stream", ""])
                    .unwrap_or(&"");
                let told = instead(&self).await?;
                Some(Message::new(told.status(), kind, &told.body))
            }
            Fault::Truncated => {
                let told = instead(&self).await?;
                let body = &told.body;
                let half = body[..body.len() / 2].to_vec();
                let other = *self
                    .chance()
                    .random
                    .choice(&[&b"{}"[..], b"[]", b"null", b"{\"id\":", &half])
                    .unwrap_or(&&b"{}"[..]);
                Some(Message::new(told.status(), "application/json", other))
            }
            Fault::Giant => {
                let told = instead(&self).await?;
                let head = format!(
                    "HTTP/1.1 {} x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n\"",
                    told.status(),
                    GIANT * 16
                );
                client.write_all(head.as_bytes()).await?;
                let piece = [b'a'; 64 * 1024];
                for _ in 0..if method == "HEAD" { 0 } else { GIANT / piece.len() } {
                    // Whoever has enough hangs up.
                    client.write_all(&piece).await?;
                }
                None
            }
            Fault::Drip => {
                let answer = self.carry(request).await?;
                let bytes = [answer.head, answer.body].concat();
                let piece = bytes.len().div_ceil(60);
                for drop in bytes.chunks(piece) {
                    client.write_all(drop).await?;
                    client.flush().await?;
                    sleep(Duration::from_millis(25)).await;
                }
                Some(Message { head: Vec::new(), body: Vec::new() })
            }
            Fault::Redirect => {
                let status = *self.chance().random.choice(&[301, 302, 303, 307, 308]).unwrap_or(&307);
                let told = instead(&self).await?;
                let mut answer = Message::new(status, "application/json", &told.body);
                let place = format!("\r\nlocation: https://127.0.0.1:{}{}", self.elsewhere, request.asks().1);
                let line_end = answer.head.windows(2).position(|end| end == b"\r\n").unwrap_or_default();
                answer.head.splice(line_end..line_end, place.into_bytes());
                Some(answer)
            }
            Fault::Nonsense => {
                instead(&self).await?;
                client.write_all(b"SSH-2.0-OpenSSH_9.2p1\r\n").await?;
                client.flush().await?;
                None
            }
        })
    }

    /// Twice at once, or once more when it is long answered.
    async fn duplicate(self: &Arc<Self>, request: &Message) -> io::Result<Message> {
        let (at_once, first, later) = {
            let mut chance = self.chance();
            (chance.random.bool(), chance.random.bool(), chance.milliseconds(50, 900))
        };
        if at_once {
            let (one, other) = tokio::join!(self.carry(request), self.carry(request));
            return if first { one } else { other };
        }
        let answer = self.carry(request).await?;
        let (middle, request) = (self.clone(), request.clone());
        tokio::spawn(async move {
            sleep(later).await;
            // Whatever the service says to it, nobody hears it.
            let _ = middle.carry(&request).await;
        });
        Ok(answer)
    }

    async fn connect(&self) -> io::Result<TlsStream<TcpStream>> {
        let service = TcpStream::connect(self.service()?).await?;
        service.set_nodelay(true)?;
        self.connector.connect(ServerName::from(std::net::IpAddr::from(Ipv4Addr::LOCALHOST)), service).await
    }

    fn service(&self) -> io::Result<SocketAddr> {
        lock(&self.service).ok_or_else(|| ErrorKind::NotConnected.into())
    }

    fn chance(&self) -> MutexGuard<'_, Chance> {
        lock(&self.chance)
    }
}

impl Message {
    fn new(status: u16, kind: &str, body: &[u8]) -> Self {
        let kind = if kind.is_empty() { String::new() } else { format!("content-type: {kind}\r\n") };
        let body = if status == 204 { &[] } else { body };
        let head = format!("HTTP/1.1 {status} x\r\n{kind}content-length: {}\r\n\r\n", body.len());
        Self { head: head.into_bytes(), body: body.to_vec() }
    }

    /// A request, or the answer to a request of that method; `None` where the other side has nothing more to say.
    async fn read<S>(from: &mut S, answers: Option<&str>) -> io::Result<Option<Self>>
    where
        S: AsyncRead + Unpin,
    {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            match from.read(&mut byte).await {
                Ok(0) if head.is_empty() => return Ok(None),
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(_) if head.len() > MAX_HEAD => return Err(ErrorKind::InvalidData.into()),
                Ok(_) => head.push(byte[0]),
                // A connection that was idle for long ends as it likes.
                Err(_) if head.is_empty() => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        let mut message = Self { head, body: Vec::new() };
        let empty = answers == Some("HEAD") || matches!(message.status(), 204 | 304);
        if empty && answers.is_some() {
            return Ok(Some(message));
        }
        if let Some(length) = message.header("content-length").and_then(|length| length.parse().ok()) {
            message.body = vec![0; length];
            from.read_exact(&mut message.body).await?;
        } else if message.header("transfer-encoding").is_some() {
            while !message.body.ends_with(b"\r\n0\r\n\r\n") && message.body != b"0\r\n\r\n" {
                message.body.push(from.read_u8().await?);
            }
        }
        Ok(Some(message))
    }

    fn header(&self, name: &str) -> Option<String> {
        let head = String::from_utf8_lossy(&self.head).into_owned();
        let found =
            head.lines().filter_map(|line| line.split_once(':')).find(|(own, _)| own.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim().to_owned())
    }

    /// Method and path of a request.
    fn asks(&self) -> (String, String) {
        let head = String::from_utf8_lossy(&self.head).into_owned();
        let mut words = head.split(' ');
        (words.next().unwrap_or_default().to_owned(), words.next().unwrap_or_default().to_owned())
    }

    /// Status of an answer.
    fn status(&self) -> u16 {
        let head = String::from_utf8_lossy(&self.head).into_owned();
        head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0)
    }
}

async fn copy_some<R, W>(from: R, mut to: W, bytes: u64) -> io::Result<()>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    tokio::io::copy(&mut from.take(bytes), &mut to).await.map(drop)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
