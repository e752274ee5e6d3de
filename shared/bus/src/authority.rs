//! What a gateway needs from the api: rights, room state for the bus, and public keys. In the cluster the
//! answers come over the api's internal listener, in one process by a call.

use async_trait::async_trait;
use rookery_protocol::access::{
    AccessContext, MessageAction, MessageContext, Rights, RoomKind, RoomRole, Until, Visibility, decide_on_message,
    is_moderator,
};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::emoji::Emoji;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::{Event, SequencedEvent};
use rookery_protocol::filter::FilterRules;
use rookery_protocol::id::{AclVersion, ClientId, MessageId, RoomId, RoomRef, SessionId, Slug, UserId};
use rookery_protocol::limits::REACTIONS_PER_MESSAGE_MAX;
use rookery_protocol::message_change::{ChangeKind, MessageChange};
use rookery_protocol::position::{Position, StoredPosition};
use rookery_protocol::unread::{ReadState, ReadTo};
use rookery_runtime::token::JwkSet;
use serde::{Deserialize, Serialize};

use crate::Append;

pub mod batch;
mod preparation;

pub use preparation::{HeldFiles, MessagePreparer, Preparation, Prepared, Withdrawal};

/// What one user is in one room, valid while the room's ACL version is [`Permission::acl`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permission {
    /// Id of the room.
    pub room: RoomId,
    /// Its readable address.
    pub slug: Option<Slug>,
    /// Name of the room; empty where it has none.
    pub name: String,
    /// What kind of room it is.
    #[serde(default)]
    pub kind: RoomKind,
    /// Who may find it.
    pub visibility: Visibility,
    /// The user's role; none for outsiders of a public room.
    pub role: Option<RoomRole>,
    /// Version of the room's rights this was read at.
    pub acl: AclVersion,
    /// Until when the user may not say anything; none if never muted.
    #[serde(default)]
    pub muted: Option<Until>,
    /// Until when the user is shut out; none if never banned.
    #[serde(default)]
    pub banned: Option<Until>,
    /// Version of the room's word filter; none where nothing is filtered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<u64>,
    /// Whether one of the two of a direct room has blocked the other.
    #[serde(default)]
    pub blocked: bool,
}

impl Permission {
    /// The input of [`rookery_protocol::access::decide`].
    pub const fn access(&self) -> AccessContext {
        let Self { kind, visibility, role, muted, banned, blocked, .. } = *self;
        AccessContext { kind, visibility, role, muted, banned, blocked }
    }

    /// The event as it is appended under this permission.
    pub fn append(&self, event: Event, client_id: ClientId) -> Box<Append> {
        Box::new(Append { room: self.room, event, client_id, rights: self.rights(), epoch: None })
    }

    /// The rights under which the user says something.
    pub fn rights(&self) -> Rights {
        if self.role.is_some_and(is_moderator) {
            Rights::Moderator(self.acl)
        } else {
            Rights::At(self.acl)
        }
    }
}

/// A request for the facts about a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Look {
    /// Id of its room.
    pub room: RoomId,
    /// Id of the message.
    pub message: MessageId,
    /// The change that is about to be published, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<PendingChange>,
}

/// A change of a message that has no position yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingChange {
    /// The author of the change.
    pub user: UserId,
    /// The id of its event, see [`MessageChange::event_id`].
    pub event: MessageId,
}

/// Facts about a message that decide whether it may be changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageFacts {
    /// Id of its author.
    pub author: UserId,
    /// Whether it is deleted.
    pub deleted: bool,
    /// The different reactions it has.
    pub emojis: Vec<Emoji>,
    /// What a decision about the pending change needs; absent without one, and from older api nodes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<ChangeFacts>,
}

/// The message as the author of the pending change finds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeFacts {
    /// Position of the message.
    pub place: StoredPosition,
    /// Its newest text.
    pub content: String,
    /// The reactions that are the user's.
    pub own: Vec<Emoji>,
    /// Position of the change's event, if it is stored already.
    pub done: Option<StoredPosition>,
    /// Whether the change's event has a position but is not stored yet.
    pub under_way: bool,
    /// Whether the message, or an earlier change by the user, is not stored yet.
    pub unstored: bool,
}

