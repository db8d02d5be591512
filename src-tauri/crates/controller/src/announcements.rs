//! 注销公告, and whether one certificate is revoked (design §5.12).
//!
//! The answer comes from the authority's revocation list, checked here, not from a word of the service; with a list that
//! still speaks it works offline. Whatever is not certain is unknown, never good.

use std::path::PathBuf;

use base64::{Engine, prelude::BASE64_STANDARD};
use certdesk_cache::{CacheError, CrlRecord, CrlWriter};
use certdesk_contract::announcement::{AnnouncementPage, AnnouncementQuery};
use certdesk_domain::{RevocationReason, Timestamp};
use certdesk_pki::{
    Certificate, chain,
    crl::{self, Crl, CrlError},
};
use certdesk_portal::{Fetched, PortalError};
use serde::Serialize;
use tokio::io::AsyncReadExt as _;
use ts_rs::TS;

use crate::{
    Controller,
    convert::unreadable,
    failure::{Failure, LocalCode},
    picker::OpenQuestion,
    view::Locale,
};

/// Certificates have a few KiB; in PEM with text around it a little more.
const MOST_BYTES: u64 = 128 * 1024;

/// The first page as last seen.
const ANNOUNCEMENTS: &str = "announcements";

/// A list from further in the future than clocks differ is not believed.
const CLOCK_TOLERANCE: time::Duration = time::Duration::minutes(5);

/// What is known of one certificate.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct RevocationAnswer {
    /// Which one.
    pub certificate: CheckedCertificate,
    /// How it stands.
    pub status: RevocationStatus,
}

/// The certificate that was asked about.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub struct CheckedCertificate {
    /// Holder: common name.
    pub holder: String,
    /// Issuer: common name.
    pub issuer: String,
    /// Serial number, lower-case hex.
    pub serial: String,
    /// First instant.
    #[serde(with = "time::serde::rfc3339")]
    #[ts(type = "string")]
    pub not_before: Timestamp,
    /// Last instant.
    #[serde(with = "time::serde::rfc3339")]
    #[ts(type = "string")]
    pub not_after: Timestamp,
}

/// Revoked or not, as far as it is certain.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum RevocationStatus {
    /// 已注销
    Revoked {
        /// When.
        #[serde(with = "time::serde::rfc3339")]
        #[ts(type = "string")]
        at: Timestamp,
        /// Why.
        reason: RevocationReason,
        /// The list that says so.
        #[ts(type = "number")]
        crl_number: u64,
    },
    /// Not on the list that speaks now. Says nothing of its validity.
    Good {
        /// When the list was made.
        #[serde(with = "time::serde::rfc3339")]
        #[ts(type = "string")]
        as_of: Timestamp,
        /// Its number.
        #[ts(type = "number")]
        crl_number: u64,
    },
    /// Not certain.
    Unknown {
        /// Why not.
        why: UnknownWhy,
    },
}

/// Why it is not known whether a certificate is revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum UnknownWhy {
    /// The service cannot be asked, and no list is here.
    Offline,
    /// The list that is here is too old to speak.
    Stale,
    /// Another authority issued the certificate.
    OtherIssuer,
    /// The service's list does not verify, or is not understood.
    BadList,
    /// The service's list is older than one that was seen before.
    RolledBack,
    /// This computer's clock is behind the list.
    Clock,
}

impl Controller {
    /// One page of what is announced, newest first.
    pub async fn announcements(&self, query: AnnouncementQuery) -> Result<AnnouncementPage, Failure> {
        let answer = self.portal()?.announcements(&query).await;
        if query != AnnouncementQuery::default() {
            return self.noted(answer);
        }
        self.or_as_last_seen(ANNOUNCEMENTS.to_owned(), answer, Err).await
    }

    /// Asks for a certificate file and says whether it is revoked. `None`: cancelled.
    pub async fn check_revocation_of_file(&self) -> Result<Option<RevocationAnswer>, Failure> {
        let (title, filter) = match self.state().settings.locale {
            Locale::ZhCn => ("选择证书文件", "证书文件"),
            Locale::En => ("Choose a certificate file", "Certificates"),
        };
        let endings = ["cer", "crt", "pem", "der"].map(str::to_owned).to_vec();
        let question = OpenQuestion { title: title.to_owned(), filter: (filter.to_owned(), endings), many: false };
        let chosen = self.inner.options.picker.open(question).await?.and_then(|paths| paths.into_iter().next());
        match chosen {
            Some(path) => self.check_revocation_at(path).await.map(Some),
            None => Ok(None),
        }
    }

