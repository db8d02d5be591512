//! Against the real service: every call of the contract, and uploads over a line that breaks.

#![allow(clippy::unwrap_used, reason = "a test may fall over")]

mod real;
mod scripted;

use std::{
    fs, io,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use certdesk_contract::{
    ProblemCode,
    account::{ConsentRequest, ConsentSubject},
    announcement::AnnouncementQuery,
    application::{Review, Submission, SubmittedAttachment},
    certificate::{CertificateStatus, Installation},
    query::Query,
    session::{PasswordLogin, SessionKind},
    upload::CHUNK_BYTES,
};
use certdesk_domain::{AccountKind, Business, FileKind, RequirementId, State, token::SignatureScheme};
use certdesk_pki::{Certificate, CsrBuilder, chain};
use certdesk_portal::{
    Content, Fetched, FileGuard, Login, Portal, PortalError, SigningError, Source, TokenChallenge, TokenProof,
    UploadSpec, hash_file, prepare,
};
use real::{Real, SECRET, announced, catalogue, handler, log_in, opened, registered, silent};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A P-256 key in memory, standing in for a token.
struct SoftKey(EcdsaKeyPair);

impl SoftKey {
    fn new() -> Self {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        Self(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap())
    }

    fn spki(&self) -> Vec<u8> {
        let algorithm =
            b"\x30\x59\x30\x13\x06\x07\x2A\x86\x48\xCE\x3D\x02\x01\x06\x08\x2A\x86\x48\xCE\x3D\x03\x01\x07\x03\x42\x00";
        [algorithm.as_slice(), self.0.public_key().as_ref()].concat()
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec()
    }
}

fn refusal<T: std::fmt::Debug>(result: Result<T, PortalError>) -> ProblemCode {
    match result {
        Err(PortalError::Problem(problem)) => problem.code,
        other => panic!("the service should refuse: {other:?}"),
    }
}

#[tokio::test]
async fn what_everybody_may_ask() {
    let real = Real::start().await;
    let portal = real.portal();
    assert_eq!(portal.health().await, Ok(()));
    let skew = portal.clock_skew().expect("the service tells the time");
    assert!(skew.abs() < time::Duration::seconds(3), "one machine has one clock: {skew}");

    let Ok(Fetched::New { value, etag: Some(etag) }) = portal.catalogue(None).await else {
        panic!("a catalogue with a tag")
    };
    assert!(value.offer(Business::New, AccountKind::Enterprise).is_some(), "新办 is offered to enterprises");
    assert_eq!(portal.catalogue(Some(&etag)).await, Ok(Fetched::NotModified), "what is known is not sent again");
    assert!(!portal.regions().await.unwrap().is_empty(), "the divisions are served");

    Certificate::parse(&portal.ca_certificate().await.unwrap()).expect("the authority shows its certificate");
    let Fetched::New { value, etag } = portal.crl(None).await.unwrap() else { panic!("a list nobody has is new") };
    assert!(!value.is_empty(), "there is a revocation list from the first day");
    assert_eq!(portal.crl(etag.as_deref()).await.unwrap(), Fetched::NotModified, "and it is sent once");
    let query = AnnouncementQuery { search: "云帆 & 100%".into(), ..Default::default() };
    assert!(portal.announcements(&query).await.unwrap().announcements.is_empty(), "nobody was revoked yet");

    let mut query = Query { number: "CD20200101000001".into(), ..Query::default() };
    assert_eq!(refusal(portal.query(&query).await), ProblemCode::InvalidFields, "one item is too little");
    query.phone = "13800138000".into();
    assert_eq!(portal.query(&query).await, Ok(Vec::new()), "two that belong to nothing find nothing");

    assert_eq!(refusal(portal.applications().await), ProblemCode::Unauthenticated);
    assert_eq!(
        refusal(portal.demo_sms("guessed").await.map(drop)),
        refusal(portal.demo_sms("").await.map(drop)),
        "the demo desk is shut to guests"
    );
}

#[tokio::test]
async fn held_back_nothing_goes_out_but_what_anybody_may_ask() {
    let real = Real::start().await;
    let portal = real.portal();
    let account = registered(&portal).await;
    let case = opened(&portal).await;
    portal.hold_back();
    assert_eq!(portal.account().await, Err(PortalError::HeldBack));
    assert_eq!(portal.changes(None, true).await, Err(PortalError::HeldBack), "with a query or without");
    assert_eq!(portal.application(case).await, Err(PortalError::HeldBack));
    assert_eq!(portal.withdraw(case, Uuid::now_v7()).await, Err(PortalError::HeldBack));
    assert_eq!(portal.terminate(Uuid::now_v7()).await, Err(PortalError::HeldBack));
    assert!(portal.clock_skew().is_some(), "it was there before");
    assert_eq!(portal.health().await, Ok(()), "whether the service is there may be asked");
    assert!(matches!(portal.catalogue(None).await, Ok(Fetched::New { .. })), "and what it offers");
    assert_eq!(portal.log_out().await, Ok(()), "there is no session to end");
    assert_eq!(refusal(portal.account().await), ProblemCode::Unauthenticated, "then nobody is held back");
    portal.hold_back();
    log_in(&portal, &account).await;
    assert_eq!(portal.account().await.unwrap().name, account, "a login ends it");
}

/// What an account has at the end of 新办.
struct Certified {
    account: String,
    case: Uuid,
    /// In memory, standing in for a token.
    token: SoftKey,
    certificate_der: Vec<u8>,
}

/// From registration to a certificate in use.
async fn certified(real: &Real, portal: &Portal) -> Certified {
    let account = registered(portal).await;
    assert_eq!(portal.account().await.unwrap().name, account);

    // 新办: every file that is asked for.
    let case = opened(portal).await;
    let offer = catalogue(portal).await.offer(Business::New, AccountKind::Enterprise).unwrap().clone();
    let mut attachments = Vec::new();
    for requirement in &offer.requirements {
        for n in 0..requirement.min_count {
            let kind = requirement.kinds[0];
            let name = format!("{}-{n}.{}", requirement.id.0, kind.extensions()[0]);
            let path = real.file(&name, kind, 2000, true);
            let (upload, guard) = announced(portal, case, &requirement.id, &path).await;
            portal
                .send(upload, &path, guard, 0, silent(), &CancellationToken::new())
                .await
                .expect("a small file goes through");
            attachments.push(SubmittedAttachment { requirement: requirement.id.clone(), upload });
        }
    }
    let sensitive = ConsentRequest {
        subject: ConsentSubject::SensitiveData,
        version: catalogue(portal).await.sensitive_data.version,
    };
    let submission = Submission {
        handler: handler(),
        particulars: Default::default(),
        form_sha256: Some("0".repeat(64)),
        attachments,
        declared_true: true,
        sensitive_data_consent: Some(portal.consent(&sensitive).await.unwrap().id),
    };
    let key = Uuid::new_v4();
    let receipt = portal.submit(case, &submission, key).await.expect("the case is handed in");
    assert_eq!(
        portal.submit(case, &submission, key).await.expect("handed in again").number,
        receipt.number,
        "one submission, one number"
    );
    assert_eq!(portal.applications().await.unwrap().len(), 1);

    assert_eq!(portal.demo_queue(SECRET).await.unwrap().len(), 1, "it is in the reviewer's queue");
    portal.demo_review(SECRET, case, &Review::Approve.into()).await.expect("the reviewer accepts");
    let approved = portal.application(case).await.unwrap();
    assert_eq!(approved.state, State::AwaitingIssuance);

    // Issuance, with a key in memory.
    let token = SoftKey::new();
    let builder = CsrBuilder::new(&token.spki(), approved.certificate_subject.as_deref().unwrap_or_default()).unwrap();
    let csr = builder.finish(SignatureScheme::EcdsaP256Sha256, &token.sign(&builder.to_be_signed())).unwrap();
    let issued = portal.request_certificate(case, &csr).await.expect("a certificate is issued");
    assert_eq!(
        portal.request_certificate(case, &csr).await.expect("asked again").certificate_der,
        issued.certificate_der
    );
    let certificate = Certificate::parse(&issued.certificate_der).unwrap();
    assert!(certificate.belongs_to(&token.spki()), "the certificate is for our key");
    let now = time::OffsetDateTime::now_utc();
    chain::verify(&issued.certificate_der, &issued.chain_der, &[&real.service.ca_root_der], now)
        .expect("the chain leads to the root");
    let proof = token.sign(Installation::statement(case, &certificate.serial).as_bytes());
    let installation = Installation { serial: certificate.serial.clone(), proof_b64: STANDARD.encode(proof) };
    assert_eq!(portal.confirm_installation(case, &installation).await.expect("confirmed").state, State::Completed);

    let certificates = portal.certificates().await.expect("the account sees its certificates");
    let record = (certificates[0].serial.as_str(), certificates[0].status);
    assert_eq!(record, (certificate.serial.as_str(), CertificateStatus::Active));
    Certified { account, case, token, certificate_der: issued.certificate_der }
}

#[tokio::test]
async fn from_nothing_to_a_login_by_certificate() {
    let real = Real::start().await;
    let portal = real.portal();
    let Certified { account, case, token, certificate_der } = certified(&real, &portal).await;

    // From now on the certificate logs in, and only it.
    portal.log_out().await.expect("logout");
    assert_eq!(refusal(portal.account().await), ProblemCode::Unauthenticated, "out is out");
    let password =
        PasswordLogin { account: account.clone(), password: real::PASSWORD.into(), consent: None, session_key: None };
    assert_eq!(refusal(portal.log_in_with_password(&password).await), ProblemCode::CertificateLoginRequired);

    let session = token_login(&portal, &token, &certificate_der).await.expect("login by token");
    assert_eq!((session.session.kind, session.session.account.name.as_str()), (SessionKind::Token, account.as_str()));
    portal.set_session(&session);
    assert_eq!(portal.certificates().await.expect("a token session is a session").len(), 1);

    // The clerk looks for the key for two minutes: the connection outlives what the service leaves idle.
    let slow = portal
        .log_in_with_token(None, async |challenge: TokenChallenge| -> Result<TokenProof, ()> {
            tokio::time::pause();
            tokio::time::sleep(std::time::Duration::from_secs(120)).await;
            tokio::time::resume();
            let signature = token.sign(&challenge.message(SignatureScheme::EcdsaP256Sha256));
            let certificate_der = certificate_der.clone();
            Ok(TokenProof { certificate_der, scheme: SignatureScheme::EcdsaP256Sha256, signature })
        })
        .await;
    assert!(slow.is_ok(), "{slow:?}");

    // Another key, a changed message, a token that will not: no session.
    let stranger = token_login(&portal, &SoftKey::new(), &certificate_der).await;
    assert!(
        matches!(&stranger, Err(SigningError::Portal(PortalError::Problem(p))) if p.code == ProblemCode::LoginRefused),
        "{stranger:?}"
    );
    let pulled_out = portal.log_in_with_token(None, async |_| Err("pulled out")).await;
    assert!(
        matches!(pulled_out, Err(SigningError::Sign("pulled out"))),
        "the token's own failure comes through: {pulled_out:?}"
    );

    // A signature that was made for another challenge on another connection.
    let relayed = Arc::new(Mutex::new(None));
    let kept = relayed.clone();
    let _ = portal
        .log_in_with_token(None, async |challenge: TokenChallenge| -> Result<TokenProof, ()> {
            *kept.lock().unwrap() = Some(token.sign(&challenge.message(SignatureScheme::EcdsaP256Sha256)));
            Err(())
        })
        .await;
    let signature = relayed.lock().unwrap().take().unwrap();
    let elsewhere = portal
        .log_in_with_token(None, async |_| -> Result<TokenProof, ()> {
            Ok(TokenProof {
                certificate_der: certificate_der.clone(),
                scheme: SignatureScheme::EcdsaP256Sha256,
                signature: signature.clone(),
            })
        })
        .await;
    assert!(
        matches!(&elsewhere, Err(SigningError::Portal(PortalError::Problem(p))) if p.code == ProblemCode::LoginRefused),
        "{elsewhere:?}"
    );
    portal.withdraw(case, Uuid::now_v7()).await.expect_err("a completed case cannot be taken back");
}

async fn token_login(portal: &Portal, key: &SoftKey, certificate_der: &[u8]) -> Result<Login, SigningError<()>> {
    // Borrowed, as the controller does it; the future must still be able to move between threads.
    let sign = async |challenge: TokenChallenge| {
        assert_eq!(challenge.origin, portal.origin());
        let signature = key.sign(&challenge.message(SignatureScheme::EcdsaP256Sha256));
        Ok(TokenProof {
            certificate_der: certificate_der.to_vec(),
            scheme: SignatureScheme::EcdsaP256Sha256,
            signature,
        })
    };
    fn movable<F: Future + Send>(future: F) -> F {
        future
    }
    movable(portal.log_in_with_token(None, sign)).await
}

/// Somebody whom this computer trusts ends TLS on the way and passes everything on. Origin and nonce are right, so
/// only the binding to the TLS channel tells.
#[tokio::test]
async fn a_trusted_man_in_the_middle_gets_no_session() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let public_url: url::Url = format!("https://localhost:{}", listener.local_addr().unwrap().port()).parse().unwrap();
    let real = Real::start_as(Some(public_url.clone())).await;
    let root = scripted::Root::new();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(real.service.root_der.clone().into()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let connector =
        tokio_rustls::TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth()));
    let (acceptor, target, listens_in) = (root.local(), real.service.address, Arc::new(AtomicBool::new(false)));
    let switch = listens_in.clone();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let (acceptor, connector, listens_in) =
                (acceptor.clone(), connector.clone(), switch.load(Ordering::SeqCst));
            tokio::spawn(async move {
                let mut server = TcpStream::connect(target).await.unwrap();
                if !listens_in {
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                    return;
                }
                let mut client = acceptor.accept(client).await.unwrap();
                let mut server = connector.connect("localhost".try_into().unwrap(), server).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });

    let portal = real.portal_trusting(public_url, vec![real.service.root_der.clone(), root.der()]);
    let Certified { token, certificate_der, .. } = certified(&real, &portal).await;
    token_login(&portal, &token, &certificate_der).await.expect("a line that only forwards does no harm");
    listens_in.store(true, Ordering::SeqCst);
    let said = token_login(&portal, &token, &certificate_der).await;
    let refused =
        matches!(&said, Err(SigningError::Portal(PortalError::Problem(p))) if p.code == ProblemCode::LoginRefused);
    assert!(refused, "whoever reads along must not come by a session: {said:?}");
}

