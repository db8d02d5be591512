//! 服务支持: the driver of the key that is plugged in, installed. The package is a real one; the program that asks for an
//! administrator stands in for polkit's, takes the same command line, writes down what it was told, and unpacks the
//! package into a folder of this test in place of the system. Nothing is installed on the computer the test runs on.

#![cfg(target_os = "linux")]

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};
use certdesk_contract::{
    catalogue::Text,
    driver::{DriverOs, DriverPackage},
};
use certdesk_controller::{
    Controller, LocalCode, Options,
    doctor::{
        Machine,
        finding::{FindingCode, Repair},
    },
    view::KeyState,
};
use journeys::{Stage, failed};
use stage::program;
use tempfile::TempDir;

const MAKER: &str = "飞天 Test Maker <maker@example.invalid>";

/// A computer with a key on its USB and no driver for it, and a service that has one.
struct Place {
    folder: TempDir,
    stage: Stage,
}

impl Place {
    fn make() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let at = |path: &str| folder.path().join(path);
        let write = |path: &str, text: &str| -> Result<()> {
            let path = at(path);
            fs::create_dir_all(path.parent().context("a folder")?)?;
            Ok(fs::write(path, text)?)
        };
        write("root/sys/bus/usb/devices/1-2/idVendor", "096e\n")?;
        write("root/sys/bus/usb/devices/1-2/idProduct", "0807\n")?;
        write("root/etc/os-release", "PRETTY_NAME=Test\nID=debian\n")?;
        let installed = at("root").display().to_string();
        write(
            "bin/pkexec",
            &format!(
                "#!/bin/sh\n\
                 test -e '{0}/refuse' && {{ echo 'Error executing command as another user: Request dismissed' >&2; exit 126; }}\n\
                 printf '%s\\n' \"$*\" >> '{0}/ran'\n\
                 test \"$1 $2 $3 $4\" = 'apt-get install -y --no-install-recommends' || exit 127\n\
                 exec dpkg-deb --extract \"$5\" '{installed}'\n",
                folder.path().display()
            ),
        )?;
        fs::set_permissions(at("bin/pkexec"), fs::Permissions::from_mode(0o755))?;

        let good = package(&folder, "epass", MAKER)?;
        let foreign = package(&folder, "other", "Somebody Else <else@example.invalid>")?;
        let listed = |id: &str, file: &Path, tokens: &[&str]| -> Result<DriverPackage> {
            let bytes = fs::read(file)?;
            Ok(DriverPackage {
                id: id.into(),
                name: Text { zh: "飞天驱动".into(), en: "ePass driver".into() },
                serves: Text { zh: "ePass".into(), en: "ePass".into() },
                publisher: "飞天".into(),
                version: "1.0".into(),
                os: DriverOs::LinuxDeb,
                architectures: Vec::new(),
                file_name: file.file_name().context("a name")?.to_string_lossy().into_owned(),
                bytes: bytes.len() as u64,
                sha256: sha256(file)?,
                tokens: tokens.iter().map(ToString::to_string).collect(),
                signer: Some(MAKER.into()),
                silent: Vec::new(),
            })
        };
        let list = [listed("other", &foreign, &[])?, listed("epass", &good, &["feitian-epass2003"])?];
        fs::write(at("offered/drivers.json"), serde_json::to_vec(&list)?)?;
        let stage = Stage::set_with_drivers(&at("offered"))?;
        Ok(Self { folder, stage })
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Where the driver lies once it is installed.
    fn module(&self) -> PathBuf {
        self.at("root/usr/lib/certdesk-test/libcastle.so.1.0.0")
    }

    fn programs(&self) -> std::ffi::OsString {
        std::env::join_paths([self.at("bin"), "/usr/bin".into(), "/bin".into()]).expect("plain paths")
    }

    fn options(&self) -> Result<Options> {
        let mut options = self.stage.options()?;
        options.modules = vec![self.module()];
        options.machine = Machine { root: self.at("root"), programs: Some(self.programs()) };
        Ok(options)
    }

    /// What was run as administrator.
    fn ran(&self) -> Vec<String> {
        let ran = fs::read_to_string(self.at("ran")).unwrap_or_default();
        ran.lines().map(ToOwned::to_owned).collect()
    }
}

