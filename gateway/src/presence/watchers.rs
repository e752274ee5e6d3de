//! Who is sent whose presence: rules without clock or store. They say what goes to whom; others enqueue it.

use std::collections::HashMap;
use std::sync::Arc;

use rookery_bus::presence::occupancy::RoomOccupancy;
use rookery_protocol::id::{RoomId, UserId};
use rookery_protocol::server::{PresenceView, ServerFrame};
use tokio::time::Instant;

use crate::dialect::SharedFrame;
use crate::limits::{PRESENCE_COUNT_INTERVAL, PRESENCE_GATHER, PRESENCE_INTERVAL};
use crate::presence::due_queue::DueQueue;
use crate::subscriber::{ConnectionId, Subscriber};

/// Who watches which users and rooms.
#[derive(Default)]
pub(super) struct Watchers {
    /// The room that everybody is in, once somebody watches it.
    general: Option<RoomId>,
    lists: HashMap<ConnectionId, List>,
    users: HashMap<UserId, WatchedUser>,
    rooms: HashMap<RoomId, WatchedRoom>,
    users_due: DueQueue<UserId>,
    rooms_due: DueQueue<RoomId>,
}

/// What one connection watches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct List {
    pub(super) users: Vec<UserId>,
    pub(super) rooms: Vec<RoomId>,
}

#[derive(Default)]
struct WatchedUser {
    by: Vec<Arc<Subscriber>>,
    sent: Option<PresenceView>,
    pending: Option<PresenceView>,
    /// When the last change came.
    updated: Option<Instant>,
    may_send: Option<Instant>,
}

#[derive(Default)]
struct WatchedRoom {
    by: Vec<Arc<Subscriber>>,
    /// Members that know nothing yet.
    fresh: Vec<Arc<Subscriber>>,
    sent: Option<RoomOccupancy>,
    may_send: Option<Instant>,
    is_scheduled: bool,
}

/// A frame, and who gets it.
pub(super) struct Delivery {
    pub(super) frame: SharedFrame,
    /// The room it is about.
    pub(super) room: Option<RoomId>,
    pub(super) to: Vec<Arc<Subscriber>>,
}

impl Watchers {
    /// The connection watches this from now on, and gives back what it watched before.
    ///
    /// In `general`, if that is among the rooms, users are only counted: to be in it makes nobody acquainted.
    pub(super) fn replace(
        &mut self,
        member: &Arc<Subscriber>,
        list: &List,
        general: Option<RoomId>,
        now: Instant,
    ) -> (List, Vec<Delivery>) {
        self.general = general.or(self.general);
        let before = self.remove(member);
        let mut deliveries = Vec::new();
        for user in &list.users {
            self.users.entry(*user).or_default().by.push(Arc::clone(member));
        }
        for room in &list.rooms {
            let watched = self.rooms.entry(*room).or_default();
            watched.by.push(Arc::clone(member));
            if let Some(occupancy) = &watched.sent {
                deliveries.push(of_room(*room, occupancy.whole(*room), vec![Arc::clone(member)]));
            } else {
                watched.fresh.push(Arc::clone(member));
                watched.is_scheduled = true;
                self.rooms_due.add(now, *room);
            }
        }
        if !(list.users.is_empty() && list.rooms.is_empty()) {
            self.lists.insert(member.id, list.clone());
        }
        (before, deliveries)
    }

    /// Connections of others that watch the user.
    pub(super) fn who_watch(&self, user: UserId) -> Vec<Arc<Subscriber>> {
        let by = self.users.get(&user).into_iter().flat_map(|watched| &watched.by);
        by.filter(|member| member.user != user).cloned().collect()
    }

    /// The connection watches nothing any more; gives back what it watched.
    pub(super) fn remove(&mut self, member: &Subscriber) -> List {
        let Some(list) = self.lists.remove(&member.id) else { return List::default() };
        let stays = |other: &Arc<Subscriber>| other.id != member.id;
        for user in &list.users {
            if let Some(watched) = self.users.get_mut(user) {
                watched.by.retain(stays);
                if watched.by.is_empty() {
                    self.users.remove(user);
                }
            }
        }
        for room in &list.rooms {
            if let Some(watched) = self.rooms.get_mut(room) {
                watched.by.retain(stays);
                watched.fresh.retain(stays);
                if watched.by.is_empty() {
                    self.rooms.remove(room);
                }
            }
        }
        list
    }

    /// How a user stands, as it was read; what was updated since the question is newer. Others who were sent something
    /// else have missed a change.
    pub(super) fn answer(&mut self, read: PresenceView, asked: Instant) -> (PresenceView, Option<Delivery>) {
        let Some(watched) = self.users.get_mut(&read.user_id) else { return (read, None) };
        match (&watched.sent, watched.updated) {
            (Some(sent), Some(updated)) if updated >= asked => (sent.clone(), None),
            (Some(sent), _) if *sent != read => {
                watched.sent = Some(read.clone());
                let delivery = of_user(read.clone(), watched.by.clone());
                (read, Some(delivery))
            }
            (_, _) => {
                watched.sent = Some(read.clone());
                (read, None)
            }
        }
    }

