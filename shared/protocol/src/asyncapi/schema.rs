//! The vocabulary of the schemas: how an object is written down, and the parts that frames share.

use serde_json::{Map, Value, json};

use crate::error_code::ErrorCode;
use crate::id::Seq;
use crate::limits::{
    CLIENT_ID_BYTES_MAX, CONTENT_BYTES_MAX, CONTENT_CHARS_MAX, EMOJI_BYTES_MAX, EMOJI_CHARS_MAX, REACTION_USERS_MAX,
    SLUG_BYTES_MAX, STATUS_TEXT_BYTES_MAX, STATUS_TEXT_CHARS_MAX,
};
use crate::text::LINE_PATTERN;

/// One type of frame.
pub(super) struct Frame {
    pub(super) kind: &'static str,
    pub(super) says: &'static str,
    pub(super) payload: Value,
}

/// A field of an object.
pub(super) struct Field {
    name: &'static str,
    schema: Value,
    required: bool,
}

/// Whether an object may hold what the schema does not name.
#[derive(Clone, Copy)]
pub(super) enum Rest {
    /// It may: it is ignored.
    Ignored,
    /// It may not.
    Refused,
}

/// A field that is always there.
pub(super) const fn required(name: &'static str, schema: Value) -> Field {
    Field { name, schema, required: true }
}

/// A field that is left out when there is nothing to say.
pub(super) const fn optional(name: &'static str, schema: Value) -> Field {
    Field { name, schema, required: false }
}

/// The same for what a client says: null is as good as nothing.
pub(super) fn nullable(name: &'static str, schema: Value) -> Field {
    let either = vec![schema, json!({"type": "null"})];
    optional(name, json!({"anyOf": either}))
}

/// A part that is described once.
pub(super) fn reference(name: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{name}")})
}

/// A part that is described once, with what it means here.
pub(super) fn meaning(name: &str, description: &str) -> Value {
    json!({"allOf": [reference(name)], "description": description})
}

pub(super) fn object(fields: Vec<Field>, rest: Rest) -> Value {
    let required: Vec<&str> = fields.iter().filter(|field| field.required).map(|field| field.name).collect();
    let properties: Map<String, Value> =
        fields.into_iter().map(|field| (field.name.to_owned(), field.schema)).collect();
    let mut object = json!({"type": "object", "required": required, "properties": properties});
    if matches!(rest, Rest::Refused) {
        object["additionalProperties"] = json!(false);
    }
    object
}

pub(super) fn number(description: &str) -> Value {
    json!({"type": "integer", "minimum": 0, "description": description})
}

pub(super) fn text(description: &str) -> Value {
    json!({"type": "string", "description": description})
}

/// What several frames are made of.
pub(super) fn parts() -> Vec<(&'static str, Value)> {
    let mut parts = names();
    parts.extend(places());
    parts.extend(objects());
    parts
}

fn names() -> Vec<(&'static str, Value)> {
    let uuid = "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$";
    let slug = format!("^[a-z0-9-]{{1,{SLUG_BYTES_MAX}}}$");
    vec![
        ("id", json!({"type": "string", "format": "uuid", "pattern": uuid, "description": "A UUID."})),
        (
            "slug",
            json!({"type": "string", "pattern": slug, "description": "The readable name of a public room."}),
        ),
        (
            "room_ref",
            json!({"anyOf": [reference("id"), reference("slug")], "description": "A room, by id or slug."}),
        ),
        (
            "client_id",
            json!({"type": "string", "pattern": format!("^[!-~]{{1,{CLIENT_ID_BYTES_MAX}}}$"),
                "description": "The client's own name for what it sends, unique per user: visible ASCII."}),
        ),
        (
            "content",
            json!({"type": "string", "minLength": 1, "maxLength": CONTENT_CHARS_MAX, "x-max-bytes": CONTENT_BYTES_MAX,
                "description": "The text; something of it must be visible."}),
        ),
        (
            "emoji",
            json!({"type": "string", "minLength": 1, "maxLength": EMOJI_CHARS_MAX, "x-max-bytes": EMOJI_BYTES_MAX,
                "pattern": "^\\S*[^\\x00-\\x7F]\\S*$",
                "description": "A reaction: one emoji of the Unicode list. From the server it is fully qualified."}),
        ),
        (
            "status_text",
            json!({"type": "string", "minLength": 1, "maxLength": STATUS_TEXT_CHARS_MAX,
                "x-max-bytes": STATUS_TEXT_BYTES_MAX, "pattern": LINE_PATTERN,
                "description": "What a user says of oneself: one line, something of it visible."}),
        ),
    ]
}

