//! Holds live traffic against the AsyncAPI documents: every client of this harness asks here about every frame that it
//! hears, and about every frame that it sends and the server has to understand; those of Socket.IO about every event and
//! every acknowledgement.

use std::collections::HashMap;
use std::sync::LazyLock;

use jsonschema::Validator;
use rookery_protocol::asyncapi::{self, Side};
use rookery_protocol::client::ClientFrame;
use rookery_protocol::socketio::{self, Request};
use serde_json::value::to_raw_value;
use serde_json::{Value, json};

static DOCUMENT: LazyLock<Document> = LazyLock::new(|| Document::read(&asyncapi::document()));

static SOCKETIO: LazyLock<Document> = LazyLock::new(|| Document::of_messages(&socketio::asyncapi::document()));

/// The document, ready to judge frames.
pub struct Document {
    validators: HashMap<String, Validator>,
}

impl Document {
    /// Prepares every schema of an AsyncAPI document.
    pub fn read(document: &Value) -> Self {
        let schemas = document["components"]["schemas"].as_object().expect("the document has schemas");
        let of = |name: &String| validator(document, &json!({"$ref": format!("#/components/schemas/{name}")}));
        let validators = schemas.keys().map(|name| (name.clone(), of(name))).collect();
        Self { validators }
    }

    /// Prepares the payload of every message of an AsyncAPI document.
    fn of_messages(document: &Value) -> Self {
        let messages = document["components"]["messages"].as_object().expect("the document has messages");
        let of = |message: &Value| validator(document, &message["payload"]);
        let validators = messages.iter().map(|(name, message)| (name.clone(), of(message))).collect();
        Self { validators }
    }

    fn faults_of(&self, name: &str, payload: &Value) -> Vec<String> {
        match self.validators.get(name) {
            Some(validator) => validator
                .iter_errors(payload)
                .map(|error| format!("{} at {}", error, error.instance_path()))
                .collect(),
            None => vec![format!("{name} is not in the document")],
        }
    }

    /// What is wrong with a frame that `side` said, by the document; nothing if it is as described.
    pub fn faults(&self, side: Side, frame: &Value) -> Vec<String> {
        let kind = match (&frame["type"], side) {
            (Value::String(kind), _) => kind.as_str(),
            // The beginner's form.
            (Value::Null, Side::Client) if frame.get("content").is_some() => "message",
            (kind, _) => return vec![format!("the type is {kind}")],
        };
        self.faults_of(&side.name_of(kind), frame)
    }
}

/// Panics if the document does not describe what the server said.
pub fn heard(frame: &Value) {
    let faults = DOCUMENT.faults(Side::Server, frame);
    assert!(faults.is_empty(), "the document does not describe {frame}: {faults:#?}");
}

/// Panics if the server will take a frame that the document does not describe. What it will refuse says nothing about
/// the document.
pub fn said(text: &str) {
    if ClientFrame::decode(text).is_ok() {
        let frame: Value = serde_json::from_str(text).expect("what was decoded is JSON");
        let faults = DOCUMENT.faults(Side::Client, &frame);
        assert!(faults.is_empty(), "the document does not describe {frame}: {faults:#?}");
    }
}

/// The same for an event of Socket.IO.
pub fn event_heard(name: &str, payload: &Value) {
    assert_described(&Side::Server.name_of(name), payload);
    if name == "frame" {
        heard(payload);
    }
}

/// The same for the acknowledgement of an event of Socket.IO.
pub fn acknowledgement_heard(event: &str, answer: &Value) {
    assert_described(&format!("acknowledgement.{event}"), answer);
}

/// Panics if the server will take an event of Socket.IO that the document does not describe.
pub fn event_said(name: &str, payload: &Value) {
    let text = to_raw_value(payload).expect("it is JSON");
    if Request::decode(name, Some(&text)).and_then(Request::into_frame).is_ok() {
        assert_described(&Side::Client.name_of(name), payload);
    }
}

fn assert_described(message: &str, payload: &Value) {
    let faults = SOCKETIO.faults_of(message, payload);
    assert!(faults.is_empty(), "the document does not describe {message} {payload}: {faults:#?}");
}

/// One schema, with the others in its reach. The schemas of AsyncAPI 3 are JSON Schema draft 7 and more.
fn validator(document: &Value, schema: &Value) -> Validator {
    let schema = json!({
        "allOf": [schema],
        "components": {"schemas": document["components"]["schemas"]},
    });
    jsonschema::options()
        .with_draft(jsonschema::Draft::Draft7)
        .should_validate_formats(true)
        .build(&schema)
        .unwrap_or_else(|error| panic!("{schema}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(side: Side, frame: &Value) -> usize {
        DOCUMENT.faults(side, frame).len()
    }

    #[test]
    fn what_is_described_passes() {
        heard(&json!({"type": "pong"}));
        heard(&json!({"type": "error", "code": "internal", "message": "…"}));
        said(r#"{"content":"hi","new_in_v2":true}"#);
        said("not JSON at all");
    }

    #[test]
    fn an_undocumented_field_frame_or_code_of_the_server_is_a_fault() {
        let pong = json!({"type": "pong", "load": 0.5});
        assert!(std::panic::catch_unwind(|| heard(&pong)).is_err(), "a test that hears it fails");
        let user = json!({"user_id": "01920000-0000-7000-8000-000000000001", "username": "ann", "email": "a@b"});
        let left = json!({"type": "member_left", "room": "01920000-0000-7000-8000-0000000000a1", "epoch": "e1",
            "seq": 1, "user": user, "timestamp": "2026-03-12T10:00:00.123Z"});
        for frame in [
            left,
            json!({"type": "surprise"}),
            json!({"type": "error", "code": "surprise", "message": "…"}),
            json!({"type": "caught_up", "room": "general", "seq": 1}),
            json!({"type": "gap", "room": "01920000-0000-7000-8000-0000000000a1", "epoch": "e1", "from": 1}),
            json!({"type": "reconnect", "after_ms": -1}),
            json!([]),
        ] {
            assert_eq!(faults(Side::Server, &frame), 1, "{frame}");
        }
    }

    #[test]
    fn a_frame_that_the_server_takes_must_be_described() {
        let shaped = json!({"type": "subscribe", "rooms": [{"room": "general", "seq": 3}]});
        assert_eq!(faults(Side::Client, &shaped), 1, "half a position");
        assert_eq!(faults(Side::Client, &json!({"type": "message", "content": "hi", "client_id": "a b"})), 1);
        assert_eq!(faults(Side::Client, &json!({"type": "message"})), 1);
    }
}