    /// Says whether the certificate in a file, PEM or DER, is revoked.
    ///
    /// # Errors
    /// `file_gone`, `file_unreadable`, `not_a_certificate`.
    pub async fn check_revocation_at(&self, path: PathBuf) -> Result<RevocationAnswer, Failure> {
        let file = tokio::fs::File::open(path).await.map_err(|error| unreadable(&error))?;
        let mut bytes = Vec::new();
        file.take(MOST_BYTES).read_to_end(&mut bytes).await.map_err(|error| unreadable(&error))?;
        self.revocation_of(der(bytes).ok_or(LocalCode::NotACertificate)?).await
    }

    /// Says whether the certificate on a plugged-in key is revoked: the one with its private key, of several the newest.
    pub async fn check_revocation_of_key(&self, key: String) -> Result<RevocationAnswer, Failure> {
        let token = self.inner.keys.tokens().into_iter().find(|token| token.id == key).ok_or(LocalCode::KeyRemoved)?;
        let newest = token
            .certificates
            .into_iter()
            .filter_map(|held| Some((held.has_private_key, Certificate::parse(&held.der).ok()?)))
            .max_by_key(|(with_key, certificate)| (*with_key, certificate.not_before));
        let (_, certificate) = newest.ok_or(LocalCode::NoCertificateOnKey)?;
        self.revocation_of(certificate.der).await
    }

    async fn revocation_of(&self, der: Vec<u8>) -> Result<RevocationAnswer, Failure> {
        let certificate = Certificate::parse(&der).map_err(|_| LocalCode::NotACertificate)?;
        let trouble = self.renew_list().await?.err();
        let serial = crl::serial_bytes(&certificate.serial).unwrap_or_default();
        let (record, found) = self.with_cache(move |cache| Ok((cache.crl()?, cache.revocation(&serial)?))).await?;
        let now = Timestamp::now_utc();
        let status = match (record, found) {
            (None, _) => RevocationStatus::Unknown { why: trouble.unwrap_or(UnknownWhy::Offline) },
            (Some(record), _) if !chain::is_issued_by(&der, &record.issuer_der) => {
                RevocationStatus::Unknown { why: UnknownWhy::OtherIssuer }
            }
            // For good, so also by an old list; only what is on hold may come back.
            (Some(record), Some(found))
                if found.reason != RevocationReason::CertificateHold || fresh(&record, now).is_ok() =>
            {
                let (at, reason) = (found.at, found.reason);
                RevocationStatus::Revoked { at, reason, crl_number: record.number }
            }
            (Some(record), _) => match (trouble, fresh(&record, now)) {
                (None | Some(UnknownWhy::Offline), Ok(())) => {
                    RevocationStatus::Good { as_of: record.this_update, crl_number: record.number }
                }
                (Some(why @ (UnknownWhy::BadList | UnknownWhy::RolledBack)), _) | (_, Err(why)) | (Some(why), _) => {
                    RevocationStatus::Unknown { why }
                }
            },
        };
        let Certificate { holder, issuer, serial, not_before, not_after, .. } = certificate;
        Ok(RevocationAnswer {
            certificate: CheckedCertificate { holder, issuer, serial, not_before, not_after },
            status,
        })
    }

    /// Asks the service whether there is a newer list, and keeps it where it holds. Inside: why there is none.
    async fn renew_list(&self) -> Result<Result<(), UnknownWhy>, Failure> {
        let Ok(portal) = self.portal() else { return Ok(Err(UnknownWhy::Offline)) };
        let issuer = portal.ca_certificate().await;
        let Ok(issuer_der) = self.noted(issuer) else { return Ok(Err(UnknownWhy::Offline)) };
        let kept = self.with_cache(|cache| cache.crl()).await?.filter(|kept| kept.issuer_der == issuer_der);
        let answer = portal.crl(kept.and_then(|kept| kept.etag).as_deref()).await;
        // What was the trouble is asked before it is put into words.
        let trouble = answer.as_ref().err().map_or(UnknownWhy::Offline, trouble_of);
        match self.noted(answer) {
            Err(_) => Ok(Err(trouble)),
            Ok(Fetched::NotModified) => Ok(Ok(())),
            Ok(Fetched::New { value, etag }) => {
                self.with_cache(move |cache| match keep_list(cache, &value, issuer_der, etag) {
                    Ok(true) => Ok(Ok(())),
                    Ok(false) => Ok(Err(UnknownWhy::RolledBack)),
                    Err(Unkept::List(error)) => {
                        tracing::warn!(%error, "the service's revocation list is not used");
                        Ok(Err(UnknownWhy::BadList))
                    }
                    Err(Unkept::Cache(error)) => Err(error),
                })
                .await
            }
        }
    }
}

