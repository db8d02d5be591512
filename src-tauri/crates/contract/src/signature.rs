//! Signed requests: RFC 9421 (HTTP message signatures) with RFC 9530 (`Content-Digest`).
//!
//! Every request of a session carries the signature [`SESSION_LABEL`], made by the session key. A legal act of a session
//! by key carries a second one, [`ACT_LABEL`], made by the key on the token, whose tag ([`act_tag`]) names the act.
//!
//! Covered: `"@method" "@target-uri"` and each of [`SIGNED_FIELDS`] that the request has; a request with a body has
//! `content-type` and `content-digest` (`sha-256`). None of these fields may come twice. Parameters, all of them:
//! `created`, `expires` (at most [`LIFE_SECONDS`] later), `nonce` (at least 128 random bits, base64url), `keyid`, `alg`,
//! `tag`. A session key's `keyid` is its RFC 7638 thumbprint, a token key's the base64url SHA-256 of its certificate
//! (`x5t#S256`, RFC 7515 §4.1.8). The target URI is the address as the client was given it.
//!
//! What is here builds and reads signature bases and fields; keys, hashes and the clock are the caller's.

use certdesk_domain::Business;
use sfv::{BareItem, Dictionary, FieldType as _, InnerList, Item, KeyRef, ListEntry, Parser, StringRef};

use crate::application::LegalAct;

/// Label of the session key's signature.
pub const SESSION_LABEL: &str = "session";
/// Its tag.
pub const SESSION_TAG: &str = "certdesk-session";
/// Label of the token key's signature.
pub const ACT_LABEL: &str = "act";
/// Longest time between `created` and `expires`.
pub const LIFE_SECONDS: u64 = 300;
/// How far `created` may lie ahead of the verifier's clock.
pub const CLOCK_TOLERANCE_SECONDS: u64 = 60;

/// Field that names signatures and what they cover.
pub const SIGNATURE_INPUT: &str = "signature-input";
/// Field with the signatures themselves.
pub const SIGNATURE: &str = "signature";
/// Field with the digest of the body (RFC 9530).
pub const CONTENT_DIGEST: &str = "content-digest";

/// Fields that a signature covers where the request has them, in the order we name them.
pub const SIGNED_FIELDS: &[&str] = &[
    "content-type",
    CONTENT_DIGEST,
    crate::IDEMPOTENCY_KEY,
    "if-match",
    "if-none-match",
    "upload-length",
    "upload-metadata",
    "upload-offset",
    "upload-checksum",
];

/// Bytes that `Signature-Input` and `Signature` may have each.
const LONGEST_FIELD: usize = 8 * 1024;
/// base64url characters of 128 bits, and more than anybody needs.
const NONCE_LENGTHS: std::ops::RangeInclusive<usize> = 22..=86;

/// Tag of the signature of a legal act, for example `certdesk-submit-renew`, `certdesk-withdraw-new`.
pub fn act_tag(act: LegalAct, business: Business) -> String {
    let act = match act {
        LegalAct::Submit => "submit",
        LegalAct::Withdraw => "withdraw",
    };
    format!("certdesk-{act}-{}", business.name())
}

