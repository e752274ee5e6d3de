//! Waiting for a condition, never for time to pass.

use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Long enough for anything on a busy machine with two cores, short enough to fail a hung test.
pub const PATIENCE: Duration = Duration::from_mins(1);

const PAUSE: Duration = Duration::from_millis(20);

/// Returns once `check` holds; panics after [`PATIENCE`].
pub async fn until<F: AsyncFnMut() -> bool>(what: &str, check: F) {
    within(PATIENCE, what, check).await;
}

/// Returns once `check` holds; panics after `deadline`.
pub async fn within<F: AsyncFnMut() -> bool>(deadline: Duration, what: &str, check: F) {
    assert!(holds(deadline, check).await, "not within {deadline:?}: {what}");
}

/// Whether `check` holds before `deadline` has passed.
pub async fn holds<F: AsyncFnMut() -> bool>(deadline: Duration, mut check: F) -> bool {
    let end = Instant::now() + deadline;
    while !check().await {
        if Instant::now() >= end {
            return false;
        }
        sleep(PAUSE).await;
    }
    true
}
