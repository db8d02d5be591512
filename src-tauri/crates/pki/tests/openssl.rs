//! OpenSSL as the outside judge: it makes keys and certificates that we read, and checks requests that we build.

#![allow(clippy::unwrap_used, reason = "a test may fall over")]

use std::{path::PathBuf, process::Command};

use certdesk_domain::token::{KeyAlgorithm, SignatureScheme};
use certdesk_pki::{Certificate, Csr, CsrBuilder, PkiError, chain, cms, key_algorithm, key_id, verify, web_eid};
use ring::{rand::SystemRandom, signature};
use tempfile::TempDir;

/// A directory in which `openssl` runs.
struct Bench {
    dir: TempDir,
}

impl Bench {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a temporary directory") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).expect("the temporary directory takes files");
    }

    fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).expect("openssl wrote its output")
    }

    /// Runs one openssl command line; arguments are split at spaces, `_` in a subject stands for itself.
    fn openssl(&self, line: &str) -> String {
        let output = Command::new("openssl")
            .args(line.split(' '))
            .current_dir(self.dir.path())
            .output()
            .expect("openssl is installed");
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        assert!(output.status.success(), "openssl {line}: {text}");
        text
    }

    /// Makes a key; answers its SubjectPublicKeyInfo.
    fn key(&self, name: &str, kind: &str) -> Vec<u8> {
        self.openssl(&format!("genpkey -quiet {kind} -out {name}.pem"));
        self.openssl(&format!("pkcs8 -topk8 -nocrypt -in {name}.pem -outform DER -out {name}.p8"));
        self.openssl(&format!("pkey -in {name}.pem -pubout -outform DER -out {name}.spki"));
        self.read(&format!("{name}.spki"))
    }

    /// Signs as a token would.
    fn sign(&self, name: &str, scheme: SignatureScheme, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        let pkcs8 = self.read(&format!("{name}.p8"));
        let padding: &dyn signature::RsaEncoding = match scheme {
            SignatureScheme::RsaPkcs1Sha256 => &signature::RSA_PKCS1_SHA256,
            SignatureScheme::RsaPssSha256 => &signature::RSA_PSS_SHA256,
            SignatureScheme::EcdsaP256Sha256 | SignatureScheme::EcdsaP384Sha384 => {
                let algorithm = match scheme {
                    SignatureScheme::EcdsaP256Sha256 => &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
                    _ => &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
                };
                let key = signature::EcdsaKeyPair::from_pkcs8(algorithm, &pkcs8, &random).unwrap();
                return key.sign(&random, message).unwrap().as_ref().to_vec();
            }
            SignatureScheme::Sm2Sm3 => return self.sign_sm2(name, message),
        };
        let key = signature::RsaKeyPair::from_pkcs8(&pkcs8).unwrap();
        let mut out = vec![0; key.public().modulus_len()];
        key.sign(padding, &random, message, &mut out).unwrap();
        out
    }

    /// OpenSSL signs with the identity that certificates go by; its DER is brought into the form a token gives.
    fn sign_sm2(&self, name: &str, message: &[u8]) -> Vec<u8> {
        self.write("message", message);
        self.openssl(&format!(
            "pkeyutl -sign -rawin -digest sm3 -inkey {name}.pem -in message -out signature -pkeyopt {SM2_ID}"
        ));
        let signature = self.read("signature");
        let (_, der) = x509_parser::der_parser::parse_der(&signature).unwrap();
        der.as_sequence()
            .unwrap()
            .iter()
            .flat_map(|number| {
                let bytes = number.as_slice().unwrap();
                let bytes = bytes.strip_prefix(&[0]).unwrap_or(bytes);
                [vec![0; 32 - bytes.len()], bytes.to_vec()].concat()
            })
            .collect()
    }
}

const SM2_ID: &str = "distid:1234567812345678";