/// Why a signature is none. Texts are for logs; they quote nothing of the request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// A field is not what its RFC says.
    #[error("{0} is malformed")]
    Malformed(&'static str),
    /// It is there, but not all that must be.
    #[error("{0} is not covered")]
    NotCovered(&'static str),
    /// It covers something that the request does not have, or that nobody here may sign.
    #[error("something is covered that is not there")]
    NotThere,
    /// A parameter is missing or of no use here.
    #[error("the parameter {0} is missing or wrong")]
    Parameter(&'static str),
    /// Expired, or of the future.
    #[error("it is not of now")]
    NotNow,
}

/// A request as far as signatures look at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestHead {
    /// `@method`
    pub method: String,
    /// `@target-uri`: the whole address with its query, as the client was given it.
    pub target_uri: String,
    /// Those of [`SIGNED_FIELDS`] that it has, in that order.
    pub fields: Vec<(String, String)>,
}

impl RequestHead {
    /// Takes what signatures look at out of a request. Names of fields are in lower case, values as they came.
    ///
    /// # Errors
    /// [`SignatureError::Malformed`] where a field that matters comes twice or is not printable ASCII: then two readers
    /// could understand it differently.
    pub fn new<'a>(
        method: &str,
        target_uri: &str,
        fields: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<Self, SignatureError> {
        let printable = |text: &str| text.bytes().all(|b| b.is_ascii_graphic());
        if !printable(method) || !printable(target_uri) || method.is_empty() {
            return Err(SignatureError::Malformed("the request line"));
        }
        let mut kept: Vec<(&'static str, String)> = Vec::new();
        for (name, value) in fields {
            let Some(&name) = SIGNED_FIELDS.iter().find(|known| **known == name) else { continue };
            if kept.iter().any(|(known, _)| *known == name) {
                return Err(SignatureError::Malformed(name));
            }
            let is_text = |b: &u8| b.is_ascii_graphic() || matches!(b, b' ' | b'\t');
            let value = std::str::from_utf8(value).ok().filter(|value| value.as_bytes().iter().all(is_text));
            kept.push((name, value.ok_or(SignatureError::Malformed(name))?.trim_matches([' ', '\t']).to_owned()));
        }
        kept.sort_by_key(|(name, _)| SIGNED_FIELDS.iter().position(|known| known == name));
        let fields = kept.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Ok(Self { method: method.to_owned(), target_uri: target_uri.to_owned(), fields })
    }

    /// A covered field.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The SHA-256 that `Content-Digest` tells of the body.
    pub fn content_digest(&self) -> Option<[u8; 32]> {
        parse_content_digest(self.field(CONTENT_DIGEST)?)
    }

    /// What a signature has to cover, in the order we name it.
    pub fn covered(&self) -> impl Iterator<Item = &str> {
        ["@method", "@target-uri"].into_iter().chain(self.fields.iter().map(|(name, _)| name.as_str()))
    }

    /// Value of a component (RFC 9421 §2).
    fn component(&self, name: &str) -> Option<&str> {
        match name {
            "@method" => Some(&self.method),
            "@target-uri" => Some(&self.target_uri),
            field => self.field(field),
        }
    }
}

/// Parameters of a signature (RFC 9421 §2.3), as this contract has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// Seconds since 1970.
    pub created: i64,
    /// Seconds since 1970.
    pub expires: i64,
    /// Good once.
    pub nonce: String,
    /// Which key.
    pub keyid: String,
    /// Name in the registry of RFC 9421 §6.2.2, for example `ecdsa-p256-sha256`.
    pub alg: String,
    /// What for.
    pub tag: String,
}

impl Parameters {
    /// Checks that it is of now, and not for longer than it may be.
    ///
    /// # Errors
    /// [`SignatureError::NotNow`]; [`SignatureError::Parameter`] where the times make no sense or reach too far.
    pub fn check_time(&self, now: i64) -> Result<(), SignatureError> {
        let life = self.expires.saturating_sub(self.created);
        if !(1..=LIFE_SECONDS as i64).contains(&life) {
            return Err(SignatureError::Parameter("expires"));
        }
        if self.created > now.saturating_add(CLOCK_TOLERANCE_SECONDS as i64) || self.expires <= now {
            return Err(SignatureError::NotNow);
        }
        Ok(())
    }
}

/// A signature about to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct Unsigned {
    /// What the key signs (RFC 9421 §2.5).
    pub base: String,
    label: &'static str,
    list: InnerList,
}

impl Unsigned {
    /// Prepares a signature over everything a signature must cover.
    ///
    /// # Errors
    /// [`SignatureError::Parameter`] where a parameter cannot be written in a structured field (RFC 9651).
    pub fn new(head: &RequestHead, label: &'static str, parameters: &Parameters) -> Result<Self, SignatureError> {
        let text = |name: &'static str, value: &str| -> Result<BareItem, SignatureError> {
            Ok(BareItem::String(StringRef::from_str(value).map_err(|_| SignatureError::Parameter(name))?.to_owned()))
        };
        let number = |name: &'static str, value: i64| -> Result<BareItem, SignatureError> {
            Ok(BareItem::Integer(value.try_into().map_err(|_| SignatureError::Parameter(name))?))
        };
        let items = head.covered().map(|name| Ok(Item::new(text("", name)?))).collect::<Result<_, SignatureError>>()?;
        let mut list = InnerList::new(items);
        for (name, value) in [
            ("created", number("created", parameters.created)?),
            ("expires", number("expires", parameters.expires)?),
            ("nonce", text("nonce", &parameters.nonce)?),
            ("keyid", text("keyid", &parameters.keyid)?),
            ("alg", text("alg", &parameters.alg)?),
            ("tag", text("tag", &parameters.tag)?),
        ] {
            list.params.insert(KeyRef::constant(name).to_owned(), value);
        }
        let base = base(&list, |name| head.component(name))?;
        Ok(Self { base, label, list })
    }
}

