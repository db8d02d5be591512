//! Signed forms: what is signed verifies, what was changed does not, and judges that are not ours agree.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use certdesk_domain::{
    AccountKind, Business, IdKind,
    form::{Address, Handler, Person},
    token::SignatureScheme,
};
use certdesk_forms::{FormData, application_form};
use certdesk_pki::{
    Certificate, PkiError,
    pdf::{SignatureError, looks_signed, prepare, verify},
};
use proptest::prelude::*;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SubjectPublicKeyInfo,
};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use softhsm_lab::SoftHsm;
use time::macros::datetime;

const AT: time::OffsetDateTime = datetime!(2026-11-22 10:20:30 UTC);

fn form(name: &str) -> Vec<u8> {
    let data = FormData {
        business: Business::Renew,
        account: AccountKind::Enterprise,
        unit_name: Some("福州云帆测试科技有限公司".into()),
        legal_representative: Some("林䶮".into()),
        handler: Handler {
            credit_code: "91350100M000100Y43".into(),
            address: Address { region: "350104".into(), detail: "金山大道 618 号".into() },
            person: Person { name: name.into(), id_kind: IdKind::ResidentId, id_number: "11010519491231002X".into() },
            phone: "13800138000".into(),
            email: "wang.yan@yunfan-test.example.com".into(),
        },
        certificate: None,
        changes: Vec::new(),
        reason: None,
        key_signature: true,
        ca_name: "云帆演示数字证书认证中心".into(),
        reference: "019A-7C3E".into(),
        date: time::macros::date!(2026 - 11 - 22),
    };
    application_form(&data).unwrap().bytes
}

/// A form of several pages.
fn long_form() -> Vec<u8> {
    form(&"王䶮".repeat(900))
}

/// Root and issuing certificate, as the demo authority has them.
struct Authority {
    root: Vec<u8>,
    issuing: Vec<u8>,
    issuer: Issuer<'static, KeyPair>,
}

fn authority() -> Authority {
    let ca = |name: &str| {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.use_authority_key_identifier_extension = true;
        params.not_before = AT - time::Duration::days(30);
        params.not_after = AT + time::Duration::days(3650);
        params
    };
    let (root_key, issuing_key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let (root_params, issuing_params) = (ca("测试根"), ca("测试签发"));
    let root = root_params.self_signed(&root_key).unwrap().der().to_vec();
    let root_issuer = Issuer::from_params(&root_params, &root_key);
    let issuing = issuing_params.signed_by(&issuing_key, &root_issuer).unwrap().der().to_vec();
    Authority { root, issuing, issuer: Issuer::new(issuing_params, issuing_key) }
}

impl Authority {
    fn certify(&self, spki: &[u8]) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "福州云帆测试科技有限公司");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::ContentCommitment];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::EmailProtection];
        params.use_authority_key_identifier_extension = true;
        params.not_before = AT - time::Duration::days(30);
        params.not_after = AT + time::Duration::days(3650);
        params.signed_by(&SubjectPublicKeyInfo::from_der(spki).unwrap(), &self.issuer).unwrap().der().to_vec()
    }

    fn chain(&self) -> Vec<Vec<u8>> {
        vec![self.issuing.clone(), self.root.clone()]
    }
}

/// A key in this process, for what needs no token.
struct Signer {
    key: EcdsaKeyPair,
    certificate: Vec<u8>,
    chain: Vec<Vec<u8>>,
}

impl Signer {
    fn new() -> Self {
        let pair = KeyPair::generate().unwrap();
        let key =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pair.serialize_der(), &SystemRandom::new());
        let authority = authority();
        let certificate = authority.certify(&rcgen::PublicKeyData::subject_public_key_info(&pair));
        Self { key: key.unwrap(), certificate, chain: authority.chain() }
    }

    fn sign(&self, form: &[u8]) -> Vec<u8> {
        let prepared = prepare(form, &self.certificate, &self.chain, AT).unwrap();
        let signature = self.key.sign(&SystemRandom::new(), &prepared.to_be_signed()).unwrap();
        prepared.finish(SignatureScheme::EcdsaP256Sha256, signature.as_ref()).unwrap()
    }
}