const RSA: &str = "-algorithm RSA -pkeyopt rsa_keygen_bits:2048";
const RSA3072: &str = "-algorithm RSA -pkeyopt rsa_keygen_bits:3072";
const RSA4096: &str = "-algorithm RSA -pkeyopt rsa_keygen_bits:4096";
const P256: &str = "-algorithm EC -pkeyopt ec_paramgen_curve:P-256";
const P384: &str = "-algorithm EC -pkeyopt ec_paramgen_curve:P-384";
const SM2: &str = "-algorithm SM2";

#[test]
fn openssl_accepts_a_request_built_in_two_phases() {
    let bench = Bench::new();
    let cases = [
        ("rsa", RSA, SignatureScheme::RsaPkcs1Sha256, KeyAlgorithm::Rsa2048),
        ("rsa-pss", RSA, SignatureScheme::RsaPssSha256, KeyAlgorithm::Rsa2048),
        ("rsa3072", RSA3072, SignatureScheme::RsaPkcs1Sha256, KeyAlgorithm::Rsa3072),
        ("rsa4096", RSA4096, SignatureScheme::RsaPssSha256, KeyAlgorithm::Rsa4096),
        ("ec", P256, SignatureScheme::EcdsaP256Sha256, KeyAlgorithm::EcP256),
        ("ec384", P384, SignatureScheme::EcdsaP384Sha384, KeyAlgorithm::EcP384),
        ("sm2", SM2, SignatureScheme::Sm2Sm3, KeyAlgorithm::Sm2),
    ];
    for (name, kind, scheme, algorithm) in cases {
        let spki = bench.key(name, kind);
        for cn in ["福州云帆测试科技有限公司", "王䶮", ""] {
            let builder = CsrBuilder::new(&spki, cn).expect("the key is of a kind we support");
            let signature = bench.sign(name, scheme, &builder.to_be_signed());
            let der = builder.finish(scheme, &signature).expect("the signature is that of the key");
            assert_eq!(
                builder.finish(scheme, &signature[1..]),
                Err(PkiError::BadSignature),
                "a signature of nobody makes no request"
            );
            bench.write("request.der", &der);
            let identity = if name == "sm2" { format!(" -vfyopt {SM2_ID}") } else { String::new() };
            let said = bench.openssl(&format!("req -verify -noout -inform DER -in request.der{identity}"));
            assert!(
                said.contains("self-signature verify OK"),
                "openssl must accept the {name} request for {cn:?}: {said}"
            );

            let csr = Csr::parse_and_verify(&der).expect("our own reader accepts the request too");
            assert_eq!((csr.subject_cn.as_str(), csr.algorithm, csr.spki_der == spki), (cn, algorithm, true));
        }
    }
}

#[test]
fn openssl_accepts_a_detached_signature_built_in_two_phases() {
    let bench = Bench::new();
    bench.write("content", "数字证书业务申请表".as_bytes());
    let content = cms::Content::of(&["数字证书业务申请表".as_bytes()]);
    bench.key("ca", P256);
    bench.openssl("req -x509 -new -key ca.pem -subj /CN=root -days 2 -out ca.crt");
    bench.openssl("x509 -in ca.crt -outform DER -out ca.der");
    let root = bench.read("ca.der");
    for (name, kind, scheme) in [
        ("rsa", RSA, SignatureScheme::RsaPkcs1Sha256),
        ("rsa4096", RSA4096, SignatureScheme::RsaPkcs1Sha256),
        ("ec", P256, SignatureScheme::EcdsaP256Sha256),
        ("ec384", P384, SignatureScheme::EcdsaP384Sha384),
    ] {
        bench.key(name, kind);
        bench.openssl(&format!("req -new -utf8 -key {name}.pem -subj /CN=王䶮 -out request.pem"));
        bench.openssl(
            "x509 -req -in request.pem -CA ca.crt -CAkey ca.pem -days 1 -set_serial 0x00e1 -outform DER -out c.der",
        );
        let certificate = bench.read("c.der");
        let signing =
            cms::Signing::new(&certificate, std::slice::from_ref(&root), content).expect("both are certificates");
        let signature = bench.sign(name, scheme, &signing.to_be_signed());
        let der = signing.finish(scheme, &signature).expect("the signature is that of the key");
        bench.write("signature.der", &der);
        // `-cades`: the certificate's hash in ESSCertIDv2 must be right too.
        let said = bench.openssl(
            "cms -verify -cades -binary -inform DER -in signature.der -content content -CAfile ca.crt -purpose any -out /dev/null",
        );
        assert!(
            said.contains("CMS Verification successful") || said.contains("CAdES Verification successful"),
            "{said}"
        );
        let signed = cms::verify(&der, content).expect("our own reader accepts it too");
        assert_eq!((signed.certificate_der, signed.chain), (certificate, vec![root.clone()]));
        let other = cms::verify(&der, cms::Content::of(&[b"another form"]));
        assert!(other.is_err(), "a signature holds for its content only: {other:?}");
    }
}

