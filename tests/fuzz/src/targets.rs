//! The parsers.

use std::{
    fmt::Debug,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io::Write as _,
    sync::{LazyLock, Mutex, PoisonError},
};

use certdesk_contract::{
    Problem,
    announcement::AnnouncementPage,
    application::{Application, DraftContent},
    catalogue::Catalogue,
    driver::DriverPackage,
    notice::Notices,
    profiles::SignedProfiles,
    receipt::Jws,
    session::Session,
    signature::{ACT_LABEL, RequestHead, SESSION_LABEL, Signed, parse_content_digest},
};
use certdesk_domain::{FileKind, token::SignatureScheme};
use certdesk_pki::{
    Certificate, Csr, chain, cms,
    crl::{Crl, serial_bytes},
    key_algorithm, key_id, pdf, spki_of_jwk, verify, web_eid,
};
use certdesk_token::{
    card_readers,
    discovery::readers,
    header::Header,
    message::{self, Answer, Numbered, Request},
    proxy_script,
};
use pkcs11_profiles::{Bundle, Profile};
use x509_parser::prelude::{CertificateRevocationList, FromDer as _, X509Certificate};

use crate::{Target, made, web};

const fn target(name: &'static str, from: &'static str, read: fn(&[u8]) -> u64) -> Target {
    Target { name, from, read, most: 64 << 10, made: Vec::new }
}

/// All of them.
pub const TARGETS: &[Target] = &[
    target("frame-reply", "the helper with a vendor's driver in it", frame_reply),
    target("frame-readers", "the helper, with the smart card service in it", frame_readers),
    target("frame-script", "the helper, with a network's proxy script in it", frame_script),
    target("frame-request", "the program, at the helper", frame_request),
    target("certificate", "a token, the service", certificate),
    target("request", "a client: PKCS#10", request),
    target("revocation-list", "the service, as it comes", revocation_list),
    target("revocation-entries", "the service, signed by the right key", revocation_entries),
    target("cms", "a signed form", content_info),
    Target { most: 512 << 10, made: made::signed_forms, ..target("signed-form", "an applicant: PDF", signed_form) },
    Target {
        most: 512 << 10,
        made: made::forms,
        ..target("form-to-sign", "an applicant: what a signature is around", form_to_sign)
    },
    target("signature-fields", "a client: RFC 9421", signature_fields),
    target("session-key", "a client: JWK, Web eID", session_key),
    target("receipt", "a file: JWS", receipt),
    target("receipt-statement", "a file: what a receipt says", receipt_statement),
    target("profile", "the publisher of profiles: TOML", profile),
    target("bundle", "the publisher of profiles", bundle),
    Target { most: 128 << 10, made: made::catalogues, ..target("answers", "the service: JSON of every kind", answers) },
    target("drivers", "the service: its list of drivers", drivers),
    target("library-head", "a file that may be a driver", library_head),
    target("library", "a file that may be a driver: ELF, PE, Mach-O", library),
    target("loader-cache", "glibc's ld.so.cache", loader_cache),
    target("p11-kit", "a driver's package", p11_kit),
    target("manifest", "a driver's package: manifest for Firefox", manifest),
    target("lock", "the disk: certdesk.lock.json", lock),
    target("picked-file", "a person: pictures, videos, PDF", picked_file),
    Target {
        most: 16 << 10,
        made: web::requests,
        ..target("service", "anybody: HTTP, tus, forms of the desk", web::read)
    },
];

/// The same for inputs that came equally far.
pub(crate) fn place(reached: impl Debug) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{reached:?}").hash(&mut hasher);
    hasher.finish()
}

fn frame_reply(bytes: &[u8]) -> u64 {
    place(framed::<Answer>(bytes))
}

fn frame_readers(bytes: &[u8]) -> u64 {
    place(framed::<card_readers::Answer>(bytes))
}

fn frame_script(bytes: &[u8]) -> u64 {
    place(framed::<proxy_script::Answer>(bytes))
}

