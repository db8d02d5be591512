//! What a profile says is heeded, as data alone: each module here has a file name of its own and a profile in TOML, as
//! anybody could publish it, and misbehaves as that profile says. Beside each stands what happens without a profile.

mod faulty;

use std::{
    ffi::OsStr,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    process::Command,
    sync::Once,
};

use certdesk_cli::journey;
use certdesk_controller::{
    Controller, LocalCode, PinEntry,
    doctor::finding::{FindingCode, Level},
    view::{PinOutcome, PinPurpose},
};
use certdesk_pki::{Csr, CsrBuilder, digest, verify};
use certdesk_token::{Deadlines, KeyAlgorithm, ObjectClass, PinTries, SignatureScheme, TokenError};
use pkcs11_profiles::Profile;
use softhsm_lab::SO_PIN;

use faulty::{Key, LABEL, PIN, pin};

/// Profiles by the end of their file's name, each with what is special about its module.
const PROFILES: [(&str, &str); 9] = [
    ("unknown", ""),
    ("gbk", "[quirks]\nlabels = \"gbk\""),
    ("silent", "[quirks]\nsilent_tries = true"),
    ("doubt", "[quirks]\nwrong_pin = [\"CKR_GENERAL_ERROR\", \"CKR_FUNCTION_FAILED\"]"),
    ("cached", "[quirks]\ncached_pin = true"),
    ("ecdsa", "[quirks]\necdsa = \"der\""),
    ("sm2raw", "[quirks.sm2]\nkey_type = 0x80010001\nsign = 0x80010002\ngenerate = 0x80010003"),
    // Another vendor: other numbers, another form.
    ("sm2der", "[quirks.sm2]\nkey_type = 0x80ab0005\nsign = 0x80ab0006\ngenerate = 0x80ab0007\nsignature = \"der\""),
    ("sm2bare", "[quirks.sm2]\nkey_type = 0x80010001\nsign = 0x80010002"),
];

/// A key behind the module of a profile.
fn key(profile: &str, script: &str) -> Key {
    static PUBLISHED: Once = Once::new();
    PUBLISHED.call_once(|| {
        let published = PROFILES.iter().filter(|(_, quirks)| !quirks.is_empty()).map(|(name, quirks)| {
            let text = format!(
                "name = \"{name}\"\nvendor = \"Lab\"\ntrust = \"tested\"\nsource = [\"the lab\"]\n\
                 file_names = [\"liblab-{name}.so\"]\n{quirks}\n"
            );
            let profile = Profile::parse(&format!("lab-{name}"), &text).expect("the profile reads");
            assert_eq!(profile.faults(&|_| false), [""; 0], "{name} makes sense");
            profile
        });
        pkcs11_profiles::overlay(published.collect());
    });
    Key::behind(&format!("liblab-{profile}.so"), script, Deadlines::default())
}

impl Key {
    /// Logged in; the token's id.
    async fn open(&self) -> String {
        self.log_in(PIN).await.expect("the PIN is right");
        self.token().await.id
    }
}

#[tokio::test]
async fn labels_in_gbk_are_read() {
    // 福州 云帆; and two bytes that are GBK and happen to be UTF-8 as well.
    for (label, told) in [("B8A3D6DDD4C6B7AB", "福州云帆"), ("C3B6", "枚")] {
        let script = format!("label hex {label}\nmanufacturer hex BBAACAA2\npad nul");
        let token = key("gbk", &script).token().await;
        assert_eq!((token.label.as_str(), token.manufacturer.as_str()), (told, "华盛"));
    }
    let seen = key("unknown", "label hex B8A3D6DDD4C6B7AB").token().await;
    assert_eq!(seen.label, "福州云帆", "what cannot be UTF-8 needs no profile");
    let doubtful = key("unknown", "label hex C3B6").token().await;
    assert_eq!(doubtful.label, "ö", "what can be both is what the standard says");

    let key = key("gbk", "label hex B8A3D6DD");
    let made = Command::new("pkcs11-tool")
        .arg("--module")
        .arg(&key.store.module)
        .args(["--token-label", LABEL, "--login", "--pin", PIN, "--keypairgen", "--key-type", "EC:prime256v1"])
        .args(["--id", "01", "--label"])
        .arg(OsStr::from_bytes(b"\xc3\xb6"))
        .envs(key.store.environment.iter().map(|(name, value)| (name, value)))
        .output();
    assert!(made.expect("install opensc").status.success());
    let id = key.open().await;
    let pairs = key.module.key_pairs(&id).await.expect("the pairs are listed");
    assert_eq!(pairs[0].label, "枚", "labels of objects are read the same way");
}

