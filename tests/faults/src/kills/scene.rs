//! One service, one key and one folder for the program, as they stood when something before had come to its end.

use std::{
    ffi::OsString,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result};
use rusqlite::{Connection, OpenFlags};
use stage::{Service, SoftKey, catalogue_with_open_renewals, copy_folder, project_root};
use tempfile::TempDir;

use super::{Journey, Memory, Seat};

pub(crate) const PIN: &str = "135790";
const LABEL: &str = "证办通测试锁";
/// What belongs to a scene, and is copied with it.
const PARTS: [&str; 3] = ["service", "key/tokens", "client"];

/// A scene that is not being played: folders only.
pub(crate) struct Snapshot {
    folder: TempDir,
    /// What the person knows by then.
    pub(crate) memory: Memory,
}

/// A scene being played. Gone with it.
pub(crate) struct Scene {
    service: Service,
    pub(crate) key: SoftKey,
    folder: TempDir,
    /// What the service is started with besides.
    more: Vec<OsString>,
}

impl Scene {
    /// With nothing on it but a blank key.
    pub(crate) fn blank() -> Result<Self> {
        Self::blank_behind(&[])
    }

    /// The same with a service that is started with more arguments.
    pub(crate) fn blank_behind(more: &[OsString]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let key = SoftKey::blank(&folder.path().join("key"), LABEL, PIN)?;
        Ok(Self { service: start(folder.path(), "127.0.0.1:0", more)?, key, folder, more: more.to_vec() })
    }

    /// As it was left.
    pub(crate) fn again(snapshot: &Snapshot) -> Result<Self> {
        Self::again_behind(snapshot, &[])
    }

    /// The same with a service that is started with more arguments.
    pub(crate) fn again_behind(snapshot: &Snapshot, more: &[OsString]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        copy_parts(snapshot.folder.path(), folder.path())?;
        let key = SoftKey::in_folder(&folder.path().join("key"), LABEL, PIN)?;
        Ok(Self { service: start(folder.path(), "127.0.0.1:0", more)?, key, folder, more: more.to_vec() })
    }

    /// Keeps it as it is now, and goes on. The program must not be running.
    pub(crate) fn keep(&mut self, memory: Memory) -> Result<Snapshot> {
        self.service.kill();
        let folder = tempfile::tempdir()?;
        copy_parts(self.folder.path(), folder.path())?;
        self.restart()?;
        Ok(Snapshot { folder, memory })
    }

    /// Kills the service as a power cut would.
    pub(crate) fn kill_service(&mut self) {
        self.service.kill();
    }

    /// Starts it again at the same address.
    pub(crate) fn restart(&mut self) -> Result<()> {
        let address = self.service.ready.text("address")?.to_owned();
        self.service.kill();
        self.service = start(self.folder.path(), &address, &self.more)?;
        Ok(())
    }

    /// Where the service listens.
    pub(crate) fn service_address(&self) -> Result<SocketAddr> {
        Ok(self.service.ready.text("address")?.parse()?)
    }

    pub(crate) fn seat(&self, journey: Journey, memory: Memory) -> Result<Seat> {
        Ok(Seat {
            journey,
            data: self.client(),
            ready: self.service.ready.file.clone(),
            module: self.key.module.clone(),
            softhsm: self.key.configuration.clone(),
            pin: PIN.to_owned(),
            files: project_root()?.join("tests/fixtures/files"),
            memory,
            patience: Duration::MAX,
        })
    }

    /// Serial number of the certificate that is in force.
    pub(crate) fn active_certificate(&self) -> Result<String> {
        let tables = open_service_tables(&self.service_data())?;
        Ok(tables.query_row("SELECT serial FROM certificates WHERE status = 'active'", [], |row| row.get(0))?)
    }

    /// Whether anybody sees the key: OpenSC's tool is not of this house.
    pub(crate) fn key_is_there(&self) -> Result<bool> {
        let mut tool = Command::new("pkcs11-tool");
        tool.arg("--module").arg(&self.key.module).arg("--list-token-slots").envs(self.key.environment());
        let output = tool.output().context("pkcs11-tool is not installed")?;
        Ok(String::from_utf8_lossy(&output.stdout).contains(LABEL))
    }

    /// Folder of the program's state.
    pub(crate) fn client(&self) -> PathBuf {
        self.folder.path().join("client")
    }

    /// Folder of the service's data.
    pub(crate) fn service_data(&self) -> PathBuf {
        self.folder.path().join("service/data")
    }
}

fn start(folder: &Path, listen: &str, more: &[OsString]) -> Result<Service> {
    let catalogue = catalogue_with_open_renewals(folder)?;
    let own = ["--catalogue".as_ref(), catalogue.as_os_str()];
    let arguments: Vec<_> = own.into_iter().chain(more.iter().map(OsString::as_os_str)).collect();
    Service::start_with(&folder.join("service"), listen, &arguments)
}

fn copy_parts(from: &Path, to: &Path) -> Result<()> {
    for part in PARTS.iter().filter(|part| from.join(part).exists()) {
        copy_folder(&from.join(part), &to.join(part)).with_context(|| format!("{part} was not copied"))?;
    }
    Ok(())
}

/// The service's own tables: what it would say if it were asked.
pub(crate) fn open_service_tables(data: &Path) -> Result<Connection> {
    let tables = Connection::open_with_flags(data.join("portal.db"), OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    tables.busy_timeout(Duration::from_secs(5))?;
    Ok(tables)
}
