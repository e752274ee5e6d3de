//! What the api keeps: one small trait per aggregate, one error, two implementations under one contract suite
//! (`api/store/tests/it/store_contract.rs`).
//!
//! Time and ids are parameters. Lookups return an option; a broken row is [`StoreError::Inconsistent`].

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::emoji::Emoji;
use rookery_protocol::event::{Event, EventBody, RoomChange, RoomSettings, SequencedEvent};
use rookery_protocol::id::{AclVersion, Epoch, MessageId, Partition, RoomId, RoomRef, SessionId, UserId};
use rookery_protocol::position::{AlreadyStored, Position, StoredPosition};
use uuid::Uuid;

use crate::load::LoadSet;
use crate::message::{Kinds, Window};
use crate::message_state::{MessageState, Reacted};
use crate::room::{Member, MemberPlace, MembershipPlace, Room, SettingsChange};
use crate::sanction::{Sanction, SanctionAction};
use crate::session::{Session, TokenHash};
use crate::unread::{Counts, Reader, Span};
use crate::user::{ServerRole, User};

pub mod epoch;
mod error;
pub mod integer;
pub mod limits;
pub mod load;
pub mod login;
pub mod message;
pub mod message_state;
pub mod reactions;
pub mod renames;
pub mod room;
pub mod sanction;
pub mod session;
pub mod unread;
pub mod user;

pub use self::error::{StoreError, Unique};

/// Store of accounts.
#[async_trait]
pub trait Users: Send + Sync {
    /// Adds an account. [`StoreError::Taken`] names the value that collides.
    async fn insert(&self, user: &User) -> Result<(), StoreError>;
    /// By id.
    async fn by_id(&self, id: UserId) -> Result<Option<User>, StoreError>;
    /// By user name or, if the text has an `@`, by address; both without regard to case.
    async fn by_login(&self, login: &str) -> Result<Option<User>, StoreError>;
    /// The accounts with these ids; unknown ones are left out, order is not promised.
    async fn by_ids(&self, ids: &[UserId]) -> Result<Vec<User>, StoreError>;
    /// Says whether the account may log in. Without effect if there is no such account.
    async fn set_disabled(&self, id: UserId, disabled: bool) -> Result<(), StoreError>;
    /// Gives the account a role. Without effect if there is no such account.
    async fn set_role(&self, id: UserId, role: ServerRole) -> Result<(), StoreError>;
    /// Gives the account another password. Without effect if there is no such account.
    async fn set_password(&self, id: UserId, hash: &str) -> Result<(), StoreError>;
    /// Accounts in the order of their ids, after `after`, at most `limit`.
    async fn list(&self, after: Option<UserId>, limit: usize) -> Result<Vec<User>, StoreError>;
}

/// Login sessions.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Adds a session.
    async fn insert(&self, session: &Session) -> Result<(), StoreError>;
    /// By the lookup part of a refresh token.
    async fn by_lookup(&self, lookup: &[u8; 16]) -> Result<Option<Session>, StoreError>;
    /// Replaces the valid token, if `from` is still the valid one and the session is not revoked; says whether
    /// it did. `from` becomes the parent. Whoever reads the session reads all of it as it was before, or as it is after.
    async fn rotate(&self, id: SessionId, from: &TokenHash, to: Rotation) -> Result<bool, StoreError>;
    /// Revokes the family; the first time counts.
    async fn revoke(&self, id: SessionId, at: UnixMillis) -> Result<(), StoreError>;
    /// Revokes all sessions of the user that are not.
    async fn revoke_all(&self, user: UserId, at: UnixMillis) -> Result<(), StoreError>;
    /// Revokes all sessions of the user that are open at that time but for the newest `keep`; returns them. Of a user with
    /// more than [`crate::limits::SESSIONS_OF_USER_READ_MAX`] some may be left for the next time.
    async fn revoke_beyond(&self, user: UserId, keep: usize, at: UnixMillis) -> Result<Vec<SessionId>, StoreError>;
    /// Erases sessions that ended or were revoked before that time, at most `limit`; says how many.
    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError>;
    /// Sessions that were revoked then or later, at most `limit`. The order is not promised.
    async fn revoked_since(&self, at: UnixMillis, limit: usize) -> Result<Vec<SessionId>, StoreError>;
    /// Those of these sessions that are over: revoked, or not there. The order is not promised.
    async fn ended(&self, ids: &[SessionId]) -> Result<Vec<SessionId>, StoreError>;
}