#[tokio::test]
async fn flags_that_never_warn_are_not_told_as_in_order() {
    let silent = key("silent", "flags frozen\ntries 3\nso-tries 3");
    let token = silent.token().await;
    assert_eq!((token.tries, token.so_tries), (PinTries::Unknown, PinTries::Unknown));
    assert_eq!(silent.log_in("000000").await, Err(TokenError::PinIncorrect { tries: PinTries::Unknown }));
    let unlocked = silent.module.unblock(&token.id, pin("00000000"), pin(PIN)).await;
    assert_eq!(unlocked, Err(TokenError::SoPinIncorrect { tries: PinTries::Unknown }));
    assert_eq!(key("unknown", "flags frozen").token().await.tries, PinTries::NoWarning);
    assert_eq!(key("silent", "flag CKF_USER_PIN_FINAL_TRY on").token().await.tries, PinTries::Last, "a warning is one");
}

#[tokio::test]
async fn an_answer_that_may_mean_a_wrong_pin_is_told_as_that_and_not_repeated() {
    for code in ["CKR_GENERAL_ERROR", "CKR_FUNCTION_FAILED"] {
        let key = key("doubt", &format!("tries 3\nwrong-pin {code}"));
        let doubtful = TokenError::PinDoubtful { code: code.into() };
        assert_eq!(key.log_in("000000").await, Err(doubtful.clone()));
        assert_eq!(key.faulty.pin_tries(), 1, "it went out once");
        let id = key.token().await.id;
        assert_eq!(key.module.change_pin(&id, pin("000000"), pin("246813")).await, Err(doubtful.clone()));
        assert_eq!(key.module.unblock(&id, pin("00000000"), pin("246813")).await, Err(doubtful));
        assert_eq!(key.faulty.pin_tries(), 3, "each went out once");
        // The same answer to anything else says nothing of a PIN.
        key.log_in(PIN).await.expect("the right PIN logs in");
        key.faulty.play(&format!("C_FindObjectsInit return {code}"));
        let other = key.module.key_pairs(&id).await;
        assert!(matches!(other, Err(TokenError::Driver { .. })), "{other:?}");
    }
    let other = key("doubt", "wrong-pin CKR_DEVICE_ERROR").log_in("000000").await;
    assert!(matches!(other, Err(TokenError::Driver { .. })), "of this answer the profile says nothing: {other:?}");
    let other = key("unknown", "wrong-pin CKR_GENERAL_ERROR").log_in("000000").await;
    assert!(matches!(other, Err(TokenError::Driver { .. })), "without a profile no PIN is suspected: {other:?}");
}

#[tokio::test]
async fn a_module_that_keeps_a_pin_proves_no_other_by_it() {
    let unknown = key("unknown", "cached-pin");
    unknown.open().await;
    unknown.log_in("000000").await.expect("this is what such a module does");

    let cached = key("cached", "cached-pin");
    let id = cached.open().await;
    assert_eq!(cached.log_in("000000").await, Err(TokenError::PinIncorrect { tries: PinTries::Few }));
    cached.log_in(PIN).await.expect("the right PIN logs in");
    cached.module.key_pairs(&id).await.expect("and stays logged in");
    cached.module.logout(&id).await.expect("log out");
    let wrong = cached.log_in("000000").await;
    assert!(matches!(wrong, Err(TokenError::PinIncorrect { .. })), "after a logout nothing is kept: {wrong:?}");
    let wrong = cached.module.change_pin(&id, pin("000000"), pin("246813")).await;
    assert!(matches!(wrong, Err(TokenError::PinIncorrect { .. })), "{wrong:?}");
}

