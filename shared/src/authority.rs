//! What a gateway needs from the api: rights, room state for the bus, and public keys. In the cluster the
//! answers come over the api's internal listener, in one process by a call.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::access::{RoomRole, Standing, Until, Visibility};
use crate::id::{AclVersion, RoomId, RoomRef, SessionId, Slug, UserId};
use crate::protocol::error_code::ErrorCode;
use crate::token::JwkSet;

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

/// The api as gateways see it.
#[async_trait]
pub trait Authority: Send + Sync + 'static {
    /// What the user is in the room. Refused with [`ErrorCode::UnknownRoom`] when there is no such room, or none
    /// that this user may know of.
    async fn authorize(&self, user: UserId, room: &RoomRef) -> Result<Permission, AuthorityError>;

    /// Makes the room's state present on the bus, in a current epoch, whatever the bus has lost. Idempotent.
    async fn open_room(&self, room: RoomId) -> Result<(), AuthorityError>;

    /// The public keys of access tokens that are valid now.
    async fn public_keys(&self) -> Result<JwkSet, AuthorityError>;

    /// Which of these login sessions are revoked. At most [`crate::limits::REVOCATIONS_PER_READ_MAX`] at a time, also
    /// for the two below.
    async fn revoked(&self, sessions: &[SessionId]) -> Result<Vec<SessionId>, AuthorityError>;

    /// The versions of the rooms' rights. Rooms that do not exist are left out; the order is not promised.
    async fn acl_versions(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, AclVersion)>, AuthorityError>;

    /// Which of these users may read in the room.
    async fn readers(&self, room: RoomId, users: &[UserId]) -> Result<Vec<UserId>, AuthorityError>;
}
