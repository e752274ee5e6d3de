//! What a client may say. Unknown fields are ignored, so these objects are open.

use serde_json::{Value, json};

use super::schema::{Field, Frame, Rest, meaning, nullable, object, reference, required, text};
use crate::limits::{ROOMS_PER_FRAME_MAX, TOKEN_BYTES_MAX, WATCHED_ROOMS_MAX, WATCHED_USERS_MAX};

fn frame(kind: &'static str, says: &'static str, fields: Vec<Field>) -> Frame {
    let kinds = [required("type", json!({"const": kind}))];
    Frame { kind, says, payload: object(kinds.into_iter().chain(fields).collect(), Rest::Ignored) }
}

/// Every frame, in the order of the documents.
pub(super) fn frames() -> Vec<Frame> {
    let token = json!({"type": "string", "maxLength": TOKEN_BYTES_MAX, "description": "An access token."});
    let mut frames = vec![
        frame("auth", "Authenticates, or renews the token in place.", vec![required("token", token)]),
        frame("subscribe", "Makes rooms live; with a position it resumes there.", rooms("room_position")),
        frame("unsubscribe", "Stops rooms.", rooms("room_ref")),
        message(),
        frame("ping", "Asks for a `pong`.", Vec::new()),
        frame("heads", "Asks where rooms stand, without making them live.", rooms("room_position")),
    ];
    frames.extend(acts());
    frames.extend(presence());
    frames.push(read());
    frames
}

fn presence() -> [Frame; 3] {
    let status = json!({"enum": ["online", "away", "dnd"], "description": "As what you are shown while online."});
    let list = |entry, most, name| {
        nullable(name, json!({"type": "array", "items": reference(entry), "maxItems": most, "default": []}))
    };
    let said = vec![required("status", status), nullable("text", reference("status_text"))];
    let watched = vec![list("id", WATCHED_USERS_MAX, "users"), list("room_ref", WATCHED_ROOMS_MAX, "rooms")];
    [
        frame("presence", "Says as what you are shown, on all your connections.", said),
        frame("watch", "Says whose presence you are told, instead of those before.", watched),
        frame("typing", "Says that you are typing.", vec![nullable("room", reference("room_ref"))]),
    ]
}

/// The one frame whose `type` may be left out.
fn message() -> Frame {
    let mut fields = place();
    fields.extend([
        nullable("type", json!({"const": "message"})),
        required("content", reference("content")),
        nullable("reply_to", reference("id")),
    ]);
    Frame { kind: "message", says: "Says something.", payload: object(fields, Rest::Ignored) }
}

fn acts() -> [Frame; 3] {
    let about = |fields: Vec<Field>| {
        let base = place().into_iter().chain([required("message_id", reference("id"))]);
        base.chain(fields).collect::<Vec<_>>()
    };
    let remove = json!({"type": "boolean", "default": false, "description": "Whether the reaction is taken back."});
    let reaction = vec![required("emoji", reference("emoji")), nullable("remove", remove)];
    [
        frame(
            "edit",
            "Changes the text of one of your messages.",
            about(vec![required("content", reference("content"))]),
        ),
        frame("delete", "Takes away one of your messages, or any as owner or moderator.", about(Vec::new())),
        frame("react", "Reacts to a message.", about(reaction)),
    ]
}

fn read() -> Frame {
    let fields = vec![
        nullable("room", reference("room_ref")),
        nullable("epoch", meaning("epoch", "Epoch of the number; the room's current one if it is left out.")),
        required("seq", meaning("seq", "Number of the last event that was read.")),
    ];
    frame("read", "Has read a room up to a place.", fields)
}

/// Where, and under which name. A connection of one room needs no `room`.
fn place() -> Vec<Field> {
    vec![nullable("room", reference("room_ref")), nullable("client_id", reference("client_id"))]
}

fn rooms(entry: &str) -> Vec<Field> {
    let rooms = json!({"type": "array", "items": reference(entry), "minItems": 1, "maxItems": ROOMS_PER_FRAME_MAX});
    vec![required("rooms", rooms)]
}

/// The names that a token has on its ways in.
pub(super) fn room_parameter() -> Value {
    json!({"room": {"description": text("The room's id or, if it is public, its slug.")["description"]}})
}
