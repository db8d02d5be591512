//! How fast files go: as fast as the line carries them, or as a person allows; and how much of one goes at a time.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use certdesk_contract::upload::CHUNK_BYTES;
use tokio::time::{Instant, sleep_until};

use crate::lock;

/// A chunk that breaks is sent again in full, so on a slow line it is small. This long it travels, about.
const CHUNK_SECONDS: u64 = 10;
/// Smaller ones would spend the line on heads and answers.
const LEAST_CHUNK: u64 = 256 * 1024;
/// Before anything is known of the line.
const FIRST_CHUNK: u64 = 1024 * 1024;
/// Bytes read at a time, where nothing limits them.
pub(crate) const BUFFER: usize = 256 * 1024;
const LEAST_BUFFER: u64 = 8 * 1024;
/// Slower than this no limit makes it: what stands still for two minutes counts as broken.
const LEAST_LIMIT: u64 = 8 * 1024;

/// Of all files together.
#[derive(Default)]
pub(crate) struct Pace {
    /// Bytes a second at most; 0 for no limit.
    limit: AtomicU64,
    /// When the next byte may go.
    next: Mutex<Option<Instant>>,
    /// Bytes a second, as the last chunk went; 0 before the first.
    speed: AtomicU64,
}

impl Pace {
    pub(crate) fn limit(&self, bytes_a_second: Option<u64>) {
        self.limit.store(bytes_a_second.map_or(0, |limit| limit.max(LEAST_LIMIT)), Ordering::Relaxed);
        *lock(&self.next) = None;
    }

    /// Waits until so many more bytes may go.
    pub(crate) async fn admit(&self, bytes: usize) {
        let limit = self.limit.load(Ordering::Relaxed);
        if limit == 0 {
            return;
        }
        let span = Duration::from_secs_f64(bytes as f64 / limit as f64);
        let at = {
            let mut next = lock(&self.next);
            let at = next.unwrap_or_else(Instant::now).max(Instant::now());
            *next = Some(at + span);
            at
        };
        sleep_until(at).await;
    }

    /// Bytes to read at a time: a quarter of a second's worth where there is a limit.
    pub(crate) fn buffer(&self) -> usize {
        match self.limit.load(Ordering::Relaxed) {
            0 => BUFFER,
            limit => usize::try_from((limit / 4).max(LEAST_BUFFER)).unwrap_or(BUFFER).min(BUFFER),
        }
    }

    /// How large the next chunk is to be.
    pub(crate) fn chunk(&self) -> u64 {
        match self.speed.load(Ordering::Relaxed) {
            0 => FIRST_CHUNK,
            speed => (speed.saturating_mul(CHUNK_SECONDS)).clamp(LEAST_CHUNK, CHUNK_BYTES),
        }
    }

    /// A chunk arrived.
    pub(crate) fn took(&self, bytes: u64, time: Duration) {
        let speed = bytes as f64 / time.as_secs_f64().max(0.001);
        self.speed.store((speed as u64).max(1), Ordering::Relaxed);
    }

    /// One did not: half as much the next time.
    pub(crate) fn broke(&self) {
        let half = self.chunk() / 2;
        self.speed.store((half / CHUNK_SECONDS).max(1), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_is_what_the_line_carries_in_ten_seconds() {
        let pace = Pace::default();
        assert_eq!(pace.chunk(), FIRST_CHUNK, "nothing is known yet");
        pace.took(FIRST_CHUNK, Duration::from_millis(100));
        assert_eq!(pace.chunk(), CHUNK_BYTES, "a fast line takes the largest");
        pace.took(CHUNK_BYTES, Duration::from_secs(160));
        let slow = pace.chunk();
        assert!(slow.abs_diff(512 * 1024) < 16, "of 51 KiB a second, ten seconds' worth: {slow}");
        pace.took(LEAST_CHUNK, Duration::from_secs(3600));
        assert_eq!(pace.chunk(), LEAST_CHUNK, "never less");
        let pace = Pace::default();
        pace.broke();
        assert!(pace.chunk() < FIRST_CHUNK, "a line that breaks gets less to lose");
        for _ in 0..9 {
            pace.broke();
        }
        assert_eq!(pace.chunk(), LEAST_CHUNK);
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_is_kept_by_all_files_together() {
        let pace = Pace::default();
        pace.limit(Some(64 * 1024));
        let begun = Instant::now();
        let half = async {
            for _ in 0..16 {
                pace.admit(pace.buffer()).await;
            }
        };
        tokio::join!(half, async {
            for _ in 0..16 {
                pace.admit(pace.buffer()).await;
            }
        });
        let took = begun.elapsed();
        // The last piece goes at its beginning.
        assert!((7.0..8.1).contains(&took.as_secs_f64()), "512 KiB at 64 KiB a second: {took:?}");
        pace.limit(None);
        let begun = Instant::now();
        pace.admit(usize::MAX).await;
        assert_eq!(begun.elapsed(), Duration::ZERO, "without a limit nothing waits");
    }
}