/// The values of the fields `Signature-Input` and `Signature` that carry these signatures.
pub fn fields(signed: &[(Unsigned, Vec<u8>)]) -> (String, String) {
    let (mut inputs, mut signatures) = (Dictionary::new(), Dictionary::new());
    for (unsigned, signature) in signed {
        let label = KeyRef::constant(unsigned.label).to_owned();
        inputs.insert(label.clone(), ListEntry::InnerList(unsigned.list.clone()));
        signatures.insert(label, ListEntry::Item(Item::new(BareItem::ByteSequence(signature.clone()))));
    }
    (inputs.serialize().unwrap_or_default(), signatures.serialize().unwrap_or_default())
}

/// One signature of a request, as it came: nothing is verified yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Signed {
    /// Names of what it covers, in its order.
    pub components: Vec<String>,
    /// The signature.
    pub signature: Vec<u8>,
    list: InnerList,
}

impl Signed {
    /// Reads the signature with that label out of the two fields; lines of a field that came more than once are joined
    /// with `, ` first. `None`: there is no such signature.
    ///
    /// # Errors
    /// [`SignatureError::Malformed`]; [`SignatureError::NotThere`] where a component has parameters (`;req`, `;sf` and
    /// the like mean nothing here) or comes twice.
    pub fn read(inputs: &str, signatures: &str, label: &str) -> Result<Option<Self>, SignatureError> {
        let dictionary = |text: &str, name| {
            if text.len() > LONGEST_FIELD {
                return Err(SignatureError::Malformed(name));
            }
            Parser::new(text).parse::<Dictionary>().map_err(|_| SignatureError::Malformed(name))
        };
        let mut inputs = dictionary(inputs, SIGNATURE_INPUT)?;
        let mut signatures = dictionary(signatures, SIGNATURE)?;
        let (input, signature) = (inputs.swap_remove(label), signatures.swap_remove(label));
        let (input, signature) = match (input, signature) {
            (None, None) => return Ok(None),
            (Some(input), Some(signature)) => (input, signature),
            (Some(_), None) => return Err(SignatureError::Malformed(SIGNATURE)),
            (None, Some(_)) => return Err(SignatureError::Malformed(SIGNATURE_INPUT)),
        };
        let ListEntry::InnerList(list) = input else { return Err(SignatureError::Malformed(SIGNATURE_INPUT)) };
        let ListEntry::Item(Item { bare_item: BareItem::ByteSequence(signature), .. }) = signature else {
            return Err(SignatureError::Malformed(SIGNATURE));
        };
        let mut components = Vec::new();
        for item in &list.items {
            let BareItem::String(name) = &item.bare_item else {
                return Err(SignatureError::Malformed(SIGNATURE_INPUT));
            };
            if !item.params.is_empty() || components.iter().any(|known| known == name.as_str()) {
                return Err(SignatureError::NotThere);
            }
            components.push(name.as_str().to_owned());
        }
        Ok(Some(Self { components, signature, list }))
    }

