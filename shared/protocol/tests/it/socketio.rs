//! The AsyncAPI document of Socket.IO is valid, and says of events what the code does.

use std::collections::BTreeSet;

use rookery_protocol::asyncapi::Side;
use rookery_protocol::server::ServerFrame;
use rookery_protocol::socketio::asyncapi::document;
use rookery_protocol::socketio::{Event, Request};
use serde_json::{Value, json};

use crate::asyncapi::{Example, assert_references, asyncapi_3, faults};
use crate::golden::{SERVER_FRAMES, read};

/// What is wrong with a message by the document.
fn faults_of(document: &Value, message: &str, payload: &Value) -> Vec<String> {
    let schema = json!({
        "$ref": format!("#/components/schemas/{message}"),
        "components": document["components"],
    });
    faults(&jsonschema::options().with_draft(jsonschema::Draft::Draft7).build(&schema).unwrap(), payload)
}

#[test]
fn it_is_valid_asyncapi_3() {
    let faults = faults(&asyncapi_3(), &document());
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn every_reference_leads_somewhere() {
    assert_references(&document(), 50);
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
        assert_eq!(faults_of(&document, &message, &event["payload"]), Vec::<String>::new(), "{name}");
        let mut odd = event["payload"].clone();
        if kind != "frame" {
            odd["more"] = json!(1);
            assert!(!faults_of(&document, &message, &odd).is_empty(), "{name}: the schema tells right from wrong");
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
    let join = |payload: &Value| faults_of(&document, "client.joinRoom", payload).is_empty();
    assert!(join(&json!({"chatroomId": "general"})));
    assert!(join(&json!({"chatroomId": "general", "epoch": "e1", "seq": 3})));
    assert!(!join(&json!({"chatroomId": "general", "seq": 3})), "a position has two parts");
    assert!(!join(&json!({"chatroomId": {"$ne": ""}})));
    assert!(!join(&json!({})));
}
