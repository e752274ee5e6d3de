//! The AsyncAPI document of Socket.IO is valid, and says of events what the code does.

use std::collections::BTreeSet;

use rookery_protocol::asyncapi::Side;
use rookery_protocol::server::ServerFrame;
use rookery_protocol::socketio::asyncapi::document;
use rookery_protocol::socketio::{Event, Request};
use rookery_tests::tools;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::golden::{SERVER_FRAMES, read};

#[derive(Deserialize)]
struct Example {
    name: String,
    frame: Value,
}

/// What is wrong with a message by the document.
fn faults(document: &Value, message: &str, payload: &Value) -> Vec<String> {
    let schema = json!({
        "$ref": format!("#/components/schemas/{message}"),
        "components": document["components"],
    });
    let validator = jsonschema::options().with_draft(jsonschema::Draft::Draft7).build(&schema).unwrap();
    validator
        .iter_errors(payload)
        .map(|fault| format!("{fault} at {}", fault.instance_path()))
        .collect()
}

#[test]
fn it_is_valid_asyncapi_3() {
    let path = tools::node_modules().join("@asyncapi/specs/schemas/3.1.0-without-$id.json");
    let schema = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{error}; run `make deps`"));
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::options().with_draft(jsonschema::Draft::Draft7).build(&schema).unwrap();
    let faults: Vec<String> = validator
        .iter_errors(&document())
        .map(|fault| format!("{fault} at {}", fault.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    let text = document.to_string();
    let references: BTreeSet<&str> =
        text.split("\"$ref\":\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(references.len() > 50, "they were found");
    for reference in references {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
}

#[test]
fn every_frame_becomes_an_event_that_is_described() {
    let document = document();
    let mut seen = BTreeSet::new();
    for Example { name, frame } in read::<Example>(SERVER_FRAMES) {
        let frame: ServerFrame = serde_json::from_value(frame).unwrap();
        let event = serde_json::to_value(Event::from(&frame)).unwrap();
        let kind = event["event"].as_str().unwrap().to_owned();
        let message = Side::Server.name_of(&kind);
        assert_eq!(faults(&document, &message, &event["payload"]), Vec::<String>::new(), "{name}");
        let mut odd = event["payload"].clone();
        if kind != "frame" {
            odd["more"] = json!(1);
            assert!(!faults(&document, &message, &odd).is_empty(), "{name}: the schema tells right from wrong");
        }
        seen.insert(message);
    }
    let messages = document["components"]["messages"].as_object().unwrap();
    let described = messages.keys().filter(|name| name.starts_with("server.")).cloned().collect();
    assert_eq!(seen, described, "every event has an example");
}

#[test]
fn every_request_is_described() {
    let document = document();
    for name in Request::NAMES {
        for message in [Side::Client.name_of(name), format!("acknowledgement.{name}")] {
            assert!(document["components"]["messages"][&message].is_object(), "{message}");
        }
        assert_eq!(document["operations"][format!("receive_{name}")]["action"], "receive");
    }
    let join = |payload: &Value| faults(&document, "client.joinRoom", payload).is_empty();
    assert!(join(&json!({"chatroomId": "general"})));
    assert!(join(&json!({"chatroomId": "general", "epoch": "e1", "seq": 3})));
    assert!(!join(&json!({"chatroomId": "general", "seq": 3})), "a position has two parts");
    assert!(!join(&json!({"chatroomId": {"$ne": ""}})));
    assert!(!join(&json!({})));
}