fn frame_request(bytes: &[u8]) -> u64 {
    place(framed::<Request>(bytes))
}

/// What is read is written again as it was.
fn framed<T: serde::Serialize + serde::de::DeserializeOwned + Debug>(bytes: &[u8]) -> Result<String, String> {
    if let Some(head) = bytes.first_chunk() {
        let length = message::body_length(*head).unwrap_or_default();
        assert!(length <= message::MAX_FRAME, "a frame has its bound");
    }
    let read: Numbered<T> = message::decode(bytes).map_err(|error| format!("{error:?}"))?;
    let shown = format!("{:?}", read.body);
    if let Ok(written) = message::encode(&read) {
        let again: Numbered<T> = message::decode(&written[4..]).expect("what was written is read");
        assert_eq!(format!("{:?}", again.body), shown, "and is the same");
    }
    Ok(shown.chars().take_while(|c| c.is_ascii_alphanumeric()).collect())
}

fn certificate(bytes: &[u8]) -> u64 {
    let read = Certificate::parse(bytes);
    if let Ok(read) = &read {
        assert!(!read.holder.is_empty(), "a certificate always has something to be called by");
        let has_key = key_id(&read.spki_der).is_ok();
        assert_eq!(read.belongs_to(&read.spki_der), has_key, "it belongs to its own key, where that is one");
        for (name, value) in &read.details {
            assert!(!value.chars().any(char::is_control), "{name}: control characters are not shown");
        }
        let twin = X509Certificate::from_der(bytes).map(|(_, twin)| twin.public_key().raw.to_vec());
        assert_eq!(twin.ok().as_deref(), Some(&*read.spki_der), "two readers see one key");
        assert_eq!(Certificate::der_of_pem(&read.pem()).as_deref(), Ok(bytes), "PEM leads back");
    }
    let known = &made::AUTHORITY.der;
    let at = made::AT;
    let trusted = chain::verify(bytes, &[known], &[known], at);
    assert!(trusted.is_err() || bytes == known.as_slice() || made::is_issued(bytes), "nobody else is vouched for");
    let _ = chain::verify(known, &[bytes], &[bytes], at);
    let _ = (key_id(bytes), key_algorithm(bytes));
    for scheme in [SignatureScheme::RsaPkcs1Sha256, SignatureScheme::RsaPssSha256, SignatureScheme::EcdsaP256Sha256] {
        let _ = verify(bytes, scheme, bytes, bytes);
    }
    let _ = web_eid::verify(bytes, "ES256", bytes, "https://a.example", "nonce");
    place((read.map(|read| read.details.len()), trusted))
}

fn request(bytes: &[u8]) -> u64 {
    let as_it_is = Csr::parse_and_verify(bytes).map(drop);
    // Past the signature: the same content, signed by the key that a good request names.
    let signed = made::signed_sequence(bytes);
    place((as_it_is, Csr::parse_and_verify(&signed).map(drop)))
}

fn revocation_list(bytes: &[u8]) -> u64 {
    place(Crl::verify(bytes, &made::AUTHORITY.der).map(|list| list.scan(|_| {})))
}

/// Signed as it should be, whatever it says: then it is read to the end, and two readers agree.
fn revocation_entries(bytes: &[u8]) -> u64 {
    let list = made::signed_sequence(bytes);
    let Ok(read) = Crl::verify(&list, &made::AUTHORITY.der) else { return place("refused") };
    let mut ours = Vec::new();
    let scanned = read.scan(|entry| ours.push((entry.serial.to_vec(), entry.revoked_at)));
    let mut sorted = 0;
    let again = read.scan_sorted(|_| sorted += 1);
    assert_eq!(scanned, again, "read twice it is the same");
    if scanned.is_ok() {
        assert_eq!(sorted, ours.len());
        if let Ok((_, twin)) = CertificateRevocationList::from_der(&list) {
            let theirs: Vec<_> = twin
                .iter_revoked_certificates()
                .map(|entry| (trimmed(entry.raw_serial()).to_vec(), entry.revocation_date.timestamp()))
                .collect();
            assert_eq!(ours, theirs, "two readers see the same entries");
        }
    }
    place((scanned, ours.len().min(4)))
}

