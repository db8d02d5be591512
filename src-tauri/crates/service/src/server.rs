//! The running service: opens its data, listens, serves connections, stops in order.

use std::{
    fs,
    future::poll_fn,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use axum::Router;
use http::Request;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::{JoinHandle, JoinSet},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tower::ServiceExt as _;
use url::Url;

use crate::{
    Config, Tls,
    ca::Ca,
    catalogue,
    changes::Epoch,
    drivers::Drivers,
    hidden::Hidden,
    http::router,
    idempotency::UnderWay,
    pace::{Pace, Peer},
    passwords::Passwords,
    portal::Portal,
    profiles::{self, Published},
    signatures::Nonces,
    sms::Outbox,
    staff::DemoStaff,
    store::Store,
    tls,
    uploads::Files,
};

/// More connections than this wait in the listen queue.
const MOST_CONNECTIONS: usize = 1024;
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);
const HEADER_TIME: Duration = Duration::from_secs(30);
/// How long requests under way may take to end after a stop.
const STOP_TIME: Duration = Duration::from_secs(10);
/// How much of a request that was refused already is still taken, and how long.
const LINGER_BYTES: usize = 2 * certdesk_contract::upload::CHUNK_BYTES as usize;
const LINGER_TIME: Duration = Duration::from_secs(10);
/// A connection this old ends after the request it is at: one whose other end never reads must not stay for good.
const CONNECTION_TIME: Duration = Duration::from_secs(60 * 60);
/// How long that request may take; longer than the longest chunk of an upload.
const LAST_REQUEST_TIME: Duration = Duration::from_secs(35 * 60);
const TIDY_EVERY: Duration = Duration::from_secs(10 * 60);

/// The portal service. See [`Service::start`].
#[derive(Debug)]
pub struct Service;

/// Why the service did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another service has this data directory.
    #[error("another service is running on {}", .0.display())]
    InUse(PathBuf),
    /// The address is taken or not this machine's.
    #[error("cannot listen on {address}: {error}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// The system's words.
        error: std::io::Error,
    },
    /// Data, catalogue, TLS files or public address cannot be used; the text says which and why.
    #[error("{0:#}")]
    Unusable(#[from] anyhow::Error),
}

/// A service that runs. Dropped without [`Running::stop`], it stops at once, as if killed: nothing acknowledged is lost.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its address as clients use it.
    pub base_url: Url,
    /// What signed its TLS certificate, DER: trusted by a client of the demo.
    pub root_der: Vec<u8>,
    /// Root of the certificates it issues, DER.
    pub ca_root_der: Vec<u8>,
    /// Where the authority's staff works.
    pub desk_url: Url,
    /// Accounts of the demo's desk; none without a demo.
    pub desk_staff: Vec<DemoStaff>,
    stop: watch::Sender<bool>,
    serving: JoinHandle<()>,
    portal: Arc<Portal>,
    /// Held while the service runs: one service per data directory.
    lock: fs::File,
}

impl Service {
    /// Starts a service; with the demo CA, on first start, founds its root in the data directory.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(config: Config) -> Result<Running, StartError> {
        let opened = tokio::task::spawn_blocking({
            let config = config.clone();
            move || open(&config)
        });
        let (lock, store, ca) = opened.await.map_err(|e| anyhow::anyhow!("opening the data: {e}"))??;

        let listener = TcpListener::bind(config.listen)
            .await
            .map_err(|error| StartError::Listen { address: config.listen, error })?;
        let address = listener.local_addr().context("the listening address")?;
        let base_url = match &config.public_url {
            Some(url) => url.clone(),
            // Token logins sign the address that the person's program was given; nobody's is 0.0.0.0.
            None if address.ip().is_unspecified() => {
                return Err(anyhow::anyhow!(
                    "listening on every address ({address}) needs --public-url, the address as clients have it"
                )
                .into());
            }
            None => Url::parse(&format!("https://{address}")).context("the listening address as URL")?,
        };
        if base_url.scheme() != "https" || base_url.host().is_none() {
            return Err(anyhow::anyhow!("the public address must be https://…").into());
        }

        let now = config.clock.now();
        let identity = match &config.tls {
            Tls::DemoCa => ca.tls_identity(base_url.host_str(), address.ip(), now)?,
            Tls::Files { certificate, key } => {
                tls::from_files(certificate, key, config.public_url.as_ref().and_then(Url::host_str), now)?
            }
        };
        let root_der = identity.root_der.clone();
        let ca_root_der = ca.root_der().to_vec();
        let end_point = tls::end_point(&identity.chain[0]);
        let acceptor = TlsAcceptor::from(tls::config(identity)?);

