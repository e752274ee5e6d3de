//! Forgets invites that have ended, and requests that were decided about long enough ago.

use rookery_protocol::clock::UnixMillis;
use rookery_store::StoreError;

use crate::joining::Joining;
use crate::limits::{ACCOUNT_PURGE_INTERVAL, ACCOUNT_PURGE_MAX, JOIN_AGAIN_AFTER};
use crate::periodic::every;

impl Joining {
    /// Endless.
    pub(crate) async fn purge(&self) {
        every(ACCOUNT_PURGE_INTERVAL, "joining purge", || self.purge_once(UnixMillis::now())).await;
    }

    async fn purge_once(&self, now: UnixMillis) -> Result<(), StoreError> {
        let stores = &self.rooms.stores;
        while stores.room_invites.purge(now, ACCOUNT_PURGE_MAX).await? == ACCOUNT_PURGE_MAX {}
        let decided_before = now.minus(JOIN_AGAIN_AFTER);
        while stores.join_requests.purge(decided_before, ACCOUNT_PURGE_MAX).await? == ACCOUNT_PURGE_MAX {}
        Ok(())
    }
}
