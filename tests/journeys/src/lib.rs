//! Whole journeys: the controller with a real PKCS#11 module and the real service, a process of its own, over TLS.
//! Few, but real. This library is their stage: one folder, one service, one key, each test its own.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use certdesk_cache::{Cache, CacheKey};
use certdesk_cli::journey::{self, Journey};
use certdesk_contract::{account::ConsentSubject, application::Review, catalogue::Catalogue};
use certdesk_controller::{
    Controller, Demo, Failure, LocalCode, Options, Uuid,
    storage::{DemoKeyStore, KeyStore as _},
    view::DraftView,
};
use certdesk_domain::{AccountKind, Business, FileKind, RequirementId, State, token::KeyAlgorithm};
use serde::{Deserialize, Serialize};
use softhsm_lab::FaultyModule;
use stage::{Service, SoftKey, program, project_root};
use tempfile::TempDir;

/// PIN of the key on stage.
pub const PIN: &str = "135790";

/// A service, a blank key and a folder for the program. All gone with it.
pub struct Stage {
    /// The service; `kill` it, start another with [`Stage::restart_service`].
    pub service: Service,
    /// The key.
    pub key: SoftKey,
    folder: TempDir,
}

impl Stage {
    /// Sets the stage.
    ///
    /// # Errors
    /// When a program is not built or SoftHSM is missing.
    pub fn set() -> Result<Self> {
        Self::set_with_pin(PIN)
    }

    /// The same with another PIN on the key.
    ///
    /// # Errors
    /// As [`Stage::set`].
    pub fn set_with_pin(pin: &str) -> Result<Self> {
        Self::set_in(tempfile::tempdir()?, pin, &[])
    }

