//! 制证: the certificate of an approved case, made on the key (design §5.4).
//!
//! Every step is journaled before the next begins, and the key pair's provisional `CKA_ID` before the key pair is made.
//! So whatever happens in between (kill, pulled key, network), the next run finds where it stood and goes on: a key pair
//! that was made is found again and used, a certificate that was fetched is not fetched twice, nothing is left over.

use certdesk_cache::Issuance;
use certdesk_contract::certificate::Installation;
use certdesk_domain::{State, token::KeyAlgorithm};
use certdesk_pki::{Certificate, CsrBuilder};
use certdesk_token::{KeyPair, Module, TokenError};
use uuid::Uuid;

use crate::{
    Controller,
    failure::{Failure, LocalCode},
    keys::SessionKey,
    pin::KeyPlace,
    view::{Event, IssuanceStep, IssuanceView},
};

impl Controller {
    /// Takes the case as far as it goes on a key that is logged in.
    pub(crate) async fn issue(
        &self,
        key: &str,
        application: Uuid,
        algorithm: KeyAlgorithm,
    ) -> Result<IssuanceView, Failure> {
        let module = self.inner.keys.module(key)?;
        let mut journal = self.open_journal(key, application, algorithm).await?;
        let outcome = self.run_issuance(&module, &mut journal).await;
        let view = IssuanceView {
            application,
            step: step(&journal),
            key: Some(key.to_owned()),
            algorithms: self.algorithms(application).await.unwrap_or_default(),
            serial: serial(&journal),
            failure: outcome.as_ref().err().cloned(),
        };
        self.emit(Event::Issuance { issuance: view.clone() });
        outcome.map(|()| view)
    }

    /// Where the journal of a case stands.
    pub(crate) async fn issuance_view(&self, application: Uuid) -> Result<IssuanceView, Failure> {
        let journal = self.with_cache(move |cache| cache.issuance(application)).await?;
        let begun = journal.as_ref().map(|journal| journal.token_id.clone());
        // Not begun yet: best where the certificate is that the new one takes the place of.
        let before = self.seen_application(application).await?.particulars.certificate;
        let key = match (begun, before) {
            (None, Some(serial)) => self.key_holding(&serial).await?,
            (begun, _) => begun,
        };
        Ok(IssuanceView {
            application,
            step: journal.as_ref().map_or(IssuanceStep::Ready, step),
            key,
            algorithms: self.algorithms(application).await.unwrap_or_default(),
            serial: journal.as_ref().and_then(serial),
            failure: None,
        })
    }

    async fn algorithms(&self, application: Uuid) -> Result<Vec<KeyAlgorithm>, Failure> {
        let business = self.seen_application(application).await?.business;
        let catalogue = self.catalogue().await?;
        let account = self.session_view()?.account.kind();
        Ok(catalogue.offer(business, account).map(|offer| offer.key_algorithms.clone()).unwrap_or_default())
    }

    /// The journal of a case on this key. A journal begun on another key is begun anew: a private key never moves.
    async fn open_journal(&self, key: &str, application: Uuid, algorithm: KeyAlgorithm) -> Result<Issuance, Failure> {
        let known = self.with_cache(move |cache| cache.issuance(application)).await?;
        if let Some(mut known) = known.filter(|known| known.token_id == key) {
            // Until the key pair is there, the algorithm may be chosen anew: the key may not know the first choice.
            if known.spki.is_none() {
                known.algorithm = algorithm;
            }
            return Ok(known);
        }
        let journal = begun(application, key, algorithm);
        self.journal(&journal).await?;
        Ok(journal)
    }

