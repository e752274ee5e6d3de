//! Frames from the client: one tagged enum, decoded strictly by type and leniently by name (unknown fields are
//! ignored, so that an older server understands a newer client).

use std::fmt;
use std::marker::PhantomData;

use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::attachment;
use crate::changes::{Delete, Edit, React};
use crate::content;
use crate::error_code::ErrorCode;
use crate::id::{ClientId, Epoch, FileId, MessageId, RoomRef, Seq};
use crate::limits::{
    ATTACHMENTS_MAX, FRAME_BYTES_MAX, ROOMS_PER_FRAME_MAX, TOKEN_BYTES_MAX, WATCHED_ROOMS_MAX, WATCHED_USERS_MAX,
};
use crate::presence::{Presence, Typing, Watch};
use crate::{named_message, null_or};

/// A frame from the client.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientFrame {
    /// Authenticates the connection.
    Auth(Auth),
    /// Subscribes to rooms; a room with a position is resumed there.
    Subscribe(Subscribe),
    /// Ends subscriptions to rooms.
    Unsubscribe(Unsubscribe),
    /// Sends a message to a room.
    Message(Message),
    /// Asks for a `pong`.
    Ping(Ping),
    /// Asks for the newest position of rooms, without subscribing to them.
    Heads(Heads),
    /// Changes the text of a message.
    Edit(Edit),
    /// Deletes a message.
    Delete(Delete),
    /// Adds or removes a reaction to a message.
    React(React),
    /// Sets the user's presence status.
    Presence(Presence),
    /// Chooses the users and rooms whose presence the connection receives.
    Watch(Watch),
    /// Reports that the user is typing.
    Typing(Typing),
    /// Moves the user's read mark in a room.
    Read(Read),
    /// Holds everything back that is said in rooms, until it is turned off.
    Background(Background),
}

/// `{"type":"auth","token":…}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Auth {
    /// Access token.
    #[schemars(with = "crate::schema::Token")]
    pub token: String,
}

/// `{"type":"subscribe","rooms":[…]}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Subscribe {
    /// 1 to 100 rooms.
    #[serde(deserialize_with = "objects")]
    #[schemars(length(min = 1, max = ROOMS_PER_FRAME_MAX))]
    pub rooms: Vec<RoomPosition>,
}

/// A room and the position of the last event that the client has of it; `epoch` and `seq` go together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("dependencies" = {"epoch": ["seq"], "seq": ["epoch"]}))]
pub struct RoomPosition {
    /// Id or slug of the room.
    pub room: RoomRef,
    /// Epoch of the last event that the client has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Epoch>,
    /// Number of the last event that the client has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seq: Option<Seq>,
}

/// `{"type":"unsubscribe","rooms":[…]}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unsubscribe {
    /// 1 to 100 rooms.
    #[schemars(length(min = 1, max = ROOMS_PER_FRAME_MAX))]
    pub rooms: Vec<RoomRef>,
}

/// `{"type":"message",…}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("if" = attachment::without_files(), "then" = attachment::with_text()))]
pub struct Message {
    /// Id or slug of the room; optional on a single-room connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomRef>,
    /// The client's id for the message; a repeat with the same id is the same message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<ClientId>,
    /// Text of the message; it may be left out, or empty, if there are attachments.
    #[serde(default, deserialize_with = "null_or")]
    #[schemars(with = "Option<crate::schema::ContentOrNone>")]
    pub content: String,
    /// Id of the message that this one replies to. A text that is none is refused as an id that nothing has.
    #[serde(default, deserialize_with = "named_message", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub reply_to: Option<MessageId>,
    /// Ids of up to 10 files that the sender has uploaded and not attached to anything yet.
    #[serde(default, deserialize_with = "null_or", skip_serializing_if = "Vec::is_empty")]
    #[schemars(with = "Option<Vec<FileId>>", length(max = ATTACHMENTS_MAX), extend("uniqueItems" = true))]
    pub attachments: Vec<FileId>,
}

/// `{"type":"ping"}`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ping {}

/// `{"type":"heads","rooms":[…]}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Heads {
    /// 1 to 100 rooms; a room with a position is answered only if it has newer events.
    #[serde(deserialize_with = "objects")]
    #[schemars(length(min = 1, max = ROOMS_PER_FRAME_MAX))]
    pub rooms: Vec<RoomPosition>,
}

/// `{"type":"read","room":…,"seq":…}`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Read {
    /// Id or slug of the room; optional on a single-room connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<RoomRef>,
    /// Epoch of `seq`; the room's current epoch if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Epoch>,
    /// Number of the last event that the user has read.
    pub seq: Seq,
}

