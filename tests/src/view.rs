//! What a client knows of one room, kept as `docs/protocol.md` tells clients to: by `(epoch, seq)`, without
//! repeats, checked for holes, repaired from history when the server says so.

use std::collections::{BTreeMap, HashSet};

use rookery_protocol::id::{Epoch, Seq};
use serde_json::{Value, json};

/// Place of an event in a room.
pub type Place = (Epoch, Seq);

/// The timeline of one room as one client sees it.
#[derive(Clone, Debug)]
pub struct View {
    room: String,
    events: BTreeMap<Place, String>,
    ids: HashSet<String>,
    position: Option<Place>,
    repair: Option<Repair>,
    /// Heard as repeats since the last reset, while it is not known whether the first ones are stored.
    again: BTreeMap<Place, String>,
    /// Resets so far.
    pub resets: usize,
    /// Timeline frames that were new to this client, in order of arrival.
    pub fresh: Vec<Value>,
    /// Timeline frames that it had already.
    pub repeats: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Repair {
    Gap,
    Reset,
}

impl View {
    /// Knows nothing of the room yet.
    pub fn new(room: &str) -> Self {
        Self {
            room: room.to_owned(),
            events: BTreeMap::new(),
            ids: HashSet::new(),
            position: None,
            repair: None,
            again: BTreeMap::new(),
            resets: 0,
            fresh: Vec::new(),
            repeats: 0,
        }
    }

    /// The `subscribe` frame that goes on where this view ends.
    pub fn subscribe_frame(&self) -> Value {
        let room = match self.position {
            Some((epoch, seq)) => json!({"room": self.room, "epoch": epoch, "seq": seq}),
            None => json!({"room": self.room}),
        };
        json!({"type": "subscribe", "rooms": [room]})
    }

    /// Takes in a server frame of any kind.
    pub fn apply(&mut self, frame: &Value) {
        if frame["room"] != self.room.as_str() {
            return;
        }
        match frame["type"].as_str().unwrap_or_default() {
            "new_message" | "member_joined" | "member_left" | "member_kicked" | "member_banned" | "member_unbanned"
            | "member_muted" | "member_unmuted" => self.apply_event(frame),
            "subscribed" if self.position.is_none() => {
                self.position = Some((epoch_of(frame), seq_of(frame, "head")));
                self.repair = Some(Repair::Gap);
            }
            "gap" => self.apply_gap(frame),
            "reset" => {
                self.position = Some((epoch_of(frame), seq_of(frame, "head")));
                self.resets += 1;
                self.again.clear();
                let survived = &frame["survived"];
                if survived.is_object() && self.repair.is_none() {
                    self.withdraw_after((epoch_of(survived), seq_of(survived, "seq")));
                } else {
                    self.repair = Some(Repair::Reset);
                }
            }
            _ => {}
        }
    }

    /// Whether history has to be read before the view is whole.
    pub const fn needs_history(&self) -> bool {
        self.repair.is_some()
    }

    /// Whether the view is whole up to `place`.
    pub fn reaches(&self, place: Place) -> bool {
        !self.needs_history() && self.position.is_some_and(|position| position >= place)
    }

    /// Takes in the whole history, read after the need for it arose and after the last reset.
    pub fn merge(&mut self, history: &[Value]) {
        let stored: BTreeMap<Place, String> = history.iter().map(entry).collect();
        if self.repair.take() == Some(Repair::Reset) {
            let current = self.position.map(|(epoch, _)| epoch);
            self.events.retain(|place, _| Some(place.0) == current || stored.contains_key(place));
        }
        let stored_ids: HashSet<&String> = stored.values().collect();
        self.events.retain(|place, id| stored.contains_key(place) || !stored_ids.contains(id));
        self.events.extend(stored);
        self.ids = self.events.values().cloned().collect();
        for (place, id) in std::mem::take(&mut self.again) {
            if self.ids.insert(id.clone()) {
                self.events.insert(place, id);
            }
        }
    }

    fn withdraw_after(&mut self, last: Place) {
        self.events.retain(|place, _| *place <= last);
        self.ids = self.events.values().cloned().collect();
    }

    /// The timeline as this client shows it.
    pub fn timeline(&self) -> Vec<(Place, String)> {
        self.events.iter().map(|(place, id)| (*place, id.clone())).collect()
    }

    fn apply_event(&mut self, frame: &Value) {
        let (place, id) = entry(frame);
        if self.position.is_some_and(|position| place <= position) {
            self.repeats += 1;
            return;
        }
        if let Some((epoch, seq)) = self.position {
            assert_eq!((epoch, seq.next()), place, "a hole, or an epoch without a reset: {frame}");
        }
        self.position = Some(place);
        if self.ids.insert(id.clone()) {
            self.events.insert(place, id);
            self.fresh.push(frame.clone());
        } else {
            self.repeats += 1;
            if self.needs_history() {
                self.again.insert(place, id);
            }
        }
    }

