//! A place in a room's timeline.

use rookery_shared::id::{Epoch, Seq};

/// An event's epoch and number; as a client's position, the last event it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Its epoch.
    pub epoch: Epoch,
    /// Its number.
    pub seq: Seq,
}
