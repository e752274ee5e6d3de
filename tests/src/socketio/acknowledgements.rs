//! Requests of one client that wait for their acknowledgement, and the frames that acknowledgements stand for.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};

use super::events;
use crate::traffic;

/// What an acknowledgement will be about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// A join of the room of this name.
    Join(String),
    /// A leave of the room of this name.
    Leave(String),
    /// A message, or a change of one.
    Message {
        /// Its name.
        client_id: Option<String>,
        /// Its room.
        room: Option<String>,
    },
    /// A newer token.
    Renewal,
    /// Something that frames have no answer for.
    Nothing,
}

/// What has come of a join so far.
#[derive(Clone, Debug, Default)]
struct Replay {
    events: u64,
    gap: bool,
    reset: bool,
}

#[derive(Debug, Default)]
pub(super) struct Waiting {
    last: u64,
    /// By number: the event, and what it asked.
    asked: BTreeMap<u64, (&'static str, Asked)>,
    /// Ids of rooms by every name that they are known by.
    rooms: HashMap<String, String>,
    /// By id of the room, since its last `subscribed`.
    replays: HashMap<String, Replay>,
}

impl Waiting {
    /// A request waits; its number.
    pub(super) fn expect(&mut self, event: &'static str, asked: Asked) -> u64 {
        self.last += 1;
        self.asked.insert(self.last, (event, asked));
        self.last
    }

    /// Notes what acknowledgements are held against.
    pub(super) fn hear(&mut self, frame: &Value) {
        let Some(room) = frame["room"].as_str() else { return };
        match frame["type"].as_str().unwrap_or_default() {
            "subscribed" => {
                for name in [Some(room), frame["slug"].as_str()].into_iter().flatten() {
                    self.rooms.insert(name.to_owned(), room.to_owned());
                }
                self.replays.insert(room.to_owned(), Replay::default());
            }
            kind => {
                let Some(replay) = self.replays.get_mut(room) else { return };
                match kind {
                    "gap" => replay.gap = true,
                    "reset" => replay.reset = true,
                    _ if frame["seq"].is_u64() && frame["epoch"].is_string() && kind != "read" && kind != "ack" => {
                        replay.events += 1;
                    }
                    _ => {}
                }
            }
        }
    }

    /// The frame that answers the request of this number.
    pub(super) fn acknowledged(&mut self, ack: u64, mut answer: Value) -> Option<Value> {
        let asked = self.asked.remove(&ack);
        let (event, asked) = asked.unwrap_or_else(|| panic!("acknowledged twice, or never asked: {ack} {answer}"));
        traffic::acknowledgement_heard(event, &answer);
        match answer["ok"].as_bool() {
            Some(true) => self.done(asked, &answer),
            Some(false) => {
                assert_eq!(answer.as_object().map(serde_json::Map::len), Some(2), "{answer}");
                Some(failed(asked, answer["error"].take()))
            }
            None => panic!("an acknowledgement says whether it is ok: {answer}"),
        }
    }

    fn done(&mut self, asked: Asked, answer: &Value) -> Option<Value> {
        match asked {
            Asked::Join(name) => {
                let room = self.rooms.get(&name).unwrap_or_else(|| panic!("{name} is joined and never subscribed"));
                self.assert_replayed(room, answer);
                Some(json!({"type": "caught_up", "room": room, "seq": answer["seq"]}))
            }
            Asked::Leave(name) => {
                assert_eq!(answer, &json!({"ok": true}));
                let room = self.rooms.get(&name).cloned().unwrap_or(name);
                Some(json!({"type": "unsubscribed", "room": room}))
            }
            Asked::Message { client_id, room } => {
                let room = room.map(|room| self.rooms.get(&room).cloned().unwrap_or(room));
                let field = |name: &str| answer.get(name).unwrap_or_else(|| panic!("no {name} in {answer}")).clone();
                let mut ack = json!({"type": "ack", "message_id": field("messageId"), "epoch": field("epoch"),
                    "seq": field("seq"), "timestamp": field("timestamp")});
                for (name, value) in [("client_id", client_id), ("room", room)] {
                    ack[name] = json!(value);
                }
                Some(ack)
            }
            Asked::Renewal | Asked::Nothing => {
                assert_eq!(answer, &json!({"ok": true}));
                None
            }
        }
    }

    /// What is said of a join is what came of it.
    fn assert_replayed(&self, room: &str, answer: &Value) {
        let Replay { events, gap, reset } = &self.replays[room];
        assert_eq!(answer["missed"].as_u64(), Some(*events), "{answer} after {events} events of {room}");
        assert_eq!((answer["gap"].is_object(), answer["reset"] == true), (*gap, *reset), "{answer}");
        assert!(answer["epoch"].is_string() && answer["seq"].is_u64(), "{answer}");
    }
}

fn failed(asked: Asked, error: Value) -> Value {
    let mut frame = events::error(error);
    if let Asked::Message { client_id: Some(client_id), .. } = asked {
        frame["client_id"] = json!(client_id);
    }
    frame
}
