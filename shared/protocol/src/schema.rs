//! JSON Schemas of what clients and servers say: derived from the types that are sent, so that the AsyncAPI document,
//! the OpenAPI document and the types of the web client describe what the code does. This module has the schemas of the
//! types with a text form of their own, and the rules that hold for everything one side says.
//!
//! The schemas are of JSON Schema draft 7, which AsyncAPI 3 is made on and OpenAPI 3.1 understands.

use std::borrow::Cow;

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use crate::client::ClientFrame;
use crate::clock::UnixMillis;
use crate::emoji::Emoji;
use crate::error_code::ErrorCode;
use crate::id::{ClientId, Epoch, FileId, MessageId, NoticeId, RoomId, RoomRef, Seq, SessionId, Slug, UserId};
use crate::limits::{
    CLIENT_ID_BYTES_MAX, CONTENT_BYTES_MAX, CONTENT_CHARS_MAX, EMOJI_BYTES_MAX, EMOJI_CHARS_MAX, SLUG_BYTES_MAX,
    STATUS_TEXT_BYTES_MAX, STATUS_TEXT_CHARS_MAX, TOKEN_BYTES_MAX,
};
use crate::presence::StatusText;
use crate::server::{EventFrame, ServerFrame, UserFrame};
use crate::socketio::{
    AuthRequest, Event, JoinRequest, LeaveRequest, MessageRequest, ReadRequest, Refused, TypingRequest,
};
use crate::text::LINE_PATTERN;

/// Where both documents keep the schemas that others refer to.
pub const DEFINITIONS: &str = "#/components/schemas/";

/// One type of frame.
#[derive(Clone, Debug)]
pub struct FrameSchema {
    /// Its `type`.
    pub kind: String,
    /// The first sentence of its documentation.
    pub summary: String,
    /// The frame.
    pub schema: Value,
}

/// Frames of one side, and the definitions they refer to.
#[derive(Clone, Debug)]
pub struct Schemas {
    /// One for each type of frame, in the order of the source.
    pub frames: Vec<FrameSchema>,
    /// By name.
    pub definitions: Map<String, Value>,
}

/// What a client may say. Unknown fields are ignored and null is as good as nothing, so these objects are open.
pub fn client_frames() -> Schemas {
    let mut generator = settings().for_deserialize().into_generator();
    let mut frames = frames_of::<ClientFrame>(&mut generator);
    // The beginner's form: a frame with `content` and without `type` is a message.
    for frame in frames.iter_mut().filter(|frame| frame.kind == "message") {
        if let Some(required) = frame.schema["required"].as_array_mut() {
            required.retain(|name| name != "type");
        }
        frame.schema["properties"]["type"] = json!({"enum": ["message", null]});
    }
    Schemas::new(frames, generator)
}

/// What the server may say. A field that is not described is a defect of the server, so these objects are closed.
pub fn server_frames() -> Schemas {
    let mut generator = settings().with_transform(AsSent).for_serialize().into_generator();
    let mut frames = frames_of::<ServerFrame>(&mut generator);
    frames.extend(frames_of::<UserFrame>(&mut generator));
    frames.extend(frames_of::<EventFrame>(&mut generator));
    Schemas::new(frames, generator)
}

/// The arguments of the events that a Socket.IO client sends, but for `frame`, whose argument is one of [`client_frames`].
pub fn socketio_requests() -> Schemas {
    let mut generator = settings().for_deserialize().into_generator();
    let events = [
        ("joinRoom", JoinRequest::json_schema as fn(&mut SchemaGenerator) -> Schema),
        ("leaveRoom", LeaveRequest::json_schema),
        ("chatroomMessage", MessageRequest::json_schema),
        ("typing", TypingRequest::json_schema),
        ("read", ReadRequest::json_schema),
        ("auth", AuthRequest::json_schema),
    ];
    let frames = events.map(|(kind, make)| {
        let mut schema = make(&mut generator);
        finish(&mut schema, &mut generator);
        frame_named(kind, schema.to_value())
    });
    Schemas::new(frames.into(), generator)
}

/// The arguments of the events that a Socket.IO client is sent, but for `frame`, whose argument is one of
/// [`server_frames`].
pub fn socketio_events() -> Schemas {
    let mut generator = settings().with_transform(AsSent).for_serialize().into_generator();
    let frames = variants_of::<Event>(&mut generator).into_iter().filter_map(|variant| {
        let kind = variant["properties"]["event"]["const"].as_str()?.to_owned();
        let mut payload = variant["properties"]["payload"].clone();
        payload["description"] = variant["description"].clone();
        inline(&mut payload, generator.definitions());
        let mut schema = Schema::try_from(payload).ok()?;
        finish(&mut schema, &mut generator);
        (kind != "frame").then(|| frame_named(&kind, schema.to_value()))
    });
    let frames = frames.collect();
    Schemas::new(frames, generator)
}

