//! A place in a room's timeline.

use rookery_protocol::id::{Epoch, Seq};
use rookery_protocol::position::EventPlace;

/// An event's epoch and number; as a client's position, the last event it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Its epoch.
    pub epoch: Epoch,
    /// Its number.
    pub seq: Seq,
}

impl From<Position> for EventPlace {
    fn from(Position { epoch, seq }: Position) -> Self {
        Self { epoch, seq }
    }
}
