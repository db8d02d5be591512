//! The helper with a real module: SoftHSM, a private token store for each test. Judges from outside: `pkcs11-tool`,
//! OpenSSL, ring, and OpenSC's `pkcs11-spy`, which writes down every call that reaches the module.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use certdesk_token::{
    Deadlines, HostProgram, KeyAlgorithm, KeyPair, Module, Pin, PinTries, SignatureScheme, TokenError, TokenInfo,
    message::{Numbered, Request, encode},
};
use ring::signature::{self, UnparsedPublicKey};
use softhsm_lab::{FaultyModule, SoftHsm, Spy};
use std::{
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

const LABEL: &str = "福州云帆测试";
const PIN: &str = "135790";

struct Lab {
    store: SoftHsm,
    module: Module,
}

impl Lab {
    /// A store with one token, and the module in its helper.
    fn new() -> Self {
        let store = SoftHsm::new();
        store.add_token(LABEL, PIN);
        let module = module(&store, &store.module, Deadlines::default());
        Self { store, module }
    }

    async fn token(&self) -> TokenInfo {
        let mut tokens = self.module.list().await.expect("SoftHSM lists its tokens");
        assert_eq!(tokens.len(), 1, "one token is plugged in, its spare slot is none: {tokens:?}");
        tokens.remove(0)
    }

    /// The token's id, logged in.
    async fn logged_in(&self) -> String {
        let id = self.token().await.id;
        self.module.login(&id, pin(PIN)).await.expect("the PIN is right");
        id
    }

    fn objects(&self) -> String {
        self.store.pkcs11_tool(["--token-label", LABEL, "--login", "--pin", PIN, "--list-objects"])
    }
}

fn module(store: &SoftHsm, path: &Path, deadlines: Deadlines) -> Module {
    let host = HostProgram { path: helper_of(store), environment: store.environment.clone() };
    Module::with_deadlines(host, path.to_path_buf(), deadlines)
}

#[cfg(unix)]
fn helper_of(_store: &SoftHsm) -> PathBuf {
    env!("CARGO_BIN_EXE_certdesk-token-host").into()
}

/// Windows tells of a process little but its program: each store gets one of its own, by which its helper is found.
#[cfg(windows)]
fn helper_of(store: &SoftHsm) -> PathBuf {
    let own = store.dir.path().with_extension("exe");
    let own = store.dir.path().join(own.file_name().unwrap());
    if !own.exists() {
        std::fs::copy(env!("CARGO_BIN_EXE_certdesk-token-host"), &own).unwrap();
    }
    own
}

fn pin(text: &str) -> Pin {
    Pin::from_bytes(text.as_bytes().to_vec())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn a_blank_token_is_listed_as_what_it_is() {
    let lab = Lab::new();
    let token = lab.token().await;
    assert_eq!(token.label, LABEL, "the label comes without its padding");
    assert_eq!((token.manufacturer.as_str(), token.model.as_str()), ("SoftHSM project", "SoftHSM v2"));
    assert!(!token.serial.is_empty() && token.initialised && token.user_pin_set);
    assert!(!token.logged_in && !token.pin_pad && !token.write_protected && token.certificates.is_empty());
    assert_eq!((token.tries, token.pin_min, token.pin_max), (PinTries::NoWarning, 4, 255));
    let again = module(&lab.store, &lab.store.module, Deadlines::default());
    assert_eq!(again.list().await.unwrap()[0].id, token.id, "another helper calls the token by the same name");
}

#[tokio::test]
async fn a_wrong_pin_is_told_and_nothing_is_tried_again() {
    let lab = Lab::new();
    let id = lab.token().await.id;
    let error = lab.module.login(&id, pin("000000")).await.unwrap_err();
    assert_eq!(error, TokenError::PinIncorrect { tries: PinTries::Few }, "SoftHSM warns after the first wrong PIN");
    assert_eq!(lab.token().await.tries, PinTries::Few, "the list warns too");
    assert_eq!(lab.module.key_pairs(&id).await, Err(TokenError::NotLoggedIn));
    lab.module.login(&id, pin(PIN)).await.expect("the right PIN logs in");
    let token = lab.token().await;
    assert!(token.logged_in && token.tries == PinTries::NoWarning, "logged in, the warning is gone: {token:?}");

    let error = lab.module.login(&id, pin("000000")).await.unwrap_err();
    assert!(matches!(error, TokenError::PinIncorrect { .. }), "an earlier login must not let a wrong PIN pass");
    assert!(!lab.token().await.logged_in, "after a wrong PIN nobody is logged in");

    lab.module.login(&id, pin(PIN)).await.unwrap();
    lab.module.logout(&id).await.expect("log out");
    lab.module.logout(&id).await.expect("logging out twice is no error");
    assert_eq!(lab.module.key_pairs(&id).await, Err(TokenError::NotLoggedIn));
    assert_eq!(lab.module.login("another", pin(PIN)).await, Err(TokenError::NoToken), "the PIN goes to no other token");
    assert!(
        matches!(lab.module.login_by_pin_pad(&id).await, Err(TokenError::Unsupported { .. })),
        "SoftHSM has no pad"
    );
}

/// `pkcs11-spy` stands between helper and SoftHSM and notes each call.
#[tokio::test]
async fn the_module_sees_each_pin_once() {
    let mut store = SoftHsm::new();
    store.add_token(LABEL, PIN);
    let spy = Spy::on(&mut store);
    let module = module(&store, &spy.module, Deadlines::default());
    let tokens = module.list().await.expect("the spy forwards");
    let id = &tokens.iter().find(|token| token.initialised).expect("the token is there").id;
    let logins = || spy.calls("C_Login");
    assert_eq!(logins(), 0, "listing sends no PIN");
    module.login(id, pin("000000")).await.unwrap_err();
    assert_eq!(logins(), 1, "a wrong PIN is sent once");
    kill_helper(&store);
    for _ in 0..3 {
        module.list().await.expect("a new helper serves");
    }
    assert_eq!(logins(), 1, "the new helper sends no PIN of its own");
    module.login(id, pin(PIN)).await.unwrap();
    assert_eq!(logins(), 2, "a right PIN is sent once");
}

#[tokio::test]
async fn keys_are_made_on_the_token_and_sign() {
    let lab = Lab::new();
    let id = lab.logged_in().await;
    use KeyAlgorithm::*;
    for algorithm in [Rsa2048, EcP256, Rsa3072, Rsa4096, EcP384] {
        let pair =
            lab.module.generate_key_pair(&id, algorithm, "证办通", b"provisional".to_vec()).await.expect("a key pair");
        assert_eq!((pair.algorithm, pair.label.as_str(), pair.has_certificate), (algorithm, "证办通", false));
        let bits = subject_public_key(&pair.spki_der);
        assert_eq!(pair.key_id, sha1(&bits), "CKA_ID is the SHA-1 of the public key bits");
        let message = vec![0x5a; 3 << 20];
        let schemes: &[(SignatureScheme, &dyn signature::VerificationAlgorithm)] = match algorithm {
            EcP256 => &[(SignatureScheme::EcdsaP256Sha256, &signature::ECDSA_P256_SHA256_FIXED)],
            EcP384 => &[(SignatureScheme::EcdsaP384Sha384, &signature::ECDSA_P384_SHA384_FIXED)],
            _ => &[
                (SignatureScheme::RsaPkcs1Sha256, &signature::RSA_PKCS1_2048_8192_SHA256),
                (SignatureScheme::RsaPssSha256, &signature::RSA_PSS_2048_8192_SHA256),
            ],
        };
        for &(scheme, verification) in schemes {
            let signed = lab.module.sign(&id, &pair.key_id, scheme, message.clone()).await.expect("a signature");
            let verified = UnparsedPublicKey::new(verification, &bits).verify(&message, &signed);
            assert!(verified.is_ok(), "ring must accept a signature by {scheme:?}");
        }
    }
    let sm2 = lab.module.generate_key_pair(&id, Sm2, "国密", b"provisional".to_vec()).await;
    assert!(matches!(sm2, Err(TokenError::Unsupported { .. })), "SoftHSM knows no SM2: {sm2:?}");
    let mut pairs = lab.module.key_pairs(&id).await.unwrap();
    assert_eq!(pairs.len(), 5, "five pairs are on the token: {pairs:?}");
    for pair in pairs.iter().filter(|pair| !matches!(pair.algorithm, Rsa2048 | EcP256)) {
        lab.module.remove_key_pair(&id, &pair.key_id).await.unwrap();
    }
    pairs.retain(|pair| matches!(pair.algorithm, Rsa2048 | EcP256));
    let wrong = lab.module.sign(&id, &pairs[0].key_id, scheme_of_the_other(&pairs[0]), vec![]).await;
    assert_eq!(wrong, Err(TokenError::NoSuchKey), "a key does not sign by the other kind's scheme");
    assert_eq!(
        lab.module.sign(&id, b"none", SignatureScheme::RsaPkcs1Sha256, vec![]).await,
        Err(TokenError::NoSuchKey)
    );

    let objects = lab.objects();
    let private = objects.split("Private Key Object").skip(1).collect::<Vec<_>>();
    assert_eq!(private.len(), 2, "{objects}");
    for key in private {
        for word in ["sensitive", "always sensitive", "never extractable", "local"] {
            assert!(key.contains(word), "a private key must be {word}:\n{key}");
        }
    }

    lab.module.remove_key_pair(&id, &pairs[0].key_id).await.unwrap();
    lab.module.remove_key_pair(&id, &pairs[0].key_id).await.expect("what is gone can be removed again");
    assert_eq!(lab.module.key_pairs(&id).await.unwrap(), pairs[1..], "the other pair stays");
    assert_eq!(lab.objects().matches(&hex(&pairs[0].key_id)).count(), 0, "both keys of the pair are gone");
}

#[tokio::test]
async fn a_certificate_is_written_beside_its_key_and_beside_no_other() {
    let lab = Lab::new();
    let id = lab.logged_in().await;
    let mine = lab.module.generate_key_pair(&id, KeyAlgorithm::Rsa2048, "mine", b"p1".to_vec()).await.unwrap();
    let other = lab.module.generate_key_pair(&id, KeyAlgorithm::EcP256, "other", b"p2".to_vec()).await.unwrap();
    let certificate = certify(&lab, &mine.spki_der, "王䶮");

    let refused = lab.module.put_certificate(&id, &other.key_id, certificate.clone(), "x").await;
    assert_eq!(refused, Err(TokenError::CertificateMismatch), "a certificate for another key is refused");
    let refused = lab.module.put_certificate(&id, b"nobody", certificate.clone(), "x").await;
    assert_eq!(refused, Err(TokenError::NoSuchKey));
    for nonsense in [vec![], b"\x30\x80".to_vec(), certificate[..certificate.len() - 1].to_vec(), vec![0x30; 5000]] {
        let refused = lab.module.put_certificate(&id, &mine.key_id, nonsense, "x").await;
        assert_eq!(refused, Err(TokenError::CertificateMismatch), "what is no certificate belongs to no key");
    }
    assert!(lab.token().await.certificates.is_empty(), "a refusal writes nothing");

    for _ in 0..2 {
        lab.module.put_certificate(&id, &mine.key_id, certificate.clone(), "王䶮").await.expect("it is written");
    }
    let found = lab.token().await.certificates;
    assert_eq!(found.len(), 1, "writing twice makes one certificate: {found:?}");
    assert_eq!(found[0].der, certificate);
    assert_eq!(
        (found[0].key_id.as_slice(), found[0].label.as_str(), found[0].has_private_key),
        (&mine.key_id[..], "王䶮", true)
    );
    let pairs = lab.module.key_pairs(&id).await.unwrap();
    assert!(pairs.iter().all(|pair| pair.has_certificate == (pair.key_id == mine.key_id)), "{pairs:?}");

    let objects = lab.objects();
    let same_id = objects.to_lowercase().matches(&hex(&mine.key_id)).count();
    assert_eq!(same_id, 3, "certificate, private and public key have one CKA_ID:\n{objects}");
    let listed = lab.store.pkcs11_tool(["--token-label", LABEL, "--list-objects", "--type", "cert"]);
    assert!(listed.contains("subject:    DN: C=CN"), "CKA_SUBJECT reads:\n{listed}");
    assert!(listed.contains("serial:     0ABC"), "CKA_SERIAL_NUMBER reads as the DER INTEGER it is:\n{listed}");

    lab.module.logout(&id).await.unwrap();
    let before_login = lab.token().await.certificates;
    assert!(before_login[0].has_private_key, "before login the public key stands for the pair");

    lab.module.login(&id, pin(PIN)).await.unwrap();
    lab.module.remove_key_pair(&id, &mine.key_id).await.unwrap();
    assert!(!lab.token().await.certificates[0].has_private_key, "after login it is known that the key is gone");
    for _ in 0..2 {
        lab.module.remove_certificate(&id, certificate.clone()).await.expect("removed, or gone already");
    }
    assert!(lab.token().await.certificates.is_empty());
}

/// Killed at any moment: the same call finishes the work and leaves one pair, never an orphan beside it.
#[tokio::test]
async fn a_key_pair_interrupted_anywhere_is_found_again() {
    use KeyAlgorithm::{EcP256, Rsa2048};
    let store = SoftHsm::new();
    store.add_token(LABEL, PIN);
    // RSA is cut while it searches primes, P-256 while its objects are written.
    let cuts = [(Rsa2048, 10), (Rsa2048, 60), (Rsa2048, 400)].into_iter().chain((1..=12).map(|ms| (EcP256, ms)));
    for (round, (algorithm, patience)) in cuts.enumerate() {
        let provisional = format!("case-{round}").into_bytes();
        let deadlines = Deadlines { generate: Duration::from_millis(patience), ..Deadlines::default() };
        let hasty = module(&store, &store.module, deadlines);
        let id = hasty.list().await.unwrap()[0].id.clone();
        hasty.login(&id, pin(PIN)).await.unwrap();
        let before = hasty.key_pairs(&id).await.unwrap();
        let cut = hasty.generate_key_pair(&id, algorithm, &format!("case {round}"), provisional.clone()).await;

        let patient = module(&store, &store.module, Deadlines::default());
        patient.login(&id, pin(PIN)).await.unwrap();
        let label = format!("case {round}");
        let again = patient.generate_key_pair(&id, algorithm, &label, provisional).await;
        let done =
            again.unwrap_or_else(|error| panic!("after {patience} ms ({cut:?}) it must be finished, not {error}"));
        let after = patient.key_pairs(&id).await.unwrap();
        assert_eq!(
            after.len(),
            before.len() + 1,
            "after {patience} ms (first: {cut:?}) there must be one more pair: {after:?}"
        );
        assert!(after.contains(&done), "and it is the one that was returned");
        let listed = store.pkcs11_tool(["--token-label", LABEL, "--login", "--pin", PIN, "--list-objects"]);
        assert_eq!(
            listed.to_lowercase().matches(&hex(&done.key_id)).count(),
            2,
            "both keys have the lasting id:\n{listed}"
        );
    }
}

/// The two states between the renaming of one key and of the other, set up from outside.
#[tokio::test]
async fn a_renaming_cut_in_the_middle_is_finished() {
    for algorithm in [KeyAlgorithm::EcP256, KeyAlgorithm::Rsa2048] {
        let lab = Lab::new();
        let id = lab.logged_in().await;
        let provisional = b"\xca\x5e\x00\x01".to_vec();
        let made = lab.module.generate_key_pair(&id, algorithm, "case", provisional.clone()).await.unwrap();
        for also_private in [false, true] {
            let types: &[&str] = if also_private { &["pubkey", "privkey"] } else { &["pubkey"] };
            for kind in types {
                lab.store.pkcs11_tool([
                    "--token-label",
                    LABEL,
                    "--login",
                    "--pin",
                    PIN,
                    "--type",
                    kind,
                    "--id",
                    &hex(&made.key_id),
                    "--set-id",
                    "ca5e0001",
                ]);
            }
            // SoftHSM reads objects another process changed when it meets them next.
            let found = lab.module.key_pairs(&id).await.unwrap();
            assert_eq!(found.len(), 1, "the interrupted pair is seen whole: {found:?}");
            assert_eq!(found[0].spki_der, made.spki_der, "its public key is found although the ids differ");
            let again = lab.module.generate_key_pair(&id, algorithm, "case", provisional.clone()).await.unwrap();
            assert_eq!(again, made, "no second pair is made");
            assert_eq!(
                lab.objects().to_lowercase().matches(&hex(&made.key_id)).count(),
                2,
                "both keys have the lasting id"
            );
        }
    }
}

#[tokio::test]
async fn a_killed_helper_takes_the_login_along_and_nothing_else() {
    let lab = Lab::new();
    let id = lab.logged_in().await;
    let pair = lab.module.generate_key_pair(&id, KeyAlgorithm::EcP256, "k", b"p".to_vec()).await.unwrap();
    kill_helper(&lab.store);
    let sign = || lab.module.sign(&id, &pair.key_id, SignatureScheme::EcdsaP256Sha256, b"m".to_vec());
    let mut told = sign().await;
    if told == Err(TokenError::Crashed) {
        told = sign().await; // the kill was met within the call
    }
    assert_eq!(told, Err(TokenError::NotLoggedIn), "the new helper wants the PIN again");
    lab.module.login(&id, pin(PIN)).await.unwrap();
    sign().await.expect("the key is where it was");
}

#[tokio::test]
async fn tokens_that_come_and_go_are_seen() {
    let store = SoftHsm::new();
    let module = module(&store, &store.module, Deadlines::default());
    assert_eq!(module.list().await.unwrap(), [], "no key is plugged in");
    store.add_token(LABEL, PIN);
    let seen = |count: usize| {
        let module = module.clone();
        async move {
            let started = Instant::now();
            loop {
                let tokens = module.list().await.expect("SoftHSM lists");
                if tokens.len() == count {
                    return tokens;
                }
                assert!(started.elapsed() < Duration::from_secs(15), "{count} tokens were not seen, but {tokens:?}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    };
    let token = seen(1).await.remove(0);
    module.login(&token.id, pin(PIN)).await.unwrap();
    let away = store.dir.path().join("away");
    std::fs::rename(store.tokens(), &away).unwrap();
    std::fs::create_dir(store.tokens()).unwrap();
    seen(0).await;
    std::fs::remove_dir(store.tokens()).unwrap();
    std::fs::rename(&away, store.tokens()).unwrap();
    let back = seen(1).await.remove(0);
    assert_eq!(back.id, token.id, "it is the same token");
    assert!(!back.logged_in, "a token that was away wants its PIN again");
}

#[tokio::test]
async fn two_tokens_are_two() {
    let lab = Lab::new();
    lab.store.add_token("second", "2468");
    let tokens = module(&lab.store, &lab.store.module, Deadlines::default()).list().await.unwrap();
    assert_eq!(tokens.len(), 2, "{tokens:?}");
    assert_ne!(tokens[0].id, tokens[1].id);
}

#[tokio::test]
async fn a_library_that_is_no_module_is_named_as_such() {
    let store = SoftHsm::new();
    let libraries = [
        "/lib/x86_64-linux-gnu/libm.so.6",
        "/lib/aarch64-linux-gnu/libm.so.6",
        "/lib64/libm.so.6",
        r"C:\Windows\System32\version.dll",
    ];
    let library = libraries.map(PathBuf::from).into_iter().find(|path| path.is_absolute() && path.is_file());
    let library = library.expect("every system has one");
    let error = module(&store, &library, Deadlines::default()).list().await.unwrap_err();
    let TokenError::CannotLoad { reason } = error else { panic!("{error:?} does not say that it cannot be loaded") };
    assert!(reason.contains("C_GetFunctionList"), "the reason names what is missing: {reason}");
}

#[test]
fn the_helper_ends_with_its_pipe_and_dumps_nothing() {
    let store = SoftHsm::new();
    let mut child = Command::new(env!("CARGO_BIN_EXE_certdesk-token-host"))
        .arg(&store.module)
        .envs(store.environment.clone())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut greeting = [0; 5];
    child.stdout.as_mut().unwrap().read_exact(&mut greeting).expect("the helper greets");
    if cfg!(target_os = "linux") {
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().nth(4), Some("0"), "no memory dump of a helper may be written: {core}");
    }
    drop(child.stdin.take());
    let started = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(started.elapsed() < Duration::from_secs(5), "the helper outlives its supervisor");
        std::thread::yield_now();
    }
}

/// The program may die in the middle of a write: what it began is finished, for half a write is worse than none.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_call_under_way_is_finished_when_the_program_dies() {
    use certdesk_token::message::{Answer, Reply, decode};
    let lab = Lab::new();
    let id = lab.logged_in().await;
    let pair = lab.module.generate_key_pair(&id, KeyAlgorithm::EcP256, "lab", vec![1]).await.unwrap();
    let certificate = certify(&lab, &pair.spki_der, "Lab");
    let faulty = FaultyModule::named("libsofthsm2.so", &lab.store.module, &lab.store.environment);
    let place = lab.store.dir.path().join("alive");
    let alive = std::fs::File::create(&place).unwrap();
    // The program is a shell here, which hands its own pipes on to the helper.
    let mut program = Command::new("sh")
        .args(["-c", "exec 3<&0; \"$0\" \"$1\" <&3 3<&- & exec 3<&-; wait"])
        .arg(env!("CARGO_BIN_EXE_certdesk-token-host"))
        .arg(&faulty.path)
        .env(certdesk_token::module::ALIVE, &place)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut to, mut from) = (program.stdin.take().unwrap(), program.stdout.take().unwrap());
    let mut say = |number, body| to.write_all(&encode(&Numbered { id: number, body }).unwrap()).unwrap();
    let mut answer = || {
        let mut length = [0; 4];
        from.read_exact(&mut length).unwrap();
        let mut body = vec![0; u32::from_le_bytes(length) as usize];
        from.read_exact(&mut body).unwrap();
        decode::<Answer>(&body).unwrap().body
    };
    assert_eq!(answer(), Ok(Reply::Ready));
    say(1, Request::Login { token: id.clone(), pin: pin(PIN) });
    assert_eq!(answer(), Ok(Reply::Done));
    program.kill().unwrap();
    program.wait().unwrap();

    faulty.play("C_CreateObject slow 700");
    let (token, key_id, der) = (id.clone(), pair.key_id.clone(), certificate.clone());
    say(2, Request::PutCertificate { token, key_id, der, label: "Lab".into() });
    while faulty.count("C_CreateObject") == 0 {
        std::thread::yield_now();
    }
    drop(to);
    assert!(alive.try_lock().is_err(), "the next program does not see that the helper is at work");
    from.read_to_end(&mut Vec::new()).expect("the helper ends");
    alive.lock().expect("a helper that ended lets go of its file");
    let seen = module(&lab.store, &lab.store.module, Deadlines::default()).list().await.unwrap();
    assert_eq!(seen[0].certificates[0].der, certificate, "and the certificate is whole on the token");
}

#[test]
fn a_call_that_never_ends_does_not_outlive_the_program_for_long() {
    let store = SoftHsm::new();
    store.add_token(LABEL, PIN);
    let faulty = FaultyModule::named("libsofthsm2.so", &store.module, &store.environment);
    faulty.play("C_GetSlotList hang");
    let mut child = Command::new(env!("CARGO_BIN_EXE_certdesk-token-host"))
        .arg(&faulty.path)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let list = Numbered { id: 1, body: Request::List { rescan: false, thorough: false } };
    let mut to = child.stdin.take().unwrap();
    to.write_all(&encode(&list).unwrap()).unwrap();
    while faulty.count("C_GetSlotList") == 0 {
        std::thread::yield_now();
    }
    drop(to);
    let started = Instant::now();
    child.wait().unwrap();
    assert!(started.elapsed() < Duration::from_secs(15), "the helper outlives the program");
}

#[tokio::test]
async fn a_certificate_that_is_there_twice_is_there_once_after_writing_it() {
    let lab = Lab::new();
    let id = lab.logged_in().await;
    let pair = lab.module.generate_key_pair(&id, KeyAlgorithm::EcP256, "lab", vec![1]).await.unwrap();
    let certificate = certify(&lab, &pair.spki_der, "Lab");
    let file = lab.store.dir.path().join("cert.der");
    for key_id in ["77", &hex(&pair.key_id)] {
        let write = ["--token-label", LABEL, "--login", "--pin", PIN, "--type", "cert", "--id", key_id];
        lab.store.pkcs11_tool(write.into_iter().chain(["--write-object", file.to_str().unwrap()]));
    }
    assert_eq!(lab.token().await.certificates.len(), 2);
    lab.module.put_certificate(&id, &pair.key_id, certificate, "Lab").await.unwrap();
    let left = lab.token().await.certificates;
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(left[0].key_id, pair.key_id, "the one that stays is named as its key");
}

fn scheme_of_the_other(pair: &KeyPair) -> SignatureScheme {
    match pair.algorithm {
        KeyAlgorithm::EcP256 => SignatureScheme::RsaPkcs1Sha256,
        _ => SignatureScheme::EcdsaP256Sha256,
    }
}

/// The bits after the algorithm: for these kinds the BIT STRING's content is the tail of the DER.
fn subject_public_key(spki: &[u8]) -> Vec<u8> {
    match spki.len() {
        91 => spki[26..].to_vec(),
        120 => spki[23..].to_vec(),
        294 | 422 | 550 => spki[24..].to_vec(),
        other => panic!("{other} bytes are no key of these kinds"),
    }
}

fn sha1(bytes: &[u8]) -> Vec<u8> {
    ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, bytes).as_ref().to_vec()
}

/// A certificate by OpenSSL for a public key, under a throw-away CA. Its serial number is 0x0abc.
fn certify(lab: &Lab, spki: &[u8], name: &str) -> Vec<u8> {
    let dir = lab.store.dir.path();
    std::fs::write(dir.join("pub.der"), spki).unwrap();
    let steps = [
        "openssl pkey -pubin -inform DER -in pub.der -out pub.pem".to_string(),
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=Test -days 30".into(),
        format!("openssl req -new -key ca.key -utf8 -subj /C=CN/CN={name} -out any.csr"),
        "openssl x509 -req -in any.csr -force_pubkey pub.pem -CA ca.pem -CAkey ca.key -set_serial 0x0abc -days 30 -outform DER -out cert.der".into(),
    ];
    for step in steps {
        let mut words = step.split(' ');
        let output =
            Command::new(words.next().unwrap()).args(words).current_dir(dir).output().expect("install openssl");
        assert!(output.status.success(), "{step}: {}", String::from_utf8_lossy(&output.stderr));
    }
    std::fs::read(dir.join("cert.der")).unwrap()
}

/// kill -9 of the helper that serves this store.
#[cfg(windows)]
fn kill_helper(store: &SoftHsm) {
    let helper = helper_of(store);
    let kill = || Command::new("taskkill").args(["/f", "/im"]).arg(helper.file_name().unwrap()).output().unwrap();
    let killed = kill();
    assert!(killed.status.success(), "no helper serves this store: {killed:?}");
    while kill().status.success() {
        std::thread::yield_now();
    }
}

/// kill -9 of the helper that serves this store.
#[cfg(unix)]
fn kill_helper(store: &SoftHsm) {
    let dir = store.dir.path().to_str().unwrap();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let read = |name: &str| std::fs::read(entry.path().join(name)).unwrap_or_default();
        let is_helper = String::from_utf8_lossy(&read("cmdline")).contains("certdesk-token-host");
        if is_helper && String::from_utf8_lossy(&read("environ")).contains(dir) {
            let killed = Command::new("kill").arg("-9").arg(entry.file_name()).status().unwrap();
            assert!(killed.success());
            // Its program is gone before its pipes are: only a process that waits to be reaped has closed them, and only
            // once no other thread of it is left.
            let alone = || std::fs::read_dir(entry.path().join("task")).map_or(0, Iterator::count) <= 1;
            let ended = || match read("stat") {
                gone if gone.is_empty() => true,
                stat => {
                    let text = String::from_utf8_lossy(&stat);
                    text.rsplit(") ").next().is_some_and(|rest| rest.starts_with('Z')) && alone()
                }
            };
            while !ended() {
                std::thread::yield_now();
            }
            return;
        }
    }
    panic!("no helper serves this store");
}