fn sha256(bytes: &[u8]) -> String {
    ring::digest::digest(&ring::digest::SHA256, bytes).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A form and the same signed, made once.
fn good() -> &'static (Vec<u8>, Vec<u8>) {
    static GOOD: OnceLock<(Vec<u8>, Vec<u8>)> = OnceLock::new();
    GOOD.get_or_init(|| {
        let form = form("王䶮");
        let signed = Signer::new().sign(&form);
        (form, signed)
    })
}

#[test]
fn what_is_signed_verifies_and_says_what_was_signed() {
    let signer = Signer::new();
    for form in [form("王䶮"), long_form()] {
        let signed = signer.sign(&form);
        assert_eq!(&signed[..form.len()], form, "the form's own bytes are untouched");
        assert!(looks_signed(&signed) && !looks_signed(&form));
        let verified = verify(&signed).expect("it verifies");
        assert_eq!(verified.certificate_der, signer.certificate, "with the signer's certificate");
        assert_eq!(verified.original_sha256, sha256(&form), "over this form");
        assert_eq!(verified.at, AT, "at the time that was claimed");
        let again = prepare(&signed, &signer.certificate, &[], AT).map(drop);
        assert_eq!(again, Err(SignatureError::NotAForm), "one signature a form");
    }
}

/// What is signed lies with people and at services for years: however signing is done one day, this must verify.
#[test]
fn a_form_signed_by_the_first_version_verifies() {
    let signed = include_bytes!("signed-by-0.1.0.pdf");
    let verified = verify(signed).expect("it verifies");
    assert_eq!(verified.at, AT);
    assert_eq!(Certificate::parse(&verified.certificate_der).unwrap().holder, "福州云帆测试科技有限公司");
}

#[test]
fn a_signature_of_another_key_or_scheme_is_found_out_at_once() {
    let (signer, other) = (Signer::new(), Signer::new());
    let prepared = prepare(&good().0, &signer.certificate, &signer.chain, AT).unwrap();
    let foreign = other.key.sign(&SystemRandom::new(), &prepared.to_be_signed()).unwrap();
    let outcome = prepared.clone().finish(SignatureScheme::EcdsaP256Sha256, foreign.as_ref());
    assert_eq!(outcome, Err(SignatureError::Pki(PkiError::BadSignature)), "a token that signs with another key");
    let outcome = prepared.finish(SignatureScheme::RsaPssSha256, foreign.as_ref());
    assert_eq!(outcome, Err(SignatureError::Pki(PkiError::UnsupportedKey)), "a scheme the key has not");
}

#[test]
fn nothing_can_be_put_into_a_signed_form() {
    let (form, signed) = good();
    let refused = |changed: Vec<u8>, what: &str| assert!(verify(&changed).is_err(), "{what} is found out");
    refused(form.clone(), "no signature at all");
    refused([signed.as_slice(), b"\n"].concat(), "a byte behind the end");
    refused(
        [signed.as_slice(), b"\n1 0 obj\n<<>>\nendobj\nstartxref\n1\n%%EOF"].concat(),
        "an update behind the signature",
    );
    refused(signed[..signed.len() - 1].to_vec(), "a file that is cut");
    let at = |needle: &[u8]| signed.windows(needle.len()).rposition(|window| window == needle).unwrap();
    for (what, place) in [
        ("another claimed time", at(b"/M(D:2026") + 8),
        ("another name", at(b"/Name<FEFF") + 12),
        ("another document", 100),
        ("an unused digit of the signature", at(b"/Contents<") + 10 + 32_000),
        ("another range", at(b"/ByteRange[0 ") + 13),
        ("another table", at(b"startxref\n") + 10),
    ] {
        let mut changed = signed.clone();
        changed[place] = if changed[place] == b'1' { b'2' } else { b'1' };
        refused(changed, what);
    }
    // The same digits in the other case read the same, and are not the same.
    let mut changed = signed.clone();
    let digits = at(b"/Contents<") + 10;
    changed[digits..digits + 4000].make_ascii_lowercase();
    refused(changed, "a signature that is spelt otherwise");
}