    async fn run_issuance(&self, module: &Module, journal: &mut Issuance) -> Result<(), Failure> {
        let application = journal.application;
        let key = journal.token_id.clone();

        if self.pair_is_lost(module, journal).await? {
            *journal = begun(application, &key, journal.algorithm);
        }
        self.progress(journal, IssuanceStep::KeyPair).await?;
        let pair = key_pair(module, journal).await?;
        journal.key_id = Some(pair.key_id.clone());
        journal.spki = Some(pair.spki_der.clone());
        let scheme = pair.algorithm.scheme();

        self.progress(journal, IssuanceStep::Request).await?;
        let csr = match journal.csr.clone() {
            Some(csr) => csr,
            None => {
                let subject = self.certificate_subject(application).await?;
                let builder = CsrBuilder::new(&pair.spki_der, &subject)?;
                let signature = self.sign(KeyPlace::of(&key, &pair), scheme, &builder.to_be_signed()).await?;
                builder.finish(scheme, &signature)?
            }
        };
        journal.csr = Some(csr.clone());

        self.progress(journal, IssuanceStep::Certificate).await?;
        let certificate = match journal.certificate.clone() {
            Some(certificate) => certificate,
            None => {
                let answer = self.portal()?.request_certificate(application, &csr).await;
                let issued = self.noted(answer)?;
                journal.chain = issued.chain_der;
                issued.certificate_der
            }
        };
        // A certificate for another key is refused before anything is written, and asked for anew the next time.
        let parsed = Certificate::parse(&certificate).ok().filter(|parsed| parsed.belongs_to(&pair.spki_der));
        let Some(parsed) = parsed else {
            (journal.certificate, journal.chain) = (None, Vec::new());
            self.journal(journal).await?;
            return Err(LocalCode::CertificateMismatch.into());
        };
        journal.certificate = Some(certificate.clone());

        self.progress(journal, IssuanceStep::Written).await?;
        module.put_certificate(&key, &pair.key_id, certificate.clone(), &parsed.holder).await?;

        self.progress(journal, IssuanceStep::Proven).await?;
        let statement = Installation::statement(application, &parsed.serial).into_bytes();
        let proof = self.sign(KeyPlace::of(&key, &pair), scheme, &statement).await?;
        certdesk_pki::verify(&parsed.spki_der, scheme, &statement, &proof).map_err(|_| LocalCode::ProofFailed)?;

        let installation = Installation { serial: parsed.serial, proof_b64: crate::cases::base64(&proof) };
        let answer = self.portal()?.confirm_installation(application, &installation).await;
        let completed = self.noted(answer)?;
        // The service has it: the session follows whether or not this disk takes what is written down.
        let journaled = self.progress(journal, IssuanceStep::Confirmed).await;
        let before = completed.particulars.certificate.clone();
        let kept = self.keep_application(completed).await;
        Box::pin(self.settle_in(before.as_deref(), SessionKey { id: key, certificate_der: certificate })).await?;
        journaled.and(kept)
    }

    /// The new certificate is in force: which one logs in, and what is open to the account, is asked anew. The session of
    /// a certificate that was superseded goes on as the session of what took its place: the service sees it so too.
    async fn settle_in(&self, before: Option<&str>, new: SessionKey) -> Result<(), Failure> {
        let records = self.certificate_records().await.unwrap_or_else(|failure| {
            tracing::info!(code = ?failure.code, "certificates not asked for");
            Vec::new()
        });
        let superseded = records.iter().find(|record| Some(&*record.serial) == before && record.revocation.is_some());
        let mut left = None;
        if let Some(superseded) = superseded {
            let mut state = self.state();
            let is_session =
                |key: &SessionKey| crate::cases::base64(&key.certificate_der) == superseded.certificate_b64;
            if state.session_key.as_ref().is_some_and(is_session) {
                left = state.session_key.replace(new.clone());
            }
        }
        self.leave_key(left.filter(|left| left.id != new.id));
        if let Err(failure) = self.refresh_account().await {
            tracing::info!(code = ?failure.code, "account not asked for");
        }
        self.refresh_keys().await?;
        Ok(())
    }

