//! The demo certificate authority: a root, an issuing CA under it, keys in files.
//!
//! It vouches for nobody. Its place is behind the acts that decide (`review`, `applications`); it only signs.

use std::{
    fs, io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::Path,
};

use anyhow::Context as _;
use certdesk_domain::{RevocationReason, Timestamp, form::Registration};
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CrlDistributionPoint, DistinguishedName,
    DnType, DnValue, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, PublicKeyData,
    RevokedCertParams, SanType, SerialNumber, SubjectPublicKeyInfo,
};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use time::Duration;

use crate::{random, store::certificates::Revoked, tls::ServerIdentity};

const ROOT_NAME: &str = "Certdesk Demo Root CA (not licensed)";
const ISSUING_NAME: &str = "Certdesk Demo Issuing CA (not licensed)";
const RECEIPTS_NAME: &str = "Certdesk Demo Receipts (not licensed)";
const RECEIPTS_LIFE: Duration = Duration::days(10 * 365);
const ROOT_LIFE: Duration = Duration::days(20 * 365);
const ISSUING_LIFE: Duration = Duration::days(15 * 365);
/// The TLS certificate is made anew at each start.
const TLS_LIFE: Duration = Duration::days(397);
/// Clocks differ; what is issued is valid a little before it was.
const BACKDATED: Duration = Duration::minutes(10);
/// How long a revocation list is good.
pub(crate) const CRL_LIFE: Duration = Duration::days(1);

/// The authority with its keys.
pub(crate) struct Ca {
    root: Issuer<'static, KeyPair>,
    root_der: Vec<u8>,
    issuing: Issuer<'static, KeyPair>,
    issuing_der: Vec<u8>,
    receipts: EcdsaKeyPair,
    receipts_der: Vec<u8>,
}

/// A certificate that was just signed.
pub(crate) struct Issued {
    /// Lower-case hex without leading zeros.
    pub(crate) serial: String,
    pub(crate) der: Vec<u8>,
    pub(crate) not_before: Timestamp,
    pub(crate) not_after: Timestamp,
}

impl Ca {
    /// Opens the authority kept in `folder`, or founds it: complete or not at all.
    pub(crate) fn open(folder: &Path, now: Timestamp) -> anyhow::Result<Self> {
        if !folder.exists() {
            found(folder, now).context("the demo CA cannot be founded")?;
        }
        let (root, root_der) = read(folder, "root")?;
        let (issuing, issuing_der) = read(folder, "issuing")?;
        let (receipts, receipts_der) = receipt_signer(folder, &issuing, now).context("there is no receipt signer")?;
        Ok(Self { root, root_der, issuing, issuing_der, receipts, receipts_der })
    }

    /// Signs a receipt: ECDSA with SHA-256, raw `r‖s`.
    pub(crate) fn sign_receipt(&self, message: &[u8]) -> anyhow::Result<Vec<u8>> {
        let signature = self.receipts.sign(&SystemRandom::new(), message);
        Ok(signature.map_err(|_| anyhow::anyhow!("the receipt signer does not sign"))?.as_ref().to_vec())
    }

    /// Certificates of the receipt signer, up to the root.
    pub(crate) fn receipt_chain(&self) -> [&[u8]; 3] {
        [&self.receipts_der, &self.issuing_der, &self.root_der]
    }

    pub(crate) fn root_der(&self) -> &[u8] {
        &self.root_der
    }

    pub(crate) fn issuing_der(&self) -> &[u8] {
        &self.issuing_der
    }