/// What it means for the list that it could not be had: an answer that is no list, or larger than any that is looked at,
/// is not a service that cannot be reached.
fn trouble_of(error: &PortalError) -> UnknownWhy {
    match error {
        PortalError::Garbled(_) => UnknownWhy::BadList,
        _ => UnknownWhy::Offline,
    }
}

/// Why a list was not kept.
#[derive(Debug, thiserror::Error)]
pub enum Unkept {
    /// It does not hold.
    #[error(transparent)]
    List(#[from] CrlError),
    /// It could not be written.
    #[error(transparent)]
    Cache(#[from] CacheError),
}

/// Checks a list and puts it in the place of the one before. `false`: that one has a higher number.
///
/// # Errors
/// [`Unkept`]; then the one before is still there.
pub fn keep_list(
    cache: &certdesk_cache::Cache,
    list: &[u8],
    issuer_der: Vec<u8>,
    etag: Option<String>,
) -> Result<bool, Unkept> {
    let list = Crl::verify(list, &issuer_der)?;
    let record = CrlRecord {
        number: list.number,
        this_update: list.this_update,
        next_update: list.next_update,
        issuer_der,
        etag,
    };
    cache.replace_crl(&record, |writer: &mut CrlWriter<'_>| {
        Ok(list.scan_sorted(|entry| writer.add(entry.serial, entry.revoked_at, entry.reason))?)
    })
}

/// Whether a list speaks at this time.
fn fresh(record: &CrlRecord, now: Timestamp) -> Result<(), UnknownWhy> {
    if now > record.next_update {
        return Err(UnknownWhy::Stale);
    }
    if record.this_update > now + CLOCK_TOLERANCE { Err(UnknownWhy::Clock) } else { Ok(()) }
}

/// The certificate in a file: DER as it is, or the first of a PEM text (RFC 7468).
fn der(bytes: Vec<u8>) -> Option<Vec<u8>> {
    if bytes.first() == Some(&0x30) {
        return Some(bytes);
    }
    let text = String::from_utf8(bytes).ok()?;
    let (_, rest) = text.split_once("-----BEGIN CERTIFICATE-----")?;
    let (body, _) = rest.split_once("-----END CERTIFICATE-----")?;
    BASE64_STANDARD.decode(body.split_ascii_whitespace().collect::<String>()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(this_update: Timestamp) -> CrlRecord {
        let next_update = this_update + time::Duration::days(1);
        CrlRecord { issuer_der: Vec::new(), number: 1, this_update, next_update, etag: None }
    }

    #[test]
    fn a_list_speaks_in_its_time_only() {
        let now = Timestamp::UNIX_EPOCH + time::Duration::days(20_000);
        assert_eq!(fresh(&record(now - time::Duration::hours(3)), now), Ok(()));
        assert_eq!(fresh(&record(now - time::Duration::hours(25)), now), Err(UnknownWhy::Stale), "its time is over");
        assert_eq!(fresh(&record(now + time::Duration::hours(1)), now), Err(UnknownWhy::Clock), "its time is to come");
    }

    #[test]
    fn a_list_that_cannot_be_used_is_not_called_offline() {
        let too_large = PortalError::Garbled("the revocation list is too large".into());
        assert_eq!(trouble_of(&too_large), UnknownWhy::BadList, "the service answered, but not with a usable list");
        assert_eq!(trouble_of(&PortalError::Unreachable("refused".into())), UnknownWhy::Offline);
    }

    #[test]
    fn both_kinds_of_file_are_read() {
        let pem = "Bag Attributes\n-----BEGIN CERTIFICATE-----\r\nMAMC\r\nAQE=\r\n-----END CERTIFICATE-----\n";
        assert_eq!(der(pem.into()), Some(vec![0x30, 3, 2, 1, 1]));
        assert_eq!(der(vec![0x30, 0]), Some(vec![0x30, 0]));
        assert_eq!(der(b"-----BEGIN CERTIFICATE-----\nMAMC".to_vec()), None, "cut off");
        assert_eq!(der(vec![0xFF, 0xD8, 0xFF]), None, "a picture");
    }
}