#[test]
fn a_signature_carries_along_only_who_leads_to_its_root() {
    let bench = Bench::new();
    bench.key("root", P256);
    bench.key("issuing", RSA);
    bench.key("stray", P256);
    for name in ["root", "stray"] {
        bench.openssl(&format!("req -x509 -new -key {name}.pem -subj /CN={name} -days 2 -outform DER -out {name}.der"));
    }
    let certify = |name: &str, issuer: &str| {
        bench.openssl(&format!("req -new -key {name}.pem -subj /CN={name} -out request.pem"));
        bench.openssl(&format!(
            "x509 -req -in request.pem -CA {issuer}.der -CAkey {issuer}.pem -days 1 -set_serial 7 -outform DER -out {name}.der"
        ));
    };
    certify("issuing", "root");
    bench.key("signer", P256);
    certify("signer", "issuing");
    let [root, issuing, signer, stray] =
        ["root", "issuing", "signer", "stray"].map(|name| bench.read(&format!("{name}.der")));
    let carried = |others: &[Vec<u8>]| {
        let content = cms::Content::of(&[b"content"]);
        let signing = cms::Signing::new(&signer, others, content).expect("it is a certificate");
        let signature = bench.sign("signer", SignatureScheme::EcdsaP256Sha256, &signing.to_be_signed());
        let der = signing.finish(SignatureScheme::EcdsaP256Sha256, &signature).expect("it is the key's signature");
        let mut chain = cms::verify(&der, content).expect("it verifies").chain;
        chain.sort();
        chain
    };
    let mut both = vec![issuing.clone(), root.clone()];
    both.sort();
    assert_eq!(carried(&[root.clone(), issuing.clone()]), both, "in whatever order they come");
    let many = [signer.clone(), stray.clone(), root.clone(), vec![0x30, 0], issuing.clone(), root.clone()];
    assert_eq!(carried(&many), both, "what has no part in it stays away");
    assert_eq!(carried(std::slice::from_ref(&issuing)), [[0; 0]; 0], "nobody would vouch for the last of them");
    assert_eq!(carried(&[root, stray]), [[0; 0]; 0], "a root alone issued nothing here");
    assert_eq!(chain::path_to_root(&issuing, &both).len(), 1, "an issuer's own path is shorter");
}