/// `{"type":"background","on":…}`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Background {
    /// Whether nobody looks: only notices and counts are sent from then on.
    pub on: bool,
}

/// Why a frame was rejected; becomes an `error` frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Machine-readable code.
    pub code: ErrorCode,
    /// Path of the invalid field, such as `rooms[0].seq`.
    pub field: Option<String>,
    /// What is wrong, for people.
    pub detail: String,
    /// The `client_id` of the frame, if it could be read, so that the client can match the error.
    pub client_id: Option<ClientId>,
}

/// The fields that decide how the rest is decoded. Values of any type are accepted here.
#[derive(Deserialize)]
struct Envelope {
    #[serde(default, rename = "type")]
    kind: Option<serde_json::Value>,
    #[serde(default)]
    content: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    client_id: Option<serde_json::Value>,
}

impl ClientFrame {
    /// Decodes one text frame. Total: every input is a frame or a [`Rejected`].
    ///
    /// A frame without `type` but with `content` is a message (the beginner's form).
    pub fn decode(text: &str) -> Result<Self, Rejected> {
        if text.len() > FRAME_BYTES_MAX {
            return Err(Rejected::new(ErrorCode::BadJson, None, "the frame is too large"));
        }
        let Object(envelope): Object<Envelope> =
            serde_json::from_str(text).map_err(|error| Rejected::new(ErrorCode::BadJson, None, &error.to_string()))?;
        let client_id = envelope.client_id.and_then(|value| ClientId::deserialize(value).ok());
        let has_content = envelope.content.is_some();
        let frame = match (envelope.kind, envelope.content) {
            (Some(serde_json::Value::String(kind)), _) => Self::decode_kind(&kind, text),
            (Some(_), _) => Err(Rejected::new(ErrorCode::BadField, Some("type"), "must be a string")),
            (None, Some(_)) => fields(text).map(Self::Message),
            (None, None) => Err(Rejected::new(ErrorCode::BadField, Some("type"), "is missing")),
        };
        let frame = frame.and_then(|frame| frame.with_content(has_content)).and_then(Self::checked);
        frame.map_err(|rejected| Rejected { client_id, ..rejected })
    }

    fn decode_kind(kind: &str, text: &str) -> Result<Self, Rejected> {
        match kind {
            "auth" => fields(text).map(Self::Auth),
            "subscribe" => fields(text).map(Self::Subscribe),
            "unsubscribe" => fields(text).map(Self::Unsubscribe),
            "message" => fields(text).map(Self::Message),
            "ping" => fields(text).map(Self::Ping),
            "heads" => fields(text).map(Self::Heads),
            "edit" => fields(text).map(Self::Edit),
            "delete" => fields(text).map(Self::Delete),
            "react" => fields(text).map(Self::React),
            "presence" => fields(text).map(Self::Presence),
            "watch" => fields(text).map(Self::Watch),
            "typing" => fields(text).map(Self::Typing),
            "read" => fields(text).map(Self::Read),
            "background" => fields(text).map(Self::Background),
            _ => Err(Rejected::new(ErrorCode::UnknownType, Some("type"), "unknown frame type")),
        }
    }

    /// Only a message with files may be without a text.
    fn with_content(self, has_content: bool) -> Result<Self, Rejected> {
        let is_empty = |message: &Message| !has_content && message.attachments.is_empty();
        if matches!(&self, Self::Message(message) if is_empty(message)) {
            return Err(Rejected::new(ErrorCode::BadField, Some("content"), "is missing"));
        }
        Ok(self)
    }

    /// Checks the bounds that the types do not enforce.
    pub(crate) fn checked(self) -> Result<Self, Rejected> {
        match &self {
            Self::Auth(auth) if auth.token.len() > TOKEN_BYTES_MAX => {
                Err(Rejected::new(ErrorCode::BadField, Some("token"), "is too long"))
            }
            Self::Subscribe(Subscribe { rooms }) | Self::Heads(Heads { rooms }) => check_count(rooms.len()),
            Self::Unsubscribe(Unsubscribe { rooms }) => check_count(rooms.len()),
            Self::Message(message) => check_message(message),
            Self::Edit(edit) => {
                content::check(&edit.content).map_err(|code| Rejected::new(code, Some("content"), code.message()))
            }
            Self::Watch(watch) => check_watch(watch),
            Self::Auth(_)
            | Self::Ping(_)
            | Self::Delete(_)
            | Self::React(_)
            | Self::Presence(_)
            | Self::Typing(_)
            | Self::Read(_)
            | Self::Background(_) => Ok(()),
        }?;
        Ok(self)
    }
}

