//! Writing what has become of users and rooms: gathered, and in calls of many.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use rookery_bus::error::BusError;
use rookery_bus::presence::Change;
use rookery_protocol::id::{RoomId, UserId};
use tokio::time::{Instant, sleep, sleep_until};

use super::Presence;
use crate::limits::{PRESENCE_GATHER, PRESENCE_RETRY_PAUSE};
use crate::presence::local_presence::Written;

impl Presence {
    /// Writes until the process stops.
    pub async fn write(self: Arc<Self>) {
        loop {
            let next = self.local.lock().next();
            tokio::select! {
                () = self.written.notified() => {}
                () = until(next) => {}
            }
            sleep(PRESENCE_GATHER).await;
            // Who holds the lease anew gives notice.
            if self.is_held.load(Ordering::Acquire) {
                self.write_users().await;
                self.write_rooms().await;
            } else {
                self.written.notified().await;
                self.written.notify_one();
            }
        }
    }

    async fn write_users(&self) {
        let changes = self.local.lock().due_users(Instant::now());
        if !changes.is_empty()
            && let Err(error) = self.change(&changes).await
        {
            self.fail(&error);
            let again = changes.into_iter().map(|(user, _)| user);
            self.local.lock().put_off(again, Instant::now() + PRESENCE_RETRY_PAUSE);
        }
        let users = i64::try_from(self.local.lock().len()).unwrap_or(i64::MAX);
        self.metrics.presence_users.set(users);
    }

    async fn change(&self, changes: &[(UserId, Change)]) -> Result<(), BusError> {
        let lease = self.lease();
        let found = self.store.change(Some(lease), changes).await?;
        for ((_, change), presence) in changes.iter().zip(&found) {
            self.metrics.presence_writes.with_label_values(&[label(change)]).inc();
            // What was written under a lease that was lost meanwhile does not count.
            if self.lease() == lease && self.local.lock().confirm(change, presence, Instant::now()) {
                self.touch_rooms_of(presence.user);
            }
        }
        Ok(())
    }

    async fn write_rooms(&self) {
        let due = self.local.lock().due_rooms(Instant::now());
        let rooms: Vec<Written> = due.into_iter().filter_map(|room| self.occupancy(room)).collect();
        if rooms.is_empty() {
            return;
        }
        if let Err(error) = self.store.occupy(self.lease(), &rooms).await {
            self.fail(&error);
            let again = rooms.into_iter().map(|(room, _)| room);
            self.local.lock().put_off_rooms(again, Instant::now() + PRESENCE_RETRY_PAUSE);
        } else {
            let count = u64::try_from(rooms.len()).unwrap_or(u64::MAX);
            self.metrics.presence_writes.with_label_values(&["room"]).inc_by(count);
        }
    }

    fn occupancy(&self, room: RoomId) -> Option<Written> {
        let users = self.hub.get(room).map(|room| room.users()).unwrap_or_default();
        self.local.lock().occupy(room, users, Instant::now())
    }

    pub(super) fn fail(&self, error: &BusError) {
        tracing::debug!(%error, "presence: not done");
        self.metrics.failures.with_label_values(&["bus"]).inc();
    }
}

pub(super) async fn until(time: Option<Instant>) {
    match time {
        Some(time) => sleep_until(time).await,
        None => std::future::pending().await,
    }
}

const fn label(change: &Change) -> &'static str {
    match change {
        Change::Connect(_) => "come",
        Change::Disconnect => "go",
        Change::SetStatus(_) => "say",
    }
}