    /// Certifies a public key for who was reviewed, until `not_after`.
    pub(crate) fn issue(
        &self,
        spki_der: &[u8],
        holder: &Registration,
        not_after: Timestamp,
        crl_url: String,
        now: Timestamp,
    ) -> anyhow::Result<Issued> {
        let serial = serial_number();
        let not_before = whole_seconds(now - BACKDATED);
        let not_after = whole_seconds(not_after);
        let mut params = CertificateParams::default();
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        params.not_before = not_before;
        params.not_after = not_after;
        params.distinguished_name = subject(holder);
        if let Ok(mail) = holder.email.as_str().try_into() {
            params.subject_alt_names = vec![SanType::Rfc822Name(mail)];
        }
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::ContentCommitment];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::EmailProtection];
        params.crl_distribution_points = vec![CrlDistributionPoint { uris: vec![crl_url] }];
        params.use_authority_key_identifier_extension = true;
        params.key_identifier_method = KeyIdMethod::PreSpecified(certdesk_pki::key_id(spki_der)?.to_vec());
        let certificate = params.signed_by(&SubjectPublicKeyInfo::from_der(spki_der)?, &self.issuing)?;
        Ok(Issued { serial: hex(&serial), der: certificate.der().to_vec(), not_before, not_after })
    }

    /// Signs a revocation list, DER.
    pub(crate) fn crl(&self, number: u64, revoked: &[Revoked], now: Timestamp) -> anyhow::Result<Vec<u8>> {
        let entry = |revoked: &Revoked| {
            Ok(RevokedCertParams {
                serial_number: SerialNumber::from_slice(&from_hex(&revoked.serial)?),
                revocation_time: whole_seconds(revoked.at),
                reason_code: reason_code(revoked.reason),
                invalidity_date: None,
            })
        };
        let list = CertificateRevocationListParams {
            this_update: whole_seconds(now),
            next_update: whole_seconds(now + CRL_LIFE),
            crl_number: SerialNumber::from(number),
            issuing_distribution_point: None,
            revoked_certs: revoked.iter().map(entry).collect::<anyhow::Result<_>>()?,
            key_identifier_method: KeyIdMethod::PreSpecified(key_identifier(self.issuing.key())),
        };
        Ok(list.signed_by(&self.issuing)?.der().to_vec())
    }

    /// A TLS certificate for this machine's loopback names and the public host, straight from the root.
    pub(crate) fn tls_identity(
        &self,
        public_host: Option<&str>,
        listen: IpAddr,
        now: Timestamp,
    ) -> anyhow::Result<ServerIdentity> {
        let mut names = vec![
            SanType::DnsName("localhost".try_into()?),
            SanType::IpAddress(Ipv4Addr::LOCALHOST.into()),
            SanType::IpAddress(Ipv6Addr::LOCALHOST.into()),
        ];
        if !listen.is_unspecified() {
            names.push(SanType::IpAddress(listen));
        }
        if let Some(host) = public_host {
            let bare = host.trim_start_matches('[').trim_end_matches(']');
            names.push(match bare.parse() {
                Ok(address) => SanType::IpAddress(address),
                Err(_) => SanType::DnsName(host.try_into()?),
            });
        }
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.serial_number = Some(SerialNumber::from_slice(&serial_number()));
        params.not_before = whole_seconds(now - BACKDATED);
        params.not_after = whole_seconds(now + TLS_LIFE);
        params.distinguished_name = name("Certdesk demo service");
        params.subject_alt_names = names;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        params.key_identifier_method = KeyIdMethod::PreSpecified(key_identifier(&key));
        let certificate = params.signed_by(&key, &self.root)?;
        Ok(ServerIdentity {
            chain: vec![certificate.der().clone()],
            key: PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            root_der: self.root_der.clone(),
        })
    }
}

/// The reason as a list has it; nothing where there is none to say (RFC 5280 §5.3.1).
fn reason_code(reason: RevocationReason) -> Option<rcgen::RevocationReason> {
    use rcgen::RevocationReason as Code;
    Some(match reason {
        RevocationReason::Unspecified => return None,
        RevocationReason::KeyCompromise => Code::KeyCompromise,
        RevocationReason::CaCompromise => Code::CaCompromise,
        RevocationReason::AffiliationChanged => Code::AffiliationChanged,
        RevocationReason::Superseded => Code::Superseded,
        RevocationReason::CessationOfOperation => Code::CessationOfOperation,
        RevocationReason::CertificateHold => Code::CertificateHold,
        RevocationReason::PrivilegeWithdrawn => Code::PrivilegeWithdrawn,
        RevocationReason::AaCompromise => Code::AaCompromise,
    })
}

/// The name a certificate carries: the unit's, or the person's.
pub(crate) fn common_name(holder: &Registration) -> &str {
    holder.organisation.as_ref().map_or(&holder.contact.name, |unit| &unit.name)
}

/// Makes both certificates beside `folder` and moves them there at once: whoever is killed meanwhile starts over.
fn found(folder: &Path, now: Timestamp) -> anyhow::Result<()> {
    let draft = folder.with_extension("new");
    if draft.exists() {
        fs::remove_dir_all(&draft)?;
    }
    fs::create_dir_all(&draft)?;

    let root_key = KeyPair::generate()?;
    let root_params = ca_params(ROOT_NAME, BasicConstraints::Constrained(1), &root_key, now, ROOT_LIFE);
    let root = root_params.self_signed(&root_key)?;
    let issuing_key = KeyPair::generate()?;
    let issuing_params = ca_params(ISSUING_NAME, BasicConstraints::Constrained(0), &issuing_key, now, ISSUING_LIFE);
    let issuing = issuing_params.signed_by(&issuing_key, &Issuer::from_params(&root_params, &root_key))?;

    write_private(&draft.join("root.key.pem"), root_key.serialize_pem().as_bytes())?;
    write_private(&draft.join("root.pem"), root.pem().as_bytes())?;
    write_private(&draft.join("issuing.key.pem"), issuing_key.serialize_pem().as_bytes())?;
    write_private(&draft.join("issuing.pem"), issuing.pem().as_bytes())?;
    fs::rename(&draft, folder)?;
    sync_folder(folder.parent().context("the CA has a folder")?)?;
    Ok(())
}

fn ca_params(
    common_name: &str,
    constraints: BasicConstraints,
    key: &KeyPair,
    now: Timestamp,
    life: Duration,
) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.serial_number = Some(SerialNumber::from_slice(&serial_number()));
    params.not_before = whole_seconds(now - BACKDATED);
    params.not_after = whole_seconds(now + life);
    params.distinguished_name = name(common_name);
    params.is_ca = IsCa::Ca(constraints);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.use_authority_key_identifier_extension = true;
    params.key_identifier_method = KeyIdMethod::PreSpecified(key_identifier(key));
    params
}

