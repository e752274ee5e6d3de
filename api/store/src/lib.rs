//! What the api keeps: one small trait per aggregate, one error, two implementations under one contract suite
//! (`api/store/tests/it/store_contract.rs`).
//!
//! Time and ids are parameters. Lookups return an option; a broken row is [`StoreError::Inconsistent`].

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use rookery_protocol::access::RoomRole;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::emoji::Emoji;
use rookery_protocol::event::{Event, EventBody, RoomChange, RoomSettings, SequencedEvent};
use rookery_protocol::id::{AclVersion, Epoch, MessageId, Partition, RoomId, RoomRef, SessionId, Slug, UserId};
use rookery_protocol::position::{AlreadyStored, Position, StoredPosition};
use rookery_protocol::room_changes::RoomChanges;
use uuid::Uuid;

use crate::joining::Entry;
use crate::load::LoadSet;
use crate::message::{Kinds, Window};
use crate::message_state::{MessageState, Reacted};
use crate::room::{Closing, Member, MemberPlace, MembershipPlace, Pair, Room, SettingsChange, Tombstone};
use crate::sanction::{Sanction, SanctionAction};
use crate::session::{Session, TokenHash};
use crate::unread::{Counts, Reader, Receipt, Span};
use crate::user::{SearchPlace, ServerRole, User, UserChange, Username};

pub mod account;
pub mod audit;
mod cause;
pub mod change;
pub mod epoch;
pub mod erasure;
mod error;
pub mod export;
pub mod figures;
pub mod file;
pub mod integer;
pub mod inventory;
pub mod job;
pub mod joining;
pub mod kept_answer;
mod lease;
pub mod limits;
pub mod load;
pub mod login;
pub mod mentions;
pub mod message;
pub mod message_state;
pub mod notice;
pub mod page;
pub mod pin;
pub mod preference;
pub mod purge;
pub mod push;
pub mod reactions;
pub mod renames;
pub mod report;
pub mod room;
mod room_erasure;
mod room_filter;
pub mod room_search;
pub mod sanction;
pub mod saved;
pub mod schedule;
pub mod search;
pub mod second_factor;
pub mod server_announcement;
pub mod session;
pub mod summed;
pub mod thread;
pub mod unread;
pub mod user;

pub use self::account::{Names, OneTimeTokens, Registrations, ServerInvites};
pub use self::audit::{Audit, ServerSettings};
pub use self::cause::{Cause, with_previous_owner};
pub use self::erasure::{Erasures, Traces};
pub use self::error::{StoreError, Unique};
pub use self::export::Exports;
pub use self::figures::Figures;
pub use self::file::Files;
pub use self::job::Jobs;
pub use self::joining::{JoinRequests, RoomInvites};
pub use self::kept_answer::KeptAnswers;
pub use self::lease::Leases;
pub use self::mentions::Mentions;
pub use self::notice::Notices;
pub use self::pin::Pins;
pub use self::preference::Preferences;
pub use self::purge::Purges;
pub use self::push::Pushes;
pub use self::report::Reports;
pub use self::room_erasure::RoomErasures;
pub use self::room_filter::{RoomFilters, filter_rules};
pub use self::room_search::RoomSearch;
pub use self::saved::Saved;
pub use self::schedule::Schedules;
pub use self::search::Search;
pub use self::second_factor::SecondFactors;
pub use self::server_announcement::ServerAnnouncements;
pub use self::thread::Threads;

