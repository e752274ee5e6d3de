//! The judge: it compares the ledgers of senders, of receivers and of history, and counts what does not agree. Pure.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};

/// Place of an event in a room: epoch and number.
pub type Place = (u64, u64);

/// What a sender knows of one of its messages at the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was told that the message is stored, there and under this id.
    Acked {
        /// Where.
        place: Place,
        /// As what.
        message_id: String,
        /// Whether it had to send more than once: the first outcome was unknown.
        resent: bool,
        /// When, in milliseconds of the load.
        at_ms: u64,
    },
    /// It was told for good that the message is not taken.
    Refused,
    /// It has to be refused, but nobody said so: the connection ended, or the server could not tell.
    Unanswered,
    /// It was never told.
    Unknown,
}

/// An event as a receiver or history has it. A join or leave has no id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Where.
    pub place: Place,
    /// Identity of a message.
    pub message_id: Option<String>,
}

/// An event of history; a message also names what its sender called it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The event.
    pub event: Event,
    /// The sender's name for it.
    pub client_id: Option<String>,
}

/// What one receiver shows at the end.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// Its subscription began after this place.
    pub since: Place,
    /// In the order in which it shows them.
    pub events: Vec<Event>,
    /// Times an event came that did not follow the one before, though nothing was said of a gap.
    pub jumps: usize,
    /// What it heard at places where it shows nothing: it shows that elsewhere, or took it back.
    pub displaced: Vec<Event>,
}

/// All ledgers of one room.
#[derive(Clone, Debug, Default)]
pub struct Room {
    /// What became of each message, by the sender's name for it.
    pub sent: BTreeMap<String, Outcome>,
    /// What each receiver shows.
    pub receivers: Vec<Shown>,
    /// History, oldest first.
    pub history: Vec<Kept>,
    /// From when a backup was begun until it was put back: what was acked meanwhile may be gone.
    pub restored: Option<(u64, u64)>,
}

/// What the comparison found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Findings {
    /// Messages whose sender knows that they are stored.
    pub acked: usize,
    /// Acked, but history does not have them as acked.
    pub lost: usize,
    /// In history twice, or shown twice.
    pub duplicated: usize,
    /// Receivers and history differ in the order, or numbers run backwards.
    pub reordered: usize,
    /// In history or shown, but refused or never sent.
    pub ghosts: usize,
    /// In history, but not shown by somebody who listened; or a number that history leaves out.
    pub holes: usize,
    /// Refused for good.
    pub refused: usize,
    /// Never settled.
    pub unknown: usize,
    /// Acked after the sender had to send again.
    pub recovered: usize,
    /// Numbers that a repeat took after the bus had forgotten the first send: known by its id, it is shown and kept
    /// at its first place only, but for receivers that were not there yet.
    pub renumbered: usize,
    /// Acks that name another place than the one at which history has the message.
    pub misplaced: usize,
    /// Acked after a backup was begun, and gone since it was put back.
    pub taken_back: usize,
    /// Times a receiver noticed a hole that it was not told of, and asked again.
    pub jumps: usize,
}

impl Findings {
    /// Whether the invariants hold: nothing lost, doubled, out of order, misplaced, made up, missing or left open.
    pub const fn are_good(&self) -> bool {
        let order = self.reordered + self.misplaced;
        self.lost + self.duplicated + order + self.ghosts + self.holes + self.unknown == 0
    }

    /// Adds those of another room.
    pub const fn add(&mut self, other: &Self) {
        self.acked += other.acked;
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.reordered += other.reordered;
        self.ghosts += other.ghosts;
        self.holes += other.holes;
        self.refused += other.refused;
        self.unknown += other.unknown;
        self.recovered += other.recovered;
        self.renumbered += other.renumbered;
        self.misplaced += other.misplaced;
        self.taken_back += other.taken_back;
        self.jumps += other.jumps;
    }
}

/// Compares the ledgers of a room.
pub fn check(room: &Room) -> Findings {
    let mut findings = Findings::default();
    let history = History::of(&room.history);
    check_history(room, &history, &mut findings);
    check_senders(room, &mut findings);
    for receiver in &room.receivers {
        check_receiver(receiver, &history, &mut findings);
    }
    findings
}

/// History, by place and by identity.
struct History<'a> {
    places: HashMap<Place, Option<&'a str>>,
    first: HashMap<&'a str, Place>,
}

