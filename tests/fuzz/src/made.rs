//! Specimens, made by the program's own hands. Everybody in them is invented.

use std::{
    collections::{BTreeMap, HashSet},
    fs,
    sync::LazyLock,
};

use certdesk_contract::{
    application::LegalAct,
    receipt::{Jws, SignedRequest, Statement},
    session::Jwk,
    signature::{
        ACT_LABEL, CONTENT_DIGEST, Parameters, RequestHead, SESSION_LABEL, SESSION_TAG, Unsigned, act_tag,
        content_digest, fields,
    },
};
use certdesk_domain::{
    AccountKind, Business, IdKind, State,
    form::{Address, Handler, Person},
    token::{KeyAlgorithm, PinTries, SignatureScheme},
};
use certdesk_forms::{FormData, application_form};
use certdesk_pki::{CsrBuilder, SessionKey, cms, pdf};
use certdesk_token::{
    Card, CardReader, CardServiceError, KeyPair as TokenKeyPair, Pin, TokenCertificate, TokenError, TokenInfo,
    card_readers,
    message::{Answer, Numbered, Reply, Request, ToSign, encode},
    proxy_script::{self, ScriptError},
};
use pkcs11_profiles::Bundle;
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use sha2::{Digest as _, Sha256};
use time::{OffsetDateTime, macros::datetime};
use uuid::Uuid;

/// When all of this happens.
pub(crate) const AT: OffsetDateTime = datetime!(2026-11-22 10:20:30 UTC);

/// `ecdsa-with-SHA256` (RFC 5758 §3.2), as an `AlgorithmIdentifier`.
const ECDSA_SHA256: &[u8] = b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02";

/// An authority whose key everybody has: it lies beside the corpus, because what it signed lies there too.
pub(crate) struct Authority {
    pub(crate) der: Vec<u8>,
    key: Vec<u8>,
}

pub(crate) static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| {
    let folder = stage::project_root().expect("the project is there").join("tests/fuzz/authority");
    let read = |name: &str| fs::read(folder.join(name));
    if let (Ok(der), Ok(key)) = (read("certificate.der"), read("key.p8")) {
        return Authority { der, key };
    }
    let pair = rcgen::KeyPair::generate().expect("a key can be made");
    let mut params = rcgen::CertificateParams::new(Vec::new()).expect("no names are no problem");
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, "Storm 演练机构 (nobody)");
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    use rcgen::KeyUsagePurpose::{CrlSign, DigitalSignature, KeyCertSign};
    params.key_usages = vec![DigitalSignature, KeyCertSign, CrlSign];
    let certificate = params.self_signed(&pair).expect("it signs itself");
    let authority = Authority { der: certificate.der().to_vec(), key: pair.serialize_der() };
    fs::create_dir_all(&folder).expect("its folder can be made");
    fs::write(folder.join("certificate.der"), &authority.der).expect("and written to");
    fs::write(folder.join("key.p8"), &authority.key).expect("and written to");
    authority
});

impl Authority {
    fn pair(&self, algorithm: &'static ring::signature::EcdsaSigningAlgorithm) -> EcdsaKeyPair {
        EcdsaKeyPair::from_pkcs8(algorithm, &self.key, &SystemRandom::new()).expect("its key is one")
    }

    /// Raw `r‖s`.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        static PAIR: LazyLock<EcdsaKeyPair> = LazyLock::new(|| AUTHORITY.pair(&ECDSA_P256_SHA256_FIXED_SIGNING));
        PAIR.sign(&SystemRandom::new(), message).expect("it signs").as_ref().to_vec()
    }

    fn sign_der(&self, message: &[u8]) -> Vec<u8> {
        static PAIR: LazyLock<EcdsaKeyPair> = LazyLock::new(|| AUTHORITY.pair(&ECDSA_P256_SHA256_ASN1_SIGNING));
        PAIR.sign(&SystemRandom::new(), message).expect("it signs").as_ref().to_vec()
    }

    fn spki(&self) -> Vec<u8> {
        certdesk_pki::Certificate::parse(&self.der).expect("its certificate is one").spki_der
    }

    fn issuer(&self) -> rcgen::Issuer<'static, rcgen::KeyPair> {
        let pair = rcgen::KeyPair::try_from(self.key.as_slice()).expect("its key is one");
        rcgen::Issuer::from_ca_cert_der(&self.der.as_slice().into(), pair).expect("its certificate is one")
    }
}

/// `SEQUENCE { content, ecdsa-with-SHA256, signature by the authority }`: a certificate, request or list of that content.
pub(crate) fn signed_sequence(content: &[u8]) -> Vec<u8> {
    let mut bits = vec![0];
    bits.extend(AUTHORITY.sign_der(content));
    der(0x30, &[content, ECDSA_SHA256, &der(0x03, &[&bits])])
}

fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut whole = vec![tag];
    match u8::try_from(length) {
        Ok(short @ ..0x80) => whole.push(short),
        _ => {
            let bytes = length.to_be_bytes();
            let bytes = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
            whole.push(0x80 | u8::try_from(bytes.len()).expect("eight at most"));
            whole.extend(bytes);
        }
    }
    parts.iter().for_each(|part| whole.extend(*part));
    whole
}

/// The first member of a sequence: what [`signed_sequence`] goes around.
fn content_of(sequence: &[u8]) -> Vec<u8> {
    let inside = &sequence[header(sequence).0..];
    let (head, length) = header(inside);
    inside[..head + length].to_vec()
}

/// Length of the header, and of what is behind it.
fn header(der: &[u8]) -> (usize, usize) {
    match der[1] {
        short @ ..0x80 => (2, short.into()),
        long => {
            let count = usize::from(long & 0x7F);
            (2 + count, der[2..2 + count].iter().fold(0, |length, byte| length << 8 | usize::from(*byte)))
        }
    }
}

/// Whether these bytes are one of the certificates that the authority issued.
pub(crate) fn is_issued(bytes: &[u8]) -> bool {
    static ISSUED: LazyLock<HashSet<Vec<u8>>> = LazyLock::new(|| {
        let folder = stage::project_root().expect("the project is there").join("tests/fuzz/corpus/certificate");
        let files = fs::read_dir(folder).into_iter().flatten().flatten();
        files.filter_map(|file| fs::read(file.path()).ok()).collect()
    });
    ISSUED.contains(bytes)
}

/// A form, for a signature to go around.
pub(crate) fn forms() -> Vec<Vec<u8>> {
    static FORM: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let data = FormData {
            business: Business::Renew,
            account: AccountKind::Individual,
            unit_name: None,
            legal_representative: None,
            handler: Handler {
                credit_code: String::new(),
                address: Address { region: "350104".into(), detail: "金山大道 618 号".into() },
                person: Person {
                    name: "林测".into(),
                    id_kind: IdKind::ResidentId,
                    id_number: "11010519491231002X".into(),
                },
                phone: "13800138000".into(),
                email: "lin@example.com".into(),
            },
            certificate: None,
            changes: Vec::new(),
            reason: None,
            key_signature: true,
            ca_name: "演练机构".into(),
            reference: "019A-7C3E".into(),
            date: AT.date(),
        };
        application_form(&data).expect("a form can be made").bytes
    });
    vec![FORM.clone()]
}

/// The same, signed.
pub(crate) fn signed_forms() -> Vec<Vec<u8>> {
    let prepared = pdf::prepare(&forms()[0], &AUTHORITY.der, &[], AT).expect("a form can be signed");
    let signature = AUTHORITY.sign(&prepared.to_be_signed());
    vec![prepared.finish(SignatureScheme::EcdsaP256Sha256, &signature).expect("and is")]
}

/// The catalogue that the service has built in.
pub(crate) fn catalogues() -> Vec<Vec<u8>> {
    let file =
        stage::project_root().expect("the project is there").join("src-tauri/crates/service/data/catalogue.json");
    vec![fs::read(file).expect("the catalogue is there")]
}

/// A receipt of these words.
pub(crate) fn receipt_around(statement: &[u8]) -> Vec<u8> {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let unsigned = Jws { payload: URL_SAFE_NO_PAD.encode(statement), ..Jws::unsigned(&words(), &[&AUTHORITY.der]) };
    let signature = AUTHORITY.sign(unsigned.signing_input().as_bytes());
    serde_json::to_vec(&unsigned.signed(&signature)).expect("it is JSON")
}