    /// Its parameters: all that this contract asks for, and no others.
    ///
    /// # Errors
    /// [`SignatureError::Parameter`]
    pub fn parameters(&self) -> Result<Parameters, SignatureError> {
        const KNOWN: [&str; 6] = ["created", "expires", "nonce", "keyid", "alg", "tag"];
        if self.list.params.keys().any(|name| !KNOWN.contains(&name.as_str())) {
            return Err(SignatureError::Parameter("unknown"));
        }
        let number = |name: &'static str| match self.list.params.get(name) {
            Some(BareItem::Integer(value)) => Ok(i64::from(*value)),
            _ => Err(SignatureError::Parameter(name)),
        };
        let text = |name: &'static str| match self.list.params.get(name) {
            Some(BareItem::String(value)) => Ok(value.as_str().to_owned()),
            _ => Err(SignatureError::Parameter(name)),
        };
        let parameters = Parameters {
            created: number("created")?,
            expires: number("expires")?,
            nonce: text("nonce")?,
            keyid: text("keyid")?,
            alg: text("alg")?,
            tag: text("tag")?,
        };
        let is_base64url = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        if !NONCE_LENGTHS.contains(&parameters.nonce.len()) || !parameters.nonce.bytes().all(is_base64url) {
            return Err(SignatureError::Parameter("nonce"));
        }
        Ok(parameters)
    }

    /// Checks that it covers all that it must of this request, and answers what was signed.
    ///
    /// # Errors
    /// [`SignatureError::NotCovered`], [`SignatureError::NotThere`].
    pub fn base(&self, head: &RequestHead, has_body: bool) -> Result<String, SignatureError> {
        let covers = |name: &str| self.components.iter().any(|known| known == name);
        let body: &[&str] = if has_body { &["content-type", CONTENT_DIGEST] } else { &[] };
        for name in ["@method", "@target-uri"].iter().chain(body) {
            if !covers(name) {
                return Err(SignatureError::NotCovered(name));
            }
        }
        for name in SIGNED_FIELDS {
            if head.field(name).is_some() && !covers(name) {
                return Err(SignatureError::NotCovered(name));
            }
        }
        base(&self.list, |name| head.component(name))
    }
}

/// The signature base (RFC 9421 §2.5): one line a component, and last the parameters as they are serialised.
fn base<'a>(list: &InnerList, value: impl Fn(&str) -> Option<&'a str>) -> Result<String, SignatureError> {
    let mut base = String::new();
    for item in &list.items {
        let BareItem::String(name) = &item.bare_item else { return Err(SignatureError::Malformed(SIGNATURE_INPUT)) };
        let value = value(name.as_str()).ok_or(SignatureError::NotThere)?;
        base += &format!("\"{}\": {value}\n", name.as_str());
    }
    // An inner list is serialised as the one member of a list.
    let parameters = vec![ListEntry::InnerList(list.clone())].serialize().unwrap_or_default();
    base += &format!("\"@signature-params\": {parameters}");
    Ok(base)
}

/// `Content-Digest` of a body by its SHA-256 (RFC 9530 §2).
pub fn content_digest(sha256: &[u8; 32]) -> String {
    let mut digests = Dictionary::new();
    let digest = Item::new(BareItem::ByteSequence(sha256.to_vec()));
    digests.insert(KeyRef::constant("sha-256").to_owned(), ListEntry::Item(digest));
    digests.serialize().unwrap_or_default()
}