#[test]
fn a_request_of_openssl_is_read_and_a_changed_one_refused() {
    let bench = Bench::new();
    for (name, kind) in [("rsa", RSA), ("ec", P256)] {
        bench.key(name, kind);
        bench.openssl(&format!("req -new -utf8 -key {name}.pem -subj /C=CN/CN=王䶮 -outform DER -out request.der"));
        let mut der = bench.read("request.der");
        assert_eq!(Csr::parse_and_verify(&der).expect("a request of openssl is good").subject_cn, "王䶮");
        let last = der.len() - 1;
        der[last] ^= 1;
        assert_eq!(Csr::parse_and_verify(&der), Err(PkiError::BadSignature), "a changed signature must not pass");
        der[last] ^= 1;
        der.push(0);
        assert_eq!(
            Csr::parse_and_verify(&der),
            Err(PkiError::Malformed("certificate request")),
            "nothing may follow the request"
        );
    }
    bench.key("weak", "-algorithm RSA -pkeyopt rsa_keygen_bits:1024");
    bench.openssl("req -new -key weak.pem -subj /CN=x -outform DER -out request.der");
    assert_eq!(
        Csr::parse_and_verify(&bench.read("request.der")),
        Err(PkiError::UnsupportedKey),
        "RSA 1024 is not certified"
    );
}

#[test]
fn signatures_of_all_schemes_verify_and_nothing_else_does() {
    let bench = Bench::new();
    let (rsa, ec, other) = (bench.key("rsa", RSA), bench.key("ec", P256), bench.key("other", P256));
    let (ec384, sm2) = (bench.key("ec384", P384), bench.key("sm2", SM2));
    for (name, spki, scheme) in [
        ("rsa", &rsa, SignatureScheme::RsaPkcs1Sha256),
        ("rsa", &rsa, SignatureScheme::RsaPssSha256),
        ("ec", &ec, SignatureScheme::EcdsaP256Sha256),
        ("ec384", &ec384, SignatureScheme::EcdsaP384Sha384),
        ("sm2", &sm2, SignatureScheme::Sm2Sm3),
    ] {
        let signature = bench.sign(name, scheme, b"message");
        assert_eq!(verify(spki, scheme, b"message", &signature), Ok(()), "{scheme:?}");
        assert_eq!(
            verify(spki, scheme, b"massage", &signature),
            Err(PkiError::BadSignature),
            "{scheme:?} over other words"
        );
        assert_eq!(
            verify(spki, scheme, b"message", &[]),
            Err(PkiError::BadSignature),
            "{scheme:?} without a signature"
        );
    }
    let signature = bench.sign("ec", SignatureScheme::EcdsaP256Sha256, b"message");
    assert_eq!(verify(&other, SignatureScheme::EcdsaP256Sha256, b"message", &signature), Err(PkiError::BadSignature));
    assert_eq!(verify(&rsa, SignatureScheme::EcdsaP256Sha256, b"message", &signature), Err(PkiError::UnsupportedKey));
    assert_eq!(verify(&ec384, SignatureScheme::EcdsaP256Sha256, b"message", &signature), Err(PkiError::UnsupportedKey));
    assert_eq!(verify(&ec, SignatureScheme::Sm2Sm3, b"message", &signature), Err(PkiError::UnsupportedKey));
    assert_eq!(verify(&sm2, SignatureScheme::EcdsaP256Sha256, b"message", &signature), Err(PkiError::UnsupportedKey));
    assert_eq!(verify(&ec, SignatureScheme::RsaPkcs1Sha256, b"message", &signature), Err(PkiError::UnsupportedKey));
    assert_eq!(verify(b"\x30\x00", SignatureScheme::RsaPkcs1Sha256, b"", b""), Err(PkiError::Malformed("public key")));
}

#[test]
fn a_key_is_named_as_in_its_certificate() {
    let bench = Bench::new();
    let spki = bench.key("ec", P256);
    bench.openssl("req -x509 -new -key ec.pem -subj /CN=x -days 1 -outform DER -out c.der");
    // OpenSSL's subjectKeyIdentifier "hash" is the same SHA-1 of the key's bits.
    let said = bench.openssl("x509 -inform DER -in c.der -noout -ext subjectKeyIdentifier");
    let expected: String = key_id(&spki).unwrap().iter().map(|b| format!("{b:02X}")).collect();
    assert!(said.replace(':', "").contains(&expected), "{said} must name {expected}");
    assert_eq!(key_algorithm(&spki), Ok(KeyAlgorithm::EcP256));
}

