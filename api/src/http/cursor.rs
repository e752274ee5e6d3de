//! Cursors: opaque, tamper-proof places in a list. `base64url(payload ‖ first half of its HMAC-SHA256)`.
//!
//! The kind and, for histories, the room go into the HMAC, so a cursor works only where it was given out.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::RwLock;
use ring::hmac;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{Epoch, JobId, MessageId, NoticeId, RoomId, ScheduleId, Seq, SessionId, UserId};
use rookery_protocol::position::Position;
use rookery_store::joining::{OwnRequestPlace, RequestPlace};
use rookery_store::mentions::MentionPlace;
use rookery_store::notice::NoticePlace;
use rookery_store::pin::PinPlace;
use rookery_store::room::{MemberPlace, MembershipPlace};
use rookery_store::room_search::RoomRank;
use rookery_store::saved::SavedPlace;
use rookery_store::search::FoundPlace;
use rookery_store::user::SearchPlace;
use subtle::ConstantTimeEq;
use uuid::Uuid;

const TAG_BYTES: usize = 16;
const HISTORY: &[u8] = b"history\0";
const REACTIONS: &[u8] = b"reactions\0";
const ROOMS: &[u8] = b"rooms\0";
const DIRECTORY: &[u8] = b"directory\0";
const ALL_ROOMS: &[u8] = b"all rooms\0";
const AUDIT: &[u8] = b"audit\0";
const BLOCKS: &[u8] = b"blocks\0";
const INVITES: &[u8] = b"invites\0";
const JOBS: &[u8] = b"jobs\0";
const JOIN_REQUESTS: &[u8] = b"join requests\0";
const OWN_JOIN_REQUESTS: &[u8] = b"own join requests\0";
const MEMBERS: &[u8] = b"members\0";
const MEMBERSHIPS: &[u8] = b"memberships\0";
const NOTICES: &[u8] = b"notices\0";
const REPORTS: &[u8] = b"reports\0";
const SESSIONS: &[u8] = b"sessions\0";
const SANCTIONS: &[u8] = b"sanctions\0";
const MEMBERS_FOUND: &[u8] = b"members found\0";
const ROOM_INVITES: &[u8] = b"room invites\0";
const ANNOUNCEMENTS: &[u8] = b"announcements\0";
const MENTIONS: &[u8] = b"mentions\0";
const PINS: &[u8] = b"pins\0";
const SAVED: &[u8] = b"saved\0";
const THREAD: &[u8] = b"thread\0";
const SCHEDULES: &[u8] = b"schedules\0";
const SEARCH: &[u8] = b"search\0";
const USERS: &[u8] = b"users\0";

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

    /// A place in a thread.
    pub fn thread(&self, message: MessageId, place: Position) -> String {
        let payload = [place.epoch.0.to_be_bytes(), place.seq.get().to_be_bytes()].concat();
        self.seal(&payload, &[THREAD, message.as_uuid().as_bytes()])
    }

    /// The place, if the cursor was made for what answers this message.
    pub fn read_thread(&self, message: MessageId, text: &str) -> Option<Position> {
        self.open(text, &[THREAD, message.as_uuid().as_bytes()]).and_then(place)
    }

    /// A place in the list of what a user has saved.
    pub fn saved(&self, user: UserId, place: SavedPlace) -> String {
        let payload = timed(place.at, place.message.as_uuid());
        self.seal(&payload, &[SAVED, user.as_uuid().as_bytes()])
    }

    /// The place, if the cursor was made for this user.
    pub fn read_saved(&self, user: UserId, text: &str) -> Option<SavedPlace> {
        let (at, message) = read_timed(self.open(text, &[SAVED, user.as_uuid().as_bytes()])?);
        Some(SavedPlace { at, message: MessageId::from_uuid(message) })
    }

    /// A place in the list of a room's pinned messages.
    pub fn pins(&self, room: RoomId, place: PinPlace) -> String {
        let payload = timed(place.at, place.message.as_uuid());
        self.seal(&payload, &[PINS, room.as_uuid().as_bytes()])
    }

    /// The place, if the cursor was made for this room.
    pub fn read_pins(&self, room: RoomId, text: &str) -> Option<PinPlace> {
        let (at, message) = read_timed(self.open(text, &[PINS, room.as_uuid().as_bytes()])?);
        Some(PinPlace { at, message: MessageId::from_uuid(message) })
    }

    /// A place in the list of a user's mentions.
    pub fn mentions(&self, user: UserId, place: MentionPlace) -> String {
        let payload = timed(place.at, place.message.as_uuid());
        self.seal(&payload, &[MENTIONS, user.as_uuid().as_bytes()])
    }

    /// The place, if the cursor was made for this user.
    pub fn read_mentions(&self, user: UserId, text: &str) -> Option<MentionPlace> {
        let (at, message) = read_timed(self.open(text, &[MENTIONS, user.as_uuid().as_bytes()])?);
        Some(MentionPlace { at, message: MessageId::from_uuid(message) })
    }

    /// A place in the list of public rooms.
    pub fn rooms(&self, after: RoomId) -> String {
        self.seal(after.as_uuid().as_bytes(), &[ROOMS])
    }

    /// The room after which the list goes on.
    pub fn read_rooms(&self, text: &str) -> Option<RoomId> {
        self.open::<16>(text, &[ROOMS]).map(|bytes| RoomId::from_uuid(Uuid::from_bytes(bytes)))
    }

    /// A place in what a search for rooms finds.
    pub fn directory(&self, words: &[String], place: RoomRank) -> String {
        let payload = [&place.members.to_be_bytes()[..], place.room.as_uuid().as_bytes()].concat();
        self.seal(&payload, &[DIRECTORY, words.join(" ").as_bytes()])
    }

    /// The place, if the cursor was made for this search.
    pub fn read_directory(&self, words: &[String], text: &str) -> Option<RoomRank> {
        let payload: [u8; 24] = self.open(text, &[DIRECTORY, words.join(" ").as_bytes()])?;
        let (members, room) = payload.split_at(8);
        let members = u64::from_be_bytes(members.try_into().ok()?);
        Some(RoomRank { members, room: RoomId::from_uuid(Uuid::from_slice(room).ok()?) })
    }

    /// A place in what a search for users finds.
    pub fn users(&self, prefix: &str, place: &SearchPlace) -> String {
        let payload = [place.user.as_uuid().as_bytes(), place.key.as_bytes()].concat();
        self.seal(&payload, &[USERS, prefix.as_bytes()])
    }

    /// The place, if the cursor was made for this search.
    pub fn read_users(&self, prefix: &str, text: &str) -> Option<SearchPlace> {
        let payload = self.open_any(text, &[USERS, prefix.as_bytes()])?;
        let (user, key) = payload.split_at_checked(16)?;
        let user = UserId::from_uuid(Uuid::from_slice(user).ok()?);
        Some(SearchPlace { key: std::str::from_utf8(key).ok()?.to_owned(), user })
    }

    /// A place in the list of what holds in a room.
    pub fn sanctions(&self, room: RoomId, after: UserId) -> String {
        self.seal(after.as_uuid().as_bytes(), &[SANCTIONS, room.as_uuid().as_bytes()])
    }

    /// The user after whom the list goes on.
    pub fn read_sanctions(&self, room: RoomId, text: &str) -> Option<UserId> {
        let bytes = self.open::<16>(text, &[SANCTIONS, room.as_uuid().as_bytes()])?;
        Some(UserId::from_uuid(Uuid::from_bytes(bytes)))
    }

    /// A place in what a search for members of a room finds.
    pub fn members_found(&self, room: RoomId, prefix: &str, place: &SearchPlace) -> String {
        let payload = [place.user.as_uuid().as_bytes(), place.key.as_bytes()].concat();
        self.seal(&payload, &[MEMBERS_FOUND, room.as_uuid().as_bytes(), prefix.as_bytes()])
    }

    /// The place, if the cursor was made for this search.
    pub fn read_members_found(&self, room: RoomId, prefix: &str, text: &str) -> Option<SearchPlace> {
        let payload = self.open_any(text, &[MEMBERS_FOUND, room.as_uuid().as_bytes(), prefix.as_bytes()])?;
        let (user, key) = payload.split_at_checked(16)?;
        let user = UserId::from_uuid(Uuid::from_slice(user).ok()?);
        Some(SearchPlace { key: std::str::from_utf8(key).ok()?.to_owned(), user })
    }

    /// A place in the list of whom somebody has blocked.
    pub fn blocks(&self, by: UserId, after: UserId) -> String {
        self.seal(after.as_uuid().as_bytes(), &[BLOCKS, by.as_uuid().as_bytes()])
    }

    /// The user after whom the list goes on.
    pub fn read_blocks(&self, by: UserId, text: &str) -> Option<UserId> {
        let after = self.open::<16>(text, &[BLOCKS, by.as_uuid().as_bytes()]);
        after.map(|bytes| UserId::from_uuid(Uuid::from_bytes(bytes)))
    }

    /// A place in the list of somebody's sessions.
    pub fn sessions(&self, user: UserId, after: SessionId) -> String {
        self.seal(after.as_uuid().as_bytes(), &[SESSIONS, user.as_uuid().as_bytes()])
    }

    /// The session after which the list goes on.
    pub fn read_sessions(&self, user: UserId, text: &str) -> Option<SessionId> {
        let after = self.open::<16>(text, &[SESSIONS, user.as_uuid().as_bytes()]);
        after.map(|bytes| SessionId::from_uuid(Uuid::from_bytes(bytes)))
    }

    /// A place in the list of invites to the server.
    pub fn invites(&self, after: Uuid) -> String {
        self.seal(after.as_bytes(), &[INVITES])
    }

    /// The invite after which the list goes on.
    pub fn read_invites(&self, text: &str) -> Option<Uuid> {
        self.open::<16>(text, &[INVITES]).map(Uuid::from_bytes)
    }

    /// A place in the list of a room's invites.
    pub fn room_invites(&self, room: RoomId, after: Uuid) -> String {
        self.seal(after.as_bytes(), &[ROOM_INVITES, room.as_uuid().as_bytes()])
    }

    /// The invite after which the list goes on.
    pub fn read_room_invites(&self, room: RoomId, text: &str) -> Option<Uuid> {
        self.open::<16>(text, &[ROOM_INVITES, room.as_uuid().as_bytes()]).map(Uuid::from_bytes)
    }

    /// A place in the list of those who want to join a room.
    pub fn join_requests(&self, room: RoomId, place: RequestPlace) -> String {
        let payload = timed(place.created_at, place.user_id.as_uuid());
        self.seal(&payload, &[JOIN_REQUESTS, room.as_uuid().as_bytes()])
    }

    /// The place, if the cursor was made for this room.
    pub fn read_join_requests(&self, room: RoomId, text: &str) -> Option<RequestPlace> {
        let (created_at, user_id) = read_timed(self.open(text, &[JOIN_REQUESTS, room.as_uuid().as_bytes()])?);
        Some(RequestPlace { created_at, user_id: UserId::from_uuid(user_id) })
    }

    /// A place in the list of a user's own requests to join.
    pub fn own_join_requests(&self, user: UserId, place: OwnRequestPlace) -> String {
        let payload = timed(place.created_at, place.room_id.as_uuid());
        self.seal(&payload, &[OWN_JOIN_REQUESTS, user.as_uuid().as_bytes()])
    }

    /// The place, if the cursor was made for this user.
    pub fn read_own_join_requests(&self, user: UserId, text: &str) -> Option<OwnRequestPlace> {
        let (created_at, room_id) = read_timed(self.open(text, &[OWN_JOIN_REQUESTS, user.as_uuid().as_bytes()])?);
        Some(OwnRequestPlace { created_at, room_id: RoomId::from_uuid(room_id) })
    }

    /// A place in the audit log.
    pub fn audit(&self, before: Uuid) -> String {
        self.seal(before.as_bytes(), &[AUDIT])
    }

    /// The entry before which the list goes on.
    pub fn read_audit(&self, text: &str) -> Option<Uuid> {
        self.open::<16>(text, &[AUDIT]).map(Uuid::from_bytes)
    }

    /// A place in the list of all rooms.
    pub fn all_rooms(&self, after: RoomId) -> String {
        self.seal(after.as_uuid().as_bytes(), &[ALL_ROOMS])
    }

    /// The room after which the list goes on.
    pub fn read_all_rooms(&self, text: &str) -> Option<RoomId> {
        self.open::<16>(text, &[ALL_ROOMS])
            .map(|bytes| RoomId::from_uuid(Uuid::from_bytes(bytes)))
    }

    /// A place in the list of reports.
    pub fn reports(&self, before: Uuid) -> String {
        self.seal(before.as_bytes(), &[REPORTS])
    }

    /// The report before which the list goes on.
    pub fn read_reports(&self, text: &str) -> Option<Uuid> {
        self.open::<16>(text, &[REPORTS]).map(Uuid::from_bytes)
    }

    /// A place in a list of jobs.
    pub fn jobs(&self, after: JobId) -> String {
        self.seal(after.as_uuid().as_bytes(), &[JOBS])
    }

    /// The job after which the list goes on.
    pub fn read_jobs(&self, text: &str) -> Option<JobId> {
        self.open::<16>(text, &[JOBS]).map(|bytes| JobId::from_uuid(Uuid::from_bytes(bytes)))
    }

    /// A place in the list of a room's members.
    pub fn members(&self, room: RoomId, place: MemberPlace) -> String {
        let payload = timed(place.joined_at, place.user_id.as_uuid());
        self.seal(&payload, &[MEMBERS, room.as_uuid().as_bytes()])
    }

    /// The place, if the cursor was made for this room.
    pub fn read_members(&self, room: RoomId, text: &str) -> Option<MemberPlace> {
        let (joined_at, user_id) = read_timed(self.open(text, &[MEMBERS, room.as_uuid().as_bytes()])?);
        Some(MemberPlace { joined_at, user_id: UserId::from_uuid(user_id) })
    }

    /// A place in the list of a user's rooms.
    pub fn memberships(&self, user: UserId, place: MembershipPlace) -> String {
        let payload = timed(place.joined_at, place.room_id.as_uuid());
        self.seal(&payload, &[MEMBERSHIPS, user.as_uuid().as_bytes()])
    }

    /// The place, if the cursor was made for this user.
    pub fn read_memberships(&self, user: UserId, text: &str) -> Option<MembershipPlace> {
        let (joined_at, room_id) = read_timed(self.open(text, &[MEMBERSHIPS, user.as_uuid().as_bytes()])?);
        Some(MembershipPlace { joined_at, room_id: RoomId::from_uuid(room_id) })
    }

    /// A place in the list of announcements.
    pub fn announcements(&self, before: Uuid) -> String {
        self.seal(before.as_bytes(), &[ANNOUNCEMENTS])
    }

    /// The announcement before which the list goes on.
    pub fn read_announcements(&self, text: &str) -> Option<Uuid> {
        self.open::<16>(text, &[ANNOUNCEMENTS]).map(Uuid::from_bytes)
    }

    /// A place in a user's inbox.
    pub fn notices(&self, user: UserId, place: NoticePlace) -> String {
        let payload = timed(place.at, place.id.as_uuid());
        self.seal(&payload, &[NOTICES, user.as_uuid().as_bytes()])
    }

    /// The place, if the cursor was made for this user.
    pub fn read_notices(&self, user: UserId, text: &str) -> Option<NoticePlace> {
        let (at, id) = read_timed(self.open(text, &[NOTICES, user.as_uuid().as_bytes()])?);
        Some(NoticePlace { at, id: NoticeId::from_uuid(id) })
    }

    /// A place in what a search of this user finds.
    pub fn search(&self, reader: UserId, query: &str, place: FoundPlace) -> String {
        let payload = timed(place.at, place.message.as_uuid());
        self.seal(&payload, &[SEARCH, reader.as_uuid().as_bytes(), query.as_bytes()])
    }

    /// The place, if the cursor was made for this search.
    pub fn read_search(&self, reader: UserId, query: &str, text: &str) -> Option<FoundPlace> {
        let (at, message) = read_timed(self.open(text, &[SEARCH, reader.as_uuid().as_bytes(), query.as_bytes()])?);
        Some(FoundPlace { at, message: MessageId::from_uuid(message) })
    }

    /// A place in the list of what a user sends to a room later.
    pub fn schedules(&self, owner: UserId, room: RoomId, before: ScheduleId) -> String {
        self.seal(before.as_uuid().as_bytes(), &[SCHEDULES, owner.as_uuid().as_bytes(), room.as_uuid().as_bytes()])
    }

    /// The schedule before which the list goes on.
    pub fn read_schedules(&self, owner: UserId, room: RoomId, text: &str) -> Option<ScheduleId> {
        let bytes = self.open::<16>(text, &[SCHEDULES, owner.as_uuid().as_bytes(), room.as_uuid().as_bytes()]);
        bytes.map(|bytes| ScheduleId::from_uuid(Uuid::from_bytes(bytes)))
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

    /// The same for a payload of any length.
    fn open_any(&self, text: &str, context: &[&[u8]]) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (payload, tag) = bytes.split_at_checked(bytes.len().checked_sub(TAG_BYTES)?)?;
        let is_of = |key: &hmac::Key| bool::from(self::tag(key, payload, context).ct_eq(tag));
        let genuine = self.keys.read().iter().any(is_of);
        genuine.then(|| payload.to_vec())
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

/// A time, and an id among those of that time.
fn timed(at: UnixMillis, id: Uuid) -> [u8; 24] {
    let mut payload = [0; 24];
    payload[..8].copy_from_slice(&at.0.to_be_bytes());
    payload[8..].copy_from_slice(id.as_bytes());
    payload
}

fn read_timed(payload: [u8; 24]) -> (UnixMillis, Uuid) {
    let (mut at, mut id) = ([0; 8], [0; 16]);
    at.copy_from_slice(&payload[..8]);
    id.copy_from_slice(&payload[8..]);
    (UnixMillis(i64::from_be_bytes(at)), Uuid::from_bytes(id))
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
