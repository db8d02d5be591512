//! Whatever is done with a PIN, with a real module: SoftHSM, a private token store for each test, seen through OpenSC's
//! `pkcs11-spy` where calls are counted.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use certdesk_token::{Deadlines, HostProgram, KeyAlgorithm, Module, ObjectClass, Pin, PinTries, TokenError};
use pkcs11_profiles::{Quirks, Unblock};
use softhsm_lab::{FaultyModule, SO_PIN, SoftHsm, Spy};
use std::path::{Path, PathBuf};

const LABEL: &str = "福州云帆测试";
const PIN: &str = "135790";

fn module(store: &SoftHsm, path: &Path) -> Module {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_certdesk-token-host"));
    let host = HostProgram { path: program, environment: store.environment.clone() };
    Module::with_deadlines(host, path.to_path_buf(), Deadlines::default())
}

fn pin(text: &str) -> Pin {
    Pin::from_bytes(text.as_bytes().to_vec())
}

/// A store with one token, its module, and the token's id.
async fn lab() -> (SoftHsm, Module, String) {
    let store = SoftHsm::new();
    store.add_token(LABEL, PIN);
    let module = module(&store, &store.module);
    let id = module.list().await.expect("SoftHSM lists its tokens")[0].id.clone();
    (store, module, id)
}

/// The same behind `pkcs11-spy`.
async fn spied() -> (SoftHsm, Module, String, Spy) {
    let mut store = SoftHsm::new();
    store.add_token(LABEL, PIN);
    let spy = Spy::on(&mut store);
    let module = module(&store, &spy.module);
    let tokens = module.list().await.expect("the spy forwards");
    let id = tokens.into_iter().find(|token| token.initialised).expect("the token is there").id;
    (store, module, id, spy)
}

#[tokio::test]
async fn a_pin_is_changed_and_the_old_one_is_worth_nothing() {
    let (_store, module, id) = lab().await;
    module.login(&id, pin(PIN)).await.unwrap();
    module.change_pin(&id, pin(PIN), pin("246824")).await.expect("the old PIN is right");
    assert!(!module.list().await.unwrap()[0].logged_in, "after the change the new PIN is asked for");
    assert_eq!(module.login(&id, pin(PIN)).await, Err(TokenError::PinIncorrect { tries: PinTries::Few }));
    module.login(&id, pin("246824")).await.expect("the new PIN logs in");
}

#[tokio::test]
async fn a_wrong_old_pin_and_a_new_one_that_is_not_taken_are_told_apart() {
    let (_store, module, id) = lab().await;
    let wrong = module.change_pin(&id, pin("000000"), pin("246824")).await;
    assert_eq!(wrong, Err(TokenError::PinIncorrect { tries: PinTries::Few }));
    module.login(&id, pin(PIN)).await.expect("the old PIN holds");
    module.logout(&id).await.unwrap();
    for new in ["123".to_owned(), "7".repeat(256)] {
        assert_eq!(module.change_pin(&id, pin(PIN), pin(&new)).await, Err(TokenError::NewPinLength));
    }
    module.login(&id, pin(PIN)).await.expect("the old PIN holds still");
    assert_eq!(module.change_pin("another", pin(PIN), pin("246824")).await, Err(TokenError::NoToken));
    let pad = module.change_pin_by_pin_pad(&id).await;
    assert!(matches!(pad, Err(TokenError::Unsupported { .. })), "SoftHSM has no pad: {pad:?}");
}

#[tokio::test]
async fn the_security_officer_gives_a_new_pin() {
    let (_store, module, id) = lab().await;
    module.login(&id, pin(PIN)).await.unwrap();
    let wrong = module.unblock(&id, pin("00000000"), pin("246824")).await;
    assert_eq!(
        wrong,
        Err(TokenError::SoPinIncorrect { tries: PinTries::Few }),
        "it is not the user's PIN that is wrong"
    );
    let token = module.list().await.unwrap().remove(0);
    assert_eq!(
        (token.tries, token.so_tries),
        (PinTries::NoWarning, PinTries::Few),
        "and not the user's tries that went"
    );
    assert_eq!(module.unblock(&id, pin(SO_PIN), pin("12")).await, Err(TokenError::NewPinLength));
    module.unblock(&id, pin(SO_PIN), pin("246824")).await.expect("the SO PIN is right");
    assert!(!module.list().await.unwrap()[0].logged_in, "nobody stays logged in, the security officer least of all");
    module.login(&id, pin("246824")).await.expect("the new PIN logs in");
    module.key_pairs(&id).await.expect("and it is the user who is logged in");
}

