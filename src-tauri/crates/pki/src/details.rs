//! Every field of a certificate in words, for the helpdesk. Nothing here decides anything.
//!
//! Values are hostile text: control and direction characters are made visible, lengths bounded. The Chinese object
//! identifiers and the wrappings around their values are those seen in certificates of Chinese authorities
//! (GM/T 0015-2012 and -2023, 证书 of BJCA, SHECA, ZJCA).

use x509_parser::{
    asn1_rs::{Any, Class, FromDer, Tag},
    certificate::X509Certificate,
    extensions::{DistributionPointName, GeneralName, KeyUsage, ParsedExtension, X509Extension},
    x509::{AlgorithmIdentifier, SubjectPublicKeyInfo, X509Name},
};

use crate::{key, sm2};

/// Longest value shown, characters.
const MAX_VALUE: usize = 1024;
/// Longest raw value shown, bytes.
const MAX_HEX: usize = 256;
/// Most rows: a certificate of 64 KiB can hold thousands of empty extensions.
const MAX_ROWS: usize = 400;

/// All fields in the certificate's order: (name, value).
pub(crate) fn all(x509: &X509Certificate<'_>, der: &[u8]) -> Vec<(String, String)> {
    let mut rows = vec![
        row("Version", x509.version().0.saturating_add(1).to_string()),
        row("Serial number", serial(x509.raw_serial())),
        row("Signature algorithm", algorithm(&x509.signature_algorithm)),
    ];
    rows.extend(name_rows("Issuer", x509.issuer()));
    rows.push(row("Valid from", instant(&x509.validity().not_before)));
    rows.push(row("Valid until", instant(&x509.validity().not_after)));
    rows.extend(name_rows("Subject", x509.subject()));
    let spki = x509.public_key();
    rows.push(row("Public key", key_algorithm(spki)));
    rows.push(row("Public key value", hex_limited(key::key_bits(spki))));
    if let Ok(id) = key::key_id(spki.raw) {
        rows.push(row("Public key SHA-1 (CKA_ID)", hex(&id)));
    }
    rows.extend(x509.extensions().iter().map(extension));
    rows.push(row("Signature", hex_limited(&x509.signature_value.data)));
    let digest = |algorithm| hex(ring::digest::digest(algorithm, der).as_ref());
    rows.push(row("SHA-256 fingerprint", digest(&ring::digest::SHA256)));
    rows.push(row("SHA-1 fingerprint", digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY)));
    rows.truncate(MAX_ROWS);
    rows
}

/// The most telling part of a name: common name, else organisation, unit, mail, else the whole name, else a dash.
pub(crate) fn short_name(name: &X509Name<'_>) -> String {
    const BEST: [&str; 4] = ["2.5.4.3", "2.5.4.10", "2.5.4.11", "1.2.840.113549.1.9.1"];
    let values = |wanted: &str| {
        let mut found = name.iter_attributes().filter(|a| a.attr_type().to_id_string() == wanted);
        found.find_map(|a| Some(attribute_text(a.attr_value())).filter(|text| !text.trim().is_empty()))
    };
    let best = BEST.iter().find_map(|oid| values(oid));
    best.unwrap_or_else(|| match whole_name(name) {
        text if text.is_empty() => "-".to_owned(),
        text => text,
    })
}

/// A serial number, lower-case hex without leading zeros.
pub(crate) fn serial(bytes: &[u8]) -> String {
    let text = hex(bytes);
    match text.trim_start_matches('0') {
        "" => "0".to_owned(),
        digits => digits.to_owned(),
    }
}

/// Kind and size of a key.
pub(crate) fn key_algorithm(spki: &SubjectPublicKeyInfo<'_>) -> String {
    let oid = spki.algorithm.algorithm.to_id_string();
    match oid.as_str() {
        key::RSA => match key::rsa_modulus_bits(key::key_bits(spki)) {
            Some(bits) => format!("RSA {bits}"),
            None => "RSA".to_owned(),
        },
        key::EC => match key::curve(spki).as_deref() {
            Some(key::CURVE_P256) => "ECDSA P-256".to_owned(),
            Some(key::CURVE_P384) => "ECDSA P-384".to_owned(),
            Some("1.3.132.0.35") => "ECDSA P-521".to_owned(),
            Some("1.3.132.0.10") => "ECDSA secp256k1".to_owned(),
            Some(sm2::CURVE) => "SM2".to_owned(),
            Some(curve) => format!("EC ({curve})"),
            None => "EC".to_owned(),
        },
        sm2::CURVE => "SM2".to_owned(),
        _ => named(&oid),
    }
}