/// What a receipt says, with all its signatures right.
fn words() -> Statement {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let body = br#"{"sensitive_consent":"0193e7c0-7000-7000-8000-000000000009"}"#.to_vec();
    let application = Uuid::from_u128(0x0193_e7c0_7000_7000_8000_0000_0000_0001);
    let target_uri = format!("https://portal.example/v1/applications/{application}/submission");
    let digest = content_digest(&Sha256::digest(&body).into());
    let own = [("content-type", "application/json"), (CONTENT_DIGEST, &*digest)];
    let head = RequestHead::new("POST", &target_uri, own.map(|(name, value)| (name, value.as_bytes())));
    let head = head.expect("this is a request");
    let session = SessionKey::generate();
    let (x, y) = session.jwk();
    let parameters = |keyid: String, tag: &str| Parameters {
        created: AT.unix_timestamp(),
        expires: AT.unix_timestamp() + 60,
        nonce: "AAECAwQFBgcICQoLDA0ODw".into(),
        keyid,
        alg: "ecdsa-p256-sha256".into(),
        tag: tag.into(),
    };
    let by_session =
        Unsigned::new(&head, SESSION_LABEL, &parameters(session.thumbprint(), SESSION_TAG)).expect("signable");
    let key_id = certdesk_pki::x5t_s256(&AUTHORITY.der);
    let tag = act_tag(LegalAct::Submit, Business::New);
    let by_key = Unsigned::new(&head, ACT_LABEL, &parameters(key_id, &tag)).expect("signable");
    let session_signature = session.sign(by_session.base.as_bytes());
    let act_signature = AUTHORITY.sign(by_key.base.as_bytes());
    let (inputs, signatures) = fields(&[(by_session, session_signature), (by_key, act_signature)]);
    let mut headers: Vec<_> = own.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    headers.extend([("signature-input".to_owned(), inputs), ("signature".to_owned(), signatures)]);
    Statement {
        id: application,
        service: "https://portal.example".into(),
        act: LegalAct::Submit,
        application,
        number: Some("CD20261122000001".into()),
        business: Business::New,
        state: State::Submitted,
        at: AT,
        request: SignedRequest {
            method: "POST".into(),
            target_uri,
            headers,
            body_b64: STANDARD.encode(&body),
            session_key: Some(Jwk { kty: "EC".into(), crv: "P-256".into(), x, y }),
            certificate_b64: Some(STANDARD.encode(&AUTHORITY.der)),
            issuers_b64: Vec::new(),
        },
    }
}

/// What is kept of a target in the corpus, by name.
pub(crate) fn specimens(target: &str) -> Vec<(&'static str, Vec<u8>)> {
    match target {
        "frame-reply" => replies(),
        "frame-readers" => readers(),
        "frame-script" => scripts(),
        "frame-request" => requests(),
        "certificate" => vec![("authority", AUTHORITY.der.clone()), ("person", person()), ("crowded", crowded())],
        "request" => {
            let builder = CsrBuilder::new(&AUTHORITY.spki(), "林测").expect("a request can be made");
            let signature = AUTHORITY.sign(&builder.to_be_signed());
            let whole = builder.finish(SignatureScheme::EcdsaP256Sha256, &signature).expect("and signed");
            vec![("content", content_of(&whole)), ("whole", whole)]
        }
        "revocation-list" => vec![("two", list(2)), ("none", list(0))],
        "revocation-entries" => vec![("two", content_of(&list(2))), ("none", content_of(&list(0)))],
        "cms" => {
            let content = || cms::Content::of(&[b"content"]);
            let signing = cms::Signing::new(&AUTHORITY.der, &[], content()).expect("it can be signed");
            let signature = AUTHORITY.sign(&signing.to_be_signed());
            vec![("detached", signing.finish(SignatureScheme::EcdsaP256Sha256, &signature).expect("and is"))]
        }
        "signature-fields" => {
            let request = words().request;
            let field = |name: &str| request.headers.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value);
            let (inputs, signatures) = (field("signature-input"), field("signature"));
            let lines = request.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>();
            let text = format!("POST\n{}\n{inputs}\n{signatures}\n{}", request.target_uri, lines.join("\n"));
            let other = b"sha-512=:AAAA:, sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:".to_vec();
            vec![("both", text.into_bytes()), ("digest", other)]
        }
        "session-key" => {
            let (x, y) = SessionKey::generate().jwk();
            vec![("jwk", format!("{x}\n{y}").into_bytes()), ("name", b"ES256".to_vec())]
        }
        "receipt" => {
            let statement = serde_json::to_vec(&words()).expect("it is JSON");
            vec![("submitted", receipt_around(&statement))]
        }
        "receipt-statement" => vec![("submitted", serde_json::to_vec(&words()).expect("it is JSON"))],
        "profile" => profiles().into_iter().take(4).zip(["a", "b", "c", "d"]).map(|((_, text), name)| (name, text.into_bytes())).collect(),
        "bundle" => {
            let some: BTreeMap<_, _> = profiles().into_iter().filter(|(id, _)| id == "softhsm" || id == "opensc").collect();
            vec![("two", Bundle::write(AT.unix_timestamp(), some).expect("packaged profiles are right").into_bytes())]
        }
        "answers" => answers(),
        "drivers" => vec![("one", DRIVERS.as_bytes().to_vec())],
        "p11-kit" => vec![
            ("module", b"# a driver\nmodule: libexample.so\npriority: 12\nenable-in: certdesk, other\ntrust-policy: no\n".to_vec()),
            ("conf", b"\xef\xbb\xbfuser-config: merge\n".to_vec()),
        ],
        "manifest" => vec![(
            "firefox",
            r#"{"name":"example","description":"Example 卡","path":"../lib/example.so","type":"pkcs11","allowed_extensions":["a@b"]}"#.as_bytes().to_vec(),
        )],
        "lock" => vec![("store", LOCK_STORE.as_bytes().to_vec()), ("passphrase", LOCK_PASSPHRASE.as_bytes().to_vec())],
        "loader-cache" => vec![("one", loader_cache())],
        _ => Vec::new(),
    }
}