/// Kryoptic goes on saying "locked" until the next login: a person who has just been given a new PIN may use it.
#[tokio::test]
async fn a_flag_that_stays_after_unblocking_keeps_nobody_out() {
    let store = SoftHsm::new();
    store.add_token(LABEL, PIN);
    let faulty = FaultyModule::named("libsofthsm2.so", &store.module, &store.environment);
    faulty.play("flag CKF_USER_PIN_LOCKED on");
    let module = module(&store, &faulty.path);
    let locked = module.list().await.unwrap().remove(0);
    assert_eq!(locked.tries, PinTries::Locked);
    module.unblock(&locked.id, pin(SO_PIN), pin("246824")).await.unwrap();
    assert_eq!(module.list().await.unwrap()[0].tries, PinTries::Unknown, "the flag is not believed");
    module.login(&locked.id, pin("246824")).await.expect("the new PIN logs in");
    assert_eq!(module.list().await.unwrap()[0].tries, PinTries::Locked, "after that it is believed again");
}

/// No PIN is sent that the person did not type for this act, and none twice.
#[tokio::test]
async fn the_module_sees_each_pin_once() {
    let (_store, module, id, spy) = spied().await;
    let seen = || (spy.calls("C_Login"), spy.calls("C_SetPIN"), spy.calls("C_InitPIN"));
    module.change_pin(&id, pin("000000"), pin("246824")).await.unwrap_err();
    assert_eq!(seen(), (0, 1, 0), "a wrong old PIN is sent once");
    module.change_pin(&id, pin(PIN), pin("12")).await.unwrap_err();
    assert_eq!(seen(), (0, 1, 0), "a new PIN that is too short costs no try of the old one");
    module.change_pin(&id, pin(PIN), pin("246824")).await.unwrap();
    assert_eq!(seen(), (0, 2, 0), "and a right one once");
    module.unblock(&id, pin("00000000"), pin("135791")).await.unwrap_err();
    assert_eq!(seen(), (1, 2, 0), "a wrong SO PIN is sent once, and no new PIN after it");
    module.unblock(&id, pin(SO_PIN), pin("1")).await.unwrap_err();
    assert_eq!(seen(), (1, 2, 0));
    module.unblock(&id, pin(SO_PIN), pin("135791")).await.unwrap();
    assert_eq!(seen(), (2, 2, 1));
    module.objects(&id).await.unwrap();
    module.list().await.unwrap();
    assert_eq!(seen(), (2, 2, 1), "looking costs nothing");
}

/// Where `C_SetPIN` takes the PUK while nobody is logged in, a PIN that is to be changed would cost a try of that one.
#[tokio::test]
async fn no_pin_is_tried_as_a_puk_and_no_puk_as_another() {
    let (store, _, id, spy) = spied().await;
    let program = PathBuf::from(env!("CARGO_BIN_EXE_certdesk-token-host"));
    let with = |quirks| {
        let host = HostProgram { path: program.clone(), environment: store.environment.clone() };
        Module::with_quirks(host, spy.module.clone(), Deadlines::default(), quirks)
    };
    let seen = || (spy.calls("C_Login"), spy.calls("C_SetPIN"), spy.calls("C_InitPIN"));
    let careful = with(Quirks { change_logged_in: true, ..Quirks::default() });
    careful.change_pin(&id, pin("000000"), pin("246824")).await.unwrap_err();
    assert_eq!(seen(), (1, 0, 0), "a wrong old PIN goes to the login alone");
    careful.change_pin(&id, pin(PIN), pin("246824")).await.unwrap();
    assert_eq!(seen(), (2, 1, 0), "a right one opens the key, and is changed there");
    let token = careful.list().await.unwrap().into_iter().find(|token| token.id == id).unwrap();
    assert!(!token.logged_in, "after the change the new PIN is asked for");
    drop(careful);

    let by_puk = with(Quirks { unblock: Unblock::Puk, ..Quirks::default() });
    let token = by_puk.list().await.unwrap().into_iter().find(|token| token.id == id).unwrap();
    assert_eq!(token.so_tries, PinTries::Unknown, "the flags tell nothing of a PUK");
    // SoftHSM has no PUK: to it this is a change of the PIN.
    let wrong = by_puk.unblock(&id, pin("00000000"), pin("135791")).await;
    assert_eq!(wrong, Err(TokenError::SoPinIncorrect { tries: PinTries::Unknown }), "it is the PUK that is wrong");
    assert_eq!(seen(), (2, 2, 0), "sent once, and not as the security officer's PIN after that");
}

