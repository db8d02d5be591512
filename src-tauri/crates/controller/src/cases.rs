//! 我的申办: what the service says, readable offline.

use std::sync::Arc;

use base64::{Engine, prelude::BASE64_STANDARD};
use certdesk_cache::{Alike, Cache, CacheError, Draft, Place, Search, Wanted};
use certdesk_contract::application::Application;
use certdesk_domain::{Act, State, Timestamp};
use uuid::Uuid;

use crate::{
    Controller,
    failure::{Failure, LocalCode},
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
        let answer = self.portal()?.applications().await;
        let applications = match self.noted(answer) {
            Ok(applications) => Arc::new(applications),
            Err(failure) if failure.is_away() => return Ok(()),
            Err(failure) => return Err(failure),
        };
        let kept = applications.clone();
        let closed = self.with_cache(move |cache| {
            cache.replace_applications(&account, &kept)?;
            let close = |application| Ok(close_draft(cache, application)?.then_some(application.id));
            kept.iter().filter_map(|application| close(application).transpose()).collect::<Result<Vec<_>, _>>()
        });
        for id in closed.await? {
            self.emit(Event::Draft { id });
        }
        self.adopt_drafts(&applications).await
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
        let answer = self.portal()?.application(id).await;
        let application = match self.noted(answer) {
            Ok(application) => {
                self.keep_application(application.clone()).await?;
                application
            }
            Err(failure) if failure.is_away() => self.seen_application(id).await?,
            Err(failure) => return Err(failure),
        };
        self.application_view(application).await
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
        let (news, closed) = self
            .with_cache(move |cache| {
                let seen = cache.application(&account, application.id)?;
                cache.put_application(&account, &application)?;
                Ok((seen.as_ref() != Some(&application), close_draft(cache, &application)?))
            })
            .await?;
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
        let can_withdraw = application.state.after(Act::Withdraw).is_some();
        Ok(ApplicationView { application, usual_time, can_withdraw, issuance })
    }
}

/// A draft whose case is out of the applicant's hands is none any more, also where the answer to its submission was
/// lost, or another computer handed it in. What was typed stays readable. Answers whether it was closed just now.
fn close_draft(cache: &Cache, application: &Application) -> Result<bool, CacheError> {
    let (id, state) = (application.id, application.state);
    if state.is_editable() || cache.draft(id)?.is_none_or(|draft| draft.state == state) {
        return Ok(false);
    }
    let close = |draft: &mut Draft| {
        draft.state = state;
        draft.remarks.clear();
    };
    cache.update_draft(id, Timestamp::now_utc(), close)?;
    Ok(true)
}

pub(crate) fn base64(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}
