//! What the key strip and the doctor say of keys and drivers, in the real window: each state with real parts, looked at in
//! two looks and pictured.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use certdesk_token::{HostProgram, KeyAlgorithm, Module, Pin};
use rcgen::{CertificateParams, DnType, Issuer, KeyPair, SubjectPublicKeyInfo};
use softhsm_lab::{FaultyModule, SoftHsm};
use stage::{Desktop, Service, program};
use time::OffsetDateTime;

use crate::{Start, Window, within::until};

/// What is there to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// A driver, and nothing plugged in.
    NoKey,
    /// A key by its USB numbers, and no driver for it.
    KeyWithoutDriver,
    /// A driver for 32-bit programs.
    OtherBits,
    /// A driver that does not answer.
    Hung,
    /// A key whose PIN is locked.
    Locked,
    /// A key with one try left.
    LastTry,
    /// Two keys of two people.
    TwoKeys,
    /// A key whose certificate has ended.
    Expired,
}

impl State {
    /// All.
    pub const ALL: [Self; 8] = [
        Self::NoKey,
        Self::KeyWithoutDriver,
        Self::OtherBits,
        Self::Hung,
        Self::Locked,
        Self::LastTry,
        Self::TwoKeys,
        Self::Expired,
    ];

    /// What the pictures are called.
    fn name(self) -> &'static str {
        match self {
            Self::NoKey => "no-key",
            Self::KeyWithoutDriver => "key-without-driver",
            Self::OtherBits => "32-bit",
            Self::Hung => "hung",
            Self::Locked => "locked",
            Self::LastTry => "last-try",
            Self::TwoKeys => "two-keys",
            Self::Expired => "expired",
        }
    }

    /// `KeyState`, as the strip is marked with it.
    fn strip(self) -> &'static str {
        match self {
            Self::NoKey => "no_key",
            Self::KeyWithoutDriver => "key_without_driver",
            Self::OtherBits => "module_unusable",
            Self::Hung => "driver_failed",
            Self::Locked | Self::LastTry | Self::TwoKeys | Self::Expired => "present",
        }
    }

    /// What the doctor finds.
    fn finding(self) -> &'static str {
        match self {
            Self::NoKey => "key_none",
            Self::KeyWithoutDriver => "key_without_driver",
            Self::OtherBits => "driver_other_machine",
            Self::Hung => "driver_hung",
            Self::Locked => "key_locked",
            Self::LastTry => "key_last_try",
            Self::TwoKeys => "key_several",
            Self::Expired => "key_expired",
        }
    }
}

/// Language, look and size.
#[derive(Clone, Copy, Debug)]
struct Look {
    name: &'static str,
    english: bool,
    theme: &'static str,
    size: (u32, u32),
}

const LOOKS: [Look; 2] = [
    Look { name: "zh-light-1280", english: false, theme: "light", size: (1280, 800) },
    Look { name: "en-dark-1024", english: true, theme: "dark", size: (1024, 700) },
];

const HOLDER: &str = "福州云帆测试科技有限公司";
const PIN: &str = "135790";

/// Shows each state and takes its pictures into `out`; tells what axe-core found, as sentences.
///
/// # Errors
/// When the window says something else than the state is.
pub async fn show(out: &Path, states: &[State]) -> Result<Vec<String>> {
    if out.exists() {
        fs::remove_dir_all(out)?;
    }
    fs::create_dir_all(out)?;
    let folder = tempfile::tempdir()?;
    let service = Service::start(&folder.path().join("service"), "127.0.0.1:0")?;
    let desktop = Desktop::start(1360, 880)?;
    let mut faults = Vec::new();
    for state in states {
        let folder = folder.path().join(state.name());
        fs::create_dir_all(&folder)?;
        let shown = show_one(*state, out, &folder, &service, &desktop).await;
        faults.extend(shown.with_context(|| format!("{state:?}; {}", desktop.words()))?);
    }
    Ok(faults)
}

