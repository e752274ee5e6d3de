//! Cursors: opaque, tamper-proof places in a list. `base64url(payload ‖ first half of its HMAC-SHA256)`.
//!
//! The kind and, for histories, the room go into the HMAC, so a cursor works only where it was given out.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::RwLock;
use ring::hmac;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{Epoch, MessageId, RoomId, Seq, UserId};
use rookery_protocol::position::Position;
use rookery_store::room::{MemberPlace, MembershipPlace};
use subtle::ConstantTimeEq;
use uuid::Uuid;

const TAG_BYTES: usize = 16;
const HISTORY: &[u8] = b"history\0";
const REACTIONS: &[u8] = b"reactions\0";
const ROOMS: &[u8] = b"rooms\0";
const MEMBERS: &[u8] = b"members\0";
const MEMBERSHIPS: &[u8] = b"memberships\0";

/// Makes and reads cursors. Copies share their secrets.
#[derive(Clone, Default)]
pub struct Cursors {
    keys: Arc<RwLock<Vec<hmac::Key>>>,
}

impl Cursors {
    /// Cursors under these secrets, which all nodes of a deployment share.
    pub fn new(secrets: &[[u8; 32]]) -> Self {
        let cursors = Self::default();
        cursors.replace(secrets);
        cursors
    }

    /// From now on these secrets count: cursors are made with the first, and read if they were made with any.
    pub fn replace(&self, secrets: &[[u8; 32]]) {
        *self.keys.write() = secrets.iter().map(|secret| hmac::Key::new(hmac::HMAC_SHA256, secret)).collect();
    }

    /// A place in a room's history.
    pub fn history(&self, room: RoomId, place: Position) -> String {
        let payload = [place.epoch.0.to_be_bytes(), place.seq.get().to_be_bytes()].concat();
        self.seal(&payload, &[HISTORY, room.as_uuid().as_bytes()])
    }

    /// The place, if the cursor was made for this room.
    pub fn read_history(&self, room: RoomId, text: &str) -> Option<Position> {
        self.open(text, &[HISTORY, room.as_uuid().as_bytes()]).and_then(place)
    }

    /// A place in the list of a message's reactions.
    pub fn reactions(&self, message: MessageId, place: Position) -> String {
        let payload = [place.epoch.0.to_be_bytes(), place.seq.get().to_be_bytes()].concat();
        self.seal(&payload, &[REACTIONS, message.as_uuid().as_bytes()])
    }

    /// The place, if the cursor was made for this message.
    pub fn read_reactions(&self, message: MessageId, text: &str) -> Option<Position> {
        self.open(text, &[REACTIONS, message.as_uuid().as_bytes()]).and_then(place)
    }

    /// A place in the list of public rooms.
    pub fn rooms(&self, after: RoomId) -> String {
        self.seal(after.as_uuid().as_bytes(), &[ROOMS])
    }

    /// The room after which the list goes on.
    pub fn read_rooms(&self, text: &str) -> Option<RoomId> {
        self.open::<16>(text, &[ROOMS]).map(|bytes| RoomId::from_uuid(Uuid::from_bytes(bytes)))
    }

    /// A place in the list of a room's members.
    pub fn members(&self, room: RoomId, place: MemberPlace) -> String {
        let payload = [&place.joined_at.0.to_be_bytes()[..], place.user_id.as_uuid().as_bytes()].concat();
        self.seal(&payload, &[MEMBERS, room.as_uuid().as_bytes()])
    }

    /// The place, if the cursor was made for this room.
    pub fn read_members(&self, room: RoomId, text: &str) -> Option<MemberPlace> {
        let payload: [u8; 24] = self.open(text, &[MEMBERS, room.as_uuid().as_bytes()])?;
        let (joined_at, user_id) = payload.split_at(8);
        let joined_at = UnixMillis(i64::from_be_bytes(joined_at.try_into().ok()?));
        Some(MemberPlace { joined_at, user_id: UserId::from_uuid(Uuid::from_slice(user_id).ok()?) })
    }

    /// A place in the list of a user's rooms.
    pub fn memberships(&self, user: UserId, place: MembershipPlace) -> String {
        let payload = [&place.joined_at.0.to_be_bytes()[..], place.room_id.as_uuid().as_bytes()].concat();
        self.seal(&payload, &[MEMBERSHIPS, user.as_uuid().as_bytes()])
    }

