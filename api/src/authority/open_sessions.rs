//! Which login sessions are open, when thousands of connections come back at once.
//!
//! A session that the store had open a moment ago is over only if it has been revoked since. So such sessions share one
//! question, what was revoked of late, instead of being read one by one, and their users have the names of that moment. All
//! others are read.

use std::collections::HashMap;

use moka::sync::Cache;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::SessionId;
use rookery_store::user::Username;
use rookery_store::{Sessions, StoreError};

use crate::limits::{CHANGES_OVERLAP, CHANGES_PER_READ_MAX, SESSIONS_OPEN_LIFE, SESSIONS_OPEN_MAX, SESSIONS_READ_FEW};

/// Open sessions, with the names that their users got since the login.
type Open = HashMap<SessionId, Option<Username>>;

/// Sessions that were open within [`SESSIONS_OPEN_LIFE`].
pub(super) struct OpenSessions(Cache<SessionId, Option<Username>>);

impl OpenSessions {
    /// None is known.
    pub(super) fn new() -> Self {
        Self(Cache::builder().max_capacity(SESSIONS_OPEN_MAX).time_to_live(SESSIONS_OPEN_LIFE).build())
    }

    /// Those of these sessions that are open, see [`Sessions::open`]: none is among them that was revoked before the question.
    pub(super) async fn open(&self, store: &dyn Sessions, ids: &[SessionId]) -> Result<Open, StoreError> {
        let (mut known, mut new) = (Open::new(), Vec::new());
        for id in ids {
            match self.0.get(id) {
                Some(name) => drop(known.insert(*id, name)),
                None => new.push(*id),
            }
        }
        let (mut open, of_known) = tokio::try_join!(self.read(store, &new), self.still_open(store, known))?;
        open.extend(of_known);
        Ok(open)
    }

    async fn still_open(&self, store: &dyn Sessions, mut known: Open) -> Result<Open, StoreError> {
        let ids: Vec<SessionId> = known.keys().copied().collect();
        if ids.len() <= SESSIONS_READ_FEW {
            return self.read(store, &ids).await;
        }
        // Clocks of apis may differ, and a revocation takes a while to be written.
        let since = UnixMillis::now().minus(SESSIONS_OPEN_LIFE + CHANGES_OVERLAP);
        let revoked = store.revoked_since(since, CHANGES_PER_READ_MAX).await?;
        if revoked.len() >= CHANGES_PER_READ_MAX {
            return self.read(store, &ids).await;
        }
        for id in revoked {
            known.remove(&id);
        }
        Ok(known)
    }

    async fn read(&self, store: &dyn Sessions, ids: &[SessionId]) -> Result<Open, StoreError> {
        if ids.is_empty() {
            return Ok(Open::new());
        }
        let open = store.open(ids).await?;
        for (id, name) in &open {
            self.0.insert(*id, name.clone());
        }
        Ok(open)
    }
}

#[cfg(test)]
mod tests;