fn trimmed(serial: &[u8]) -> &[u8] {
    &serial[serial.iter().take_while(|byte| **byte == 0).count()..]
}

fn content_info(bytes: &[u8]) -> u64 {
    let content = || cms::Content::of(&[b"content"]);
    let verified = cms::verify(bytes, content());
    let signing = cms::Signing::new(bytes, &[bytes.to_vec()], content()).map(drop);
    place((verified.map(drop), signing))
}

fn signed_form(bytes: &[u8]) -> u64 {
    let verified = pdf::verify(bytes);
    if verified.is_ok() {
        assert!(pdf::looks_signed(bytes), "what is signed looks it");
    }
    place(verified.map(drop))
}

fn form_to_sign(bytes: &[u8]) -> u64 {
    let prepared = pdf::prepare(bytes, &made::AUTHORITY.der, &[], made::AT);
    // What can be signed verifies when it was.
    if let Ok(prepared) = prepared {
        let signature = made::AUTHORITY.sign(&prepared.to_be_signed());
        let file = prepared.finish(SignatureScheme::EcdsaP256Sha256, &signature).expect("a right signature is taken");
        let verified = pdf::verify(&file);
        assert!(verified.is_ok(), "what we signed verifies: {verified:?}");
        return place("signed");
    }
    place(prepared.map(drop))
}

/// Lines: method, address, `Signature-Input`, `Signature`, then fields.
fn signature_fields(bytes: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(bytes);
    let _ = parse_content_digest(&text);
    let mut lines = text.split('\n');
    let mut next = || lines.next().unwrap_or_default();
    let (method, address, inputs, signatures) = (next(), next(), next(), next());
    let fields: Vec<_> = lines.filter_map(|line| line.split_once(": ")).collect();
    let head = RequestHead::new(method, address, fields.iter().map(|(name, value)| (*name, value.as_bytes())));
    let mut reached = Vec::new();
    for label in [SESSION_LABEL, ACT_LABEL] {
        let read = Signed::read(inputs, signatures, label);
        let (Ok(Some(signed)), Ok(head)) = (&read, &head) else {
            reached.push(format!("{:?}", read.map(|read| read.is_some())));
            continue;
        };
        let parameters = signed.parameters();
        let base = signed.base(head, !fields.is_empty());
        if let Ok(base) = &base {
            let covered = base.lines().filter(|line| line.starts_with("\"@method\": ")).count();
            assert_eq!(covered, 1, "the method is covered once, and no value makes a line of its own:\n{base}");
        }
        reached.push(format!("{:?} {:?}", parameters.map(drop), base.map(drop)));
    }
    place((head.map(drop), reached))
}

fn session_key(bytes: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(bytes);
    let (x, y) = text.split_once('\n').unwrap_or((&text, ""));
    let spki = spki_of_jwk(x, y);
    if let Ok(spki) = &spki {
        assert!(key_algorithm(spki).is_ok(), "what is a session's key is a key");
    }
    let _ = (serial_bytes(&text), web_eid::scheme(&text));
    place(spki.map(drop))
}

fn receipt(bytes: &[u8]) -> u64 {
    let report = certdesk_cli::receipt::verify(bytes, &[&made::AUTHORITY.der]);
    if let Ok(report) = &report {
        assert!(!report.verified, "its signer's certificate is for no receipts, so none is believed");
    }
    place(report.map(|report| report.checks.iter().map(|check| (check.what, check.holds)).collect::<Vec<_>>()))
}

