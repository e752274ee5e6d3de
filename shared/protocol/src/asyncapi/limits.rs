//! The bounds that a client can meet on a socket: a table for the document and for `docs/protocol.md`.

use std::time::Duration;

use serde_json::{Value, json};

use crate::limits as bound;

/// One bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Its name; those that `hello` announces have the same name there.
    pub name: &'static str,
    /// Its value.
    pub value: u64,
    /// What is counted.
    pub unit: &'static str,
    /// What happens beyond it.
    pub beyond: &'static str,
}

impl Limit {
    pub(super) fn to_json(self) -> Value {
        json!({"name": self.name, "value": self.value, "unit": self.unit, "beyond": self.beyond})
    }
}

const fn count(name: &'static str, value: usize, unit: &'static str, beyond: &'static str) -> Limit {
    Limit { name, value: value as u64, unit, beyond }
}

const fn seconds(name: &'static str, value: Duration, beyond: &'static str) -> Limit {
    Limit { name, value: value.as_secs(), unit: "s", beyond }
}

/// Every bound, in the order of the documents.
pub const fn table() -> [Limit; 31] {
    [
        count(
            "frame_bytes",
            bound::FRAME_BYTES_MAX,
            "bytes of a message from a client, all fragments together",
            "1009",
        ),
        count("content_chars", bound::CONTENT_CHARS_MAX, "characters of a text", "`content_too_long`"),
        count("content_bytes", bound::CONTENT_BYTES_MAX, "bytes of a text", "`content_too_long`"),
        count("rooms", bound::ROOMS_PER_CONNECTION_MAX, "live rooms of a connection", "`too_many_rooms`"),
        count("resume_events", RESUME_EVENTS, "missed events that a resume replays", "`gap`"),
        count("client_id_bytes", bound::CLIENT_ID_BYTES_MAX, "bytes of a `client_id`", "`bad_field`"),
        count("slug_bytes", bound::SLUG_BYTES_MAX, "bytes of a slug", "`bad_field`"),
        count("token_bytes", bound::TOKEN_BYTES_MAX, "bytes of an access token", "4401"),
        count("rooms_per_frame", bound::ROOMS_PER_FRAME_MAX, "rooms in one frame", "`bad_field`"),
        count("emoji_chars", bound::EMOJI_CHARS_MAX, "characters of a reaction", "`bad_field`"),
        count("emoji_bytes", bound::EMOJI_BYTES_MAX, "bytes of a reaction", "`bad_field`"),
        count(
            "reactions",
            bound::REACTIONS_PER_MESSAGE_MAX,
            "different reactions to a message",
            "`too_many_reactions`",
        ),
        count("bad_frames", BAD_FRAMES, "frames a minute that are not understood", "1008"),
        count("frames_per_second", FRAMES_PER_SECOND, "WebSocket frames a second, of every kind", "4429"),
        count("frames_burst", FRAMES_BURST, "WebSocket frames at once", "4429"),
        count("bytes_per_second", BYTES_PER_SECOND, "bytes of WebSocket frames a second", "4429"),
        count("bytes_burst", BYTES_BURST, "bytes of WebSocket frames at once", "4429"),
        count(
            "acks_pending",
            bound::ACKS_PENDING_PER_CONNECTION_MAX,
            "messages that wait for their `ack`",
            "`overloaded`",
        ),
        count("send_queue_frames", bound::SEND_QUEUE_FRAMES_MAX, "frames that the server owes a client", "4508"),
        count("send_queue_bytes", bound::SEND_QUEUE_BYTES_MAX, "bytes that the server owes a client", "4508"),
        count("head_bytes", bound::HEAD_BYTES_MAX, "bytes of the request head", "status 431"),
        count("head_lines", bound::HEADERS_MAX, "lines of the request head", "status 431"),
        seconds("head_s", bound::HEAD_DEADLINE, "closed without a word"),
        seconds("auth_s", bound::AUTH_DEADLINE, "4401"),
        seconds("heartbeat_s", bound::HEARTBEAT_DEADLINE, "4408"),
        seconds("write_s", bound::WRITE_DEADLINE, "4508"),
        count("watched_users", bound::WATCHED_USERS_MAX, "users in `watch`", "`bad_field`"),
        count("watched_rooms", bound::WATCHED_ROOMS_MAX, "rooms in `watch`", "`bad_field`"),
        count("room_presence", bound::ROOM_PRESENCE_MAX, "users of a room who are named", "only counted"),
        count("status_text_chars", bound::STATUS_TEXT_CHARS_MAX, "characters of a status text", "`bad_field`"),
        seconds("typing_s", bound::TYPING_INTERVAL, "dropped if sooner again"),
    ]
}

#[expect(clippy::cast_possible_truncation, reason = "a few hundred")]
const RESUME_EVENTS: usize = bound::RESUME_EVENTS_MAX as usize;
const BAD_FRAMES: usize = bound::BAD_FRAMES_PER_MINUTE_MAX as usize;
const FRAMES_PER_SECOND: usize = bound::FRAMES_PER_SECOND_MAX as usize;
const FRAMES_BURST: usize = bound::FRAMES_BURST_MAX as usize;
const BYTES_PER_SECOND: usize = bound::BYTES_PER_SECOND_MAX as usize;
const BYTES_BURST: usize = bound::BYTES_BURST_MAX as usize;
