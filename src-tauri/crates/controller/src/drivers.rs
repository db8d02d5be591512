//! 服务支持: drivers of tokens, downloaded, checked, opened or installed.
//!
//! A download lies in a folder of its own, named by the SHA-256 it must have, and gets its real name only once it has it.
//! So what can be opened is always what the service announced, a broken download goes on where it broke, and a new
//! version never mixes with an old one.

mod install;

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use certdesk_contract::{
    driver::{DriverList, DriverOs, DriverPackage},
    is_sha256,
};
use certdesk_portal::{Portal, PortalError};
use tokio_util::sync::CancellationToken;

use crate::{
    Controller,
    convert::{internal, not_written},
    failure::{Failure, LocalCode},
    view::{DriverState, DriverView, DriversView, Event},
};

/// The window is told of progress this often at most.
const TOLD_EVERY: Duration = Duration::from_millis(100);

/// Downloads under way, by package, and what became of those that are not.
#[derive(Default)]
pub(crate) struct Drivers(Mutex<HashMap<String, Download>>);

struct Download {
    state: DriverState,
    cancel: CancellationToken,
}

impl Controller {
    /// Drivers for this computer, as the service lists them now; as last seen when it is away.
    pub async fn drivers(&self) -> Result<DriversView, Failure> {
        let packages = self.driver_packages().await?;
        Ok(self.drivers_view(packages).await)
    }

    async fn drivers_view(&self, packages: Vec<DriverPackage>) -> DriversView {
        let total = packages.len();
        let system = System::here();
        let mut drivers = Vec::new();
        let undriven = self.undriven().await;
        for package in packages.into_iter().filter(|package| system.takes(package)) {
            let state = self.driver_state(&package).await;
            let for_key = undriven.iter().any(|key| key.is_served_by(&package));
            drivers.push(DriverView { package, state, for_key });
        }
        // What is needed now comes first; else the service's order stands.
        drivers.sort_by_key(|driver| !driver.for_key);
        let others = u32::try_from(total - drivers.len()).unwrap_or(u32::MAX);
        DriversView { system: system.name, drivers, others }
    }

    /// Fetches one, in the background; goes on where an earlier try ended. Asked twice, it is fetched once.
    pub async fn download_driver(&self, id: String) -> Result<DriversView, Failure> {
        let packages = self.driver_packages().await?;
        let package = find(&packages, &id)?;
        if let Some(cancel) = self.begin_driver(&id, DriverState::Downloading { done: 0 }) {
            let controller = self.clone();
            tokio::spawn(async move { controller.run_download(package, cancel).await });
        }
        Ok(self.drivers_view(packages).await)
    }

    /// Stops fetching; what came is kept for the next try.
    pub async fn cancel_driver(&self, id: String) -> Result<DriversView, Failure> {
        if let Some(held) = self.downloads().remove(&id) {
            held.cancel.cancel();
        }
        self.drivers().await
    }

    /// Opens the installer by the system's own way, after its SHA-256 was compared once more.
    pub async fn open_driver(&self, id: String) -> Result<(), Failure> {
        let package = find(&self.driver_packages().await?, &id)?;
        self.hand_over_driver(&package).await
    }