/// A requirement that takes a large video.
async fn video(portal: &Portal, at_least: u64) -> RequirementId {
    let offer = catalogue(portal).await.offer(Business::New, AccountKind::Enterprise).unwrap().clone();
    let found = offer.requirements.into_iter().find(|r| r.kinds.contains(&FileKind::Mp4) && r.max_bytes >= at_least);
    found.expect("新办 asks for a video").id
}

/// A service, somebody registered with an open case there, and the requirement of it that takes a video of so many bytes.
async fn asked_for_video(bytes: u64) -> (Real, Portal, Uuid, RequirementId) {
    let real = Real::start().await;
    let portal = real.portal();
    registered(&portal).await;
    let case = opened(&portal).await;
    let requirement = video(&portal, bytes).await;
    (real, portal, case, requirement)
}

/// Forwards to the service; while the line is bad, cuts each connection after so many bytes of the client's, in turn.
fn cutting_proxy(
    listener: TcpListener,
    target: SocketAddr,
    budgets: &'static [usize],
    bad: Arc<AtomicBool>,
) -> Arc<AtomicUsize> {
    let cuts = Arc::new(AtomicUsize::new(0));
    let counted = cuts.clone();
    tokio::spawn(async move {
        let mut turn = 0;
        while let Ok((client, _)) = listener.accept().await {
            let mut budget = usize::MAX;
            if bad.load(Ordering::SeqCst) {
                budget = budgets[turn % budgets.len()];
                turn += 1;
            }
            let cuts = counted.clone();
            tokio::spawn(async move {
                let server = TcpStream::connect(target).await.unwrap();
                let (mut from_client, mut to_client) = client.into_split();
                let (mut from_server, mut to_server) = server.into_split();
                let back = tokio::spawn(async move { tokio::io::copy(&mut from_server, &mut to_client).await });
                let mut buffer = vec![0; 64 * 1024];
                let mut left = budget;
                loop {
                    let most = left.min(buffer.len());
                    if most == 0 {
                        cuts.fetch_add(1, Ordering::SeqCst);
                        break;
                    }
                    match from_client.read(&mut buffer[..most]).await {
                        Ok(length) if length > 0 && to_server.write_all(&buffer[..length]).await.is_ok() => {
                            left -= length
                        }
                        _ => break,
                    }
                }
                back.abort();
            });
        }
    });
    cuts
}

