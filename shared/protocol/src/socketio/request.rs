//! Events from the client.

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::client::{Auth, ClientFrame, Message, Read, Rejected, RoomPosition, Subscribe, Unsubscribe};
use crate::error_code::ErrorCode;
use crate::id::{ClientId, Epoch, FileId, MessageId, RoomRef, Seq};
use crate::limits::ATTACHMENTS_MAX;
use crate::presence::Typing;
use crate::{named_message, null_or};

/// An event from the client. Fields that are not known are ignored, as in frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// `joinRoom`: makes a room live; acknowledged when the client has what it missed.
    Join(JoinRequest),
    /// `leaveRoom`: stops a room.
    Leave(LeaveRequest),
    /// `chatroomMessage`: sends a message; acknowledged when it is stored.
    Message(MessageRequest),
    /// `typing`: the user is typing.
    Typing(TypingRequest),
    /// `read`: the user has read up to a number.
    Read(ReadRequest),
    /// `auth`: a newer access token.
    Auth(AuthRequest),
    /// `frame`: any frame of the protocol.
    Frame(ClientFrame),
}

/// Payload of `joinRoom`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("dependencies" = {"epoch": ["seq"], "seq": ["epoch"]}))]
pub struct JoinRequest {
    /// The room.
    pub chatroom_id: RoomRef,
    /// Epoch of the last event the client has of the room.
    #[serde(default)]
    pub epoch: Option<Epoch>,
    /// Number of the last event the client has of the room.
    #[serde(default)]
    pub seq: Option<Seq>,
}

/// Payload of `leaveRoom`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeaveRequest {
    /// The room.
    pub chatroom_id: RoomRef,
}

/// Payload of `chatroomMessage`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageRequest {
    /// The room.
    pub chatroom_id: RoomRef,
    /// The text; it may be left out if there are attachments.
    #[serde(default)]
    #[schemars(with = "Option<crate::schema::ContentOrNone>")]
    pub message: Option<String>,
    /// The client's name for the message. With it the message can be sent again without being stored twice.
    #[serde(default)]
    pub client_id: Option<ClientId>,
    /// The message this one answers.
    #[serde(default, deserialize_with = "named_message")]
    #[schemars(with = "Option<MessageId>")]
    pub reply_to: Option<MessageId>,
    /// Ids of up to 10 files that the sender has uploaded and not attached to anything yet.
    #[serde(default, deserialize_with = "null_or")]
    #[schemars(with = "Option<Vec<FileId>>", length(max = ATTACHMENTS_MAX), extend("uniqueItems" = true))]
    pub attachments: Vec<FileId>,
}

/// Payload of `typing`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TypingRequest {
    /// The room.
    pub chatroom_id: RoomRef,
}

/// Payload of `read`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReadRequest {
    /// The room.
    pub chatroom_id: RoomRef,
    /// Epoch of the number; the room's current one if absent.
    #[serde(default)]
    pub epoch: Option<Epoch>,
    /// Number of the last event that was read.
    pub seq: Seq,
}

/// Payload of `auth`, and of the connection itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub struct AuthRequest {
    /// The access token, alone or behind `Bearer`.
    #[schemars(with = "crate::schema::Token")]
    pub token: String,
}