        let portal = Arc::new(portal(&config, store, ca, &base_url)?);
        let desk_url = base_url.join(crate::desk::PATH).context("the address of the desk")?;
        let desk_staff = open_desk(&config, &portal).await?;
        crate::uploads::sweep(&portal).await.map_err(|f| anyhow::anyhow!("sweeping the uploads: {f:?}"))?;
        let (stop, stopped) = watch::channel(false);
        let serving =
            tokio::spawn(serve(listener, acceptor, end_point.into(), router(portal.clone()), portal.clone(), stopped));
        tracing::info!(%address, "the service listens");
        tracing::warn!("{}", crate::NOT_LICENSED);
        Ok(Running { address, base_url, root_der, ca_root_der, desk_url, desk_staff, stop, serving, portal, lock })
    }
}

impl Running {
    /// Stops: no new connections, requests under way come to their end (10 seconds at most).
    pub async fn stop(mut self) {
        // A closed channel means that serving has ended already.
        let _ = self.stop.send(true);
        let _ = (&mut self.serving).await;
        let portal = self.portal.clone();
        let _ = tokio::task::spawn_blocking(move || portal.store.checkpoint()).await;
        tracing::info!("the service has stopped");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.serving.abort();
        // Said, not left to the file's closing: a program just being started may hold a copy of the file for a moment.
        let _ = self.lock.unlock();
    }
}

/// Opens what is kept in the data directory. Blocking.
fn open(config: &Config) -> Result<(fs::File, Store, Ca), StartError> {
    make_private_folder(&config.data).with_context(|| format!("cannot use {}", config.data.display()))?;
    let lock = fs::File::create(config.data.join("lock")).context("cannot lock the data directory")?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => return Err(StartError::InUse(config.data.clone())),
        Err(fs::TryLockError::Error(e)) => {
            return Err(anyhow::Error::new(e).context("cannot lock the data directory").into());
        }
    }
    make_private_folder(&config.data.join("uploads")).context("cannot make the uploads directory")?;
    let store = Store::open(&database(&config.data))?;
    let ca = Ca::open(&config.data.join("ca"), config.clock.now())?;
    Ok((lock, store, ca))
}

/// The database of a data directory that a service has used.
pub(crate) fn open_store(data: &Path) -> anyhow::Result<Store> {
    let database = database(data);
    anyhow::ensure!(database.exists(), "{} is no data directory of this service", data.display());
    Store::open(&database)
}

/// The file of the database of a data directory.
pub(crate) fn database(data: &Path) -> PathBuf {
    data.join("portal.db")
}

fn portal(config: &Config, store: Store, ca: Ca, base_url: &Url) -> anyhow::Result<Portal> {
    let catalogue = catalogue::load(config.catalogue.as_deref())?;
    let kept = store.act_now(|db| {
        // Every cursor is of an earlier run: whoever asks is told everything.
        crate::store::changes::forget_all(db)?;
        Ok(crate::store::catalogues::keep(db, &catalogue, config.clock.now())?)
    });
    let kept = kept.map_err(|f| anyhow::anyhow!("keeping the catalogue: {f:?}"))?;
    anyhow::ensure!(
        kept,
        "catalogue version {} was served before with other words: give it a new version",
        catalogue.version
    );
    Ok(Portal {
        store,
        clock: config.clock.clone(),
        catalogue_served: catalogue::served(&catalogue)?,
        catalogue,
        regions_served: catalogue::regions()?,
        profiles: Published::open(match (&config.profiles, &config.demo) {
            (None, Some(_)) => Some(profiles::of_demo(&config.data, config.clock.now().unix_timestamp())?),
            (file, _) => file.clone(),
        })?,
        drivers: Drivers::open(config.drivers.as_deref(), config.demo.is_some(), &config.data)?,
        passwords: Passwords::new()?,
        pace: Pace::new(config.limits, config.trusted_proxies.clone()),
        hidden: Hidden::open(&config.data.join("query.key"))?,
        epoch: Epoch::new(),
        under_way: UnderWay::default(),
        ca,
        files: Files::new(config.data.join("uploads")),
        sms: Box::new(Outbox),
        origin: base_url.origin().ascii_serialization(),
        base: base_url.as_str().trim_end_matches('/').to_owned(),
        nonces: Nonces::new(config.clock.now()),
        unsigned_sessions: config.unsigned_sessions,
        demo: config.demo.clone(),
    })
}

