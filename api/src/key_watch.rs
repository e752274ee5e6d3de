//! Signing keys that are added, chosen and removed while the process runs.

use std::sync::Arc;

use rookery_runtime::limits::KEY_RELOAD_INTERVAL;
use rookery_runtime::log_throttle::LogThrottle;
use rookery_runtime::token::{KeyError, KeySet, SigningKeys, Verifier};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use crate::http::cursor::Cursors;
use crate::mail::Secrets;
use crate::metrics::Metrics;

/// What the secrets of cursors are for.
const CURSOR: &str = "cursor";
/// What the secrets of codes and links are for.
const MAIL: &str = "mail";

/// Everything in a process that depends on its signing keys.
pub(crate) struct KeyWatch {
    pub(crate) keys: Arc<SigningKeys>,
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) cursors: Cursors,
    pub(crate) secrets: Secrets,
    pub(crate) metrics: Metrics,
}

impl KeyWatch {
    /// Makes the keys count that the process starts with.
    pub(crate) fn start(&self) {
        self.apply(&self.keys.current());
    }

    /// Reads the folder of the keys again and again. One that makes no sense changes nothing: what it lacks may only be
    /// on its way.
    pub(crate) async fn follow(self) {
        let warnings = LogThrottle::default();
        loop {
            sleep(KEY_RELOAD_INTERVAL).await;
            match self.read().await {
                Ok(None) => {}
                Ok(Some(set)) => self.change(set),
                Err(error) => {
                    self.metrics.key_failures.inc();
                    if warnings.allows(&error) {
                        tracing::error!(error, "signing keys not read again, those in use stay");
                    }
                }
            }
        }
    }

    async fn read(&self) -> Result<Option<KeySet>, String> {
        let keys = Arc::clone(&self.keys);
        let read = spawn_blocking(move || keys.read_again()).await;
        read.map_err(|error| error.to_string())?.map_err(|error: KeyError| error.to_string())
    }

    fn change(&self, set: KeySet) {
        let names: Vec<&str> = set.iter().map(|(key, _)| key.name()).collect();
        tracing::info!(signing = set.signing().name(), keys = names.join(" "), "signing keys changed");
        // First what verifies, then what signs: no token of ours is unknown here.
        self.apply(&set);
        self.keys.replace(set);
    }

    fn apply(&self, set: &KeySet) {
        self.verifier.replace(&set.public());
        self.cursors.replace(&set.secrets(CURSOR));
        self.secrets.replace(&set.secrets(MAIL));
        self.metrics.show_keys(set);
    }
}
