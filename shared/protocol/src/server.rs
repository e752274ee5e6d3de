//! Frames to the client.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::ack_mode::AckMode;
use crate::clock::UnixMillis;
use crate::id::{ClientId, Epoch, MessageId, RoomId, Seq, SessionId, Slug, UserId};
use crate::limits::RECONNECT_SPREAD_MS;
pub use crate::parts::{ErrorFrame, Limits, Message, Reaction, RoomHead, UserBrief, You};
use crate::position::Position;
pub use crate::presence::PresenceView;
use crate::unread::{ReadState, UserNews};

mod event;

pub use event::EventFrame;

/// What the server says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerFrame {
    /// The connection is authenticated.
    Hello {
        /// Login session of the token.
        session: SessionId,
        /// Whose connection it is.
        user: UserBrief,
        /// Milliseconds between the server's pings.
        heartbeat_ms: u64,
        /// Bounds a client should respect.
        limits: Limits,
        /// What an `ack` will say.
        #[serde(default)]
        ack: AckMode,
    },
    /// A room is live on this connection.
    Subscribed {
        /// The room.
        room: RoomId,
        /// Its readable address, if it has one.
        slug: Option<Slug>,
        /// Its name.
        name: String,
        /// Current epoch.
        epoch: Epoch,
        /// Number of the newest event.
        head: Seq,
        /// Number up to which the store has everything.
        stored: Seq,
        /// What the user is here.
        you: You,
    },
    /// A room is no longer live on this connection.
    Unsubscribed {
        /// The room.
        room: RoomId,
    },
    /// Everything up to `seq` has been sent; what follows is live.
    CaughtUp {
        /// The room.
        room: RoomId,
        /// Number of the last event sent.
        seq: Seq,
    },
    /// Events `from` to `to` are too many or too old to replay: page them from history.
    Gap {
        /// The room.
        room: RoomId,
        /// First missing number.
        from: Seq,
        /// Last missing number.
        to: Seq,
    },
    /// The numbers go on under another epoch: re-send what has no ack. Without `survived` read history again.
    Reset {
        /// The room.
        room: RoomId,
        /// The epoch that holds from now on.
        epoch: Epoch,
        /// The number behind which the events go on that will be sent.
        head: Seq,
        /// The last place of the epoch before that is stored: what the client has up to there stays, what it has behind it
        /// is lost.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        survived: Option<Position>,
    },
    /// The message is stored; it can be dropped from the client's outbox.
    Ack {
        /// The client's name for it.
        client_id: ClientId,
        /// The room.
        room: RoomId,
        /// Its id.
        message_id: MessageId,
        /// Epoch of its number.
        epoch: Epoch,
        /// Its number.
        seq: Seq,
        /// When it was accepted.
        timestamp: UnixMillis,
        /// Whether it changed nothing: then the place is that of the message, and there is no event.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        #[schemars(extend("const" = true))]
        unchanged: bool,
    },
    /// A frame was refused. The connection stays open.
    Error(ErrorFrame),
    /// Answer to `ping`.
    Pong {},
    /// This node is stopping: connect again after so many milliseconds.
    Reconnect {
        /// Milliseconds to wait.
        #[schemars(range(max = RECONNECT_SPREAD_MS))]
        after_ms: u64,
    },
    /// Where rooms stand that the client asked for; those it may not read, or knows the newest event of, are left out.
    Heads {
        /// In the order asked.
        rooms: Vec<RoomHead>,
    },
    /// The access token ends soon: send a newer one in an `auth` frame.
    TokenExpiring {
        /// Milliseconds until then.
        after_ms: u64,
    },
    /// A watched user came, went, or has another status.
    Presence(PresenceView),
    /// Answer to `watch`: how those stand who are watched from now on.
    Watching {
        /// The users, without those who share no room with the user of the connection.
        users: Vec<PresenceView>,
    },
    /// Who is in a watched room.
    RoomPresence {
        /// The room.
        room: RoomId,
        /// How many users are in it.
        online: usize,
        /// Whether `users` are all of them; else those who came or have another status.
        whole: bool,
        /// The users; left out where there are too many to be named.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        users: Option<Vec<PresenceView>>,
        /// Those who went.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        gone: Vec<UserId>,
    },
    /// Somebody is typing. Not an event: it has no number and may be lost.
    Typing {
        /// The room.
        room: RoomId,
        /// Who.
        user: UserBrief,
    },
    /// The user has read on in a room, on this device or another one. Tells of rooms that are not live, too.
    Read {
        /// The room.
        room: RoomId,
        /// Where to, and what is left.
        #[serde(flatten)]
        state: ReadState,
    },
    /// An event of a live room.
    #[serde(untagged)]
    Event(EventFrame),
}

impl From<UserNews> for ServerFrame {
    fn from(news: UserNews) -> Self {
        match news {
            UserNews::Read { room, state } => Self::Read { room, state },
        }
    }
}

impl ServerFrame {
    /// The frame as JSON text.
    pub fn to_json(&self) -> String {
        // Strings, ids and numbers only: nothing in it can fail to serialise.
        serde_json::to_string(self).unwrap_or_default()
    }
}