/// What becomes of a change of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is to be appended.
    Change,
    /// It is stored already, at this position.
    Done(StoredPosition),
    /// It would change nothing of the message, which is at this position.
    Unchanged(StoredPosition),
    /// Whether it changes anything depends on events that are not stored yet: ask again in a moment.
    Pending,
}

impl MessageFacts {
    /// Decides about a change by a user with this permission.
    ///
    /// # Errors
    /// The code to answer with.
    pub fn decide(&self, permission: &Permission, user: UserId, change: &MessageChange) -> Result<Verdict, ErrorCode> {
        let target = MessageContext { role: permission.role, own: self.author == user, deleted: self.deleted };
        let Some(now) = &self.now else { return self.check(target, change).map(|()| Verdict::Change) };
        if let Some(place) = now.done {
            return Ok(Verdict::Done(place));
        }
        if now.under_way {
            return Ok(Verdict::Change);
        }
        let idle = match &change.kind {
            ChangeKind::Delete => self.deleted,
            ChangeKind::Edit(content) => target.own && !self.deleted && *content == now.content,
            ChangeKind::React(emoji) => !self.deleted && now.own.contains(emoji),
            ChangeKind::Unreact(emoji) => !self.deleted && !now.own.contains(emoji),
        };
        // Who may not do it does not learn that it was done.
        let deleted = self.deleted && !idle;
        self.check(MessageContext { deleted, ..target }, change)?;
        Ok(match (idle, now.unstored) {
            (true, true) => Verdict::Pending,
            (true, false) => Verdict::Unchanged(now.place),
            (false, _) => Verdict::Change,
        })
    }

    fn check(&self, target: MessageContext, change: &MessageChange) -> Result<(), ErrorCode> {
        match &change.kind {
            ChangeKind::Edit(_) => decide_on_message(target, MessageAction::Edit),
            ChangeKind::Delete => decide_on_message(target, MessageAction::Delete),
            ChangeKind::Unreact(_) => decide_on_message(target, MessageAction::React),
            ChangeKind::React(emoji) => {
                decide_on_message(target, MessageAction::React)?;
                let fits = self.emojis.len() < REACTIONS_PER_MESSAGE_MAX || self.emojis.contains(emoji);
                if fits { Ok(()) } else { Err(ErrorCode::TooManyReactions) }
            }
        }
    }
}

/// Sessions that were revoked and rooms whose rights changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// From when on to ask the next time, by the clock of who answered.
    pub upto: UnixMillis,
    /// Sessions that were revoked.
    pub sessions: Vec<SessionId>,
    /// Rooms, and the versions of their rights.
    pub rooms: Vec<(RoomId, AclVersion)>,
    /// Whether these are all; where it is not, everything has to be asked about.
    pub is_whole: bool,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuthorityError {
    /// A definite no, with the code to tell the client.
    #[error("refused: {}", .0.as_str())]
    Refused(ErrorCode),
    /// The user may not say anything in the room; in so many milliseconds it may, if that is known.
    #[error("muted")]
    Muted(Option<u64>),
    /// Nobody answered in time; trying again may help.
    #[error("the api does not answer: {0}")]
    Unavailable(String),
}

/// What is a user in a room?
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Id of the user.
    pub user: UserId,
    /// Id or slug of the room.
    pub room: RoomRef,
}

/// The answer to a [`Question`].
pub type Answer = Result<Permission, AuthorityError>;

/// Who may do and see what.
#[async_trait]
pub trait PermissionSource: Send + Sync + 'static {
    /// What the user is in the room. Refused with [`ErrorCode::UnknownRoom`] when there is no such room, or none
    /// that this user may know of.
    async fn authorize(&self, user: UserId, room: &RoomRef) -> Result<Permission, AuthorityError>;

    /// The same for many questions at once, answered in their order. At most
    /// [`rookery_protocol::limits::AUTHORIZE_QUESTIONS_MAX`] at a time.
    async fn authorize_many(&self, questions: &[Question]) -> Result<Vec<Answer>, AuthorityError> {
        let mut answers = Vec::with_capacity(questions.len());
        for Question { user, room } in questions {
            answers.push(self.authorize(*user, room).await);
        }
        Ok(answers)
    }

    /// The versions of the rooms' rights. Rooms that do not exist are left out; the order is not promised. At most
    /// [`rookery_protocol::limits::REVOCATIONS_PER_READ_MAX`] at a time, also for the readers.
    async fn acl_versions(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, AclVersion)>, AuthorityError>;

    /// Which of these users may read in the room.
    async fn readers(&self, room: RoomId, users: &[UserId]) -> Result<Vec<UserId>, AuthorityError>;

    /// Whether others are to see that the user is typing.
    async fn shows_typing(&self, user: UserId) -> Result<bool, AuthorityError>;

    /// Which of these users share a room with the user, who may therefore see them.
    async fn visible_users(&self, user: UserId, others: &[UserId]) -> Result<Vec<UserId>, AuthorityError>;
}