    /// The same with a service whose catalogue was changed.
    ///
    /// # Errors
    /// As [`Stage::set`].
    pub fn set_with_catalogue(change: impl FnOnce(&mut Catalogue)) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let catalogue = changed_catalogue(folder.path(), change)?;
        Self::set_in(folder, PIN, &["--catalogue".as_ref(), catalogue.as_os_str()])
    }

    /// The same with a service that offers the drivers of a folder.
    ///
    /// # Errors
    /// As [`Stage::set`].
    pub fn set_with_drivers(drivers: &Path) -> Result<Self> {
        Self::set_in(tempfile::tempdir()?, PIN, &["--drivers".as_ref(), drivers.as_os_str()])
    }

    /// The same with a service that is known by another address than the one it listens on.
    ///
    /// # Errors
    /// As [`Stage::set`].
    pub fn set_at(public_url: &str) -> Result<Self> {
        Self::set_in(tempfile::tempdir()?, PIN, &["--public-url".as_ref(), public_url.as_ref()])
    }

    fn set_in(folder: TempDir, pin: &str, more: &[&OsStr]) -> Result<Self> {
        let service = Service::start_with(&folder.path().join("service"), "127.0.0.1:0", more)?;
        let key = SoftKey::blank(&folder.path().join("key"), "证办通测试锁", pin)?;
        Ok(Self { service, key, folder })
    }

    /// Starts the service again on the same data and address, with another catalogue.
    ///
    /// # Errors
    /// When it does not start.
    pub fn change_catalogue(&mut self, change: impl FnOnce(&mut Catalogue)) -> Result<()> {
        let catalogue = changed_catalogue(self.folder.path(), change)?;
        let address = self.service.ready.text("base_url")?.trim_start_matches("https://").to_owned();
        self.service.kill();
        let more = ["--catalogue".as_ref(), catalogue.as_os_str()];
        self.service = Service::start_with(&self.folder.path().join("service"), &address, &more)?;
        Ok(())
    }

    /// Folder of the service's data.
    pub fn service_data(&self) -> PathBuf {
        self.folder.path().join("service/data")
    }

    /// The program on another computer: the same keys and service, and nothing remembered. Inside a tokio runtime.
    ///
    /// # Errors
    /// As [`Stage::options`].
    pub fn another_computer(&self) -> Result<Controller> {
        Ok(Controller::start(kept_at(self.options()?, self.folder.path().join("another computer"))))
    }

    /// Kills the service as a power cut would and starts it again on the same data and address.
    ///
    /// # Errors
    /// When it does not start.
    pub fn restart_service(&mut self) -> Result<()> {
        let address = self.service.ready.text("base_url")?.trim_start_matches("https://").to_owned();
        self.service.kill();
        self.service = Service::start(&self.folder.path().join("service"), &address)?;
        Ok(())
    }

    /// What the program keeps, read with the demo's key.
    ///
    /// # Errors
    /// When there is nothing yet, or it does not open.
    pub fn cache(&self) -> Result<Cache> {
        Ok(Cache::open(&self.folder.path().join("client/certdesk.db"), &self.cache_key()?)?)
    }

    /// Writes what the program keeps into a new file without a key.
    ///
    /// # Errors
    /// When there is nothing yet, or it does not open.
    pub fn decrypt_cache(&self, to: &Path) -> Result<()> {
        let cache = rusqlite::Connection::open(self.folder.path().join("client/certdesk.db"))?;
        let key: String = self.cache_key()?.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        cache.execute_batch(&format!("PRAGMA key = \"x'{key}'\""))?;
        cache.execute("ATTACH DATABASE ?1 AS open KEY ''", [to.to_str().context("the folder's name is text")?])?;
        Ok(cache.query_row("SELECT sqlcipher_export('open')", [], |_| Ok(()))?)
    }

    fn cache_key(&self) -> Result<CacheKey> {
        let data = self.folder.path().join("client");
        let kept: serde_json::Value = serde_json::from_slice(&std::fs::read(data.join("demo-key.json"))?)?;
        let name = kept["name"].as_str().context("the demo's key has no name")?.parse()?;
        DemoKeyStore::new(&data).key(name)?.context("the demo's key is not there")
    }

    /// What the program is started with.
    ///
    /// # Errors
    /// When the service's ready file lacks something.
    pub fn options(&self) -> Result<Options> {
        let (service, demo) = Demo::read(&self.service.ready.file).map_err(anyhow::Error::msg)?;
        let data = self.folder.path().join("client");
        let mut options =
            journey::options(data, service, vec![self.key.module.clone()], program("certdesk-token-host")?);
        options.demo = Some(demo);
        options.token_environment = self.key.environment().to_vec();
        Ok(options)
    }

    /// The faulty module before the key on stage, under a file name of its own.
    #[must_use]
    pub fn faulty(&self, name: &str) -> FaultyModule {
        FaultyModule::named(name, &self.key.module, &self.key.environment()).showing(&self.key.label)
    }

    /// The program with these modules in place of the real one. Inside a tokio runtime.
    ///
    /// # Errors
    /// As [`Stage::options`].
    pub fn program_with(&self, modules: &[&FaultyModule]) -> Result<Controller> {
        let modules = modules.iter().map(|module| module.path.clone()).collect();
        Ok(Controller::start(Options { modules, ..self.options()? }))
    }

    /// A journey on this stage. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// As [`Stage::options`].
    pub fn journey(&self, kind: AccountKind, algorithm: KeyAlgorithm) -> Result<Journey> {
        self.journey_of(&Controller::start(self.options()?), kind, algorithm)
    }

    /// The same in a program that runs already.
    ///
    /// # Errors
    /// When there are no specimen files.
    pub fn journey_of(&self, certdesk: &Controller, kind: AccountKind, algorithm: KeyAlgorithm) -> Result<Journey> {
        Ok(Journey {
            controller: certdesk.clone(),
            files: specimens()?,
            registration: journey::sample_registration(kind),
            key_label: None,
            pin: self.key.pin.clone(),
            algorithm,
            step: Box::new(|step| println!("· {step}")),
        })
    }

    /// What a process of its own needs to be this stage's applicant.
    #[must_use]
    pub fn seat(&self, account: &str) -> Seat {
        Seat {
            data: self.folder.path().join("client"),
            ready: self.service.ready.file.clone(),
            module: self.key.module.clone(),
            softhsm: self.key.configuration.clone(),
            account: account.to_owned(),
            pin: self.key.pin.clone(),
        }
    }

    /// Pulls the keys out of this computer.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn pull_keys(&self) -> Result<()> {
        let tokens = self.folder.path().join("key/tokens");
        std::fs::rename(&tokens, self.folder.path().join("key/away"))?;
        Ok(std::fs::create_dir(tokens)?)
    }

    /// Plugs them in again.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn plug_keys_in(&self) -> Result<()> {
        let tokens = self.folder.path().join("key/tokens");
        std::fs::remove_dir(&tokens)?;
        Ok(std::fs::rename(self.folder.path().join("key/away"), tokens)?)
    }

    /// What `pkcs11-tool` says of the key of that label.
    ///
    /// # Errors
    /// When it is not installed or fails.
    pub fn pkcs11_tool(&self, label: &str, arguments: &[&str]) -> Result<String> {
        let output = std::process::Command::new("pkcs11-tool")
            .arg("--module")
            .arg(&self.key.module)
            .args(["--token-label", label, "--login", "--pin", &self.key.pin])
            .args(arguments)
            .envs(self.key.environment())
            .output()
            .context("pkcs11-tool is not installed")?;
        ensure!(output.status.success(), "pkcs11-tool: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// A folder for whatever else a test writes.
    pub fn scratch(&self) -> PathBuf {
        self.folder.path().to_owned()
    }
}

/// The catalogue the service brings along, changed, under a version of its own.
fn changed_catalogue(folder: &Path, change: impl FnOnce(&mut Catalogue)) -> Result<PathBuf> {
    let embedded = project_root()?.join("src-tauri/crates/service/data/catalogue.json");
    let mut catalogue: Catalogue = serde_json::from_slice(&std::fs::read(embedded)?)?;
    change(&mut catalogue);
    catalogue.version = format!("test {}", Uuid::now_v7());
    let file = folder.join("catalogue.json");
    std::fs::write(&file, serde_json::to_vec(&catalogue)?)?;
    Ok(file)
}

/// Someone registered and logged in, with an open draft and all that may be asked before files are picked.
///
/// # Errors
/// Where a step does not go as it should.
pub async fn guide_opened(stage: &Stage) -> Result<(Controller, DraftView)> {
    let journey = stage.journey(AccountKind::Enterprise, KeyAlgorithm::EcP256)?;
    journey.register().await?;
    let certdesk = journey.controller;
    let draft = certdesk.start_application(Business::New, None).await.map_err(failed)?;
    let version = certdesk.catalogue().await.map_err(failed)?.sensitive_data.version;
    certdesk.accept_consent(ConsentSubject::SensitiveData, version).await.map_err(failed)?;
    Ok((certdesk, draft))
}

/// Someone with a certificate on their key, logged in by it; and the account's name.
///
/// # Errors
/// Where a step does not go as it should.
pub async fn certified(stage: &Stage, kind: AccountKind) -> Result<(Journey, String)> {
    certified_in(stage, Controller::start(stage.options()?), kind).await
}

/// The same in a program that runs already.
///
/// # Errors
/// Where a step does not go as it should.
pub async fn certified_in(stage: &Stage, certdesk: Controller, kind: AccountKind) -> Result<(Journey, String)> {
    let (journey, account) = with_certificate(stage, &certdesk, kind, KeyAlgorithm::EcP256).await?;
    journey.log_in_with_key(&account).await?;
    Ok((journey, account))
}

/// Somebody with a certificate of this kind, made on the key just now, and not logged in with it yet; with the name of the
/// account.
///
/// # Errors
/// Where a step does not go as it should.
pub async fn with_certificate(
    stage: &Stage,
    certdesk: &Controller,
    kind: AccountKind,
    algorithm: KeyAlgorithm,
) -> Result<(Journey, String)> {
    let mut journey = stage.journey_of(certdesk, kind, algorithm)?;
    journey.key_label = Some(stage.key.label.clone());
    let account = journey.register().await?;
    let draft = journey.fill_in().await?;
    journey.hand_in(draft.id).await?;
    journey.be_approved(draft.id).await?;
    journey.make_certificate(draft.id).await?;
    Ok((journey, account))
}

/// A certificate of one year can be renewed at once, by one that is not.
pub fn early_renewal(catalogue: &mut Catalogue) {
    catalogue.renewal.opens_days = 400;
    for offer in catalogue.offers.iter_mut().filter(|offer| offer.business == Business::Renew) {
        offer.validity_years = 3;
    }
}

/// Hands in, and is approved where the service leaves that to somebody.
///
/// # Errors
/// Where it is not taken.
pub async fn hand_in(journey: &Journey, id: Uuid) -> Result<()> {
    let certdesk = &journey.controller;
    let state = certdesk.submit(id, true).await.map_err(failed)?.receipt.application.state;
    if state != State::AwaitingIssuance {
        certdesk.demo_review(id, Review::Approve.into()).await.map_err(failed)?;
    }
    let state = certdesk.application(id).await.map_err(failed)?.application.state;
    ensure!(state == State::AwaitingIssuance, "handed in and approved, the case is {state:?}");
    Ok(())
}

/// The first row that takes pictures.
///
/// # Errors
/// Where there is none.
pub fn picture_row(draft: &DraftView) -> Result<RequirementId> {
    let row = draft.files.iter().find(|row| row.requirement.kinds.contains(&FileKind::Jpeg));
    Ok(row.context("no row takes pictures")?.requirement.id.clone())
}

/// The row of the commitment video.
///
/// # Errors
/// Where there is none.
pub fn video_row(draft: &DraftView) -> Result<RequirementId> {
    let row = draft.files.iter().find(|row| row.requirement.video.is_some());
    Ok(row.context("no row takes a video")?.requirement.id.clone())
}

/// The program's own word for what went wrong.
///
/// # Errors
/// Where nothing did, or the service refused.
pub fn told<T>(answer: Result<T, Failure>) -> Result<LocalCode> {
    let failure = answer.err().context("it went through where it must not")?;
    LocalCode::ALL.iter().copied().find(|code| failure.is(*code)).with_context(|| format!("{failure:?}"))
}

/// A failure that no test expects.
pub fn failed(failure: Failure) -> anyhow::Error {
    anyhow::anyhow!("{failure:?}")
}

/// Waits until it is so, looking again whenever the program tells of something.
///
/// # Errors
/// `what`, where it is not so within `patience`; those of `so`.
pub async fn until(
    certdesk: &Controller,
    patience: Duration,
    what: &str,
    so: impl AsyncFn() -> Result<bool>,
) -> Result<()> {
    let seen = async {
        while !so().await? {
            // Until something happens, or might have.
            let _ = tokio::time::timeout(Duration::from_millis(50), certdesk.events().recv()).await;
        }
        anyhow::Ok(())
    };
    tokio::time::timeout(patience, seen).await.with_context(|| what.to_owned())?
}

/// Where an applicant sits: everything a process of its own has to know.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Seat {
    /// Folder of the program's state.
    pub data: PathBuf,
    /// The service's ready file.
    pub ready: PathBuf,
    /// PKCS#11 module.
    pub module: PathBuf,
    /// SoftHSM's configuration.
    pub softhsm: PathBuf,
    /// Account name; its password is the journey's own.
    pub account: String,
    /// PIN of the key.
    pub pin: String,
}

/// Folder of the specimen files.
///
/// # Errors
/// Outside the project's folder.
pub fn specimens() -> Result<PathBuf> {
    Ok(project_root()?.join("tests/fixtures/files"))
}

/// The same program with its state in another folder, and the key to that beside it.
pub fn kept_at(options: Options, data: PathBuf) -> Options {
    Options { key_store: Arc::new(DemoKeyStore::new(&data)), data, ..options }
}
