//! The AsyncAPI 3 document of the sockets, made from what the code itself says: frames from their types (see
//! [`crate::schema`]), bounds from [`crate::limits`], codes from their enums, examples from `shared/fixtures`.
//!
//! `docs/asyncapi.json` is this document, and `/asyncapi.json` serves it.

use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::close::CloseCode;
use crate::error_code::ErrorCode;

use crate::schema::{self, DEFINITIONS, FrameSchema, Schemas};

mod channels;
pub mod limits;

const CLIENT_EXAMPLES: &str = include_str!("../../fixtures/client_frames.json");
const SERVER_EXAMPLES: &str = include_str!("../../fixtures/server_frames.json");

/// Who says a frame. Its text is the first part of the names of messages and schemas: `client.message`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The client.
    Client,
    /// The server.
    Server,
}

#[derive(Deserialize)]
struct Example {
    name: String,
    frame: Value,
}

impl Side {
    /// Both, in the order of the documents.
    pub const ALL: [Self; 2] = [Self::Client, Self::Server];

    /// The name of the schema and of the message of a frame type.
    pub fn name_of(self, kind: &str) -> String {
        match self {
            Self::Client => format!("client.{kind}"),
            Self::Server => format!("server.{kind}"),
        }
    }

    /// What it may say. The documents ask for it many times, so it is derived once.
    pub(crate) fn schemas(self) -> &'static Schemas {
        static CLIENT: LazyLock<Schemas> = LazyLock::new(schema::client_frames);
        static SERVER: LazyLock<Schemas> = LazyLock::new(schema::server_frames);
        match self {
            Self::Client => &CLIENT,
            Self::Server => &SERVER,
        }
    }

    fn examples(self) -> Vec<Example> {
        let text = match self {
            Self::Client => CLIENT_EXAMPLES,
            Self::Server => SERVER_EXAMPLES,
        };
        // A test reads the same text and fails if it is not what it should be.
        serde_json::from_str(text).unwrap_or_default()
    }
}

/// The types of the frames that one side may say.
pub fn frame_types(side: Side) -> Vec<String> {
    side.schemas().frames.iter().map(|frame| frame.kind.clone()).collect()
}

/// The document.
pub fn document() -> Value {
    json!({
        "asyncapi": "3.1.0",
        "info": {
            "title": "Rookery sockets",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "JSON text frames over WebSocket. `docs/protocol.md` tells in words what this document tells \
                to programs. A later version may send more fields and more types of frames: ignore what you do not know.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "servers": {"local": channels::server()},
        "channels": channels::channels(&all_messages("#/components/messages")),
        "operations": channels::operations(&frame_types),
        "components": {
            "messages": messages(),
            "schemas": schemas(),
            "securitySchemes": channels::security_schemes(),
        },
        "x-limits": limits::table().into_iter().map(limits::Limit::to_json).collect::<Vec<_>>(),
        "x-error-codes": error_codes(),
        "x-close-codes": close_codes(),
    })
}

/// The document as text for a file.
pub fn text() -> String {
    // Strings and numbers only: nothing in it can fail to serialise.
    serde_json::to_string_pretty(&document()).map(|text| text + "\n").unwrap_or_default()
}

fn all_messages(place: &str) -> Map<String, Value> {
    let names = Side::ALL
        .into_iter()
        .flat_map(|side| frame_types(side).into_iter().map(move |kind| side.name_of(&kind)));
    names.map(|name| (name.clone(), json!({"$ref": format!("{place}/{name}")}))).collect()
}

fn messages() -> Map<String, Value> {
    let mut messages = Map::new();
    for side in Side::ALL {
        let examples = side.examples();
        for FrameSchema { kind, summary, .. } in &side.schemas().frames {
            let name = side.name_of(kind);
            let shown: Vec<Value> = examples
                .iter()
                .filter(|example| example.frame["type"] == *kind)
                .map(|Example { name, frame }| json!({"name": name, "payload": frame}))
                .collect();
            let payload = json!({"$ref": format!("{DEFINITIONS}{name}")});
            messages.insert(name, json!({"name": kind, "summary": summary, "payload": payload, "examples": shown}));
        }
    }
    messages
}

fn schemas() -> Map<String, Value> {
    let mut schemas = Map::new();
    for side in Side::ALL {
        let Schemas { frames, definitions } = side.schemas();
        schemas.extend(definitions.clone());
        schemas.extend(frames.iter().map(|frame| (side.name_of(&frame.kind), frame.schema.clone())));
    }
    schemas
}

fn error_codes() -> Vec<Value> {
    let row = |code: &ErrorCode| json!({"code": code.as_str(), "message": code.message()});
    ErrorCode::ALL.iter().map(row).collect()
}

fn close_codes() -> Vec<Value> {
    let row =
        |code: CloseCode| json!({"code": code.number(), "reason": code.reason(), "may_return": code.may_return()});
    CloseCode::ALL.into_iter().map(row).collect()
}
