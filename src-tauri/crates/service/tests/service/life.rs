//! One certificate from registration to login, and what is refused on the way.

use std::{io::Write as _, process::Command};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use certdesk_contract::{ProblemCode, application::*, certificate::*, path, upload as tus};
use certdesk_domain::{AccountKind, Business, RequirementId, State};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use uuid::Uuid;

use crate::world::{self, Answer, Applicant, Key, World, file, handler, hex};

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_life() {
    let world = World::new().await;
    let person = world.applicant(AccountKind::Enterprise).await;
    let client = &person.client;
    let desk = world.desk();

    // Drafted twice under the same id: one case.
    let id = person.draft().await;
    client.put(&path::application(id), &ApplicationDraft::new(Business::New)).await.expect(200);
    let cases: Vec<Application> = client.get(path::APPLICATIONS).await.expect(200).json();
    assert_eq!(cases.len(), 1, "a repeated PUT makes no second case");

    let mut attachments = person.all_files(id).await;
    let video = upload_over_a_breaking_line(&person, id).await;
    attachments.last_mut().unwrap().upload = video;

    // Handed in: not without its key, not unsigned, not incomplete; twice at once is once.
    let submission = person.submission(attachments.clone()).await;
    let submit = path::submission(id);
    client.post(&submit, &submission).await.refused(ProblemCode::BadRequest);
    let undeclared = Submission { declared_true: false, ..submission.clone() };
    let faults = client
        .post_once(&submit, Uuid::new_v4(), &undeclared)
        .await
        .refused(ProblemCode::InvalidFields)
        .problem()
        .faults;
    assert_eq!(faults[0].field, "declared_true");
    let incomplete = Submission { attachments: attachments[1..].to_vec(), ..submission.clone() };
    client.post_once(&submit, Uuid::new_v4(), &incomplete).await.refused(ProblemCode::MissingAttachments);
    let key = Uuid::new_v4();
    let (one, two) =
        tokio::join!(client.post_once(&submit, key, &submission), client.post_once(&submit, key, &submission));
    let (one, two): (Receipt, Receipt) = (one.expect(200).json(), two.expect(200).json());
    assert_eq!(one, two, "the same submission gets the same receipt");
    assert!(one.number.starts_with("CD20") && one.number.len() == 16, "{} is no 申办编号", one.number);
    client.post_once(&submit, key, &undeclared).await.refused(ProblemCode::IdempotencyMismatch);
    client.post_once(&submit, Uuid::new_v4(), &submission).await.refused(ProblemCode::WrongState);

    // The desk, beside the running service: opened, returned with remarks.
    let dossier = desk.show(&one.number).unwrap();
    assert_eq!(dossier.application.state, State::InReview, "an opened case is in review");
    assert!(dossier.files.iter().all(|f| f.exists()), "the desk finds every file");
    let remark = |target| Remark { target, text: "请核对".into() };
    let remarks = vec![
        remark(RemarkTarget::Field("person.name".into())),
        remark(RemarkTarget::Files(RequirementId("business_license".into()))),
    ];
    let unknown = vec![remark(RemarkTarget::Field("shoe_size".into()))];
    assert!(desk.decide(&one.number, Review::Return { remarks: unknown }).is_err(), "no such field can be remarked on");
    desk.decide(&one.number, Review::Return { remarks: remarks.clone() }).unwrap();
    let returned: Application = client.get(&path::application(id)).await.expect(200).json();
    assert_eq!(
        (returned.state, &returned.remarks),
        (State::NeedsCorrection, &remarks),
        "the applicant sees the remarks"
    );

    // Only what was remarked may change; the number stays.
    let mut other_field = submission.clone();
    other_field.handler.phone = "13900139000".into();
    client.post_once(&submit, Uuid::new_v4(), &other_field).await.refused(ProblemCode::NotRemarked);
    let mut other_file = submission.clone();
    other_file.attachments[5].upload = person.upload(id, "power_of_attorney", &file("pdf", 900)).await;
    client.post_once(&submit, Uuid::new_v4(), &other_file).await.refused(ProblemCode::NotRemarked);
    let mut corrected = submission.clone();
    corrected.handler.person.name = "欧阳·测试".into();
    corrected.attachments[1].upload = person.upload(id, "business_license", &file("pdf", 700)).await;
    let again: Receipt = client.post_once(&submit, Uuid::new_v4(), &corrected).await.expect(200).json();
    assert_eq!(again.number, one.number, "the same case is handed in again");
    assert!(again.application.remarks.is_empty(), "remarks are settled by handing in again");

    // Approved: both states are in the history.
    client
        .post(&path::issuance(id), &CertificateRequest { csr_b64: STANDARD.encode(Key::generate().csr()) })
        .await
        .refused(ProblemCode::WrongState);
    let approved = desk.decide(&one.number, Review::Approve).unwrap();
    let states: Vec<_> = approved.history.iter().map(|h| h.state).collect();
    use State::*;
    assert_eq!(states, [Draft, Submitted, InReview, NeedsCorrection, Submitted, InReview, Approved, AwaitingIssuance]);
    assert_eq!(approved.certificate_subject.as_deref(), Some("福州云帆测试科技有限公司"));

    // Certified: a broken request is refused, the same key gets the same certificate, OpenSSL accepts it.
    let key = Key::generate();
    let mut broken = key.csr();
    *broken.last_mut().unwrap() ^= 1;
    client
        .post(&path::issuance(id), &CertificateRequest { csr_b64: STANDARD.encode(broken) })
        .await
        .refused(ProblemCode::BadCsr);
    let issued: IssuedCertificate = person.certify(id, &key).await.expect(200).json();
    let same: IssuedCertificate = person.certify(id, &key).await.expect(200).json();
    assert_eq!(issued, same, "the same key gets the same certificate");
    let der = STANDARD.decode(&issued.certificate_b64).unwrap();
    assert_eq!(
        issued.chain_b64.last(),
        Some(&STANDARD.encode(&world.running.ca_root_der)),
        "the chain ends at the root"
    );
    openssl_accepts(&issued);

    // Confirmed, with proof; again is as good as once.
    let serial = certdesk_pki::Certificate::parse(&der).unwrap().serial;
    let forged = Installation { serial, proof_b64: Key::generate().installation(id, &der).proof_b64 };
    client.post(&path::installation(id), &forged).await.refused(ProblemCode::BadCsr);
    let done: Application = client.post(&path::installation(id), &key.installation(id, &der)).await.expect(200).json();
    assert_eq!(done.state, Completed);
    let repeated: Application =
        client.post(&path::installation(id), &key.installation(id, &der)).await.expect(200).json();
    assert_eq!(repeated, done, "a repeated confirmation changes nothing");
    let records: Vec<CertificateRecord> = client.get(path::CERTIFICATES).await.expect(200).json();
    assert_eq!(records.iter().map(|r| r.status).collect::<Vec<_>>(), [CertificateStatus::Active]);
    client.send("DELETE", &path::application(id), &[], "").await.refused(ProblemCode::WrongState);

    // From now on the key alone logs in; who does not know the password is not told.
    client.log_in(&person.account, world::NEW_PASSWORD).await.refused(ProblemCode::CertificateLoginRequired);
    client.log_in(&person.account, "something else").await.refused(ProblemCode::WrongCredentials);
    world.running.stop().await;
}

