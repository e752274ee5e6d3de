//! What processes tell each other for the connections of one user.

use serde::{Deserialize, Serialize};

use crate::id::RoomId;
use crate::server::{ServerFrame, UserFrame};
use crate::unread::ReadState;

/// News for all connections of a user, whichever rooms they are subscribed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum UserNews {
    /// The user's read mark moved, on this device or another one.
    Read {
        /// Id of the room.
        room: RoomId,
        /// New read state of the room.
        state: ReadState,
    },
    /// Anything else, as its devices are told.
    Frame {
        /// The frame.
        frame: UserFrame,
    },
}

impl From<UserNews> for ServerFrame {
    fn from(news: UserNews) -> Self {
        match news {
            UserNews::Read { room, state } => Self::Read { room, state },
            UserNews::Frame { frame } => Self::User(frame),
        }
    }
}
