//! 我的证书: what the service and the plugged-in keys say, shown together, readable offline; and removing from a key what
//! another certificate took the place of.

use std::collections::{BTreeMap, HashMap};

use base64::{Engine, prelude::BASE64_STANDARD};
use certdesk_cache::certificates_document;
use certdesk_contract::{
    Problem, ProblemCode,
    application::Application,
    certificate::{CertificateRecord, CertificateStatus},
};
use certdesk_domain::{Business, State, Timestamp, form::Particulars};
use certdesk_pki::Certificate;
use certdesk_token::{TokenCertificate, TokenInfo};
use sha2::{Digest, Sha256};

use crate::{
    Controller,
    convert::sha256_hex,
    failure::{Failure, LocalCode},
    keys::SessionKey,
    view::CertificateView,
};

/// What the service said last of each certificate, by SHA-256 of its DER.
pub(crate) type Standings = HashMap<[u8; 32], Standing>;

/// How much a certificate is worth for a login, as far as it is known; the best comes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Standing {
    /// Revoked, or another took its place.
    Over,
    /// Issued, and not confirmed on its key yet: the service lets nobody in with it.
    Unconfirmed,
    /// Nothing bad is known.
    Fine,
}

/// Names of the documents that hold an account's records begin with this.
const RECORDS: &str = "certificates/";

impl Controller {
    /// The certificates on the keys and at the service, each once; those still good first, then by their end.
    pub async fn certificates(&self) -> Result<Vec<CertificateView>, Failure> {
        let records = self.certificate_records().await?;
        self.certificate_views(records).await
    }

    /// The same as last seen: does not wait for the network.
    pub(crate) async fn known_certificates(&self) -> Result<Vec<CertificateView>, Failure> {
        let records = match self.account_name() {
            Ok(account) => self.kept_records(&account).await?,
            Err(_) => Vec::new(),
        };
        self.certificate_views(records).await
    }

    /// Those of the key rings and of `records`, seen together.
    async fn certificate_views(&self, records: Vec<CertificateRecord>) -> Result<Vec<CertificateView>, Failure> {
        let now = self.service_now();
        let open = self.businesses_by_certificate().await?;
        let mut views = BTreeMap::new();
        for record in &records {
            let der = BASE64_STANDARD.decode(&record.certificate_b64).map_err(crate::convert::internal)?;
            // The service may one day issue what this version cannot read: one odd row must not hide the others.
            let Ok(certificate) = Certificate::parse(&der) else { continue };
            let mut view = certificate_view(&certificate, now);
            view.businesses = open.about(record, now);
            view.status = Some(record.status);
            view.renewal = record.renewal.clone();
            view.successor = record.successor.clone();
            view.revocation = record.revocation.clone();
            views.insert(certificate.fingerprint(), view);
        }
        for token in self.inner.keys.tokens() {
            for held in &token.certificates {
                let Ok(certificate) = Certificate::parse(&held.der) else { continue };
                let view =
                    views.entry(certificate.fingerprint()).or_insert_with(|| certificate_view(&certificate, now));
                view.on_keys.push(token.id.clone());
                view.has_private_key |= held.has_private_key;
            }
        }
        let mut views: Vec<_> = views.into_values().collect();
        views.sort_by_key(|view| {
            let over = matches!(view.status, Some(CertificateStatus::Revoked | CertificateStatus::Expired));
            let succeeded = view.successor.is_some();
            (over, succeeded, std::cmp::Reverse(view.not_after), view.fingerprint.clone())
        });
        Ok(views)
    }

    /// The certificate a case is about, as last seen: does not wait for the network.
    pub(crate) async fn certificate_of(&self, particulars: &Particulars) -> Result<Option<CertificateView>, Failure> {
        let Some(serial) = &particulars.certificate else { return Ok(None) };
        let records = self
            .kept_records(&self.account_name()?)
            .await?
            .into_iter()
            .filter(|record| record.serial == *serial)
            .collect();
        let views = self.certificate_views(records).await?;
        Ok(views.into_iter().find(|view| view.serial == *serial))
    }

    /// Whether a business can be begun about a certificate, as far as is known here; the service has the last word.
    pub(crate) async fn check_can_begin(&self, business: Business, serial: &str) -> Result<(), Failure> {
        let records = self.certificate_records().await?;
        let record = records.iter().find(|record| record.serial == serial).ok_or(LocalCode::Gone)?;
        let open = self.businesses_by_certificate().await?;
        if open.about(record, self.service_now()).contains(&business) {
            return Ok(());
        }
        Err(Problem::new(match record.status {
            _ if open.busy_with(serial).is_some_and(|busy| busy != Busy::Draft(business)) => {
                ProblemCode::CertificateBusy
            }
            CertificateStatus::Revoked => ProblemCode::WrongState,
            _ if business == Business::Renew => ProblemCode::RenewalNotOpen,
            _ => ProblemCode::WrongState,
        })
        .into())
    }

