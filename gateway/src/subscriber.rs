//! One authenticated connection as rooms, acks and commands see it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use rookery_protocol::close::CloseCode;
use rookery_protocol::event::Sender;
use rookery_protocol::id::{GENERAL, RoomId, RoomRef, Slug, UserId};
use rookery_protocol::limits::{ACKS_PENDING_PER_CONNECTION_MAX, ROOMS_PER_CONNECTION_MAX};
use rookery_protocol::position::Position;
use rookery_protocol::server::{ServerFrame, UnsubscribeReason};

use crate::compact_vec::reserve_one;
use crate::send_queue::SendQueue;

static NEXT: AtomicU64 = AtomicU64::new(1);

/// Names a connection within this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(u64);

/// A connection, as rooms and others see it.
#[derive(Debug)]
pub struct Subscriber {
    /// Id of the connection.
    pub id: ConnectionId,
    /// Whose connection it is.
    pub user: UserId,
    /// Its pending frames.
    pub send_queue: Arc<SendQueue>,
    is_single: bool,
    rooms: Mutex<Rooms>,
    /// Rooms that send it nothing any more, and where it stands in them.
    behind: Mutex<BTreeMap<RoomId, Position>>,
    acks: AtomicUsize,
    /// Nobody looks: what is said in rooms waits until somebody does.
    background: AtomicBool,
    /// How the connection ends, if its user may not go on.
    verdict: OnceLock<CloseCode>,
    /// The user's name, if it is another one than that of the token.
    renamed: Mutex<Option<Box<str>>>,
    /// Whether others see that the user is typing; not known before it is asked for.
    shows_typing: Mutex<Option<bool>>,
}

/// The rooms of a connection, in little memory: there are few of them, and many connections.
#[derive(Debug, Default)]
struct Rooms {
    /// In order.
    ids: Vec<RoomId>,
    /// Of those that have one.
    slugs: Vec<(RoomId, Slug)>,
}

impl Rooms {
    fn has(&self, room: RoomId) -> bool {
        self.ids.binary_search(&room).is_ok()
    }

    fn insert(&mut self, room: RoomId, slug: Option<Slug>) {
        self.remove(room);
        let place = self.ids.partition_point(|id| *id < room);
        reserve_one(&mut self.ids);
        self.ids.insert(place, room);
        self.slugs.extend(slug.map(|slug| (room, slug)));
    }

    fn remove(&mut self, room: RoomId) {
        if let Ok(place) = self.ids.binary_search(&room) {
            self.ids.remove(place);
            self.slugs.retain(|(id, _)| *id != room);
        }
    }
}

impl Subscriber {
    /// A connection that lives in no room yet; one that lives for a single room has no use without it.
    pub fn new(user: UserId, send_queue: Arc<SendQueue>, is_single: bool) -> Self {
        let id = ConnectionId(NEXT.fetch_add(1, Ordering::Relaxed));
        let (rooms, behind, acks) = (Mutex::default(), Mutex::default(), AtomicUsize::new(0));
        let (renamed, shows_typing) = (Mutex::default(), Mutex::default());
        Self {
            id,
            user,
            send_queue,
            is_single,
            rooms,
            behind,
            acks,
            background: AtomicBool::new(false),
            verdict: OnceLock::new(),
            renamed,
            shows_typing,
        }
    }

    /// The user has another name from now on.
    pub fn rename(&self, name: &str) {
        *self.renamed.lock() = Some(name.into());
    }

    /// The sender under the name that it has now.
    #[must_use]
    pub fn named(&self, sender: Sender) -> Sender {
        match self.renamed.lock().as_deref() {
            Some(name) => Sender { username: name.to_owned(), ..sender },
            None => sender,
        }
    }

    /// Whether others see that the user is typing, as far as that is known.
    pub fn shows_typing(&self) -> Option<bool> {
        *self.shows_typing.lock()
    }

    /// Others see from now on, or not, that the user is typing.
    pub fn show_typing(&self, shown: bool) {
        *self.shows_typing.lock() = Some(shown);
    }

    /// Whether nobody looks at what this connection receives.
    pub fn is_background(&self) -> bool {
        self.background.load(Ordering::Acquire)
    }

    /// From now on somebody looks, or nobody; says whether that is new.
    pub fn set_background(&self, on: bool) -> bool {
        self.background.swap(on, Ordering::AcqRel) != on
    }

