//! The end of a certificate for a calendar program (iCalendar, RFC 5545), and the certificate itself as a file.

use std::fmt::Write as _;

use certdesk_domain::Timestamp;
use time::{UtcOffset, macros::format_description};

use crate::{
    Controller,
    failure::{Failure, LocalCode},
    picker::SaveQuestion,
    view::{CertificateEncoding, CertificateView, Locale},
};

/// Octets of a line before it is folded (RFC 5545 §3.1).
const LINE: usize = 75;

impl Controller {
    /// Saves the end of a certificate as a calendar file by the native dialog; on the service's reminder days the calendar
    /// reminds too. `None`: cancelled. Else the file's name.
    pub async fn save_calendar(&self, fingerprint: String) -> Result<Option<String>, Failure> {
        let certificate = self.shown_certificate(&fingerprint).await?;
        let days = self.catalogue().await.map(|catalogue| catalogue.reminder_days).unwrap_or_default();
        let locale = self.state().settings.locale;
        let text = calendar(&certificate, &days, locale, Timestamp::now_utc());
        let (title, file_name) = match locale {
            Locale::ZhCn => ("保存到期日历文件", "证书到期提醒.ics"),
            Locale::En => ("Save the calendar file", "certificate-end.ics"),
        };
        let question = SaveQuestion { title: title.to_owned(), file_name: file_name.to_owned() };
        self.save_file(question, text.into_bytes()).await
    }

    /// Saves a certificate by the native dialog. `None`: cancelled. Else the file's name.
    pub async fn save_certificate(
        &self,
        fingerprint: String,
        encoding: CertificateEncoding,
    ) -> Result<Option<String>, Failure> {
        let certificate = self.shown_certificate(&fingerprint).await?;
        let (title, name) = match self.state().settings.locale {
            Locale::ZhCn => ("保存证书", "证书"),
            Locale::En => ("Save the certificate", "certificate"),
        };
        let (ending, bytes) = match encoding {
            CertificateEncoding::Pem => ("pem", certificate.pem.into_bytes()),
            // The ending that Windows opens it by.
            CertificateEncoding::Der => ("cer", certdesk_pki::Certificate::der_of_pem(&certificate.pem)?),
        };
        let file_name = format!("{name}-{}.{ending}", certificate.serial);
        self.save_file(SaveQuestion { title: title.to_owned(), file_name }, bytes).await
    }

    async fn shown_certificate(&self, fingerprint: &str) -> Result<CertificateView, Failure> {
        let certificates = self.certificates().await?;
        let found = certificates.into_iter().find(|certificate| certificate.fingerprint == fingerprint);
        Ok(found.ok_or(LocalCode::Gone)?)
    }
}

/// One event at the end of a certificate. Its UID is the certificate's, so a calendar that has it already renews it.
fn calendar(certificate: &CertificateView, reminder_days: &[u16], locale: Locale, now: Timestamp) -> String {
    let (summary, description) = match locale {
        Locale::ZhCn => (
            format!("数字证书到期：{}", certificate.holder),
            format!("证书序列号：{}\n颁发者：{}\n请在到期前用证办通续订。", certificate.serial, certificate.issuer),
        ),
        Locale::En => (
            format!("Digital certificate ends: {}", certificate.holder),
            format!(
                "Serial number: {}\nIssuer: {}\nRenew it with Certdesk before it ends.",
                certificate.serial, certificate.issuer
            ),
        ),
    };
    let mut out = String::new();
    let mut line = |text: &str| fold(&mut out, text);
    line("BEGIN:VCALENDAR");
    line("VERSION:2.0");
    line(concat!("PRODID:-//Certdesk//Certdesk ", env!("CARGO_PKG_VERSION"), "//EN"));
    line("BEGIN:VEVENT");
    line(&format!("UID:{}@certdesk", certificate.fingerprint));
    line(&format!("DTSTAMP:{}", utc(now)));
    line(&format!("DTSTART:{}", utc(certificate.not_after)));
    line(&format!("SUMMARY:{}", escaped(&summary)));
    line(&format!("DESCRIPTION:{}", escaped(&description)));
    line("TRANSP:TRANSPARENT");
    for days in reminder_days {
        line("BEGIN:VALARM");
        line("ACTION:DISPLAY");
        line(&format!("TRIGGER:-P{days}D"));
        line(&format!("DESCRIPTION:{}", escaped(&summary)));
        line("END:VALARM");
    }
    line("END:VEVENT");
    line("END:VCALENDAR");
    out
}

/// A date with UTC time (RFC 5545 §3.3.5, form 2).
fn utc(at: Timestamp) -> String {
    let format = format_description!("[year][month][day]T[hour][minute][second]Z");
    at.to_offset(UtcOffset::UTC).format(format).unwrap_or_default()
}

/// A TEXT value (RFC 5545 §3.3.11).
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | ';' | ',' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

/// One content line, folded between characters.
fn fold(out: &mut String, text: &str) {
    let mut room = LINE;
    for c in text.chars() {
        if c.len_utf8() > room {
            let _ = write!(out, "\r\n ");
            room = LINE - 1;
        }
        out.push(c);
        room -= c.len_utf8();
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(holder: &str) -> CertificateView {
        CertificateView {
            fingerprint: "ab".repeat(32),
            holder: holder.into(),
            issuer: "Certdesk Demo Issuing CA (not licensed)".into(),
            serial: "5f01".into(),
            not_before: Timestamp::UNIX_EPOCH,
            not_after: time::macros::datetime!(2027-11-23 10:20:30 UTC),
            days_left: 365,
            key_algorithm: "ECDSA P-256".into(),
            usages: Vec::new(),
            status: None,
            renewal: None,
            businesses: Vec::new(),
            successor: None,
            revocation: None,
            on_keys: Vec::new(),
            has_private_key: false,
            details: Vec::new(),
            pem: String::new(),
        }
    }

    #[test]
    fn lines_end_and_fold_as_the_standard_has_it_and_nothing_is_lost() {
        let holder = "福州云帆测试科技有限公司；分公司,一;\\王䶮".repeat(4);
        let now = time::macros::datetime!(2026-11-23 00:00:00 UTC);
        let text = calendar(&certificate(&holder), &[30, 1], Locale::ZhCn, now);
        assert!(text.ends_with("END:VCALENDAR\r\n") && !text.replace("\r\n", "").contains(['\r', '\n']));
        for line in text.split("\r\n") {
            assert!(line.len() <= LINE, "{} octets are too many: {line}", line.len());
        }
        let unfolded = text.replace("\r\n ", "");
        let summary =
            unfolded.split("\r\n").find_map(|line| line.strip_prefix("SUMMARY:")).expect("there is a summary");
        let plain = summary.replace("\\,", ",").replace("\\;", ";").replace("\\\\", "\\");
        assert_eq!(plain, format!("数字证书到期：{holder}"));
        for expected in ["DTSTART:20271123T102030Z", "TRIGGER:-P30D", "TRIGGER:-P1D"] {
            assert!(unfolded.split("\r\n").any(|line| line == expected), "{expected} is in {unfolded}");
        }
        let later = calendar(&certificate(&holder), &[30, 1], Locale::En, now + time::Duration::days(9));
        let uid = |text: &str| text.split("\r\n").find(|line| line.starts_with("UID:")).map(str::to_owned);
        assert_eq!(uid(&unfolded), uid(&later.replace("\r\n ", "")), "saved again it is the same event");
    }
}