/// The acknowledgement of a request that comes to `T`, or is refused.
pub fn socketio_acknowledgement<T: JsonSchema>() -> (Value, Map<String, Value>) {
    let mut generator = settings().with_transform(AsSent).for_serialize().into_generator();
    let choices = [generator.subschema_for::<T>(), generator.subschema_for::<Refused>()];
    (json!({"oneOf": choices}), generator.take_definitions(true))
}

fn frame_named(kind: &str, mut schema: Value) -> FrameSchema {
    let summary = schema.as_object_mut().and_then(|schema| schema.remove("description"));
    let summary = summary.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned();
    FrameSchema { kind: kind.to_owned(), summary, schema }
}

/// The schema of something that the server sends outside of frames, and the definitions it refers to.
pub fn sent<T: JsonSchema>() -> (Value, Map<String, Value>) {
    let mut generator = settings().with_transform(AsSent).for_serialize().into_generator();
    let mut root = T::json_schema(&mut generator);
    finish(&mut root, &mut generator);
    (root.to_value(), generator.take_definitions(true))
}

fn settings() -> SchemaSettings {
    let settings = SchemaSettings::draft07().with_transform(PlainNumbers);
    settings.with(|settings| settings.definitions_path = DEFINITIONS.trim_start_matches('#').into())
}

impl Schemas {
    /// Without the definitions that nothing refers to: those of frames, which are told frame by frame.
    fn new(frames: Vec<FrameSchema>, mut generator: SchemaGenerator) -> Self {
        let mut all = generator.take_definitions(true);
        let mut definitions = Map::new();
        let mut names: Vec<String> = frames.iter().flat_map(|frame| references(&frame.schema)).collect();
        while let Some(name) = names.pop() {
            if let Some(definition) = all.remove(&name) {
                names.extend(references(&definition));
                definitions.insert(name, definition);
            }
        }
        Self { frames, definitions }
    }
}

