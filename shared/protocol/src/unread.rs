//! Where users have read to, and what waits for them after that.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{Epoch, RoomId, Seq};
use crate::position::Position;

/// What is unread in one room. The counts are those of the stored messages between mark and [`ReadState::counted`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReadState {
    /// Epoch of the read mark.
    pub epoch: Epoch,
    /// Number of the last event that was read.
    pub seq: Seq,
    /// Messages of others after it that are not deleted.
    pub unread: u64,
    /// Those of them that mention the user.
    pub mentions: u64,
    /// Whether there may be more than was counted.
    pub capped: bool,
    /// Up to where was counted; what is newer waits to be stored.
    pub counted: Position,
}

/// The place that a client has read to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadTo {
    /// Epoch of the number; the room's current one if it is not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Epoch>,
    /// Number of the last event that was read.
    pub seq: Seq,
}

/// What the connections of one user are told, whichever rooms are live on them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum UserNews {
    /// The user has read on, here or on another device.
    Read {
        /// The room.
        room: RoomId,
        /// Where to, and what is left.
        state: ReadState,
    },
}