fn read(folder: &Path, which: &str) -> anyhow::Result<(Issuer<'static, KeyPair>, Vec<u8>)> {
    use rustls::pki_types::pem::PemObject as _;
    let key_file = folder.join(format!("{which}.key.pem"));
    let key = fs::read_to_string(&key_file).with_context(|| format!("cannot read {}", key_file.display()))?;
    let file = folder.join(format!("{which}.pem"));
    let certificate =
        CertificateDer::from_pem_file(&file).map_err(|e| anyhow::anyhow!("cannot read {}: {e}", file.display()))?;
    let issuer = Issuer::from_ca_cert_der(&certificate, KeyPair::from_pem(&key)?)?;
    Ok((issuer, certificate.to_vec()))
}

/// The key that signs receipts, under the issuing CA, kept beside it; made where it is missing. The certificate is
/// written last: a key without one is of a start that was cut short, and replaced.
fn receipt_signer(
    folder: &Path,
    issuing: &Issuer<'static, KeyPair>,
    now: Timestamp,
) -> anyhow::Result<(EcdsaKeyPair, Vec<u8>)> {
    use rustls::pki_types::pem::PemObject as _;
    let (key_file, file) = (folder.join("receipts.key.pem"), folder.join("receipts.pem"));
    if !file.exists() {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.serial_number = Some(SerialNumber::from_slice(&serial_number()));
        params.not_before = whole_seconds(now - BACKDATED);
        params.not_after = whole_seconds(now + RECEIPTS_LIFE);
        params.distinguished_name = name(RECEIPTS_NAME);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::ContentCommitment];
        // documentSigning (RFC 9336), which no applicant's certificate carries: theirs cannot sign receipts.
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::Other(vec![1, 3, 6, 1, 5, 5, 7, 3, 36])];
        params.use_authority_key_identifier_extension = true;
        params.key_identifier_method = KeyIdMethod::PreSpecified(key_identifier(&key));
        let certificate = params.signed_by(&key, issuing)?;
        for (file, pem) in [(&key_file, key.serialize_pem()), (&file, certificate.pem())] {
            let draft = file.with_extension("new");
            if draft.exists() {
                fs::remove_file(&draft)?;
            }
            write_private(&draft, pem.as_bytes())?;
            fs::rename(&draft, file)?;
            sync_folder(folder)?;
        }
    }
    let key = KeyPair::from_pem(&fs::read_to_string(&key_file)?)?;
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &key.serialize_der(), &SystemRandom::new());
    let pair = pair.map_err(|_| anyhow::anyhow!("{} holds no P-256 key", key_file.display()))?;
    let certificate =
        CertificateDer::from_pem_file(&file).map_err(|e| anyhow::anyhow!("cannot read {}: {e}", file.display()))?;
    Ok((pair, certificate.to_vec()))
}

/// Writes a file for its owner's eyes only, down to the disk.
pub(crate) fn write_private(file: &Path, bytes: &[u8]) -> io::Result<()> {
    use io::Write as _;
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(file)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes a new or renamed entry survive a loss of power, where the system has a way to say so.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { fs::File::open(folder)?.sync_all() } else { Ok(()) }
}

fn name(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CountryName, DnValue::PrintableString("CN".try_into().expect("two letters")));
    name.push(DnType::OrganizationName, "Certdesk Demo");
    name.push(DnType::CommonName, common_name);
    name
}

fn subject(holder: &Registration) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CountryName, DnValue::PrintableString("CN".try_into().expect("two letters")));
    if let Some(unit) = &holder.organisation {
        name.push(DnType::OrganizationName, unit.name.as_str());
    }
    name.push(DnType::CommonName, common_name(holder));
    name
}

/// SHA-1 of the public key (RFC 5280 §4.2.1.2, method 1), as the keys on tokens are named too.
fn key_identifier(key: &KeyPair) -> Vec<u8> {
    certdesk_pki::key_id(&key.subject_public_key_info()).expect("a key just read is well-formed").to_vec()
}

/// 126 random bits in 16 bytes, positive and without leading zeros.
fn serial_number() -> Vec<u8> {
    let mut serial = random::bytes(16);
    serial[0] = serial[0] & 0x3f | 0x40;
    serial
}

/// The same day of another year; 28 February where there is no 29th.
pub(crate) fn years_later(at: Timestamp, years: u8) -> Timestamp {
    let year = at.year() + i32::from(years);
    at.replace_year(year).unwrap_or_else(|_| at.replace_day(28).and_then(|d| d.replace_year(year)).unwrap_or(at))
}

fn whole_seconds(at: Timestamp) -> Timestamp {
    at.replace_nanosecond(0).expect("zero is a nanosecond")
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn from_hex(text: &str) -> anyhow::Result<Vec<u8>> {
    let digits = text.as_bytes().chunks(2).map(|pair| Ok(u8::from_str_radix(std::str::from_utf8(pair)?, 16)?));
    digits.collect()
}
