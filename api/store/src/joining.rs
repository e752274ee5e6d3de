//! How people come into rooms that are not open to everybody: invites, and requests that somebody decides about.

use crate::StoreError;
use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{RoomId, UserId};
use rookery_protocol::text;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::account::SecretHash;

/// Characters of what somebody says who asks to be let in.
const MESSAGE_CHARS_MAX: usize = 500;

/// An invite to a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomInvite {
    /// Its id.
    pub id: Uuid,
    /// Of which room.
    pub room_id: RoomId,
    /// Hash of its code.
    pub hash: SecretHash,
    /// How often it was used.
    pub uses: u32,
    /// How often it may be used; none for any number.
    pub max_uses: Option<u32>,
    /// Who made it; it ends when this one leaves the room.
    pub by: UserId,
    /// Whether somebody who keeps order made it.
    pub by_moderator: bool,
    /// Whether whoever uses it is asked about all the same.
    pub approval: bool,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it ends; none if it does not end by itself.
    pub expires_at: Option<UnixMillis>,
}

impl RoomInvite {
    /// Whether somebody may use it, as far as it says.
    pub fn is_open(&self, now: UnixMillis) -> bool {
        self.max_uses.is_none_or(|most| self.uses < most) && self.expires_at.is_none_or(|end| now < end)
    }

    /// Whether somebody decides about whoever uses it, in a room that asks for that or not, if its maker keeps order there now
    /// or does not.
    pub const fn needs_approval(&self, room_asks: bool, maker_keeps_order: bool) -> bool {
        self.approval || (room_asks && !(self.by_moderator && maker_keeps_order))
    }
}

/// What somebody says who asks to be let in: at most 500 characters, by the rule of [`text::lines`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct JoinMessage(String);

impl JoinMessage {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for JoinMessage {
    type Error = &'static str;

    fn try_from(given: String) -> Result<Self, Self::Error> {
        text::lines(&given, MESSAGE_CHARS_MAX)
            .map(Self)
            .ok_or("must have at most 500 visible characters")
    }
}

/// Where a request to join stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestState {
    /// Nobody has decided about it.
    Open,
    /// The user was let in.
    Approved,
    /// The user was not let in.
    Denied,
}

impl RequestState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Open, Self::Approved, Self::Denied];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Approved => "approved",
            Self::Denied => "denied",
        }
    }
}

/// A user who asks to be let into a room. There is one of each user and room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JoinRequest {
    /// Id of the room.
    pub room_id: RoomId,
    /// Id of the user.
    pub user_id: UserId,
    /// What the user says to it.
    pub message: Option<JoinMessage>,
    /// When it was made.
    pub created_at: UnixMillis,
    /// Where it stands.
    pub state: RequestState,
    /// When somebody decided about it.
    pub decided_at: Option<UnixMillis>,
}

/// What became of a request that somebody makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It waits for a decision.
    New,
    /// One of the user waits already.
    Waits,
    /// One was denied, and it is too early for another one.
    Denied(UnixMillis),
    /// As many wait as may wait in the room.
    Crowded,
}

/// A place in a list of requests, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestPlace {
    /// When it was made.
    pub created_at: UnixMillis,
    /// Id of the user in the list of a room.
    pub user_id: UserId,
}

impl JoinRequest {
    /// Where it is in the list of its room.
    pub const fn place(&self) -> RequestPlace {
        RequestPlace { created_at: self.created_at, user_id: self.user_id }
    }

    /// Where it is in the list of its user.
    pub const fn own_place(&self) -> OwnRequestPlace {
        OwnRequestPlace { created_at: self.created_at, room_id: self.room_id }
    }
}

/// A place in the list of one's own requests, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnRequestPlace {
    /// When it was made.
    pub created_at: UnixMillis,
    /// Id of the room.
    pub room_id: RoomId,
}

/// Decides about a request when there is one of before, which was denied at a time: it may follow from `again` after that.
pub fn follows(before: Option<&JoinRequest>, denied_before: UnixMillis) -> Option<Asked> {
    let before = before?;
    match (before.state, before.decided_at) {
        (RequestState::Open, _) => Some(Asked::Waits),
        (RequestState::Denied, Some(at)) if at > denied_before => Some(Asked::Denied(at)),
        (RequestState::Denied | RequestState::Approved, _) => None,
    }
}

/// By what somebody comes into a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// It is open to whoever asks this way.
    Open,
    /// An invite, which is used once by it.
    Invite(SecretHash),
    /// A request that was approved this moment.
    Request,
}