#[tokio::test]
async fn the_helpdesk_sees_what_is_there_and_no_secret() {
    let (_store, module, id) = lab().await;
    module.login(&id, pin(PIN)).await.unwrap();
    for (algorithm, label) in [(KeyAlgorithm::Rsa2048, "one"), (KeyAlgorithm::EcP384, "two")] {
        module.generate_key_pair(&id, algorithm, label, label.as_bytes().to_vec()).await.unwrap();
    }
    let objects = module.objects(&id).await.expect("the objects are listed");
    let told: Vec<_> =
        objects.iter().map(|it| (it.class, it.kind.as_deref().unwrap(), it.label.as_str(), it.bits)).collect();
    use ObjectClass::{PrivateKey, PublicKey};
    assert_eq!(
        told,
        [
            (PrivateKey, "CKK_RSA", "one", Some(2048)),
            (PrivateKey, "CKK_EC", "two", Some(384)),
            (PublicKey, "CKK_RSA", "one", Some(2048)),
            (PublicKey, "CKK_EC", "two", Some(384)),
        ]
    );
    for private in objects.iter().filter(|it| it.class == PrivateKey) {
        let has = |flag: &str| private.flags.iter().any(|it| it == flag);
        assert!(has("SENSITIVE") && has("NEVER_EXTRACTABLE") && has("PRIVATE") && !has("EXTRACTABLE"), "{private:?}");
        assert_eq!((private.id.len(), private.bytes), (20, None), "a private key has an id and no bytes to tell of");
    }
    module.logout(&id).await.unwrap();
    let public = module.objects(&id).await.unwrap();
    assert!(
        public.iter().all(|it| it.class == PublicKey) && public.len() == 2,
        "logged out, private keys hide: {public:?}"
    );
}

/// What is left in the helper's memory when the PIN has done its work. The PIN is long, so that it cannot be there by
/// chance, and looked for in halves too, since a copy may be cut.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn after_logout_the_helper_remembers_no_pin() {
    const OLD: &str = "Yunfan#2026-kunpeng";
    const NEW: &str = "Haixi!7731~baihuashan";
    let store = SoftHsm::new();
    store.add_token(LABEL, OLD);
    let module = module(&store, &store.module);
    let id = module.list().await.unwrap()[0].id.clone();
    module.login(&id, pin(OLD)).await.unwrap();
    module.logout(&id).await.unwrap();
    module.login(&id, pin("Wrong+pin=of@nobody")).await.unwrap_err();
    module.change_pin(&id, pin(OLD), pin(NEW)).await.unwrap();
    module.unblock(&id, pin(SO_PIN), pin(OLD)).await.unwrap();
    module.login(&id, pin(OLD)).await.unwrap();
    module.logout(&id).await.unwrap();
    module.list().await.unwrap();

    let process = helper_of(&store);
    let memory = readable_memory(&process);
    let finds = |needle: &str| memory.iter().filter(|piece| contains(piece, needle.as_bytes())).count();
    assert!(finds("福州云帆测试") > 0, "the memory that is looked at is the helper's: it knows the token's label");
    for secret in [OLD, NEW, "Wrong+pin=of@nobody"] {
        for half in [secret, &secret[..secret.len() / 2], &secret[secret.len() / 2..]] {
            assert_eq!(finds(half), 0, "{half:?} is left in the helper's memory");
        }
    }
}

#[cfg(target_os = "linux")]
fn contains(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

/// `/proc/PID` of the helper that serves this store.
#[cfg(target_os = "linux")]
fn helper_of(store: &SoftHsm) -> PathBuf {
    let folder = store.dir.path().to_str().unwrap().to_owned();
    let is_it = |path: &PathBuf| {
        let read = |name: &str| std::fs::read(path.join(name)).unwrap_or_default();
        contains(&read("cmdline"), b"certdesk-token-host") && contains(&read("environ"), folder.as_bytes())
    };
    let processes = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    processes.filter(|path| path.join("exe").exists()).find(is_it).expect("the helper runs")
}

/// Everything of a process that can be read, but for what was mapped from files.
#[cfg(target_os = "linux")]
fn readable_memory(process: &Path) -> Vec<Vec<u8>> {
    use std::os::unix::fs::FileExt;
    let memory = std::fs::File::open(process.join("mem")).expect("a process may look into those it started");
    let maps = std::fs::read_to_string(process.join("maps")).unwrap();
    let mut pieces = Vec::new();
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        let (range, rights) = (words.next().unwrap(), words.next().unwrap());
        let (start, end) = range.split_once('-').unwrap();
        let number = |text| u64::from_str_radix(text, 16).unwrap();
        if !rights.starts_with("rw") || line.ends_with("[vvar]") {
            continue;
        }
        let mut piece = vec![0; (number(end) - number(start)) as usize];
        if memory.read_exact_at(&mut piece, number(start)).is_ok() {
            pieces.push(piece);
        }
    }
    pieces
}
