//! The few fields of server frames that a load needs, read without building a tree.

use rookery_protocol::id::Epoch;
use rookery_protocol::position::Position;
use serde::Deserialize;

use super::ledger::{Event, Kept, Place};

/// Any server frame, and any event of a history page.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Frame {
    /// Which frame.
    #[serde(rename = "type")]
    pub kind: String,
    /// Epoch of a place.
    pub epoch: Option<Epoch>,
    /// Number of a place.
    pub seq: u64,
    /// Number of the newest event.
    pub head: u64,
    /// What is stored of the epoch before.
    pub survived: Option<Position>,
    /// End of a gap.
    pub to: u64,
    /// The sender's name for a message.
    pub client_id: Option<String>,
    /// Id of an acked message.
    pub message_id: String,
    /// The message of an event, or the words of an error.
    pub message: Option<Said>,
    /// Code of an error.
    pub code: Option<String>,
    /// When to try again.
    pub retry_after_ms: Option<u64>,
    /// When to come back.
    pub after_ms: u64,
    /// When a mute ends.
    pub until: Option<String>,
    /// What is new of a room.
    pub changed: Changed,
}

/// What is new of a room.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Changed {
    /// Its topic.
    pub topic: Option<String>,
}

/// What stands under `message`.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Said {
    /// A message.
    Message(Message),
    /// Words for people.
    Words(String),
}

/// A message in an event.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Message {
    /// Its id.
    pub message_id: String,
    /// The sender's name for it.
    pub client_id: Option<String>,
}

impl Frame {
    /// The place that `number` names in the frame's epoch.
    pub fn at(&self, number: u64) -> Place {
        (self.epoch.map_or(0, |epoch| epoch.0), number)
    }

    fn said(&self) -> Option<&Message> {
        match &self.message {
            Some(Said::Message(message)) => Some(message),
            Some(Said::Words(_)) | None => None,
        }
    }

    /// The frame as an event of a room.
    pub fn event(&self) -> Event {
        Event {
            place: self.at(self.seq),
            message_id: self.said().map(|message| message.message_id.clone()).or_else(|| self.act()),
        }
    }

    /// What tells an act from all others of a load, as an id tells messages: no topic and no end of a mute comes twice.
    fn act(&self) -> Option<String> {
        match self.kind.as_str() {
            "room_updated" => self.changed.topic.clone(),
            "member_muted" => self.until.clone(),
            _ => None,
        }
    }

    /// The frame as an event of history.
    pub fn kept(&self) -> Kept {
        let client_id = self.said().and_then(|message| message.client_id.clone());
        Kept { event: self.event(), client_id }
    }
}