/// 20 MiB in three chunks; each is sent half, the line breaks, and the client asks where it stands.
async fn upload_over_a_breaking_line(person: &Applicant, application: Uuid) -> Uuid {
    let bytes = file("mp4", 20 << 20);
    let sha256 = hex(&Sha256::digest(&bytes));
    let announced =
        person.announce(application, "commitment_video", "承诺.mp4", bytes.len() as u64, Some(&sha256)).await;
    let Ok(upload) = announced else { panic!("the video was not taken") };
    let mut at = 0;
    while at < bytes.len() {
        let chunk = &bytes[at..bytes.len().min(at + tus::CHUNK_BYTES as usize)];
        cut_in_the_middle(person, &upload, at, chunk).await;
        assert_eq!(person.offset(&upload).await, at as u64, "half a chunk with a checksum does not count");
        let answer = person.patch(&upload, at as u64, true, chunk).await.expect(204);
        at += chunk.len();
        assert_eq!(answer.header("upload-offset"), at.to_string());
    }
    world::id_of(&upload)
}

async fn cut_in_the_middle(person: &Applicant, upload: &str, offset: usize, chunk: &[u8]) {
    let mut stream = person.client.tls().await;
    let head = format!(
        "PATCH {upload} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ntus-resumable: 1.0.0\r\ncontent-type: {}\r\n\
         upload-offset: {offset}\r\nupload-checksum: sha256 {}\r\ncontent-length: {}\r\n\r\n",
        person.client.token.as_ref().unwrap(),
        tus::OFFSET_OCTET_STREAM,
        STANDARD.encode(Sha256::digest(chunk)),
        chunk.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&chunk[..chunk.len() / 2]).await.unwrap();
    stream.flush().await.unwrap();
}

