//! Read marks and unread counts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::id::{Epoch, Seq};
use crate::position::Position;

/// Read state of a room. The counts cover the stored messages between the read mark and `counted`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReadState {
    /// Epoch of the read mark.
    pub epoch: Epoch,
    /// Number of the last event that the user has read.
    pub seq: Seq,
    /// Number of unread messages of others that are not deleted.
    pub unread: u64,
    /// Number of unread messages that mention the user.
    pub mentions: u64,
    /// Whether there may be more unread messages than were counted.
    pub capped: bool,
    /// Position up to which messages were counted; newer ones are not stored yet.
    pub counted: Position,
}

/// Position up to which a client has read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadTo {
    /// Epoch of `seq`; the room's current epoch if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Epoch>,
    /// Number of the last event that the user has read.
    pub seq: Seq,
}
