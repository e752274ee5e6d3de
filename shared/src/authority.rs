//! What a gateway needs from the api: rights, room state for the bus, and public keys. In the cluster the
//! answers come over the api's internal listener, in one process by a call.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::access::{
    MessageAction, MessageStanding, RoomRole, Standing, Until, Visibility, decide_on_message, keeps_order,
};
use crate::act::{Act, ActKind, Emoji};
use crate::bus::Rights;
use crate::clock::UnixMillis;
use crate::event::SequencedEvent;
use crate::id::{AclVersion, Epoch, MessageId, RoomId, RoomRef, Seq, SessionId, Slug, UserId};
use crate::limits::REACTIONS_PER_MESSAGE_MAX;
use crate::protocol::error_code::ErrorCode;
use crate::token::JwkSet;
use crate::unread::{ReadState, ReadTo};

pub mod many;

/// What one user is in one room, valid while the room's ACL version is [`Permission::acl`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permission {
    /// The room.
    pub room: RoomId,
    /// Its readable address.
    pub slug: Option<Slug>,
    /// Its name.
    pub name: String,
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
}

impl Permission {
    /// The part that [`crate::access::decide`] looks at.
    pub const fn standing(&self) -> Standing {
        Standing { visibility: self.visibility, role: self.role, muted: self.muted, banned: self.banned }
    }

    /// The rights under which the user says something.
    pub fn rights(&self) -> Rights {
        if self.role.is_some_and(keeps_order) {
            Rights::Office(self.acl)
        } else {
            Rights::At(self.acl)
        }
    }
}

/// What rights to do something to a message depend on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageFacts {
    /// Who said it.
    pub author: UserId,
    /// Whether it is deleted.
    pub deleted: bool,
    /// The different reactions it has.
    pub emojis: Vec<Emoji>,
}

impl MessageFacts {
    /// Whether a user with this permission may do it.
    ///
    /// # Errors
    /// The code to answer with.
    pub fn check(&self, permission: &Permission, user: UserId, act: &Act) -> Result<(), ErrorCode> {
        let standing = MessageStanding { role: permission.role, own: self.author == user, deleted: self.deleted };
        match &act.kind {
            ActKind::Edit(_) => decide_on_message(standing, MessageAction::Edit),
            ActKind::Delete => decide_on_message(standing, MessageAction::Delete),
            ActKind::Unreact(_) => decide_on_message(standing, MessageAction::React),
            ActKind::React(emoji) => {
                decide_on_message(standing, MessageAction::React)?;
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
    /// The user.
    pub user: UserId,
    /// The room.
    pub room: RoomRef,
}

/// The answer to a [`Question`].
pub type Answer = Result<Permission, AuthorityError>;

/// The api as gateways see it.
#[async_trait]
pub trait Authority: Send + Sync + 'static {
    /// What the user is in the room. Refused with [`ErrorCode::UnknownRoom`] when there is no such room, or none
    /// that this user may know of.
    async fn authorize(&self, user: UserId, room: &RoomRef) -> Result<Permission, AuthorityError>;

    /// The same for many questions at once, answered in their order. At most
    /// [`crate::limits::AUTHORIZE_QUESTIONS_MAX`] at a time.
    async fn authorize_many(&self, questions: &[Question]) -> Result<Vec<Answer>, AuthorityError> {
        let mut answers = Vec::with_capacity(questions.len());
        for Question { user, room } in questions {
            answers.push(self.authorize(*user, room).await);
        }
        Ok(answers)
    }

    /// Makes the room's state present on the bus, in a current epoch, whatever the bus has lost. Idempotent.
    async fn open_room(&self, room: RoomId) -> Result<(), AuthorityError>;

    /// What is to be known of a message before something is done to it. Refused with
    /// [`ErrorCode::UnknownMessage`] when there is none in that room.
    async fn message(&self, room: RoomId, message: MessageId) -> Result<MessageFacts, AuthorityError>;

    /// The public keys of access tokens that are valid now.
    async fn public_keys(&self) -> Result<JwkSet, AuthorityError>;

    /// What ended lately: since then, or a little before, but never less.
    async fn changes(&self, since: Option<UnixMillis>) -> Result<Changes, AuthorityError>;

    /// Which of these login sessions are revoked. At most [`crate::limits::REVOCATIONS_PER_READ_MAX`] at a time, also
    /// for the two below.
    async fn revoked(&self, sessions: &[SessionId]) -> Result<Vec<SessionId>, AuthorityError>;

    /// The versions of the rooms' rights. Rooms that do not exist are left out; the order is not promised.
    async fn acl_versions(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, AclVersion)>, AuthorityError>;

    /// Which of these users may read in the room.
    async fn readers(&self, room: RoomId, users: &[UserId]) -> Result<Vec<UserId>, AuthorityError>;

    /// Which of these users share a room with the user, who may therefore see them.
    async fn acquainted(&self, user: UserId, others: &[UserId]) -> Result<Vec<UserId>, AuthorityError>;

    /// Events of the epoch that follow `place.seq` without a hole, oldest first, at most `limit`: from the store, and
    /// from the hot tail where that goes on. None if the next one is in neither. More may follow.
    async fn events(
        &self,
        room: RoomId,
        place: EventPlace,
        limit: usize,
    ) -> Result<Vec<SequencedEvent>, AuthorityError>;

    /// Moves the user's read mark on, never back and not beyond the head, and tells the user's connections. Refused with
    /// [`ErrorCode::UnknownRoom`] when the user is no member.
    async fn mark_read(&self, user: UserId, room: RoomId, to: ReadTo) -> Result<(), AuthorityError>;

    /// What is unread in these rooms; those the user is no member of are left out, the order is not promised. At most
    /// [`crate::limits::ROOMS_PER_FRAME_MAX`] at a time.
    async fn read_states(&self, user: UserId, rooms: &[RoomId]) -> Result<Vec<(RoomId, ReadState)>, AuthorityError>;
}

/// Where a reader stands in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EventPlace {
    /// Epoch of the number.
    pub epoch: Epoch,
    /// Number of the last event it has.
    pub seq: Seq,
}