fn references(schema: &Value) -> Vec<String> {
    match schema {
        Value::Object(fields) => {
            let here = fields.get("$ref").and_then(Value::as_str).and_then(|at| at.strip_prefix(DEFINITIONS));
            here.map(str::to_owned).into_iter().chain(fields.values().flat_map(references)).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

fn frames_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Vec<FrameSchema> {
    variants_of::<T>(generator)
        .into_iter()
        .filter_map(|schema| frame_of(schema, generator))
        .collect()
}

fn variants_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Vec<Value> {
    let mut root = T::json_schema(generator).to_value();
    let variants = ["oneOf", "anyOf"]
        .into_iter()
        .find_map(|key| root.get_mut(key)?.as_array_mut().map(std::mem::take));
    variants.unwrap_or_default()
}

/// None for a variant that stands for the frames of another enum.
fn frame_of(mut schema: Value, generator: &mut SchemaGenerator) -> Option<FrameSchema> {
    let kind = schema["properties"]["type"]["const"].as_str()?.to_owned();
    inline(&mut schema, generator.definitions());
    let mut schema = Schema::try_from(schema).ok()?;
    finish(&mut schema, generator);
    Some(frame_named(&kind, schema.to_value()))
}

/// A frame whose fields are a type of their own refers to it; an object that is closed cannot.
fn inline(frame: &mut Value, definitions: &Map<String, Value>) {
    let Some(name) = frame["$ref"].as_str().and_then(|at| at.strip_prefix(DEFINITIONS)) else { return };
    let Some(fields) = definitions.get(name).and_then(Value::as_object) else { return };
    let Some(frame) = frame.as_object_mut() else { return };
    frame.remove("$ref");
    for (key, value) in fields {
        match (frame.get_mut(key), value) {
            (Some(Value::Object(known)), Value::Object(more)) => known.extend(more.clone()),
            (Some(Value::Array(known)), Value::Array(more)) => known.extend(more.clone()),
            (Some(_), _) => {}
            (None, _) if key == "description" => {}
            (None, _) => {
                frame.insert(key.clone(), value.clone());
            }
        }
    }
}

/// Applies what the generator applies to definitions by itself.
fn finish(schema: &mut Schema, generator: &mut SchemaGenerator) {
    for transform in generator.transforms_mut() {
        transform.transform(schema);
    }
}

/// How wide a number is in the source says nothing to others.
#[derive(Clone, Debug)]
struct PlainNumbers;

impl Transform for PlainNumbers {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        if schema
            .get("format")
            .and_then(Value::as_str)
            .is_some_and(|format| format.starts_with("uint"))
        {
            schema.remove("format");
        }
    }
}

/// What is said of objects that the server made: nothing is in them that is not described, and what there is nothing to
/// say of is left out, never null.
#[derive(Clone, Debug)]
struct AsSent;

impl Transform for AsSent {
    fn transform(&mut self, schema: &mut Schema) {
        transform_subschemas(self, schema);
        let mut value = schema.clone().to_value();
        close(&mut value);
        if let Ok(closed) = Schema::try_from(value) {
            *schema = closed;
        }
    }
}

fn close(schema: &mut Value) {
    let required: Vec<Value> = schema["required"].as_array().cloned().unwrap_or_default();
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    for (name, property) in properties.iter_mut() {
        if !required.iter().any(|known| known == name) {
            without_null(property);
        }
    }
    schema["additionalProperties"] = json!(false);
}

/// Marks a field in which null says something else than its absence.
const SAYS_NULL: &str = "x-null";

fn without_null(property: &mut Value) {
    if property.as_object_mut().is_some_and(|property| property.remove(SAYS_NULL).is_some()) {
        return;
    }
    if let Some(types) = property.get_mut("type").and_then(Value::as_array_mut) {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            property["type"] = only.clone();
        }
    }
    let Some(choices) = property.get_mut("anyOf").and_then(Value::as_array_mut) else { return };
    choices.retain(|choice| choice["type"] != "null");
    if choices.len() == 1 {
        property["allOf"] = property["anyOf"].take();
        if let Some(property) = property.as_object_mut() {
            property.remove("anyOf");
        }
    }
}

/// A type whose schema is not that of its fields. Types with one name are one definition.
macro_rules! described {
    ($($type:ty => $name:literal, $schema:expr;)+) => {$(
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn schema_id() -> Cow<'static, str> {
                concat!("rookery::", $name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    )+};
}

/// The text of a message, for the schemas of fields that carry one.
pub(crate) struct Content;

/// The text of a message that may be without one.
pub(crate) struct ContentOrNone;

/// An access token, for the schemas of fields that carry one.
pub(crate) struct Token;

described! {
    RoomId => "Id", id();
    UserId => "Id", id();
    MessageId => "Id", id();
    NoticeId => "Id", id();
    FileId => "Id", id();
    SessionId => "Id", id();
    Slug => "Slug", json_schema!({
        "type": "string",
        "pattern": format!("^[a-z0-9-]{{1,{SLUG_BYTES_MAX}}}$"),
        "description": "The readable name of a public room.",
    });
    ClientId => "ClientId", json_schema!({
        "type": "string",
        "pattern": format!("^[!-~]{{1,{CLIENT_ID_BYTES_MAX}}}$"),
        "description": "The client's own name for what it sends, unique per user: visible ASCII.",
    });
    Content => "Content", json_schema!({
        "type": "string",
        "minLength": 1,
        "maxLength": CONTENT_CHARS_MAX,
        "x-max-bytes": CONTENT_BYTES_MAX,
        "description": "The text; something of it must be visible.",
    });
    ContentOrNone => "ContentOrNone", json_schema!({
        "type": "string",
        "maxLength": CONTENT_CHARS_MAX,
        "x-max-bytes": CONTENT_BYTES_MAX,
        "description": "The text; something of it must be visible, unless there are attachments.",
    });
    Token => "Token", json_schema!({
        "type": "string",
        "maxLength": TOKEN_BYTES_MAX,
        "description": "An access token.",
    });
    Emoji => "Emoji", json_schema!({
        "type": "string",
        "minLength": 1,
        "maxLength": EMOJI_CHARS_MAX,
        "x-max-bytes": EMOJI_BYTES_MAX,
        "pattern": "^\\S*[^\\x00-\\x7F]\\S*$",
        "description": "A reaction: one emoji of the Unicode list. From the server it is fully qualified.",
    });
    StatusText => "StatusText", json_schema!({
        "type": "string",
        "minLength": 1,
        "maxLength": STATUS_TEXT_CHARS_MAX,
        "x-max-bytes": STATUS_TEXT_BYTES_MAX,
        "pattern": LINE_PATTERN,
        "description": "A user's status in words: one line, something of it visible.",
    });
    Epoch => "Epoch", json_schema!({
        "type": "string",
        "pattern": "^e[0-9]{1,20}$",
        "description": "Incarnation of a room's numbers.",
    });
    Seq => "Seq", json_schema!({
        "type": "integer",
        "minimum": 0,
        "maximum": Self::MAX.get(),
        "description": "Number of an event in its room; 0 is before the first.",
    });
    UnixMillis => "Timestamp", json_schema!({
        "type": "string",
        "format": "date-time",
        "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$",
        "description": "RFC 3339, in UTC, with milliseconds.",
    });
    ErrorCode => "ErrorCode", json_schema!({
        "type": "string",
        "enum": Self::ALL.iter().map(|code| code.as_str()).collect::<Vec<_>>(),
        "description": "What went wrong, for programs.",
    });
}

fn id() -> Schema {
    json_schema!({
        "type": "string",
        "format": "uuid",
        "pattern": "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$",
        "description": "A UUID.",
    })
}

impl JsonSchema for RoomRef {
    fn schema_name() -> Cow<'static, str> {
        "RoomRef".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [generator.subschema_for::<RoomId>(), generator.subschema_for::<Slug>()],
            "description": "A room, by id or slug.",
        })
    }
}
