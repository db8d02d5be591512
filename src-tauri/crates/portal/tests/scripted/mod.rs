//! A TLS server that answers what a test tells it to, right or wrong.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::{future::Future, net::SocketAddr, sync::Arc};

use certdesk_portal::{Portal, PortalConfig, PortalError};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

/// A root of our own and what it certifies.
pub struct Root {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Root {
    pub fn new() -> Self {
        Self::named("Test root")
    }

    pub fn named(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap() }
    }

    pub fn der(&self) -> Vec<u8> {
        self.issuer.der().to_vec()
    }

    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// What a server needs to show a certificate for these names.
    pub fn acceptor(&self, names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> TlsAcceptor {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        change(&mut params);
        let key = KeyPair::generate().unwrap();
        let certificate: CertificateDer<'static> = params.signed_by(&key, &self.issuer).unwrap().der().clone();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }

    pub fn local(&self) -> TlsAcceptor {
        self.acceptor(&["localhost", "127.0.0.1"], |_| ())
    }
}

/// A listening server; ends with this value.
pub struct Server {
    pub address: SocketAddr,
    _tasks: JoinSet<()>,
}

impl Server {
    /// Hands every TCP connection to `serve`.
    pub async fn tcp<F, T>(serve: F) -> Self
    where
        F: Fn(TcpStream) -> T + Send + 'static,
        T: Future<Output = ()> + Send + 'static,
    {
        Self::serve(TcpListener::bind("127.0.0.1:0").await.unwrap(), serve)
    }

    fn serve<F, T>(listener: TcpListener, serve: F) -> Self
    where
        F: Fn(TcpStream) -> T + Send + 'static,
        T: Future<Output = ()> + Send + 'static,
    {
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((tcp, _)) = listener.accept().await {
                connections.spawn(serve(tcp));
            }
        });
        Self { address, _tasks: tasks }
    }

    /// Answers each request's head with the bytes that `answer` makes of it, then closes. `None` never answers.
    pub async fn https<F>(acceptor: TlsAcceptor, answer: F) -> Self
    where
        F: Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static,
    {
        Self::on("127.0.0.1:0", acceptor, answer).await.unwrap()
    }

    /// The same at an address of one's own.
    pub async fn on<F>(address: &str, acceptor: TlsAcceptor, answer: F) -> std::io::Result<Self>
    where
        F: Fn(&str) -> Option<Vec<u8>> + Send + Sync + 'static,
    {
        let answer = Arc::new(answer);
        let listener = TcpListener::bind(address).await?;
        Ok(Self::serve(listener, move |tcp| {
            let (acceptor, answer) = (acceptor.clone(), answer.clone());
            async move {
                let Ok(mut tls) = acceptor.accept(tcp).await else { return };
                let head = read_head(&mut tls).await;
                match answer(&head) {
                    Some(bytes) => {
                        let _ = tls.write_all(&bytes).await;
                        let _ = tls.shutdown().await;
                    }
                    None => std::future::pending().await,
                }
            }
        }))
    }

    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }
}

async fn read_head(tls: &mut TlsStream<TcpStream>) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && tls.read_exact(&mut byte).await.is_ok() {
        head.push(byte[0]);
    }
    String::from_utf8(head).unwrap()
}

/// A whole HTTP answer.
pub fn http(status: &str, headers: &str, body: &str) -> Option<Vec<u8>> {
    let length = body.len();
    Some(
        format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}")
            .into_bytes(),
    )
}

/// The header that tells this time.
pub fn date(at: time::OffsetDateTime) -> String {
    at.format(time::macros::format_description!(
        "date: [weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT\r\n"
    ))
    .unwrap()
}

pub fn portal(url: &str, root: &Root) -> Portal {
    open(url, vec![root.der()]).expect("the address is good")
}

pub fn open(url: &str, extra_roots: Vec<Vec<u8>>) -> Result<Portal, PortalError> {
    Portal::new(PortalConfig { base: url.parse().unwrap(), extra_roots, user_agent: "certdesk-test/1".into() })
}

/// Whether this is the process with the environment wanted. If not, runs the test of this name in such a process.
pub fn in_environment(test: &str, environment: &[(&str, &str)]) -> bool {
    const MARK: &str = "CERTDESK_TEST_CHILD";
    if std::env::var_os(MARK).is_some() {
        return true;
    }
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(MARK, "1")
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{test} in its own process: {text}");
    false
}
