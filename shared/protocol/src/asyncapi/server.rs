//! What the server may say. These objects are closed: a field that is not named here is a defect of the server.

use serde_json::{Value, json};

use super::schema::{self, Field, Frame, Rest, meaning, number, object, optional, reference, required, text};
use crate::limits::RECONNECT_SPREAD_MS;

fn frame(kind: &'static str, says: &'static str, fields: Vec<Field>) -> Frame {
    let kinds = [required("type", json!({"const": kind}))];
    Frame { kind, says, payload: object(kinds.into_iter().chain(fields).collect(), Rest::Refused) }
}

/// Every frame, in the order of the documents.
pub(super) fn frames() -> Vec<Frame> {
    let mut frames = vec![hello()];
    frames.extend(rooms());
    frames.extend(answers());
    frames.extend(members());
    frames.extend(messages());
    frames.extend(moderation());
    frames.extend(presence());
    frames.push(read());
    frames
}

fn presence() -> [Frame; 4] {
    let seen = || json!({"type": "array", "items": reference("seen")});
    let gone = json!({"type": "array", "items": reference("id"), "description": "Those who went."});
    let whole = json!({"type": "boolean",
        "description": "Whether `users` are all; else those who came or have another status."});
    let room = vec![
        required("room", reference("id")),
        required("online", number("How many users are in the room.")),
        required("whole", whole),
        optional("users", seen()),
        optional("gone", gone),
    ];
    [
        frame("presence", "A watched user came, went, or has another status.", schema::seen()),
        frame("watching", "Answer to `watch`.", vec![required("users", seen())]),
        frame("room_presence", "Who is in a watched room; above 200 users only how many.", room),
        frame(
            "typing",
            "Somebody is typing.",
            vec![required("room", reference("id")), required("user", reference("user"))],
        ),
    ]
}

fn hello() -> Frame {
    let limits = vec![
        required("frame_bytes", number("Bytes of one frame.")),
        required("content_chars", number("Characters of one message text.")),
        required("content_bytes", number("Bytes of one message text.")),
        required("rooms", number("Live rooms of one connection.")),
        required("resume_events", number("Missed events that a resume replays.")),
    ];
    let ack = json!({"enum": ["stored", "accepted"], "description": "What an `ack` says."});
    let fields = vec![
        required("session", meaning("id", "Login session of the token.")),
        required("user", reference("user")),
        required("heartbeat_ms", number("Milliseconds between the server's pings.")),
        required("limits", object(limits, Rest::Refused)),
        required("ack", ack),
    ];
    frame("hello", "The connection is authenticated.", fields)
}

fn rooms() -> Vec<Frame> {
    let slug = json!({"anyOf": [reference("slug"), {"type": "null"}]});
    let you = vec![
        required("role", json!({"enum": ["owner", "moderator", "member"]})),
        optional("read", object(read_state(), Rest::Refused)),
    ];
    let subscribed = vec![
        required("room", reference("id")),
        required("slug", slug),
        required("name", text("The room's name.")),
        required("epoch", reference("epoch")),
        required("head", meaning("seq", "Number of the newest event.")),
        required("stored", meaning("seq", "Number up to which the store has everything.")),
        required("you", object(you, Rest::Refused)),
    ];
    let heads = json!({"type": "array", "items": reference("room_head")});
    let seq = |name, description| required(name, meaning("seq", description));
    let survived = vec![
        required("epoch", meaning("epoch", "The epoch before.")),
        required("seq", meaning("seq", "The last number of it that is stored.")),
    ];
    let survived = object(survived, Rest::Refused);
    vec![
        frame("subscribed", "The room is live.", subscribed),
        frame("unsubscribed", "The room is no longer live.", vec![required("room", reference("id"))]),
        frame(
            "caught_up",
            "Everything up to `seq` has been sent; what follows is live.",
            vec![required("room", reference("id")), seq("seq", "Number of the last event sent.")],
        ),
        frame(
            "gap",
            "Events were not replayed: page them from history.",
            vec![required("room", reference("id")), seq("from", "The first."), seq("to", "The last.")],
        ),
        frame(
            "reset",
            "The numbers go on under another epoch: send again what has no `ack`. Without `survived` read history again.",
            vec![
                required("room", reference("id")),
                required("epoch", reference("epoch")),
                seq("head", "The events go on behind this number."),
                optional("survived", survived),
            ],
        ),
        frame("heads", "Where the rooms stand that you asked for.", vec![required("rooms", heads)]),
    ]
}