/// Key usages and extended key usages by their RFC 5280 names.
pub(crate) fn usages(x509: &X509Certificate<'_>) -> Vec<String> {
    let mut names = Vec::new();
    for extension in x509.extensions() {
        match extension.parsed_extension() {
            ParsedExtension::KeyUsage(usage) => names.extend(key_usages(usage).map(str::to_owned)),
            ParsedExtension::ExtendedKeyUsage(_) => names.extend(purposes(extension.value)),
            _ => {}
        }
    }
    names.truncate(MAX_ROWS);
    names
}

/// Lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// The text of an attribute value of a name, safe to show.
pub(crate) fn attribute_text(value: &Any<'_>) -> String {
    string(value.tag(), value.data).map_or_else(|| readable(value.data), |text| safe(&text))
}

fn row(name: impl Into<String>, value: String) -> (String, String) {
    (name.into(), value)
}

fn name_rows(whose: &'static str, name: &X509Name<'_>) -> Vec<(String, String)> {
    let rows = name.iter_attributes().take(MAX_ROWS);
    rows.map(|a| row(format!("{whose}: {}", named(&a.attr_type().to_id_string())), attribute_text(a.attr_value())))
        .collect()
}

fn whole_name(name: &X509Name<'_>) -> String {
    let parts: Vec<_> = name
        .iter_attributes()
        .take(32)
        .map(|a| format!("{}={}", named(&a.attr_type().to_id_string()), attribute_text(a.attr_value())))
        .collect();
    safe(&parts.join(", "))
}

fn instant(time: &x509_parser::time::ASN1Time) -> String {
    let t = time.to_datetime();
    let (date, (hour, minute, second)) = (t.date(), t.to_hms());
    format!("{date} {hour:02}:{minute:02}:{second:02} UTC")
}

fn algorithm(identifier: &AlgorithmIdentifier<'_>) -> String {
    named(&identifier.algorithm.to_id_string())
}

fn extension(extension: &X509Extension<'_>) -> (String, String) {
    let name = named(&extension.oid.to_id_string());
    let critical = if extension.critical { " (critical)" } else { "" };
    let value = match extension.parsed_extension() {
        ParsedExtension::SubjectAlternativeName(names) => general_names(&names.general_names),
        ParsedExtension::IssuerAlternativeName(names) => general_names(&names.general_names),
        ParsedExtension::KeyUsage(usage) => key_usages(usage).collect::<Vec<_>>().join(", "),
        ParsedExtension::ExtendedKeyUsage(_) => purposes(extension.value).join(", "),
        ParsedExtension::BasicConstraints(basic) => match basic.path_len_constraint {
            Some(length) => format!("CA: {}, path length: {length}", yes_no(basic.ca)),
            None => format!("CA: {}", yes_no(basic.ca)),
        },
        ParsedExtension::SubjectKeyIdentifier(id) => hex_limited(id.0),
        ParsedExtension::AuthorityKeyIdentifier(authority) => {
            let id = authority.key_identifier.as_ref().map(|id| hex_limited(id.0));
            let issuer = authority.authority_cert_issuer.as_deref().map(general_names);
            let number = authority.authority_cert_serial.map(|bytes| format!("serial {}", serial(bytes)));
            [id, issuer, number].into_iter().flatten().collect::<Vec<_>>().join(", ")
        }
        ParsedExtension::CRLDistributionPoints(points) => {
            let names = points.points.iter().filter_map(|p| p.distribution_point.as_ref()).take(MAX_ROWS);
            let texts: Vec<_> = names
                .map(|name| match name {
                    DistributionPointName::FullName(names) => general_names(names),
                    DistributionPointName::NameRelativeToCRLIssuer(_) => "relative to the issuer".to_owned(),
                })
                .collect();
            texts.join(", ")
        }
        ParsedExtension::AuthorityInfoAccess(access) => {
            let texts: Vec<_> = access
                .accessdescs
                .iter()
                .take(MAX_ROWS)
                .map(|d| format!("{}: {}", named(&d.access_method.to_id_string()), general_name(&d.access_location)))
                .collect();
            texts.join(", ")
        }
        ParsedExtension::CertificatePolicies(policies) => {
            let texts: Vec<_> = policies
                .iter()
                .take(MAX_ROWS)
                .map(|policy| {
                    let qualifiers = policy.policy_qualifiers.iter().flatten().map(|q| readable(q.qualifier));
                    let id = named(&policy.policy_id.to_id_string());
                    std::iter::once(id).chain(qualifiers).collect::<Vec<_>>().join(" ")
                })
                .collect();
            texts.join(", ")
        }
        _ => readable(extension.value),
    };
    row(format!("{name}{critical}"), safe(&value))
}