    fn apply_gap(&mut self, frame: &Value) {
        let (epoch, last) = self.position.expect("a gap is only told to a client with a position");
        assert_eq!(seq_of(frame, "from"), last.next(), "a gap begins after the client's position: {frame}");
        self.position = Some((epoch, seq_of(frame, "to")));
        self.repair = Some(Repair::Gap);
    }
}

/// The timeline that a history tells.
pub fn timeline_of(history: &[Value]) -> Vec<(Place, String)> {
    history.iter().map(entry).collect()
}

/// The place that an event frame or an ack tells.
pub fn place(frame: &Value) -> Place {
    (epoch_of(frame), seq_of(frame, "seq"))
}

/// Place and identity of an event frame: the message's id, or who came or went where.
pub fn entry(frame: &Value) -> (Place, String) {
    let place = place(frame);
    let id = match frame["message"]["message_id"].as_str() {
        Some(id) => id.to_owned(),
        None => format!("{} {} {}/{}", frame["type"], frame["user"]["user_id"], place.0, place.1),
    };
    (place, id)
}

/// Panics unless the numbers of a history are `first`, `first + 1` … and its places are in order.
pub fn assert_contiguous(history: &[Value], first: u64) {
    let places: Vec<Place> = history.iter().map(|frame| entry(frame).0).collect();
    let expected: Vec<u64> = (first..).take(places.len()).collect();
    let found: Vec<u64> = places.iter().map(|(_, seq)| seq.get()).collect();
    assert_eq!(found, expected, "numbers have no holes");
    assert!(places.is_sorted(), "epochs only grow: {places:?}");
}

fn epoch_of(frame: &Value) -> Epoch {
    let text = frame["epoch"].as_str().unwrap_or_else(|| panic!("no epoch in {frame}"));
    text.parse().unwrap_or_else(|_| panic!("bad epoch in {frame}"))
}

fn seq_of(frame: &Value, field: &str) -> Seq {
    Seq::new(frame[field].as_u64().unwrap_or_else(|| panic!("no {field} in {frame}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(epoch: &str, seq: u64, id: &str) -> Value {
        json!({"type": "new_message", "room": "R", "epoch": epoch, "seq": seq, "message": {"message_id": id}})
    }

    fn view(frames: &[Value]) -> View {
        let mut view = View::new("R");
        view.apply(&json!({"type": "subscribed", "room": "R", "epoch": "e1", "head": 0}));
        view.merge(&[]);
        for frame in frames {
            view.apply(frame);
        }
        view
    }

    fn ids(view: &View) -> Vec<String> {
        view.timeline().into_iter().map(|(_, id)| id).collect()
    }

    #[test]
    fn repeats_are_not_shown() {
        let view = view(&[message("e1", 1, "a"), message("e1", 2, "b"), message("e1", 2, "b")]);
        assert_eq!((ids(&view), view.repeats), (vec!["a".to_owned(), "b".to_owned()], 1));
    }

    #[test]
    #[should_panic(expected = "a hole")]
    fn a_hole_is_an_error() {
        view(&[message("e1", 1, "a"), message("e1", 3, "c")]);
    }

    #[test]
    fn after_a_reset_only_what_history_tells_is_left_of_the_old_epoch() {
        let mut view = view(&[message("e1", 1, "a"), message("e1", 2, "lost")]);
        view.apply(&json!({"type": "reset", "room": "R", "epoch": "e2", "head": 1}));
        assert!(view.needs_history());
        view.apply(&message("e2", 2, "b"));
        view.merge(&[message("e1", 1, "a")]);
        view.apply(&message("e2", 3, "lost"));
        assert_eq!(ids(&view), ["a", "b", "lost"]);
        assert!(view.reaches((Epoch(2), Seq::new(3))));
    }

    #[test]
    fn what_was_lost_and_is_said_again_before_history_is_read_is_shown() {
        let mut view = view(&[message("e1", 1, "a"), message("e1", 2, "lost")]);
        view.apply(&json!({"type": "reset", "room": "R", "epoch": "e2", "head": 2}));
        view.apply(&message("e2", 3, "lost"));
        view.merge(&[message("e1", 1, "a")]);
        assert_eq!(ids(&view), ["a", "lost"]);
    }

    #[test]
    fn after_a_reset_that_says_what_survived_no_history_is_needed() {
        let mut view = view(&[message("e1", 1, "a"), message("e1", 2, "lost")]);
        let survived = json!({"epoch": "e1", "seq": 1});
        view.apply(&json!({"type": "reset", "room": "R", "epoch": "e2", "head": 2, "survived": survived}));
        assert!(!view.needs_history());
        view.apply(&message("e2", 3, "lost"));
        assert_eq!(ids(&view), ["a", "lost"]);
        assert!(view.reaches((Epoch(2), Seq::new(3))));
    }

    #[test]
    fn a_message_that_was_stored_under_its_first_place_is_shown_once() {
        let mut view = view(&[message("e1", 1, "a")]);
        view.apply(&json!({"type": "reset", "room": "R", "epoch": "e2", "head": 1}));
        view.apply(&message("e2", 2, "a"));
        view.merge(&[message("e1", 1, "a")]);
        assert_eq!(view.timeline(), [((Epoch(1), Seq::new(1)), "a".to_owned())]);
    }
}