    /// Whether the journaled key pair is gone from its key (initialised anew, or cleaned up) while the service still waits
    /// for a certificate. Then another pair is made; the service revokes what it issued for the lost one.
    async fn pair_is_lost(&self, module: &Module, journal: &Issuance) -> Result<bool, Failure> {
        let Some(spki) = &journal.spki else { return Ok(false) };
        let there = module.key_pairs(&journal.token_id).await?.iter().any(|pair| &pair.spki_der == spki);
        if there {
            return Ok(false);
        }
        let state = self.application(journal.application).await?.application.state;
        Ok(state == State::AwaitingIssuance)
    }

    /// Journals everything known and that `step` begins, and tells the window.
    async fn progress(&self, journal: &mut Issuance, step: IssuanceStep) -> Result<(), Failure> {
        journal.step = step.as_str().to_owned();
        self.journal(journal).await?;
        self.emit(Event::Issuance {
            issuance: IssuanceView {
                application: journal.application,
                step,
                key: Some(journal.token_id.clone()),
                algorithms: vec![journal.algorithm],
                serial: serial(journal),
                failure: None,
            },
        });
        Ok(())
    }

    async fn journal(&self, journal: &Issuance) -> Result<(), Failure> {
        let journal = journal.clone();
        self.with_cache(move |cache| cache.put_issuance(&journal)).await
    }

    async fn certificate_subject(&self, application: Uuid) -> Result<String, Failure> {
        if let Some(subject) = self.seen_application(application).await?.certificate_subject {
            return Ok(subject);
        }
        // The service decides the subject; the request only has to name somebody.
        let registration = self.session_view()?.account.registration;
        Ok(registration.organisation.map_or(registration.contact.name, |unit| unit.name))
    }
}

/// A journal of which nothing happened yet.
fn begun(application: Uuid, key: &str, algorithm: KeyAlgorithm) -> Issuance {
    Issuance {
        application,
        token_id: key.to_owned(),
        algorithm,
        step: IssuanceStep::Ready.as_str().to_owned(),
        provisional_id: Uuid::new_v4().as_bytes().to_vec(),
        key_id: None,
        spki: None,
        csr: None,
        certificate: None,
        chain: Vec::new(),
    }
}

/// The key pair of the journal: found again where it was made already, else made now.
async fn key_pair(module: &Module, journal: &Issuance) -> Result<KeyPair, Failure> {
    if let Some(spki) = &journal.spki {
        let known = module.key_pairs(&journal.token_id).await?;
        let known = known.into_iter().find(|pair| &pair.spki_der == spki);
        // Completed, and the pair is not there any more: a certificate for it is worth nothing, so say so.
        return Ok(known.ok_or(LocalCode::ProofFailed)?);
    }
    // The label names the case: a pair that was made just before a kill, too late for the journal, is found by it.
    let label = format!("certdesk {}", journal.application);
    let id = journal.provisional_id.clone();
    module.generate_key_pair(&journal.token_id, journal.algorithm, &label, id).await.map_err(|error| match error {
        TokenError::Unsupported { .. } => {
            Failure::new(LocalCode::KeyGenerationUnsupported).with_detail(error.to_string())
        }
        other => other.into(),
    })
}

fn step(journal: &Issuance) -> IssuanceStep {
    IssuanceStep::ALL.into_iter().find(|step| step.as_str() == journal.step).unwrap_or(IssuanceStep::Ready)
}

fn serial(journal: &Issuance) -> Option<String> {
    Certificate::parse(journal.certificate.as_ref()?).ok().map(|certificate| certificate.serial)
}

impl IssuanceStep {
    const ALL: [Self; 7] =
        [Self::Ready, Self::KeyPair, Self::Request, Self::Certificate, Self::Written, Self::Proven, Self::Confirmed];

    /// Its name in the journal.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::KeyPair => "key_pair",
            Self::Request => "request",
            Self::Certificate => "certificate",
            Self::Written => "written",
            Self::Proven => "proven",
            Self::Confirmed => "confirmed",
        }
    }
}
