//! Frames to a user: to every device, whichever rooms are live there. They have no number; what they tell is kept and can
//! be asked for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::access::RoomKind;
use crate::clock::UnixMillis;
use crate::id::{NoticeId, RoomId, UserId};
use crate::limits::CONTENT_CHARS_MAX;
use crate::notice::{NoticeView, RoomPreferencesView};

/// A frame to a user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum UserFrame {
    /// There is something new in the user's inbox.
    Notification(NoticeView),
    /// Notices were read, on this device or another one: all up to one, or those of a room up to where it was read.
    NotificationsRead {
        /// How many were not read before.
        count: u64,
        /// Id of the newest notice that was read, unless it is about a room.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        up_to: Option<NoticeId>,
        /// Id of the room that was read.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        room: Option<RoomId>,
    },
    /// The user became a member of a room, on any device or by somebody else. It may be lost.
    RoomAdded {
        /// Id of the room.
        room: RoomId,
        /// What kind of room it is.
        #[serde(rename = "kind")]
        room_kind: RoomKind,
    },
    /// The user is no longer a member of a room, by whatever device or person. It may be lost.
    RoomRemoved {
        /// Id of the room.
        room: RoomId,
    },
    /// A user whom the connection watches, or the user of the connection, has another name or picture.
    UserUpdated {
        /// Id of the user.
        user_id: UserId,
        /// Name of the user.
        username: String,
        /// How the user wants to be called.
        display_name: Option<String>,
        /// Where the picture of the user is.
        avatar: Option<String>,
    },
    /// The user has other settings, chosen on this device or another one: read them again.
    SettingsUpdated {
        /// Whether others see what the user has read.
        read_receipts: bool,
        /// Whether others see that the user is typing.
        typing: bool,
    },
    /// The user wants something else of a room, said on this device or another one.
    RoomPreferences {
        /// Id of the room.
        room: RoomId,
        /// All that the user wants of it.
        #[serde(flatten)]
        preferences: RoomPreferencesView,
    },
    /// Those who run the server tell everybody something, or take it back.
    Announcement {
        /// Id of the announcement.
        #[schemars(with = "crate::id::MessageId")]
        id: uuid::Uuid,
        /// What it says; absent if it is taken back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[schemars(length(max = CONTENT_CHARS_MAX))]
        content: Option<String>,
        /// When it was made; absent if it is taken back.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        created_at: Option<UnixMillis>,
        /// Whether it is taken back.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        #[schemars(extend("const" = true))]
        deleted: bool,
    },
}
