//! 我的申办: what the service says, readable offline.

use base64::{Engine, prelude::BASE64_STANDARD};
use certdesk_cache::{Alike, Cache, Place, Search, Wanted};
use certdesk_contract::application::Application;
use certdesk_domain::{State, Timestamp};
use uuid::Uuid;

use crate::{
    Controller,
    changes::By,
    failure::{Failure, LocalCode},
    outbox::can_withdraw,
    view::{ApplicationCount, ApplicationPage, ApplicationQuery, ApplicationRow, ApplicationView, Event, SessionView},
};

/// Rows of a page.
const ROWS: usize = 50;

impl Controller {
    /// My applications, newest first. When the service is away: as last seen.
    pub async fn applications(&self) -> Result<Vec<ApplicationView>, Failure> {
        let account = self.account_name()?;
        Box::pin(self.refresh_applications()).await?;
        let applications = self.with_cache(move |cache| cache.applications(&account)).await?;
        let mut views = Vec::with_capacity(applications.len());
        for application in applications {
            // A case that was never handed in is a draft and shown as one.
            if application.state != State::Draft {
                views.push(self.application_view(application).await?);
            }
        }
        Ok(views)
    }

    /// Asks the service for my applications and keeps them. When it is away, what was seen last stays.
    pub async fn refresh_applications(&self) -> Result<(), Failure> {
        let account = self.account_name()?;
        self.renewed_or_as_last_seen().await?;
        match Box::pin(self.look_elsewhere(&account)).await {
            Err(failure) if failure.is_away() => Ok(()),
            other => other,
        }
    }

    /// A page of my applications as last seen: does not wait for the network.
    pub async fn application_page(&self, query: ApplicationQuery) -> Result<ApplicationPage, Failure> {
        let account = self.account_name()?;
        let wanted =
            Wanted { business: query.business, state: query.state, year: query.year, search: Search::of(&query.words) };
        if wanted.search.is_none() && !query.words.trim().is_empty() {
            return Ok(ApplicationPage { rows: Vec::new(), next: None });
        }
        let from = query.from.map(|place| serde_json::from_str::<Place>(&place)).transpose();
        let from = from.map_err(|_| LocalCode::BadCommand)?;
        let page =
            self.with_cache(move |cache| cache.list_applications(&account, &wanted, from.as_ref(), ROWS)).await?;
        let next =
            page.next.map(|place| serde_json::to_string(&place)).transpose().map_err(crate::convert::internal)?;
        Ok(ApplicationPage { rows: page.applications.iter().map(ApplicationRow::of).collect(), next })
    }

    /// How many of my applications there are as last seen, by what the list can be narrowed by.
    pub async fn application_counts(&self, words: String) -> Result<Vec<ApplicationCount>, Failure> {
        let account = self.account_name()?;
        let search = Search::of(&words);
        if search.is_none() && !words.trim().is_empty() {
            return Ok(Vec::new());
        }
        let alike = self.with_cache(move |cache| cache.count_applications(&account, search.as_ref())).await?;
        let count =
            |Alike { business, state, year, count, yours }| ApplicationCount { business, state, year, count, yours };
        Ok(alike.into_iter().map(count).collect())
    }

    /// One of my applications.
    pub async fn application(&self, id: Uuid) -> Result<ApplicationView, Failure> {
        self.renewed_or_as_last_seen().await?;
        let application = self.seen_application(id).await?;
        self.application_view(application).await
    }

    /// Brings what is kept up to what the service has; where that is away, it stays as last seen.
    pub(crate) async fn renewed_or_as_last_seen(&self) -> Result<(), Failure> {
        match Box::pin(self.renew(By::Person)).await {
            Err(failure) if failure.is_away() => Ok(()),
            other => other,
        }
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
        let id = application.id;
        self.inner.renewal.note_answer();
        let keep = move |cache: &Cache| cache.keep_application(&account, &application, Timestamp::now_utc());
        let (news, closed) = self.with_cache(keep).await?;
        if news {
            self.emit(Event::Applications);
        }
        if closed {
            self.emit(Event::Draft { id });
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
        let can_withdraw = can_withdraw(&application);
        // Also of a case that moved on meanwhile: that it was not taken back is to be read.
        let withdrawn = application.state == State::Withdrawn;
        let withdrawal = if withdrawn { None } else { self.queued_withdrawal(application.id).await? };
        Ok(ApplicationView { application, usual_time, can_withdraw, withdrawal, issuance })
    }
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}
