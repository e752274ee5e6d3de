//! A client as `docs/protocol.md` describes it.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use rookery_bus::Head;
use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::{MessageId, RoomId, UserId};
use rookery_protocol::position::Position;
use rookery_protocol::server::{EventFrame, ServerFrame};
use serde_json::{Value, json};

use super::Violation;
use super::parts::Place;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Repair {
    Gap,
    Reset,
}

/// A page of history on its way: the whole of it.
pub(super) enum Reading {
    /// The api knows what is not stored yet: up to where all was, and the events behind that.
    Tail(Option<(Head, Vec<SequencedEvent>)>),
    /// It has read the store, too: up to where it has everything, and all events.
    Page(Option<Place>, Vec<SequencedEvent>),
}

/// What it remembers over all its connections.
pub(super) struct Client {
    pub(super) user: UserId,
    number: usize,
    made: usize,
    /// Messages without an ack, and whether each is to be sent now.
    pub(super) send_queue: BTreeMap<String, bool>,
    pub(super) acked: BTreeSet<MessageId>,
    pub(super) live: bool,
    pub(super) asked: bool,
    position: Option<Place>,
    /// Why it reads history, and how far that has to reach.
    repair: Option<(Repair, Place)>,
    /// What it has asked for, and whether that was before the last reset.
    pub(super) reading: Option<(Reading, bool)>,
    /// Whether it makes use of `survived`.
    heeds: bool,
    pub(super) shown: BTreeMap<Place, MessageId>,
    ids: HashSet<MessageId>,
    /// Heard since the last reset as repeats, while it is not known whether the first ones are stored.
    again: BTreeMap<Place, MessageId>,
}

impl Client {
    pub(super) fn new(number: usize, user: UserId) -> Self {
        Self {
            user,
            number,
            made: 0,
            send_queue: BTreeMap::new(),
            acked: BTreeSet::new(),
            live: false,
            asked: false,
            position: None,
            repair: None,
            reading: None,
            heeds: number > 0,
            shown: BTreeMap::new(),
            ids: HashSet::new(),
            again: BTreeMap::new(),
        }
    }

    pub(super) fn compose(&mut self) {
        self.made += 1;
        let name = format!("c{}-{}", self.number, self.made);
        self.send_queue.insert(name, true);
    }

    pub(super) fn subscribe_frame(&self, room: RoomId) -> Value {
        let target = match self.position {
            Some((epoch, seq)) => json!({"room": room, "epoch": epoch, "seq": seq}),
            None => json!({"room": room}),
        };
        json!({"type": "subscribe", "rooms": [target]})
    }

    pub(super) fn next_to_send(&mut self, room: RoomId) -> Option<Value> {
        let (name, due) = self.send_queue.iter_mut().find(|(_, due)| **due)?;
        *due = false;
        Some(
            json!({"type": "message", "room": room, "client_id": name, "content": format!("text of {}", name.as_str())}),
        )
    }

    pub(super) fn disconnected(&mut self) {
        (self.live, self.asked) = (false, false);
    }