/// The statement inside, signed by a key that nobody vouches for.
fn receipt_statement(bytes: &[u8]) -> u64 {
    let jws = made::receipt_around(bytes);
    let opened = Jws::open(&jws).is_ok();
    let report = certdesk_cli::receipt::verify(&jws, &[&made::AUTHORITY.der]);
    place((
        opened,
        report.map(|report| report.checks.iter().map(|check| (check.what, check.holds)).collect::<Vec<_>>()),
    ))
}

fn profile(bytes: &[u8]) -> u64 {
    let read = Profile::parse("any", &String::from_utf8_lossy(bytes));
    place(read.map(|profile| profile.faults(&|_| true).len().min(20)).map_err(drop))
}

fn bundle(bytes: &[u8]) -> u64 {
    let read = Bundle::read(&String::from_utf8_lossy(bytes));
    place(read.map(drop).map_err(|error| format!("{error:?}").split('(').next().unwrap_or_default().to_owned()))
}

fn answers(bytes: &[u8]) -> u64 {
    fn is<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> bool {
        serde_json::from_slice::<T>(bytes).is_ok()
    }
    place([
        is::<Catalogue>(bytes),
        is::<Problem>(bytes),
        is::<Session>(bytes),
        is::<Vec<Application>>(bytes),
        is::<DraftContent>(bytes),
        is::<AnnouncementPage>(bytes),
        is::<Notices>(bytes),
        is::<SignedProfiles>(bytes),
    ])
}

fn drivers(bytes: &[u8]) -> u64 {
    let list = serde_json::from_slice::<Vec<DriverPackage>>(bytes);
    for package in list.iter().flatten().filter(|package| package.has_plain_file_name()) {
        let path = std::path::Path::new("folder").join(&package.file_name);
        assert_eq!(path.components().count(), 2, "{:?} leads out of its folder", package.file_name);
        assert!(!package.file_name.contains(['/', '\\', ':', '\0']), "{:?} is no name", package.file_name);
    }
    place(list.map(|list| list.len().min(8)).map_err(drop))
}

fn library_head(bytes: &[u8]) -> u64 {
    let header = Header::parse(bytes);
    if let Some(header) = &header {
        assert!(!header.machines.is_empty(), "a library is for some machine");
    }
    place(header.map(|header| (header.format, header.machines.len())))
}

fn library(bytes: &[u8]) -> u64 {
    place(readers::library(bytes).len().min(512))
}

fn loader_cache(bytes: &[u8]) -> u64 {
    place(readers::loader_cache(bytes).map(|count| count.min(16)))
}

fn p11_kit(bytes: &[u8]) -> u64 {
    place(readers::p11_kit(bytes).len() > 4)
}

fn manifest(bytes: &[u8]) -> u64 {
    place(readers::manifest(bytes).len() > 4)
}

fn lock(bytes: &[u8]) -> u64 {
    place(certdesk_controller::storage::read_lock(bytes).len())
}

/// From a file, as the program reads it.
fn picked_file(bytes: &[u8]) -> u64 {
    static FILE: LazyLock<Mutex<tempfile::NamedTempFile>> =
        LazyLock::new(|| Mutex::new(tempfile::NamedTempFile::new().expect("a temporary file can be made")));
    let mut file = FILE.lock().unwrap_or_else(PoisonError::into_inner);
    std::fs::write(file.path(), bytes).expect("it can be written");
    file.flush().expect("and is");
    let facts = certdesk_controller::file_facts::facts(file.path()).expect("a file that can be read has facts");
    assert_eq!(facts.bytes, bytes.len() as u64);
    assert_eq!(
        facts.kind,
        FileKind::sniff(&bytes[..bytes.len().min(FileKind::SNIFF_BYTES)]),
        "one opinion of its kind"
    );
    assert!(facts.pixels.is_none_or(|(width, height)| width > 0 && height > 0), "a picture has a size or none is told");
    place((facts.kind, facts.pixels.is_some(), facts.duration_ms.is_some()))
}
