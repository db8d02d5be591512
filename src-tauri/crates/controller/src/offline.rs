//! 离线查看: what was seen of an account, read again after a new start while the service is away.
//!
//! Whoever logged in last on this computer is known again by that login's own means: the password against an Argon2id
//! verifier, or the key by a signature over something random, verified with the certificate it logged in with. What begins
//! then is a session that the service knows nothing of: it reads and prepares, and `portal` lets nothing of it out. The
//! outbox waits for a login.

use std::{
    collections::HashMap,
    ops::RangeInclusive,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version, password_hash::phc::PasswordHash,
};
use certdesk_cache::{KnownAccount, OfflineLogin, OfflineProof};
use certdesk_contract::{ProblemCode, certificate::CertificateStatus, session::SessionKind};
use certdesk_domain::Timestamp;
use certdesk_pki::{Certificate, chain, crl};
use certdesk_token::TokenInfo;
use zeroize::Zeroizing;

use crate::{
    Controller,
    cases::base64,
    failure::{Failure, LocalCode},
    keys::SessionKey,
    pin::KeyPlace,
    storage::{MEMORY_KIB, PASSES},
    view::{OfflineChoices, OfflineReading, SessionView},
};

/// Wrong passwords before the next try has to wait.
const FREE_TRIES: u32 = 3;
/// The first wait; each further wrong password doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(30);
const LONGEST_WAIT: Duration = Duration::from_secs(30 * 60);

/// A session that the service knows ends there when nobody uses it for so long; this one ends here.
const IDLE: Duration = Duration::from_secs(30 * 60);

/// What a key signs here begins like nothing that a service takes: a login signs hashes of 64 bytes or more and nothing
/// else, the base of a request's signature begins with a quotation mark.
const CHALLENGE: &str = "certdesk: read on this computer what was seen, without the service\n";

pub(crate) struct Offline {
    /// Held while a password is tried: two tries at once would each wait for neither.
    alone: tokio::sync::Mutex<()>,
    started: Instant,
    /// When the last wrong password of an account was tried in this run.
    refused: Mutex<HashMap<String, Instant>>,
    /// When somebody asked for something last.
    used: Mutex<Instant>,
}

impl Default for Offline {
    fn default() -> Self {
        let started = Instant::now();
        Self { alone: tokio::sync::Mutex::default(), started, refused: Mutex::default(), used: Mutex::new(started) }
    }
}

impl Offline {
    /// How long the next try has to wait after so many wrong ones. The tries are on the disk, the time is this run's own:
    /// no clock that is set forward or back shortens it, and a new start begins it anew.
    fn wait(&self, account: &str, tries: u32) -> Duration {
        let since = self.refused().get(account).copied().unwrap_or(self.started);
        pause(tries).saturating_sub(since.elapsed())
    }

