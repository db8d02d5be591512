//! Signed requests and acts: what is refused, and what is left as proof.

use std::{path::PathBuf, process::Command, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use certdesk_contract::{
    ProblemCode,
    account::AccountView,
    application::*,
    path,
    receipt::Jws,
    session::*,
    signature::{SIGNATURE, SIGNATURE_INPUT, act_tag},
};
use certdesk_domain::{AccountKind, Business, State, token::SignatureScheme};
use certdesk_pki::{Certificate, SessionKey, chain};
use certdesk_service::Clock;
use uuid::Uuid;

use crate::{
    certificate_life::{Holder, filled_in, open, renamed},
    world::{Answer, Applicant, Client, Key, World},
};

/// A request as it was signed; each lie changes a part before it is sent.
#[derive(Clone)]
struct Letter {
    method: &'static str,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Letter {
    fn get(client: &Client, path: &str) -> Self {
        Self::signed(client, "GET", path, &[], b"", None)
    }

    fn signed(
        client: &Client,
        method: &'static str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
        tag: Option<&str>,
    ) -> Self {
        let key = client.session_key.clone().unwrap();
        let mut all: Vec<_> = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        all.extend(client.signed(&key, method, path, headers, body, tag));
        Self { method, path: path.to_owned(), headers: all, body: body.to_owned() }
    }

    fn with(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut changed = self.clone();
        change(&mut changed);
        changed
    }

    fn without(&self, name: &str) -> Self {
        self.with(|letter| letter.headers.retain(|(known, _)| known != name))
    }

    async fn send(&self, client: &Client) -> Answer {
        let headers: Vec<_> = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        client.line().await.send(client, self.method, &self.path, &headers, self.body.clone()).await
    }
}

/// Past the second in which the service started.
async fn settled(client: &Client) {
    client.get(path::ACCOUNT).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_request_is_good_once_and_only_as_it_was_signed() {
    let world = World::new().await;
    let person = world.applicant(AccountKind::Enterprise).await;
    let client = &person.client;
    settled(client).await;
    let id = person.draft().await;

    // Replayed, and two at the same moment.
    let letter = Letter::get(client, path::ACCOUNT);
    letter.send(client).await.expect(200);
    letter.send(client).await.refused(ProblemCode::Replayed);
    let twins = Letter::get(client, path::ACCOUNT);
    let (one, two) = tokio::join!(twins.send(client), twins.send(client));
    let mut said = [one.status, two.status];
    said.sort_unstable();
    assert_eq!(said, [200, 401], "of two identical requests side by side one is answered");

    // Altered on the way.
    let json = [("content-type", "application/json"), ("if-match", "\"1\"")];
    let body = serde_json::to_vec(&ApplicationDraft::new(Business::New)).unwrap();
    let letter = || Letter::signed(client, "PUT", &path::application(id), &json, &body, None);
    let put = letter();
    let header = |name: &'static str, value: &'static str| {
        put.with(|letter| {
            letter.headers.retain(|(known, _)| known != name);
            letter.headers.push((name.to_owned(), value.to_owned()));
        })
    };
    let lies = [
        ("method", put.with(|letter| letter.method = "DELETE")),
        ("path", put.with(|letter| letter.path = path::application(Uuid::now_v7()))),
        ("query", put.with(|letter| letter.path += "?a=1")),
        ("body", letter().with(|letter| letter.body[3] ^= 1)),
        ("an empty body", letter().with(|letter| letter.body.clear())),
        ("content type", header("content-type", "application/json; charset=utf-8")),
        ("if-match", header("if-match", "\"2\"")),
        ("no if-match", put.without("if-match")),
        ("another idempotency key", header("idempotency-key", "0193e7c0-7000-7000-8000-000000000001")),
        ("another digest", header("content-digest", "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:")),
        ("no digest", put.without("content-digest")),
        ("two lines of a field", put.with(|letter| letter.headers.push(("if-match".into(), "\"1\"".into())))),
        ("no signature", put.without(SIGNATURE)),
        ("no input", put.without(SIGNATURE_INPUT)),
        ("neither", put.without(SIGNATURE).without(SIGNATURE_INPUT)),
        ("garbage", header(SIGNATURE, "session=:AAAA:, )(")),
        (
            "less covered",
            put.with(|letter| {
                for (name, value) in &mut letter.headers {
                    if name == SIGNATURE_INPUT {
                        *value = value.replace("\"content-digest\" ", "");
                    }
                }
            }),
        ),
        (
            "longer life",
            put.with(|letter| {
                for (name, value) in &mut letter.headers {
                    if name == SIGNATURE_INPUT {
                        *value = value.replace(";expires=", ";expires=1");
                    }
                }
            }),
        ),
    ];
    for (what, lie) in lies {
        let answer = lie.send(client).await;
        assert_eq!(answer.header("x-problem-code"), "bad_signature", "{what} must be found out");
        assert_eq!(answer.problem().code, ProblemCode::BadSignature);
    }
    put.send(client).await.expect(200);

    // A refusal without a body still tells its code.
    let head = Letter { method: "HEAD", ..Letter::get(client, path::ACCOUNT) };
    assert_eq!(head.send(client).await.header("x-problem-code"), "bad_signature");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_is_of_now_and_of_this_session() {
    let world = World::new().await;
    let person = world.applicant(AccountKind::Individual).await;
    let client = &person.client;
    settled(client).await;

    let letter = Letter::get(client, path::ACCOUNT);
    world.clock.advance(Duration::from_secs(61));
    letter.send(client).await.refused(ProblemCode::SignatureExpired);
    let ahead = Clock::system();
    ahead.advance(Duration::from_secs(61 + 120));
    let early = Client { clock: ahead, ..client.clone() };
    Letter::get(&early, path::ACCOUNT).send(client).await.refused(ProblemCode::SignatureExpired);

    // Another's key, known to the service or not, opens nothing with this token.
    let stranger = Client { session_key: Some(SessionKey::generate().into()), ..client.clone() };
    Letter::get(&stranger, path::ACCOUNT).send(client).await.refused(ProblemCode::BadSignature);
    let neighbour = Client { token: None, ..stranger.clone() };
    let neighbour = crate::world::applicant(&neighbour, crate::world::registration(AccountKind::Authority)).await;
    let view: AccountView = neighbour.client.get(path::ACCOUNT).await.expect(200).json();
    assert_eq!(view.name, neighbour.account, "the neighbour's own session is fine");
    Letter::get(&neighbour.client, path::ACCOUNT).send(client).await.refused(ProblemCode::BadSignature);

    // A restart forgets what was seen, and takes nothing of before.
    let kept = Letter::get(client, path::ACCOUNT);
    kept.send(client).await.expect(200);
    let World { data, clock, running } = world;
    let address = running.address;
    running.stop().await;
    let again = crate::world::start_with(data.path(), &clock, |config| config.listen = address).await;
    let client = Client { tls: Client::new(again.address, &again.root_der).tls, ..client.clone() };
    kept.send(&client).await.refused(ProblemCode::SignatureExpired);
    client.get(path::ACCOUNT).await.expect(200);
    again.stop().await;

    // No session without a key, unless the operator says so.
    let login = PasswordLogin {
        account: person.account.clone(),
        password: crate::world::NEW_PASSWORD.into(),
        consent: None,
        session_key: None,
    };
    let world = World::new().await;
    world.client().post(path::PASSWORD_SESSIONS, &login).await.refused(ProblemCode::BadRequest);
    let odd = PasswordLogin { session_key: client.jwk().map(|jwk| Jwk { x: "AAAA".into(), ..jwk }), ..login };
    world.client().post(path::PASSWORD_SESSIONS, &odd).await.refused(ProblemCode::BadRequest);
}

/// A change of name up to its submission, in a session by key.
async fn change(world: &World, holder: &Holder) -> (Applicant, Application, Vec<u8>) {
    let at = holder.by_key(world).await;
    let case: Application = open(&at.client, Business::Change, Some(&holder.serial())).await.expect(200).json();
    let submission = filled_in(&at, &case, renamed(&holder.serial()), AccountKind::Enterprise).await;
    (at, case, serde_json::to_vec(&submission).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_act_in_a_session_by_key_is_signed_by_that_key_for_that_act() {
    let world = World::new().await;
    let holder = Holder::new(&world, AccountKind::Enterprise).await;
    let (at, case, body) = change(&world, &holder).await;
    let submit = path::submission(case.id);
    let headers = [("content-type", "application/json"), ("idempotency-key", "0193e7c0-7000-7000-8000-000000000001")];
    let tag = act_tag(LegalAct::Submit, Business::Change);
    let letter = |client: &Client, tag: Option<&str>| Letter::signed(client, "POST", &submit, &headers, &body, tag);

    letter(&at.client, None).send(&at.client).await.refused(ProblemCode::ActSignatureRequired);
    for other in [act_tag(LegalAct::Withdraw, Business::Change), act_tag(LegalAct::Submit, Business::Renew), "x".into()]
    {
        letter(&at.client, Some(&other)).send(&at.client).await.refused(ProblemCode::BadSignature);
    }
    // Another account's certificate, and another key under this one's.
    let elsewhere = World::new().await;
    let stranger = Holder::new(&elsewhere, AccountKind::Individual).await;
    for act_key in [(stranger.key.clone(), stranger.der.clone()), (Key::generate(), holder.der.clone())] {
        let forged = Client { act_key: Some(act_key), ..at.client.clone() };
        letter(&forged, Some(&tag)).send(&at.client).await.refused(ProblemCode::BadSignature);
    }

    let signed = letter(&at.client, Some(&tag));
    let receipt: Receipt = signed.send(&at.client).await.expect(200).json();
    signed.send(&at.client).await.refused(ProblemCode::Replayed);
    let [record] = receipt.application.receipts.as_slice() else { panic!("one act leaves one receipt") };
    assert!((record.act, record.signed_by_key) == (LegalAct::Submit, true));
    // Its act signature under a fresh signature of the session: nothing is done a second time, what there is is told.
    let fresh = Letter::signed(&at.client, "POST", &submit, &headers, &body, None);
    let member = |letter: &Letter, name: &str, label: &str| {
        let (_, line) = letter.headers.iter().find(|(known, _)| known == name).unwrap();
        let at = line.find(&format!("{label}=")).unwrap();
        line[at..].split(", session=").next().unwrap().to_owned()
    };
    let mixed = fresh.with(|letter| {
        for name in [SIGNATURE_INPUT, SIGNATURE] {
            let (_, line) = letter.headers.iter_mut().find(|(known, _)| known == name).unwrap();
            *line = format!("{}, {line}", member(&signed, name, "act"));
        }
    });
    assert_eq!(mixed.send(&at.client).await.expect(200).json::<Receipt>(), receipt);
    // Repeated as a client repeats it: the same receipt.
    let again: Receipt = letter(&at.client, Some(&tag)).send(&at.client).await.expect(200).json();
    assert_eq!(again, receipt, "a repeated act has one receipt");

    // Taking it back is an act of its own.
    let case_path = path::application(case.id);
    let withdraw = |tag: &str| Letter::signed(&at.client, "DELETE", &case_path, &[], b"", Some(tag));
    withdraw(&tag).send(&at.client).await.refused(ProblemCode::BadSignature);
    let withdrawn = withdraw(&act_tag(LegalAct::Withdraw, Business::Change)).send(&at.client).await.expect(200);
    let withdrawn: Application = withdrawn.json();
    assert_eq!((withdrawn.state, withdrawn.receipts.len()), (State::Withdrawn, 2));

    // The receipts say it, and verify.
    for record in &withdrawn.receipts {
        let answer = at.client.get(&path::receipt(record.id)).await.expect(200);
        assert_eq!(answer.header("content-type"), "application/jose+json");
        let opened = Jws::open(&answer.body).unwrap();
        let signer = Certificate::parse(&opened.chain[0]).unwrap();
        let message = opened.signing_input.as_bytes();
        certdesk_pki::verify(&signer.spki_der, SignatureScheme::EcdsaP256Sha256, message, &opened.signature).unwrap();
        let root = [&world.running.ca_root_der];
        chain::verify_signer(&opened.chain[0], &opened.chain[1..], &root, opened.statement.at).unwrap();
        assert!(
            chain::verify_signer(&holder.der, &opened.chain[1..], &root, opened.statement.at).is_err(),
            "an applicant's certificate signs no receipts"
        );
        let said = &opened.statement;
        assert_eq!((said.id, said.act, said.application), (record.id, record.act, case.id));
        assert_eq!(said.request.certificate_b64.as_deref(), Some(&*STANDARD.encode(&holder.der)));
        assert!(said.request.headers.iter().all(|(name, _)| name != "authorization"), "no receipt carries a token");
    }
    let first = path::receipt(withdrawn.receipts[0].id);
    world.applicant(AccountKind::Individual).await.client.get(&first).await.refused(ProblemCode::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_by_password_leaves_receipts_too() {
    let world = World::new().await;
    let person = world.applicant(AccountKind::Enterprise).await;
    let id = person.draft().await;
    let submission = person.submission(person.all_files(id).await).await;
    let receipt: Receipt =
        person.client.post_once(&path::submission(id), Uuid::new_v4(), &submission).await.expect(200).json();
    let record = &receipt.application.receipts[0];
    assert!(!record.signed_by_key, "no key signed it");
    let opened = Jws::open(&person.client.get(&path::receipt(record.id)).await.expect(200).body).unwrap();
    let request = &opened.statement.request;
    assert_eq!(
        (opened.statement.number.as_deref(), request.certificate_b64.as_deref()),
        (Some(&*receipt.number), None)
    );
    assert_eq!(STANDARD.decode(&request.body_b64).unwrap(), serde_json::to_vec(&submission).unwrap(), "as it came");
    assert!(request.session_key.is_some() && request.headers.iter().any(|(name, _)| name == SIGNATURE));

    // Who claims that a key signed where none can is refused; a draft goes without ceremony.
    let key = Key::generate();
    let liar = Client { act_key: Some((key, b"no certificate".to_vec())), ..person.client.clone() };
    let tag = act_tag(LegalAct::Withdraw, Business::New);
    let claim = Letter::signed(&liar, "DELETE", &path::application(id), &[], b"", Some(&tag));
    claim.send(&person.client).await.refused(ProblemCode::BadSignature);
    let draft = person.draft().await;
    let gone: Application = person.client.send("DELETE", &path::application(draft), &[], "").await.expect(200).json();
    assert!(gone.receipts.is_empty(), "nothing was handed in, so there is nothing to prove");
}

/// `http-message-signatures` (PyPI) is an RFC 9421 implementation that is not ours: it signs and we verify, we sign and it
/// verifies.
#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_implementation_understands_ours_and_we_its() {
    let Some(python) = python() else { return };
    let world = World::new().await;
    let person = world.applicant(AccountKind::Enterprise).await;
    let client = &person.client;
    settled(client).await;
    let base = format!("https://{}", client.address);
    let run = |script: &'static str, input: serde_json::Value| {
        let python = python.clone();
        tokio::task::spawn_blocking(move || {
            let output = Command::new(python).args(["-c", script]).arg(input.to_string()).output().unwrap();
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "the foreign implementation: {told}");
            serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap_or_default()
        })
    };

    // Ours, verified by it: a request with a body and one without.
    let body = serde_json::to_vec(&ApplicationDraft::new(Business::New)).unwrap();
    let put_path = path::application(Uuid::now_v7());
    let json = [("content-type", "application/json")];
    let put = Letter::signed(client, "PUT", &put_path, &json, &body, None);
    for letter in [&put, &Letter::get(client, path::ACCOUNT)] {
        let input = serde_json::json!({
            "method": letter.method, "url": format!("{base}{}", letter.path), "headers": letter.headers,
            "body": STANDARD.encode(&letter.body), "jwk": client.jwk().unwrap(),
        });
        run(VERIFY, input).await.unwrap();
    }

    // Its, verified by us.
    use rcgen::PublicKeyData as _;
    let pair = rcgen::KeyPair::generate().unwrap();
    let spki = pair.subject_public_key_info();
    let coordinate = |from: usize| {
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&spki[spki.len() - 64 + from..spki.len() - 32 + from])
    };
    let jwk = Jwk { kty: "EC".into(), crv: "P-256".into(), x: coordinate(0), y: coordinate(32) };
    let login = PasswordLogin {
        account: person.account.clone(),
        password: crate::world::NEW_PASSWORD.into(),
        consent: None,
        session_key: Some(jwk.clone()),
    };
    let session: Session = client.post(path::PASSWORD_SESSIONS, &login).await.expect(201).json();
    let foreign = Client { token: Some(session.access_token.clone()), session_key: None, ..client.clone() };
    for (method, path, body) in [("PUT", &*put_path, &*body), ("GET", path::ACCOUNT, b"")] {
        let input = serde_json::json!({
            "method": method, "url": format!("{base}{path}"), "body": STANDARD.encode(body),
            "key": pair.serialize_pem(), "keyid": certdesk_pki::jwk_thumbprint(&jwk.x, &jwk.y),
        });
        let headers: std::collections::BTreeMap<String, String> =
            serde_json::from_value(run(SIGN, input).await.unwrap()).unwrap();
        let letter =
            Letter { method, path: path.to_owned(), headers: headers.into_iter().collect(), body: body.to_vec() };
        letter.send(&foreign).await.expect(200);
        letter.send(&foreign).await.refused(ProblemCode::Replayed);
    }
}

const VERIFY: &str = r#"
import base64, json, sys
from cryptography.hazmat.primitives.asymmetric import ec
from http_message_signatures import HTTPMessageVerifier, HTTPSignatureKeyResolver, algorithms
told = json.loads(sys.argv[1])
number = lambda text: int.from_bytes(base64.urlsafe_b64decode(text + "="), "big")
key = ec.EllipticCurvePublicNumbers(number(told["jwk"]["x"]), number(told["jwk"]["y"]), ec.SECP256R1()).public_key()
class Keys(HTTPSignatureKeyResolver):
    def resolve_public_key(self, key_id):
        return key
class Message:
    method, url, headers = told["method"], told["url"], dict(map(tuple, told["headers"]))
body = base64.b64decode(told["body"])
verifier = HTTPMessageVerifier(signature_algorithm=algorithms.ECDSA_P256_SHA256, key_resolver=Keys())
[result] = verifier.verify(Message, **({"body": body} if body else {}))
assert result.label == "session", result
covered = set(result.covered_components)
assert '"@method"' in covered and '"@target-uri"' in covered, covered
assert not body or ('"content-digest"' in covered and result.body == body), covered
print("{}")
"#;

const SIGN: &str = r#"
import base64, datetime, json, secrets, sys
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from http_message_signatures import HTTPMessageSigner, HTTPSignatureKeyResolver, algorithms
told = json.loads(sys.argv[1])
key = load_pem_private_key(told["key"].encode(), password=None)
class Keys(HTTPSignatureKeyResolver):
    def resolve_private_key(self, key_id):
        return key
class Message:
    method, url, headers = told["method"], told["url"], {}
body = base64.b64decode(told["body"])
covered = ["@method", "@target-uri"]
if body:
    Message.headers["content-type"] = "application/json"
    covered += ["content-type", "content-digest"]
now = datetime.datetime.now(datetime.timezone.utc)
signer = HTTPMessageSigner(signature_algorithm=algorithms.ECDSA_P256_SHA256, key_resolver=Keys())
signer.sign(Message, key_id=told["keyid"], label="session", tag="certdesk-session", created=now,
    expires=now + datetime.timedelta(seconds=60), nonce=secrets.token_urlsafe(16), include_alg=True,
    covered_component_ids=covered, **({"body": body} if body else {}))
print(json.dumps({name.lower(): value for name, value in Message.headers.items()}))
"#;

/// A Python with the library, set up once under the target directory; `None`, with the reason printed, where it cannot be.
fn python() -> Option<PathBuf> {
    let venv = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("signatures-venv");
    stage::python_with(&venv, "http_message_signatures", "http-message-signatures>=3.0.0")
}
