//! Why a store has no answer.

use rookery_protocol::id::{Epoch, RoomId, Seq};

/// Why the store has no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// A unique value exists already.
    #[error("{0:?} is taken")]
    Taken(Unique),
    /// The store does not answer; trying again may help.
    #[error("the store does not answer: {0}")]
    Unavailable(String),
    /// The user is shut out of the room.
    #[error("the user is banned from the room")]
    Banned,
    /// The user owns the room, which passes on or ends first.
    #[error("the owner has to hand the room over first")]
    OwnerStays,
    /// Whom it is about is no member, at the moment of the change.
    #[error("the user is no member of the room")]
    NoMember,
    /// Who asked for it does not stand high enough, at the moment of the change.
    #[error("the rank is too low")]
    Outranked,
    /// The last one has left the room, and nobody comes in any more.
    #[error("the room is closed")]
    Closed,
    /// As many are in the room as may be.
    #[error("the room is full")]
    Full,
    /// The invite is used up, has ended, or is of nobody in the room.
    #[error("the invite is over")]
    InviteOver,
    /// Somebody has decided about the request before.
    #[error("the request was decided about")]
    Decided,
    /// Nobody who may would run the server any more.
    #[error("the server would have no admin")]
    LastAdmin,
    /// What was read breaks a rule of ours.
    #[error("inconsistent data: {0}")]
    Inconsistent(String),
    /// This process may not write, or not any more.
    #[error("{0}")]
    NotTheWriter(String),
    /// Another event has the place of one that was to be stored: two have numbered in one epoch.
    #[error("{room} has another event at ({epoch}, {seq})")]
    Collision {
        /// Id of the room.
        room: RoomId,
        /// Epoch of the place.
        epoch: Epoch,
        /// Its number.
        seq: Seq,
    },
    /// A newer program has written here.
    #[error("its schema is {found}, and this program knows up to {known}; run the newer program")]
    Newer {
        /// The newest step that was applied.
        found: String,
        /// The newest step that this program knows.
        known: &'static str,
    },
}

/// The unique values that users can collide on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unique {
    /// A user's name.
    Username,
    /// A user's address.
    Email,
    /// A room's slug.
    Slug,
    /// The name of a public room.
    RoomName,
    /// Anything else, such as a primary key.
    Id,
}