    /// Somebody asked for something.
    pub(crate) fn note_use(&self) {
        *self.used.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn is_idle(&self) -> bool {
        self.used.lock().unwrap_or_else(PoisonError::into_inner).elapsed() >= IDLE
    }

    fn refused(&self) -> MutexGuard<'_, HashMap<String, Instant>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Controller {
    /// Who can read here without the service: anybody with a password, and which of the keys that are plugged in. Where
    /// nobody asked yet whether the service is there, that is asked first: a PIN is best not given for a login that cannot be.
    pub async fn offline_choices(&self) -> Result<OfflineChoices, Failure> {
        let unknown = self.state().service.reachable.is_none();
        if unknown {
            self.load_settings().await;
            self.look_for_service().await;
        }
        let kept = self.offline_logins().await?;
        let by_password = kept.iter().any(|login| login.known.proof.kind() == SessionKind::Password);
        let holds = |token: &&TokenInfo| kept.iter().any(|login| certificate_on(token, &login.known.proof).is_some());
        let keys = self.inner.keys.tokens().iter().filter(holds).map(|token| token.id.clone()).collect();
        Ok(OfflineChoices { by_password, keys })
    }

    /// Begins to read what was seen of an account, by the password of its last login here.
    ///
    /// # Errors
    /// `offline_unknown`, `offline_needs_key` where the last login was by key, `offline_password_wrong` and
    /// `offline_too_soon`, each with the seconds until the next try where there are any.
    pub async fn read_offline(&self, account: String, password: String) -> Result<SessionView, Failure> {
        let password = Zeroizing::new(password);
        let account = account.trim().to_owned();
        let _alone = self.inner.offline.alone.lock().await;
        let login = self.offline_login(&account).await?.ok_or(LocalCode::OfflineUnknown)?;
        let OfflineProof::Password { verifier } = login.known.proof.clone() else {
            return Err(LocalCode::OfflineNeedsKey.into());
        };
        let wait = self.inner.offline.wait(&account, login.tries);
        if !wait.is_zero() {
            return Err(after(LocalCode::OfflineTooSoon, wait));
        }
        // Counted before it is looked at: who kills the program over a wrong one has not gained a try.
        let named = account.clone();
        self.with_cache(move |cache| cache.begin_offline_try(&named)).await?;
        if !verifies(password, verifier).await? {
            self.inner.offline.refused().insert(account, Instant::now());
            return Err(after(LocalCode::OfflinePasswordWrong, pause(login.tries + 1)));
        }
        self.with_cache(move |cache| cache.end_offline_tries(&account)).await?;
        self.begin_offline_session(login, None)
    }

    /// The same by a key that is logged in itself: it signs something random, here alone.
    pub(crate) async fn read_offline_with_key(&self, key: &str) -> Result<SessionView, Failure> {
        let login = self.offline_login_of_key(key).await?;
        let token = self.inner.keys.tokens().into_iter().find(|token| token.id == key).ok_or(LocalCode::NoKey)?;
        let held = certificate_on(&token, &login.known.proof).ok_or(LocalCode::OfflineUnknown)?;
        let certificate = Certificate::parse(&held.der)?;
        let scheme = certdesk_pki::key_algorithm(&certificate.spki_der)?.scheme();
        let message = challenge(&login.known.service);
        let by = KeyPlace { key, key_id: &held.key_id, spki: &certificate.spki_der };
        let signature = self.sign(by, scheme, &message).await?;
        certdesk_pki::verify(&certificate.spki_der, scheme, &message, &signature)
            .map_err(|_| LocalCode::ProofFailed)?;
        let key = SessionKey { id: key.to_owned(), certificate_der: held.der.clone() };
        self.begin_offline_session(login, Some(key))
    }

    /// The last login by the certificate of a key, where that certificate still says who somebody is.
    ///
    /// # Errors
    /// `offline_unknown`, `offline_certificate_expired`, `offline_certificate_revoked`.
    pub(crate) async fn offline_login_of_key(&self, key: &str) -> Result<OfflineLogin, Failure> {
        let token = self.inner.keys.tokens().into_iter().find(|token| token.id == key).ok_or(LocalCode::NoKey)?;
        let kept = self.offline_logins().await?;
        let mut fitting = kept.into_iter().filter(|login| certificate_on(&token, &login.known.proof).is_some());
        let login = fitting.next().ok_or(LocalCode::OfflineUnknown)?;
        let held = certificate_on(&token, &login.known.proof).ok_or(LocalCode::OfflineUnknown)?;
        let certificate = Certificate::parse(&held.der)?;
        let valid = certificate.not_before..=certificate.not_after;
        if !is_in_its_time(&valid, self.service_now(), login.seen_at) {
            return Err(LocalCode::OfflineCertificateExpired.into());
        }
        if self.is_known_revoked(&login.known.account.name, &certificate).await? {
            return Err(LocalCode::OfflineCertificateRevoked.into());
        }
        Ok(login)
    }

    /// Whether what was seen of the account, or the revocation list kept here, calls the certificate revoked.
    async fn is_known_revoked(&self, account: &str, certificate: &Certificate) -> Result<bool, Failure> {
        let b64 = base64(&certificate.der);
        let records = self.kept_records(account).await?;
        let revoked = |status| status == CertificateStatus::Revoked;
        if records.iter().any(|record| record.certificate_b64 == b64 && revoked(record.status)) {
            return Ok(true);
        }
        let serial = crl::serial_bytes(&certificate.serial).unwrap_or_default();
        let (list, found) = self.with_cache(move |cache| Ok((cache.crl()?, cache.revocation(&serial)?))).await?;
        Ok(found.is_some() && list.is_some_and(|list| chain::is_issued_by(&certificate.der, &list.issuer_der)))
    }

    fn begin_offline_session(&self, login: OfflineLogin, key: Option<SessionKey>) -> Result<SessionView, Failure> {
        if let Ok(portal) = &self.inner.portal {
            portal.hold_back();
        }
        let session = SessionView {
            kind: login.known.proof.kind(),
            key: key.as_ref().map(|key| key.id.clone()),
            must_change_password: false,
            account: login.known.account,
            offline: Some(OfflineReading { seen_at: login.seen_at }),
        };
        self.inner.offline.note_use();
        self.take_session(session.clone(), key);
        Ok(session)
    }

    /// Ends the reading of whoever left the computer.
    pub(crate) fn mind_idle_reader(&self) {
        if self.is_offline() && self.inner.offline.is_idle() {
            self.end_session(Some(LocalCode::SessionEnded.into()));
        }
    }

    /// Keeps the login that the service just took, in place of the one before. What cannot be kept is no reason to refuse it.
    pub(crate) async fn keep_for_offline(&self, session: &SessionView, proof: OfflineProof) {
        let known = KnownAccount { service: self.service_address(), account: session.account.clone(), proof };
        let kept = self.with_cache(move |cache| cache.put_offline_login(&known, Timestamp::now_utc())).await;
        if let Err(failure) = kept {
            tracing::warn!(code = ?failure.code, "the login was not kept for reading offline");
        }
    }

    /// Keeps what the service says of the account now, and by which certificate its session goes on.
    pub(crate) async fn keep_account_for_offline(&self, session: &SessionView) {
        if session.offline.is_some() {
            return;
        }
        let (name, account) = (session.account.name.clone(), session.account.clone());
        let key = self.state().session_key.as_ref().map(|key| base64(&key.certificate_der));
        let change = move |known: &mut KnownAccount| {
            known.account = account;
            if let (OfflineProof::Certificate { certificate_b64 }, Some(now)) = (&mut known.proof, key) {
                *certificate_b64 = now;
            }
        };
        if let Err(failure) = self.with_cache(move |cache| cache.update_offline_login(&name, change)).await {
            tracing::warn!(code = ?failure.code, "the account was not kept for reading offline");
        }
    }

    /// The proof of an account is good no more.
    pub(crate) async fn forget_for_offline<F>(&self, account: &str, which: F)
    where
        F: FnOnce(&OfflineProof) -> bool + Send + 'static,
    {
        let account = account.to_owned();
        if let Err(failure) = self.with_cache(move |cache| cache.forget_offline_login(&account, which)).await {
            tracing::warn!(code = ?failure.code, "a proof for reading offline was not forgotten");
        }
    }

    /// The service refused a password. Where it is the one that opens offline, it was changed elsewhere, or the account logs
    /// in otherwise: it opens nothing here any more. One that was mistyped takes nothing away.
    pub(crate) async fn password_was_refused(&self, account: &str, password: Zeroizing<String>, failure: &Failure) {
        const REFUSED: [ProblemCode; 2] = [ProblemCode::WrongCredentials, ProblemCode::CertificateLoginRequired];
        if !REFUSED.into_iter().any(|code| failure.is_said(code)) {
            return;
        }
        let Ok(Some(login)) = self.offline_login(account).await else { return };
        let OfflineProof::Password { verifier } = login.known.proof else { return };
        if verifies(password, verifier.clone()).await.unwrap_or(false) {
            self.forget_for_offline(account, move |proof| *proof == OfflineProof::Password { verifier }).await;
        }
    }

    /// The service takes this certificate for no login any more.
    pub(crate) async fn certificate_was_refused(&self, certificate_der: &[u8]) {
        let proof = certificate_proof(certificate_der);
        for login in self.offline_logins().await.unwrap_or_default() {
            if login.known.proof == proof {
                let proof = proof.clone();
                self.forget_for_offline(&login.known.account.name, move |kept| *kept == proof).await;
            }
        }
    }

    /// Whether somebody reads without the service.
    pub(crate) fn is_offline(&self) -> bool {
        self.state().session.as_ref().is_some_and(|session| session.offline.is_some())
    }

    /// For acts that are nothing without the service.
    ///
    /// # Errors
    /// `offline_session` while somebody reads without it.
    pub(crate) fn need_login(&self) -> Result<(), Failure> {
        if self.is_offline() { Err(LocalCode::OfflineSession.into()) } else { Ok(()) }
    }

    /// The session whose acts go out by themselves: one that the service knows, with nothing in the way.
    pub(crate) fn sending_session(&self) -> Option<SessionView> {
        let session = self.session_view().ok()?;
        (session.offline.is_none() && !session.must_change_password).then_some(session)
    }

    async fn offline_login(&self, account: &str) -> Result<Option<OfflineLogin>, Failure> {
        let account = account.to_owned();
        let kept = self.with_cache(move |cache| cache.offline_login(&account)).await?;
        Ok(kept.filter(|login| login.known.service == self.service_address()))
    }

    async fn offline_logins(&self) -> Result<Vec<OfflineLogin>, Failure> {
        let kept = self.with_cache(|cache| cache.offline_logins()).await?;
        let here = self.service_address();
        Ok(kept.into_iter().filter(|login| login.known.service == here).collect())
    }

    fn service_address(&self) -> String {
        self.inner.options.service.clone().unwrap_or_default()
    }
}

/// A proof by the key of this certificate.
pub(crate) fn certificate_proof(certificate_der: &[u8]) -> OfflineProof {
    OfflineProof::Certificate { certificate_b64: base64(certificate_der) }
}

/// A proof by this password. Takes about a tenth of a second, and 64 MiB while it does.
pub(crate) async fn password_proof(password: Zeroizing<String>) -> Result<OfflineProof, Failure> {
    let verifier =
        tokio::task::spawn_blocking(move || verifier_of(&password)).await.map_err(crate::convert::internal)?;
    Ok(OfflineProof::Password { verifier: verifier? })
}

fn verifier_of(password: &str) -> Result<String, Failure> {
    let params = Params::new(MEMORY_KIB, PASSES, 1, None).map_err(crate::convert::internal)?;
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash: PasswordHash = hasher.hash_password(password.as_bytes()).map_err(crate::convert::internal)?;
    Ok(hash.to_string())
}

async fn verifies(password: Zeroizing<String>, verifier: String) -> Result<bool, Failure> {
    let verify = move || {
        let Ok(hash) = PasswordHash::new(&verifier) else { return false };
        Argon2::default().verify_password(password.as_bytes(), &hash).is_ok()
    };
    tokio::task::spawn_blocking(verify).await.map_err(crate::convert::internal)
}

/// Whether a certificate is valid as far as is known here: never earlier than when the service was heard last, so a clock
/// that was set back makes none valid again.
fn is_in_its_time(valid: &RangeInclusive<Timestamp>, now: Timestamp, seen_at: Timestamp) -> bool {
    valid.contains(&now.max(seen_at))
}

/// How long the try after so many wrong ones waits.
fn pause(tries: u32) -> Duration {
    let Some(doublings) = tries.checked_sub(FREE_TRIES) else { return Duration::ZERO };
    FIRST_WAIT.saturating_mul(1 << doublings.min(16)).min(LONGEST_WAIT)
}

fn after(code: LocalCode, wait: Duration) -> Failure {
    // Said in whole seconds, never too few.
    let seconds = u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX);
    Failure { retry_after: (seconds > 0).then_some(seconds), ..code.into() }
}

