//! What this gateway has to write about the users who are here and the rooms they are in: rules without clock or store.
//!
//! A user's connections count as one. A user who is gone is still here for a while, and so is in the rooms: whoever comes
//! back in time leaves no trace.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use rookery_bus::presence::{Change, Occupancy, Occupant, Setting, UserPresence};
use rookery_protocol::id::{RoomId, UserId};
use rookery_protocol::limits::ROOM_PRESENCE_MAX;
use tokio::time::Instant;

use crate::limits::{PRESENCE_COUNT_INTERVAL, PRESENCE_INTERVAL};
use crate::presence::due_queue::DueQueue;

/// The users of this node, as they were written last.
#[derive(Debug, Default)]
pub(super) struct LocalPresence {
    users: HashMap<UserId, Here>,
    rooms: HashMap<RoomId, Note>,
    hasher: RandomState,
    /// When to look at whom. A look that is not needed does nothing.
    users_due: DueQueue<UserId>,
    rooms_due: DueQueue<RoomId>,
}

/// Who is written to be in a room; none for nobody.
pub(super) type Written = (RoomId, Option<Occupancy>);

#[derive(Debug, Default)]
struct Here {
    connections: u32,
    /// Until when a user without connections is here.
    until: Option<Instant>,
    written: bool,
    /// Boxed, because most users never say anything of themselves.
    setting: Option<Box<Setting>>,
    /// What is to be written.
    pending_status: Option<Box<Setting>>,
    /// When that may be done again.
    status_due: Option<Instant>,
}

#[derive(Debug, Default)]
struct Note {
    /// Users whose connection broke, and until when they are in the room.
    lingering: HashMap<UserId, Instant>,
    written: Last,
    /// When it may be written again.
    may_write: Option<Instant>,
    scheduled: Option<Instant>,
}

/// What was written of a room last. Its digest is enough to know whether there is news: who is in it is kept elsewhere.
#[derive(Debug, Default, PartialEq, Eq)]
enum Last {
    #[default]
    Nobody,
    Somebody(u64),
    Unknown,
}

impl Here {
    fn is_here(&self, now: Instant) -> bool {
        self.connections > 0 || self.until.is_some_and(|until| now < until)
    }

    fn setting(&self) -> Option<Setting> {
        self.setting.as_deref().cloned()
    }

    fn change(&self, now: Instant) -> Option<Change> {
        match (self.is_here(now), self.written) {
            (true, false) => Some(Change::Connect(self.setting())),
            (false, true) => Some(Change::Disconnect),
            (false, false) => None,
            (true, true) if self.status_due.is_some_and(|may| now < may) => None,
            (true, true) => self.pending_status.as_deref().cloned().map(Change::SetStatus),
        }
    }
}

impl LocalPresence {
    /// A connection came.
    pub(super) fn connect(&mut self, user: UserId, now: Instant) {
        let here = self.users.entry(user).or_default();
        here.connections += 1;
        here.until = None;
        self.users_due.add(now, user);
    }

    /// A connection is gone, and was in these rooms.
    pub(super) fn disconnect(&mut self, user: UserId, rooms: &[RoomId], grace: Duration, now: Instant) {
        let until = now + grace;
        if let Some(here) = self.users.get_mut(&user) {
            here.connections = here.connections.saturating_sub(1);
            if here.connections == 0 {
                here.until = Some(until);
                self.users_due.add(until, user);
            }
        }
        for room in rooms {
            self.rooms.entry(*room).or_default().lingering.insert(user, until);
            self.rooms_due.add(until, *room);
        }
    }

    /// The user says something of oneself.
    pub(super) fn set_status(&mut self, user: UserId, setting: Setting, now: Instant) {
        let is_news = |here: &Here| here.pending_status.is_some() || here.setting.as_deref() != Some(&setting);
        if let Some(here) = self.users.get_mut(&user).filter(|here| is_news(here)) {
            here.pending_status = Some(Box::new(setting));
            self.users_due.add(here.status_due.map_or(now, |may| may.max(now)), user);
        }
    }

    /// Somebody said how the user stands. Whether the user's rooms have to be written.
    pub(super) fn update(&mut self, presence: &UserPresence) -> bool {
        let Some(here) = self.users.get_mut(&presence.user) else { return false };
        let is_news = here.setting().unwrap_or_default() != presence.setting.clone().unwrap_or_default();
        here.setting = presence.setting.clone().map(Box::new);
        is_news
    }

    /// The users of the room changed.
    pub(super) fn touch(&mut self, room: RoomId, now: Instant) {
        let note = self.rooms.entry(room).or_default();
        if note.scheduled.is_none() {
            let due = note.may_write.map_or(now, |may| may.max(now));
            note.scheduled = Some(due);
            self.rooms_due.add(due, room);
        }
    }

    /// The user may no longer be in the room.
    pub(super) fn expel(&mut self, room: RoomId, user: UserId, now: Instant) {
        if let Some(note) = self.rooms.get_mut(&room) {
            note.lingering.remove(&user);
        }
        self.touch(room, now);
    }