impl Request {
    /// The names of events, in the order of the documents.
    pub const NAMES: [&'static str; 7] =
        ["joinRoom", "leaveRoom", "chatroomMessage", "typing", "read", "auth", "frame"];

    /// Reads an event by its name and its first argument. Total: every input is a request or a [`Rejected`].
    ///
    /// # Errors
    /// [`ErrorCode::UnknownType`] for a name that is not known, else what is wrong with the payload.
    pub fn decode(name: &str, payload: Option<&RawValue>) -> Result<Self, Rejected> {
        let text = payload.map_or("null", RawValue::get);
        match name {
            "joinRoom" => fields(text).map(Self::Join),
            "leaveRoom" => fields(text).map(Self::Leave),
            "chatroomMessage" => fields(text).map(Self::Message),
            "typing" => fields(text).map(Self::Typing),
            "read" => fields(text).map(Self::Read),
            "auth" => fields(text).map(Self::Auth),
            "frame" => ClientFrame::decode(text).map(Self::Frame),
            _ => Err(Rejected::new(ErrorCode::UnknownType, None, "unknown event")),
        }
    }

    /// The frame that asks for the same, checked like any other.
    ///
    /// # Errors
    /// If a bound is broken that the types do not carry.
    pub fn into_frame(self) -> Result<ClientFrame, Rejected> {
        let frame = match self {
            Self::Join(JoinRequest { chatroom_id, epoch, seq }) => {
                ClientFrame::Subscribe(Subscribe { rooms: vec![RoomPosition { room: chatroom_id, epoch, seq }] })
            }
            Self::Leave(LeaveRequest { chatroom_id }) => {
                ClientFrame::Unsubscribe(Unsubscribe { rooms: vec![chatroom_id] })
            }
            Self::Message(MessageRequest { chatroom_id, message, client_id, reply_to, attachments }) => {
                if message.is_none() && attachments.is_empty() {
                    return Err(Rejected::new(ErrorCode::BadField, Some("message"), "is missing"));
                }
                let (room, content) = (Some(chatroom_id), message.unwrap_or_default());
                ClientFrame::Message(Message { room, client_id, content, reply_to, attachments })
            }
            Self::Typing(TypingRequest { chatroom_id }) => ClientFrame::Typing(Typing { room: Some(chatroom_id) }),
            Self::Read(ReadRequest { chatroom_id, epoch, seq }) => {
                ClientFrame::Read(Read { room: Some(chatroom_id), epoch, seq })
            }
            Self::Auth(AuthRequest { token }) => ClientFrame::Auth(Auth { token: bare_token(&token).to_owned() }),
            Self::Frame(frame) => return Ok(frame),
        };
        frame.checked()
    }
}

/// The token without the word `Bearer` before it, in any case.
pub fn bare_token(token: &str) -> &str {
    match token.split_once(' ') {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("bearer") => rest.trim_start(),
        _ => token,
    }
}

fn fields<T: DeserializeOwned>(text: &str) -> Result<T, Rejected> {
    if !text.trim_start().starts_with('{') {
        return Err(Rejected::new(ErrorCode::BadField, None, "the payload must be an object"));
    }
    crate::client::fields(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(name: &str, payload: &str) -> Result<ClientFrame, Rejected> {
        let payload = RawValue::from_string(payload.to_owned()).unwrap();
        Request::decode(name, Some(&payload)).and_then(Request::into_frame)
    }

    #[test]
    fn events_are_frames_under_other_names() {
        let room = "general";
        for (name, payload, frame) in [
            ("joinRoom", r#"{"chatroomId":"general"}"#, r#"{"type":"subscribe","rooms":[{"room":"general"}]}"#),
            (
                "joinRoom",
                r#"{"chatroomId":"general","epoch":"e1","seq":7,"more":1}"#,
                r#"{"type":"subscribe","rooms":[{"room":"general","epoch":"e1","seq":7}]}"#,
            ),
            ("leaveRoom", r#"{"chatroomId":"general"}"#, r#"{"type":"unsubscribe","rooms":["general"]}"#),
            (
                "chatroomMessage",
                r#"{"chatroomId":"general","message":"hi","clientId":"c-1"}"#,
                r#"{"type":"message","room":"general","client_id":"c-1","content":"hi"}"#,
            ),
            ("typing", r#"{"chatroomId":"general"}"#, r#"{"type":"typing","room":"general"}"#),
            ("read", r#"{"chatroomId":"general","seq":3}"#, r#"{"type":"read","room":"general","seq":3}"#),
            ("auth", r#"{"token":"bearer  x.y"}"#, r#"{"type":"auth","token":"x.y"}"#),
            ("frame", r#"{"type":"ping"}"#, r#"{"type":"ping"}"#),
        ] {
            assert_eq!(decode(name, payload), ClientFrame::decode(frame), "{name} {payload} in {room}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (name, payload, code, field) in [
            ("fly", "{}", ErrorCode::UnknownType, None),
            ("joinRoom", "null", ErrorCode::BadField, None),
            ("joinRoom", r#"["general"]"#, ErrorCode::BadField, None),
            ("joinRoom", "{}", ErrorCode::BadField, Some("chatroomId")),
            ("joinRoom", r#"{"chatroomId":{"$ne":""}}"#, ErrorCode::BadField, Some("chatroomId")),
            ("chatroomMessage", r#"{"chatroomId":"general"}"#, ErrorCode::BadField, Some("message")),
            (
                "chatroomMessage",
                r#"{"chatroomId":"general","message":" "}"#,
                ErrorCode::EmptyContent,
                Some("content"),
            ),
            ("read", r#"{"chatroomId":"general","seq":-1}"#, ErrorCode::BadField, Some("seq")),
        ] {
            let rejected = decode(name, payload).unwrap_err();
            assert_eq!((rejected.code, rejected.field.as_deref()), (code, field), "{name} {payload}");
        }
    }
}