    /// Takes a frame in. Gives back the message that it was told is stored, and where.
    pub(super) fn receive(&mut self, frame: ServerFrame) -> Result<Option<(MessageId, Place)>, Violation> {
        match frame {
            ServerFrame::Subscribed { epoch, head, .. } if self.position.is_none() => {
                let place = (epoch, head);
                (self.position, self.repair) = (Some(place), Some((Repair::Reset, place)));
            }
            ServerFrame::Event(EventFrame::NewMessage { epoch, seq, message, .. }) => {
                self.show((epoch, seq), message.message_id)?;
            }
            ServerFrame::Gap { from, to, .. } => {
                let (epoch, seq) = self.position.ok_or("a gap without a position")?;
                if from != seq.next() {
                    return Err(format!("client {} at {epoch} {seq} is told of a gap from {from}", self.number));
                }
                self.position = Some((epoch, to));
                let why = self.repair.map_or(Repair::Gap, |(why, _)| why);
                self.repair = Some((why, (epoch, to)));
            }
            ServerFrame::Reset { epoch, head, survived, .. } => {
                // Who misses something reads history anyway.
                match survived.filter(|_| self.heeds && self.repair.is_none()) {
                    Some(Position { epoch, seq }) => {
                        self.shown.retain(|place, _| *place <= (epoch, seq));
                        self.ids = self.shown.values().copied().collect();
                    }
                    None => self.repair = Some((Repair::Reset, (epoch, head))),
                }
                self.position = Some((epoch, head));
                self.again.clear();
                self.reading.iter_mut().for_each(|(_, is_old)| *is_old = true);
                self.send_queue.values_mut().for_each(|due| *due = true);
            }
            ServerFrame::CaughtUp { .. } => {
                self.live = true;
                self.send_queue.values_mut().for_each(|due| *due = true);
            }
            ServerFrame::Ack { client_id, message_id, epoch, seq, .. } => {
                self.send_queue.remove(client_id.as_str());
                self.acked.insert(message_id);
                return Ok(Some((message_id, (epoch, seq))));
            }
            ServerFrame::Error(error) => {
                match error.client_id.and_then(|name| self.send_queue.get_mut(name.as_str())) {
                    Some(due) => *due = true,
                    None => self.disconnected(),
                }
            }
            ServerFrame::Hello { .. }
            | ServerFrame::Subscribed { .. }
            | ServerFrame::Unsubscribed { .. }
            | ServerFrame::Event(_)
            | ServerFrame::User(_)
            | ServerFrame::ReadBy { .. }
            | ServerFrame::Pong {}
            | ServerFrame::Reconnect { .. }
            | ServerFrame::Heads { .. }
            | ServerFrame::TokenExpiring { .. }
            | ServerFrame::Presence(_)
            | ServerFrame::Watching { .. }
            | ServerFrame::RoomPresence { .. }
            | ServerFrame::Typing { .. }
            | ServerFrame::Read { .. } => {}
        }
        Ok(None)
    }

    fn show(&mut self, place: Place, id: MessageId) -> Result<(), Violation> {
        let (epoch, seq) = self.position.ok_or("an event without a position")?;
        if place <= (epoch, seq) {
            return Ok(());
        }
        if place != (epoch, seq.next()) {
            return Err(format!("client {} at {epoch} {seq} hears {} {}", self.number, place.0, place.1));
        }
        self.position = Some(place);
        if self.ids.insert(id) {
            self.shown.insert(place, id);
        } else if self.needs_history() {
            self.again.insert(place, id);
        }
        Ok(())
    }

    pub(super) const fn needs_history(&self) -> bool {
        self.repair.is_some()
    }

    /// Takes in the whole history, unless it ends before what is missing does.
    pub(super) fn merge(&mut self, upto: Option<Place>, history: &[SequencedEvent]) {
        // Only numbers can be compared: in what epoch the last event before a place is, no client knows.
        let reaches = |to: Place| upto.is_some_and(|(_, upto)| upto >= to.1);
        let Some((why, _)) = self.repair.filter(|(_, to)| reaches(*to)) else { return };
        self.repair = None;
        let told: BTreeMap<Place, MessageId> =
            history.iter().map(|event| ((event.epoch, event.seq), event.event.id)).collect();
        if why == Repair::Reset {
            let current = self.position.map(|(epoch, _)| epoch);
            self.shown.retain(|place, _| Some(place.0) == current || told.contains_key(place));
        }
        let told_ids: HashSet<MessageId> = told.values().copied().collect();
        self.shown.retain(|place, id| told.contains_key(place) || !told_ids.contains(id));
        self.shown.extend(told);
        self.ids = self.shown.values().copied().collect();
        for (place, id) in std::mem::take(&mut self.again) {
            if self.ids.insert(id) {
                self.shown.insert(place, id);
            }
        }
    }

    /// What it shows, in its order.
    pub(super) fn timeline(&self) -> Vec<MessageId> {
        self.shown.values().copied().collect()
    }

    pub(super) fn has_arrived(&self, place: Place) -> bool {
        self.live && !self.needs_history() && self.position.is_some_and(|position| position >= place)
    }
}