/// Store of accounts.
#[async_trait]
pub trait Users: Send + Sync {
    /// Adds an account. [`StoreError::Taken`] names the value that collides.
    async fn insert(&self, user: &User) -> Result<(), StoreError>;
    /// By id.
    async fn by_id(&self, id: UserId) -> Result<Option<User>, StoreError>;
    /// By id, unless it is disabled.
    async fn enabled(&self, id: UserId) -> Result<Option<User>, StoreError> {
        Ok(self.by_id(id).await?.filter(|user| !user.disabled))
    }
    /// By user name or, if the text has an `@`, by address; both without regard to case.
    async fn by_login(&self, login: &str) -> Result<Option<User>, StoreError>;
    /// The accounts with these ids; unknown ones are left out, order is not promised.
    async fn by_ids(&self, ids: &[UserId]) -> Result<Vec<User>, StoreError>;
    /// The accounts with these names, in the form that is unique; unknown ones are left out, order is not promised.
    async fn by_names(&self, keys: &[String]) -> Result<Vec<User>, StoreError>;
    /// Says whether the account may log in. Without effect if there is no such account. [`StoreError::LastAdmin`] if no
    /// admin who may would be left.
    async fn set_disabled(&self, id: UserId, disabled: bool) -> Result<(), StoreError>;
    /// Gives the account a role. Without effect if there is no such account. [`StoreError::LastAdmin`] if no admin who may
    /// log in would be left.
    async fn set_role(&self, id: UserId, role: ServerRole) -> Result<(), StoreError>;
    /// Gives the account another password. Without effect if there is no such account.
    async fn set_password(&self, id: UserId, hash: &str) -> Result<(), StoreError>;
    /// Accounts in the order of their ids, after `after`, at most `limit`.
    async fn list(&self, after: Option<UserId>, limit: usize) -> Result<Vec<User>, StoreError>;
    /// Changes what the change names, and gives the account as it is then; none if there is no such account.
    /// [`StoreError::Taken`] names the value that collides.
    async fn change(&self, id: UserId, change: &UserChange) -> Result<Option<User>, StoreError>;
    /// Gives the account another name, unless it got one after `since`; says whether it did. [`Unique::Username`] if another
    /// account has it.
    async fn rename(&self, id: UserId, name: &Username, at: UnixMillis, since: UnixMillis) -> Result<bool, StoreError>;
    /// Accounts of which a name begins so, in the order of the names, each once, after that place, at most `limit`. The
    /// prefix is a [`rookery_protocol::text::search_key`].
    async fn search(
        &self,
        prefix: &str,
        after: Option<&SearchPlace>,
        limit: usize,
    ) -> Result<Vec<(SearchPlace, User)>, StoreError>;
}

