//! Frames to the client.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::ack_mode::AckMode;
use crate::clock::UnixMillis;
use crate::event::DeletionReason;
use crate::id::{ClientId, Epoch, MessageId, RoomId, Seq, SessionId, Slug, UserId};
use crate::limits::RECONNECT_SPREAD_MS;
pub use crate::parts::{ErrorFrame, Limits, Message, Reaction, Replies, RoomHead, UserBrief, You};
use crate::position::Position;
pub use crate::presence::PresenceView;
use crate::unread::ReadState;

mod event;
mod user;

pub use event::EventFrame;
pub use user::UserFrame;

/// A frame from the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerFrame {
    /// The connection is authenticated.
    Hello {
        /// Id of the login session of the token.
        session: SessionId,
        /// User of the connection.
        user: UserBrief,
        /// Milliseconds between the server's pings.
        heartbeat_ms: u64,
        /// Limits that a client should respect.
        limits: Limits,
        /// What an `ack` on this server guarantees.
        #[serde(default)]
        ack: AckMode,
    },
    /// The connection is subscribed to a room.
    Subscribed {
        /// Id of the room.
        room: RoomId,
        /// Slug of the room, if it has one.
        slug: Option<Slug>,
        /// Name of the room; null if it has none.
        name: Option<String>,
        /// Current epoch of the room.
        epoch: Epoch,
        /// Number of the newest event in the room.
        head: Seq,
        /// Number up to which all events are known to be stored, at least. More may be.
        stored: Seq,
        /// The user's role and read state in the room.
        you: You,
    },
    /// The connection is no longer subscribed to a room.
    Unsubscribed {
        /// Id of the room.
        room: RoomId,
        /// Why, if the client did not ask for it and it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<UnsubscribeReason>,
    },
    /// All events up to `seq` have been sent; live events follow.
    CaughtUp {
        /// Id of the room.
        room: RoomId,
        /// Number of the last event sent.
        seq: Seq,
    },
    /// Events `from` to `to` are too many or too old to replay: read them from history.
    Gap {
        /// Id of the room.
        room: RoomId,
        /// Epoch of the numbers.
        epoch: Epoch,
        /// Number of the first missing event.
        from: Seq,
        /// Number of the last missing event.
        to: Seq,
    },
    /// A new epoch has begun: re-send what was not acknowledged. Without `survived`, read history again.
    Reset {
        /// Id of the room.
        room: RoomId,
        /// The new epoch.
        epoch: Epoch,
        /// Number in the new epoch after which events will be sent.
        head: Seq,
        /// Last stored position of the previous epoch: events up to it are kept, those after it are lost.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        survived: Option<Position>,
    },
    /// A message or change is stored; the client need not send it again.
    Ack {
        /// The client's id for the message or change.
        client_id: ClientId,
        /// Id of the room.
        room: RoomId,
        /// Id of the message, or of the event of a change.
        message_id: MessageId,
        /// Epoch of `seq`.
        epoch: Epoch,
        /// Number of the event in the room and epoch.
        seq: Seq,
        /// Time at which the event was accepted.
        timestamp: UnixMillis,
        /// Whether it changed nothing; the position is then that of the message, and there is no event.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        #[schemars(extend("const" = true))]
        unchanged: bool,
    },
    /// A frame was rejected. The connection stays open.
    Error(ErrorFrame),
    /// Answer to `ping`.
    Pong {},
    /// The node is shutting down: reconnect after a delay.
    Reconnect {
        /// Delay in milliseconds.
        #[schemars(range(max = RECONNECT_SPREAD_MS))]
        after_ms: u64,
    },
    /// Answer to `heads`: the newest position of each room; rooms that the user may not read and rooms without news are left out.
    Heads {
        /// Rooms in the order of the request.
        rooms: Vec<RoomHead>,
    },
    /// The access token expires soon: send a newer one in an `auth` frame.
    TokenExpiring {
        /// Milliseconds until the token expires.
        after_ms: u64,
    },
    /// The presence of a watched user changed.
    Presence(PresenceView),
    /// Answer to `watch`: the presence of the users watched from now on.
    Watching {
        /// Presence of the watched users who share a room with the user.
        users: Vec<PresenceView>,
    },
    /// The users who are online in a watched room.
    RoomPresence {
        /// Id of the room.
        room: RoomId,
        /// Number of users online in the room.
        online: usize,
        /// Whether `users` is the full list; if not, it has those who came online or changed their status.
        whole: bool,
        /// Presence of the users; absent if there are too many to list.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        users: Option<Vec<PresenceView>>,
        /// Ids of the users who are no longer online in the room.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        gone: Vec<UserId>,
    },
    /// A user is typing. Not an event: it has no number and may be lost.
    Typing {
        /// Id of the room.
        room: RoomId,
        /// The user who is typing.
        user: UserBrief,
    },
    /// The user's read mark moved, on this device or another one. Also sent for rooms without a subscription.
    Read {
        /// Id of the room.
        room: RoomId,
        /// New read state of the room.
        #[serde(flatten)]
        state: ReadState,
    },
    /// A member of a live room has read on. Not an event: it has no number and may be lost.
    ReadBy {
        /// Id of the room.
        room: RoomId,
        /// Id of the user.
        user_id: UserId,
        /// Position of the last event that the user has read.
        read: Position,
        /// When the user has read it.
        at: UnixMillis,
    },
    /// News for the user, on every device.
    #[serde(untagged)]
    User(UserFrame),
    /// An event of a subscribed room.
    #[serde(untagged)]
    Event(EventFrame),
}

/// How a subscription ended that the client did not end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnsubscribeReason {
    /// The user left, on another device.
    Left,
    /// The user was removed.
    Kicked,
    /// The user was banned.
    Banned,
    /// The room was deleted.
    Deleted,
    /// The time of the room was over.
    Expired,
}

impl From<DeletionReason> for UnsubscribeReason {
    fn from(reason: DeletionReason) -> Self {
        match reason {
            DeletionReason::Deleted => Self::Deleted,
            DeletionReason::Expired => Self::Expired,
        }
    }
}

impl ServerFrame {
    /// The frame as JSON text.
    pub fn to_json(&self) -> String {
        // Strings, ids and numbers only: serialising cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}
