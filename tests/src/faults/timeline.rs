//! What one client shows of one room, kept by the rules of `docs/protocol.md`. Pure.
//!
//! While a gap or a reset waits for history, what comes live waits too: so every event is shown in its order.

use std::collections::{HashMap, HashSet, VecDeque};

use rookery_protocol::id::Epoch;
use rookery_protocol::position::Position;
use serde_json::{Value, json};

use super::frame::Frame;
use super::ledger::{Event, Kept, Place, Shown};

/// Events that may wait for history; beyond it the client subscribes again.
const WAITING_MAX: usize = 20_000;

/// The timeline of a room at one client.
#[derive(Debug, Default)]
pub struct Timeline {
    shown: Shown,
    ids: HashSet<String>,
    position: Option<Place>,
    history_to: Option<Place>,
    waiting: VecDeque<Event>,
    heard: HashMap<Place, String>,
    /// Resets so far. What was asked of history before the last one is not to be taken in.
    pub resets: usize,
    /// When each event was shown, in milliseconds of the load, in the order of showing.
    pub times: Vec<(Place, u64)>,
}

/// What the client has to do after a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing.
    Go,
    /// Subscribe again from its position.
    Resubscribe,
}

impl Timeline {
    /// The `subscribe` frame that goes on where this timeline ends.
    pub fn subscribe_frame(&self, room: &str) -> Value {
        let target = match self.position {
            Some((epoch, seq)) => json!({"room": room, "epoch": Epoch(epoch), "seq": seq}),
            None => json!({"room": room}),
        };
        json!({"type": "subscribe", "rooms": [target]})
    }

    /// Takes in a frame of the room.
    pub fn apply(&mut self, frame: &Frame, now_ms: u64) -> Next {
        match frame.kind.as_str() {
            "new_message" | "member_joined" | "member_left" | "member_muted" | "room_updated" => {
                let event = frame.event();
                self.heard.extend(event.message_id.clone().map(|id| (event.place, id)));
                return self.hear(event, now_ms);
            }
            "subscribed" if self.position.is_none() => {
                self.position = Some(frame.at(frame.head));
                self.shown.since = frame.at(frame.head);
            }
            "gap" => {
                let epoch = self.position.map_or(0, |(epoch, _)| epoch);
                self.await_history((epoch, frame.to));
            }
            "reset" => self.reset(frame),
            _ => {}
        }
        Next::Go
    }

    /// Where history has to reach before this timeline goes on; none if nothing is missing.
    pub const fn history_to(&self) -> Option<Place> {
        self.history_to
    }

    /// Number of the last event that is shown.
    pub fn last_number(&self) -> u64 {
        self.shown.events.last().map_or(self.shown.since.1, |event| event.place.1)
    }

    /// Whether a place of history is one that this timeline shows already, or from before it began.
    fn knows(&self, place: Place) -> bool {
        place <= self.shown.since || self.shows(place)
    }

    fn shows(&self, place: Place) -> bool {
        self.shown.events.binary_search_by_key(&place, |event| event.place).is_ok()
    }

    /// Takes in the newest part of history, asked for since the last reset: what was read before may never have been stored.
    /// A part that ends too early, or does not reach back to something that is shown already, changes nothing.
    pub fn merge(&mut self, newest: &[Kept], now_ms: u64) -> Next {
        let Some(to) = self.history_to else { return Next::Go };
        let reached = newest.last().map_or((0, 0), |kept| kept.event.place);
        if reached.1 < to.1 {
            return Next::Go;
        }
        let anchor = newest.iter().map(|kept| kept.event.place).rfind(|place| self.knows(*place));
        let is_whole = newest.first().is_some_and(|kept| kept.event.place.1 <= 1);
        if anchor.is_none() && !is_whole {
            return Next::Go;
        }
        self.withdraw_after(anchor.unwrap_or(self.shown.since));
        let missing = newest.iter().map(|kept| &kept.event).filter(|event| Some(event.place) > anchor);
        let missing: Vec<Event> = missing.filter(|event| event.place > self.shown.since).cloned().collect();
        for event in missing {
            self.show(event, now_ms);
        }
        self.history_to = None;
        self.position = Some(to.max(reached));
        self.go_on(now_ms)
    }

    /// Whether everything up to a place is shown.
    pub fn reaches(&self, place: Place) -> bool {
        self.history_to.is_none() && self.position.is_some_and(|position| position >= place)
    }

    /// The ledger.
    pub fn into_shown(mut self) -> Shown {
        let displaced = self.heard.iter().filter(|(place, _)| !self.shows(**place));
        let displaced = displaced.map(|(place, id)| Event { place: *place, message_id: Some(id.clone()) });
        self.shown.displaced = displaced.collect();
        self.shown
    }

    fn hear(&mut self, event: Event, now_ms: u64) -> Next {
        let place = event.place;
        if self.history_to.is_some() {
            self.waiting.push_back(event);
            if self.waiting.len() > WAITING_MAX {
                self.waiting.clear();
            }
            return Next::Go;
        }
        match self.position {
            Some(position) if place <= position => Next::Go,
            Some((epoch, seq)) if place != (epoch, seq + 1) => {
                self.shown.jumps += 1;
                Next::Resubscribe
            }
            Some(_) | None => {
                self.position = Some(place);
                self.show(event, now_ms);
                Next::Go
            }
        }
    }

    fn show(&mut self, event: Event, now_ms: u64) {
        if event.message_id.as_ref().is_some_and(|id| !self.ids.insert(id.clone())) {
            return;
        }
        self.times.push((event.place, now_ms));
        self.shown.events.push(event);
    }

    /// What survived stays, and nothing is missing behind it, unless something was before.
    fn reset(&mut self, frame: &Frame) {
        let (after, survived) = (frame.at(frame.head), frame.survived);
        self.resets += 1;
        if let Some(Position { epoch, seq }) = survived.filter(|_| self.history_to.is_none()) {
            self.withdraw_after((epoch.0, seq.get()));
            self.position = Some(after);
        } else {
            self.waiting.clear();
            self.await_history(after);
        }
    }

    fn await_history(&mut self, to: Place) {
        self.position = Some(to);
        self.history_to = Some(to);
    }

    /// After a reset, what history does not have was never stored; its senders send it again.
    fn withdraw_after(&mut self, place: Place) {
        let kept = self.shown.events.partition_point(|event| event.place <= place);
        for event in self.shown.events.drain(kept..) {
            if let Some(id) = event.message_id {
                self.ids.remove(&id);
            }
        }
    }

    fn go_on(&mut self, now_ms: u64) -> Next {
        while let Some(event) = self.waiting.pop_front() {
            if self.hear(event, now_ms) == Next::Resubscribe {
                self.waiting.clear();
                return Next::Resubscribe;
            }
        }
        Next::Go
    }
}

#[cfg(test)]
mod tests;