fn places() -> Vec<(&'static str, Value)> {
    let timestamp = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z$";
    vec![
        (
            "epoch",
            json!({"type": "string", "pattern": "^e[0-9]{1,20}$", "description": "Incarnation of a room's numbers."}),
        ),
        (
            "seq",
            json!({"type": "integer", "minimum": 0, "maximum": Seq::MAX.get(),
                "description": "Number of an event in its room; 0 is before the first."}),
        ),
        (
            "timestamp",
            json!({"type": "string", "format": "date-time", "pattern": timestamp,
                "description": "RFC 3339, in UTC, with milliseconds."}),
        ),
        (
            "error_code",
            json!({"type": "string", "enum": ErrorCode::ALL.iter().map(|code| code.as_str()).collect::<Vec<_>>(),
                "description": "What went wrong, for programs."}),
        ),
    ]
}

fn objects() -> Vec<(&'static str, Value)> {
    let (ignored, refused) = (Rest::Ignored, Rest::Refused);
    let position = vec![
        required("room", reference("room_ref")),
        nullable("epoch", meaning("epoch", "Epoch of the newest event you have; comes with `seq` or not at all.")),
        nullable("seq", meaning("seq", "Number of the newest event you have; comes with `epoch` or not at all.")),
    ];
    let position = with_pair(object(position, ignored));
    let head = vec![
        required("room", reference("id")),
        required("epoch", reference("epoch")),
        required("seq", meaning("seq", "Number of the newest event.")),
    ];
    let user = vec![required("user_id", reference("id")), required("username", text("The name."))];
    let users = json!({"type": "array", "items": reference("id"), "maxItems": REACTION_USERS_MAX,
        "description": "Who, in the order of reacting; the first ones if they are many."});
    let mine = json!({"const": true, "description": "It is yours, where there are more users than are named."});
    let reaction = vec![
        required("emoji", reference("emoji")),
        required("count", number("How many users' it is.")),
        required("user_ids", users),
        optional("mine", mine),
    ];
    vec![
        ("room_position", position),
        ("room_head", object(head, refused)),
        ("user", object(user, refused)),
        ("reaction", object(reaction, refused)),
        ("message", object(message(), refused)),
        ("seen", object(seen(), refused)),
    ]
}

/// A user's presence.
pub(super) fn seen() -> Vec<Field> {
    let status = json!({"enum": ["online", "away", "dnd", "offline"], "description": "As what the user is shown."});
    vec![
        required("user_id", reference("id")),
        required("status", status),
        optional("text", reference("status_text")),
        optional("last_seen", meaning("timestamp", "When an offline user was last online, if it is known.")),
    ]
}

/// Half a position proves nothing.
fn with_pair(mut position: Value) -> Value {
    position["dependencies"] = json!({"epoch": ["seq"], "seq": ["epoch"]});
    position
}

fn message() -> Vec<Field> {
    let reply_to = json!({"anyOf": [reference("id"), {"type": "null"}], "description": "The message it answers."});
    let attachments = json!({"type": "array", "maxItems": 0,
        "description": "Always empty: messages carry no files, and no frame or request attaches one. Ignore it."});
    let reactions = json!({"type": "array", "items": reference("reaction"), "description": "Only in history."});
    vec![
        required("message_id", reference("id")),
        required("user_id", meaning("id", "Who said it.")),
        required("username", text("The name that user had then.")),
        required(
            "content",
            json!({"type": "string", "maxLength": CONTENT_CHARS_MAX, "description": "The text; empty if deleted."}),
        ),
        required("timestamp", meaning("timestamp", "When it was accepted.")),
        required("client_id", meaning("client_id", "The sender's name for it.")),
        required("reply_to", reply_to),
        required("attachments", attachments),
        optional("edited_at", meaning("timestamp", "When its text was changed last; only in history.")),
        optional("deleted", json!({"const": true, "description": "Whether it is deleted; only in history."})),
        optional("reactions", reactions),
    ]
}