async fn show_one(
    state: State,
    out: &Path,
    folder: &Path,
    service: &Service,
    desktop: &Desktop,
) -> Result<Vec<String>> {
    let props = Props::of(state, folder).await?;
    let mut arguments = vec!["--demo".into(), service.ready.file.clone().into()];
    arguments.extend(["--data".into(), folder.join("data").into()]);
    arguments.extend(props.modules.iter().flat_map(|module| ["--module".into(), module.clone().into()]));
    // No USB device and no reader of the computer that this runs on.
    let environment = vec![
        ("CERTDESK_MACHINE".into(), props.machine.clone().into()),
        ("PCSCLITE_CSOCK_NAME".into(), folder.join("no-pcscd").into()),
    ];
    let window = Window::start(desktop, &Start { binary: program("certdesk")?, arguments, environment }).await?;
    let mut faults = Vec::new();
    for look in LOOKS {
        put_on(&window, look).await?;
        window.wait_for_attribute("key-strip", "data-state", state.strip()).await?;
        let mut picture = async |what: &str| {
            let name = format!("{}.{what}.{}.png", state.name(), look.name);
            window.screenshot(&out.join(&name)).await?;
            let found = window.accessibility().await?;
            let told =
                found.iter().map(|it| format!("{name}: {} at {}: {}", it.rule, it.where_seen.join(", "), it.why));
            faults.extend(told);
            anyhow::Ok(())
        };
        picture("strip").await?;
        if window.shows("key-doctor").await {
            window.click("key-doctor").await?;
        } else {
            window.click("menu-support").await?;
            window.click("doctor-look").await?;
        }
        window.wait_for_attribute("doctor", "data-state", "done").await?;
        let open = format!(
            "const it = document.querySelector('[data-testid=finding][data-code={}]'); if (!it) return false; \
             it.closest('details')?.setAttribute('open', ''); it.scrollIntoView({{ block: 'center' }}); return true",
            state.finding()
        );
        let seen = until("the finding", Duration::from_secs(10), async || {
            (window.script(&open).await.ok()? == serde_json::json!(true)).then_some(())
        });
        if let Err(error) = seen.await {
            let page = window.script("return document.body.innerText").await?;
            return Err(error.context(format!("{} is not found on: {page}", state.finding())));
        }
        picture("doctor").await?;
        window.click("brand").await?;
    }
    if state == State::Hung {
        // Its helper waits for the driver as long as a call may be waited for when the program goes.
        window.kill()?;
    } else {
        window.close().await?;
    }
    Ok(faults)
}

async fn put_on(window: &Window, look: Look) -> Result<()> {
    window.resize(look.size.0, look.size.1).await?;
    window.by_testid("menu-apply").await?;
    if look.english != (window.text_of("language").await? == "中文") {
        window.click("language").await?;
    }
    window.click("theme").await?;
    window.click(&format!("theme-{}", look.theme)).await?;
    window.wait_gone(&format!("theme-{}", look.theme)).await
}

/// What a state is made of; held until its window is closed.
struct Props {
    modules: Vec<PathBuf>,
    /// Root of a computer that is made up.
    machine: PathBuf,
    _held: Vec<(SoftHsm, FaultyModule)>,
}

