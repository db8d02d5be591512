//! One box for everything: my applications, drafts, certificates and notices, out of what is known here. Waits for no
//! network. What was announced is the service's to look up ([`Controller::announcements`]); the page shows both.
//!
//! Applications can be many and are looked up in an index. Of the others there are few (notices at most
//! [`certdesk_contract::notice::MOST`]): they are read through, by the same rule.

use certdesk_cache::search::{Field, Match, Search, Words};
use certdesk_contract::{
    application::Application,
    notice::{Notice, NoticeSubject},
};
use certdesk_domain::State;

use crate::{
    Controller,
    failure::Failure,
    view::{ApplicationHit, ApplicationRow, CertificateHit, CertificateView, DraftHit, NoticeHit, SearchView},
};

/// So many of each kind are shown.
const MOST: usize = 5;

/// Longest excerpt of a reviewer's words, characters, and how many of them before what was found.
const EXCERPT: usize = 48;
const BEFORE: usize = 12;

impl Controller {
    /// Everything known here that fits all words of a question.
    pub async fn search(&self, question: String) -> Result<SearchView, Failure> {
        let mut view = SearchView::default();
        let Some(search) = Search::of(&question) else { return Ok(view) };
        if let Ok(account) = self.account_name() {
            let (owner, asked) = (account.clone(), search.clone());
            let (found, drafts) = self
                .with_cache(move |cache| Ok((cache.find_applications(&owner, &asked, MOST)?, cache.drafts(&owner)?)))
                .await?;
            view.more_applications = found.more;
            let hit = |(case, matches): (Application, Vec<Match>)| ApplicationHit {
                said: said(&matches),
                pieces: pieces(&matches),
                application: ApplicationRow::of(&case),
            };
            view.applications = found.applications.into_iter().map(hit).collect();
            let summaries = self.draft_summaries(account.clone()).await?;
            // A case that is being corrected is found as the application it is.
            for draft in drafts.iter().filter(|draft| draft.state == State::Draft) {
                let Some(matches) = search.matches(&Words::of_draft(draft)) else { continue };
                let summary = summaries.iter().find(|summary| summary.id == draft.id).cloned();
                view.drafts.extend(summary.map(|draft| DraftHit {
                    draft,
                    pieces: pieces(&matches),
                    said: said(&matches),
                }));
            }
            for notice in self.known_notices(&account).await? {
                if let Some(matches) = search.matches(&words_of_notice(&notice)) {
                    view.notices.push(NoticeHit { notice, pieces: pieces(&matches) });
                }
            }
        }
        for certificate in self.known_certificates().await? {
            if let Some(matches) = search.matches(&words_of_certificate(&certificate)) {
                let CertificateView { fingerprint, holder, serial, not_after, status, .. } = certificate;
                let pieces = pieces(&matches);
                view.certificates.push(CertificateHit { fingerprint, holder, serial, not_after, status, pieces });
            }
        }
        view.drafts.truncate(MOST);
        view.more_notices = view.notices.len() > MOST;
        view.notices.truncate(MOST);
        view.more_certificates = view.certificates.len() > MOST;
        view.certificates.truncate(MOST);
        Ok(view)
    }
}

fn words_of_notice(notice: &Notice) -> Words {
    let words = Words::default().with_day(notice.at);
    match &notice.subject {
        NoticeSubject::Application { number, business, state, .. } => {
            words.with(Field::Number, number.as_deref().unwrap_or_default()).with_business(*business).with_state(*state)
        }
        NoticeSubject::Expiry { serial, subject, not_after, .. } => {
            words.with(Field::Holder, subject).with(Field::Serial, serial).with_day(*not_after)
        }
        NoticeSubject::Revoked { serial, subject } => words.with(Field::Holder, subject).with(Field::Serial, serial),
    }
}

fn words_of_certificate(certificate: &CertificateView) -> Words {
    Words::default()
        .with(Field::Holder, &certificate.holder)
        .with(Field::Issuer, &certificate.issuer)
        .with(Field::Serial, &certificate.serial)
        .with_day(certificate.not_before)
        .with_day(certificate.not_after)
}

/// What the page marks, as it is written there.
fn pieces(matches: &[Match]) -> Vec<String> {
    let mut pieces: Vec<_> = matches.iter().map(|found| found.piece.clone()).collect();
    pieces.sort();
    pieces.dedup();
    pieces
}

/// Where the words were found, where the row itself does not show that.
fn said(matches: &[Match]) -> Option<String> {
    let found = matches.iter().find(|found| matches!(found.field, Field::Handler | Field::Remark))?;
    let at = found.text.find(&found.piece).map_or(0, |at| found.text[..at].chars().count());
    let from = at.saturating_sub(BEFORE);
    let excerpt: String = found.text.chars().skip(from).take(EXCERPT).collect();
    let (before, after) = (from > 0, found.text.chars().count() > from + EXCERPT);
    Some(format!("{}{excerpt}{}", if before { "…" } else { "" }, if after { "…" } else { "" }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reviewers_words_are_shown_around_what_was_found() {
        let text = "营业执照上的单位名称与注册信息不一致，且已被登记机关注销。".repeat(4);
        let found = |piece: &str| Match { field: Field::Remark, text: text.clone(), piece: piece.into() };
        let excerpt = said(&[found("登记机关")]).expect("it is shown");
        assert!(excerpt.starts_with("…") && excerpt.ends_with("…") && excerpt.contains("登记机关"), "{excerpt}");
        let begin = said(&[found("营业执照")]).expect("it is shown");
        assert!(begin.starts_with("营业执照"), "{begin}");
        let holder = Match { field: Field::Holder, text: "王䶮".into(), piece: "王".into() };
        assert_eq!(said(&[holder]), None, "the row shows the holder itself");
    }
}