    async fn hand_over_driver(&self, package: &DriverPackage) -> Result<(), Failure> {
        let file = self.driver_file(package);
        let whole = Portal::driver_is_whole(package, &file, &CancellationToken::new()).await;
        match whole {
            Ok(true) => {
                let picker = self.inner.options.picker.clone();
                tokio::task::spawn_blocking(move || picker.hand_over(&file)).await.map_err(internal)?
            }
            Ok(false) => {
                self.forget_driver(package).await;
                Err(LocalCode::DownloadDamaged.into())
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Notes that something is done with a driver; `None` where something is already.
    fn begin_driver(&self, id: &str, state: DriverState) -> Option<CancellationToken> {
        let mut downloads = self.downloads();
        let busy = |held: &Download| {
            matches!(held.state, DriverState::Downloading { .. } | DriverState::Checking | DriverState::Installing)
        };
        if downloads.get(id).is_some_and(busy) {
            return None;
        }
        let cancel = CancellationToken::new();
        downloads.insert(id.to_owned(), Download { state, cancel: cancel.clone() });
        Some(cancel)
    }

    async fn run_download(self, package: DriverPackage, cancel: CancellationToken) {
        let state = match self.fetch_driver(&package, &cancel).await {
            Ok(()) => DriverState::Ready,
            Err(failure) => DriverState::Failed { failure },
        };
        self.driver_moved(&package.id, state, &cancel);
    }

    async fn fetch_driver(&self, package: &DriverPackage, cancel: &CancellationToken) -> Result<(), Failure> {
        let (part, file) = (self.driver_part(package), self.driver_file(package));
        if file.exists() {
            return Ok(());
        }
        let folder = self.driver_folder(package);
        let made = tokio::task::spawn_blocking(move || crate::private_folder(&folder)).await;
        made.map_err(internal)?.map_err(not_written)?;
        let portal = self.portal()?;
        let told = Mutex::new(Instant::now() - TOLD_EVERY);
        let (controller, id, stop) = (self.clone(), package.id.clone(), cancel.clone());
        let progress = move |done| {
            let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
            if told.elapsed() >= TOLD_EVERY {
                *told = Instant::now();
                controller.driver_moved(&id, DriverState::Downloading { done }, &stop);
            }
        };
        portal.fetch_driver(package, &part, Arc::new(progress), cancel).await.map_err(download_failure)?;
        self.driver_moved(&package.id, DriverState::Checking, cancel);
        if !Portal::driver_is_whole(package, &part, cancel).await.map_err(download_failure)? {
            // Whatever it is, it does not get better by more of it.
            self.forget_driver(package).await;
            return Err(LocalCode::DownloadDamaged.into());
        }
        tokio::fs::rename(&part, &file).await.map_err(not_written)
    }

    /// Notes and tells how far a download is, unless it was cancelled meanwhile.
    fn driver_moved(&self, id: &str, state: DriverState, cancel: &CancellationToken) {
        if cancel.is_cancelled() {
            return;
        }
        if let Some(held) = self.downloads().get_mut(id) {
            held.state = state.clone();
        }
        self.emit(Event::Driver { id: id.to_owned(), state });
    }

    async fn driver_state(&self, package: &DriverPackage) -> DriverState {
        let held = self.downloads().get(&package.id).map(|held| held.state.clone());
        let (part, file) = (self.driver_part(package), self.driver_file(package));
        match held {
            Some(state) if state != DriverState::Ready => state,
            // Also after a restart, or where somebody tidied the folder.
            _ if tokio::fs::try_exists(&file).await.unwrap_or(false) => DriverState::Ready,
            _ => DriverState::Available { done: tokio::fs::metadata(&part).await.map_or(0, |found| found.len()) },
        }
    }

    /// What the service listed last, without asking it.
    pub(crate) async fn drivers_last_seen(&self) -> Vec<DriverPackage> {
        // Asked with every look at the keys: waits for nobody.
        if !self.is_open_within(Duration::ZERO).await {
            return Vec::new();
        }
        let packages: Option<Vec<DriverPackage>> = self.kept(LIST.to_owned()).await.ok().flatten();
        let system = System::here();
        packages.unwrap_or_default().into_iter().filter(|package| system.takes(package)).collect()
    }

    async fn listed_by_service(&self) -> Result<Vec<DriverPackage>, Failure> {
        let answer = self.portal()?.drivers().await;
        self.or_as_last_seen(LIST.to_owned(), answer, Err).await
    }

    async fn driver_packages(&self) -> Result<Vec<DriverPackage>, Failure> {
        let packages = match self.listed_by_service().await {
            // Never seen the service: what a publisher vouched for on a medium stands in.
            Err(away) if away.is_away() || away.is(LocalCode::NoServiceAddress) => {
                let kept: Option<DriverList> = self.kept(MEDIUM.to_owned()).await?;
                kept.ok_or(away)?.drivers
            }
            listed => listed?,
        };
        // The service's word decides what is fetched, never where it is put.
        let sound = |package: &DriverPackage| package.has_plain_file_name() && is_sha256(&package.sha256);
        Ok(packages.into_iter().filter(sound).collect())
    }

    async fn forget_driver(&self, package: &DriverPackage) {
        for file in [self.driver_part(package), self.driver_file(package)] {
            if let Err(error) = tokio::fs::remove_file(&file).await
                && error.kind() != std::io::ErrorKind::NotFound
            {
                tracing::warn!(%error, "a damaged download could not be removed");
            }
        }
    }

    fn driver_folder(&self, package: &DriverPackage) -> PathBuf {
        self.inner.options.data.join("drivers").join(&package.sha256)
    }

    fn driver_file(&self, package: &DriverPackage) -> PathBuf {
        self.driver_folder(package).join(&package.file_name)
    }

    fn driver_part(&self, package: &DriverPackage) -> PathBuf {
        self.driver_folder(package).join("download.part")
    }

    fn downloads(&self) -> MutexGuard<'_, HashMap<String, Download>> {
        self.inner.drivers.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const LIST: &str = "drivers";
/// The last list that came on a medium.
const MEDIUM: &str = "drivers/medium";

fn find(packages: &[DriverPackage], id: &str) -> Result<DriverPackage, Failure> {
    Ok(packages.iter().find(|package| package.id == id).ok_or(LocalCode::Gone)?.clone())
}

/// Why a download did not come to its end. What cannot be used here is written, not read.
fn download_failure(error: PortalError) -> Failure {
    match error {
        PortalError::FileChanged => LocalCode::DownloadDamaged.into(),
        PortalError::File(detail) => Failure::new(LocalCode::StorageFailed).with_detail(detail),
        other => other.into(),
    }
}

/// This computer, as far as it decides which drivers fit.
struct System {
    /// For people.
    name: String,
    /// `None`: a system that no driver is for.
    os: Option<DriverOs>,
}

impl System {
    fn here() -> Self {
        let architecture = std::env::consts::ARCH;
        let (name, os) = match std::env::consts::OS {
            "windows" => ("Windows".to_owned(), Some(DriverOs::Windows)),
            "macos" => ("macOS".to_owned(), Some(DriverOs::Macos)),
            _ => {
                let release = ["/etc/os-release", "/usr/lib/os-release"].into_iter();
                let release = release.filter_map(|file| std::fs::read_to_string(file).ok()).next().unwrap_or_default();
                linux(&release, &|program| Path::new(program).exists())
            }
        };
        Self { name: format!("{name} · {architecture}"), os }
    }

    fn takes(&self, package: &DriverPackage) -> bool {
        let machine = |name: &String| name == std::env::consts::ARCH;
        self.os == Some(package.os) && (package.architectures.is_empty() || package.architectures.iter().any(machine))
    }
}

/// Name and kind of packages of a Linux, from `os-release` (freedesktop.org, os-release(5)); where that says nothing known,
/// from the package manager that is there.
fn linux(release: &str, there: &dyn Fn(&str) -> bool) -> (String, Option<DriverOs>) {
    let value = |key: &str| {
        let line = release.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        line.map(|text| text.trim_matches(['"', '\'']).to_owned())
    };
    let name = value("PRETTY_NAME").or_else(|| value("NAME")).unwrap_or_else(|| "Linux".to_owned());
    let family = format!("{} {}", value("ID").unwrap_or_default(), value("ID_LIKE").unwrap_or_default());
    let of = |names: &[&str]| family.split_whitespace().any(|word| names.contains(&word));
    // Kylin has a desktop of Debian's family and a server of the other: its own ID_LIKE and its programs tell.
    let os = if of(&["debian", "ubuntu", "deepin", "uos"]) {
        Some(DriverOs::LinuxDeb)
    } else if of(&["rhel", "fedora", "centos", "suse", "opensuse", "openEuler", "openeuler", "anolis"]) {
        Some(DriverOs::LinuxRpm)
    } else if there("/usr/bin/dpkg") {
        Some(DriverOs::LinuxDeb)
    } else if there("/usr/bin/rpm") {
        Some(DriverOs::LinuxRpm)
    } else {
        None
    };
    (name, os)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linux_is_known_by_what_it_says_of_itself() {
        let of = |release: &str, there: &'static str| linux(release, &move |program| program == there);
        let debian = of("PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\n", "");
        assert_eq!(debian, ("Debian GNU/Linux 12 (bookworm)".to_owned(), Some(DriverOs::LinuxDeb)));
        let uos = of("NAME=\"UOS Desktop\"\nID=uos\n", "");
        assert_eq!(uos.1, Some(DriverOs::LinuxDeb), "统信 UOS takes Debian packages");
        let suse = of("NAME=openSUSE\nID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\n", "");
        assert_eq!(suse.1, Some(DriverOs::LinuxRpm), "the family counts where the name is new");
        assert_eq!(of("ID=kylin\n", "/usr/bin/dpkg").1, Some(DriverOs::LinuxDeb), "银河麒麟 desktop, by its programs");
        assert_eq!(of("ID=kylin\n", "/usr/bin/rpm").1, Some(DriverOs::LinuxRpm), "银河麒麟 server, by its programs");
        assert_eq!(of("", "").1, None, "no driver is offered by guess");
    }
}
