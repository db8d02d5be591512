//! What an operator decides about one service.

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use subtle::ConstantTimeEq;
use url::Url;

use crate::Clock;

/// How to start a [`crate::Service`].
#[derive(Clone, Debug)]
pub struct Config {
    /// Directory of everything the service keeps; made where it is missing, for its owner's eyes only.
    pub data: PathBuf,
    /// Address to listen on; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The address as clients have it, which token logins are bound to. `None`: `https://<listen address>`.
    pub public_url: Option<Url>,
    /// Opens the demo desk (SMS outbox, review over HTTPS) to those who know the secret.
    pub demo: Option<DemoSecret>,
    /// Where the TLS certificate comes from.
    pub tls: Tls,
    /// A catalogue in place of the embedded one, JSON of [`certdesk_contract::catalogue::Catalogue`].
    pub catalogue: Option<PathBuf>,
    /// Published profiles, as [`crate::profiles::sign`] makes them. `None`: none.
    pub profiles: Option<PathBuf>,
    /// Folder of the drivers that are offered: `drivers.json` and the packages. `None`: none, in the demo one to try with.
    pub drivers: Option<PathBuf>,
    /// Reverse proxies whose `X-Forwarded-For` tells who asks.
    pub trusted_proxies: Vec<IpAddr>,
    /// Whether a certificate is approved or refused by two members of staff only.
    pub two_persons: bool,
    /// How much one network address may ask for.
    pub limits: Limits,
    /// Lets a login by password do without a session key, and its requests without signatures: for foreign tools that
    /// sign nothing (a tus client, a fuzzer). Acts of such a session have no evidence but the service's word.
    pub unsigned_sessions: bool,
    /// The clock.
    pub clock: Clock,
}

impl Config {
    /// The defaults: demo CA, embedded catalogue, no demo desk.
    pub fn new(data: impl Into<PathBuf>, listen: SocketAddr) -> Self {
        Self {
            data: data.into(),
            listen,
            public_url: None,
            demo: None,
            tls: Tls::DemoCa,
            catalogue: None,
            profiles: None,
            drivers: None,
            trusted_proxies: Vec::new(),
            two_persons: false,
            limits: Limits::default(),
            unsigned_sessions: false,
            clock: Clock::system(),
        }
    }
}

/// How much one network address (of IPv6: one /64) may ask for without a session. An office behind one address must
/// not feel it.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections open at a time.
    pub connections: u32,
    /// Registrations.
    pub registrations: Rate,
    /// Logins by password, new passwords by code, lost keys by code; right or wrong. Staff's are counted apart.
    pub password_logins: Rate,
    /// Codes by SMS; besides, one phone gets one a minute and ten a day.
    pub codes: Rate,
    /// Questions of 查询服务.
    pub queries: Rate,
    /// Consents, login challenges, logins by token, and announced uploads.
    pub openings: Rate,
    /// Longest time a JSON body may take to arrive.
    pub body_time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 128,
            registrations: Rate { burst: 30, every: Duration::from_secs(30) },
            password_logins: Rate { burst: 60, every: Duration::from_secs(1) },
            codes: Rate { burst: 10, every: Duration::from_secs(60) },
            queries: Rate { burst: 30, every: Duration::from_secs(20) },
            openings: Rate { burst: 300, every: Duration::from_millis(500) },
            body_time: Duration::from_secs(30),
        }
    }
}

/// So many at once, and then one each `every`.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// How many at once, at least 1.
    pub burst: u32,
    /// Time after which one more may come.
    pub every: Duration,
}

/// Where the TLS certificate comes from.
#[derive(Clone, Debug)]
pub enum Tls {
    /// Issued by the demo root for `localhost`, the loopback addresses and the public name.
    DemoCa,
    /// From PEM files.
    Files {
        /// Certificate chain, leaf first.
        certificate: PathBuf,
        /// Private key, PKCS#8, SEC1 or PKCS#1.
        key: PathBuf,
    },
}

/// Opens the demo desk. Header `x-demo-secret`.
#[derive(Clone)]
pub struct DemoSecret(String);

impl DemoSecret {
    /// Any text; the longer the better.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// A fresh one of 128 random bits.
    pub fn random() -> Self {
        Self(crate::random::token(16))
    }

    /// The secret itself, for whoever shall open the desk.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    pub(crate) fn matches(&self, given: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(given).into()
    }
}

impl std::fmt::Debug for DemoSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DemoSecret(redacted)")
    }
}