#[tokio::test]
async fn elliptic_signatures_and_points_come_in_both_forms() {
    for (profile, script) in [("unknown", ""), ("unknown", "ec-point bare"), ("ecdsa", "ecdsa der\nec-point bare")] {
        let key = key(profile, script);
        let id = key.open().await;
        for algorithm in [KeyAlgorithm::EcP256, KeyAlgorithm::EcP384] {
            let name = format!("{algorithm:?}").into_bytes();
            let pair = key.module.generate_key_pair(&id, algorithm, "lab", name).await.expect("a pair is made");
            let scheme = algorithm.scheme();
            // Short numbers come about one time in 128.
            for round in 0..20u8 {
                let signed = key.module.sign(&id, &pair.key_id, scheme, vec![round]).await.expect("it signs");
                verify(&pair.spki_der, scheme, &[round], &signed).expect("and the signature is right");
            }
        }
    }
    let (raw, der) = (key("unknown", "ecdsa der"), key("ecdsa", ""));
    for key in [raw, der] {
        let id = key.open().await;
        let pair = key.module.generate_key_pair(&id, KeyAlgorithm::EcP256, "lab", vec![1]).await.expect("a pair");
        let signed = key.module.sign(&id, &pair.key_id, SignatureScheme::EcdsaP256Sha256, vec![1]).await;
        assert!(matches!(signed, Err(TokenError::Driver { .. })), "another form than told is no signature: {signed:?}");
    }
}

/// From a pair to a certificate and a signature, by a vendor's numbers alone; OpenSSL is the authority and the judge.
#[tokio::test]
async fn sm2_goes_the_whole_way_by_a_vendors_numbers() {
    for (profile, script) in [
        ("sm2raw", "sm2 80010001,80010002,80010003,raw"),
        ("sm2raw", "sm2 80010001,80010002,80010003,raw\nec-point bare"),
        ("sm2der", "sm2 80ab0005,80ab0006,80ab0007,der"),
    ] {
        let key = key(profile, script);
        let bench = Bench::new();
        let id = key.open().await;
        let pair =
            key.module.generate_key_pair(&id, KeyAlgorithm::Sm2, "certdesk 1", vec![9; 16]).await.expect("a pair");
        assert_eq!(pair.algorithm, KeyAlgorithm::Sm2);
        assert_eq!(pair.key_id, certdesk_pki::key_id(&pair.spki_der).unwrap(), "it has its lasting name");
        let again = key.module.generate_key_pair(&id, KeyAlgorithm::Sm2, "certdesk 1", vec![9; 16]).await.unwrap();
        assert_eq!(again.spki_der, pair.spki_der, "the pair without a certificate is found again, not made twice");

        let request = CsrBuilder::new(&pair.spki_der, LABEL).unwrap();
        let signature = key.signed(&id, &pair.key_id, &pair.spki_der, &request.to_be_signed()).await.expect("it signs");
        let request = request.finish(SignatureScheme::Sm2Sm3, &signature).expect("the signature is right");
        assert_eq!(Csr::parse_and_verify(&request).unwrap().algorithm, KeyAlgorithm::Sm2);
        let certificate = bench.certify(&request);
        key.module.put_certificate(&id, &pair.key_id, certificate.clone(), LABEL).await.expect("it is written");

        key.module.logout(&id).await.unwrap();
        let held = key.token().await.certificates.remove(0);
        assert_eq!((held.der, held.key_id), (certificate, pair.key_id.clone()));
        assert!(held.has_private_key, "its key is seen without a login, by the public half");
        let unopened = key.signed(&id, &pair.key_id, &pair.spki_der, b"message").await;
        assert_eq!(unopened, Err(TokenError::NotLoggedIn));

        key.log_in(PIN).await.unwrap();
        for message in [&b""[..], "给服务的话".as_bytes()] {
            let signature = key.signed(&id, &pair.key_id, &pair.spki_der, message).await.expect("it signs");
            assert_eq!(signature.len(), 64, "whatever the module gives, here it is r and s");
            verify(&pair.spki_der, SignatureScheme::Sm2Sm3, message, &signature).expect("it verifies here");
            bench.verify(message, &signature);
        }
        let objects = key.module.objects(&id).await.expect("the helpdesk sees it");
        let private = objects.iter().find(|object| object.class == ObjectClass::PrivateKey).expect("a private key");
        assert!(private.kind.as_deref().is_some_and(|kind| kind.starts_with("CKK_VENDOR_DEFINED 0x80")), "{private:?}");
        assert_eq!(private.bits, Some(256));

        key.module.remove_key_pair(&id, &pair.key_id).await.expect("it is removed");
        assert_eq!(key.module.key_pairs(&id).await.unwrap(), [], "and both halves are gone");
    }
}

