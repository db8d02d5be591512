//! Passwords: argon2id (RFC 9106), a bounded number at a time, off the async threads.

use std::sync::Arc;

use anyhow::Context as _;
use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _, password_hash::phc::PasswordHash};
use tokio::sync::Semaphore;
use zxcvbn::{Score, zxcvbn};

/// Longest password that is looked at, characters.
pub(crate) const MAX_LENGTH: usize = 128;

/// Hashes and verifies.
pub(crate) struct Passwords {
    /// Each hash takes 19 MiB and a core: as many at once as there are cores. A permit goes with the work, not with the
    /// request that waits for it: who hangs up early makes no room.
    gate: Arc<Semaphore>,
    /// Verified in place of an account that does not exist, so that both answers take the same time.
    decoy: String,
}

impl Passwords {
    pub(crate) fn new() -> anyhow::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self { gate: Arc::new(Semaphore::new(cores)), decoy: hash(&crate::random::token(16))? })
    }

    /// A PHC string of the password.
    pub(crate) async fn hash(&self, password: String) -> anyhow::Result<String> {
        let permit = self.gate.clone().acquire_owned().await?;
        tokio::task::spawn_blocking(move || {
            let hashed = hash(&password);
            drop(permit);
            hashed
        })
        .await?
    }

    /// Whether the password is that of `phc`; costs the same where there is none.
    pub(crate) async fn verify(&self, password: String, phc: Option<String>) -> anyhow::Result<bool> {
        let permit = self.gate.clone().acquire_owned().await?;
        let exists = phc.is_some();
        let phc = phc.unwrap_or_else(|| self.decoy.clone());
        tokio::task::spawn_blocking(move || {
            let hash = PasswordHash::new(&phc).ok().context("a stored password hash is not readable")?;
            let right = Argon2::default().verify_password(password.as_bytes(), &hash).is_ok();
            drop(permit);
            Ok(right && exists)
        })
        .await?
    }
}

/// The rule of [`certdesk_contract::account::PasswordChange::new`]. `known`: what a guesser knows of whose it is.
pub(crate) fn is_strong_enough(password: &str, known: &[&str]) -> bool {
    let length = password.chars().count();
    let mixed = password.contains(|c: char| c.is_ascii_digit()) && password.contains(char::is_alphabetic);
    let is_long_enough = (length >= 10 || (length >= 8 && mixed)) && length <= MAX_LENGTH;
    is_long_enough && !is_easy_to_guess(password, known)
}

/// Whether it would be among the first million tries of who has the lists of passwords that were leaked most often,
/// words, names, dates and rows of keys, and knows whose password it is and of what.
fn is_easy_to_guess(password: &str, known: &[&str]) -> bool {
    // What this house is called and does, and favourites here that lists made elsewhere do not have.
    const OURS: [&str; 12] = [
        "certdesk",
        "zhengbantong",
        "证办通",
        "zhengshu",
        "shenhe",
        "woaini",
        "5201314",
        "1314520",
        "1314",
        "wodemima",
        "mima",
        "zhongguo",
    ];
    let known: Vec<&str> = OURS.into_iter().chain(known.iter().copied()).collect();
    zxcvbn(password, &known).score() < Score::Two
}

/// A PHC string of the password. Blocking.
pub(crate) fn hash(password: &str) -> anyhow::Result<String> {
    let hash: PasswordHash =
        Argon2::default().hash_password(password.as_bytes()).ok().context("a password could not be hashed")?;
    Ok(hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_hangs_up_makes_no_room_for_more_work() {
        let passwords = Passwords::new().expect("hashing works");
        let places = passwords.gate.available_permits();
        {
            let hashing = passwords.hash("x".into());
            tokio::pin!(hashing);
            // Polled once, which starts the work; then its waiter is gone.
            assert!(std::future::poll_fn(|cx| std::task::Poll::Ready(hashing.as_mut().poll(cx))).await.is_pending());
        }
        assert_eq!(passwords.gate.available_permits(), places - 1, "the place is taken while the work goes on");
        let all = passwords.gate.acquire_many(u32::try_from(places).expect("a machine has few cores"));
        let free = tokio::time::timeout(std::time::Duration::from_secs(10), all).await;
        assert!(free.is_ok(), "and free again when it is done");
    }

    #[test]
    fn the_password_rule_is_the_contracts() {
        for good in ["tk7wq2hb", "云上月白风清夜未央人", "k9-Xue-2w", "correct horse"] {
            assert!(is_strong_enough(good, &[]), "{good} must be accepted");
        }
        for weak in ["", "tkwqhbnz", "73915284", "tk7wq2h", "tkwqhbnzc"] {
            assert!(!is_strong_enough(weak, &[]), "{weak} must be refused");
        }
        let long: String = ('!'..='~').chain('Α'..='Ω').chain('а'..='я').collect();
        assert!(long.chars().count() > MAX_LENGTH && !is_strong_enough(&long, &[]), "too many characters");
    }

    #[test]
    fn what_everybody_tries_first_is_no_password() {
        for common in
            ["password123", "1234567890", "qwertyuiop", "iloveyou123", "1q2w3e4r5t", "woaini1314", "P@ssw0rd123"]
        {
            assert!(!is_strong_enough(common, &[]), "{common} is on every list");
        }
        for easy in ["aaaaaaaaaa", "abcdefghij", "2026-11-23", "certdesk2026", "证办通证办通证办通证"] {
            assert!(!is_strong_enough(easy, &[]), "{easy} is guessed soon");
        }
        let known = ["qy20260001", "北京云帆科技有限公司", "13800138000"];
        for own in ["QY20260001", "13800138000", "qy20260001!"] {
            assert!(!is_strong_enough(own, &known), "{own} is known of whose it is");
        }
        assert!(is_strong_enough("tk7wq2hb", &known));
    }

    #[test]
    fn a_password_of_any_kind_is_judged_at_once() {
        for character in ['a', '1', '4', '密', '\u{10FFFF}'] {
            let began = std::time::Instant::now();
            let _ = is_strong_enough(&character.to_string().repeat(MAX_LENGTH), &[]);
            assert!(began.elapsed() < std::time::Duration::from_secs(2), "{character:?} takes too long");
        }
        let began = std::time::Instant::now();
        let _ = is_strong_enough(&"p4$$w0rd".repeat(MAX_LENGTH / 8), &[]);
        assert!(began.elapsed() < std::time::Duration::from_secs(2), "nor do disguised words");
    }

    #[test]
    fn passwords_are_hashed_as_rfc_9106_and_todays_advice_have_it() {
        let phc = hash("tk7wq2hb").expect("hashing works");
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "a library must not weaken it unseen: {phc}");
        assert_ne!(phc, hash("tk7wq2hb").expect("hashing works"), "each has its own salt");
    }
}