fn openssl_accepts(issued: &IssuedCertificate) {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, b64: &str| {
        let path = folder.path().join(name);
        let mut file = std::fs::File::create(&path).unwrap();
        writeln!(file, "-----BEGIN CERTIFICATE-----").unwrap();
        for line in b64.as_bytes().chunks(64) {
            file.write_all(line).unwrap();
            writeln!(file).unwrap();
        }
        writeln!(file, "-----END CERTIFICATE-----").unwrap();
        path
    };
    let (root, issuing) = (write("root", &issued.chain_b64[1]), write("issuing", &issued.chain_b64[0]));
    let leaf = write("leaf", &issued.certificate_b64);
    let verified = Command::new("openssl")
        .args(["verify", "-x509_strict", "-purpose", "sslclient", "-CAfile"])
        .arg(root)
        .arg("-untrusted")
        .arg(issuing)
        .arg(&leaf)
        .output();
    let verified = verified.expect("openssl is installed");
    assert!(verified.status.success(), "openssl verify: {}", String::from_utf8_lossy(&verified.stderr));
    let shown = Command::new("openssl")
        .args(["x509", "-noout", "-text", "-nameopt", "utf8,sep_comma_plus", "-in"])
        .arg(&leaf)
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    for critical in ["X509v3 Key Usage: critical", "X509v3 Basic Constraints: critical"] {
        assert!(shown.contains(critical), "the certificate must say {critical}:\n{shown}");
    }
    for identifier in ["X509v3 Authority Key Identifier", "X509v3 Subject Key Identifier"] {
        assert!(shown.contains(identifier), "the certificate must carry its {identifier}");
    }
    let der = STANDARD.decode(&issued.certificate_b64).unwrap();
    let (_, parsed) = x509_parser::parse_x509_certificate(&der).unwrap();
    for attribute in parsed.subject().iter_attributes() {
        let country = attribute.attr_type().to_id_string() == "2.5.4.6";
        let tag = attribute.attr_value().header.tag().0;
        assert_eq!(tag, if country { 19 } else { 12 }, "C is a PrintableString, the others are UTF8String");
    }
    assert!(parsed.raw_serial().len() >= 16, "a serial number has at least 64 random bits");
    for part in [
        "CN=福州云帆测试科技有限公司",
        "Digital Signature, Non Repudiation",
        "TLS Web Client Authentication, E-mail Protection",
        "email:clerk@example.com",
        "/v1/ca/crl",
    ] {
        assert!(shown.contains(part), "the certificate must say {part}:\n{shown}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_rsa_key_is_certified_too() {
    let world = World::new().await;
    let person = world.applicant(AccountKind::Enterprise).await;
    let id = person.approved(&world.desk()).await;
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key.pem");
    let made = Command::new("openssl")
        .args(["genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out"])
        .arg(&key)
        .status();
    assert!(made.unwrap().success());
    let csr = Command::new("openssl")
        .args(["req", "-new", "-subj", "/CN=x", "-outform", "DER", "-key"])
        .arg(&key)
        .output()
        .unwrap()
        .stdout;
    let request = CertificateRequest { csr_b64: STANDARD.encode(&csr) };
    let issued: IssuedCertificate = person.client.post(&path::issuance(id), &request).await.expect(200).json();
    openssl_accepts(&issued);
    let der = STANDARD.decode(issued.certificate_b64).unwrap();
    let serial = certdesk_pki::Certificate::parse(&der).unwrap().serial;
    let statement = folder.path().join("statement");
    std::fs::write(&statement, Installation::statement(id, &serial)).unwrap();
    let proof =
        Command::new("openssl").args(["dgst", "-sha256", "-sign"]).arg(&key).arg(&statement).output().unwrap().stdout;
    let installation = Installation { serial, proof_b64: STANDARD.encode(proof) };
    let done: Application = person.client.post(&path::installation(id), &installation).await.expect(200).json();
    assert_eq!(done.state, State::Completed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_lost_before_its_certificate_was_confirmed_is_replaced() {
    let world = World::new().await;
    let person = world.applicant(AccountKind::Enterprise).await;
    let id = person.approved(&world.desk()).await;
    let (lost, found) = (Key::generate(), Key::generate());
    let first: IssuedCertificate = person.certify(id, &lost).await.expect(200).json();
    person.certify(id, &found).await.expect(200);
    person.certify(id, &lost).await.refused(ProblemCode::BadCsr);
    let first = STANDARD.decode(first.certificate_b64).unwrap();
    person.client.post(&path::installation(id), &lost.installation(id, &first)).await.refused(ProblemCode::WrongState);
    let crl = person.client.get(path::CRL).await.expect(200);
    assert_eq!(crl.header("content-type"), "application/pkix-crl");
    let serial = certdesk_pki::Certificate::parse(&first).unwrap().serial;
    let (_, crl) = x509_parser::parse_x509_crl(&crl.body).unwrap();
    let revoked: Vec<_> = crl
        .iter_revoked_certificates()
        .map(|r| r.raw_serial().iter().map(|b| format!("{b:02x}")).collect::<String>())
        .collect();
    assert_eq!(revoked, [serial], "the lost key's certificate is on the revocation list");
}

#[tokio::test(flavor = "multi_thread")]
async fn openssl_accepts_the_revocation_list_and_refuses_who_is_on_it() {
    let World { data, clock, running } = World::new().await;
    let world = World { data, clock, running };
    let person = world.applicant(AccountKind::Enterprise).await;
    let id = person.approved(&world.desk()).await;
    let first: IssuedCertificate = person.certify(id, &Key::generate()).await.expect(200).json();
    let second: IssuedCertificate = person.certify(id, &Key::generate()).await.expect(200).json();
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, label: &str, der: &[u8]| {
        let file = folder.path().join(name);
        std::fs::write(&file, format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der)))
            .unwrap();
        file
    };
    let certificate = |name, b64: &str| write(name, "CERTIFICATE", &STANDARD.decode(b64).unwrap());
    let (issuing, root) = (certificate("issuing", &first.chain_b64[0]), certificate("root", &first.chain_b64[1]));
    let crl = write("crl", "X509 CRL", &person.client.get(path::CRL).await.expect(200).body);
    let verified =
        Command::new("openssl").args(["crl", "-noout", "-text", "-in"]).arg(&crl).arg("-CAfile").arg(&issuing).output();
    let verified = verified.unwrap();
    assert!(String::from_utf8_lossy(&verified.stderr).contains("verify OK"), "{verified:?}");
    let text = String::from_utf8_lossy(&verified.stdout).into_owned();
    for part in ["Version 2", "X509v3 CRL Number", "X509v3 Authority Key Identifier", "Next Update"] {
        assert!(text.contains(part), "a revocation list has {part}:\n{text}");
    }
    let good = |leaf: &std::path::Path| {
        let mut command = Command::new("openssl");
        command.args(["verify", "-x509_strict", "-crl_check", "-CAfile"]).arg(&root);
        command.arg("-untrusted").arg(&issuing).arg("-CRLfile").arg(&crl).arg(leaf).output().unwrap().status.success()
    };
    assert!(!good(&certificate("first", &first.certificate_b64)), "the revoked certificate is refused");
    assert!(good(&certificate("second", &second.certificate_b64)), "the other is good");

    // A clock that ran ahead is set right: the list of the future is replaced by one that holds now.
    let this_update = |der: &[u8]| {
        let (_, crl) = x509_parser::parse_x509_crl(der).unwrap();
        (crl.last_update().to_datetime(), crl.crl_number().unwrap().clone())
    };
    world.clock.advance(std::time::Duration::from_secs(30 * 24 * 3600));
    let (later, its_number) = this_update(&person.client.get(path::CRL).await.expect(200).body);
    let World { data, running, .. } = world;
    running.stop().await;
    let running = world::start(data.path(), &certdesk_service::Clock::system()).await;
    let client = world::Client::new(running.address, &running.root_der);
    let (now, number) = this_update(&client.get(path::CRL).await.expect(200).body);
    assert!(now < later && number > its_number, "the list is of now, and its number goes on");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_cases_of_a_first_certificate_one_is_completed() {
    let world = World::new().await;
    let person = world.applicant(AccountKind::Enterprise).await;
    let desk = world.desk();
    let approved = person.approved(&desk).await;
    let late = person.draft().await;
    let submission = person.submission(person.all_files(late).await).await;
    person.certified(&desk, &Key::generate()).await;
    person
        .client
        .post_once(&path::submission(late), Uuid::new_v4(), &submission)
        .await
        .refused(ProblemCode::WrongState);
    person.certify(approved, &Key::generate()).await.refused(ProblemCode::WrongState);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_requests_at_once_leave_one_good_certificate() {
    let world = World::new().await;
    let person = world.applicant(AccountKind::Enterprise).await;
    let id = person.approved(&world.desk()).await;
    let (one, two) = (Key::generate(), Key::generate());
    let (a, b) = tokio::join!(person.certify(id, &one), person.certify(id, &two));
    let der = |answer: Answer| {
        let issued: IssuedCertificate = answer.expect(200).json();
        STANDARD.decode(issued.certificate_b64).unwrap()
    };
    let (a, b) = (der(a), der(b));
    let confirm = async |installation: Installation| person.client.post(&path::installation(id), &installation).await;
    let (a, b) = tokio::join!(confirm(one.installation(id, &a)), confirm(two.installation(id, &b)));
    let mut statuses = [a.status, b.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "the later request's key alone is confirmed");
    let records: Vec<CertificateRecord> = person.client.get(path::CERTIFICATES).await.expect(200).json();
    assert_eq!(records.iter().filter(|r| r.status == CertificateStatus::Active).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idempotency_key_is_its_own_cases_and_accounts() {
    let world = World::new().await;
    let (one, two) = (world.applicant(AccountKind::Enterprise).await, world.applicant(AccountKind::Authority).await);
    let key = Uuid::new_v4();
    let id = one.draft().await;
    let submission = one.submission(one.all_files(id).await).await;
    one.client.post_once(&path::submission(id), key, &submission).await.expect(200);
    two.client.post_once(&path::submission(id), key, &submission).await.refused(ProblemCode::NotFound);
    let own = two.draft().await;
    two.client.post_once(&path::submission(own), key, &submission).await.refused(ProblemCode::MissingAttachments);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_anothers_is_not_there() {
    let world = World::new().await;
    let owner = world.applicant(AccountKind::Enterprise).await;
    let other = world.applicant(AccountKind::Individual).await;
    let id = owner.approved(&world.desk()).await;
    let key = Key::generate();
    owner.certify(id, &key).await.expect(200);
    let draft = owner.draft().await;
    let Ok(upload) = owner.announce(draft, "application_form", "a.pdf", 100, None).await else { panic!() };

    let other_client = &other.client;
    other_client.get(&path::application(id)).await.refused(ProblemCode::NotFound);
    other_client
        .put(&path::application(id), &ApplicationDraft::new(Business::New))
        .await
        .refused(ProblemCode::NotFound);
    other_client.send("DELETE", &path::application(id), &[], "").await.refused(ProblemCode::NotFound);
    other.certify(id, &key).await.refused(ProblemCode::NotFound);
    let submission = Submission { handler: handler(), ..other.submission(vec![]).await };
    other_client.post_once(&path::submission(id), Uuid::new_v4(), &submission).await.refused(ProblemCode::NotFound);
    assert_eq!(other.head(&upload).await.status, 404, "another's upload is not there");
    other.patch(&upload, 0, true, &file("pdf", 100)).await.refused(ProblemCode::NotFound);
    other_client.send("DELETE", &upload, &[("tus-resumable", "1.0.0")], "").await.refused(ProblemCode::NotFound);
    assert_eq!(
        other.announce(draft, "application_form", "a.pdf", 100, None).await.unwrap_err().problem().code,
        ProblemCode::NotFound
    );
    assert_eq!(other_client.get(path::APPLICATIONS).await.expect(200).body, b"[]", "nobody sees another's cases");

    // Nor does another's key become one's own.
    let own = other.draft().await;
    let mut attachments = Vec::new();
    for (requirement, kind) in
        [("application_form", "pdf"), ("applicant_id", "jpeg"), ("applicant_id", "jpeg"), ("commitment_video", "mp4")]
    {
        let upload = other.upload(own, requirement, &file(kind, 500)).await;
        attachments.push(SubmittedAttachment { requirement: RequirementId(requirement.into()), upload });
    }
    let submission = other.submission(attachments).await;
    other_client.post_once(&path::submission(own), Uuid::new_v4(), &submission).await.expect(200);
    world.desk().decide(&own.to_string(), Review::Approve).unwrap();
    other.certify(own, &key).await.refused(ProblemCode::BadCsr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_can_be_withdrawn_or_rejected() {
    let world = World::new().await;
    let person = world.applicant(AccountKind::Authority).await;
    let id = person.draft().await;
    let upload = person.upload(id, "application_form", &file("pdf", 300)).await;
    for _ in 0..2 {
        person.client.send("DELETE", &path::application(id), &[], "").await.expect(200);
    }
    let case: Application = person.client.get(&path::application(id)).await.expect(200).json();
    assert_eq!(case.state, State::Withdrawn);
    assert_eq!(person.head(&path::upload(upload)).await.status, 410, "a withdrawn draft's files go with it");
    assert!(!world.data.path().join("uploads").join(upload.to_string()).exists(), "also from the disk");

    let person = world.applicant(AccountKind::Enterprise).await;
    let id = person.draft().await;
    let submission = person.submission(person.all_files(id).await).await;
    person.client.post_once(&path::submission(id), Uuid::new_v4(), &submission).await.expect(200);
    world.desk().decide(&id.to_string(), Review::Reject { reason: "营业执照已过期".into() }).unwrap();
    let case: Application = person.client.get(&path::application(id)).await.expect(200).json();
    assert_eq!((case.state, case.reason.as_deref()), (State::Rejected, Some("营业执照已过期")));
    let named = path::upload(submission.attachments[0].upload);
    person.client.send("DELETE", &named, &[("tus-resumable", "1.0.0")], "").await.refused(ProblemCode::WrongState);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cut_without_checksum_keeps_what_arrived() {
    let (_world, tool) = World::unsigned().await;
    let person = world::applicant(&tool, world::registration(AccountKind::Enterprise)).await;
    let id = person.draft().await;
    let Ok(upload) = person.announce(id, "application_form", "a.pdf", 3000, None).await else { panic!() };
    let mut stream = person.client.tls().await;
    let token = person.client.token.as_ref().unwrap();
    let head = format!(
        "PATCH {upload} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ntus-resumable: 1.0.0\r\ncontent-type: {}\r\nupload-offset: 0\r\ncontent-length: 3000\r\n\r\n",
        tus::OFFSET_OCTET_STREAM
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&file("pdf", 1000)).await.unwrap();
    stream.flush().await.unwrap();
    // Half closed: the service has all that came and knows that no more does.
    stream.shutdown().await.unwrap();
    let _ = stream.read(&mut [0; 1]).await;
    world::until("the received part's count", async || person.offset(&upload).await == 1000).await;
    let rest = file("pdf", 3000)[1000..].to_vec();
    person.patch(&upload, 1000, true, &rest).await.expect(204);
}