const DRIVERS: &str = r#"[{"id":"example-linux","name":{"zh":"示例驱动","en":"Example"},"serves":{"zh":"示例","en":"Example keys"},
"publisher":"Example","version":"1.2","os":"linux","architectures":["x86_64"],"file_name":"example_1.2_amd64.deb","bytes":4096,
"sha256":"0000000000000000000000000000000000000000000000000000000000000000","tokens":["softhsm","1234:abcd"]}]"#;

const LOCK_STORE: &str =
    r#"{"version":1,"name":"0193e7c0-7000-7000-8000-000000000001","mark":"AAAA","kept":"key_store"}"#;

const LOCK_PASSPHRASE: &str = r#"{"version":1,"name":"0193e7c0-7000-7000-8000-000000000001","mark":"AAAA","kept":{"passphrase":
{"memory_kib":16,"passes":1,"salt":"AAECAwQFBgcICQoLDA0ODw==","key":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v"}}}"#;

fn frame<T: serde::Serialize>(body: T) -> Vec<u8> {
    encode(&Numbered { id: 7, body }).expect("it fits")[4..].to_vec()
}

fn readers() -> Vec<(&'static str, Vec<u8>)> {
    let reader = |name: &str, card| CardReader { name: name.into(), card };
    let readers = vec![
        reader("Example Reader (0042) 00 00", Card::Present { atr: vec![0x3b, 0x95, 0x13, 0x81, 0x01] }),
        reader("Example Reader 01 00", Card::Absent),
    ];
    let stopped = CardServiceError::Failed { call: "SCardListReaders".into(), code: "0x8010001F".into() };
    vec![
        ("readers", frame::<card_readers::Answer>(Ok(readers))),
        ("failed", frame::<card_readers::Answer>(Err(stopped))),
    ]
}

fn scripts() -> Vec<(&'static str, Vec<u8>)> {
    let named = "PROXY proxy.example:8080; SOCKS5 10.0.0.1:1080; DIRECT".to_owned();
    let threw = ScriptError::Threw { reason: "ReferenceError: proxies is not defined".into() };
    vec![("named", frame::<proxy_script::Answer>(Ok(named))), ("threw", frame::<proxy_script::Answer>(Err(threw)))]
}

fn replies() -> Vec<(&'static str, Vec<u8>)> {
    let certificate =
        TokenCertificate { key_id: vec![1; 20], label: "证书".into(), der: person(), has_private_key: true };
    let token = TokenInfo {
        id: "ab".repeat(32),
        slot: 1,
        reader: "Example Reader (0042) 00 00".into(),
        label: "林测的认证锁".into(),
        manufacturer: "Example".into(),
        model: "K1".into(),
        serial: "0001".into(),
        tries: PinTries::NoWarning,
        so_tries: PinTries::NoWarning,
        pin_must_change: false,
        pin_min: 6,
        pin_max: 16,
        pin_pad: false,
        initialised: true,
        user_pin_set: true,
        write_protected: false,
        logged_in: false,
        certificates: vec![certificate],
    };
    let pair = TokenKeyPair {
        key_id: vec![2; 20],
        label: "certdesk".into(),
        algorithm: KeyAlgorithm::EcP256,
        spki_der: AUTHORITY.spki(),
        has_certificate: false,
    };
    let answer = |answer: Answer| frame(answer);
    vec![
        ("tokens", answer(Ok(Reply::Tokens(vec![token])))),
        ("pairs", answer(Ok(Reply::KeyPairs(vec![pair])))),
        ("signature", answer(Ok(Reply::Signature(vec![3; 64])))),
        ("refused", answer(Err(TokenError::PinIncorrect { tries: PinTries::Last }))),
    ]
}

fn requests() -> Vec<(&'static str, Vec<u8>)> {
    let pin = || Pin::from_bytes(b"123456".to_vec());
    let token = || "ab".repeat(32);
    let sign =
        ToSign { token: token(), key_id: vec![1; 20], scheme: SignatureScheme::EcdsaP256Sha256, digest: vec![5; 32] };
    vec![
        ("list", frame(Request::List { rescan: true, thorough: false })),
        ("login", frame(Request::Login { token: token(), pin: pin() })),
        ("change", frame(Request::ChangePin { token: token(), old: pin(), new: pin() })),
        ("sign", frame(Request::Sign(sign))),
    ]
}

fn person() -> Vec<u8> {
    leaf(|params| {
        params.distinguished_name.push(rcgen::DnType::CommonName, "林测");
        params.key_usages = vec![rcgen::KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
    })
}

/// With every extension that is shown, and some that are not understood.
fn crowded() -> Vec<u8> {
    leaf(|params| {
        params.distinguished_name.push(rcgen::DnType::OrganizationName, "福州云帆测试科技有限公司");
        params.distinguished_name.push(rcgen::DnType::CommonName, "王䶮 \u{202E}nvitu");
        params.subject_alt_names.push(rcgen::SanType::IpAddress([127, 0, 0, 1].into()));
        params.crl_distribution_points =
            vec![rcgen::CrlDistributionPoint { uris: vec!["http://example.cn/a.crl".into()] }];
        let code = b"\x04\x14\x13\x1291350100M000100Y43".to_vec();
        params.custom_extensions = vec![rcgen::CustomExtension::from_oid_content(&[1, 2, 156, 10260, 4, 1, 4], code)];
    })
}

fn leaf(fill: impl FnOnce(&mut rcgen::CertificateParams)) -> Vec<u8> {
    let pair = rcgen::KeyPair::generate().expect("a key can be made");
    let mut params = rcgen::CertificateParams::new(Vec::new()).expect("no names are no problem");
    params.distinguished_name = rcgen::DistinguishedName::new();
    fill(&mut params);
    params.signed_by(&pair, &AUTHORITY.issuer()).expect("the authority signs").der().to_vec()
}

fn list(count: u64) -> Vec<u8> {
    let revoked = |n: u64| rcgen::RevokedCertParams {
        serial_number: rcgen::SerialNumber::from((n + 1) << 40),
        revocation_time: AT,
        reason_code: n.is_multiple_of(2).then_some(rcgen::RevocationReason::KeyCompromise),
        invalidity_date: None,
    };
    let params = rcgen::CertificateRevocationListParams {
        this_update: AT,
        next_update: AT + time::Duration::days(1),
        crl_number: rcgen::SerialNumber::from(3u64),
        issuing_distribution_point: None,
        revoked_certs: (0..count).map(revoked).collect(),
        key_identifier_method: rcgen::KeyIdMethod::Sha256,
    };
    params.signed_by(&AUTHORITY.issuer()).expect("the authority signs").der().to_vec()
}

/// The packaged profiles' texts by id.
fn profiles() -> Vec<(String, String)> {
    let folder = stage::project_root().expect("the project is there").join("pkcs11-profiles/profiles");
    let mut files: Vec<_> =
        fs::read_dir(folder).expect("profiles are there").flatten().map(|file| file.path()).collect();
    files.sort();
    let read = |path: std::path::PathBuf| {
        let id = path.file_stem()?.to_str()?.to_owned();
        (path.extension()? == "toml").then(|| (id, fs::read_to_string(&path).unwrap_or_default()))
    };
    files.into_iter().filter_map(read).collect()
}

fn answers() -> Vec<(&'static str, Vec<u8>)> {
    let texts = [
        (
            "problem",
            r#"{"type":"about:blank","title":"x","status":422,"code":"invalid_fields","faults":[{"field":"phone","fault":"malformed"}],"retry_after":3}"#,
        ),
        ("drafts", r#"{"business":"new","fields":{"contact.name":"林测"},"changes":{}}"#),
        (
            "announcements",
            r#"{"announcements":[{"serial":"01ab","subject":"林*","reason":"superseded","revoked_at":"2026-11-22T10:20:30Z"}],"next":null}"#,
        ),
        ("notices", r#"{"notices":[]}"#),
        ("list", "[]"),
    ];
    texts.map(|(name, text)| (name, text.as_bytes().to_vec())).into()
}

/// `ld.so.cache` of one library.
fn loader_cache() -> Vec<u8> {
    let mut bytes = b"glibc-ld.so.cache1.1".to_vec();
    bytes.extend(1u32.to_ne_bytes());
    bytes.resize(48, 0);
    for word in [3u32, 72, 82, 0, 0, 0] {
        bytes.extend(word.to_ne_bytes());
    }
    bytes.extend(b"liba.so.1\0/opt/liba.so.1\0");
    bytes
}