impl Props {
    async fn of(state: State, folder: &Path) -> Result<Self> {
        let machine = folder.join("machine");
        fs::create_dir_all(&machine)?;
        let day = time::Duration::days(1);
        let in_force = 200 * day;
        let held = match state {
            State::NoKey | State::KeyWithoutDriver => {
                let (store, module) = key("备用锁");
                module.pull();
                vec![(store, module)]
            }
            State::OtherBits => Vec::new(),
            State::Hung => {
                let (store, module) = key("备用锁");
                module.play("C_GetSlotList hang");
                vec![(store, module)]
            }
            State::Locked => vec![certified(HOLDER, in_force, "flag CKF_USER_PIN_LOCKED on").await?],
            State::LastTry => {
                let script = "flag CKF_USER_PIN_COUNT_LOW on\nflag CKF_USER_PIN_FINAL_TRY on";
                vec![certified(HOLDER, in_force, script).await?]
            }
            State::TwoKeys => {
                vec![certified(HOLDER, in_force, "").await?, certified("林小满", 2 * in_force, "").await?]
            }
            State::Expired => vec![certified(HOLDER, -3 * day, "").await?],
        };
        if state == State::KeyWithoutDriver {
            plug_in(&machine)?;
        }
        let mut modules: Vec<_> = held.iter().map(|(_, module)| module.path.clone()).collect();
        if state == State::OtherBits {
            modules.push(of_other_bits(folder)?);
        }
        Ok(Self { modules, machine, _held: held })
    }
}

/// A blank key behind the faulty module, which behaves until it is told otherwise.
fn key(label: &str) -> (SoftHsm, FaultyModule) {
    let store = SoftHsm::new();
    store.add_token(label, PIN);
    let module = FaultyModule::before(&store).showing(label);
    (store, module)
}

/// A key with a key pair and a certificate that is valid so much longer, and then misbehaves.
async fn certified(holder: &str, left: time::Duration, script: &str) -> Result<(SoftHsm, FaultyModule)> {
    // SoftHSM's labels have 32 bytes at most.
    let (store, faulty) = key("云帆认证锁");
    let host = HostProgram { path: program("certdesk-token-host")?, environment: Vec::new() };
    let module = Module::new(host, faulty.path.clone());
    let tokens = module.list().await?;
    let id = &tokens.first().context("the key is not shown")?.id;
    module.login(id, Pin::from_bytes(PIN.into())).await?;
    let pair = module.generate_key_pair(id, KeyAlgorithm::EcP256, "certdesk", vec![1; 20]).await?;
    let certificate = certify(&pair.spki_der, holder, left)?;
    module.put_certificate(id, &pair.key_id, certificate, holder).await?;
    faulty.play(script);
    Ok((store, faulty))
}

fn certify(spki: &[u8], holder: &str, left: time::Duration) -> Result<Vec<u8>> {
    let named = |name: &str| -> Result<CertificateParams> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, name);
        Ok(params)
    };
    let now = OffsetDateTime::now_utc();
    let mut params = named(holder)?;
    (params.not_before, params.not_after) = (now - time::Duration::days(365), now + left);
    let issuer = Issuer::new(named("云帆演示认证中心")?, KeyPair::generate()?);
    Ok(params.signed_by(&SubjectPublicKeyInfo::from_der(spki)?, &issuer)?.der().to_vec())
}

/// An ePass2003 on USB, as sysfs has it.
fn plug_in(machine: &Path) -> Result<()> {
    let files = [
        ("1-2/idVendor", "096e\n"),
        ("1-2/idProduct", "0807\n"),
        ("1-2/bDeviceClass", "00\n"),
        ("1-2/manufacturer", "FT\n"),
        ("1-2/product", "ePass2003\n"),
        ("1-2:1.0/bInterfaceClass", "0b\n"),
    ];
    for (file, text) in files {
        let file = machine.join("sys/bus/usb/devices").join(file);
        fs::create_dir_all(file.parent().context("a file has a folder")?)?;
        fs::write(file, text)?;
    }
    Ok(())
}

/// A driver whose head says that it is for 32-bit programs; nobody reads further.
fn of_other_bits(folder: &Path) -> Result<PathBuf> {
    let (_store, module) = key("备用锁");
    let mut bytes = fs::read(&module.path)?;
    ensure!(bytes.starts_with(b"\x7fELF"), "the module is no ELF file");
    // ELF: class 1 is 32-bit, machine 3 is Intel 80386.
    (bytes[4], bytes[18], bytes[19]) = (1, 3, 0);
    let file = folder.join("libHtPkcs11.so");
    fs::write(&file, bytes)?;
    Ok(file)
}
