//! Which login sessions are over, when thousands of connections come back at once.
//!
//! A session that the store had open a moment ago is over only if it has been revoked since. So such sessions share one
//! question, what was revoked of late, instead of being read one by one. All others are read.

use std::collections::HashSet;

use moka::sync::Cache;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::SessionId;
use rookery_store::{Sessions, StoreError};

use crate::limits::{CHANGES_OVERLAP, CHANGES_PER_READ_MAX, SESSIONS_OPEN_LIFE, SESSIONS_OPEN_MAX, SESSIONS_READ_FEW};

/// Sessions that were open within [`SESSIONS_OPEN_LIFE`].
pub(super) struct OpenSessions(Cache<SessionId, ()>);

impl OpenSessions {
    /// None is known.
    pub(super) fn new() -> Self {
        Self(Cache::builder().max_capacity(SESSIONS_OPEN_MAX).time_to_live(SESSIONS_OPEN_LIFE).build())
    }

    /// Those of these sessions that are over, see [`Sessions::ended`]: none is left out that was revoked before the question.
    pub(super) async fn ended(&self, store: &dyn Sessions, ids: &[SessionId]) -> Result<Vec<SessionId>, StoreError> {
        let (known, new): (Vec<SessionId>, Vec<SessionId>) = ids.iter().partition(|id| self.0.contains_key(*id));
        let (mut ended, of_known) = tokio::try_join!(self.read(store, &new), self.ended_since(store, &known))?;
        ended.extend(of_known);
        Ok(ended)
    }

    async fn ended_since(&self, store: &dyn Sessions, known: &[SessionId]) -> Result<Vec<SessionId>, StoreError> {
        if known.len() <= SESSIONS_READ_FEW {
            return self.read(store, known).await;
        }
        // Clocks of apis may differ, and a revocation takes a while to be written.
        let since = UnixMillis::now().minus(SESSIONS_OPEN_LIFE + CHANGES_OVERLAP);
        let revoked = store.revoked_since(since, CHANGES_PER_READ_MAX).await?;
        if revoked.len() >= CHANGES_PER_READ_MAX {
            return self.read(store, known).await;
        }
        let revoked: HashSet<SessionId> = revoked.into_iter().collect();
        Ok(known.iter().copied().filter(|id| revoked.contains(id)).collect())
    }

    async fn read(&self, store: &dyn Sessions, ids: &[SessionId]) -> Result<Vec<SessionId>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let ended = store.ended(ids).await?;
        let over: HashSet<&SessionId> = ended.iter().collect();
        ids.iter().filter(|id| !over.contains(id)).for_each(|id| self.0.insert(*id, ()));
        Ok(ended)
    }
}

#[cfg(test)]
mod tests;
