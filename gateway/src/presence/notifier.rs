//! Sending connections the presence of the users and rooms they watch. Who reads too slowly gets all of it anew, later.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rookery_bus::error::BusError;
use rookery_bus::presence::UserPresence;
use rookery_bus::presence::occupancy::RoomOccupancy;
use rookery_protocol::id::{RoomId, UserId};
use tokio::time::{Instant, sleep};

use super::Presence;
use super::watchers::{Delivery, List};
use super::writer::until;
use crate::limits::{PRESENCE_GATHER, PRESENCE_INTERVAL, PRESENCE_READ_MAX, PRESENCE_RETRY_PAUSE};
use crate::send_queue::{Enqueued, SendQueue};
use crate::subscriber::Subscriber;

impl Presence {
    /// Sends until the process stops.
    pub async fn notify(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = self.watched.notified() => {}
                () = until(self.next_due()) => {}
            }
            sleep(PRESENCE_GATHER).await;
            if self.is_stale.swap(false, Ordering::AcqRel) {
                self.look_again().await;
            }
            let due = self.watchers.lock().due_users(Instant::now());
            self.deliver(due);
            self.send_rooms().await;
            self.catch_up().await;
        }
    }

    fn next_due(&self) -> Option<Instant> {
        let next = self.watchers.lock().next();
        let behind = !self.behind.lock().is_empty();
        let catch_up = behind.then(|| Instant::now() + PRESENCE_INTERVAL);
        next.into_iter().chain(catch_up).min()
    }

    async fn send_rooms(&self) {
        let due = self.watchers.lock().due_rooms(Instant::now());
        for rooms in due.chunks(PRESENCE_READ_MAX) {
            match self.store.occupants(rooms).await {
                Ok(found) => {
                    let now = Instant::now();
                    for (room, occupancies) in rooms.iter().zip(found) {
                        let changes = self.watchers.lock().see(*room, RoomOccupancy::of(occupancies), now);
                        self.deliver(changes);
                    }
                }
                Err(error) => {
                    self.fail(&error);
                    self.watchers.lock().put_off(rooms, Instant::now() + PRESENCE_RETRY_PAUSE);
                }
            }
        }
    }

    /// Everybody who is watched is asked about, since news may be lost.
    async fn look_again(&self) {
        let users = self.watchers.lock().doubt(Instant::now());
        let asked = Instant::now();
        match self.read(&users).await {
            Ok(found) => {
                for presence in found {
                    let (_, missed) = self.watchers.lock().answer(presence.to_seen(), asked);
                    self.deliver(missed);
                }
            }
            Err(error) => {
                self.fail(&error);
                self.is_stale.store(true, Ordering::Release);
                sleep(Duration::from_millis(200)).await;
                self.watched.notify_one();
            }
        }
    }

    /// Those who were sent too little and read again.
    async fn catch_up(&self) {
        let behind = std::mem::take(&mut *self.behind.lock());
        for member in behind {
            let list = self.watchers.lock().list(member.id);
            let Some(List { users, rooms }) = list else { continue };
            if !member.send_queue.is_low() {
                self.behind.lock().push(member);
            } else if let Err(error) = self.watch(&member, users, rooms).await {
                self.fail(&error);
                self.behind.lock().push(member);
            }
        }
    }

    pub(super) async fn read(&self, users: &[UserId]) -> Result<Vec<UserPresence>, BusError> {
        let mut found = Vec::with_capacity(users.len());
        for users in users.chunks(PRESENCE_READ_MAX) {
            found.extend(self.store.users(users).await?);
        }
        Ok(found)
    }

    pub(super) fn deliver(&self, deliveries: impl IntoIterator<Item = Delivery>) {
        let mut unflushed = Vec::new();
        for delivery in deliveries {
            self.enqueue(&delivery, &mut unflushed);
        }
        self.hub.flush(unflushed, Instant::now(), &[]);
    }

    pub(super) fn enqueue(&self, delivery: &Delivery, unflushed: &mut Vec<Arc<SendQueue>>) {
        for member in delivery.to.iter().filter(|member| may_receive(member, delivery.room)) {
            match member.send_queue.enqueue_unless_behind(std::slice::from_ref(&delivery.frame)) {
                Enqueued::Unflushed => unflushed.push(Arc::clone(&member.send_queue)),
                Enqueued::Scheduled => {}
                Enqueued::Refused => self.fall_behind(member),
            }
        }
        self.metrics.presence_notified.inc_by(u64::try_from(delivery.to.len()).unwrap_or(0));
    }

    /// Somebody looks again: everything that is watched is told anew.
    pub fn tell_anew(&self, member: &Arc<Subscriber>) {
        if self.watchers.lock().list(member.id).is_some() {
            self.fall_behind(member);
            self.watched.notify_one();
        }
    }

    fn fall_behind(&self, member: &Arc<Subscriber>) {
        let mut behind = self.behind.lock();
        if !behind.iter().any(|other| other.id == member.id) {
            behind.push(Arc::clone(member));
        }
    }
}

/// A member who has left a room receives nothing more of it, and nobody whom nobody looks at.
fn may_receive(member: &Subscriber, room: Option<RoomId>) -> bool {
    !member.is_background() && room.is_none_or(|room| member.has(room))
}