    /// The place, if the cursor was made for this user.
    pub fn read_memberships(&self, user: UserId, text: &str) -> Option<MembershipPlace> {
        let payload: [u8; 24] = self.open(text, &[MEMBERSHIPS, user.as_uuid().as_bytes()])?;
        let (joined_at, room_id) = payload.split_at(8);
        let joined_at = UnixMillis(i64::from_be_bytes(joined_at.try_into().ok()?));
        Some(MembershipPlace { joined_at, room_id: RoomId::from_uuid(Uuid::from_slice(room_id).ok()?) })
    }

    fn seal(&self, payload: &[u8], context: &[&[u8]]) -> String {
        // Without a secret there is no tag, and nobody takes the cursor.
        let tag = self.keys.read().first().map(|key| tag(key, payload, context));
        URL_SAFE_NO_PAD.encode([payload, tag.as_ref().map_or(&[], |tag| &tag[..])].concat())
    }

    fn open<const N: usize>(&self, text: &str, context: &[&[u8]]) -> Option<[u8; N]> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (payload, tag) = bytes.split_at_checked(N)?;
        let is_of = |key: &hmac::Key| bool::from(self::tag(key, payload, context).ct_eq(tag));
        let genuine = self.keys.read().iter().any(is_of);
        payload.try_into().ok().filter(|_| genuine)
    }
}

fn tag(key: &hmac::Key, payload: &[u8], context: &[&[u8]]) -> [u8; TAG_BYTES] {
    let mut signing = hmac::Context::with_key(key);
    for part in context.iter().chain([&payload]) {
        signing.update(part);
    }
    let mut tag = [0_u8; TAG_BYTES];
    tag.copy_from_slice(&signing.sign().as_ref()[..TAG_BYTES]);
    tag
}

fn place(payload: [u8; 16]) -> Option<Position> {
    let (epoch, seq) = payload.split_at(8);
    let number = |bytes: &[u8]| bytes.try_into().ok().map(u64::from_be_bytes);
    Some(Position { epoch: Epoch(number(epoch)?), seq: Seq::new(number(seq)?) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_works_only_where_it_was_made() {
        let cursors = Cursors::new(&[[1; 32]]);
        let (room, place) = (RoomId::generate(), Position { epoch: Epoch(3), seq: Seq::new(77) });
        let text = cursors.history(room, place);
        assert_eq!(cursors.read_history(room, &text), Some(place));
        assert_eq!(cursors.read_history(RoomId::generate(), &text), None);
        assert_eq!(cursors.read_rooms(&text), None);
        let message = MessageId::from_uuid(room.as_uuid());
        assert_eq!(cursors.read_reactions(message, &text), None);
        assert_eq!(cursors.read_reactions(message, &cursors.reactions(message, place)), Some(place));
        assert_eq!(Cursors::new(&[[2; 32]]).read_history(room, &text), None);
        assert_eq!(cursors.read_rooms(&cursors.rooms(room)), Some(room));
        let member = MemberPlace { joined_at: UnixMillis(-5), user_id: UserId::generate() };
        let text = cursors.members(room, member);
        assert_eq!(cursors.read_members(room, &text), Some(member));
        assert_eq!((cursors.read_members(RoomId::generate(), &text), cursors.read_history(room, &text)), (None, None));
        let (user, mine) = (UserId::generate(), MembershipPlace { joined_at: UnixMillis(9), room_id: room });
        let text = cursors.memberships(user, mine);
        assert_eq!(cursors.read_memberships(user, &text), Some(mine));
        assert_eq!(cursors.read_memberships(UserId::generate(), &text), None);
    }

    #[test]
    fn a_cursor_is_good_as_long_as_its_secret_is() {
        let cursors = Cursors::new(&[[1; 32]]);
        let room = RoomId::generate();
        let text = cursors.rooms(room);
        cursors.replace(&[[2; 32], [1; 32]]);
        assert_eq!(cursors.read_rooms(&text), Some(room));
        assert_eq!(Cursors::new(&[[2; 32]]).read_rooms(&cursors.rooms(room)), Some(room));
        cursors.replace(&[[2; 32]]);
        assert_eq!(cursors.read_rooms(&text), None);
        let nobody = Cursors::default();
        assert_eq!(nobody.read_rooms(&nobody.rooms(room)), None);
    }

    #[test]
    fn a_changed_cursor_is_refused() {
        let cursors = Cursors::new(&[[1; 32]]);
        let room = RoomId::generate();
        let text = cursors.history(room, Position { epoch: Epoch(1), seq: Seq::new(1) });
        for index in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(cursors.read_history(room, &changed), None, "{index}");
        }
        for bad in ["", "A", "!", &text[1..], &format!("{text}AAAA")] {
            assert_eq!(cursors.read_history(room, bad), None, "{bad}");
        }
    }
}
