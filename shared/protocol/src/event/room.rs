//! What members of a room may do, and how often.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::generation;
use crate::id::AclVersion;
use crate::room::Posting;
use crate::room_changes::RoomChanges;

/// What the user changed about the room.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind")]
pub enum RoomChange {
    /// Its settings.
    #[serde(rename = "room_updated")]
    Updated {
        /// Those that the bus keeps to, all of them, as they are now.
        settings: RoomSettings,
        /// What is different now, with its new values; absent in events of before, and where not every node knows it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        changed: Option<Box<RoomChanges>>,
    },
    /// It is no more. This is its last event.
    #[serde(rename = "room_deleted")]
    Deleted {
        /// How it came to that.
        reason: DeletionReason,
    },
}

impl RoomChange {
    /// The event generation that every node has to know, see [`super::generation`].
    pub const fn generation(&self) -> u32 {
        match self {
            Self::Updated { changed: None, settings: _ } => generation::FIRST,
            Self::Updated { changed: Some(_), settings: _ } | Self::Deleted { .. } => generation::ROOMS_AND_PEOPLE,
        }
    }
}

/// How a room came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeletionReason {
    /// Somebody deleted it.
    Deleted,
    /// Its time was over.
    Expired,
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
    /// Who may send at all.
    #[serde(default)]
    pub posting: Posting,
    /// Whether nobody may send any more.
    #[serde(default)]
    pub archived: bool,
}
