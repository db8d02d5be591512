//! Passwords: argon2id (RFC 9106), a bounded number at a time, off the async threads.

use std::sync::Arc;

use anyhow::Context as _;
use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _, password_hash::phc::PasswordHash};
use tokio::sync::Semaphore;

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

/// The rule of [`certdesk_contract::account::PasswordChange::new`].
pub(crate) fn is_strong_enough(password: &str) -> bool {
    let length = password.chars().count();
    let mixed = password.contains(|c: char| c.is_ascii_digit()) && password.contains(char::is_alphabetic);
    (length >= 10 || (length >= 8 && mixed)) && length <= MAX_LENGTH
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
        for good in ["abcdefgh1", "密码密码密码密码密码", "a1b2c3d4", "correct horse"] {
            assert!(is_strong_enough(good), "{good} must be accepted");
        }
        for weak in ["", "abcdefgh", "12345678", "a1b2c3d", "abcdefghi"] {
            assert!(!is_strong_enough(weak), "{weak} must be refused");
        }
        assert!(!is_strong_enough(&"x1".repeat(65)), "130 characters are too many");
    }
}
