//! A limit on every wait.

use std::{fmt::Display, future::Future, time::Duration};

use anyhow::{Context, Result, anyhow};

/// How long the window may take for anything a person waits for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The answer of `act`, or an error that names `what` once `limit` has passed.
pub(crate) async fn within<T, E>(what: &str, limit: Duration, act: impl Future<Output = Result<T, E>>) -> Result<T>
where
    E: Display + Send + Sync + 'static,
{
    let answer = tokio::time::timeout(limit, act).await;
    let answer = answer.with_context(|| format!("{what} did not happen within {} s", limit.as_secs()))?;
    answer.map_err(|error| anyhow!("{what}: {error}"))
}

/// Asks `condition` again until it answers `Some`.
pub(crate) async fn until<T>(what: &str, limit: Duration, mut condition: impl AsyncFnMut() -> Option<T>) -> Result<T> {
    let asking = async {
        loop {
            if let Some(answer) = condition().await {
                return Ok::<T, anyhow::Error>(answer);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    within(what, limit, asking).await
}