#[test]
fn a_certificate_is_shown_as_openssl_reads_it() {
    let bench = Bench::new();
    let spki = bench.key("rsa", RSA);
    let other = bench.key("other", RSA);
    bench.write(
        "c.cnf",
        "[req]\nprompt=no\nutf8=yes\nstring_mask=utf8only\ndistinguished_name=dn\nx509_extensions=ext\n\
         [dn]\nC=CN\nO=福州云帆测试科技有限公司\nCN=王䶮\nserialNumber=91350100M000100Y43\n\
         [ext]\nbasicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature,nonRepudiation\n\
         extendedKeyUsage=emailProtection,clientAuth,1.2.3.4.5\nsubjectAltName=email:a@example.cn,DNS:example.cn,IP:127.0.0.1\n\
         authorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\ncrlDistributionPoints=URI:http://example.cn/a.crl\n\
         authorityInfoAccess=OCSP;URI:http://example.cn/ocsp\ncertificatePolicies=1.2.156.1.2.3\n\
         1.2.156.10260.4.1.4=ASN1:UTF8String:91350100M000100Y43\n\
         1.2.156.112562.2.1.1.1=ASN1:PRINTABLESTRING:SF11010519491231002X\n\
         1.2.156.10260.4.1.1=ASN1:IMP:0,PRINTABLESTRING:11010519491231002X\n\
         1.2.156.112570.11.205=ASN1:OCTETSTRING:12345\n"
            .as_bytes(),
    );
    bench.openssl("req -x509 -new -key rsa.pem -config c.cnf -days 365 -set_serial 0x00ab12 -outform DER -out c.der");
    let der = bench.read("c.der");
    let c = Certificate::parse(&der).expect("the certificate is good");
    assert_eq!((c.holder.as_str(), c.issuer.as_str(), c.serial.as_str()), ("王䶮", "王䶮", "ab12"));
    assert_eq!(c.key_algorithm, "RSA 2048");
    assert_eq!(c.usages, ["digitalSignature", "nonRepudiation", "emailProtection", "clientAuth", "1.2.3.4.5"]);
    assert_eq!((c.not_after - c.not_before).whole_days(), 365);
    assert_eq!(c.spki_der, spki);
    assert!(c.belongs_to(&spki) && !c.belongs_to(&other) && !c.belongs_to(b"rubbish"), "only its own key fits");

    let said = bench.openssl("x509 -inform DER -in c.der -noout -fingerprint -sha256");
    assert!(said.replace(':', "").to_lowercase().contains(&c.fingerprint()), "{said}");
    bench.write("c.pem", c.pem().as_bytes());
    bench.openssl("x509 -in c.pem -outform DER -out again.der");
    assert_eq!(bench.read("again.der"), der, "openssl reads our PEM");

    let shown = |name: &str| c.details.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    for (name, value) in [
        ("Version", "3"),
        ("Signature algorithm", "SHA-256 with RSA (1.2.840.113549.1.1.11)"),
        ("Subject: O (2.5.4.10)", "福州云帆测试科技有限公司"),
        ("Subject: serialNumber (2.5.4.5)", "91350100M000100Y43"),
        ("Public key", "RSA 2048"),
        ("Basic constraints (2.5.29.19) (critical)", "CA: no"),
        ("Key usage (2.5.29.15) (critical)", "digitalSignature, nonRepudiation"),
        ("Extended key usage (2.5.29.37)", "emailProtection, clientAuth, 1.2.3.4.5"),
        ("Subject alternative name (2.5.29.17)", "mail a@example.cn, DNS example.cn, IP 127.0.0.1"),
        ("CRL distribution points (2.5.29.31)", "http://example.cn/a.crl"),
        ("Authority information access (1.3.6.1.5.5.7.1.1)", "OCSP (1.3.6.1.5.5.7.48.1): http://example.cn/ocsp"),
        ("Certificate policies (2.5.29.32)", "1.2.156.1.2.3"),
        ("组织机构代码 / 统一社会信用代码 (1.2.156.10260.4.1.4)", "91350100M000100Y43"),
        ("唯一标识 (1.2.156.112562.2.1.1.1)", "SF11010519491231002X"),
        ("个人身份标识码 (1.2.156.10260.4.1.1)", "11010519491231002X"),
        ("唯一号 (1.2.156.112570.11.205)", "12345"),
        ("SHA-256 fingerprint", &c.fingerprint()),
    ] {
        assert_eq!(shown(name), Some(value), "the helpdesk looks for {name} in {:#?}", c.details);
    }
}