/// The SHA-256 of a `Content-Digest`, whatever other digests stand beside it.
pub fn parse_content_digest(field: &str) -> Option<[u8; 32]> {
    if field.len() > LONGEST_FIELD {
        return None;
    }
    let digests: Dictionary = Parser::new(field).parse().ok()?;
    match digests.get("sha-256")? {
        ListEntry::Item(Item { bare_item: BareItem::ByteSequence(digest), .. }) => digest.as_slice().try_into().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    use certdesk_domain::token::SignatureScheme;
    use certdesk_pki::{SessionKey, message_signature, spki_of_jwk};
    use proptest::prelude::*;

    use super::*;

    const REQUEST_DIGEST: &str =
        "sha-512=:WZDPaVn/7XgHaAy8pmojAkGWoRx2UFChF41A2svX+TaPm+AbwAgBWnrIiYllu7BNNyealdVLvRwEmTHWXvJwew==:";
    const RESPONSE_DIGEST: &str =
        "sha-512=:mEWXIS7MaLRuGgxOBdODa3xqM1XdEvxoYhvlCFJ41QJgJc4GTsPp29l5oGX69wWdXymyU0rjJuahq4l5aGgfLQ==:";

    fn request() -> RequestHead {
        let fields: [(&str, &[u8]); 4] = [
            ("content-digest", b"sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"),
            ("host", b"portal.example"),
            ("content-type", b"  application/json "),
            ("idempotency-key", b"0193e7c0-7000-7000-8000-000000000001"),
        ];
        RequestHead::new("POST", "https://portal.example/v1/applications/x/submission?a=1", fields).unwrap()
    }

    fn parameters() -> Parameters {
        Parameters {
            created: 1_800_000_000,
            expires: 1_800_000_120,
            nonce: "AAECAwQFBgcICQoLDA0ODw".into(),
            keyid: "key".into(),
            alg: "ecdsa-p256-sha256".into(),
            tag: SESSION_TAG.into(),
        }
    }

    #[test]
    fn what_is_signed_is_what_rfc_9421_says() {
        let unsigned = Unsigned::new(&request(), SESSION_LABEL, &parameters()).unwrap();
        let names = r#"("@method" "@target-uri" "content-type" "content-digest" "idempotency-key")"#;
        let written = r#";created=1800000000;expires=1800000120;nonce="AAECAwQFBgcICQoLDA0ODw";keyid="key";alg="ecdsa-p256-sha256";tag="certdesk-session""#;
        let expected = [
            r#""@method": POST"#,
            r#""@target-uri": https://portal.example/v1/applications/x/submission?a=1"#,
            r#""content-type": application/json"#,
            r#""content-digest": sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"#,
            r#""idempotency-key": 0193e7c0-7000-7000-8000-000000000001"#,
            &format!(r#""@signature-params": {names}{written}"#),
        ];
        assert_eq!(unsigned.base, expected.join("\n"));
        let (inputs, signatures) = fields(&[(unsigned.clone(), vec![1, 2, 3])]);
        assert_eq!((inputs.as_str(), signatures.as_str()), (&*format!("session={names}{written}"), "session=:AQID:"));

        let read = Signed::read(&inputs, &signatures, SESSION_LABEL).unwrap().unwrap();
        assert_eq!(read.base(&request(), true).unwrap(), unsigned.base, "the other side builds the same");
        assert_eq!(read.parameters().unwrap(), parameters());
        assert_eq!(Signed::read(&inputs, &signatures, ACT_LABEL), Ok(None), "nobody signed the act");
    }

    /// RFC 9421: the signatures of B.2.1, B.2.3 and B.2.4, and of section 4.3 the proxy's (the one with PKCS#1 v1.5). B.2.2
    /// covers a component with a parameter, which nothing here ever does; B.2.5 and B.2.6 are algorithms of others.
    #[test]
    fn the_examples_of_rfc_9421_verify() {
        let pss = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAr4tmm3r20Wd/PbqvP1s2+QEtvpuRaV8Yq40gjUR8y2Rjxa6dpG2GXHbPfvMs8ct+Lh1GH45x28Rw3Ry53mm+oAXjyQ86OnDkZ5N8lYbggD4O3w6M6pAvLkhk95AndTrifbIFPNU8PPMO7OyrFAHqgDsznjPFmTOtCEcN2Z1FpWgchwuYLPL+Wokqltd11nqqzi+bJ9cvSKADYdUAAN5WUtzdpiy6LbTgSxP7ociU4Tn0g5I6aDZJ7A8Lzo0KSyZYoA485mqcO0GVAdVw9lq4aOT9v6d+nb4bnNkQVklLQ3fVAvJm+xdDOp9LCNCN48V2pnDOkFV6+U9nV5oyc6XI2wIDAQAB";
        let rsa = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAhAKYdtoeoy8zcAcR874L8cnZxKzAGwd7v36APp7Pv6Q2jdsPBRrwWEBnez6d0UDKDwGbc6nxfEXAy5mbhgajzrw3MOEt8uA5txSKobBpKDeBLOsdJKFqMGmXCQvEG7YemcxDTRPxAleIAgYYRjTSd/QBwVW9OwNFhekro3RtlinV0a75jfZgkne/YiktSvLG34lw2zqXBDTC5NHROUqGTlML4PlNZS5Ri2U4aCNx2rUPRcKIlE0PuKxI4T+HIaFpv8+rdV6eUgOrB2xeI1dSFFn/nnv5OoZJEIB+VmuKn3DCUcCZSFlQPSXSfBDiUGhwOw76WuSSsf1D4b/vLoJ10wIDAQAB";
        let ecc = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lfw0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==";
        let message = |name: &str| match name {
            "date" => Some("Tue, 20 Apr 2021 02:07:55 GMT"),
            "@method" => Some("POST"),
            "@path" => Some("/foo"),
            "@query" => Some("?param=Value&Pet=dog"),
            "@authority" => Some("example.com"),
            "content-type" => Some("application/json"),
            "content-digest" => Some(REQUEST_DIGEST),
            "content-length" => Some("18"),
            _ => None,
        };
        let response = |name: &str| match name {
            "@status" => Some("200"),
            "content-digest" => Some(RESPONSE_DIGEST),
            "content-length" => Some("23"),
            other => message(other),
        };
        let forwarded = |name: &str| match name {
            "@authority" => Some("origin.host.internal.example"),
            "forwarded" => Some("for=192.0.2.123;host=example.com;proto=https"),
            other => message(other),
        };
        type Message<'a> = &'a dyn Fn(&str) -> Option<&'static str>;
        let vectors: [(&str, &str, &str, &str, Message<'_>); 4] = [
            (
                r#"();created=1618884473;keyid="test-key-rsa-pss";nonce="b3k2pp5k7z-50gnwp.yemd""#,
                "d2pmTvmbncD3xQm8E9ZV2828BjQWGgiwAaw5bAkgibUopemLJcWDy/lkbbHAve4cRAtx31Iq786U7it++wgGxbtRxf8Udx7zFZsckzXaJMkA7ChG52eSkFxykJeNqsrWH5S+oxNFlD4dzVuwe8DhTSja8xxbR/Z2cOGdCbzR72rgFWhzx2VjBqJzsPLMIQKhO4DGezXehhWwE56YCE+O6c0mKZsfxVrogUvA4HELjVKWmAvtl6UnCh8jYzuVG5WSb/QEVPnP5TmcAnLH1g+s++v6d4s8m0gCw1fV5/SITLq9mhho8K3+7EPYTU8IU1bLhdxO5Nyt8C8ssinQ98Xw9Q==",
                pss,
                "rsa-pss-sha512",
                &message,
            ),
            (
                r#"("date" "@method" "@path" "@query" "@authority" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-rsa-pss""#,
                "bbN8oArOxYoyylQQUU6QYwrTuaxLwjAC9fbY2F6SVWvh0yBiMIRGOnMYwZ/5MR6fb0Kh1rIRASVxFkeGt683+qRpRRU5p2voTp768ZrCUb38K0fUxN0O0iC59DzYx8DFll5GmydPxSmme9v6ULbMFkl+V5B1TP/yPViV7KsLNmvKiLJH1pFkh/aYA2HXXZzNBXmIkoQoLd7YfW91kE9o/CCoC1xMy7JA1ipwvKvfrs65ldmlu9bpG6A9BmzhuzF8Eim5f8ui9eH8LZH896+QIF61ka39VBrohr9iyMUJpvRX2Zbhl5ZJzSRxpJyoEZAFL2FUo5fTIztsDZKEgM4cUA==",
                pss,
                "rsa-pss-sha512",
                &message,
            ),
            (
                r#"("@status" "content-type" "content-digest" "content-length");created=1618884473;keyid="test-key-ecc-p256""#,
                "wNmSUAhwb5LxtOtOpNa6W5xj067m5hFrj0XQ4fvpaCLx0NKocgPquLgyahnzDnDAUy5eCdlYUEkLIj+32oiasw==",
                ecc,
                "ecdsa-p256-sha256",
                &response,
            ),
            (
                r#"("@method" "@authority" "@path" "content-digest" "content-type" "content-length" "forwarded");created=1618884480;keyid="test-key-rsa";alg="rsa-v1_5-sha256";expires=1618884540"#,
                "S6ZzPXSdAMOPjN/6KXfXWNO/f7V6cHm7BXYUh3YD/fRad4BCaRZxP+JH+8XY1I6+8Cy+CM5g92iHgxtRPz+MjniOaYmdkDcnL9cCpXJleXsOckpURl49GwiyUpZ10KHgOEe11sx3G2gxI8S0jnxQB+Pu68U9vVcasqOWAEObtNKKZd8tSFu7LB5YAv0RAGhB8tmpv7sFnIm9y+7X5kXQfi8NMaZaA8i2ZHwpBdg7a6CMfwnnrtflzvZdXAsD3LH2TwevU+/PBPv0B6NMNk93wUs/vfJvye+YuI87HU38lZHowtznbLVdp770I6VHR6WfgS9ddzirrswsE1w5o0LV/g==",
                rsa,
                "rsa-v1_5-sha256",
                &forwarded,
            ),
        ];
        for (input, signature, key, algorithm, message) in vectors {
            let read = Signed::read(&format!("sig={input}"), &format!("sig=:{signature}:"), "sig").unwrap().unwrap();
            let base = base(&read.list, message).unwrap();
            let key = STANDARD.decode(key).unwrap();
            let verified = message_signature::verify(&key, algorithm, base.as_bytes(), &read.signature);
            assert_eq!(verified, Ok(()), "the RFC's own signature verifies over {base}");
            for other in ["rsa-pss-sha512", "ecdsa-p256-sha256", "rsa-v1_5-sha256", "hmac-sha256", ""] {
                let taken = message_signature::verify(&key, other, base.as_bytes(), &read.signature).is_ok();
                assert_eq!(taken, other == algorithm, "and under no other name of an algorithm: {other}");
            }
            let other = base.replacen("1618884", "1618885", 1);
            assert!(message_signature::verify(&key, algorithm, other.as_bytes(), &read.signature).is_err());
        }
    }

    #[test]
    fn less_than_everything_is_not_enough() {
        let unsigned = Unsigned::new(&request(), SESSION_LABEL, &parameters()).unwrap();
        let (inputs, signatures) = fields(&[(unsigned, vec![0; 64])]);
        for left_out in ["@method", "@target-uri", "content-type", "content-digest", "idempotency-key"] {
            let inputs =
                inputs.replacen(&format!("\"{left_out}\" "), "", 1).replacen(&format!(" \"{left_out}\")"), ")", 1);
            let read = Signed::read(&inputs, &signatures, SESSION_LABEL).unwrap().unwrap();
            assert_eq!(read.base(&request(), true), Err(SignatureError::NotCovered(left_out)));
        }
        let read = Signed::read(&inputs, &signatures, SESSION_LABEL).unwrap().unwrap();
        let stripped = RequestHead { fields: Vec::new(), ..request() };
        assert_eq!(read.base(&stripped, false), Err(SignatureError::NotThere), "a field was taken out on the way");
        let bodiless = Unsigned::new(&stripped, SESSION_LABEL, &parameters()).unwrap();
        let (inputs, signatures) = fields(&[(bodiless, vec![0; 64])]);
        let read = Signed::read(&inputs, &signatures, SESSION_LABEL).unwrap().unwrap();
        assert_eq!(read.base(&stripped, true), Err(SignatureError::NotCovered("content-type")), "a body was put in");
        let inputs = inputs.replacen("\"@method\"", "\"@method\";req", 1);
        assert_eq!(Signed::read(&inputs, &signatures, SESSION_LABEL), Err(SignatureError::NotThere));
        let twice = inputs.replacen("\"@method\";req", "\"@method\" \"@method\"", 1);
        assert_eq!(Signed::read(&twice, &signatures, SESSION_LABEL), Err(SignatureError::NotThere));
    }

    #[test]
    fn two_lines_of_a_field_are_refused() {
        let fields: [(&str, &[u8]); 2] = [("content-type", b"application/json"), ("content-type", b"text/plain")];
        let twice = RequestHead::new("POST", "https://portal.example/", fields);
        assert_eq!(twice, Err(SignatureError::Malformed("content-type")), "two readers may pick different ones");
        let broken: [(&str, &[u8]); 1] = [("upload-metadata", b"a\n\"@method\": GET")];
        assert!(RequestHead::new("POST", "https://portal.example/", broken).is_err(), "a value has one line");
        assert!(RequestHead::new("POST", "https://portal.example/ \n", []).is_err());
    }

    #[test]
    fn it_is_good_for_a_while_and_once() {
        let now = 1_800_000_010;
        let at = |created: i64, expires: i64| Parameters { created, expires, ..parameters() }.check_time(now);
        assert_eq!(at(now, now + 300), Ok(()));
        assert_eq!(at(now + 60, now + 61), Ok(()), "clocks differ a little");
        assert_eq!(at(now - 120, now), Err(SignatureError::NotNow), "expired");
        assert_eq!(at(now + 61, now + 70), Err(SignatureError::NotNow), "of the future");
        assert_eq!(at(now, now + 301), Err(SignatureError::Parameter("expires")), "too long");
        assert_eq!(at(now, now), Err(SignatureError::Parameter("expires")));
        assert_eq!(at(i64::MIN, i64::MAX), Err(SignatureError::Parameter("expires")));
        let unsigned = Unsigned::new(&request(), SESSION_LABEL, &Parameters { nonce: "short".into(), ..parameters() });
        let (inputs, signatures) = fields(&[(unsigned.unwrap(), vec![0; 64])]);
        let read = Signed::read(&inputs, &signatures, SESSION_LABEL).unwrap().unwrap();
        assert_eq!(read.parameters(), Err(SignatureError::Parameter("nonce")));
    }

    #[test]
    fn a_digest_is_read_beside_others() {
        let sha256 = [7; 32];
        assert_eq!(parse_content_digest(&content_digest(&sha256)), Some(sha256));
        assert_eq!(parse_content_digest(&format!("sha-512=:AAAA:, {}", content_digest(&sha256))), Some(sha256));
        for none in ["", "sha-256", "sha-256=:AAAA:", "sha-512=:AAAA:", "sha-256=AAAA", "=", "sha-256=(:AAAA:)"] {
            assert_eq!(parse_content_digest(none), None, "{none:?} tells no SHA-256");
        }
    }

    #[test]
    fn tags_name_act_and_business() {
        assert_eq!(act_tag(LegalAct::Submit, Business::Renew), "certdesk-submit-renew");
        assert_eq!(act_tag(LegalAct::Withdraw, Business::New), "certdesk-withdraw-new");
    }

    proptest! {
        #[test]
        fn hostile_fields_are_read_or_refused(inputs in ".{0,200}", signatures in ".{0,200}", digest in ".{0,100}") {
            if let Ok(Some(read)) = Signed::read(&inputs, &signatures, "session") {
                let _ = (read.parameters(), read.base(&request(), true));
            }
            let _ = parse_content_digest(&digest);
        }

        /// Close to what is right, where mistakes hide.
        #[test]
        fn no_change_of_a_byte_keeps_the_signature(at in any::<prop::sample::Index>(), to in 0x20u8..0x7f) {
            let key = SessionKey::generate();
            let unsigned = Unsigned::new(&request(), SESSION_LABEL, &parameters()).unwrap();
            let signature = key.sign(unsigned.base.as_bytes());
            let (inputs, signatures) = fields(&[(unsigned, signature)]);
            let (x, y) = key.jwk();
            let spki = spki_of_jwk(&x, &y).unwrap();
            let verifies = |inputs: &str, signatures: &str| {
                let Ok(Some(read)) = Signed::read(inputs, signatures, SESSION_LABEL) else { return false };
                let Ok(base) = read.base(&request(), true) else { return false };
                read.parameters().is_ok_and(|parameters| {
                    message_signature::verify(&spki, &parameters.alg, base.as_bytes(), &read.signature).is_ok()
                })
            };
            prop_assert!(verifies(&inputs, &signatures), "untouched it verifies");
            let mut whole = format!("{inputs}|{signatures}").into_bytes();
            let at = at.index(whole.len());
            prop_assume!(whole[at] != to && whole[at] != b'|' && to != b'|');
            whole[at] = to;
            let whole = String::from_utf8(whole).unwrap();
            let (changed_inputs, changed_signatures) = whole.split_once('|').unwrap();
            if verifies(changed_inputs, changed_signatures) {
                // Structured fields allow some freedom in writing; what was read must be what was signed.
                let read = Signed::read(changed_inputs, changed_signatures, SESSION_LABEL).unwrap().unwrap();
                prop_assert_eq!(Some(read), Signed::read(&inputs, &signatures, SESSION_LABEL).unwrap());
            }
        }
    }

    #[test]
    fn names_of_algorithms_are_those_of_the_registry() {
        assert_eq!(message_signature::name(SignatureScheme::RsaPkcs1Sha256), Some("rsa-v1_5-sha256"));
        assert_eq!(message_signature::name(SignatureScheme::EcdsaP256Sha256), Some("ecdsa-p256-sha256"));
        assert_eq!(message_signature::name(SignatureScheme::RsaPssSha256), None, "not registered: it is not used");
    }
}
