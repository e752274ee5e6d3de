//! What members of a room may do, and how often.

use serde::{Deserialize, Serialize};

use crate::id::AclVersion;

/// What the user changed about the room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum RoomChange {
    /// Its settings.
    #[serde(rename = "room_updated")]
    Updated {
        /// All of them, as they are now.
        settings: RoomSettings,
    },
}

/// The settings of a room that limit who may send and how often.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomSettings {
    /// The room's ACL version when they were changed last: the larger one is the newer one.
    pub version: AclVersion,
    /// Milliseconds that a member must wait between two messages; 0 for none.
    pub slow_mode_ms: u64,
    /// Whether only owner and moderators may send.
    pub frozen: bool,
}