#[test]
fn an_sm2_certificate_is_shown_and_its_chain_judged_as_openssl_does() {
    let bench = Bench::new();
    for name in ["root", "issuing", "leaf", "other"] {
        bench.key(name, SM2);
    }
    let signed = format!("-sm3 -sigopt {SM2_ID}");
    let root =
        "req -x509 -new -utf8 -key root.pem -subj /CN=国密根 -days 30 -addext keyUsage=keyCertSign -out root.crt";
    bench.openssl(&format!("{root} {signed}"));
    // OpenSSL would say that it made another root of this name.
    bench.openssl(&format!("{root} {signed}").replace("root.pem", "other.pem").replace("root.crt", "other.crt"));
    bench.write("ca.ext", b"basicConstraints=critical,CA:TRUE");
    bench.write("leaf.ext", b"extendedKeyUsage=clientAuth");
    for (name, subject, issuer, extensions) in
        [("issuing", "国密签发", "root", "ca.ext"), ("leaf", "王䶮", "issuing", "leaf.ext")]
    {
        bench.openssl(&format!("req -new -utf8 -key {name}.pem -subj /CN={subject} -out request.pem {signed}"));
        bench.openssl(&format!(
            "x509 -req -in request.pem -CA {issuer}.crt -CAkey {issuer}.pem -days 20 -extfile {extensions} -out {name}.crt {signed} -vfyopt {SM2_ID}"
        ));
    }
    let der = |name: &str| {
        bench.openssl(&format!("x509 -in {name}.crt -outform DER -out {name}.der"));
        bench.read(&format!("{name}.der"))
    };
    let (root, other, issuing, leaf) = (der("root"), der("other"), der("issuing"), der("leaf"));

    let c = Certificate::parse(&leaf).expect("an SM2 certificate can be read");
    assert_eq!((c.holder.as_str(), c.key_algorithm.as_str()), ("王䶮", "SM2"));
    let algorithm = c.details.iter().find(|(name, _)| name == "Signature algorithm").expect("it has an algorithm");
    assert_eq!(algorithm.1, "SM2 with SM3 (1.2.156.10197.1.501)");
    assert_eq!(key_algorithm(&c.spki_der), Ok(KeyAlgorithm::Sm2));

    // Link by link: OpenSSL applies the identity to the certificate it is asked about alone.
    for link in ["-CAfile root.crt", "-partial_chain -trusted issuing.crt"] {
        let name = if link.contains("root") { "issuing" } else { "leaf" };
        let said = bench.openssl(&format!("verify {link} -vfyopt {SM2_ID} {name}.crt"));
        assert!(said.contains("OK"), "OpenSSL takes {name}: {said}");
    }
    let at = c.not_before;
    assert_eq!(chain::verify(&leaf, &[&issuing], &[&root], at), Ok(()), "and so do we");
    let none: [&[u8]; 0] = [];
    assert!(chain::verify(&leaf, &none, &[&root], at).is_err(), "a chain with a gap is none");
    let forged = chain::verify(&leaf, &[&issuing], &[&other], at);
    assert_eq!(forged, Err(PkiError::Untrusted("InvalidSignatureForPublicKey".into())), "another root's key");
    let mut changed = leaf.clone();
    let last = changed.len() - 1;
    changed[last] ^= 1;
    assert!(chain::verify(&changed, &[&issuing], &[&root], at).is_err(), "a changed signature must not pass");
}