fn answers() -> Vec<Frame> {
    let unchanged = json!({"const": true,
        "description": "The act changed nothing: there is no event, and id and place are those of the message."});
    let ack = vec![
        required("client_id", reference("client_id")),
        required("room", reference("id")),
        required("message_id", meaning("id", "Id of the message, or of the event of an act.")),
        required("epoch", reference("epoch")),
        required("seq", reference("seq")),
        required("timestamp", reference("timestamp")),
        optional("unchanged", unchanged),
    ];
    let error = vec![
        required("code", reference("error_code")),
        required("message", text("For people; may change.")),
        optional("field", text("The field at fault, like `rooms[0].seq`.")),
        optional("client_id", reference("client_id")),
        optional("room", reference("room_ref")),
        optional("retry_after_ms", number("When to try again.")),
    ];
    let after = json!({"type": "integer", "minimum": 0, "maximum": RECONNECT_SPREAD_MS,
        "description": "Milliseconds to wait."});
    let left = number("Milliseconds until then.");
    vec![
        frame("ack", "Your message is stored.", ack),
        frame("error", "A frame was refused.", error),
        frame("pong", "Answer to `ping`.", Vec::new()),
        frame("reconnect", "This node is stopping: connect again.", vec![required("after_ms", after)]),
        frame("token_expiring", "Your token ends soon: send a newer one.", vec![required("after_ms", left)]),
    ]
}

/// An event of a room: where it stands, and what it tells.
fn event(kind: &'static str, says: &'static str, told: Vec<Field>) -> Frame {
    let place = [
        required("room", reference("id")),
        required("epoch", reference("epoch")),
        required("seq", reference("seq")),
    ];
    frame(kind, says, place.into_iter().chain(told).collect())
}

/// Who, when, and what else.
fn told(rest: Vec<Field>) -> Vec<Field> {
    let who = [required("user", reference("user")), required("timestamp", reference("timestamp"))];
    who.into_iter().chain(rest).collect()
}

fn members() -> [Frame; 2] {
    [
        event("member_joined", "Somebody became a member.", told(Vec::new())),
        event("member_left", "Somebody is no longer a member.", told(Vec::new())),
    ]
}

fn messages() -> Vec<Frame> {
    let about =
        |fields: Vec<Field>| told([required("message_id", reference("id"))].into_iter().chain(fields).collect());
    let emoji = || vec![required("emoji", reference("emoji"))];
    let content = vec![required("content", text("The new text; empty if the message was deleted since."))];
    vec![
        event("new_message", "Somebody said something.", vec![required("message", reference("message"))]),
        event("message_edited", "A message says something else now.", about(content)),
        event("message_deleted", "A message is gone.", about(Vec::new())),
        event("reaction_added", "Somebody reacted to a message.", about(emoji())),
        event("reaction_removed", "Somebody took a reaction back.", about(emoji())),
    ]
}

fn moderation() -> Vec<Frame> {
    let by = |fields: Vec<Field>| told([required("by", reference("user"))].into_iter().chain(fields).collect());
    let until = || vec![optional("until", until())];
    let settings = vec![
        required("by", reference("user")),
        required("slow_mode_ms", number("Milliseconds between two texts of one member; 0 for none.")),
        required("frozen", json!({"type": "boolean", "description": "Whether only those who keep order may speak."})),
        required("timestamp", reference("timestamp")),
    ];
    vec![
        event("member_kicked", "A membership was ended by another.", by(Vec::new())),
        event("member_banned", "Somebody was shut out.", by(until())),
        event("member_unbanned", "A ban was ended.", by(Vec::new())),
        event("member_muted", "Somebody may no longer say anything.", by(until())),
        event("member_unmuted", "Somebody may say something again.", by(Vec::new())),
        event("room_updated", "The room's settings are others now.", settings),
    ]
}

/// Where a user has read to, and what is left.
fn read_state() -> Vec<Field> {
    let counted = vec![required("epoch", reference("epoch")), required("seq", reference("seq"))];
    vec![
        required("epoch", meaning("epoch", "Epoch of the read mark.")),
        required("seq", meaning("seq", "Number of the last event that was read.")),
        required("unread", number("Messages of others after it that are not deleted.")),
        required("mentions", number("Those of them that mention you.")),
        required("capped", json!({"type": "boolean", "description": "Whether there may be more than was counted."})),
        required("counted", object(counted, Rest::Refused)),
    ]
}

fn read() -> Frame {
    let fields = [required("room", reference("id"))].into_iter().chain(read_state()).collect();
    frame("read", "You have read on, on this device or another one.", fields)
}

fn until() -> Value {
    meaning("timestamp", "When it ends by itself; for good if it is left out.")
}
