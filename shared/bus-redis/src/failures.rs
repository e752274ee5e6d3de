//! Logs why there is no connection to Redis: a certificate that is not trusted, a password that is wrong, a port that nobody
//! listens on. The library tries again for ever and tells the calls only that there is none.

use fred::clients::Client;
use fred::interfaces::EventInterface as _;
use rookery_runtime::log_throttle::LogThrottle;
use tokio::sync::broadcast::error::RecvError;

/// Logs until the process stops.
pub(super) async fn log(client: Client) {
    let (mut failures, warnings) = (client.error_rx(), LogThrottle::default());
    loop {
        match failures.recv().await {
            Ok((error, _)) => {
                let reason = format!("{:?}: {}", error.kind(), error.details());
                if warnings.allows(&reason) {
                    tracing::warn!(%reason, "no connection to Redis, trying again");
                }
            }
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}
