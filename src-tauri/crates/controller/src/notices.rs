//! 通知消息: from the service; where it is away, as last seen, with the reminders that this computer can tell itself from
//! the certificates and the catalogue it knows.
//!
//! What was told here, and what was read while the service was away, is kept beside the notices. A reminder is known by
//! its certificate and its day, whoever made it: told here, it is not told again when the service tells it.

use std::collections::BTreeSet;

use base64::{Engine, prelude::BASE64_STANDARD};
use certdesk_cache::notices_document;
use certdesk_contract::{
    certificate::{CertificateRecord, CertificateStatus},
    notice::{self, MOST, Notice, NoticeSubject, NoticesRead},
};
use certdesk_domain::{State, Timestamp};
use certdesk_pki::Certificate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Controller,
    changes::By,
    failure::{Failure, LocalCode},
    view::{Event, Locale, NoticesView},
};

/// What is kept of an account's notices.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    notices: Vec<Notice>,
    /// What the person was told of on this computer.
    told: BTreeSet<String>,
    /// What was read here and the service does not know yet.
    read: BTreeSet<String>,
}

impl Controller {
    /// All notices, newest first.
    pub async fn notices(&self) -> Result<NoticesView, Failure> {
        let account = self.account_name()?;
        let offline = match self.renew(By::Person).await {
            Ok(()) => false,
            Err(failure) if failure.is_away() => true,
            Err(failure) => return Err(failure),
        };
        self.look_at_notices(&account, offline).await
    }

    /// Notes that these were read: here at once, at the service as soon as it is there.
    pub async fn mark_notices_read(&self, ids: Vec<Uuid>) -> Result<NoticesView, Failure> {
        let account = self.account_name()?;
        let kept: Kept = self.kept(notices_document(&account)).await?.unwrap_or_default();
        let reminders = self.reminders(&account).await?;
        let meant = kept.notices.iter().chain(&reminders).filter(|notice| ids.contains(&notice.id));
        let read: Vec<_> = meant.map(key).collect();
        self.change_kept(&account, move |kept| kept.read.extend(read)).await?;
        self.notices().await
    }

    /// Title and text of a notice of the system, which anybody who passes may read: no names, no numbers.
    pub fn notification(&self, fresh: &[Notice]) -> Option<(&'static str, String)> {
        words(self.state().settings.locale, fresh)
    }

    /// The same of a queued act that was refused: a withdrawal, else a submission.
    pub fn refused_notification(&self, withdrawal: bool) -> (&'static str, String) {
        let (title, text) = match (self.state().settings.locale, withdrawal) {
            (Locale::ZhCn, false) => (TITLE_ZH, "您的一件申办没有提交成功，请打开程序查看原因。"),
            (Locale::ZhCn, true) => (TITLE_ZH, "您的一件申办没有撤回成功，请打开程序查看原因。"),
            (Locale::En, false) => {
                (TITLE_EN, "One of your applications was not submitted. Open the program to see why.")
            }
            (Locale::En, true) => {
                (TITLE_EN, "One of your applications was not withdrawn. Open the program to see why.")
            }
        };
        (title, text.to_owned())
    }

    /// All notices as last seen: does not wait for the network.
    pub(crate) async fn known_notices(&self, account: &str) -> Result<Vec<Notice>, Failure> {
        let kept: Kept = self.kept(notices_document(account)).await?.unwrap_or_default();
        Ok(kept.notices)
    }

