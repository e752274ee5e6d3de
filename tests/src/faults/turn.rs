//! Who may stop the database.

use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};

/// Who may stop the database: the slowdown for a moment, or a fault for as long as it lasts.
#[derive(Clone, Debug, Default)]
pub struct Turn(Arc<Mutex<()>>);

impl Turn {
    /// The database runs on, and nobody else stops it, as long as this is held: a fault stops or kills it now.
    pub async fn take(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.0).lock_owned().await
    }
}