fn yes_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

fn key_usages(usage: &KeyUsage) -> impl Iterator<Item = &'static str> {
    const NAMES: [&str; 9] = [
        "digitalSignature",
        "nonRepudiation",
        "keyEncipherment",
        "dataEncipherment",
        "keyAgreement",
        "keyCertSign",
        "cRLSign",
        "encipherOnly",
        "decipherOnly",
    ];
    let flags = usage.flags;
    NAMES.into_iter().enumerate().filter(move |(bit, _)| flags >> bit & 1 == 1).map(|(_, name)| name)
}

/// The purposes of an ExtendedKeyUsage in their order. The parser keeps no order, so the sequence is read here.
fn purposes(value: &[u8]) -> Vec<String> {
    let Ok((_, sequence)) = Any::from_der(value) else { return Vec::new() };
    let mut rest = sequence.data;
    let mut names = Vec::new();
    while let Ok((after, purpose)) = Any::from_der(rest) {
        if let Ok(oid) = purpose.oid() {
            let oid = oid.to_id_string();
            names.push(name_of(&oid).map_or(oid, str::to_owned));
        }
        rest = after;
    }
    names
}

fn general_names(names: &[GeneralName<'_>]) -> String {
    names.iter().take(MAX_ROWS).map(general_name).collect::<Vec<_>>().join(", ")
}

fn general_name(name: &GeneralName<'_>) -> String {
    match name {
        GeneralName::RFC822Name(mail) => format!("mail {mail}"),
        GeneralName::DNSName(host) => format!("DNS {host}"),
        GeneralName::URI(uri) => (*uri).to_owned(),
        GeneralName::DirectoryName(name) => whole_name(name),
        GeneralName::IPAddress(bytes) => match **bytes {
            [a, b, c, d] => format!("IP {a}.{b}.{c}.{d}"),
            _ => <[u8; 16]>::try_from(*bytes)
                .map_or_else(|_| hex_limited(bytes), |b| format!("IP {}", std::net::Ipv6Addr::from(b))),
        },
        GeneralName::RegisteredID(oid) => named(&oid.to_id_string()),
        GeneralName::OtherName(oid, value) => format!("{}: {}", named(&oid.to_id_string()), readable(value)),
        GeneralName::X400Address(any) | GeneralName::EDIPartyName(any) => hex_limited(any.data),
        GeneralName::Invalid(_, bytes) => hex_limited(bytes),
    }
}

/// A value nobody described: strings found under OCTET STRING, SEQUENCE, SET and context tags, else text, else hex.
fn readable(bytes: &[u8]) -> String {
    let mut texts = Vec::new();
    if collect_texts(bytes, 0, &mut texts) && !texts.is_empty() {
        return safe(&texts.join(" "));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.is_empty() && !text.chars().any(char::is_control) => safe(text),
        _ => hex_limited(bytes),
    }
}

/// Collects the strings of a DER value; false where something else was in it.
fn collect_texts(mut bytes: &[u8], depth: u8, texts: &mut Vec<String>) -> bool {
    const DEEPEST: u8 = 8;
    const MOST: usize = 32;
    if bytes.is_empty() || depth > DEEPEST {
        return false;
    }
    while !bytes.is_empty() {
        let Ok((rest, value)) = Any::from_der(bytes) else { return false };
        let universal = value.class() == Class::Universal;
        let wraps = !universal || matches!(value.tag(), Tag::OctetString | Tag::Sequence | Tag::Set);
        if let Some(text) = universal.then(|| string(value.tag(), value.data)).flatten() {
            texts.push(text);
        } else if !(wraps && collect_texts(value.data, depth + 1, texts)) {
            // [0] IMPLICIT PrintableString and OCTET STRINGs of bare text.
            match std::str::from_utf8(value.data) {
                Ok(text) if wraps && !text.is_empty() && !text.chars().any(char::is_control) => {
                    texts.push(text.to_owned())
                }
                _ => return false,
            }
        }
        if texts.len() > MOST {
            return false;
        }
        bytes = rest;
    }
    true
}

/// The text of an ASN.1 string type.
fn string(tag: Tag, bytes: &[u8]) -> Option<String> {
    match tag {
        Tag::Utf8String
        | Tag::PrintableString
        | Tag::NumericString
        | Tag::Ia5String
        | Tag::VisibleString
        | Tag::TeletexString => std::str::from_utf8(bytes).ok().map(str::to_owned),
        Tag::BmpString => {
            let units = bytes.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]));
            Some(char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
        }
        Tag::UniversalString => {
            let points = bytes.chunks_exact(4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]));
            Some(points.map(|p| char::from_u32(p).unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
        }
        _ => None,
    }
}

