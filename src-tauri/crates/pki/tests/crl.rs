//! Revocation lists: OpenSSL agrees on what they say, and what is damaged, foreign or half understood is refused.

#![allow(clippy::unwrap_used, reason = "a test may fall over")]

use std::{process::Command, sync::OnceLock};

use certdesk_domain::RevocationReason;
use certdesk_pki::crl::{self, Crl, CrlError};
use proptest::prelude::*;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CrlDistributionPoint,
    CrlIssuingDistributionPoint, DnType, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams,
    SerialNumber,
};
use tempfile::TempDir;
use time::{Duration, OffsetDateTime, macros::datetime};

const MADE: OffsetDateTime = datetime!(2026-11-22 08:00 UTC);

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    der: Vec<u8>,
}

impl Authority {
    fn named(name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.key_identifier_method = KeyIdMethod::PreSpecified(vec![7; 20]);
        let der = params.self_signed(&key).unwrap().der().to_vec();
        Self { issuer: Issuer::new(params, key), der }
    }

    fn list(&self, change: impl FnOnce(&mut CertificateRevocationListParams)) -> Vec<u8> {
        let mut params = CertificateRevocationListParams {
            this_update: MADE,
            next_update: MADE + Duration::days(1),
            crl_number: SerialNumber::from(41),
            issuing_distribution_point: None,
            revoked_certs: vec![
                revoked(&[0x5F, 0x3A, 0x91], Some(rcgen::RevocationReason::KeyCompromise)),
                revoked(&[0x01], None),
                revoked(&[0x80; 20], Some(rcgen::RevocationReason::Superseded)),
            ],
            key_identifier_method: KeyIdMethod::PreSpecified(vec![7; 20]),
        };
        change(&mut params);
        params.signed_by(&self.issuer).unwrap().der().to_vec()
    }
}

fn revoked(serial: &[u8], reason: Option<rcgen::RevocationReason>) -> RevokedCertParams {
    let revocation_time = MADE - Duration::hours(3);
    RevokedCertParams {
        serial_number: SerialNumber::from_slice(serial),
        revocation_time,
        reason_code: reason,
        invalidity_date: None,
    }
}

fn good() -> &'static (Authority, Vec<u8>) {
    static GOOD: OnceLock<(Authority, Vec<u8>)> = OnceLock::new();
    GOOD.get_or_init(|| {
        let authority = Authority::named("云帆测试CA");
        let list = authority.list(|_| {});
        (authority, list)
    })
}

fn entries(crl: &Crl<'_>) -> Vec<(String, i64, RevocationReason)> {
    let mut found = Vec::new();
    crl.scan_sorted(|e| {
        let hex: String = e.serial.iter().map(|b| format!("{b:02x}")).collect();
        found.push((hex, e.revoked_at, e.reason));
    })
    .unwrap();
    found
}

#[test]
fn a_list_says_what_it_was_made_to_say() {
    let (authority, list) = good();
    let crl = Crl::verify(list, &authority.der).unwrap();
    assert_eq!((crl.number, crl.this_update, crl.next_update), (41, MADE, MADE + Duration::days(1)));
    let at = (MADE - Duration::hours(3)).unix_timestamp();
    let expected = [
        ("01".to_owned(), at, RevocationReason::Unspecified),
        ("5f3a91".to_owned(), at, RevocationReason::KeyCompromise),
        ("80".repeat(20), at, RevocationReason::Superseded),
    ];
    assert_eq!(entries(&crl), expected, "every entry, by serial number");
    let mut count = 0;
    crl.scan(|_| count += 1).unwrap();
    assert_eq!(count, 3, "read in order it has as many");
    let empty = authority.list(|params| params.revoked_certs.clear());
    assert_eq!(entries(&Crl::verify(&empty, &authority.der).unwrap()), [], "an empty list is a list");
}