    /// The key that holds the certificate of that serial number, with its private key: a new one is best made there.
    pub(crate) async fn key_holding(&self, serial: &str) -> Result<Option<String>, Failure> {
        let records = self.kept_records(&self.account_name()?).await?;
        let Some(record) = records.into_iter().find(|record| record.serial == serial) else { return Ok(None) };
        let der = BASE64_STANDARD.decode(record.certificate_b64).map_err(crate::convert::internal)?;
        let holds = |token: &TokenInfo| token.certificates.iter().any(|held| held.der == der && held.has_private_key);
        Ok(self.inner.keys.tokens().into_iter().find(holds).map(|token| token.id))
    }

    /// Removes a certificate with its key pair from a key that is logged in. The keys go first: what is cut short leaves
    /// a certificate without a key, which is seen and can be removed again, and never a key that nobody knows of.
    pub(crate) async fn remove_certificate(&self, key: &str, fingerprint: &str) -> Result<(), Failure> {
        let held = self.removable(key, fingerprint).await?;
        let certificate = Certificate::parse(&held.der)?;
        let module = self.inner.keys.module(key)?;
        let shares_key = |other: &TokenCertificate| {
            other.der != held.der
                && (other.key_id == held.key_id
                    || Certificate::parse(&other.der).is_ok_and(|other| other.belongs_to(&certificate.spki_der)))
        };
        let token = self.token(key)?;
        if !token.certificates.iter().any(shares_key) {
            let pairs = module.key_pairs(key).await?;
            let (own, others): (Vec<_>, Vec<_>) =
                pairs.into_iter().partition(|pair| certificate.belongs_to(&pair.spki_der));
            // Of a removal that was cut short the public key alone may be left: it has the certificate's name.
            let names = own.into_iter().map(|pair| pair.key_id).chain([held.key_id]);
            for name in names.filter(|name| others.iter().all(|pair| pair.key_id != *name)) {
                module.remove_key_pair(key, &name).await?;
            }
        }
        module.remove_certificate(key, held.der).await?;
        self.refresh_keys().await?;
        Ok(())
    }

    /// The certificate, where it may go: revoked, expired, or another took its place.
    ///
    /// # Errors
    /// `certificate_in_use`; `gone` where the key does not hold it.
    pub(crate) async fn removable(&self, key: &str, fingerprint: &str) -> Result<TokenCertificate, Failure> {
        let named = |held: &TokenCertificate| sha256_hex(&held.der) == fingerprint;
        let held = self.token(key)?.certificates.into_iter().find(named).ok_or(LocalCode::Gone)?;
        let records = self.certificate_records().await?;
        let b64 = BASE64_STANDARD.encode(&held.der);
        let over = match records.iter().find(|record| record.certificate_b64 == b64) {
            Some(record) => standing(record) == Standing::Over || record.status == CertificateStatus::Expired,
            None => Certificate::parse(&held.der)?.not_after < self.service_now(),
        };
        let of_session = self.state().session_key.as_ref().is_some_and(|key| key.certificate_der == held.der);
        if over && !of_session { Ok(held) } else { Err(LocalCode::CertificateInUse.into()) }
    }

    /// The service's records; as last seen when it is away, none without a session.
    pub(crate) async fn certificate_records(&self) -> Result<Vec<CertificateRecord>, Failure> {
        let Ok(account) = self.account_name() else { return Ok(Vec::new()) };
        self.renewed_or_as_last_seen().await?;
        self.learn_records(&account).await
    }

    /// What the service said last of certificates, minded by whoever chooses one.
    pub(crate) async fn learn_records(&self, account: &str) -> Result<Vec<CertificateRecord>, Failure> {
        let records = self.kept_records(account).await?;
        learn(&mut self.state().standings, &records);
        if self.follow_successor(&records)
            && let Ok(session) = self.session_view()
        {
            self.keep_account_for_offline(&session).await;
        }
        Ok(records)
    }

    /// The session of a certificate that was superseded is its successor's, also where line or disk failed at the moment
    /// when that came into force. Answers whether it is from now on.
    fn follow_successor(&self, records: &[CertificateRecord]) -> bool {
        let Some(session) = self.state().session_key.clone() else { return false };
        let b64 = BASE64_STANDARD.encode(&session.certificate_der);
        let superseded = records.iter().find(|record| record.certificate_b64 == b64 && record.revocation.is_some());
        let Some(serial) = superseded.and_then(|record| record.successor.as_ref()) else { return false };
        let successor = records.iter().find(|record| record.serial == *serial);
        let Some(der) = successor.and_then(|record| BASE64_STANDARD.decode(&record.certificate_b64).ok()) else {
            return false;
        };
        let holds = |token: &TokenInfo| token.certificates.iter().any(|held| held.der == der && held.has_private_key);
        let Some(token) = self.inner.keys.tokens().into_iter().find(holds) else { return false };
        let new = SessionKey { id: token.id, certificate_der: der };
        self.leave_key(Some(session).filter(|left| left.id != new.id));
        self.state().session_key = Some(new);
        true
    }

