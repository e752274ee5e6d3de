//! The AsyncAPI 3 document of Socket.IO: its events by the types that carry them, with the acknowledgements as replies.
//!
//! `docs/asyncapi-socketio.json` is this document, and `/asyncapi-socketio.json` serves it.

use serde_json::{Map, Value, json};

use super::{Done, Joined, Sent};
use crate::asyncapi::{Side, frame_types};
use crate::schema::{self, DEFINITIONS, FrameSchema, Schemas};

/// Where the channel is in the document.
const CHANNEL: &str = "#/channels/events";
/// The event that carries frames of the protocol.
const FRAME: &str = "frame";

/// The document.
pub fn document() -> Value {
    let (messages, schemas) = parts();
    let known = messages.keys();
    let references: Map<String, Value> = known
        .map(|name| (name.clone(), json!({"$ref": format!("#/components/messages/{name}")})))
        .collect();
    json!({
        "asyncapi": "3.1.0",
        "info": {
            "title": "Rookery over Socket.IO",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Events of Socket.IO 5 over Engine.IO 4. A message is one event: its name, and its one argument \
                as payload. `docs/socketio.md` tells in words what this document tells to programs. A later version may \
                send more fields and more events: ignore what you do not know.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"local": {
            "host": "localhost:8080",
            "protocol": "ws",
            "description": "`make run` on your machine; any node of a cluster.",
            "security": [
                {"$ref": "#/components/securitySchemes/auth"},
                {"$ref": "#/components/securitySchemes/header"},
            ],
        }},
        "channels": {"events": {
            "address": "/socket.io/",
            "description": "The namespaces `/` and `/socket.io`, which are the same.",
            "messages": references,
        }},
        "operations": operations(),
        "components": {
            "messages": messages,
            "schemas": schemas,
            "securitySchemes": {
                "auth": {
                    "type": "apiKey",
                    "in": "password",
                    "description": "`auth: {token}` of the client, with or without `Bearer ` before it.",
                },
                "header": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
            },
        },
    })
}

/// The document as text for a file.
pub fn text() -> String {
    // Strings and numbers only: nothing in it can fail to serialise.
    serde_json::to_string_pretty(&document()).map(|text| text + "\n").unwrap_or_default()
}

/// The schema of the one argument of an event; none if there is no such event.
pub fn argument(side: Side, event: &str) -> Option<Value> {
    events(side)
        .frames
        .into_iter()
        .find(|frame| frame.kind == event)
        .map(|frame| frame.schema)
}

fn events(side: Side) -> Schemas {
    let (mut schemas, about) = match side {
        Side::Client => (schema::socketio_requests(), "Any frame of the protocol; see `asyncapi.json`."),
        Side::Server => (
            schema::socketio_events(),
            "A frame of the protocol that has no event of its own; see `asyncapi.json`.",
        ),
    };
    let payload = json!({
        "type": "object",
        "required": ["type"],
        "properties": {"type": {"type": "string", "enum": frame_types(side)}},
    });
    schemas
        .frames
        .push(FrameSchema { kind: FRAME.to_owned(), summary: about.to_owned(), schema: payload });
    schemas
}

fn acknowledgement(event: &str) -> (Value, Map<String, Value>) {
    match event {
        "joinRoom" => schema::socketio_acknowledgement::<Joined>(),
        "chatroomMessage" => schema::socketio_acknowledgement::<Sent>(),
        FRAME => {
            let (_, mut definitions) = schema::socketio_acknowledgement::<Joined>();
            definitions.extend(schema::socketio_acknowledgement::<Sent>().1);
            definitions.extend(schema::socketio_acknowledgement::<Done>().1);
            let choices =
                ["Joined", "Sent", "Done", "Refused"].map(|name| json!({"$ref": format!("{DEFINITIONS}{name}")}));
            (json!({"oneOf": choices}), definitions)
        }
        _ => schema::socketio_acknowledgement::<Done>(),
    }
}

/// Messages and schemas.
fn parts() -> (Map<String, Value>, Map<String, Value>) {
    let (mut messages, mut schemas) = (Map::new(), Map::new());
    for side in Side::ALL {
        let Schemas { frames, definitions } = events(side);
        schemas.extend(definitions);
        for FrameSchema { kind, summary, schema } in frames {
            let name = side.name_of(&kind);
            let payload = json!({"$ref": format!("{DEFINITIONS}{name}")});
            messages.insert(name.clone(), json!({"name": kind, "summary": summary, "payload": payload}));
            schemas.insert(name, schema);
            if side == Side::Client {
                let (payload, definitions) = acknowledgement(&kind);
                schemas.extend(definitions);
                let summary = format!("Acknowledges `{kind}`.");
                messages.insert(reply_of(&kind), json!({"name": kind, "summary": summary, "payload": payload}));
            }
        }
    }
    (messages, schemas)
}

/// As seen from the server, which receives what clients send.
fn operations() -> Map<String, Value> {
    let message = |name: String| json!({"$ref": format!("{CHANNEL}/messages/{name}")});
    let mut operations = Map::new();
    for FrameSchema { kind, summary, .. } in events(Side::Client).frames {
        let operation = json!({
            "action": "receive",
            "channel": {"$ref": CHANNEL},
            "summary": summary,
            "messages": [message(Side::Client.name_of(&kind))],
            "reply": {"channel": {"$ref": CHANNEL}, "messages": [message(reply_of(&kind))]},
        });
        operations.insert(format!("receive_{kind}"), operation);
    }
    let sent: Vec<Value> = events(Side::Server)
        .frames
        .iter()
        .map(|frame| message(Side::Server.name_of(&frame.kind)))
        .collect();
    let operation = json!({
        "action": "send",
        "channel": {"$ref": CHANNEL},
        "summary": "Events to the client.",
        "messages": sent,
    });
    operations.insert("send".to_owned(), operation);
    operations
}

fn reply_of(event: &str) -> String {
    format!("acknowledgement.{event}")
}
