//! Fetching the api's public keys, so that tokens can be verified here.

use std::sync::Arc;
use std::time::Duration;

use rookery_bus::authority::SessionSource;
use rookery_runtime::log_throttle::LogThrottle;
use rookery_runtime::token::{JwkSet, Verifier};

use crate::limits::{KEY_REFRESH_INTERVAL, KEY_RETRY_MAX, KEY_RETRY_MIN};
use crate::metrics::Metrics;

/// Keeps the verifier's keys fresh. While the api is away, the keys last seen hold.
pub async fn poll(sessions: Arc<dyn SessionSource>, verifier: Arc<Verifier>, metrics: Arc<Metrics>) {
    let (mut retry, warnings) = (KEY_RETRY_MIN, LogThrottle::default());
    loop {
        let fetched = refresh(sessions.as_ref(), &verifier, &warnings).await;
        if let Some(keys) = &fetched {
            metrics.show_keys(keys);
        }
        let fetched = fetched.is_some();
        let pause = pause(fetched, verifier.is_ready(), retry);
        retry = if fetched { KEY_RETRY_MIN } else { (retry * 2).min(KEY_RETRY_MAX) };
        tokio::time::sleep(pause).await;
    }
}

async fn refresh(sessions: &dyn SessionSource, verifier: &Verifier, warnings: &LogThrottle) -> Option<JwkSet> {
    let why = match sessions.public_keys().await {
        Ok(keys) if keys.keys.is_empty() => "the api publishes no key".to_owned(),
        Ok(keys) => {
            if !verifier.is_ready() {
                tracing::info!(keys = keys.keys.len(), "public keys fetched");
            }
            verifier.replace(&keys);
            return Some(keys);
        }
        Err(error) => error.to_string(),
    };
    if warnings.allows(&why) {
        tracing::warn!(error = why, "public keys not fetched");
    }
    None
}

/// A node without keys is of no use, so it asks again soon.
fn pause(fetched: bool, is_ready: bool, retry: Duration) -> Duration {
    if fetched || is_ready { KEY_REFRESH_INTERVAL } else { retry }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_node_without_keys_is_in_a_hurry() {
        assert_eq!(pause(true, true, KEY_RETRY_MIN), KEY_REFRESH_INTERVAL);
        assert_eq!(pause(false, true, KEY_RETRY_MIN), KEY_REFRESH_INTERVAL);
        assert_eq!(pause(false, false, KEY_RETRY_MIN), KEY_RETRY_MIN);
    }
}
