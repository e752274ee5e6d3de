//! How requests are acknowledged.

use schemars::JsonSchema;
use serde::Serialize;

use crate::clock::UnixMillis;
use crate::error_code::ErrorCode;
use crate::id::{Epoch, MessageId, RoomRef, Seq};
use crate::position::Position;
use crate::server::ErrorFrame;

/// The one argument of an acknowledgement: `ok`, and what the request came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Acknowledgement {
    /// Of `joinRoom`.
    Joined(Joined),
    /// Of `chatroomMessage`, and of changes of messages that were sent as `frame`.
    Sent(Sent),
    /// Of a request that was refused.
    Refused(Refused),
    /// Of anything else.
    Done(Done),
}

/// The request was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Refused {
    /// Always false.
    #[schemars(extend("const" = false))]
    pub ok: bool,
    /// Why.
    pub error: Failure,
}

/// It is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Done {
    /// Always true.
    #[schemars(extend("const" = true))]
    pub ok: bool,
}

/// The room is live, and the client has been sent what it missed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Joined {
    /// Always true.
    #[schemars(extend("const" = true))]
    pub ok: bool,
    /// Epoch of the number.
    pub epoch: Epoch,
    /// Number up to which the client has been sent everything, but for a gap.
    pub seq: Seq,
    /// How many events it had missed and has been sent.
    pub missed: u64,
    /// Numbers that were not sent: page them from history.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gap: Option<GapRange>,
    /// Whether the epoch of the client's position is over; see `roomReset`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schemars(extend("const" = true))]
    pub reset: bool,
}

/// A range of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct GapRange {
    /// First missing number.
    pub from: Seq,
    /// Last missing number.
    pub to: Seq,
}

/// The message is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Sent {
    /// Always true.
    #[schemars(extend("const" = true))]
    pub ok: bool,
    /// Its id.
    pub message_id: MessageId,
    /// Epoch of its number.
    pub epoch: Epoch,
    /// Its number.
    pub seq: Seq,
    /// When it was accepted.
    pub timestamp: UnixMillis,
}

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// For programs.
    pub code: ErrorCode,
    /// For people; may change.
    pub message: String,
    /// The field at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The room it is about, as the client named it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chatroom_id: Option<RoomRef>,
    /// When to try again, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

/// The last place of an epoch that is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Survived {
    /// The epoch.
    pub epoch: Epoch,
    /// Its last stored number.
    pub seq: Seq,
}

impl Acknowledgement {
    /// Of a request that needs no more words.
    pub const DONE: Self = Self::Done(Done { ok: true });
}

impl Failure {
    /// Of a frame of the protocol that came as the event `frame`: its fields have the names that they have there.
    pub fn of_frame(error: &ErrorFrame) -> Self {
        let ErrorFrame { code, message, field, client_id: _, room, retry_after_ms } = error.clone();
        Self { code, message, field, chatroom_id: room, retry_after_ms }
    }
}

impl From<&ErrorFrame> for Failure {
    fn from(error: &ErrorFrame) -> Self {
        let failure = Self::of_frame(error);
        let field = failure.field.map(|field| event_field(&field).to_owned());
        Self { field, ..failure }
    }
}

impl From<Failure> for Acknowledgement {
    fn from(error: Failure) -> Self {
        Self::Refused(Refused { ok: false, error })
    }
}

impl From<Position> for Survived {
    fn from(position: Position) -> Self {
        let Position { epoch, seq } = position;
        Self { epoch, seq }
    }
}

/// Fields of frames by the names that they have in events.
fn event_field(field: &str) -> &str {
    match field {
        "content" => "message",
        "room" | "rooms[0]" | "rooms[0].room" => "chatroomId",
        "rooms[0].epoch" => "epoch",
        "rooms[0].seq" => "seq",
        "client_id" => "clientId",
        "reply_to" => "replyTo",
        other => other,
    }
}