#[test]
fn another_authority_key_or_part_is_refused() {
    let (authority, list) = good();
    let refused = |list: &[u8], issuer: &[u8]| Crl::verify(list, issuer).unwrap_err();
    assert_eq!(refused(list, &Authority::named("别的CA").der), CrlError::OtherIssuer, "another name");
    assert_eq!(refused(list, &Authority::named("云帆测试CA").der), CrlError::BadSignature, "another key, same names");
    assert_eq!(refused(list, b"no certificate"), CrlError::OtherIssuer);
    let other_key = authority.list(|params| params.key_identifier_method = KeyIdMethod::PreSpecified(vec![8; 20]));
    assert_eq!(refused(&other_key, &authority.der), CrlError::OtherIssuer, "another key identifier");
    let partition = authority.list(|params| {
        params.issuing_distribution_point = Some(CrlIssuingDistributionPoint {
            distribution_point: CrlDistributionPoint { uris: vec!["http://example.cn/1.crl".into()] },
            scope: None,
        });
    });
    assert!(matches!(refused(&partition, &authority.der), CrlError::Unsupported(_)), "a part is not the whole");
    let mut longer = list.clone();
    longer.push(0);
    assert_eq!(refused(&longer, &authority.der), CrlError::Malformed, "nothing stands behind a list");
    assert_eq!(refused(&vec![0; crl::MAX_BYTES + 1], &authority.der), CrlError::TooLarge, "refused unread");
}

/// OpenSSL makes a list with an RSA key, also one with a critical extension and a delta; both sides read the same.
#[test]
fn openssl_agrees_on_the_entries() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("ca.cnf"), CONFIG).unwrap();
    std::fs::write(dir.path().join("index.txt"), INDEX).unwrap();
    std::fs::write(dir.path().join("number"), "0400\n").unwrap();
    openssl(
        &dir,
        "req -x509 -newkey rsa:2048 -nodes -subj /CN=openssl -keyout k.pem -outform DER -out ca.der -days 30",
    );
    openssl(&dir, "x509 -in ca.der -inform DER -out ca.pem");
    for name in ["plain", "delta", "critical"] {
        openssl(
            &dir,
            &format!("ca -gencrl -config ca.cnf -crlexts {name} -keyfile k.pem -cert ca.pem -out {name}.pem"),
        );
        openssl(&dir, &format!("crl -in {name}.pem -outform DER -out {name}.crl"));
    }
    let read = |name: &str| std::fs::read(dir.path().join(name)).unwrap();
    let (plain, issuer) = (read("plain.crl"), read("ca.der"));
    let crl = Crl::verify(&plain, &issuer).unwrap();
    assert_eq!(crl.number, 0x400);
    let ours: Vec<_> = entries(&crl).into_iter().map(|(serial, _, _)| serial.to_uppercase()).collect();
    let shown = openssl(&dir, "crl -in plain.pem -noout -text");
    let mut theirs: Vec<_> =
        shown.lines().filter_map(|line| line.trim().strip_prefix("Serial Number: ")).map(str::to_owned).collect();
    theirs.sort();
    assert_eq!(ours, theirs, "openssl reads the same serial numbers");
    assert_eq!(entries(&crl)[0].2, RevocationReason::KeyCompromise);
    assert!(shown.contains("Nov 21 08:00:00 2026 GMT"), "the same time:\n{shown}");
    assert_eq!(entries(&crl)[0].1, datetime!(2026-11-21 08:00 UTC).unix_timestamp());
    for name in ["delta.crl", "critical.crl"] {
        let list = read(name);
        assert!(matches!(Crl::verify(&list, &issuer), Err(CrlError::Unsupported(_))), "{name} is not understood");
    }
}

const INDEX: &str = "R\t361122080000Z\t261121080000Z,keyCompromise\t10A1B2\tunknown\t/CN=a\n\
                     R\t361122080000Z\t261121090000Z\t7F00\tunknown\t/CN=b\n";

const CONFIG: &str = "[ca]\ndefault_ca=d\n[d]\ndatabase=index.txt\ncrlnumber=number\ndefault_md=sha256\n\
    default_crl_days=2\n[plain]\nauthorityKeyIdentifier=keyid\n[delta]\n2.5.29.27=critical,DER:020101\n\
    [critical]\n1.2.3.4=critical,DER:0500\n";

fn openssl(dir: &TempDir, line: &str) -> String {
    let output = Command::new("openssl").args(line.split(' ')).current_dir(dir.path()).output().unwrap();
    assert!(output.status.success(), "openssl {line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

proptest! {
    #[test]
    fn no_damaged_list_is_believed(at in any::<prop::sample::Index>(), flip in 1u8..) {
        let (authority, list) = good();
        let mut bytes = list.clone();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        prop_assert!(Crl::verify(&bytes, &authority.der).is_err(), "byte {at} was changed");
    }

    #[test]
    fn no_list_that_was_cut_off_is_believed(at in any::<prop::sample::Index>()) {
        let (authority, list) = good();
        prop_assert!(Crl::verify(&list[..at.index(list.len())], &authority.der).is_err());
    }

    #[test]
    fn any_bytes_are_an_error_at_worst(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Crl::verify(&bytes, &good().0.der);
    }
}