#[test]
fn a_file_made_to_look_signed_is_not_signed() {
    let scan = b"%PDF-1.7\n1 0 obj\n<</Type/Sig/SubFilter/ETSI.CAdES.detached/ByteRange[0 1 2 3]/Contents<00>>>\nendobj\n%%EOF";
    assert!(looks_signed(scan), "it claims to be");
    assert_eq!(verify(scan), Err(SignatureError::NotWhole));
    // A signature moved to another form.
    let (form, signed) = good();
    let other = self::form("李四");
    let moved = [other.as_slice(), &signed[form.len()..]].concat();
    assert!(verify(&moved).is_err(), "a signature is worth nothing under another form");
}

#[test]
fn what_is_no_form_of_ours_is_not_signed() {
    let signer = Signer::new();
    for file in [
        &b""[..],
        b"%PDF-1.7\n%%EOF",
        b"%PDF-1.4\nstartxref\n9\n%%EOF",
        b"xref\n0 1\ntrailer\n<<>>\nstartxref\n0\n%%EOF",
    ] {
        assert_eq!(prepare(file, &signer.certificate, &[], AT).map(drop), Err(SignatureError::NotAForm));
    }
    assert!(matches!(prepare(&good().0, b"no certificate", &[], AT), Err(SignatureError::Pki(_))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn damage_anywhere_is_found_and_nothing_panics(place in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let mut file = good().1.clone();
        let place = place.index(file.len());
        prop_assume!(file[place] != byte);
        file[place] = byte;
        if cut {
            file.truncate(place);
        }
        prop_assert!(verify(&file).is_err());
    }

    #[test]
    fn forms_that_are_damaged_are_signed_or_refused(place in any::<prop::sample::Index>(), bytes in prop::collection::vec(any::<u8>(), 0..40), tail in 0usize..4000) {
        // Mostly where the tables are.
        let mut file = good().0.clone();
        let from = file.len() - tail.min(file.len());
        let place = from + place.index(tail.max(1)).min(file.len() - from);
        let end = (place + bytes.len()).min(file.len());
        file.splice(place..end, bytes);
        let _ = prepare(&file, &signer_for_damage().certificate, &[], AT);
    }

    #[test]
    fn noise_is_no_signed_form(noise in prop::collection::vec(any::<u8>(), 0..2000)) {
        prop_assert!(verify(&noise).is_err());
        prop_assert!(verify(&[&b"%PDF-1.7 %%EOF\n/M(D:20261122102030Z)/Contents<"[..], &noise, b"%%EOF"].concat()).is_err());
    }
}

fn signer_for_damage() -> &'static Signer {
    static SIGNER: OnceLock<Signer> = OnceLock::new();
    SIGNER.get_or_init(Signer::new)
}

const LABEL: &str = "福州云帆";
const PIN: &str = "135790";

/// A form signed by a key on a token, and the root its certificate leads to.
fn signed_by_token(kind: &str, form: &[u8], folder: &Path) -> (Vec<u8>, PathBuf) {
    let store = SoftHsm::new();
    store.add_token(LABEL, PIN);
    let login = ["--token-label", LABEL, "--login", "--pin", PIN, "--id", "01"];
    let run = |more: &[&str]| store.pkcs11_tool(login.iter().chain(more).copied());
    let file = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    run(&["--keypairgen", "--key-type", kind]);
    run(&["--read-object", "--type", "pubkey", "--output-file", &file("key.spki")]);
    let authority = authority();
    let certificate = authority.certify(&std::fs::read(file("key.spki")).unwrap());

    let prepared = prepare(form, &certificate, &authority.chain(), AT).unwrap();
    let (mechanism, message) = match prepared.scheme() {
        SignatureScheme::EcdsaP256Sha256 => {
            let hash = ring::digest::digest(&ring::digest::SHA256, &prepared.to_be_signed()).as_ref().to_vec();
            ("ECDSA", hash)
        }
        _ => ("SHA256-RSA-PKCS", prepared.to_be_signed()),
    };
    std::fs::write(file("message"), message).unwrap();
    run(&["--sign", "--mechanism", mechanism, "--input-file", &file("message"), "--output-file", &file("signature")]);
    let signature = std::fs::read(file("signature")).unwrap();
    let scheme = prepared.scheme();
    let signed = prepared.finish(scheme, &signature).expect("what the token signed verifies");
    let root = folder.join("root.pem");
    std::fs::write(&root, Certificate::parse(&authority.root).unwrap().pem()).unwrap();
    (signed, root)
}

/// What a judge says; `None`, said so, where it is not installed.
fn judged(program: impl AsRef<std::ffi::OsStr>, arguments: &[&str]) -> Option<String> {
    let program = program.as_ref();
    match Command::new(program).args(arguments).output() {
        Ok(output) => {
            let said = [output.stdout, output.stderr].concat();
            let said = String::from_utf8_lossy(&said).into_owned();
            assert!(output.status.success(), "{} accepts the signed form: {said}", program.to_string_lossy());
            Some(said)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            println!("skipped: no {} here", program.to_string_lossy());
            None
        }
        Err(error) => panic!("{}: {error}", program.to_string_lossy()),
    }
}

#[test]
#[cfg_attr(windows, ignore = "none of these programs is there")]
fn outside_judges_call_it_valid() {
    for kind in ["rsa:2048", "EC:prime256v1"] {
        for form in [form("王䶮"), long_form()] {
            let folder = tempfile::tempdir().unwrap();
            let (signed, root) = signed_by_token(kind, &form, folder.path());
            assert_eq!(verify(&signed).map(|it| it.original_sha256), Ok(sha256(&form)), "{kind}: we do ourselves");
            let path = folder.path().join("form.pdf");
            std::fs::write(&path, &signed).unwrap();
            let (path, root) = (path.to_str().unwrap(), root.to_str().unwrap());
            if let Some(said) = judged("pdfsig", &["-nocert", path]) {
                assert!(said.contains("Signature Validation: Signature is Valid."), "{kind}: {said}");
                assert!(said.contains("Total document signed"), "{kind}: {said}");
                assert!(
                    said.contains("ETSI.CAdES.detached") && said.contains("福州云帆测试科技有限公司"),
                    "{kind}: {said}"
                );
                assert_eq!(said.matches("Signature #").count(), 1, "{kind}: {said}");
            }
            if let Some(said) = judged("qpdf", &["--check", path]) {
                assert!(said.contains("No syntax or stream encoding errors"), "{kind}: {said}");
            }
            if let Some(said) = judged("pdftotext", &["-layout", path, "-"]) {
                assert!(said.contains("林䶮") && said.contains("91350100M000100Y43"), "{kind}: {said}");
            }
            if let Some(info) = judged("pdfinfo", &["-struct", path]) {
                assert!(info.contains("Form"), "{kind}: the field has its place in the structure: {info}");
            }
            if let Some(python) = pyhanko() {
                let script = ["-c", PYHANKO, root, path];
                let said = judged(python, &script).unwrap_or_default();
                assert!(said.contains("ENTIRE_FILE") && said.contains("valid=True trusted=True"), "{kind}: {said}");
            }
        }
    }
}

/// pyHanko as a PAdES baseline validator: at the claimed time, to our root, without revocation (B-B carries none).
const PYHANKO: &str = r#"
import sys
from pyhanko.keys import load_cert_from_pemder
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
root, path = sys.argv[1:]
with open(path, "rb") as file:
    [signature] = PdfFileReader(file, strict=True).embedded_signatures
    signature.compute_integrity_info()
    at = signature.self_reported_timestamp
    assert at is not None, "no time in /M"
    context = ValidationContext(trust_roots=[load_cert_from_pemder(root)], allow_fetching=False, moment=at)
    status = validate_pdf_signature(signature, context)
    attributes = {attribute["type"].native for attribute in signature.signer_info["signed_attrs"]}
    assert attributes == {"content_type", "message_digest", "signing_certificate_v2"}, attributes
    assert signature.sig_object["/SubFilter"] == "/ETSI.CAdES.detached"
    print(status.pretty_print_details())
    print(status.coverage.name, f"valid={status.valid} trusted={status.trusted} bottom_line={status.bottom_line}")
    assert status.bottom_line, status.summary()
"#;

/// A Python with pyHanko, set up once under the target directory; `None`, with the reason printed, where it cannot be.
fn pyhanko() -> Option<&'static Path> {
    static PYTHON: OnceLock<Option<PathBuf>> = OnceLock::new();
    let set_up = || {
        let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pyhanko-venv");
        stage::python_with(&venv, "pyhanko", "pyHanko==0.38.0")
    };
    PYTHON.get_or_init(set_up).as_deref()
}