impl<'a> History<'a> {
    fn of(all: &'a [Kept]) -> Self {
        let places = all.iter().map(|kept| (kept.event.place, kept.event.message_id.as_deref())).collect();
        let first = all.iter().filter_map(|kept| Some((kept.event.message_id.as_deref()?, kept.event.place)));
        Self { places, first: first.collect() }
    }

    /// Whether a receiver that began to listen after a message heard its repeat, and could not know it for one.
    fn is_repeat_of_older(&self, receiver: &Shown, event: &Event) -> bool {
        let first = event.message_id.as_deref().and_then(|id| self.first.get(id));
        first.is_some_and(|first| *first <= receiver.since && receiver.since < event.place)
    }
}

fn check_history(room: &Room, history: &History<'_>, findings: &mut Findings) {
    let (mut ids, mut names) = (HashSet::new(), HashSet::new());
    for kept in &room.history {
        let again_id = kept.event.message_id.as_ref().is_some_and(|id| !ids.insert(id));
        let again_name = kept.client_id.as_ref().is_some_and(|name| !names.insert(name));
        findings.duplicated += usize::from(again_id || again_name);
        let outcome = kept.client_id.as_ref().map(|name| room.sent.get(name));
        findings.ghosts += usize::from(matches!(outcome, Some(None | Some(Outcome::Refused | Outcome::Unanswered))));
    }
    let displaced = room.receivers.iter().flat_map(|receiver| &receiver.displaced);
    let of_kept = displaced.filter(|event| event.message_id.as_ref().is_some_and(|id| ids.contains(id)));
    let of_older = room
        .receivers
        .iter()
        .flat_map(|receiver| receiver.events.iter().filter(|event| history.is_repeat_of_older(receiver, event)));
    let renumbered: HashSet<u64> = of_kept.chain(of_older).map(|event| event.place.1).collect();
    for pair in room.history.windows(2) {
        let (before, after) = (pair[0].event.place, pair[1].event.place);
        if before.0 > after.0 || before.1 >= after.1 {
            findings.reordered += 1;
        } else {
            let missing = before.1 + 1..after.1;
            let (known, unknown): (Vec<u64>, Vec<u64>) = missing.partition(|number| renumbered.contains(number));
            findings.renumbered += known.len();
            findings.holes += unknown.len();
        }
    }
}

fn check_senders(room: &Room, findings: &mut Findings) {
    let kept: HashMap<&str, &Event> = room
        .history
        .iter()
        .filter_map(|kept| Some((kept.client_id.as_deref()?, &kept.event)))
        .collect();
    for (name, outcome) in &room.sent {
        match outcome {
            Outcome::Acked { place, message_id, resent, at_ms } => {
                findings.acked += 1;
                findings.recovered += usize::from(*resent);
                let there = kept.get(name.as_str());
                let same = there.filter(|event| event.message_id.as_ref() == Some(message_id));
                let may_be_gone = room.restored.is_some_and(|(from, to)| (from..=to).contains(at_ms));
                findings.lost += usize::from(same.is_none() && !may_be_gone);
                findings.taken_back += usize::from(same.is_none() && may_be_gone);
                findings.misplaced += usize::from(same.is_some_and(|event| event.place != *place));
            }
            Outcome::Refused => findings.refused += 1,
            Outcome::Unanswered => {}
            Outcome::Unknown => findings.unknown += 1,
        }
    }
}

fn check_receiver(receiver: &Shown, history: &History<'_>, findings: &mut Findings) {
    findings.jumps += receiver.jumps;
    findings.reordered += receiver.events.windows(2).filter(|pair| pair[0].place >= pair[1].place).count();
    let (mut ids, mut places) = (HashSet::new(), HashSet::new());
    for event in &receiver.events {
        let again = event.message_id.as_ref().is_some_and(|id| !ids.insert(id));
        findings.duplicated += usize::from(again);
        places.insert(event.place);
        match history.places.get(&event.place) {
            None => findings.ghosts += usize::from(!history.is_repeat_of_older(receiver, event)),
            Some(id) => findings.reordered += usize::from(*id != event.message_id.as_deref()),
        }
    }
    let due = history.places.keys().filter(|place| **place > receiver.since);
    findings.holes += due.filter(|place| !places.contains(*place)).count();
}

#[cfg(test)]
mod tests;
