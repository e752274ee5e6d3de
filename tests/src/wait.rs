//! Waiting for a condition, never for time to pass.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Long enough for anything on a busy machine with two cores, short enough to fail a hung test.
pub const PATIENCE: Duration = Duration::from_secs(30);

const PAUSE: Duration = Duration::from_millis(20);

/// Returns once `check` holds; panics after [`PATIENCE`].
pub async fn until<F: AsyncFnMut() -> bool>(what: &str, check: F) {
    within(PATIENCE, what, check).await;
}

/// Returns once `check` holds; panics after `deadline`.
pub async fn within<F: AsyncFnMut() -> bool>(deadline: Duration, what: &str, mut check: F) {
    let end = Instant::now() + deadline;
    while !check().await {
        assert!(Instant::now() < end, "not within {deadline:?}: {what}");
        sleep(PAUSE).await;
    }
}