#[tokio::test]
async fn sm2_in_another_form_than_told_or_untold_is_refused_in_words() {
    // A module that gives DER where its profile says nothing of it, and the other way round.
    for (profile, script) in
        [("sm2raw", "sm2 80010001,80010002,80010003,der"), ("sm2der", "sm2 80ab0005,80ab0006,80ab0007,raw")]
    {
        let key = key(profile, script);
        let id = key.open().await;
        let pair = key.module.generate_key_pair(&id, KeyAlgorithm::Sm2, "lab", vec![1]).await.expect("a pair is made");
        let refused = key.signed(&id, &pair.key_id, &pair.spki_der, b"message").await.unwrap_err();
        assert!(matches!(&refused, TokenError::Driver { call, .. } if call == "C_Sign"), "{script}: {refused:?}");
    }
    // A profile without a number for making pairs, a module without SM2, and no profile.
    for (profile, script) in [
        ("sm2bare", "sm2 80010001,80010002,80010003,raw"),
        ("sm2raw", ""),
        ("unknown", "sm2 80010001,80010002,80010003,raw"),
    ] {
        let key = key(profile, script);
        let id = key.open().await;
        let made = key.module.generate_key_pair(&id, KeyAlgorithm::Sm2, "lab", vec![1]).await;
        assert!(matches!(made, Err(TokenError::Unsupported { .. })), "{profile}: {made:?}");
        assert_eq!(key.module.key_pairs(&id).await.unwrap(), [], "{profile}: and nothing is left of the try");
    }
}

/// What the whole program makes of such a key: it is shown for what it is, its signature is tested, and nobody is sent into
/// a login that cannot be.
#[tokio::test(flavor = "multi_thread")]
async fn the_program_says_what_an_sm2_key_can_do_and_what_not() {
    let key = key("sm2raw", "sm2 80010001,80010002,80010003,raw");
    let id = key.open().await;
    let pair = key.module.generate_key_pair(&id, KeyAlgorithm::Sm2, "lab", vec![1]).await.expect("a pair is made");
    let request = CsrBuilder::new(&pair.spki_der, LABEL).unwrap();
    let signature = key.signed(&id, &pair.key_id, &pair.spki_der, &request.to_be_signed()).await.expect("it signs");
    let request = request.finish(SignatureScheme::Sm2Sm3, &signature).expect("the signature is right");
    let certificate = Bench::new().certify(&request);
    key.module.put_certificate(&id, &pair.key_id, certificate.clone(), LABEL).await.expect("it is written");
    let fingerprint = certdesk_pki::Certificate::parse(&certificate).expect("it reads").fingerprint();

    let data = tempfile::tempdir().expect("a folder can be made");
    let nowhere = "https://127.0.0.1:9".to_owned();
    let options = journey::options(
        data.path().to_owned(),
        nowhere,
        vec![key.faulty.path.clone()],
        softhsm_lab::host_program().to_owned(),
    );
    let certdesk = Controller::start(options);
    let strip = certdesk.refresh_keys().await.expect("the keys are seen");
    let view = &strip.keys[0];
    assert_eq!((view.holder.as_deref(), view.can_log_in), (Some(LABEL), false), "its certificate is shown: {view:?}");
    let refused = certdesk.prepare_pin(PinPurpose::LogIn { key: id.clone() }).await.unwrap_err();
    assert!(refused.is(LocalCode::CertificateUnusable), "not “no certificate”: {refused:?}");
    assert_eq!(key.faulty.pin_tries(), 1, "and no PIN is asked for");

    let test = PinPurpose::TestKey { key: id.clone(), fingerprint };
    let ticket = certdesk.prepare_pin(test).await.expect("a test is asked for").ticket;
    let tested = certdesk.submit_pin(PinEntry { ticket, confirmed: false, pin: pin(PIN) }).await;
    assert!(matches!(tested, Ok(PinOutcome::Tested)), "its signature is right: {tested:?}");

    let examination = certdesk.examine().await.expect("the doctor looks");
    assert!(!examination.usable, "no key here can log in");
    let unfit = examination.findings.iter().find(|finding| finding.code == FindingCode::KeyUnfit);
    assert_eq!(unfit.map(|finding| finding.level), Some(Level::Problem), "and the doctor says why: {examination:?}");
    assert!(!examination.findings.iter().any(|finding| finding.code == FindingCode::KeyEmpty), "the key is not empty");
}