    /// News of a user. None if it is none, or if it waits because it is too soon.
    pub(super) fn update(&mut self, seen: PresenceView, now: Instant) -> Option<Delivery> {
        let watched = self.users.get_mut(&seen.user_id)?;
        let user = seen.user_id;
        watched.updated = Some(now);
        watched.pending = Some(seen);
        match watched.may_send {
            Some(may) if now < may => {
                self.users_due.add(may, user);
                None
            }
            Some(_) | None => watched.send(now),
        }
    }

    /// News that has waited long enough.
    pub(super) fn due_users(&mut self, now: Instant) -> Vec<Delivery> {
        let due = self.users_due.take(now);
        due.into_iter().filter_map(|user| self.users.get_mut(&user)?.send(now)).collect()
    }

    /// Something has changed in the room.
    pub(super) fn touch(&mut self, room: RoomId, now: Instant) {
        if let Some(watched) = self.rooms.get_mut(&room).filter(|watched| !watched.is_scheduled) {
            watched.is_scheduled = true;
            let soon = now + PRESENCE_GATHER;
            self.rooms_due.add(watched.may_send.map_or(soon, |may| may.max(soon)), room);
        }
    }

    /// The rooms to read now: each is to be given to [`Watchers::see`].
    pub(super) fn due_rooms(&mut self, now: Instant) -> Vec<RoomId> {
        let due = self.rooms_due.take(now);
        for room in &due {
            if let Some(watched) = self.rooms.get_mut(room) {
                watched.is_scheduled = false;
            }
        }
        due.into_iter().filter(|room| self.rooms.contains_key(room)).collect()
    }

    /// Who is in the room.
    pub(super) fn see(&mut self, room: RoomId, occupancy: RoomOccupancy, now: Instant) -> Vec<Delivery> {
        let occupancy = if self.general == Some(room) { occupancy.counted() } else { occupancy };
        let Some(watched) = self.rooms.get_mut(&room) else { return Vec::new() };
        let fresh = std::mem::take(&mut watched.fresh);
        let mut deliveries = Vec::new();
        if let Some(frame) = watched.sent.as_ref().and_then(|sent| occupancy.since(sent, room)) {
            let knows = |member: &&Arc<Subscriber>| !fresh.iter().any(|other| other.id == member.id);
            let to = watched.by.iter().filter(knows).cloned().collect();
            deliveries.push(of_room(room, frame, to));
        }
        if !fresh.is_empty() {
            deliveries.push(of_room(room, occupancy.whole(room), fresh));
        }
        watched.may_send = Some(now + if occupancy.is_counted() { PRESENCE_COUNT_INTERVAL } else { PRESENCE_INTERVAL });
        watched.sent = Some(occupancy);
        deliveries
    }

    /// Rooms that could not be read; try again then.
    pub(super) fn put_off(&mut self, rooms: &[RoomId], until: Instant) {
        for room in rooms {
            if let Some(watched) = self.rooms.get_mut(room) {
                watched.is_scheduled = true;
                self.rooms_due.add(until, *room);
            }
        }
    }

    /// When there is something to be sent or read next.
    pub(super) fn next(&self) -> Option<Instant> {
        let (users, rooms) = (self.users_due.next(), self.rooms_due.next());
        users.into_iter().chain(rooms).min()
    }

    /// Everybody who is watched, and all rooms are due.
    pub(super) fn doubt(&mut self, now: Instant) -> Vec<UserId> {
        let rooms: Vec<RoomId> = self.rooms.keys().copied().collect();
        for room in rooms {
            self.touch(room, now);
        }
        self.users.keys().copied().collect()
    }

    /// What the connection watches.
    pub(super) fn list(&self, member: ConnectionId) -> Option<List> {
        self.lists.get(&member).cloned()
    }

    /// How many users are online in a room, if it is watched here.
    pub(super) fn online(&self, room: RoomId) -> Option<usize> {
        Some(self.rooms.get(&room)?.sent.as_ref()?.online())
    }
}

impl WatchedUser {
    fn send(&mut self, now: Instant) -> Option<Delivery> {
        let pending = self.pending.take()?;
        if self.sent.as_ref() == Some(&pending) {
            return None;
        }
        self.may_send = Some(now + PRESENCE_INTERVAL);
        self.sent = Some(pending.clone());
        Some(of_user(pending, self.by.clone()))
    }
}

fn of_user(seen: PresenceView, to: Vec<Arc<Subscriber>>) -> Delivery {
    Delivery { frame: ServerFrame::Presence(seen).into(), room: None, to }
}

fn of_room(room: RoomId, frame: ServerFrame, to: Vec<Arc<Subscriber>>) -> Delivery {
    Delivery { frame: frame.into(), room: Some(room), to }
}
