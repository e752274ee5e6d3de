//! Positions of events in the history of a room.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::UnixMillis;
use crate::id::{Epoch, MessageId, Seq};

/// Position of an event in a room. Positions are ordered like the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Position {
    /// Epoch of `seq`.
    pub epoch: Epoch,
    /// Number of the event in the room and epoch.
    pub seq: Seq,
}

impl Position {
    /// The position before the first event.
    pub const START: Self = Self { epoch: Epoch(0), seq: Seq::ZERO };
}

/// Position and time under which the store has an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredPosition {
    /// Epoch of `seq`.
    pub epoch: Epoch,
    /// Number of the event in the room and epoch.
    pub seq: Seq,
    /// Time at which the event was accepted.
    pub timestamp: UnixMillis,
}

/// An event that was already stored under another position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlreadyStored {
    /// Id of the event.
    pub id: MessageId,
    /// Position and time under which it was stored first.
    pub first: StoredPosition,
}
