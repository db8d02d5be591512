//! 用户信息: basic data and consents.

use certdesk_contract::account::{AccountChange, AccountView, ConsentReceipt, ConsentRecord, PhoneCodeRequest};
use uuid::Uuid;

use crate::{
    Controller,
    account::consent_document,
    command::Faults,
    failure::{Failure, LocalCode},
    view::{Event, SessionView},
};

impl Controller {
    /// Asks the service anew whose session it is. When the service is away: as last seen.
    pub async fn refresh_account(&self) -> Result<SessionView, Failure> {
        self.account_name()?;
        let answer = self.portal()?.account().await;
        match self.noted(answer) {
            Ok(account) => self.session_is_of(account).await,
            Err(failure) if failure.is_away() => self.session_view(),
            Err(failure) => Err(failure),
        }
    }

    /// What is not right in changed basic data yet.
    pub async fn check_account_change(&self, change: AccountChange) -> Result<Faults, Failure> {
        Ok(Faults { faults: change.faults(&self.session_view()?.account) })
    }

    /// Asks for a code to a new phone.
    pub async fn request_phone_code(&self, phone: String) -> Result<(), Failure> {
        let answer = self.portal()?.request_phone_code(&PhoneCodeRequest { phone }).await;
        self.noted(answer)
    }

    /// Changes basic data. What was typed in drafts stays as it was typed.
    pub async fn change_account(&self, change: AccountChange) -> Result<SessionView, Failure> {
        let faults = change.faults(&self.session_view()?.account);
        if !faults.is_empty() {
            return Err(Failure { faults, ..LocalCode::FieldsIncomplete.into() });
        }
        let answer = self.portal()?.change_account(&change).await;
        let account = self.noted(answer)?;
        self.session_is_of(account).await
    }

    /// The consents of the account, newest first. When the service is away: as last seen.
    pub async fn consents(&self) -> Result<Vec<ConsentRecord>, Failure> {
        let name = format!("consents/{}", self.account_name()?);
        let answer = self.portal()?.consents().await;
        self.or_as_last_seen(name, answer, |_| Ok(Vec::new())).await
    }

    /// Withdraws a consent. The next act that needs it, or for the agreement the next login, asks for it anew.
    pub async fn withdraw_consent(&self, id: Uuid) -> Result<Vec<ConsentRecord>, Failure> {
        let account = self.account_name()?;
        let answer = self.portal()?.withdraw_consent(id).await;
        self.noted(answer)?;
        self.state().consents.retain(|_, held| held.id != id);
        let consents = self.consents().await?;
        if let Some(withdrawn) = consents.iter().find(|consent| consent.receipt.id == id) {
            let name = consent_document(&account, withdrawn.receipt.subject);
            let held: Option<ConsentReceipt> = self.kept(name.clone()).await?;
            if held.is_some_and(|held| held.id == id) {
                self.with_cache(move |cache| cache.delete_document(&name)).await?;
            }
        }
        Ok(consents)
    }

    /// The session goes on with what the service says of its account now.
    async fn session_is_of(&self, account: AccountView) -> Result<SessionView, Failure> {
        let (session, changed) = {
            let mut state = self.state();
            let session = state.session.as_mut().filter(|session| session.account.name == account.name);
            let session = session.ok_or(LocalCode::SessionEnded)?;
            let changed = session.account != account;
            session.account = account;
            (session.clone(), changed)
        };
        self.keep_account_for_offline(&session).await;
        if changed {
            self.emit(Event::Session { session: Some(Box::new(session.clone())), unasked: None });
        }
        Ok(session)
    }
}