/// Tells the desk's commands what the service was started with; makes the demo's staff.
async fn open_desk(config: &Config, portal: &Portal) -> anyhow::Result<Vec<DemoStaff>> {
    let (store, two_persons, demo, now) =
        (portal.store.clone(), config.two_persons, config.demo.is_some(), portal.now());
    let opened = tokio::task::spawn_blocking(move || {
        store
            .act_now(|db| crate::verdicts::set_two_persons(db, two_persons, now))
            .map_err(|failure| anyhow::anyhow!("keeping the settings: {failure:?}"))?;
        if demo { crate::staff::of_demo(&store, now) } else { Ok(Vec::new()) }
    });
    opened.await?
}

fn make_private_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

async fn serve(
    listener: TcpListener,
    acceptor: TlsAcceptor,
    end_point: Arc<[u8]>,
    router: Router,
    portal: Arc<Portal>,
    mut stopped: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut connections = JoinSet::new();
    let mut tidy = tokio::time::interval(TIDY_EVERY);
    loop {
        tokio::select! {
            _ = stopped.changed() => break,
            _ = tidy.tick() => {
                let portal = portal.clone();
                connections.spawn(async move { portal.tidy().await });
            }
            // Reaps ended connections; without one the branch is off until the next turn.
            Some(_) = connections.join_next() => {}
            accepted = accept(&listener, &places) => {
                let Some((stream, peer, place)) = accepted else { continue };
                let Some(own_place) = portal.pace.place(peer) else { continue };
                let connection =
                    connection(stream, peer, acceptor.clone(), end_point.clone(), router.clone(), stopped.clone());
                connections.spawn(async move {
                    connection.await;
                    drop((place, own_place));
                });
            }
        }
    }
    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(STOP_TIME, ended).await.is_err() {
        tracing::warn!("some requests had to be cut off");
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, Peer, tokio::sync::OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, from)) => Some((stream, Peer(from.ip()), place)),
        Err(error) => {
            tracing::warn!(%error, "a connection was not accepted");
            // Out of file descriptors: trying at once would only burn the processor.
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

async fn connection(
    stream: TcpStream,
    peer: Peer,
    acceptor: TlsAcceptor,
    end_point: Arc<[u8]>,
    router: Router,
    mut stopped: watch::Receiver<bool>,
) {
    // Small answers go out at once.
    let _ = stream.set_nodelay(true);
    // Plain HTTP, scanners, clients that do not trust us: closed without a word.
    let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE_TIME, acceptor.accept(stream)).await else { return };
    let binding = tls::binding(stream.get_ref().1, &end_point);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(binding.clone());
        request.extensions_mut().insert(peer);
        Box::pin(router.clone().oneshot(crate::http::overridden(request.map(axum::body::Body::new))))
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADER_TIME);
    let mut serving = http.serve_connection(TokioIo::new(stream), service);
    let ended = tokio::select! {
        ended = poll_fn(|cx| serving.poll_without_shutdown(cx)) => ended,
        _ = stopped.changed() => {
            std::pin::Pin::new(&mut serving).graceful_shutdown();
            poll_fn(|cx| serving.poll_without_shutdown(cx)).await
        }
        () = tokio::time::sleep(CONNECTION_TIME) => {
            std::pin::Pin::new(&mut serving).graceful_shutdown();
            let last = poll_fn(|cx| serving.poll_without_shutdown(cx));
            let Ok(ended) = tokio::time::timeout(LAST_REQUEST_TIME, last).await else { return };
            ended
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
    let stopping = *stopped.borrow();
    hang_up(serving.into_parts().io.into_inner(), stopping).await;
}

/// Ends a connection so that the last answer arrives. A request refused before its body was read is still being sent;
/// closing on it at once would reset the connection and take the refusal away from under the client.
async fn hang_up(mut stream: TlsStream<TcpStream>, stopping: bool) {
    let _ = stream.shutdown().await;
    if stopping {
        return;
    }
    let (mut stream, _) = stream.into_inner();
    let mut rest = vec![0; 64 * 1024];
    let drained = async {
        let mut left = LINGER_BYTES;
        while let Ok(n @ 1..) = stream.read(&mut rest).await {
            left = left.saturating_sub(n);
            if left == 0 {
                break;
            }
        }
    };
    // Out of patience: the client may keep the loss.
    let _ = tokio::time::timeout(LINGER_TIME, drained).await;
}