/// A package that brings the software key's module under the name of a driver.
fn package(folder: &TempDir, name: &str, maker: &str) -> Result<PathBuf> {
    let source = folder.path().join(format!("{name}-source"));
    let control = format!(
        "Package: {name}\nVersion: 1.0\nArchitecture: all\nMaintainer: {maker}\nDescription: a driver for tests\n"
    );
    fs::create_dir_all(source.join("DEBIAN"))?;
    fs::write(source.join("DEBIAN/control"), control)?;
    fs::create_dir_all(source.join("usr/lib/certdesk-test"))?;
    fs::copy(stage::softhsm_module()?, source.join("usr/lib/certdesk-test/libcastle.so.1.0.0"))?;
    fs::create_dir_all(folder.path().join("offered"))?;
    let file = folder.path().join(format!("offered/{name}_1.0_all.deb"));
    let built = Command::new("dpkg-deb").args(["--build", "--root-owner-group"]).arg(&source).arg(&file).output()?;
    ensure!(built.status.success(), "dpkg-deb: {}", String::from_utf8_lossy(&built.stderr));
    Ok(file)
}

fn sha256(file: &Path) -> Result<String> {
    let said = Command::new("sha256sum").arg(file).output()?;
    Ok(String::from_utf8(said.stdout)?.split_whitespace().next().context("a hash")?.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_driver_of_the_key_that_is_plugged_in_is_installed_and_the_key_is_seen() -> Result<()> {
    let place = Place::make()?;
    let certdesk = Controller::start(place.options()?);

    let view = certdesk.drivers().await.map_err(failed)?;
    let order: Vec<_> = view.drivers.iter().map(|driver| (driver.package.id.as_str(), driver.for_key)).collect();
    assert_eq!(order, [("epass", true), ("other", false)], "the one that is needed comes first, and is marked");
    let strip = certdesk.refresh_keys().await.map_err(failed)?;
    let KeyState::KeyWithoutDriver { vendor, usb, package } = strip.state else {
        panic!("the strip says why there is no key: {:?}", strip.state)
    };
    assert_eq!((vendor.zh.as_str(), usb.as_deref()), ("飞天诚信 ePass2003", Some("096e:0807")), "and names it");
    assert_eq!(package.map(|name| name.zh).as_deref(), Some("飞天驱动"), "and what the service has for it");

    let examination = certdesk.examine().await.map_err(failed)?;
    let missing = examination.findings.iter().find(|finding| finding.code == FindingCode::KeyWithoutDriver);
    let repair = missing.context("the doctor says so too")?.repair.clone();
    assert_eq!(repair, Some(Repair::InstallDriver { id: "epass".into() }), "and can do something about it");
    let repair = repair.context("a repair")?;
    let plan = certdesk.plan_repair(repair.clone()).await.map_err(failed)?;
    let command = plan.command.context("what it will run is told before")?;
    ensure!(command.starts_with("pkexec apt-get install -y --no-install-recommends /"), "{command}");
    assert!(plan.asks_for_administrator && place.ran().is_empty(), "nothing ran yet");

    fs::write(place.at("refuse"), "")?;
    let refused = certdesk.repair(repair.clone()).await.expect_err("the person said no");
    assert!(refused.is(LocalCode::RepairRefused), "{refused:?}");
    fs::remove_file(place.at("refuse"))?;

    let after = certdesk.repair(repair).await.map_err(failed)?;
    let ran = place.ran();
    assert_eq!(ran.len(), 1, "once, by the system's own program: {ran:?}");
    assert!(command.ends_with(&ran[0]), "just what was told before: {ran:?}");
    let codes: Vec<_> = after.findings.iter().map(|finding| finding.code).collect();
    assert!(codes.contains(&FindingCode::KeyEmpty), "the key is seen, without a certificate yet: {codes:?}");
    assert!(!codes.contains(&FindingCode::KeyWithoutDriver), "and nothing is missing any more: {codes:?}");
    let strip = certdesk.refresh_keys().await.map_err(failed)?;
    assert_eq!(strip.state, KeyState::Present, "the strip shows it");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_another_made_is_thrown_away_and_never_run() -> Result<()> {
    let place = Place::make()?;
    let certdesk = Controller::start(place.options()?);
    let failure = certdesk.install_driver_now("other").await.expect_err("its maker is not the one the service names");
    assert!(failure.is(LocalCode::WrongPublisher), "{failure:?}");
    assert!(place.ran().is_empty(), "nothing ran");
    let kept = walk(&place.stage.options()?.data.join("drivers"));
    assert!(kept.iter().all(|file| !file.ends_with("other_1.0_all.deb")), "nothing is left of it: {kept:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_serves_where_there_is_no_network() -> Result<()> {
    let mut place = Place::make()?;
    let certdesk = Controller::start(place.options()?);
    certdesk.drivers().await.map_err(failed)?;
    place.stage.service.kill();

    let stick = place.at("stick");
    fs::create_dir_all(&stick)?;
    let none = certdesk.take_driver("epass", stick.clone()).await.expect_err("the folder is empty");
    assert!(none.is(LocalCode::FileGone), "{none:?}");
    let whole = fs::read(place.at("offered/epass_1.0_all.deb"))?;
    let mut changed = whole.clone();
    *changed.last_mut().context("bytes")? ^= 1;
    fs::write(stick.join("epass_1.0_all.deb"), changed)?;
    let damaged = certdesk.take_driver("epass", stick.clone()).await.expect_err("one bit is another");
    assert!(damaged.is(LocalCode::DownloadDamaged), "{damaged:?}");
    fs::write(stick.join("epass_1.0_all.deb"), whole)?;
    certdesk.take_driver("epass", stick).await.map_err(failed)?;
    assert_eq!(certdesk.install_driver_now("epass").await.map_err(failed)?, None, "installed, and the key is seen");
    assert_eq!(place.ran().len(), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_installed_and_shows_no_key_says_what_is_missing() -> Result<()> {
    let place = Place::make()?;
    let mut options = place.options()?;
    // Another module than the package brings.
    options.modules = vec![place.at("root/usr/lib/elsewhere.so")];
    let certdesk = Controller::start(options);
    let missing = certdesk.install_driver_now("epass").await.map_err(failed)?;
    assert_eq!(missing, Some(FindingCode::KeyWithoutDriver), "the package was installed, and is not the key's driver");
    Ok(())
}

#[test]
fn the_command_line_lists_fetches_verifies_and_installs() -> Result<()> {
    let place = Place::make()?;
    let data = place.at("cli");
    let run = |words: &[&str]| -> Result<(Option<i32>, String)> {
        let mut command = Command::new(program("certdesk-cli")?);
        command.arg("drivers").arg("--demo").arg(&place.stage.service.ready.file).arg("--data").arg(&data);
        command.arg("--module").arg(place.module()).args(["--lang", "en"]).args(words);
        command.envs(place.stage.key.environment().iter().map(|(name, value)| (name, value)));
        let output = command.env("PATH", place.programs()).output()?;
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        Ok((output.status.code(), said))
    };
    let (code, said) = run(&["list"])?;
    ensure!(code == Some(0) && said.contains("epass") && said.contains("ePass driver"), "{said}");
    let (code, said) = run(&["verify", "epass"])?;
    ensure!(code == Some(1) && said.contains("file_gone"), "nothing was fetched yet: {said}");
    let stick = place.at("stick").display().to_string();
    let (code, said) = run(&["fetch", "epass", "--to", &stick])?;
    ensure!(code == Some(0) && place.at("stick/epass_1.0_all.deb").is_file(), "{said}");
    let (code, said) = run(&["verify", "epass"])?;
    ensure!(code == Some(0), "{said}");
    let (code, said) = run(&["fetch", "other"])?;
    ensure!(code == Some(1) && said.contains("wrong_publisher"), "{said}");
    let (code, said) = run(&["install", "epass", "--from", &stick])?;
    ensure!(code == Some(0), "the key is seen: {said}");
    let ran = place.ran();
    ensure!(ran.len() == 1 && said.contains(&ran[0]), "what ran was told before: {said}\n{ran:?}");
    Ok(())
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.flatten().map(|entry| entry.path());
    paths.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}