    /// The service's records as last seen.
    pub(crate) async fn kept_records(&self, account: &str) -> Result<Vec<CertificateRecord>, Failure> {
        Ok(self.kept(certificates_document(account)).await?.unwrap_or_default())
    }

    /// What was said of certificates before this start, once: a login is chosen before anybody is logged in.
    pub(crate) async fn load_standings(&self) {
        let load = async || match self.with_cache(|cache| cache.documents(RECORDS)).await {
            Ok(kept) => {
                let records = kept.into_iter().filter_map(|kept| serde_json::from_value(kept.json).ok());
                let records: Vec<CertificateRecord> = records.flat_map(|kept: Vec<_>| kept).collect();
                let mut state = self.state();
                let fresher = std::mem::take(&mut state.standings);
                state.standings = standings(&records).chain(fresher).collect();
            }
            Err(failure) => tracing::warn!(code = ?failure.code, "certificates of before not read"),
        };
        self.inner.standings_read.get_or_init(load).await;
    }

    async fn businesses_by_certificate(&self) -> Result<OpenBusinesses, Failure> {
        let Ok(session) = self.session_view() else { return Ok(OpenBusinesses::default()) };
        let account = session.account.name;
        let (cases, drafts) =
            self.with_cache(move |cache| Ok((cache.applications(&account)?, cache.drafts(&account)?))).await?;
        let mut busy = HashMap::new();
        for draft in drafts.into_iter().filter(|draft| draft.state == State::Draft) {
            busy.extend(draft.particulars.certificate.map(|serial| (serial, Busy::Draft(draft.business))));
        }
        let handed_in = |case: &&Application| case.state != State::Draft && !case.state.is_final();
        for case in cases.iter().filter(handed_in) {
            busy.extend(case.particulars.certificate.clone().map(|serial| (serial, Busy::HandedIn)));
        }
        Ok(OpenBusinesses { offered: session.account.businesses, busy })
    }

    fn token(&self, key: &str) -> Result<TokenInfo, Failure> {
        Ok(self.inner.keys.tokens().into_iter().find(|token| token.id == key).ok_or(LocalCode::NoKey)?)
    }
}

/// What can be begun about certificates.
#[derive(Default)]
struct OpenBusinesses {
    offered: Vec<Business>,
    /// Certificates an open case is about: there is one at a time.
    busy: HashMap<String, Busy>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Busy {
    /// A draft: its business goes on, the others wait until it is thrown away.
    Draft(Business),
    /// A case that the service has.
    HandedIn,
}

impl OpenBusinesses {
    fn about(&self, record: &CertificateRecord, now: Timestamp) -> Vec<Business> {
        let can = |business: &Business| {
            let in_window = |renewal: &certdesk_contract::certificate::RenewalWindow| {
                (renewal.opens_at..=renewal.closes_at).contains(&now)
            };
            let fits = match business {
                Business::Renew => {
                    let good = matches!(record.status, CertificateStatus::Active | CertificateStatus::Expired);
                    good && record.successor.is_none() && record.renewal.as_ref().is_some_and(in_window)
                }
                Business::Change => record.status == CertificateStatus::Active && record.successor.is_none(),
                Business::Revoke => record.status == CertificateStatus::Active,
                Business::New | Business::Replace => false,
            };
            let free = self.busy_with(&record.serial).is_none_or(|busy| busy == Busy::Draft(*business));
            fits && free && self.offered.contains(business)
        };
        Business::ALL.into_iter().filter(can).collect()
    }

    fn busy_with(&self, serial: &str) -> Option<Busy> {
        self.busy.get(serial).copied()
    }
}

/// SHA-256 of the DER.
pub(crate) fn sha256(der: &[u8]) -> [u8; 32] {
    Sha256::digest(der).into()
}

/// Takes over what the service says now. An answer that was under way while a certificate was being confirmed comes late:
/// what was confirmed once is never unconfirmed again.
fn learn(known: &mut Standings, records: &[CertificateRecord]) {
    for (certificate, standing) in standings(records) {
        let confirmed = known.get(&certificate) == Some(&Standing::Fine);
        if !(confirmed && standing == Standing::Unconfirmed) {
            known.insert(certificate, standing);
        }
    }
}

fn standings(records: &[CertificateRecord]) -> impl Iterator<Item = ([u8; 32], Standing)> {
    let one = |record: &CertificateRecord| {
        let der = BASE64_STANDARD.decode(&record.certificate_b64).ok()?;
        Some((sha256(&der), standing(record)))
    };
    records.iter().filter_map(one)
}

fn standing(record: &CertificateRecord) -> Standing {
    match record.status {
        CertificateStatus::Revoked => Standing::Over,
        _ if record.successor.is_some() => Standing::Over,
        CertificateStatus::Issued => Standing::Unconfirmed,
        CertificateStatus::Active | CertificateStatus::Expired => Standing::Fine,
    }
}

fn certificate_view(certificate: &Certificate, now: Timestamp) -> CertificateView {
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
        status: None,
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
