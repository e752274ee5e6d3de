//! The ways in: addresses, and how a token comes.

use serde_json::{Map, Value, json};

use super::Side;
use crate::{BEARER_PREFIX, SUBPROTOCOL};

/// The addresses, by their names in the document.
const CHANNELS: [(&str, &str, &str); 4] = [
    ("rooms", "/ws", "Any number of rooms, by `subscribe`."),
    (
        "room",
        "/ws/{room}",
        "The same socket, already subscribed to one room; frames may leave `room` out.",
    ),
    ("chat_room", "/ws/chat/{room}", "The same as `/ws/{room}`."),
    (
        "direct",
        "/ws/dm/{user}",
        "The same socket, already subscribed to the direct room with that user, which is made if there is none.",
    ),
];

pub(super) fn server() -> Value {
    let schemes: Vec<Value> = security_schemes()
        .keys()
        .map(|name| json!({"$ref": format!("#/components/securitySchemes/{name}")}))
        .collect();
    json!({
        "host": "localhost:8080",
        "protocol": "ws",
        "description": "`make run` on your machine; any node of a cluster. One of the ways to bring a token is enough.",
        "security": schemes,
    })
}

pub(super) fn channels(messages: &Map<String, Value>) -> Map<String, Value> {
    let row = |(name, address, description): (&str, &str, &str)| {
        let mut channel = json!({
            "address": address,
            "description": description,
            "messages": messages,
            "bindings": {"ws": {"method": "GET"}},
        });
        if address.contains("{room}") {
            channel["parameters"] = room_parameter();
        }
        if address.contains("{user}") {
            channel["parameters"] = json!({"user": {"description": "Id of the user."}});
        }
        (name.to_owned(), channel)
    };
    CHANNELS.into_iter().map(row).collect()
}

/// As seen from the server, which receives what clients say.
pub(super) fn operations(types: &dyn Fn(Side) -> Vec<String>) -> Map<String, Value> {
    let mut operations = Map::new();
    for (channel, address, _) in CHANNELS {
        for (side, action) in [(Side::Client, "receive"), (Side::Server, "send")] {
            let place = format!("#/channels/{channel}");
            let messages: Vec<Value> = types(side)
                .into_iter()
                .map(|kind| json!({"$ref": format!("{place}/messages/{}", side.name_of(&kind))}))
                .collect();
            let summary = match side {
                Side::Client => format!("What a client may say on {address}."),
                Side::Server => format!("What the server may say on {address}."),
            };
            let operation =
                json!({"action": action, "channel": {"$ref": place}, "summary": summary, "messages": messages});
            operations.insert(format!("{action}_{channel}"), operation);
        }
    }
    operations
}

pub(super) fn security_schemes() -> Map<String, Value> {
    let schemes = json!({
        "header": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "`Authorization: Bearer <token>`",
        },
        "subprotocol": {
            "type": "httpApiKey",
            "in": "header",
            "name": "Sec-WebSocket-Protocol",
            "description": format!("`{SUBPROTOCOL}, {BEARER_PREFIX}<token>`; the server answers `{SUBPROTOCOL}`."),
        },
        "query": {
            "type": "httpApiKey",
            "in": "query",
            "name": "token",
            "description": "Never logged by us; other programs on the way may.",
        },
        "ticket": {
            "type": "httpApiKey",
            "in": "query",
            "name": "ticket",
            "description": "From `POST /api/v1/auth/ticket`: good for 30 s and for one socket.",
        },
        "first_frame": {
            "type": "apiKey",
            "in": "password",
            "description": "A first frame of type `auth`.",
        },
    });
    match schemes {
        Value::Object(schemes) => schemes,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Map::new(),
    }
}

fn room_parameter() -> Value {
    json!({"room": {"description": "The room's id or, if it is public, its slug."}})
}