impl Rejected {
    /// Refused with this code, for this field.
    pub fn new(code: ErrorCode, field: Option<&str>, detail: &str) -> Self {
        Self { code, field: field.map(str::to_owned), detail: detail.to_owned(), client_id: None }
    }
}

fn check_message(message: &Message) -> Result<(), Rejected> {
    let checked = content::check_with(&message.content, !message.attachments.is_empty());
    checked.map_err(|code| Rejected::new(code, Some("content"), code.message()))?;
    let named = attachment::named(&message.attachments).map(drop);
    named.map_err(|code| Rejected::new(code, Some("attachments"), "must name at most 10 files, each once"))
}

fn check_count(rooms: usize) -> Result<(), Rejected> {
    if (1..=ROOMS_PER_FRAME_MAX).contains(&rooms) {
        Ok(())
    } else {
        Err(Rejected::new(ErrorCode::BadField, Some("rooms"), "must name 1 to 100 rooms"))
    }
}

fn check_watch(watch: &Watch) -> Result<(), Rejected> {
    let Watch { users, rooms } = watch;
    if users.len() > WATCHED_USERS_MAX {
        Err(Rejected::new(ErrorCode::BadField, Some("users"), "must name at most 500 users"))
    } else if rooms.len() > WATCHED_ROOMS_MAX {
        Err(Rejected::new(ErrorCode::BadField, Some("rooms"), "must name at most 100 rooms"))
    } else {
        Ok(())
    }
}

pub(crate) fn fields<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, Rejected> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let detail = error.into_inner().to_string();
        let field = if path == "." { missing_field(&detail) } else { Some(path) };
        Rejected { code: ErrorCode::BadField, field, detail, client_id: None }
    })
}

/// A JSON object. Without it an array whose values happen to fit would be read as a frame.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ObjectVisitor(PhantomData)).map(Self)
    }
}

struct ObjectVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }
}

fn objects<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let objects: Vec<Object<T>> = Vec::deserialize(deserializer)?;
    Ok(objects.into_iter().map(|Object(value)| value).collect())
}

/// The field name in serde's "missing field `x`", since the path of such an error ends at the enclosing object.
fn missing_field(detail: &str) -> Option<String> {
    detail.split('`').nth(1).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> (ErrorCode, Option<String>) {
        let rejected = ClientFrame::decode(text).unwrap_err();
        (rejected.code, rejected.field)
    }

    #[test]
    fn a_frame_with_only_content_is_a_message() {
        let frame = ClientFrame::decode(r#"{"content":"hi","extra":1}"#).unwrap();
        assert!(matches!(frame, ClientFrame::Message(Message { content, .. }) if content == "hi"));
    }

    #[test]
    fn nonsense_is_named() {
        assert_eq!(code("hello").0, ErrorCode::BadJson);
        assert_eq!(code("[1]").0, ErrorCode::BadJson);
        assert_eq!(code("3").0, ErrorCode::BadJson);
        assert_eq!(code(&"[".repeat(10_000)).0, ErrorCode::BadJson);
        assert_eq!(code("{}"), (ErrorCode::BadField, Some("type".into())));
        assert_eq!(code(r#"{"type":7}"#), (ErrorCode::BadField, Some("type".into())));
        assert_eq!(code(r#"{"type":"fly"}"#).0, ErrorCode::UnknownType);
    }

    #[test]
    fn the_field_at_fault_is_named() {
        let cases = [
            (r#"{"type":"message"}"#, "content"),
            (r#"{"type":"message","content":5}"#, "content"),
            (r#"{"type":"message","content":{"$ne":""}}"#, "content"),
            (r#"{"type":"message","content":"x","room":"*"}"#, "room"),
            (r#"{"type":"message","content":"x","client_id":"a b"}"#, "client_id"),
            (r#"{"type":"subscribe","rooms":[]}"#, "rooms"),
            (r#"{"type":"subscribe","rooms":[{"room":"general","seq":-1}]}"#, "rooms[0].seq"),
            (r#"{"type":"subscribe","rooms":[{"room":"general","epoch":"1"}]}"#, "rooms[0].epoch"),
            (r#"{"type":"subscribe","rooms":["general"]}"#, "rooms[0]"),
            (r#"{"type":"auth","token":null}"#, "token"),
        ];
        for (text, field) in cases {
            assert_eq!(code(text), (ErrorCode::BadField, Some(field.into())), "{text}");
        }
    }

    #[test]
    fn an_error_carries_the_client_id() {
        let rejected = ClientFrame::decode(r#"{"type":"message","client_id":"c-1","content":" "}"#).unwrap_err();
        assert_eq!(rejected.code, ErrorCode::EmptyContent);
        assert_eq!(rejected.client_id.unwrap().as_str(), "c-1");
    }
}