#[tokio::test]
async fn an_upload_goes_on_where_the_line_broke() {
    const MIB: usize = 1024 * 1024;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    // The address as clients have it is the proxy's: their signatures name it.
    let url: url::Url = format!("https://{}", listener.local_addr().unwrap()).parse().unwrap();
    let real = Real::start_as(Some(url.clone())).await;
    let bad = Arc::new(AtomicBool::new(false));
    // Within the first chunk, after one chunk, just behind a chunk's last byte, within the third.
    const BUDGETS: &[usize] = &[3 * MIB, 12 * MIB, 8 * MIB + 20_000, 5 * MIB];
    let cuts = cutting_proxy(listener, real.service.address, BUDGETS, bad.clone());
    let direct = real.portal_at(url.clone());
    let account = registered(&direct).await;
    let case = opened(&direct).await;
    let total = 4 * CHUNK_BYTES + 12345;
    let requirement = video(&direct, total).await;
    let path = real.file("承诺视频.mp4", FileKind::Mp4, total, true);
    let (upload, guard) = announced(&direct, case, &requirement, &path).await;

    bad.store(true, Ordering::SeqCst);
    let portal = real.portal_at(url);
    log_in(&portal, &account).await;
    let cancel = CancellationToken::new();
    let (seen, sent) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let mut tries = 0;
    loop {
        tries += 1;
        assert!(tries < 40, "the upload must come to its end");
        let Ok(offset) = portal.upload_offset(upload).await else { continue };
        assert!(offset <= seen.load(Ordering::SeqCst), "nothing is there that was not sent");
        let (highest, bytes, last) = (seen.clone(), sent.clone(), AtomicU64::new(offset));
        let progress = Arc::new(move |done: u64| {
            bytes.fetch_add(done - last.swap(done, Ordering::SeqCst), Ordering::SeqCst);
            highest.fetch_max(done, Ordering::SeqCst);
        });
        match portal.send(upload, &path, guard, offset, progress, &cancel).await {
            Ok(()) => break,
            Err(PortalError::Unreachable(_)) => {}
            Err(other) => panic!("a broken line is the only trouble here: {other:?}"),
        }
    }
    bad.store(false, Ordering::SeqCst);
    let cuts = cuts.load(Ordering::SeqCst) as u64;
    assert!(cuts >= 3, "the line did break: {cuts}");
    assert_eq!(direct.upload_offset(upload).await, Ok(total), "everything arrived");
    assert_eq!(seen.load(Ordering::SeqCst), total, "progress ended at the end");
    let again = sent.load(Ordering::SeqCst) - total;
    assert!(again <= cuts * CHUNK_BYTES, "a cut costs one chunk at most: {again} bytes in {cuts} cuts");
}