/// The new state of a rotated session.
#[derive(Clone, Debug)]
pub struct Rotation {
    /// Hash of the new token.
    pub current: TokenHash,
    /// Time of the rotation.
    pub at: UnixMillis,
    /// When the new token ends.
    pub expires_at: UnixMillis,
    /// The new [`Session::replaced`].
    pub replaced: Vec<UnixMillis>,
}

/// Store of rooms.
#[async_trait]
pub trait Rooms: Send + Sync {
    /// Adds a room. [`Unique::Slug`] if its slug is taken, [`Unique::RoomName`] if it is public and its name is.
    async fn insert(&self, room: &Room) -> Result<(), StoreError>;
    /// By id or slug.
    async fn find(&self, room: &RoomRef) -> Result<Option<Room>, StoreError>;
    /// Public rooms in the order of their ids, after `after`, at most `limit`.
    async fn public(&self, after: Option<RoomId>, limit: usize) -> Result<Vec<Room>, StoreError>;
    /// The rooms with these ids; unknown ones are left out, order is not promised.
    async fn by_ids(&self, ids: &[RoomId]) -> Result<Vec<Room>, StoreError>;
    /// Rooms whose ACL version was raised then or later, at most `limit`. The order is not promised.
    async fn raised_since(&self, at: UnixMillis, limit: usize) -> Result<Vec<(RoomId, AclVersion)>, StoreError>;
    /// Changes settings, raises the room's ACL version and leaves an announcement in the outbox, in one atomic step:
    /// the event, with the settings as they are then. None if all was so already; then nothing changes.
    /// [`StoreError::Inconsistent`] if there is no such room.
    async fn apply_settings(
        &self,
        room: RoomId,
        change: SettingsChange,
        event: &Event,
    ) -> Result<Option<Announcement>, StoreError>;
}

/// Membership. Every change raises the room's ACL version and leaves an announcement in the outbox, in one
/// atomic step.
#[async_trait]
pub trait Members: Send + Sync {
    /// The user's place in the room.
    async fn get(&self, room: RoomId, user: UserId) -> Result<Option<Member>, StoreError>;
    /// The rooms of a user, in the order of joining, at most `limit`.
    async fn of_user(&self, user: UserId, limit: usize) -> Result<Vec<Member>, StoreError>;
    /// How many members each of these rooms has; rooms without members may be left out.
    async fn counts(&self, rooms: &[RoomId]) -> Result<HashMap<RoomId, u64>, StoreError>;
    /// How many members a room has.
    async fn count(&self, room: RoomId) -> Result<u64, StoreError>;
    /// Those of these users who are members. The order is not promised.
    async fn among(&self, room: RoomId, users: &[UserId]) -> Result<Vec<UserId>, StoreError>;
    /// Makes a member the owner; who owned the room is a moderator of it then. None if the user is no member, or the owner
    /// already; then nothing changes.
    async fn transfer(&self, room: RoomId, user: UserId, event: &Event) -> Result<Option<Announcement>, StoreError>;
    /// Those of the others who are in a room with the user, other than `except`. The order is not promised.
    async fn visible_users(
        &self,
        user: UserId,
        others: &[UserId],
        except: Option<RoomId>,
    ) -> Result<Vec<UserId>, StoreError>;
    /// Those of these places that somebody has. The order is not promised.
    async fn places(&self, places: &[(RoomId, UserId)]) -> Result<Vec<Member>, StoreError>;
    /// Members in the order of joining, after that place, at most `limit`.
    async fn page(&self, room: RoomId, after: Option<MemberPlace>, limit: usize) -> Result<Vec<Member>, StoreError>;
    /// Adds the member. None if the user is one already; then nothing changes. [`StoreError::Inconsistent`] if there is
    /// no such room, [`StoreError::Banned`] if the user is shut out at the time of joining.
    async fn join(&self, member: &Member, event: &Event) -> Result<Option<Announcement>, StoreError>;
    /// Removes the member. None if the user is not one; then nothing changes. [`StoreError::OwnerStays`] if
    /// [`rookery_protocol::access::decide_on_leaving`] says so. When an owner leaves, nobody else is there, and the room is
    /// closed: nobody can find it, and a later join is [`StoreError::Closed`].
    async fn leave(&self, room: RoomId, user: UserId, event: &Event) -> Result<Option<Announcement>, StoreError>;
}

