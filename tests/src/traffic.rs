//! Holds live traffic against the AsyncAPI document: every client of this harness asks here about every frame that it
//! hears, and about every frame that it sends and the server has to understand.

use std::collections::HashMap;
use std::sync::LazyLock;

use jsonschema::Validator;
use rookery_protocol::asyncapi::{self, Side};
use rookery_protocol::client::ClientFrame;
use serde_json::{Value, json};

static DOCUMENT: LazyLock<Document> = LazyLock::new(|| Document::read(&asyncapi::document()));

/// The document, ready to judge frames.
pub struct Document {
    validators: HashMap<String, Validator>,
}

impl Document {
    /// Prepares every schema of an AsyncAPI document.
    pub fn read(document: &Value) -> Self {
        let schemas = document["components"]["schemas"].as_object().expect("the document has schemas");
        let validators = schemas.keys().map(|name| (name.clone(), validator(document, name))).collect();
        Self { validators }
    }

    /// What is wrong with a frame that `side` said, by the document; nothing if it is as described.
    pub fn faults(&self, side: Side, frame: &Value) -> Vec<String> {
        let kind = match (&frame["type"], side) {
            (Value::String(kind), _) => kind.as_str(),
            // The beginner's form.
            (Value::Null, Side::Client) if frame.get("content").is_some() => "message",
            (kind, _) => return vec![format!("the type is {kind}")],
        };
        match self.validators.get(&side.name_of(kind)) {
            Some(validator) => validator
                .iter_errors(frame)
                .map(|error| format!("{} at {}", error, error.instance_path()))
                .collect(),
            None => vec![format!("{kind} is not in the document")],
        }
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

/// One schema, with the others in its reach. The schemas of AsyncAPI 3 are JSON Schema draft 7 and more.
fn validator(document: &Value, name: &str) -> Validator {
    let schema = json!({
        "allOf": [{"$ref": format!("#/components/schemas/{name}")}],
        "components": {"schemas": document["components"]["schemas"]},
    });
    jsonschema::options()
        .with_draft(jsonschema::Draft::Draft7)
        .should_validate_formats(true)
        .build(&schema)
        .unwrap_or_else(|error| panic!("{name}: {error}"))
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
            json!({"type": "gap", "room": "01920000-0000-7000-8000-0000000000a1", "from": 1}),
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