    /// Whether the room is the one that everybody is in, as far as this connection knows it.
    pub fn knows_as_general(&self, room: RoomId) -> bool {
        let rooms = self.rooms.lock();
        rooms.slugs.iter().any(|(id, slug)| *id == room && slug.as_str() == GENERAL)
    }

    /// Notes a room before it is attached, so that the end of the connection finds it. False if there are too many.
    pub fn add_room(&self, room: RoomId, slug: Option<Slug>) -> bool {
        let mut rooms = self.rooms.lock();
        let fits = rooms.ids.len() < ROOMS_PER_CONNECTION_MAX || rooms.has(room);
        if fits {
            rooms.insert(room, slug);
        }
        fits
    }

    /// Forgets a room.
    pub fn remove_room(&self, room: RoomId) {
        self.rooms.lock().remove(room);
    }

    /// The user has lost the room. The client is notified and receives nothing more of it.
    pub fn lose(&self, room: RoomId, reason: Option<UnsubscribeReason>) {
        self.remove_room(room);
        self.behind.lock().remove(&room);
        self.send_queue.send(&ServerFrame::Unsubscribed { room, reason });
        if self.is_single {
            self.expel(CloseCode::Forbidden);
        }
    }

    /// The user may not go on: from now on nothing that this connection asked for is done, whatever still waits for it.
    /// What is to explain the end was sent before.
    pub fn expel(&self, code: CloseCode) {
        // The first one counts.
        self.verdict.set(code).ok();
        self.send_queue.end(code);
    }

    /// How the connection ends, if its user may not go on.
    pub fn verdict(&self) -> Option<CloseCode> {
        self.verdict.get().copied()
    }

    /// The live room that the client means.
    pub fn find(&self, room: &RoomRef) -> Option<RoomId> {
        match room {
            RoomRef::Id(id) => Some(*id),
            RoomRef::Slug(slug) => {
                let rooms = self.rooms.lock();
                rooms.slugs.iter().find(|(_, known)| known == slug).map(|(id, _)| *id)
            }
        }
    }

    /// The connection reads too slowly for a room, or nobody looks: it was sent everything up to here, and nothing more until it catches up.
    pub fn fall_behind(&self, room: RoomId, sent: Position) {
        self.behind.lock().entry(room).or_insert(sent);
        // Perhaps it has just read everything; then nothing else would make it look.
        self.send_queue.wake();
    }

    /// The rooms that have news which the client was not sent.
    pub fn behind(&self) -> Vec<RoomId> {
        self.behind.lock().keys().copied().collect()
    }

    /// The rooms to catch up with, if somebody looks and the client has read enough for that. Each is named once.
    pub fn take_behind(&self) -> Option<BTreeMap<RoomId, Position>> {
        if self.is_background() {
            return None;
        }
        let mut behind = self.behind.lock();
        (!behind.is_empty() && self.send_queue.is_low()).then(|| std::mem::take(&mut *behind))
    }

    /// Whether the room is live here.
    pub fn has(&self, room: RoomId) -> bool {
        self.rooms.lock().has(room)
    }

    /// The rooms that are live here.
    pub fn rooms(&self) -> Vec<RoomId> {
        self.rooms.lock().ids.clone()
    }

    /// Forgets all rooms and names them.
    pub fn leave_all(&self) -> Vec<RoomId> {
        std::mem::take(&mut *self.rooms.lock()).ids
    }

    /// Whether one more ack may wait.
    pub fn may_wait(&self) -> bool {
        self.acks.load(Ordering::Relaxed) < ACKS_PENDING_PER_CONNECTION_MAX
    }

    /// An ack begins to wait.
    pub fn ack_waits(&self) {
        self.acks.fetch_add(1, Ordering::Relaxed);
    }

    /// An ack waits no more.
    pub fn ack_done(&self) {
        self.acks.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_are_bounded_and_found_by_either_name() {
        let member = Subscriber::new(UserId::generate(), SendQueue::unwritten(), false);
        let slug: Slug = "general".to_owned().try_into().unwrap();
        let general = RoomId::generate();
        assert!(member.add_room(general, Some(slug.clone())));
        assert_eq!(member.find(&RoomRef::Slug(slug)), Some(general));
        for _ in 1..ROOMS_PER_CONNECTION_MAX {
            assert!(member.add_room(RoomId::generate(), None));
        }
        assert!(!member.add_room(RoomId::generate(), None));
        assert!(member.add_room(general, None), "a room it has costs nothing");
        assert_eq!(member.leave_all().len(), ROOMS_PER_CONNECTION_MAX);
    }
}
