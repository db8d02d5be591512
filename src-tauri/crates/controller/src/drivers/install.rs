//! From a package that is here to a key that is seen: its maker checked, installed with the system's own question for an
//! administrator, and the key looked for.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use certdesk_contract::driver::{DriverList, DriverPackage, SignedDrivers};
use certdesk_portal::{FileGuard, Portal, hash_file};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{MEDIUM, find};
use crate::{
    Controller,
    convert::{internal, not_written},
    doctor::{
        finding::{FindingCode, Level, Part},
        machine::{Elevated, System as _},
    },
    failure::{Failure, LocalCode},
    picker::OpenQuestion,
    profiles::is_signed_by,
    view::{DriverState, DriversView, KeyState, Locale},
};

/// The system's question and the installation take no longer than this.
const INSTALLING: Duration = Duration::from_secs(15 * 60);

/// A driver that was just installed may start services of its own before it shows a key.
const UNTIL_SEEN: Duration = Duration::from_secs(12);

/// Between two looks for the key.
const LOOK: Duration = Duration::from_millis(500);

/// More than any list of drivers.
const LARGEST_LIST: u64 = 4 << 20;

impl Controller {
    /// Fetches where it must, checks, installs, and looks for the key; in the background.
    pub async fn install_driver(&self, id: String) -> Result<DriversView, Failure> {
        let packages = self.driver_packages().await?;
        let package = find(&packages, &id)?;
        if let Some(cancel) = self.begin_driver(&id, DriverState::Checking) {
            let controller = self.clone();
            tokio::spawn(async move {
                let done = controller.fetch_and_install(&package, &cancel).await;
                let state = match done {
                    Ok(missing) => DriverState::Installed { missing },
                    Err(failure) => DriverState::Failed { failure },
                };
                controller.driver_moved(&package.id, state, &cancel);
            });
        }
        Ok(self.drivers_view(packages).await)
    }

    /// The same, awaited. What the key still lacks afterwards; `None`: it is seen.
    pub async fn install_driver_now(&self, id: &str) -> Result<Option<FindingCode>, Failure> {
        let package = find(&self.driver_packages().await?, id)?;
        let Some(cancel) = self.begin_driver(id, DriverState::Checking) else {
            return Err(LocalCode::DriverBusy.into());
        };
        let done = self.fetch_and_install(&package, &cancel).await;
        let state = match &done {
            Ok(missing) => DriverState::Installed { missing: *missing },
            Err(failure) => DriverState::Failed { failure: failure.clone() },
        };
        self.driver_moved(&package.id, state, &cancel);
        done
    }

    /// What installing it runs, as one would type it; `None` where the system has to open it instead.
    pub async fn driver_command(&self, id: &str) -> Result<Option<String>, Failure> {
        let package = find(&self.driver_packages().await?, id)?;
        Ok(self.elevated_install(&package).map(|command| command.to_string()))
    }

    /// Checks a package that was fetched: content and maker.
    ///
    /// # Errors
    /// `file_gone` where it was not fetched; `download_damaged` and `wrong_publisher`: it is thrown away.
    pub async fn verify_driver(&self, id: &str) -> Result<(), Failure> {
        let package = find(&self.driver_packages().await?, id)?;
        self.check_driver(&package).await
    }

