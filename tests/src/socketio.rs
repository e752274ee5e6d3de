//! Socket.IO for the clients of this harness, over one WebSocket message for each packet. Frames of a test become events
//! with acknowledgements, and what the server says becomes frames again, so that one suite holds in both dialects.
//!
//! Every packet that the server writes is held against what `docs/socketio.md` says: an event, a field or an order that is
//! not in it fails the test.

use serde_json::{Value, json};

use crate::traffic;

mod acknowledgements;
mod events;
mod fields;
mod requests;

pub use requests::Emit;

use acknowledgements::Waiting;

/// The path and query that open a connection over WebSocket.
pub const WEBSOCKET: &str = "/socket.io/?EIO=4&transport=websocket";
/// The path of it.
pub const PATH: &str = "/socket.io/";

/// The conversation of one client, above packets: events and acknowledgements.
#[derive(Debug, Default)]
pub struct Conversation {
    waiting: Waiting,
    /// The room of frames that name none.
    home: Option<String>,
}

/// The conversation of one client in packets.
#[derive(Debug, Default)]
pub struct Packets {
    conversation: Conversation,
    phase: Phase,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Fresh,
    Opened,
    Connected,
    Disconnected,
}

/// What one packet comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// These frames, oldest first.
    Frames(Vec<Value>),
    /// A heartbeat, to be answered with [`PONG`].
    Ping,
}

/// The answer to a heartbeat.
pub const PONG: &str = "3";

impl Conversation {
    /// The event that stands for a frame.
    pub fn emit(&mut self, frame: &Value) -> Emit {
        let frame = match (&self.home, frame) {
            (Some(home), Value::Object(fields)) if fields.get("room").is_none() => {
                let mut fields = fields.clone();
                fields.insert("room".to_owned(), json!(home));
                Value::Object(fields)
            }
            _ => frame.clone(),
        };
        let (event, payload, asked) = requests::event_of(&frame);
        traffic::event_said(event, &payload);
        Emit { event, payload, ack: self.waiting.expect(event, asked) }
    }

    /// The frame that an event of the server stands for.
    pub fn event(&mut self, name: &str, payload: Value) -> Value {
        traffic::event_heard(name, &payload);
        let frame = events::frame_of(name, payload);
        self.waiting.hear(&frame);
        frame
    }

    /// The frame that an acknowledgement stands for; none where a frame would have none either.
    pub fn acknowledged(&mut self, ack: u64, answer: Value) -> Option<Value> {
        self.waiting.acknowledged(ack, answer)
    }

    /// The frame that the refusal of a namespace stands for.
    pub fn refused(&self, refusal: Value) -> Value {
        events::refusal(refusal)
    }
}

impl Packets {
    /// Of a client that is in one room for everything it says.
    pub fn live_in(&mut self, room: &str) {
        self.conversation.home = Some(room.to_owned());
    }

    /// The packet that enters the root namespace, with a token or with the one that came with the upgrade.
    pub fn connect(token: Option<&str>) -> String {
        match token {
            Some(token) => format!("40{}", json!({"token": format!("Bearer {token}")})),
            None => "40".to_owned(),
        }
    }

    /// The packet for a frame.
    pub fn write(&mut self, frame: &Value) -> String {
        if frame["type"] == "auth" && self.phase != Phase::Connected {
            return Self::connect(frame["token"].as_str());
        }
        let Emit { event, payload, ack } = self.conversation.emit(frame);
        format!("42{ack}{}", json!([event, payload]))
    }

    /// Reads a packet of the server; panics if it may not come now.
    pub fn read(&mut self, text: &str) -> Heard {
        let (kind, rest) = text.split_at(text.len().min(1));
        match (kind, self.phase) {
            ("0", Phase::Fresh) => {
                assert_open(&parsed(rest));
                self.phase = Phase::Opened;
                Heard::Frames(Vec::new())
            }
            ("2", Phase::Opened | Phase::Connected) if rest.is_empty() => Heard::Ping,
            ("4", Phase::Opened | Phase::Connected) => Heard::Frames(self.message(rest).into_iter().collect()),
            _ => panic!("no packet that may come now ({:?}): {text}", self.phase),
        }
    }

    fn message(&mut self, text: &str) -> Option<Value> {
        let (kind, rest) = text.split_at(text.len().min(1));
        match (kind, self.phase) {
            ("0", Phase::Opened) => {
                assert!(parsed(rest)["sid"].is_string(), "a connection has a sid: {text}");
                self.phase = Phase::Connected;
                None
            }
            ("4", Phase::Opened) => Some(events::refusal(parsed(rest))),
            ("1", Phase::Connected) if rest.is_empty() => {
                self.phase = Phase::Disconnected;
                None
            }
            ("2", Phase::Connected) => match parsed(rest).as_array_mut().map(Vec::as_mut_slice) {
                Some([Value::String(name), payload]) => Some(self.conversation.event(name, payload.take())),
                _ => panic!("no event: {text}"),
            },
            ("3", Phase::Connected) => {
                let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
                let id = rest[..digits].parse().unwrap_or_else(|_| panic!("no id of an acknowledgement: {text}"));
                match parsed(&rest[digits..]).as_array_mut().map(Vec::as_mut_slice) {
                    Some([answer]) => self.conversation.acknowledged(id, answer.take()),
                    _ => panic!("no acknowledgement: {text}"),
                }
            }
            _ => panic!("no packet that may come now ({:?}): {text}", self.phase),
        }
    }

    /// The server has closed with this code: who is not to come back was told so by the packet that keeps stock clients
    /// from trying, and nobody else was, such as one that may have a newer token by then.
    pub fn closed(&self, code: Option<u16>) {
        use rookery_protocol::close::CloseCode;
        let known = code.and_then(|code| CloseCode::ALL.into_iter().find(|known| known.number() == code));
        // Who closes first is answered with the own code.
        let Some(code) = known.filter(|code| *code != CloseCode::Normal) else { return };
        let is_told = self.phase == Phase::Disconnected;
        let may_return = code.may_return() || code == CloseCode::Unauthenticated;
        let is_for_good = matches!(self.phase, Phase::Connected | Phase::Disconnected) && !may_return;
        assert_eq!(is_told, is_for_good, "{code:?} after {:?}", self.phase);
    }
}

fn assert_open(open: &Value) {
    let Value::Object(fields) = open else { panic!("no open packet: {open}") };
    let names: Vec<&str> = fields.keys().map(String::as_str).collect();
    let mut expected = ["sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"];
    expected.sort_unstable();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected, "{open}");
    assert_eq!(open["upgrades"], json!([]), "a WebSocket is what others move to");
    assert!(open["sid"].as_str().is_some_and(|sid| sid.len() >= 20), "{open}");
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[cfg(test)]
mod tests;