    /// Notices as they are known here. Tells those that are new, and the service what was read here meanwhile.
    pub(crate) async fn look_at_notices(&self, account: &str, offline: bool) -> Result<NoticesView, Failure> {
        let _one_at_a_time = self.inner.notices.lock().await;
        if !offline {
            self.tell_read(account).await?;
        }
        let kept: Kept = self.kept(notices_document(account)).await?.unwrap_or_default();
        let mut notices = kept.notices;
        if offline {
            let settled = self.settled(account).await?;
            notices.retain(
                |notice| !matches!(&notice.subject, NoticeSubject::Expiry { serial, .. } if settled.contains(serial)),
            );
            let known: BTreeSet<_> = notices.iter().map(key).collect();
            notices.extend(self.reminders(account).await?.into_iter().filter(|made| !known.contains(&key(made))));
            notices.sort_by_key(|notice| std::cmp::Reverse((notice.at, notice.id)));
        }
        for notice in &mut notices {
            notice.read |= kept.read.contains(&key(notice));
        }
        let mut told = kept.told;
        let fresh: Vec<_> = notices.iter().filter(|notice| !notice.read && told.insert(key(notice))).cloned().collect();
        told.retain(|told| told.starts_with(EXPIRY) || notices.iter().any(|notice| key(notice) == *told));
        if self.account_name()? != account {
            return Err(LocalCode::SessionEnded.into());
        }
        self.change_kept(account, move |kept| kept.told = told).await?;
        notices.truncate(MOST);
        let unread = u32::try_from(notices.iter().filter(|notice| !notice.read).count()).unwrap_or(u32::MAX);
        let changed = std::mem::replace(&mut self.state().unread_notices, unread) != unread;
        if changed || !fresh.is_empty() {
            self.emit(Event::Notices { unread, fresh });
        }
        Ok(NoticesView { notices, unread, offline })
    }

    /// Tells the service what was read here.
    async fn tell_read(&self, account: &str) -> Result<(), Failure> {
        let kept: Kept = self.kept(notices_document(account)).await?.unwrap_or_default();
        let waits = |notice: &&Notice| !notice.read && kept.read.contains(&key(notice));
        let ids: Vec<_> = kept.notices.iter().filter(waits).take(MOST).map(|notice| notice.id).collect();
        if !ids.is_empty() {
            let told = self.portal()?.mark_notices_read(&NoticesRead { ids: ids.clone() }).await;
            self.noted(told)?;
        }
        self.inner.renewal.note_answer();
        self.change_kept(account, move |kept| {
            let told = kept.notices.iter_mut().filter(|notice| ids.contains(&notice.id));
            told.for_each(|notice| notice.read = true);
            let of = |read: bool| kept.notices.iter().filter(move |notice| notice.read == read).map(key);
            let (known, waiting): (BTreeSet<_>, BTreeSet<_>) = (of(true).collect(), of(false).collect());
            // A reminder that the service makes a little later than this computer's clock does stays read.
            kept.read.retain(|read| waiting.contains(read) || read.starts_with(EXPIRY) && !known.contains(read));
        })
        .await
    }

    /// Changes what is kept of notices, as it is at that moment: a page of changes may have come between.
    async fn change_kept(&self, account: &str, change: impl FnOnce(&mut Kept) + Send + 'static) -> Result<(), Failure> {
        let name = notices_document(account);
        self.with_cache(move |cache| {
            cache.update_document(&name, |json| {
                let before: Kept = serde_json::from_value(json.clone()).unwrap_or_default();
                let mut kept = before.clone();
                change(&mut kept);
                if kept != before {
                    *json = serde_json::to_value(kept).unwrap_or_default();
                }
            })
        })
        .await
    }

    /// Reminders that are due by the service's time, from what is known here.
    async fn reminders(&self, account: &str) -> Result<Vec<Notice>, Failure> {
        let days = self.kept_catalogue().await?.map(|catalogue| catalogue.reminder_days).unwrap_or_default();
        let records = self.kept_records(account).await?;
        let now = self.service_now();
        records.iter().filter_map(|record| reminder(record, &days, now).transpose()).collect()
    }

    /// Certificates that remind nobody any more: serial numbers.
    async fn settled(&self, account: &str) -> Result<BTreeSet<String>, Failure> {
        let records = self.kept_records(account).await?;
        Ok(records.into_iter().filter(is_settled).map(|record| record.serial).collect())
    }
}

const TITLE_ZH: &str = "证办通";
const TITLE_EN: &str = "Certdesk";
const EXPIRY: &str = "expiry ";

/// What a notice is known by.
fn key(notice: &Notice) -> String {
    match &notice.subject {
        NoticeSubject::Expiry { serial, days, .. } => format!("{EXPIRY}{serial} {days}"),
        _ => notice.id.to_string(),
    }
}

fn is_settled(record: &CertificateRecord) -> bool {
    record.status == CertificateStatus::Revoked || record.revocation.is_some() || record.successor.is_some()
}