/// Text without characters that could hide or turn round what is shown, and not without end.
fn safe(text: &str) -> String {
    let mut out: String = text
        .chars()
        .take(MAX_VALUE)
        .map(|c| {
            let turns =
                matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FEFF}');
            if c.is_control() || turns { char::REPLACEMENT_CHARACTER } else { c }
        })
        .collect();
    if text.chars().nth(MAX_VALUE).is_some() {
        out.push('…');
    }
    out
}

fn hex_limited(bytes: &[u8]) -> String {
    if bytes.len() <= MAX_HEX {
        return hex(bytes);
    }
    format!("{}… ({} bytes)", hex(&bytes[..MAX_HEX]), bytes.len())
}

/// `name (dotted)`, or the dotted form alone.
fn named(oid: &str) -> String {
    match name_of(oid) {
        Some(name) => format!("{name} ({oid})"),
        None => safe(oid),
    }
}

fn name_of(oid: &str) -> Option<&'static str> {
    Some(match oid {
        // Attributes of names (RFC 4519, RFC 2985).
        "2.5.4.3" => "CN",
        "2.5.4.4" => "SN",
        "2.5.4.5" => "serialNumber",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" => "ST",
        "2.5.4.9" => "street",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "2.5.4.12" => "title",
        "2.5.4.13" => "description",
        "2.5.4.17" => "postalCode",
        "2.5.4.20" => "telephoneNumber",
        "2.5.4.42" => "givenName",
        "2.5.4.46" => "dnQualifier",
        "2.5.4.97" => "organizationIdentifier",
        "1.2.840.113549.1.9.1" => "emailAddress",
        "0.9.2342.19200300.100.1.1" => "UID",
        "0.9.2342.19200300.100.1.25" => "DC",
        // Keys and signatures.
        key::RSA => "RSA",
        key::EC => "EC",
        "1.2.840.113549.1.1.5" => "SHA-1 with RSA",
        "1.2.840.113549.1.1.10" => "RSA-PSS",
        "1.2.840.113549.1.1.11" => "SHA-256 with RSA",
        "1.2.840.113549.1.1.12" => "SHA-384 with RSA",
        "1.2.840.113549.1.1.13" => "SHA-512 with RSA",
        "1.2.840.10045.4.3.2" => "ECDSA with SHA-256",
        "1.2.840.10045.4.3.3" => "ECDSA with SHA-384",
        "1.2.840.10045.4.3.4" => "ECDSA with SHA-512",
        "1.3.101.112" => "Ed25519",
        "1.2.156.10197.1.301" => "SM2",
        "1.2.156.10197.1.401" => "SM3",
        "1.2.156.10197.1.501" => "SM2 with SM3",
        // Extensions (RFC 5280, RFC 6960, Netscape).
        "2.5.29.9" => "Subject directory attributes",
        "2.5.29.14" => "Subject key identifier",
        "2.5.29.15" => "Key usage",
        "2.5.29.16" => "Private key usage period",
        "2.5.29.17" => "Subject alternative name",
        "2.5.29.18" => "Issuer alternative name",
        "2.5.29.19" => "Basic constraints",
        "2.5.29.30" => "Name constraints",
        "2.5.29.31" => "CRL distribution points",
        "2.5.29.32" => "Certificate policies",
        "2.5.29.33" => "Policy mappings",
        "2.5.29.35" => "Authority key identifier",
        "2.5.29.36" => "Policy constraints",
        "2.5.29.37" => "Extended key usage",
        "2.5.29.46" => "Freshest CRL",
        "2.5.29.54" => "Inhibit any policy",
        "1.3.6.1.5.5.7.1.1" => "Authority information access",
        "1.3.6.1.5.5.7.1.3" => "Qualified certificate statements",
        "1.3.6.1.5.5.7.1.11" => "Subject information access",
        "1.3.6.1.5.5.7.48.1.5" => "OCSP no check",
        "1.3.6.1.4.1.11129.2.4.2" => "Certificate transparency timestamps",
        "2.16.840.1.113730.1.1" => "Netscape certificate type",
        "2.16.840.1.113730.1.13" => "Netscape comment",
        // Parts of extensions.
        "1.3.6.1.5.5.7.48.1" => "OCSP",
        "1.3.6.1.5.5.7.48.2" => "CA issuers",
        "1.3.6.1.5.5.7.2.1" => "CPS",
        "1.3.6.1.5.5.7.2.2" => "User notice",
        "2.5.29.32.0" => "anyPolicy",
        "1.3.6.1.4.1.311.20.2.3" => "User principal name",
        // Purposes (RFC 5280 §4.2.1.12, and two of Microsoft's).
        "2.5.29.37.0" => "anyExtendedKeyUsage",
        "1.3.6.1.5.5.7.3.1" => "serverAuth",
        "1.3.6.1.5.5.7.3.2" => "clientAuth",
        "1.3.6.1.5.5.7.3.3" => "codeSigning",
        "1.3.6.1.5.5.7.3.4" => "emailProtection",
        "1.3.6.1.5.5.7.3.8" => "timeStamping",
        "1.3.6.1.5.5.7.3.9" => "OCSPSigning",
        "1.3.6.1.4.1.311.20.2.2" => "smartcardLogon",
        "1.3.6.1.4.1.311.10.3.12" => "documentSigning",
        // GM/T 0015-2012.
        "1.2.156.10260.4.1.1" => "个人身份标识码",
        "1.2.156.10260.4.1.2" => "个人社会保险号",
        "1.2.156.10260.4.1.3" => "企业工商注册号",
        "1.2.156.10260.4.1.4" => "组织机构代码 / 统一社会信用代码",
        "1.2.156.10260.4.1.5" => "企业税号",
        // GM/T 0015-2023.
        "1.2.156.10260.4.1.1.1" => "居民身份证号",
        "1.2.156.10260.4.1.1.2" => "护照号",
        "1.2.156.10260.4.4" => "统一社会信用代码",
        // RSA-era certificates.
        "1.2.86.11.7.1" => "身份证号",
        "1.2.86.11.7.3" => "工商注册号",
        "1.2.86.11.7.4" => "统一社会信用代码",
        "1.2.86.11.7.5" => "税号",
        // BJCA
        "1.2.156.112562.2.1.1.1" | "2.16.840.1.113732.2" => "唯一标识",
        "1.2.156.112562.2.1.1.24" | "1.2.156.112562.2.1.1.4" | "1.2.156.112562.2.1.1.23" | "1.2.156.112562.2.1.2.2" => {
            "实体标识"
        }
        // SHECA
        "1.2.156.1.8888.148" => "机构代码",
        "1.2.156.112570.11.205" => "唯一号",
        // ZJCA
        "1.2.156.112573.14" => "系统用户名",
        _ => return None,
    })
}
