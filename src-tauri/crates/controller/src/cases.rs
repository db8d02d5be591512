//! 我的申办 and 我的证书: what the service and the plugged-in keys say, shown together, readable offline.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use certdesk_cache::{Cache, CacheError, Draft};
use certdesk_contract::{
    application::Application,
    certificate::{CertificateRecord, CertificateStatus},
};
use certdesk_domain::{Act, State, Timestamp};
use certdesk_pki::Certificate;
use uuid::Uuid;

use crate::{
    Controller,
    failure::{Failure, LocalCode},
    view::{ApplicationView, CertificateView, Event, SessionView},
};

impl Controller {
    /// My applications, newest first. When the service is away: as last seen.
    pub async fn applications(&self) -> Result<Vec<ApplicationView>, Failure> {
        let account = self.account_name()?;
        let answer = self.portal()?.applications().await;
        let applications = match self.noted(answer) {
            Ok(applications) => {
                let kept = applications.clone();
                self.with_cache(move |cache| {
                    cache.replace_applications(&account, &kept)?;
                    kept.iter().try_for_each(|application| close_draft(cache, application))
                })
                .await?;
                applications
            }
            Err(failure) if failure.is(LocalCode::ServiceUnreachable) => {
                self.with_cache(move |cache| cache.applications(&account)).await?
            }
            Err(failure) => return Err(failure),
        };
        let mut views = Vec::with_capacity(applications.len());
        for application in applications {
            // A case that was never handed in is a draft and shown as one.
            if application.state != State::Draft {
                views.push(self.application_view(application).await?);
            }
        }
        Ok(views)
    }

    /// One of my applications.
    pub async fn application(&self, id: Uuid) -> Result<ApplicationView, Failure> {
        let answer = self.portal()?.application(id).await;
        let application = match self.noted(answer) {
            Ok(application) => {
                self.keep_application(application.clone()).await?;
                application
            }
            Err(failure) if failure.is(LocalCode::ServiceUnreachable) => self.seen_application(id).await?,
            Err(failure) => return Err(failure),
        };
        self.application_view(application).await
    }

    /// The certificates on the keys and at the service, each once; those still good first, then by their end.
    pub async fn certificates(&self) -> Result<Vec<CertificateView>, Failure> {
        let records = self.certificate_records().await?;
        let now = Timestamp::now_utc();
        let mut views = BTreeMap::new();
        for record in &records {
            let der = BASE64_STANDARD.decode(&record.certificate_b64).map_err(crate::convert::internal)?;
            // The service may one day issue what this version cannot read: one odd row must not hide the others.
            let Ok(certificate) = Certificate::parse(&der) else { continue };
            views.insert(certificate.fingerprint(), certificate_view(&certificate, Some(record.status), now));
        }
        for token in self.inner.keys.tokens() {
            for held in &token.certificates {
                let Ok(certificate) = Certificate::parse(&held.der) else { continue };
                let view =
                    views.entry(certificate.fingerprint()).or_insert_with(|| certificate_view(&certificate, None, now));
                view.on_keys.push(token.id.clone());
                view.has_private_key |= held.has_private_key;
            }
        }
        let mut views: Vec<_> = views.into_values().collect();
        views.sort_by_key(|view| {
            let over = matches!(view.status, Some(CertificateStatus::Revoked | CertificateStatus::Expired));
            (over, std::cmp::Reverse(view.not_after), view.fingerprint.clone())
        });
        Ok(views)
    }

    pub(crate) fn session_view(&self) -> Result<SessionView, Failure> {
        Ok(self.state().session.clone().ok_or(LocalCode::SessionEnded)?)
    }

    /// A case as last seen, or as the service has it now.
    pub(crate) async fn seen_application(&self, id: Uuid) -> Result<Application, Failure> {
        let account = self.account_name()?;
        if let Some(seen) = self.with_cache(move |cache| cache.application(&account, id)).await? {
            return Ok(seen);
        }
        let answer = self.portal()?.application(id).await;
        self.noted(answer)
    }

    /// Keeps what the service said of a case, and tells the window where it is news: a page that looks at a case anew
    /// on every event must not be its own cause.
    pub(crate) async fn keep_application(&self, application: Application) -> Result<(), Failure> {
        let account = self.account_name()?;
        let news = self
            .with_cache(move |cache| {
                let seen = cache.application(&account, application.id)?;
                cache.put_application(&account, &application)?;
                close_draft(cache, &application)?;
                Ok(seen.as_ref() != Some(&application))
            })
            .await?;
        if news {
            self.emit(Event::Applications);
        }
        Ok(())
    }

    pub(crate) async fn application_view(&self, application: Application) -> Result<ApplicationView, Failure> {
        let catalogue = self.catalogue().await.ok();
        let usual = catalogue.into_iter().flat_map(|catalogue| catalogue.usual_times);
        let usual_time = usual.into_iter().find(|usual| usual.state == application.state).map(|usual| usual.text);
        let issuance = match application.state {
            State::AwaitingIssuance | State::Completed => Some(self.issuance_view(application.id).await?),
            _ => None,
        };
        let can_withdraw = application.state.after(Act::Withdraw).is_some();
        Ok(ApplicationView { application, usual_time, can_withdraw, issuance })
    }

    /// The service's records; as last seen when it is away, none without a session.
    async fn certificate_records(&self) -> Result<Vec<CertificateRecord>, Failure> {
        let Ok(account) = self.account_name() else { return Ok(Vec::new()) };
        let name = certificates_document(&account);
        let answer = self.portal()?.certificates().await;
        match self.noted(answer) {
            Ok(records) => {
                self.keep(name, None, &records).await?;
                Ok(records)
            }
            Err(failure) if failure.is(LocalCode::ServiceUnreachable) => Ok(self.kept(name).await?.unwrap_or_default()),
            Err(failure) => Err(failure),
        }
    }
}

pub(crate) fn certificates_document(account: &str) -> String {
    format!("certificates/{account}")
}

/// A draft whose case is out of the applicant's hands is none any more, also where the answer to its submission was
/// lost, or another computer handed it in.
fn close_draft(cache: &Cache, application: &Application) -> Result<(), CacheError> {
    let (id, state) = (application.id, application.state);
    if state.is_editable() || cache.draft(id)?.is_none_or(|draft| draft.state == state) {
        return Ok(());
    }
    let close = |draft: &mut Draft| {
        draft.state = state;
        draft.remarks.clear();
    };
    cache.update_draft(id, Timestamp::now_utc(), close).map(drop)
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

fn certificate_view(certificate: &Certificate, status: Option<CertificateStatus>, now: Timestamp) -> CertificateView {
    CertificateView {
        fingerprint: certificate.fingerprint(),
        holder: certificate.holder.clone(),
        issuer: certificate.issuer.clone(),
        serial: certificate.serial.clone(),
        not_before: certificate.not_before,
        not_after: certificate.not_after,
        days_left: i32::try_from((certificate.not_after - now).whole_days()).unwrap_or(i32::MAX),
        key_algorithm: certificate.key_algorithm.clone(),
        usages: certificate.usages.clone(),
        status,
        renewal: None,
        businesses: Vec::new(),
        successor: None,
        revocation: None,
        on_keys: Vec::new(),
        has_private_key: false,
        details: certificate.details.clone(),
        pem: certificate.pem(),
    }
}