/// What was decided against users in rooms.
#[async_trait]
pub trait Sanctions: Send + Sync {
    /// What holds, or held, against the user in the room.
    async fn get(&self, room: RoomId, user: UserId) -> Result<Sanction, StoreError>;
    /// The same for many places; those where nothing was ever decided may be left out.
    async fn among(&self, places: &[(RoomId, UserId)]) -> Result<HashMap<(RoomId, UserId), Sanction>, StoreError>;
    /// Applies a sanction: membership, sanction, the room's ACL version and the announcement, in one atomic step. None
    /// if all was so already; then nothing changes.
    async fn apply(
        &self,
        room: RoomId,
        user: UserId,
        action: SanctionAction,
        event: &Event,
    ) -> Result<Option<Announcement>, StoreError>;
}

/// An event that the store has decided and the bus has yet to carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// Room of the event.
    pub room: RoomId,
    /// The room's ACL version after the change.
    pub acl: AclVersion,
    /// The event. Its id names the announcement.
    pub event: Event,
}

impl Announcement {
    /// Of new settings.
    pub fn of_settings(room: RoomId, settings: RoomSettings, event: Event) -> Self {
        let event = Event { body: EventBody::Room(RoomChange::Updated { settings }), ..event };
        Self { room, acl: settings.version, event }
    }
}

/// Announcements that wait for the bus.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// The oldest announcements, at most `limit`.
    async fn pending(&self, limit: usize) -> Result<Vec<Announcement>, StoreError>;
    /// Forgets an announcement the bus has accepted. Idempotent.
    async fn done(&self, event: MessageId) -> Result<(), StoreError>;
}

/// Which page of a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PageQuestion {
    /// Part of the timeline.
    pub window: Window,
    /// Of what.
    pub kinds: Kinds,
    /// How many events at most.
    pub limit: usize,
}

impl PageQuestion {
    /// A page of every event.
    pub const fn all(window: Window, limit: usize) -> Self {
        Self { window, kinds: Kinds::All, limit }
    }
}

/// One reaction to one message.
#[derive(Clone, Copy, Debug)]
pub struct Reaction<'a> {
    /// Id of the message.
    pub message: MessageId,
    /// Emoji of the reaction.
    pub emoji: &'a Emoji,
}