    /// When there is something to look at next.
    pub(super) fn next(&self) -> Option<Instant> {
        let (users, rooms) = (self.users_due.next(), self.rooms_due.next());
        users.into_iter().chain(rooms).min()
    }

    /// What is to be written of users now. Each is to be confirmed or put off.
    pub(super) fn due_users(&mut self, now: Instant) -> Vec<(UserId, Change)> {
        let due = self.users_due.take(now);
        let mut changes = Vec::new();
        for user in due {
            match self.users.get(&user) {
                Some(here) => changes.extend(here.change(now).map(|change| (user, change))),
                None => continue,
            }
            self.remove_absent(user, now);
        }
        changes
    }

    /// The change is written, and this is how the user stands. Whether the user's rooms have to be written.
    pub(super) fn confirm(&mut self, change: &Change, presence: &UserPresence, now: Instant) -> bool {
        let user = presence.user;
        let Some(here) = self.users.get_mut(&user) else { return false };
        match change {
            Change::Connect(_) => here.written = true,
            Change::Disconnect => here.written = false,
            Change::SetStatus(setting) => {
                here.pending_status.take_if(|newer| **newer == *setting);
                here.status_due = Some(now + PRESENCE_INTERVAL);
            }
        }
        if here.change(now).is_some() {
            self.users_due.add(now, user);
        } else if let (Some(_), Some(may)) = (&here.pending_status, here.status_due) {
            self.users_due.add(may, user);
        }
        let is_news = self.update(presence);
        self.remove_absent(user, now);
        is_news
    }

    /// It could not be written; try again then.
    pub(super) fn put_off(&mut self, users: impl Iterator<Item = UserId>, until: Instant) {
        users.for_each(|user| self.users_due.add(until, user));
    }

    /// The rooms to write now: each is to be given to [`LocalPresence::occupy`].
    pub(super) fn due_rooms(&mut self, now: Instant) -> Vec<RoomId> {
        let due = self.rooms_due.take(now);
        let (ready, early): (Vec<RoomId>, Vec<RoomId>) = due.into_iter().partition(|room| {
            let note = self.rooms.get(room);
            note.is_some_and(|note| note.may_write.is_none_or(|may| may <= now))
        });
        for room in early {
            if let Some(may) = self.rooms.get(&room).and_then(|note| note.may_write) {
                self.rooms_due.add(may, room);
            }
        }
        ready
    }

    /// What to write of a room that has these users now; none if that is written already.
    pub(super) fn occupy(&mut self, room: RoomId, users: Vec<UserId>, now: Instant) -> Option<Written> {
        let note = self.rooms.get_mut(&room)?;
        note.scheduled = None;
        note.lingering.retain(|_, until| now < *until);
        let users: BTreeSet<UserId> = users.into_iter().chain(note.lingering.keys().copied()).collect();
        let count = users.len();
        let named = (count <= ROOM_PRESENCE_MAX).then(|| {
            let setting = |user| self.users.get(user).and_then(Here::setting).unwrap_or_default();
            users.iter().map(|user| Occupant { user: *user, setting: setting(user) }).collect()
        });
        let occupancy = (count > 0).then_some(Occupancy { count, users: named });
        let last = match &occupancy {
            Some(occupancy) => Last::Somebody(self.hasher.hash_one(occupancy)),
            None => Last::Nobody,
        };
        let is_news = last != note.written;
        if is_news {
            let pause = if count > ROOM_PRESENCE_MAX {
                PRESENCE_COUNT_INTERVAL
            } else {
                PRESENCE_INTERVAL
            };
            note.may_write = Some(now + pause);
            note.written = last;
            if occupancy.is_none() {
                // To be forgotten then.
                self.rooms_due.add(now + pause, room);
            }
        } else if occupancy.is_none() && note.may_write.is_none_or(|may| may <= now) {
            self.rooms.remove(&room);
        }
        is_news.then_some((room, occupancy))
    }

    /// The rooms could not be written; try again then.
    pub(super) fn put_off_rooms(&mut self, rooms: impl Iterator<Item = RoomId>, until: Instant) {
        for room in rooms {
            let note = self.rooms.entry(room).or_default();
            note.written = Last::Unknown;
            note.may_write = None;
            self.rooms_due.add(until, room);
        }
    }

    /// Everything that was written is lost, or counts no more.
    pub(super) fn write_again(&mut self, now: Instant) {
        for (user, here) in &mut self.users {
            here.written = false;
            self.users_due.add(now, *user);
        }
        for (room, note) in &mut self.rooms {
            note.written = Last::Nobody;
            note.may_write = None;
            self.rooms_due.add(now, *room);
        }
    }

    /// Users who are here.
    pub(super) fn len(&self) -> usize {
        self.users.len()
    }

    fn remove_absent(&mut self, user: UserId, now: Instant) {
        let is_over = |here: &Here| !here.is_here(now) && !here.written;
        if self.users.get(&user).is_some_and(is_over) {
            self.users.remove(&user);
        }
    }
}

#[cfg(test)]
mod tests;