/// Invites to rooms. They end with the membership of who made them.
#[async_trait]
pub trait RoomInvites: Send + Sync {
    /// Adds one.
    async fn insert(&self, invite: &RoomInvite) -> Result<(), StoreError>;
    /// By its code.
    async fn by_hash(&self, hash: &SecretHash) -> Result<Option<RoomInvite>, StoreError>;
    /// By its id.
    async fn by_id(&self, id: Uuid) -> Result<Option<RoomInvite>, StoreError>;
    /// Uses it once, if it may be; says whether it did. Users at once never exceed its number.
    async fn spend(&self, hash: &SecretHash, now: UnixMillis) -> Result<bool, StoreError>;
    /// Those of a room, or those that somebody made of it, in the order of their ids, after `after`, at most `limit`.
    async fn page(
        &self,
        room: RoomId,
        by: Option<UserId>,
        after: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<RoomInvite>, StoreError>;
    /// Removes one; false if there was none.
    async fn remove(&self, id: Uuid) -> Result<bool, StoreError>;
    /// Erases those that ended before that time, at most `limit`; says how many.
    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError>;
}

/// Requests to be let into rooms. Who is let in is a matter of [`crate::Members::enter`].
#[async_trait]
pub trait JoinRequests: Send + Sync {
    /// Adds an open one, in the place of one that was decided about, unless that was a refusal after `denied_before`. No
    /// more than `most` wait in a room.
    async fn ask(&self, request: &JoinRequest, denied_before: UnixMillis, most: usize) -> Result<Asked, StoreError>;
    /// That of the user in the room.
    async fn get(&self, room: RoomId, user: UserId) -> Result<Option<JoinRequest>, StoreError>;
    /// The open ones of a room, oldest first, after that place, at most `limit`.
    async fn of_room(
        &self,
        room: RoomId,
        after: Option<RequestPlace>,
        limit: usize,
    ) -> Result<Vec<JoinRequest>, StoreError>;
    /// The open ones of a user, oldest first, after that place, at most `limit`.
    async fn of_user(
        &self,
        user: UserId,
        after: Option<OwnRequestPlace>,
        limit: usize,
    ) -> Result<Vec<JoinRequest>, StoreError>;
    /// Denies an open one; false if there is none.
    async fn deny(&self, room: RoomId, user: UserId, at: UnixMillis) -> Result<bool, StoreError>;
    /// Removes an open one; false if there is none.
    async fn withdraw(&self, room: RoomId, user: UserId) -> Result<bool, StoreError>;
    /// Erases those that were decided about before that time, at most `limit`; says how many.
    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invite() -> RoomInvite {
        RoomInvite {
            id: Uuid::now_v7(),
            room_id: RoomId::generate(),
            hash: [1; 32],
            uses: 1,
            max_uses: Some(2),
            by: UserId::generate(),
            by_moderator: true,
            approval: false,
            created_at: UnixMillis(1),
            expires_at: Some(UnixMillis(9)),
        }
    }

    #[test]
    fn an_invite_ends_by_number_and_time() {
        let fresh = invite();
        assert!(fresh.is_open(UnixMillis(8)) && !fresh.is_open(UnixMillis(9)));
        assert!(!RoomInvite { uses: 2, ..fresh.clone() }.is_open(UnixMillis(8)));
        assert!(RoomInvite { max_uses: None, expires_at: None, uses: 99, ..fresh }.is_open(UnixMillis(i64::MAX)));
    }

    #[test]
    fn only_those_who_keep_order_let_in_without_a_question() {
        for (by_moderator, is_one_now, approval, room_asks, wanted) in [
            (true, true, false, true, false),
            (true, false, false, true, true),
            (false, true, false, true, true),
            (true, true, true, true, true),
            (true, true, true, false, true),
            (false, false, false, true, true),
            (false, false, false, false, false),
            (true, false, false, false, false),
        ] {
            let invite = RoomInvite { by_moderator, approval, ..invite() };
            let asks = invite.needs_approval(room_asks, is_one_now);
            assert_eq!(asks, wanted, "{by_moderator} {is_one_now} {approval} {room_asks}");
        }
    }

    #[test]
    fn who_was_denied_waits_and_then_asks_again() {
        let request = |state, decided_at| JoinRequest {
            room_id: RoomId::generate(),
            user_id: UserId::generate(),
            message: None,
            created_at: UnixMillis(1),
            state,
            decided_at,
        };
        let denied = request(RequestState::Denied, Some(UnixMillis(10)));
        assert_eq!(follows(Some(&denied), UnixMillis(9)), Some(Asked::Denied(UnixMillis(10))));
        assert_eq!(follows(Some(&denied), UnixMillis(10)), None);
        assert_eq!(follows(Some(&request(RequestState::Open, None)), UnixMillis(99)), Some(Asked::Waits));
        assert_eq!(follows(Some(&request(RequestState::Approved, Some(UnixMillis(50)))), UnixMillis(9)), None);
        assert_eq!(follows(None, UnixMillis(9)), None);
    }
}
