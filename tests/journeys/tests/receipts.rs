//! Acts signed by a key, and what is left of them: the receipt a person saves, verified by our own program and by others.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Arc,
};

use anyhow::{Context, Result, ensure};
use certdesk_cli::receipt;
use certdesk_contract::{
    application::{LegalAct, ReceiptRecord},
    receipt::{Jws, Opened},
    signature::{ACT_LABEL, RequestHead, SIGNATURE, SIGNATURE_INPUT, Signed},
};
use certdesk_controller::{
    Controller, Failure,
    picker::{OpenQuestion, Picker, SaveQuestion},
    view::PinPurpose,
};
use certdesk_domain::{AccountKind, Business, State, token::KeyAlgorithm};
use certdesk_pki::Certificate;
use futures_util::future::BoxFuture;
use journeys::{PIN, Stage, failed};
use stage::program;

/// Saves everything under its offered name in one folder.
struct SaveTo(PathBuf);

impl Picker for SaveTo {
    fn open(&self, _: OpenQuestion) -> BoxFuture<'_, Result<Option<Vec<PathBuf>>, Failure>> {
        Box::pin(async { Ok(None) })
    }

    fn save(&self, question: SaveQuestion) -> BoxFuture<'_, Result<Option<PathBuf>, Failure>> {
        let path = self.0.join(question.file_name);
        Box::pin(async { Ok(Some(path)) })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_only_signs_pkcs1_leaves_receipts_that_stand() -> Result<()> {
    whole(KeyAlgorithm::Rsa2048, "rsa-v1_5-sha256").await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ec_key_leaves_receipts_that_stand() -> Result<()> {
    whole(KeyAlgorithm::EcP256, "ecdsa-p256-sha256").await
}

/// Handed in by password, then changed and taken back by key: three receipts.
async fn whole(algorithm: KeyAlgorithm, name: &str) -> Result<()> {
    let stage = Stage::set()?;
    let mut options = stage.options()?;
    options.picker = Arc::new(SaveTo(stage.scratch()));
    let certdesk = Controller::start(options);
    let journey = stage.journey_of(&certdesk, AccountKind::Enterprise, algorithm)?;
    let account = journey.register().await?;
    let first = journey.fill_in().await?.id;
    journey.hand_in(first).await?;
    journey.be_approved(first).await?;
    journey.make_certificate(first).await?;
    journey.log_in_with_key(&account).await?;

    let serial = certdesk.certificates().await.map_err(failed)?.remove(0).serial;
    let draft = certdesk.start_application(Business::Change, Some(serial.clone())).await.map_err(failed)?.id;
    let field = "change.organisation.name".to_owned();
    certdesk.save_field(draft, field, "厦门云帆测试科技有限公司".to_owned()).await.map_err(failed)?;
    journey.complete(draft).await?;
    let submitted = certdesk.submit(draft, true).await.map_err(failed)?.receipt.application;
    // The key was locked meanwhile: the person is asked, with the act as the reason.
    let key = certdesk.home().await.map_err(failed)?.session.and_then(|session| session.key).context("no key")?;
    ensure!(submitted.receipts.len() == 1 && submitted.receipts[0].signed_by_key, "the key signed: {submitted:?}");
    let outcome = journey.give_pin(PinPurpose::Withdraw { key, application: draft }, PIN).await?;
    let certdesk_controller::view::PinOutcome::Withdrawn { application } = outcome else {
        anyhow::bail!("the PIN led to {outcome:?}")
    };
    assert_eq!(application.application.state, State::Withdrawn);

    let root = stage.scratch().join("service/data/ca/root.pem");
    let by_password = certdesk.application(first).await.map_err(failed)?.application.receipts;
    let acts = by_password.iter().chain(&application.application.receipts);
    let mut seen = Vec::new();
    for record in acts {
        let file = saved(&certdesk, &stage, record).await?;
        let said = told(&verify(&file, &[&root])?, 0)?;
        assert_eq!(said["says"]["number"].as_str().map(|number| &number[..2]), Some("CD"), "{said:#}");
        let signed = (said["says"]["algorithm"].as_str(), said["says"]["certificate"].as_str());
        let expected = if record.signed_by_key { (Some(name), Some(serial.as_str())) } else { (None, None) };
        assert_eq!(signed, expected, "the receipt tells who signed and how");
        seen.push((record.act, said["says"]["business"].as_str().unwrap_or_default().to_owned()));
        told(&verify(&file, &[])?, 3).context("without a CA nobody vouches")?;
        if record.signed_by_key {
            let opened = Jws::open(&std::fs::read(&file)?)?;
            openssl_verifies(&stage, &opened, algorithm)?;
        }
    }
    let (new, change) = ("new".to_owned(), "change".to_owned());
    let expected = [(LegalAct::Submit, new), (LegalAct::Submit, change.clone()), (LegalAct::Withdraw, change)];
    assert_eq!(seen, expected);

    // Shown to a person.
    let file = saved(&certdesk, &stage, &application.application.receipts[0]).await?;
    let shown = run(&file, &[&root], &[])?;
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("VERIFIED") && shown.contains("福州云帆测试科技有限公司"), "{shown}");
    // Another authority, of whatever name, vouches for nothing.
    let foreign = stage.scratch().join("foreign.pem");
    std::fs::write(&foreign, foreign_ca()?)?;
    told(&verify(&file, &[&foreign])?, 1).context("another CA does not vouch")?;
    no_byte_can_be_changed(&file, &root)?;
    joserfc_verifies(&file)
}

async fn saved(certdesk: &Controller, stage: &Stage, record: &ReceiptRecord) -> Result<PathBuf> {
    let name = certdesk.save_receipt(record.id).await.map_err(failed)?.context("it was not saved")?;
    let to = stage.scratch().join(format!("{}.json", record.id));
    std::fs::rename(stage.scratch().join(name), &to)?;
    Ok(to)
}

