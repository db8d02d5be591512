//! 服务支持: a driver is found for this computer, fetched, checked, and opened by the system's own way.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use anyhow::{Context, Result, ensure};
use certdesk_contract::driver::SignedDrivers;
use certdesk_controller::{
    Controller, Failure, LocalCode,
    picker::{OpenQuestion, Picker, SaveQuestion},
    view::{DriverState, DriversView, Event},
};
use futures_util::future::BoxFuture;
use journeys::{Stage, failed};

/// A desktop that notes what it is handed.
#[derive(Clone, Default)]
struct Desktop(Arc<Mutex<Vec<PathBuf>>>);

impl Picker for Desktop {
    fn open(&self, _: OpenQuestion) -> BoxFuture<'_, Result<Option<Vec<PathBuf>>, Failure>> {
        Box::pin(async { Ok(None) })
    }

    fn save(&self, _: SaveQuestion) -> BoxFuture<'_, Result<Option<PathBuf>, Failure>> {
        Box::pin(async { Ok(None) })
    }

    fn hand_over(&self, file: &Path) -> Result<(), Failure> {
        self.0.lock().expect("nobody fell over").push(file.to_owned());
        Ok(())
    }
}

/// Waits until the one driver is there, or not.
async fn settled(certdesk: &Controller, id: &str) -> Result<DriverState> {
    let mut events = certdesk.events();
    certdesk.download_driver(id.to_owned()).await.map_err(failed)?;
    loop {
        match events.recv().await? {
            Event::Driver { state: DriverState::Downloading { .. } | DriverState::Checking, .. } => {}
            Event::Driver { state, .. } => return Ok(state),
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_driver_is_fetched_checked_and_opened() -> Result<()> {
    let stage = Stage::set()?;
    let desktop = Desktop::default();
    let mut options = stage.options()?;
    options.picker = Arc::new(desktop.clone());
    let folder = options.data.join("drivers");
    let certdesk = Controller::start(options);

    let DriversView { system, drivers, others } = certdesk.drivers().await.map_err(failed)?;
    ensure!(!system.is_empty(), "the page says which system it looks for");
    if drivers.is_empty() {
        // A Linux of packages of the other kind: it is said that there is something for others.
        assert_eq!(others, 1, "the demo's package is for another system");
        return Ok(());
    }
    let package = drivers[0].package.clone();
    assert_eq!(drivers[0].state, DriverState::Available { done: 0 }, "nothing was fetched unasked");

    let early = certdesk.open_driver(package.id.clone()).await.expect_err("what is not there cannot be opened");
    assert!(early.is(LocalCode::FileGone), "{early:?}");
    assert_eq!(settled(&certdesk, &package.id).await?, DriverState::Ready, "fetched and compared");
    certdesk.open_driver(package.id.clone()).await.map_err(failed)?;
    let opened = desktop.0.lock().expect("nobody fell over").clone();
    assert_eq!(opened.len(), 1, "the system is handed the installer");
    assert!(opened[0].ends_with(&package.file_name) && opened[0].starts_with(&folder), "under its own name");

    // Somebody changed the file after it was checked.
    fs::write(&opened[0], vec![b'x'; usize::try_from(package.bytes)?])?;
    let damaged = certdesk.open_driver(package.id.clone()).await.expect_err("what was changed is not opened");
    assert!(damaged.is(LocalCode::DownloadDamaged), "{damaged:?}");
    let after = certdesk.drivers().await.map_err(failed)?;
    assert_eq!(after.drivers[0].state, DriverState::Available { done: 0 }, "it is thrown away, to be fetched anew");

    // A part of it that is damaged is found at its end, and does not stay.
    fs::write(folder.join(&package.sha256).join("download.part"), b"not the beginning")?;
    let state = settled(&certdesk, &package.id).await?;
    let DriverState::Failed { failure } = state else { panic!("a damaged download is refused: {state:?}") };
    assert!(failure.is(LocalCode::DownloadDamaged), "{failure:?}");
    assert_eq!(settled(&certdesk, &package.id).await?, DriverState::Ready, "the next try begins anew and succeeds");
    assert_eq!(desktop.0.lock().expect("nobody fell over").len(), 1, "nothing was opened unasked");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_service_the_list_is_as_last_seen_and_a_fetched_driver_can_be_opened() -> Result<()> {
    let mut stage = Stage::set()?;
    let desktop = Desktop::default();
    let mut options = stage.options()?;
    options.picker = Arc::new(desktop.clone());
    let certdesk = Controller::start(options);
    let Some(driver) = certdesk.drivers().await.map_err(failed)?.drivers.into_iter().next() else { return Ok(()) };
    assert_eq!(settled(&certdesk, &driver.package.id).await?, DriverState::Ready);

    stage.service.kill();
    let seen = certdesk.drivers().await.map_err(failed)?;
    assert_eq!(seen.drivers.len(), 1, "the list is there without the service");
    certdesk.open_driver(driver.package.id).await.map_err(failed)?;
    assert_eq!(desktop.0.lock().expect("nobody fell over").len(), 1, "what was fetched is enough");
    Ok(())
}

/// A stick with drivers goes to a computer that has never seen the service: who signed the list is believed, nobody else.
#[tokio::test(flavor = "multi_thread")]
async fn a_folder_signed_by_the_publisher_is_believed_where_the_service_was_never_seen() -> Result<()> {
    let stage = Stage::set()?;
    let (key, stick) = (stage.service_data().join("profiles.key"), stage.scratch().join("stick"));
    fs::create_dir(&stick)?;
    for entry in fs::read_dir(stage.service_data().join("demo-drivers"))?.flatten() {
        fs::copy(entry.path(), stick.join(entry.file_name()))?;
    }
    let mut options = stage.options()?;
    options.service = Some("https://127.0.0.1:9".into());
    let certdesk = Controller::start(options);
    let id = "certdesk-demo-driver";
    let take = async || certdesk.take_driver(id, stick.clone()).await;
    let bare = take().await.expect_err("a folder that nobody vouches for");
    assert!(bare.is(LocalCode::ServiceUnreachable), "{bare:?}");

    let list = stick.join(SignedDrivers::FILE);
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    let other = stage.scratch().join("other.key");
    certdesk_service::profiles::make_key(&other)?;
    fs::write(&list, certdesk_service::drivers::sign(&other, &stick, now)?)?;
    assert!(take().await.is_err(), "somebody else's signature");
    let right = certdesk_service::drivers::sign(&key, &stick, now)?;
    fs::write(&list, right.replace("1.0", "1.1"))?;
    assert!(take().await.is_err(), "a word was changed after it was signed");

    fs::write(&list, &right)?;
    take().await.map_err(failed)?;
    certdesk.verify_driver(id).await.map_err(failed)?;
    assert!(certdesk.driver_command(id).await.is_ok(), "it can be installed like one that was downloaded");
    let older = certdesk_service::drivers::sign(&key, &stick, now - 10)?;
    fs::write(&list, older)?;
    assert!(!certdesk.take_driver_list(&stick).await.map_err(failed)?, "an older list takes nothing back");

    fs::write(&list, &right)?;
    let mut package = fs::read_dir(&stick)?.flatten().map(|entry| entry.path());
    let package = package.find(|path| path.extension().is_some_and(|ending| ending == "deb"));
    fs::write(package.context("the package lies there")?, "changed")?;
    let damaged = take().await.expect_err("the package is not what was signed");
    assert!(damaged.is(LocalCode::DownloadDamaged), "{damaged:?}");
    assert!(certdesk_service::drivers::sign(&key, &stick, now).is_err(), "and nobody signs such a folder");
    Ok(())
}
