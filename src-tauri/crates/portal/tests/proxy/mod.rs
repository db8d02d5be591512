//! A proxy on loopback (HTTP CONNECT), in a good mood or another.

#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use certdesk_portal::{Portal, PortalError, SigningError};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::TcpStream,
    sync::mpsc,
};

use crate::scripted::Server;

#[derive(Clone, Copy)]
pub enum Mood {
    /// Opens every tunnel.
    Open,
    /// To whom has this name and password.
    Login { name: &'static str, password: &'static str },
    /// To whom is logged in to a Windows domain.
    Domain,
    /// To nobody.
    Refuse,
    /// Closes before it answers.
    Cut,
    /// Closes when the tunnel stands.
    CutTunnel,
    /// Takes the question and says nothing.
    Silent,
}

/// Leads every tunnel to the same place, whatever name was asked for.
pub struct Proxy {
    server: Server,
    asked: Arc<Mutex<Vec<String>>>,
    wrong: Arc<AtomicUsize>,
    heard: mpsc::UnboundedReceiver<()>,
}

impl Proxy {
    pub async fn start(target: SocketAddr, mood: Mood) -> Self {
        let (asked, wrong) = (Arc::<Mutex<Vec<String>>>::default(), Arc::<AtomicUsize>::default());
        let (hear, heard) = mpsc::unbounded_channel();
        let (kept, counted) = (asked.clone(), wrong.clone());
        let server = Server::tcp(move |mut client: TcpStream| {
            let (kept, counted, hear) = (kept.clone(), counted.clone(), hear.clone());
            async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    match client.read_u8().await {
                        Ok(byte) => head.push(byte),
                        Err(_) => return,
                    }
                }
                let head = String::from_utf8(head).unwrap();
                kept.lock().unwrap().push(head.split(" HTTP").next().unwrap().to_owned());
                let _ = hear.send(());
                let answer = match mood {
                    Mood::Cut => return,
                    Mood::Silent => return std::future::pending().await,
                    Mood::Refuse => "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n",
                    Mood::Domain => {
                        "HTTP/1.1 407 Login\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM\r\n\r\n"
                    }
                    Mood::Login { name, password } => {
                        let right = format!("Basic {}", STANDARD.encode(format!("{name}:{password}")));
                        let line =
                            head.lines().find(|line| line.to_ascii_lowercase().starts_with("proxy-authorization"));
                        match line.and_then(|line| line.split_once(": ")) {
                            Some((_, given)) if given == right => "HTTP/1.1 200 Connection established\r\n\r\n",
                            given => {
                                counted.fetch_add(usize::from(given.is_some()), Ordering::SeqCst);
                                "HTTP/1.1 407 Login\r\nProxy-Authenticate: Basic realm=\"company\"\r\n\r\n"
                            }
                        }
                    }
                    Mood::Open | Mood::CutTunnel => "HTTP/1.1 200 Connection established\r\n\r\n",
                };
                let _ = client.write_all(answer.as_bytes()).await;
                if answer.contains(" 200 ") && !matches!(mood, Mood::CutTunnel) {
                    let mut upstream = TcpStream::connect(target).await.unwrap();
                    let _ = copy_bidirectional(&mut client, &mut upstream).await;
                }
            }
        })
        .await;
        Self { server, asked, wrong, heard }
    }

    pub fn port(&self) -> u16 {
        self.server.address.port()
    }

    /// First lines of what it was asked.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }

    /// Wrong names and passwords that it was given.
    pub fn wrong(&self) -> usize {
        self.wrong.load(Ordering::SeqCst)
    }

    /// Waits until it was asked.
    pub async fn hears(&mut self) {
        self.heard.recv().await.expect("the proxy lives");
    }
}

/// What a login by token comes to on its own connection, before anybody signs: it reaches the service (whose 204 is no
/// challenge), or not.
pub async fn login_by_token(portal: &Portal) -> Result<(), PortalError> {
    match portal.log_in_with_token(None, async |_| Err(())).await {
        Err(SigningError::Portal(PortalError::Garbled(_))) => Ok(()),
        Err(SigningError::Portal(error)) => Err(error),
        other => panic!("nobody signs here: {other:?}"),
    }
}