/// The reminder that is due about a certificate.
fn reminder(record: &CertificateRecord, days: &[u16], now: Timestamp) -> Result<Option<Notice>, Failure> {
    let in_force = matches!(record.status, CertificateStatus::Active | CertificateStatus::Expired);
    if !in_force || is_settled(record) {
        return Ok(None);
    }
    let Some(days) = notice::due(record.not_after, days, now) else { return Ok(None) };
    let der = BASE64_STANDARD.decode(&record.certificate_b64).unwrap_or_default();
    // One odd row must not hide the others.
    let Ok(certificate) = Certificate::parse(&der) else { return Ok(None) };
    let subject = NoticeSubject::Expiry {
        serial: record.serial.clone(),
        subject: certificate.holder,
        not_after: record.not_after,
        days,
    };
    let at = record.not_after - time::Duration::days(i64::from(days));
    let mut notice = Notice { id: Uuid::nil(), at, read: false, subject };
    notice.id = crate::convert::named_uuid(&key(&notice))?;
    Ok(Some(notice))
}

fn words(locale: Locale, fresh: &[Notice]) -> Option<(&'static str, String)> {
    let pick = |zh: &str, en: &str| match locale {
        Locale::ZhCn => zh.to_owned(),
        Locale::En => en.to_owned(),
    };
    let title = match locale {
        Locale::ZhCn => TITLE_ZH,
        Locale::En => TITLE_EN,
    };
    let text = match fresh {
        [] => return None,
        [one] => match &one.subject {
            NoticeSubject::Application { state: State::NeedsCorrection, .. } => {
                pick("您的一件申办被退回，需要补正。", "One of your applications was returned for correction.")
            }
            NoticeSubject::Application { state: State::AwaitingIssuance, .. } => pick(
                "您的一件申办已通过审核，请制作证书。",
                "One of your applications was approved: the certificate can be made.",
            ),
            NoticeSubject::Application { .. } => {
                pick("您的一件申办有新进展。", "One of your applications has moved on.")
            }
            NoticeSubject::Expiry { days: 0, .. } => {
                pick("您的一张证书已到期。", "One of your certificates has expired.")
            }
            NoticeSubject::Expiry { days, .. } => match locale {
                Locale::ZhCn => format!("您的一张证书将在 {days} 天内到期，请及时续订。"),
                Locale::En if *days == 1 => "One of your certificates ends within a day. Renew it in time.".to_owned(),
                Locale::En => format!("One of your certificates ends within {days} days. Renew it in time."),
            },
            NoticeSubject::Revoked { .. } => pick("您的一张证书已注销。", "One of your certificates was revoked."),
        },
        many => match locale {
            Locale::ZhCn => format!("您有 {} 条新通知。", many.len()),
            Locale::En => format!("You have {} new notices.", many.len()),
        },
    };
    Some((title, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn application(state: State) -> Notice {
        Notice {
            id: Uuid::now_v7(),
            at: Timestamp::UNIX_EPOCH,
            read: false,
            subject: NoticeSubject::Application {
                application: Uuid::now_v7(),
                number: Some("CD20261122000017".into()),
                business: certdesk_domain::Business::New,
                state,
            },
        }
    }

    fn expiry(days: u16) -> Notice {
        let subject = NoticeSubject::Expiry {
            serial: "5f01".into(),
            subject: "福州云帆测试科技有限公司".into(),
            not_after: Timestamp::UNIX_EPOCH,
            days,
        };
        Notice { subject, ..application(State::Approved) }
    }

    #[test]
    fn a_notice_of_the_system_names_nobody() {
        let all =
            [application(State::NeedsCorrection), application(State::Completed), expiry(30), expiry(1), expiry(0)];
        for locale in [Locale::ZhCn, Locale::En] {
            assert_eq!(words(locale, &[]), None, "nothing new is not told");
            let texts = all.iter().map(|notice| words(locale, std::slice::from_ref(notice)));
            for (title, text) in texts.chain([words(locale, &all)]).flatten() {
                for private in ["云帆", "CD2026", "5f01"] {
                    assert!(!text.contains(private), "{private} is nothing for who passes: {title} {text}");
                }
            }
        }
        let (_, text) = words(Locale::ZhCn, &[expiry(30)]).expect("it is told");
        assert_eq!(text, "您的一张证书将在 30 天内到期，请及时续订。");
    }
}