    /// Asks for a package by the native dialog and takes it. `None`: cancelled.
    pub async fn pick_driver(&self) -> Result<Option<DriversView>, Failure> {
        let (title, filter) = match self.state().settings.locale {
            Locale::ZhCn => ("选择驱动安装包", "驱动安装包"),
            Locale::En => ("Choose the driver's package", "Driver packages"),
        };
        let endings = ["deb", "rpm", "exe", "msi", "pkg", "dmg"].map(ToOwned::to_owned).into();
        let question = OpenQuestion { title: title.to_owned(), filter: (filter.to_owned(), endings), many: false };
        let chosen = self.inner.options.picker.open(question).await?.and_then(|paths| paths.into_iter().next());
        let Some(path) = chosen else { return Ok(None) };
        if let Some(folder) = path.parent() {
            self.take_driver_list(folder).await?;
        }
        // By its content: people rename files, and the same driver lies on many sticks.
        let found = hash_file(&path, FileGuard::of(&path)?, Arc::new(|_| ()), &CancellationToken::new()).await?;
        let packages = self.drivers().await?.drivers;
        let known = packages.into_iter().map(|driver| driver.package).find(|package| package.sha256 == found);
        let package = known.ok_or(LocalCode::UnlistedDriver)?;
        self.take_driver_file(&package, path).await?;
        self.drivers().await.map(Some)
    }

    /// Takes the signed list of a folder with drivers, if there is one: where the service was never seen, it stands in for
    /// the service's own. Whether there is one to be believed, newer than what is known or the same.
    ///
    /// # Errors
    /// Those of what is kept here.
    pub async fn take_driver_list(&self, folder: &Path) -> Result<bool, Failure> {
        let file = folder.join(SignedDrivers::FILE);
        let read = tokio::task::spawn_blocking(move || {
            let mut text = String::new();
            std::fs::File::open(file)?.take(LARGEST_LIST).read_to_string(&mut text)?;
            std::io::Result::Ok(text)
        });
        let Ok(text) = read.await.map_err(internal)? else { return Ok(false) };
        let signed: Option<SignedDrivers> = serde_json::from_str(&text).ok();
        let (Some(signed), Some(publisher)) = (signed, self.publisher()) else { return Ok(false) };
        if !is_signed_by(&publisher, &signed.list, &signed.signature) {
            tracing::warn!("a list of drivers is not signed by the publisher");
            return Ok(false);
        }
        let Ok(list) = serde_json::from_str::<DriverList>(&signed.list) else { return Ok(false) };
        let known: Option<DriverList> = self.kept(MEDIUM.to_owned()).await?;
        // An older list put in the place of a newer one would bring back what was withdrawn.
        if known.is_some_and(|known| known.signed_at > list.signed_at) {
            return Ok(false);
        }
        self.keep(MEDIUM.to_owned(), None, &list).await?;
        Ok(true)
    }

    /// Takes a package from a folder (a USB stick, a share) in place of the network, if it is one that the service lists,
    /// byte for byte; or, where the service was never seen, the folder's own signed list.
    ///
    /// # Errors
    /// `file_gone` where the folder does not hold it; `download_damaged` where the file there is another.
    pub async fn take_driver(&self, id: &str, folder: PathBuf) -> Result<(), Failure> {
        self.take_driver_list(&folder).await?;
        let package = find(&self.driver_packages().await?, id)?;
        self.take_driver_file(&package, folder.join(&package.file_name)).await
    }

    /// Copies a package that was fetched and checked into a folder, and gives where it lies there.
    pub async fn copy_driver(&self, id: &str, folder: PathBuf) -> Result<PathBuf, Failure> {
        let package = find(&self.driver_packages().await?, id)?;
        self.check_driver(&package).await?;
        let (file, copy) = (self.driver_file(&package), folder.join(&package.file_name));
        let target = copy.clone();
        let copied = tokio::task::spawn_blocking(move || {
            std::fs::create_dir_all(&folder)?;
            std::fs::copy(&file, &target)
        });
        copied.await.map_err(internal)?.map_err(not_written)?;
        Ok(copy)
    }

    async fn take_driver_file(&self, package: &DriverPackage, source: PathBuf) -> Result<(), Failure> {
        match Portal::driver_is_whole(package, &source, &CancellationToken::new()).await {
            Ok(true) => {}
            // What is on the medium stays there.
            Ok(false) => return Err(LocalCode::DownloadDamaged.into()),
            Err(error) => return Err(error.into()),
        }
        let (folder, part, file) = (self.driver_folder(package), self.driver_part(package), self.driver_file(package));
        let copied = tokio::task::spawn_blocking(move || {
            crate::private_folder(&folder)?;
            std::fs::copy(&source, &part)?;
            std::fs::rename(&part, &file)
        });
        copied.await.map_err(internal)?.map_err(not_written)?;
        // The medium may have been changed meanwhile: what counts is what is here now.
        self.check_driver(package).await
    }