#[test]
fn trust_is_a_path_a_time_and_a_purpose() {
    use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
    let at = |year| time::Date::from_calendar_date(year, time::Month::June, 1).unwrap().midnight().assume_utc();
    let authority = |name: &str| {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        (params.not_before, params.not_after) = (at(2020), at(2040));
        (params, KeyPair::generate().unwrap())
    };
    let (root_params, root_key) = authority("root");
    let root = root_params.self_signed(&root_key).unwrap().der().to_vec();
    let root_issuer = Issuer::new(root_params, root_key);
    let (ca_params, ca_key) = authority("issuing");
    let ca = ca_params.signed_by(&ca_key, &root_issuer).unwrap().der().to_vec();
    let ca_issuer = Issuer::new(ca_params, ca_key);
    let leaf = |purpose: ExtendedKeyUsagePurpose| {
        let mut params = CertificateParams::default();
        params.extended_key_usages = vec![purpose];
        (params.not_before, params.not_after) = (at(2025), at(2027));
        params.signed_by(&KeyPair::generate().unwrap(), &ca_issuer).unwrap().der().to_vec()
    };
    let client = leaf(ExtendedKeyUsagePurpose::ClientAuth);
    let none: [&[u8]; 0] = [];

    assert_eq!(chain::verify(&client, &[&ca], &[&root], at(2026)), Ok(()));
    assert_eq!(chain::verify(&client, &[&ca], &[&root], at(2028)), Err(PkiError::Expired));
    assert_eq!(chain::verify(&client, &[&ca], &[&root], at(2024)), Err(PkiError::NotYetValid));
    assert_eq!(chain::verify(&client, &none, &[&root], at(2026)), Err(PkiError::Untrusted("UnknownIssuer".into())));
    assert_eq!(chain::verify(&client, &[&ca], &none, at(2026)), Err(PkiError::Untrusted("UnknownIssuer".into())));
    let server = leaf(ExtendedKeyUsagePurpose::ServerAuth);
    let refused = chain::verify(&server, &[&ca], &[&root], at(2026));
    assert_eq!(
        refused,
        Err(PkiError::Untrusted("RequiredEkuNotFoundContext".into())),
        "a server's certificate logs nobody in"
    );
    assert_eq!(chain::verify(b"rubbish", &[&ca], &[&root], at(2026)), Err(PkiError::Malformed("certificate")));
}

#[test]
fn a_web_eid_token_holds_for_its_origin_and_nonce_only() {
    let bench = Bench::new();
    bench.key("ec", P256);
    bench.openssl("req -x509 -new -key ec.pem -subj /CN=x -days 1 -outform DER -out c.der");
    let der = bench.read("c.der");
    let (origin, nonce) = ("https://certdesk.example:8443", "v1.abc.def.tls-exporter.ghi");
    let scheme = SignatureScheme::EcdsaP256Sha256;
    let signature = bench.sign("ec", scheme, &web_eid::signed_value(scheme, origin, nonce));
    assert!(web_eid::verify(&der, "ES256", &signature, origin, nonce).is_ok());
    let phished = web_eid::verify(&der, "ES256", &signature, "https://certdesk.examp1e:8443", nonce);
    assert_eq!(phished.err(), Some(PkiError::BadSignature), "another origin must not pass");
    assert_eq!(web_eid::verify(&der, "ES256", &signature, origin, "other").err(), Some(PkiError::BadSignature));
    assert_eq!(web_eid::verify(&der, "RS256", &signature, origin, nonce).err(), Some(PkiError::UnsupportedKey));
    assert_eq!(web_eid::verify(&der, "none", &signature, origin, nonce).err(), Some(PkiError::UnsupportedKey));
}