/// A login session that is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenSession {
    /// Its id.
    pub id: SessionId,
    /// The name of its user, if it has changed since the login: tokens may have the old one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
}

/// Keys of access tokens, and what ended.
#[async_trait]
pub trait SessionSource: Send + Sync + 'static {
    /// The public keys of access tokens that are valid now.
    async fn public_keys(&self) -> Result<JwkSet, AuthorityError>;

    /// What ended lately: since then, or a little before, but never less.
    async fn changes(&self, since: Option<UnixMillis>) -> Result<Changes, AuthorityError>;

    /// Those of these login sessions that are open: there, and not ended. At most
    /// [`rookery_protocol::limits::REVOCATIONS_PER_READ_MAX`] at a time.
    async fn open_sessions(&self, sessions: &[SessionId]) -> Result<Vec<OpenSession>, AuthorityError>;
}

/// Brings rooms back that the bus does not know.
#[async_trait]
pub trait RoomOpener: Send + Sync + 'static {
    /// Makes the room's state present on the bus, in a current epoch, whatever the bus has lost. Idempotent.
    async fn open_room(&self, room: RoomId) -> Result<(), AuthorityError>;
}

/// Source of stored and unstored events.
#[async_trait]
pub trait HistorySource: Send + Sync + 'static {
    /// What is to be known of a message before something is done to it, or it is answered. Refused with
    /// [`ErrorCode::UnknownMessage`] when there is none in that room.
    async fn message(&self, look: Look) -> Result<MessageFacts, AuthorityError>;

    /// Events of the epoch that follow `place.seq` without a gap, oldest first, at most `limit`: from the store, and
    /// from the hot tail where that goes on. None if the next one is in neither. More may follow.
    async fn events(&self, room: RoomId, place: Position, limit: usize) -> Result<Vec<SequencedEvent>, AuthorityError>;
}

/// How far users have read.
#[async_trait]
pub trait ReadMarks: Send + Sync + 'static {
    /// Moves the user's read mark on, never back and not beyond the head, and notifies the user's connections. Refused with
    /// [`ErrorCode::UnknownRoom`] when the user is no member.
    async fn mark_read(&self, user: UserId, room: RoomId, to: ReadTo) -> Result<(), AuthorityError>;

    /// What is unread in these rooms; those the user is no member of are left out, the order is not promised. At most
    /// [`rookery_protocol::limits::ROOMS_PER_FRAME_MAX`] at a time.
    async fn read_states(&self, user: UserId, rooms: &[RoomId]) -> Result<Vec<(RoomId, ReadState)>, AuthorityError>;
}

/// Makes direct rooms.
#[async_trait]
pub trait DirectRooms: Send + Sync + 'static {
    /// Makes the direct room of the two, at the wish of `user`, unless there is one. Refused with the code to tell the
    /// client.
    async fn open_direct(&self, user: UserId, with: UserId) -> Result<(), AuthorityError>;
}

/// Rules, and the version by which they are known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionedFilter {
    /// Raised with each change; 0 before the first.
    pub version: u64,
    /// The rules of this version.
    pub rules: FilterRules,
}

/// Knows the filters.
#[async_trait]
pub trait FilterSource: Send + Sync + 'static {
    /// The server's filter, if it has another version than that.
    async fn server_filter(&self, known: u64) -> Result<Option<VersionedFilter>, AuthorityError>;

    /// A room's filter as it is now.
    async fn room_filter(&self, room: RoomId) -> Result<VersionedFilter, AuthorityError>;
}