/// A room's history.
#[async_trait]
pub trait Messages: Send + Sync {
    /// Applies events, durably (majority) when it returns. Idempotent: an event whose id is there already
    /// changes nothing. Gives back those whose id was there at another place. [`StoreError::Collision`] if a place has
    /// another event: then nothing says that the events are stored.
    async fn apply(&self, events: &[SequencedEvent]) -> Result<Vec<AlreadyStored>, StoreError>;
    /// A page of at most `limit` events of these kinds, ordered by `(epoch, seq)`, oldest first.
    async fn page(&self, room: RoomId, question: PageQuestion) -> Result<Vec<SequencedEvent>, StoreError>;
    /// Place of the event with the largest number that a room has in any epoch; [`Position::START`] for an empty room.
    async fn last(&self, room: RoomId) -> Result<Position, StoreError>;
    /// A message of the room, as it was said; none if the event of this id is something else.
    async fn message(&self, room: RoomId, id: MessageId) -> Result<Option<SequencedEvent>, StoreError>;
    /// Where an event of the room is, whatever it is.
    async fn place(&self, room: RoomId, id: MessageId) -> Result<Option<StoredPosition>, StoreError>;
    /// The states of these messages, with the newest reactions of these users; messages that
    /// nothing was done to may be left out. The text of a deleted message is nowhere any more: neither here nor in its
    /// events.
    async fn states(&self, ids: &[MessageId], users: &[UserId])
    -> Result<HashMap<MessageId, MessageState>, StoreError>;
    /// Who has this reaction, in the order of reacting, after that place, at most `limit`.
    async fn reacted(
        &self,
        reaction: Reaction<'_>,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<Reacted>, StoreError>;
    /// Forgets reactions that were taken back before that time, at most `limit`, and says how many. Until then they keep
    /// older changes that arrive late from counting.
    async fn sweep(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError>;
    /// The newest edits of a message, at most `limit`, oldest first.
    async fn edits(&self, id: MessageId, limit: usize) -> Result<Vec<SequencedEvent>, StoreError>;
}

/// Epochs of partitions.
#[async_trait]
pub trait Epochs: Send + Sync {
    /// A new epoch for the partition: larger than any before, never given twice, also not by a copy of this store that
    /// goes on from where it was made.
    async fn next(&self, partition: Partition) -> Result<Epoch, StoreError>;
    /// The epoch given last.
    async fn current(&self, partition: Partition) -> Result<Option<Epoch>, StoreError>;
    /// Notes that an epoch is about to begin, unless a newer one was noted; says whether it did. From here on, older
    /// epochs take nothing in, except on the server on which this one begins.
    async fn begin(&self, partition: Partition, begun: EpochStart) -> Result<bool, StoreError>;
    /// The newest epochs that were noted to begin; partitions without one are left out.
    async fn begun(&self, partitions: &[Partition]) -> Result<HashMap<Partition, EpochStart>, StoreError>;
}

/// An epoch that has begun, or is about to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EpochStart {
    /// The epoch.
    pub epoch: Epoch,
    /// The incarnation of the server on which it begins.
    pub fence: String,
}

/// Read marks and what lies after them. A mark is part of the membership: who leaves has none.
#[async_trait]
pub trait Unread: Send + Sync {
    /// Moves the mark on, never back, and gives it as it is then; none if the user is no member.
    async fn advance(&self, room: RoomId, user: UserId, to: Position) -> Result<Option<Position>, StoreError>;
    /// The user's memberships in these rooms, with their marks. The order is not promised.
    async fn marks(&self, user: UserId, rooms: &[RoomId]) -> Result<Vec<Member>, StoreError>;
    /// The user's memberships in the order of joining, after that place, at most `limit`.
    async fn rooms(
        &self,
        user: UserId,
        after: Option<MembershipPlace>,
        limit: usize,
    ) -> Result<Vec<Member>, StoreError>;
    /// What is unread in each span, in the order asked: at most `most` of each kind, and whether there may be more.
    async fn counts(&self, reader: &Reader, spans: &[Span], most: usize) -> Result<Vec<Counts>, StoreError>;
}

/// All aggregates of one backend.
#[derive(Clone)]
pub struct Stores {
    /// Accounts.
    pub users: Arc<dyn Users>,
    /// Login sessions.
    pub sessions: Arc<dyn Sessions>,
    /// Rooms.
    pub rooms: Arc<dyn Rooms>,
    /// Membership.
    pub members: Arc<dyn Members>,
    /// What was decided against users in rooms.
    pub sanctions: Arc<dyn Sanctions>,
    /// Announcements.
    pub outbox: Arc<dyn Outbox>,
    /// History.
    pub messages: Arc<dyn Messages>,
    /// Epochs.
    pub epochs: Arc<dyn Epochs>,
    /// Read marks.
    pub unread: Arc<dyn Unread>,
    /// The backend itself.
    pub backend: Arc<dyn Backend>,
}

/// Where a store is in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// Another one after each restore.
    pub id: Uuid,
    /// Only grows, unless the store went back.
    pub beat: u64,
}

/// The backend behind the aggregates.
#[async_trait]
pub trait Backend: Send + Sync {
    /// Whether it takes changes.
    async fn ping(&self) -> Result<(), StoreError>;
    /// Brings the schema up to date: versioned, locked against a second runner, resumable. [`StoreError::Newer`] if a
    /// newer program did.
    async fn migrate(&self) -> Result<(), StoreError>;
    /// Makes this process the only one that numbers events here, where there can be only one. Whoever did before can
    /// write no more.
    async fn take_over(&self, holder: &str) -> Result<(), StoreError>;
    /// Raises a count that everything stored before is covered by; none where nothing is kept beside the store that would
    /// have to go back with it.
    async fn beat(&self) -> Result<Option<Timeline>, StoreError>;
    /// Waits until another process has taken the store over, and says what is known of it.
    async fn lost(&self) -> String;
    /// Puts everything in order at the end of a process. What was stored is safe without it.
    async fn close(&self);
    /// Adds everything that a load test needs, as it is, many at a time, announced to nobody. What is added before a
    /// failure may stay.
    async fn insert_load(&self, set: &LoadSet) -> Result<(), StoreError>;
}