/// Counts what is read of a file.
struct Counted {
    file: fs::File,
    bytes: Arc<AtomicU64>,
}

impl io::Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read(buffer)?;
        self.bytes.fetch_add(length as u64, Ordering::SeqCst);
        Ok(length)
    }
}

impl io::Seek for Counted {
    fn seek(&mut self, to: io::SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

#[tokio::test]
async fn the_checksums_of_a_prepared_file_are_not_taken_again() {
    let total = 4 * CHUNK_BYTES + 12345;
    let (real, portal, case, requirement) = asked_for_video(total).await;
    let path = real.file("承诺视频.mp4", FileKind::Mp4, total, true);
    let (upload, guard) = announced(&portal, case, &requirement, &path).await;
    let cancel = CancellationToken::new();

    let bytes = Arc::new(AtomicU64::new(0));
    let through = {
        let bytes = bytes.clone();
        move |path: &Path| {
            Ok(Box::new(Counted { file: fs::File::open(path)?, bytes: bytes.clone() }) as Box<dyn Content>)
        }
    };
    let source = Source::through(&path, Arc::new(through));
    let (sha256, source) = prepare(source, guard, silent(), &cancel).await.unwrap();
    assert_eq!(hash_file(&path, guard, silent(), &cancel).await, Ok(sha256), "it is the file's hash");
    bytes.store(0, Ordering::SeqCst);
    portal.send(upload, source, guard, 0, silent(), &cancel).await.expect("the service finds each checksum right");
    assert_eq!(portal.upload_offset(upload).await, Ok(total), "everything arrived");
    // Until the line is known chunks are smaller than those that checksums were taken of.
    let again = bytes.load(Ordering::SeqCst) - total;
    assert!(again <= CHUNK_BYTES, "{again} bytes were read for checksums that were known");
}

#[tokio::test]
async fn a_client_that_is_behind_or_ahead_asks_where_it_stands() {
    let total = CHUNK_BYTES + 1000;
    let (real, portal, case, requirement) = asked_for_video(total).await;
    let path = real.file("video.mp4", FileKind::Mp4, total, true);
    let cancel = CancellationToken::new();
    // Ahead: claims that a chunk has arrived which never was sent.
    let (upload, guard) = announced(&portal, case, &requirement, &path).await;
    portal.send(upload, &path, guard, CHUNK_BYTES, silent(), &cancel).await.expect("the service's offset counts");
    assert_eq!(portal.upload_offset(upload).await, Ok(total));
    // Behind: everything is there, nobody was told.
    portal.send(upload, &path, guard, 0, silent(), &cancel).await.expect("nothing is left to do");
    let beyond = portal.send(upload, &path, guard, total + 1, silent(), &cancel).await;
    assert!(matches!(beyond, Err(PortalError::Garbled(_))), "an offset behind the file's end is nonsense: {beyond:?}");

    // A session that ends meanwhile: the refusal arrives although the service reads no further.
    let (open, _) = announced(&portal, case, &requirement, &path).await;
    let stranger = real.portal();
    let refused = refusal(stranger.send(open, &path, guard, 0, silent(), &cancel).await);
    assert_eq!(refused, ProblemCode::Unauthenticated, "without a session nothing is taken");

    portal.terminate(upload).await.expect("an upload can be given up");
    portal.terminate(upload).await.expect("twice as well");
    let gone = refusal(portal.upload_offset(upload).await);
    assert!(matches!(gone, ProblemCode::NotFound | ProblemCode::UploadGone), "what was given up is gone: {gone:?}");
    let gone = refusal(portal.send(upload, &path, guard, 0, silent(), &cancel).await);
    assert!(matches!(gone, ProblemCode::NotFound | ProblemCode::UploadGone), "{gone:?}");
}

#[tokio::test]
async fn a_file_that_changes_or_vanishes_is_found_out() {
    let total = 3 * CHUNK_BYTES;
    let (real, portal, case, requirement) = asked_for_video(total).await;
    let cancel = CancellationToken::new();
    type Change = fn(&Path);
    let changes: [(&str, Change, PortalError); 4] = [
        (
            "longer",
            |path| {
                std::fs::OpenOptions::new()
                    .append(true)
                    .open(path)
                    .and_then(|mut f| std::io::Write::write_all(&mut f, b"x"))
                    .unwrap()
            },
            PortalError::FileChanged,
        ),
        (
            "shorter",
            |path| std::fs::OpenOptions::new().write(true).open(path).and_then(|f| f.set_len(9 << 20)).unwrap(),
            PortalError::FileChanged,
        ),
        ("gone", |path| std::fs::remove_file(path).unwrap(), PortalError::FileGone),
        (
            "another",
            |path| {
                let other = path.with_extension("new");
                std::fs::write(&other, b"other").unwrap();
                std::fs::rename(other, path).unwrap()
            },
            PortalError::FileChanged,
        ),
    ];
    for (name, change, expected) in changes {
        // Wine lets nobody put another file in the place of an open one.
        if cfg!(windows) && name == "another" {
            continue;
        }
        let path = real.file(&format!("{name}.mp4"), FileKind::Mp4, total, false);
        let (upload, guard) = announced(&portal, case, &requirement, &path).await;
        let done = AtomicBool::new(false);
        let at = path.clone();
        let in_the_middle = Arc::new(move |bytes: u64| {
            if bytes > CHUNK_BYTES && !done.swap(true, Ordering::SeqCst) {
                change(&at);
            }
        });
        let said = portal.send(upload, &path, guard, 0, in_the_middle, &cancel).await;
        assert_eq!(said, Err(expected.clone()), "a file that becomes {name} during the upload");
        // Before anything is sent it is found out just as well.
        assert_eq!(
            portal.send(upload, &path, guard, 0, silent(), &cancel).await,
            Err(expected.clone()),
            "{name}, before"
        );
        assert_eq!(hash_file(&path, guard, silent(), &cancel).await, Err(expected), "{name}, before hashing");
        portal.terminate(upload).await.unwrap();
    }
}

#[tokio::test]
async fn what_the_service_will_not_take() {
    let (real, portal, case, requirement) = asked_for_video(1000).await;
    let path = real.file("video.mp4", FileKind::Mp4, 1000, true);
    let guard = FileGuard::of(&path).unwrap();
    let cancel = CancellationToken::new();
    let right = hash_file(&path, guard, silent(), &cancel).await.unwrap();
    let spec = |bytes, sha256: &str| UploadSpec {
        application: case,
        requirement: requirement.clone(),
        file_name: "a,b c.mp4".into(),
        bytes,
        sha256: sha256.into(),
    };
    assert_eq!(refusal(portal.create_upload(&spec(u64::MAX / 4, &right)).await), ProblemCode::TooLarge);
    let upload = portal.create_upload(&spec(guard.bytes, &"0".repeat(64))).await.unwrap();
    assert_eq!(
        refusal(portal.send(upload, &path, guard, 0, silent(), &cancel).await),
        ProblemCode::ChecksumMismatch,
        "other bytes than announced"
    );
    let text = real.dir.path().join("note.mp4");
    std::fs::write(&text, "a text under the name of a video").unwrap();
    let (upload, guard) = announced(&portal, case, &requirement, &text).await;
    assert_eq!(refusal(portal.send(upload, &text, guard, 0, silent(), &cancel).await), ProblemCode::WrongFileKind);
}

#[tokio::test]
async fn hashing_and_sending_can_be_cancelled() {
    let total = 4 * CHUNK_BYTES;
    let (real, portal, case, requirement) = asked_for_video(total).await;
    let path = real.file("video.mp4", FileKind::Mp4, total, false);
    let (upload, guard) = announced(&portal, case, &requirement, &path).await;
    let cancelling = |after: u64| {
        let cancel = CancellationToken::new();
        let inside = cancel.clone();
        let progress = Arc::new(move |done: u64| {
            if done > after {
                inside.cancel()
            }
        });
        (cancel, progress)
    };
    let (cancel, progress) = cancelling(1 << 20);
    assert_eq!(hash_file(&path, guard, progress, &cancel).await, Err(PortalError::Cancelled));
    let (cancel, progress) = cancelling(CHUNK_BYTES + 1);
    assert_eq!(portal.send(upload, &path, guard, 0, progress, &cancel).await, Err(PortalError::Cancelled));
    let offset = portal.upload_offset(upload).await.unwrap();
    assert!((1..=CHUNK_BYTES + 1).contains(&offset), "what was acknowledged stays, and no more was sent: {offset}");
    portal
        .send(upload, &path, guard, offset, silent(), &CancellationToken::new())
        .await
        .expect("and it can go on later");
}