    async fn fetch_and_install(
        &self,
        package: &DriverPackage,
        cancel: &CancellationToken,
    ) -> Result<Option<FindingCode>, Failure> {
        self.fetch_driver(package, cancel).await?;
        self.driver_moved(&package.id, DriverState::Checking, cancel);
        self.check_driver(package).await?;
        self.driver_moved(&package.id, DriverState::Installing, cancel);
        match self.elevated_install(package) {
            Some(elevated) => self.run_elevated(&elevated, INSTALLING).await?,
            // Nothing here can ask for an administrator: the system opens it, and the person goes on from there.
            None => self.hand_over_driver(package).await?,
        }
        Ok(self.missing_for_the_key().await)
    }

    /// Content, then maker: nothing is run before both are right.
    async fn check_driver(&self, package: &DriverPackage) -> Result<(), Failure> {
        let file = self.driver_file(package);
        if !Portal::driver_is_whole(package, &file, &CancellationToken::new()).await? {
            self.forget_driver(package).await;
            return Err(LocalCode::DownloadDamaged.into());
        }
        let Some(expected) = &package.signer else { return Ok(()) };
        let found = self.inner.options.machine.signer(&file, package.os).await;
        if found.as_ref() != Some(expected) {
            self.forget_driver(package).await;
            let found = found.unwrap_or_else(|| "?".to_owned());
            return Err(Failure::new(LocalCode::WrongPublisher).with_detail(format!("{found} ≠ {expected}")));
        }
        Ok(())
    }

    fn elevated_install(&self, package: &DriverPackage) -> Option<Elevated> {
        self.inner.options.machine.install(&self.driver_file(package), package.os, &package.silent)
    }

    /// Runs a command that asks for an administrator.
    ///
    /// # Errors
    /// `repair_refused` where the person or the system said no, `repair_failed` where the command failed or took too long.
    pub(crate) async fn run_elevated(&self, elevated: &Elevated, patience: Duration) -> Result<(), Failure> {
        let mut command = self.inner.options.machine.command(&elevated.program);
        command.args(&elevated.arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let failed = |detail: String| Failure::new(LocalCode::RepairFailed).with_detail(detail);
        let output = timeout(patience, command.output()).await;
        let output =
            output.map_err(|_| failed("no end in sight".to_owned()))?.map_err(|error| failed(error.to_string()))?;
        if output.status.success() {
            return Ok(());
        }
        let words = String::from_utf8_lossy(&output.stderr);
        let words = words.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default().to_owned();
        Err(match output.status.code() {
            Some(code) if elevated.is_refusal(code) => Failure::new(LocalCode::RepairRefused).with_detail(words),
            Some(code) => failed(format!("{code}: {words}")),
            None => failed(words),
        })
    }

    /// Looks until a key is seen; else says what stands in its way.
    async fn missing_for_the_key(&self) -> Option<FindingCode> {
        let until = Instant::now() + UNTIL_SEEN;
        loop {
            self.inner.keys.look_again().await;
            if self.refresh_keys().await.is_ok_and(|strip| strip.state == KeyState::Present) {
                return None;
            }
            if Instant::now() >= until {
                break;
            }
            sleep(LOOK).await;
        }
        let examination = self.examine().await.unwrap_or_default();
        let about_keys = [Part::Key, Part::Driver, Part::CardService];
        let first = examination
            .findings
            .iter()
            .find(|finding| finding.level == Level::Problem && about_keys.contains(&finding.part));
        Some(first.map_or(FindingCode::KeyNone, |finding| finding.code))
    }
}
