//! What each server is told, and what its frames mean.

use clap::ValueEnum;
use serde::Deserialize;

/// Where Socket.IO is.
const ENGINE: &str = "/socket.io/?EIO=4&transport=websocket";

/// A protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Dialect {
    /// Ours.
    Rookery,
    /// Socket.IO, as our gateways speak it.
    RookerySocketio,
    /// The bare limit: the path names the room, a text goes to everybody in it as it is.
    Bare,
    /// Node's `ws` with Redis: the path names the room.
    Ws,
    /// Socket.IO's own server with its Redis adapter.
    Socketio,
}

/// What `seed` printed.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Credentials {
    /// Ids.
    pub(crate) rooms: Vec<String>,
    /// Access tokens, one for each user.
    pub(crate) tokens: Vec<String>,
}

/// What a frame means for the connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// One of the rooms is live.
    Joined,
    /// This has to be answered.
    Answer(String),
    /// A message is stored, or refused.
    Answered,
    /// Anything else; it may carry a message.
    Other,
}

/// A connection's place.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// Number of the connection.
    pub(crate) user: usize,
    /// Its rooms by their numbers.
    pub(crate) rooms: Vec<usize>,
}

impl Dialect {
    /// Path and further header lines of the handshake.
    pub(crate) fn handshake(self, place: &Place, credentials: &Credentials) -> (String, String) {
        let room = place.rooms.first().copied().unwrap_or_default();
        match self {
            Self::Rookery => ("/ws".to_owned(), credentials.header(place.user)),
            Self::RookerySocketio => (ENGINE.to_owned(), credentials.header(place.user)),
            Self::Bare | Self::Ws => (format!("/{room}"), String::new()),
            Self::Socketio => (ENGINE.to_owned(), String::new()),
        }
    }

    /// What is sent as soon as the socket is open.
    pub(crate) fn greeting(self, place: &Place, credentials: &Credentials) -> Option<String> {
        match self {
            Self::Rookery => Some(subscribe(place, credentials).to_string()),
            Self::Bare | Self::Ws => None,
            Self::RookerySocketio | Self::Socketio => Some("40".to_owned()),
        }
    }

    /// How often [`Meaning::Joined`] has to come.
    pub(crate) fn joins(self, place: &Place) -> usize {
        match self {
            Self::Rookery | Self::RookerySocketio => place.rooms.len(),
            Self::Bare | Self::Ws => 0,
            Self::Socketio => 1,
        }
    }

    /// Reads a text.
    pub(crate) fn meaning(self, text: &[u8], place: &Place, credentials: &Credentials) -> Meaning {
        match self {
            Self::RookerySocketio | Self::Socketio if text == b"2" => Meaning::Answer("3".to_owned()),
            Self::RookerySocketio if text.starts_with(b"40") => {
                let subscribe = subscribe(place, credentials);
                Meaning::Answer(format!("42{}", serde_json::json!(["frame", subscribe])))
            }
            Self::RookerySocketio if text.starts_with(b"42[\"frame\",{\"type\":\"caught_up\"") => Meaning::Joined,
            Self::RookerySocketio if text.starts_with(b"43") => Meaning::Answered,
            Self::Rookery if text.starts_with(b"{\"type\":\"caught_up\"") => Meaning::Joined,
            Self::Rookery if text.starts_with(b"{\"type\":\"ack\"") || text.starts_with(b"{\"type\":\"error\"") => {
                Meaning::Answered
            }
            Self::Socketio if text.starts_with(b"40") => {
                let rooms: Vec<String> = place.rooms.iter().map(usize::to_string).collect();
                Meaning::Answer(format!("420{}", serde_json::json!(["join", rooms])))
            }
            Self::Socketio if text.starts_with(b"430") => Meaning::Joined,
            Self::Rookery | Self::RookerySocketio | Self::Bare | Self::Ws | Self::Socketio => Meaning::Other,
        }
    }

    /// A message to a room.
    pub(crate) fn message(self, room: &str, client_id: &str, content: &str) -> String {
        match self {
            Self::Rookery => serde_json::json!({
                "type": "message", "room": room, "client_id": client_id, "content": content,
            })
            .to_string(),
            Self::RookerySocketio => {
                let payload = serde_json::json!({"chatroomId": room, "message": content, "clientId": client_id});
                format!("421{}", serde_json::json!(["chatroomMessage", payload]))
            }
            Self::Bare => content.to_owned(),
            Self::Ws => serde_json::json!({ "content": content }).to_string(),
            Self::Socketio => format!("42{}", serde_json::json!(["say", room, content])),
        }
    }
}

/// All rooms of a connection.
fn subscribe(place: &Place, credentials: &Credentials) -> serde_json::Value {
    let room = |room: &usize| serde_json::json!({"room": credentials.room(*room)});
    let rooms: Vec<_> = place.rooms.iter().map(room).collect();
    serde_json::json!({"type": "subscribe", "rooms": rooms})
}

impl Credentials {
    /// The header line with a user's token.
    fn header(&self, user: usize) -> String {
        let token = self.tokens.get(user % self.tokens.len().max(1));
        format!("Authorization: Bearer {}\r\n", token.map(String::as_str).unwrap_or_default())
    }

    /// The name of a room: its id, or just its number where the server does not care.
    pub(crate) fn room(&self, number: usize) -> String {
        self.rooms.get(number).cloned().unwrap_or_else(|| number.to_string())
    }
}
