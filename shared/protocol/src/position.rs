//! Where an event lies in the history of its room.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::clock::UnixMillis;
use crate::id::{Epoch, MessageId, Seq};

/// Place of an event in a room. Places are in the order of history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Position {
    /// Epoch of the number.
    pub epoch: Epoch,
    /// The number.
    pub seq: Seq,
}

impl Position {
    /// Before the first event.
    pub const START: Self = Self { epoch: Epoch(0), seq: Seq::ZERO };
}

/// The place at which the store has an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredPosition {
    /// Epoch of the number.
    pub epoch: Epoch,
    /// Number in the room.
    pub seq: Seq,
    /// When it was accepted.
    pub timestamp: UnixMillis,
}

/// An event that the store had already, when it was to be stored under another place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlreadyStored {
    /// Its id.
    pub id: MessageId,
    /// Where it is.
    pub first: StoredPosition,
}