/// A module that says nothing special about itself still misbehaves; no profile is needed for these.
#[tokio::test]
async fn a_clock_that_is_none_and_a_flag_that_stays_keep_nobody_out() {
    let key = key("unknown", "clock text 10:31:41\nflag CKF_USER_PIN_LOCKED on");
    let token = key.token().await;
    assert_eq!((token.label.as_str(), token.tries), (LABEL, PinTries::Locked));
    key.module.unblock(&token.id, pin(SO_PIN), pin(PIN)).await.expect("the SO PIN is right");
    assert_eq!(key.token().await.tries, PinTries::Unknown, "the flag is not believed any more");
    let wrong = key.log_in("000000").await;
    assert_eq!(wrong, Err(TokenError::PinIncorrect { tries: PinTries::Unknown }), "a slip is a slip, not a lock");
    assert_eq!(key.token().await.tries, PinTries::Unknown, "and the person may try again");
    key.log_in(PIN).await.expect("the new PIN logs in");
    assert_eq!(key.token().await.tries, PinTries::Locked, "after a right PIN its flags count again");
    key.module.unblock(&token.id, pin(SO_PIN), pin(PIN)).await.expect("the SO PIN is right");
    key.faulty.play("flag CKF_USER_PIN_LOCKED on\nC_Login return CKR_PIN_LOCKED");
    assert_eq!(key.log_in(PIN).await, Err(TokenError::PinLocked));
    assert_eq!(key.token().await.tries, PinTries::Locked, "what the token answers goes before everything");
}

impl Key {
    async fn signed(&self, id: &str, key_id: &[u8], spki: &[u8], message: &[u8]) -> Result<Vec<u8>, TokenError> {
        let digest = digest(spki, SignatureScheme::Sm2Sm3, message).expect("an SM2 key");
        self.module.sign_digest(id, key_id, SignatureScheme::Sm2Sm3, digest).await
    }
}

/// A folder in which `openssl` runs.
struct Bench(tempfile::TempDir);

impl Bench {
    const SIGNER: &str = "distid:1234567812345678";

    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder can be made"))
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::new(self.0.path()).join(name)
    }

    fn openssl(&self, line: &str) {
        let output = Command::new("openssl").args(line.split(' ')).current_dir(self.0.path()).output();
        let output = output.expect("openssl is installed");
        assert!(output.status.success(), "openssl {line}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// A certificate for a request, which `openssl` verifies, by an SM2 authority.
    fn certify(&self, request: &[u8]) -> Vec<u8> {
        let signer = Self::SIGNER;
        std::fs::write(self.path("request.der"), request).expect("the folder takes files");
        self.openssl(&format!("req -verify -inform DER -in request.der -noout -vfyopt {signer}"));
        self.openssl("genpkey -quiet -algorithm SM2 -out ca.pem");
        self.openssl(&format!("req -x509 -key ca.pem -subj /CN=Lab -days 20 -sm3 -sigopt {signer} -out ca.crt"));
        self.openssl(&format!(
            "x509 -req -inform DER -in request.der -CA ca.crt -CAkey ca.pem -days 20 -sm3 -sigopt {signer} -vfyopt \
             {signer} -outform DER -out leaf.der"
        ));
        self.openssl("x509 -inform DER -in leaf.der -pubkey -noout -out leaf.pub");
        std::fs::read(self.path("leaf.der")).expect("openssl wrote it")
    }

    /// Fails where `openssl` does not take the signature for the certificate's key.
    fn verify(&self, message: &[u8], signature: &[u8]) {
        let number = |half: &[u8]| {
            let half = &half[half.iter().take_while(|byte| **byte == 0).count()..];
            let zero: &[u8] = if half[0] > 0x7f { &[0] } else { &[] };
            [&[2, (zero.len() + half.len()) as u8], zero, half].concat()
        };
        let (r, s) = signature.split_at(32);
        let numbers = [number(r), number(s)].concat();
        let der = [vec![0x30, numbers.len() as u8], numbers].concat();
        std::fs::write(self.path("message"), message).expect("the folder takes files");
        std::fs::write(self.path("signature"), der).expect("the folder takes files");
        self.openssl(&format!(
            "pkeyutl -verify -rawin -digest sm3 -pubin -inkey leaf.pub -in message -sigfile signature -pkeyopt {}",
            Self::SIGNER
        ));
    }
}
