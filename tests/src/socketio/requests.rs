//! Frames of a test as events of a Socket.IO client.

use serde_json::{Map, Value, json};

use super::acknowledgements::Asked;
use super::fields::event_field;

/// An event with its acknowledgement, as a stock client emits it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emit {
    /// Its name.
    pub event: &'static str,
    /// Its one argument.
    pub payload: Value,
    /// The number under which it is acknowledged.
    pub ack: u64,
}

/// The event for a frame. Whatever has none of its own is the event `frame`.
pub(super) fn event_of(frame: &Value) -> (&'static str, Value, Asked) {
    let text = |field: &str| frame[field].as_str().map(str::to_owned);
    match (frame["type"].as_str(), frame["rooms"].as_array().map(Vec::as_slice)) {
        (Some("subscribe"), Some([position])) if position.is_object() => {
            let room = position["room"].as_str().unwrap_or_default().to_owned();
            ("joinRoom", renamed(position, &[]), Asked::Join(room))
        }
        (Some("unsubscribe"), Some([room])) => {
            let name = room.as_str().unwrap_or_default().to_owned();
            ("leaveRoom", json!({"chatroomId": room}), Asked::Leave(name))
        }
        (Some("message") | None, _) if frame.get("content").is_some() => {
            let asked = Asked::Message { client_id: text("client_id"), room: text("room") };
            ("chatroomMessage", renamed(frame, &["type"]), asked)
        }
        (Some("typing"), _) => ("typing", renamed(frame, &["type"]), Asked::Nothing),
        (Some("read"), _) => ("read", renamed(frame, &["type"]), Asked::Nothing),
        (Some("auth"), _) => ("auth", renamed(frame, &["type"]), Asked::Renewal),
        (Some("edit" | "delete" | "react"), _) => {
            let asked = Asked::Message { client_id: text("client_id"), room: text("room") };
            ("frame", frame.clone(), asked)
        }
        _ => ("frame", frame.clone(), Asked::Nothing),
    }
}

fn renamed(frame: &Value, without: &[&str]) -> Value {
    let fields = frame.as_object().into_iter().flatten();
    fields
        .filter(|(field, _)| !without.contains(&field.as_str()))
        .map(|(field, value)| (event_field(field).to_owned(), value.clone()))
        .collect::<Map<_, _>>()
        .into()
}