fn run(file: &Path, authorities: &[&Path], more: &[&str]) -> Result<Output> {
    let mut command = Command::new(program("certdesk-cli")?);
    command.args(["receipt", "verify"]).arg(file).args(more);
    for authority in authorities {
        command.arg("--ca").arg(authority);
    }
    Ok(command.output()?)
}

fn verify(file: &Path, authorities: &[&Path]) -> Result<Output> {
    run(file, authorities, &["--json"])
}

fn told(output: &Output, code: i32) -> Result<serde_json::Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    let ended = output.status.code();
    ensure!(ended == Some(code), "ended with {ended:?}, not {code}: {text}{complaint}");
    Ok(serde_json::from_str(&text)?)
}

/// Here and there in the whole file, each byte replaced by another.
fn no_byte_can_be_changed(file: &Path, root: &Path) -> Result<()> {
    let whole = std::fs::read(file)?;
    let pem = std::fs::read_to_string(root)?;
    let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let root = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, body)?;
    ensure!(receipt::verify(&whole, &[&root])?.verified, "untouched it holds");
    let step = whole.len() / 500 + 1;
    for at in (0..whole.len()).step_by(step).chain(whole.len().saturating_sub(120)..whole.len()) {
        let mut changed = whole.clone();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let holds = receipt::verify(&changed, &[&root]).is_ok_and(|report| report.verified);
        ensure!(!holds, "byte {at} of {} was changed, and nobody noticed", whole.len());
    }
    Ok(())
}

/// The signature of the key over the signature base, checked by OpenSSL.
fn openssl_verifies(stage: &Stage, opened: &Opened, algorithm: KeyAlgorithm) -> Result<()> {
    let request = &opened.statement.request;
    let fields = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let head = RequestHead::new(&request.method, &request.target_uri, fields)?;
    let line = |name: &str| {
        let found = request.headers.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    };
    let signed = Signed::read(line(SIGNATURE_INPUT), line(SIGNATURE), ACT_LABEL)?.context("no act signature")?;
    let base = signed.base(&head, !request.body_b64.is_empty())?;
    let der = request.certificate_b64.as_ref().context("no certificate")?;
    let der = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, der)?;
    let at = |name: &str| stage.scratch().join(name);
    std::fs::write(at("signer.pem"), Certificate::parse(&der)?.pem())?;
    std::fs::write(at("base"), base)?;
    let signature = match algorithm {
        KeyAlgorithm::EcP256 => ecdsa_der(&signed.signature),
        _ => signed.signature,
    };
    std::fs::write(at("signature"), signature)?;
    let key = Command::new("openssl").args(["x509", "-noout", "-pubkey", "-in"]).arg(at("signer.pem")).output()?;
    std::fs::write(at("key.pem"), key.stdout)?;
    let mut openssl = Command::new("openssl");
    openssl.args(["dgst", "-sha256", "-verify"]).arg(at("key.pem"));
    let judged = openssl.arg("-signature").arg(at("signature")).arg(at("base")).output()?;
    let said = String::from_utf8_lossy(&judged.stdout).into_owned();
    ensure!(judged.status.success() && said.contains("Verified OK"), "openssl: {said}");
    Ok(())
}

/// Raw `r‖s` as OpenSSL wants it (RFC 3279 §2.2.3).
fn ecdsa_der(raw: &[u8]) -> Vec<u8> {
    let mut both = Vec::new();
    for half in raw.chunks(32) {
        let skip = half.iter().take_while(|&&byte| byte == 0).count();
        let mut number = half[skip..].to_vec();
        if number.first().is_none_or(|&first| first >= 0x80) {
            number.insert(0, 0);
        }
        both.extend([2, u8::try_from(number.len()).unwrap_or_default()]);
        both.extend(number);
    }
    let length = u8::try_from(both.len()).unwrap_or_default();
    [vec![0x30, length], both].concat()
}

fn foreign_ca() -> Result<String> {
    let key = rcgen::KeyPair::generate()?;
    let mut params = rcgen::CertificateParams::default();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, "Certdesk Demo Root CA (not licensed)");
    Ok(params.self_signed(&key)?.pem())
}

/// `joserfc` (PyPI) is a JOSE library that is not ours.
fn joserfc_verifies(file: &Path) -> Result<()> {
    let venv = Path::new(env!("CARGO_TARGET_TMPDIR")).join("joserfc-venv");
    let Some(python) = stage::python_with(&venv, "joserfc", "joserfc>=1.0") else { return Ok(()) };
    let script = r#"
import base64, json, sys
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jws
from joserfc.jwk import ECKey
receipt = json.load(open(sys.argv[1]))
part = lambda text: base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
header = json.loads(part(receipt["protected"]))
signer = x509.load_der_x509_certificate(base64.b64decode(header["x5c"][0]))
key = ECKey.import_key(signer.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
# Its own limits are made for tokens; a receipt carries certificates and the request.
registry = jws.JWSRegistry(algorithms=["ES256"])
registry.max_header_length = registry.max_payload_length = 1 << 20
verified = jws.deserialize_json(receipt, key, registry=registry)
assert json.loads(verified.payload)["act"] == "submit"
receipt["payload"] = receipt["payload"][:-2] + ("AA" if receipt["payload"][-2:] != "AA" else "BB")
try:
    jws.deserialize_json(receipt, key, registry=registry)
except Exception:
    sys.exit(0)
sys.exit("a changed receipt passed")
"#;
    let judged = Command::new(python).args(["-c", script]).arg(file).output()?;
    ensure!(judged.status.success(), "joserfc: {}, {}", judged.status, String::from_utf8_lossy(&judged.stderr));
    Ok(())
}