/// The api as gateways see it; who asks for one thing takes the trait that has it.
pub trait Authority:
    PermissionSource + SessionSource + RoomOpener + HistorySource + MessagePreparer + ReadMarks + FilterSource + DirectRooms
{
}

impl<T> Authority for T where
    T: PermissionSource
        + SessionSource
        + RoomOpener
        + HistorySource
        + MessagePreparer
        + ReadMarks
        + FilterSource
        + DirectRooms
{
}

#[cfg(test)]
mod tests {
    use rookery_protocol::id::{Epoch, Seq};

    use super::*;

    const PLACE: StoredPosition = StoredPosition { epoch: Epoch(1), seq: Seq::ZERO, timestamp: UnixMillis(7) };

    fn permission(role: RoomRole) -> Permission {
        Permission {
            room: RoomId::generate(),
            slug: None,
            name: "General".to_owned(),
            kind: RoomKind::Room,
            visibility: Visibility::Public,
            role: Some(role),
            acl: AclVersion(1),
            muted: None,
            banned: None,
            filter: None,
            blocked: false,
        }
    }

    fn thumb() -> Emoji {
        Emoji::kept("👍".to_owned())
    }

    fn facts(author: UserId) -> MessageFacts {
        let (own, content) = (vec![thumb()], "hi".to_owned());
        let now = ChangeFacts { place: PLACE, content, own, done: None, under_way: false, unstored: false };
        MessageFacts { author, deleted: false, emojis: vec![thumb()], now: Some(now) }
    }

    fn decided(facts: &MessageFacts, user: UserId, kind: ChangeKind) -> Result<Verdict, ErrorCode> {
        let change = MessageChange { message_id: MessageId::generate(), kind };
        facts.decide(&permission(RoomRole::Member), user, &change)
    }

    #[test]
    fn b06_a_change_that_changes_nothing_is_told_as_such() {
        let user = UserId::generate();
        let (here, heart) = (facts(user), Emoji::kept("❤".to_owned()));
        let gone = MessageFacts { deleted: true, ..here.clone() };
        for (facts, kind, idle) in [
            (&here, ChangeKind::React(thumb()), true),
            (&here, ChangeKind::React(heart.clone()), false),
            (&here, ChangeKind::Unreact(heart), true),
            (&here, ChangeKind::Unreact(thumb()), false),
            (&here, ChangeKind::Edit("hi".to_owned()), true),
            (&here, ChangeKind::Edit("ho".to_owned()), false),
            (&here, ChangeKind::Delete, false),
            (&gone, ChangeKind::Delete, true),
        ] {
            let wanted = if idle { Verdict::Unchanged(PLACE) } else { Verdict::Change };
            assert_eq!(decided(facts, user, kind.clone()), Ok(wanted), "{kind:?}");
        }
        let unstored = ChangeFacts { unstored: true, ..here.now.clone().unwrap() };
        let unstored = MessageFacts { now: Some(unstored), ..here.clone() };
        assert_eq!(decided(&unstored, user, ChangeKind::React(thumb())), Ok(Verdict::Pending));
        let old = MessageFacts { now: None, ..here };
        assert_eq!(decided(&old, user, ChangeKind::React(thumb())), Ok(Verdict::Change), "of an older api");
    }

    #[test]
    fn b06_who_may_not_do_it_is_not_told_that_it_is_done() {
        let stranger = UserId::generate();
        let gone = MessageFacts { deleted: true, ..facts(UserId::generate()) };
        let unknown = Err(ErrorCode::UnknownMessage);
        assert_eq!(decided(&gone, stranger, ChangeKind::Delete), unknown);
        assert_eq!(decided(&gone, stranger, ChangeKind::React(thumb())), unknown);
        assert_eq!(decided(&facts(UserId::generate()), stranger, ChangeKind::Edit("hi".to_owned())), unknown);
    }

    #[test]
    fn a03_a_repeat_is_told_the_place_it_has() {
        let user = UserId::generate();
        let mut facts = facts(user);
        let done = StoredPosition { seq: Seq::new(9), ..PLACE };
        facts.now = facts.now.map(|now| ChangeFacts { done: Some(done), ..now });
        assert_eq!(decided(&facts, user, ChangeKind::Edit("hi".to_owned())), Ok(Verdict::Done(done)));
    }
}