/// What a key signs to show that it is the one: said what for, and never the same twice.
fn challenge(service: &str) -> Vec<u8> {
    let mut chance = [0; 32];
    getrandom::fill(&mut chance).expect("the system gives random numbers");
    let chance: String = chance.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{CHALLENGE}{service}\n{chance}\n").into_bytes()
}

/// The certificate of a proof, where this key holds it with its private key.
fn certificate_on<'a>(token: &'a TokenInfo, proof: &OfflineProof) -> Option<&'a certdesk_token::TokenCertificate> {
    let OfflineProof::Certificate { certificate_b64 } = proof else { return None };
    token.certificates.iter().find(|held| held.has_private_key && base64(&held.der) == *certificate_b64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_verifier_knows_its_password_and_no_other() {
        let typed = |text: &str| Zeroizing::new(text.to_owned());
        let OfflineProof::Password { verifier } = password_proof(typed("云上月白风清夜未央人")).await.unwrap()
        else {
            panic!("a password gives a verifier");
        };
        assert!(verifier.starts_with("$argon2id$v=19$m=65536,t=3,p=1$"), "nothing weaker unseen: {verifier}");
        assert!(verifies(typed("云上月白风清夜未央人"), verifier.clone()).await.unwrap());
        for other in ["", "云上月白风清夜未央", "云上月白风清夜未央人 "] {
            assert!(!verifies(typed(other), verifier.clone()).await.unwrap(), "{other:?} is another");
        }
        assert_ne!(verifier, verifier_of("云上月白风清夜未央人").unwrap(), "each has its own salt");
        for broken in ["", "$argon2id$v=19$m=65536,t=3,p=1$", "云上月白风清夜未央人"] {
            assert!(
                !verifies(typed("云上月白风清夜未央人"), broken.into()).await.unwrap(),
                "{broken:?} lets nobody in"
            );
        }
    }

    #[test]
    fn waits_grow_to_half_an_hour_and_no_new_start_shortens_them() {
        let waits: Vec<_> = (0..12).map(|tries| pause(tries).as_secs()).collect();
        assert_eq!(waits, [0, 0, 0, 30, 60, 120, 240, 480, 960, 1800, 1800, 1800]);
        assert_eq!(pause(u32::MAX), LONGEST_WAIT);
        let fresh = Offline::default();
        let left = fresh.wait("qy1", 5);
        assert!(left > pause(5) - Duration::from_secs(5), "after a start the whole wait is to come, not {left:?}");
        assert_eq!(fresh.wait("qy1", 2), Duration::ZERO, "a slip or two cost nothing");
        let mut waited = Offline::default();
        let Some(earlier) = Instant::now().checked_sub(pause(5)) else { return };
        waited.started = earlier;
        assert_eq!(waited.wait("qy1", 5), Duration::ZERO, "who waited may try");
        waited.refused().insert("qy1".into(), Instant::now());
        assert!(waited.wait("qy1", 6) > pause(5), "and waits anew after a wrong one");
        assert_eq!(waited.wait("qy2", 5), Duration::ZERO, "which is nobody else's");
    }

    #[test]
    fn a_clock_that_was_set_back_makes_no_certificate_valid_again() {
        let day = |day: i64| Timestamp::UNIX_EPOCH + time::Duration::days(day);
        let valid = day(100)..=day(200);
        assert!(is_in_its_time(&valid, day(150), day(120)));
        assert!(!is_in_its_time(&valid, day(201), day(120)), "it has expired");
        assert!(!is_in_its_time(&valid, day(150), day(201)), "the service was heard after its end");
        assert!(!is_in_its_time(&valid, day(90), day(95)), "its time is to come");
    }

    #[test]
    fn nobody_reads_on_who_left_for_half_an_hour() {
        let offline = Offline::default();
        assert!(!offline.is_idle());
        let Some(left) = Instant::now().checked_sub(IDLE) else { return };
        *offline.used.lock().unwrap() = left;
        assert!(offline.is_idle());
        offline.note_use();
        assert!(!offline.is_idle(), "whoever does something is there");
    }

    #[test]
    fn what_a_key_signs_here_can_serve_for_nothing_else() {
        use certdesk_domain::token::SignatureScheme;
        let message = challenge("https://portal.example");
        assert_ne!(message, challenge("https://portal.example"), "never the same twice");
        let text = String::from_utf8(message.clone()).expect("it is text, to be recognised");
        assert!(text.starts_with("certdesk: read on this computer"), "it says what for");
        // RFC 9421 §2.5: a signature base begins with the name of a component, in quotation marks.
        assert_ne!(message[0], b'"', "it is no request");
        // DER: neither a request for a certificate nor the attributes of a signed form.
        assert!(![0x30, 0x31].contains(&message[0]));
        for scheme in
            [SignatureScheme::RsaPkcs1Sha256, SignatureScheme::EcdsaP256Sha256, SignatureScheme::EcdsaP384Sha384]
        {
            let login = certdesk_pki::web_eid::signed_value(scheme, "https://portal.example", "a nonce");
            assert!(message.len() > login.len(), "a login signs {} bytes of hashes", login.len());
        }
    }
}