/// Login sessions.
#[async_trait]
pub trait Sessions: Send + Sync {
    /// Adds a session.
    async fn insert(&self, session: &Session) -> Result<(), StoreError>;
    /// By id.
    async fn by_id(&self, id: SessionId) -> Result<Option<Session>, StoreError>;
    /// The sessions of the user that are open at that time, newest first, at most `limit`.
    async fn of_user(&self, user: UserId, at: UnixMillis, limit: usize) -> Result<Vec<Session>, StoreError>;
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
    /// Those of these sessions that are open: there, and not revoked. Each with the name that its user has got since the
    /// login, if that is another one.
    async fn open(&self, ids: &[SessionId]) -> Result<HashMap<SessionId, Option<Username>>, StoreError>;
    /// The user has another name from now on, in all sessions that are there.
    async fn rename(&self, user: UserId, name: &Username) -> Result<(), StoreError>;
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
    /// Adds a room with its first members, all or nothing and announced to nobody. [`Unique::Id`] if it is there.
    async fn insert_with(&self, room: &Room, members: &[Member]) -> Result<(), StoreError>;
    /// By id or slug.
    async fn find(&self, room: &RoomRef) -> Result<Option<Room>, StoreError>;
    /// Public rooms in the order of their ids, after `after`, at most `limit`.
    async fn public(&self, after: Option<RoomId>, limit: usize) -> Result<Vec<Room>, StoreError>;
    /// The rooms with these ids; unknown ones are left out, order is not promised.
    async fn by_ids(&self, ids: &[RoomId]) -> Result<Vec<Room>, StoreError>;
    /// Rooms of every kind that have not ended, in the order of their ids, after `after`, at most `limit`.
    async fn all(&self, after: Option<RoomId>, limit: usize) -> Result<Vec<Room>, StoreError>;
    /// Rooms whose ACL version was raised then or later, at most `limit`. The order is not promised.
    async fn raised_since(&self, at: UnixMillis, limit: usize) -> Result<Vec<(RoomId, AclVersion)>, StoreError>;
    /// Changes settings, raises the room's ACL version and leaves an announcement in the outbox, in one atomic step:
    /// the event, with the settings as they are then, and with what changed if the event has a place for that. None if all
    /// was so already; then nothing changes. [`Unique::Slug`] and [`Unique::RoomName`] as for `insert`;
    /// [`StoreError::Inconsistent`] if there is no such room.
    async fn apply_settings(
        &self,
        room: RoomId,
        change: &SettingsChange,
        event: &Event,
    ) -> Result<Option<Announcement>, StoreError>;
    /// Ends a room and all memberships, and leaves an announcement as `apply_settings` does: from then on nobody finds it. None
    /// if there is no such room, it has ended already, or its time is not over. [`StoreError::OwnerStays`] if there are
    /// other members than the one who leaves, [`StoreError::Outranked`] if the event's user does not own it.
    async fn close(&self, room: RoomId, closing: Closing, event: &Event) -> Result<Option<Announcement>, StoreError>;
    /// A room that has ended.
    async fn tombstone(&self, room: RoomId) -> Result<Option<Tombstone>, StoreError>;
    /// The last room under this slug that this user has ended.
    async fn ended(&self, slug: &Slug, by: UserId) -> Result<Option<Tombstone>, StoreError>;
    /// Rooms whose time is over then, those first whose time ended first, at most `limit`.
    async fn expired(&self, at: UnixMillis, limit: usize) -> Result<Vec<Room>, StoreError>;
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
    /// Makes a member the owner; who owned the room is a moderator of it then, and is named in the event if that is about
    /// owners. None if the user is that already; then nothing changes. [`StoreError::NoMember`] if there is no such member.
    async fn transfer(&self, room: RoomId, user: UserId, cause: Cause<'_>) -> Result<Option<Announcement>, StoreError>;
    /// Gives a member who is not the owner another role. None if the user has it already; then nothing changes. Errors are
    /// [`StoreError::NoMember`], and [`StoreError::Outranked`] by [`rookery_protocol::access::decide_on_role`].
    async fn set_role(
        &self,
        room: RoomId,
        user: UserId,
        role: RoomRole,
        event: &Event,
    ) -> Result<Option<Announcement>, StoreError>;
    /// Members with this role in the order of joining, after that place, at most `limit`.
    async fn of_role(
        &self,
        room: RoomId,
        role: RoomRole,
        after: Option<MemberPlace>,
        limit: usize,
    ) -> Result<Vec<Member>, StoreError>;
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
    /// The same for whoever comes in by that entry, in one atomic step with its use. A request of the user that waits is
    /// approved by it. [`StoreError::Full`], [`StoreError::InviteOver`] and [`StoreError::Decided`] say what is in the way.
    async fn enter(&self, member: &Member, entry: Entry, event: &Event) -> Result<Option<Announcement>, StoreError>;
    /// Removes the member, and the invites that the user has made. None if the user is not one; then nothing changes. [`StoreError::OwnerStays`] if
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
    /// if all was so already; then nothing changes. [`StoreError::OwnerStays`] if it would take the owner out of the room.
    async fn apply(
        &self,
        room: RoomId,
        user: UserId,
        action: SanctionAction,
        cause: Cause<'_>,
    ) -> Result<Option<Announcement>, StoreError>;
    /// Where a mute or a ban has ended by then, and nobody was told; at most `limit` of each. The order is not promised.
    async fn over(&self, at: UnixMillis, limit: usize) -> Result<Vec<(RoomId, UserId, Sanction)>, StoreError>;
    /// What holds, or held, in the room, in the order of the users' ids, after `after`, at most `limit`.
    async fn of_room(
        &self,
        room: RoomId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<(UserId, Sanction)>, StoreError>;
    /// What holds, or held, against the user, at most `limit`. The order is not promised.
    async fn against(&self, user: UserId, limit: usize) -> Result<Vec<(RoomId, Sanction)>, StoreError>;
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
    /// Of new settings. What changed is told if the event has a place for it.
    pub fn of_settings(room: RoomId, settings: RoomSettings, changes: RoomChanges, event: Event) -> Self {
        let has_place = matches!(&event.body, EventBody::Room(RoomChange::Updated { changed: Some(_), settings: _ }));
        let told = has_place.then(|| Box::new(changes));
        let event = Event { body: EventBody::Room(RoomChange::Updated { settings, changed: told }), ..event };
        Self { room, acl: settings.version, event }
    }
}

/// Announcements that wait for the bus.
#[async_trait]
pub trait Outbox: Send + Sync {
    /// The oldest announcements, at most `limit`.
    async fn pending(&self, limit: usize) -> Result<Vec<Announcement>, StoreError>;
    /// The oldest announcements of one room, at most `limit`.
    async fn pending_in(&self, room: RoomId, limit: usize) -> Result<Vec<Announcement>, StoreError>;
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
    /// Where the first event of the room is that is not older than that time.
    async fn first_since(&self, room: RoomId, time: UnixMillis) -> Result<Option<Position>, StoreError>;
    /// The messages with these ids, as they were said; other events and unknown ids are left out, order is not promised.
    async fn by_ids(&self, ids: &[MessageId]) -> Result<Vec<SequencedEvent>, StoreError>;
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
    /// How far the members of a room have read, at most `limit` of them. The order is not promised.
    async fn receipts(&self, room: RoomId, limit: usize) -> Result<Vec<Receipt>, StoreError>;
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

/// Who has blocked whom. A change is one of the rights in the direct room of the two as well, if they have one: in the same
/// atomic step it raises the room's ACL version and leaves the event in the outbox, with the settings as they are then.
/// None if it was so already, or if there is no such room.
#[async_trait]
pub trait Blocks: Send + Sync {
    /// Notes a block; the first time counts.
    async fn put(
        &self,
        by: UserId,
        user: UserId,
        at: UnixMillis,
        event: &Event,
    ) -> Result<Option<Announcement>, StoreError>;
    /// Takes a block back. Idempotent.
    async fn remove(&self, by: UserId, user: UserId, event: &Event) -> Result<Option<Announcement>, StoreError>;
    /// Those of these pairs of whom one has blocked the other.
    async fn of_pairs(&self, pairs: &[Pair]) -> Result<HashSet<Pair>, StoreError>;
    /// Whether the one has blocked the other.
    async fn is_blocked(&self, by: UserId, user: UserId) -> Result<bool, StoreError>;
    /// Those of the others with whom a block stands, whoever has put it. The order is not promised.
    async fn between(&self, one: UserId, others: &[UserId]) -> Result<Vec<UserId>, StoreError>;
    /// Whom somebody has blocked and when, in the order of their ids, after `after`, at most `limit`.
    async fn page(
        &self,
        by: UserId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<(UserId, UnixMillis)>, StoreError>;
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
    /// What is left of rooms that have ended.
    pub room_erasures: Arc<dyn RoomErasures>,
    /// Membership.
    pub members: Arc<dyn Members>,
    /// What was decided against users in rooms.
    pub sanctions: Arc<dyn Sanctions>,
    /// Announcements.
    pub outbox: Arc<dyn Outbox>,
    /// History.
    pub messages: Arc<dyn Messages>,
    /// Threads.
    pub threads: Arc<dyn Threads>,
    /// Saved messages.
    pub saved: Arc<dyn Saved>,
    /// Pinned messages.
    pub pins: Arc<dyn Pins>,
    /// Messages by whom they name.
    pub mentions: Arc<dyn Mentions>,
    /// Epochs.
    pub epochs: Arc<dyn Epochs>,
    /// Read marks.
    pub unread: Arc<dyn Unread>,
    /// Jobs.
    pub jobs: Arc<dyn Jobs>,
    /// Registrations that wait for a code.
    pub registrations: Arc<dyn Registrations>,
    /// Names that are kept.
    pub names: Arc<dyn Names>,
    /// Secrets that work once.
    pub one_time_tokens: Arc<dyn OneTimeTokens>,
    /// Invites to the server.
    pub server_invites: Arc<dyn ServerInvites>,
    /// Invites to rooms.
    pub room_invites: Arc<dyn RoomInvites>,
    /// Requests to be let into rooms.
    pub join_requests: Arc<dyn JoinRequests>,
    /// Second factors.
    pub second_factors: Arc<dyn SecondFactors>,
    /// Blocks.
    pub blocks: Arc<dyn Blocks>,
    /// See [`RoomFilters`].
    pub room_filters: Arc<dyn RoomFilters>,
    /// What staff have done.
    pub audit: Arc<dyn Audit>,
    /// How much there is.
    pub figures: Arc<dyn Figures>,
    /// Purges of messages.
    pub purges: Arc<dyn Purges>,
    /// Reports of messages.
    pub reports: Arc<dyn Reports>,
    /// Settings that admins have changed.
    pub server_settings: Arc<dyn ServerSettings>,
    /// Erasures.
    pub erasures: Arc<dyn Erasures>,
    /// Events that bear somebody's name.
    pub traces: Arc<dyn Traces>,
    /// Copies of what is kept about people.
    pub exports: Arc<dyn Exports>,
    /// Inboxes.
    pub notices: Arc<dyn Notices>,
    /// What public rooms are found by.
    pub room_search: Arc<dyn RoomSearch>,
    /// What users want of rooms.
    pub preferences: Arc<dyn Preferences>,
    /// Devices that are pushed to.
    pub pushes: Arc<dyn Pushes>,
    /// What those who run the server tell everybody.
    pub server_announcements: Arc<dyn ServerAnnouncements>,
    /// The index of messages by terms.
    pub search: Arc<dyn Search>,
    /// Messages that are sent later.
    pub schedules: Arc<dyn Schedules>,
    /// What is known of files.
    pub files: Arc<dyn Files>,
    /// Who does what only one process is to do.
    pub leases: Arc<dyn Leases>,
    /// Answers that are given again.
    pub kept_answers: Arc<dyn KeptAnswers>,
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
