//! What a process does again and again beside requests.

use std::fmt::Display;
use std::time::Duration;

use tokio::time::sleep;

/// Works after each pause, for ever. What fails is logged and tried again after the next pause: nobody waits for it.
pub(crate) async fn every<T, E: Display, F: Future<Output = Result<T, E>>>(
    pause: Duration,
    task: &'static str,
    mut work: impl FnMut() -> F,
) {
    loop {
        sleep(pause).await;
        if let Err(error) = work().await {
            tracing::debug!(%error, task, "not done this time");
        }
    }
}
