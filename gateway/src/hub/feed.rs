//! The timeline of one live room on this node: what was delivered last, the newest frames, and what waits behind a
//! sequence gap. Pure: events go in, steps for the room's members come out.
//!
//! Members see every number of an epoch once and in order, or get a [`Step::Gap`] or a [`Step::Reset`].
//!
//! A newer epoch is entered when it is known how it began: then everything that is stored of this one is delivered first, and
//! members learn by the reset what they may keep. Epochs in between are gone through one by one.

use std::collections::BTreeMap;

use rookery_bus::{Began, Head};
use rookery_protocol::id::{Epoch, Seq};
use rookery_protocol::limits::{RESUME_EVENTS_MAX, ROOM_EPOCHS_MAX};
use rookery_protocol::position::Position;

use crate::dialect::SharedFrame;
use crate::limits::{PARKED_EVENTS_MAX, REPLAY_BYTES_MAX, REPLAY_FRAMES_MAX};

mod delivery;
mod ring;

pub use delivery::{Delivery, Ends};
use ring::Ring;

/// What all members of the room are to get next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// An event.
    Event(Delivery),
    /// News that these numbers are lost to this node.
    Gap {
        /// Epoch of the numbers.
        epoch: Epoch,
        /// First missing number.
        from: Seq,
        /// Last missing number.
        to: Seq,
    },
    /// News that the numbers go on in another epoch.
    Reset {
        /// Behind this place.
        after: Position,
        /// What is stored of the epoch before; none if that is not known.
        survived: Option<Position>,
    },
}

/// What became of an offered event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfferOutcome {
    /// It is among the steps.
    Delivered,
    /// It came before, or belongs to an epoch that is over, or is lost.
    Known,
    /// It belongs to a newer epoch; how that began is asked first, and then it is read again.
    Newer,
    /// It waits behind a sequence gap.
    Parked,
    /// It belongs behind a sequence gap, but too much waits there; the repair reads it again.
    Dropped,
}

/// How a subscriber gets from its position to the newest event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// By these frames, the next it misses; none if it is there already.
    Replay {
        /// In order, without a sequence gap.
        frames: Vec<SharedFrame>,
        /// The number after them, in the position's epoch. If it is not the newest event, the subscriber asks again from
        /// there.
        upto: Seq,
    },
    /// Not by us: too much or too old.
    Gap {
        /// First missing number.
        from: Seq,
        /// Last missing number.
        to: Seq,
    },
    /// The position belongs to an epoch that is over, and what is left of that is not known.
    Reset,
    /// The same, but the bus may know.
    Epochs,
    /// The position's epoch is over, and everything that is stored of it was sent. It goes on in another one.
    Next {
        /// The last place of the position's epoch that is stored.
        survived: Position,
        /// Behind this place.
        after: Position,
    },
    /// The position is ahead of this node: look at the bus.
    Ahead,
    /// By events that only bus or store have: fetch what follows the position.
    Fetch(Position),
}

/// What bus and store gave when asked for the events after a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Position after which the events follow.
    pub after: Position,
    /// Events that follow it, in order.
    pub events: Vec<(Position, SharedFrame)>,
}

impl Fetched {
    fn frame(&self, at: Position) -> Option<&SharedFrame> {
        let index = usize::try_from(at.seq.get().checked_sub(self.after.seq.get())?.checked_sub(1)?).ok()?;
        self.events.get(index).filter(|(place, _)| *place == at).map(|(_, frame)| frame)
    }
}

/// The order of one room's events on this node.
#[derive(Debug)]
pub struct RoomFeed {
    epoch: Epoch,
    last: Seq,
    highest: Seq,
    stored: Seq,
    ring: Ring,
    /// The newest frames of the epoch before, as far as it is stored.
    before: Option<(Epoch, Ring)>,
    parked: BTreeMap<Seq, Delivery>,
    /// How epochs of the room began, the newest ones.
    epochs: Vec<Began>,
    /// Whether the bus was asked for those that are not known.
    asked: bool,
    /// The newest known position in a newer epoch.
    ahead: Option<Position>,
    /// Where the room stands in a newer epoch, once what lies before that was delivered.
    target: Option<Head>,
}

impl RoomFeed {
    /// Begins behind the newest event.
    pub fn new(head: Head) -> Self {
        Self {
            epoch: head.epoch,
            last: head.seq,
            highest: head.seq,
            stored: head.stored,
            ring: Ring::ending_at(head.seq),
            before: None,
            parked: BTreeMap::new(),
            epochs: head.began.into_iter().collect(),
            asked: false,
            ahead: None,
            target: None,
        }
    }

    /// The newest delivered event, and what is known to be stored, at least: acks of this node tell, and heads of the bus.
    pub const fn head(&self) -> Head {
        Head { epoch: self.epoch, seq: self.last, stored: self.stored, began: None }
    }

    /// Whether something is known to exist that did not arrive.
    pub const fn has_sequence_gap(&self) -> bool {
        self.missing() > 0 || self.wants_epoch()
    }

    /// Whether the bus is to be asked about a newer epoch: where the room stands, and how its epochs began.
    pub const fn wants_epoch(&self) -> bool {
        self.ahead.is_some() && self.target.is_none()
    }

    /// How many numbers lie between the newest delivered event and the newest one known of.
    pub const fn missing(&self) -> u64 {
        self.highest.get() - self.last.get()
    }

    /// An event arrived, from wherever.
    pub fn offer(&mut self, at: Position, delivery: Delivery) -> (OfferOutcome, Vec<Step>) {
        if at.epoch > self.epoch {
            self.ahead = self.ahead.max(Some(at));
            return (OfferOutcome::Newer, Vec::new());
        }
        let is_lost = self.end().is_some_and(|end| at.seq > end);
        if at.epoch < self.epoch || at.seq <= self.last || is_lost {
            return (OfferOutcome::Known, Vec::new());
        }
        self.highest = self.highest.max(at.seq);
        if at.seq != self.last.next() {
            return (self.park(at.seq, delivery), Vec::new());
        }
        let mut steps = vec![self.deliver(delivery)];
        self.release(&mut steps);
        self.turn(&mut steps);
        (OfferOutcome::Delivered, steps)
    }

    /// Takes over the head of the room, as the bus has it.
    pub fn compare(&mut self, head: Head) -> Vec<Step> {
        let mut steps = Vec::new();
        if head.epoch > self.epoch {
            self.record_epochs(head.began);
            if self.target.is_none_or(|target| target.epoch <= head.epoch) && self.can_turn() {
                self.target = Some(head);
                self.turn(&mut steps);
            } else {
                self.ahead = self.ahead.max(Some(Position { epoch: head.epoch, seq: head.seq }));
            }
        } else if head.epoch == self.epoch && self.target.is_none() {
            // A head that is behind was read before the newest events arrived.
            self.highest = self.highest.max(head.seq);
            self.stored = self.stored.max(head.stored);
        }
        steps
    }

    /// Everything up to this place is stored.
    pub fn note_stored(&mut self, upto: Position) {
        if upto.epoch == self.epoch {
            self.stored = self.stored.max(upto.seq);
        }
    }

    /// Takes over how epochs of the room began; the bus knows no more of them.
    pub fn learn(&mut self, epochs: Vec<Began>) {
        self.record_epochs(epochs);
        self.asked = true;
    }

    /// The bus cannot fill the sequence gap at the front: sends a `gap` and continues behind it.
    pub fn give_up(&mut self) -> Vec<Step> {
        if self.missing() == 0 || self.wants_epoch() {
            return Vec::new();
        }
        let from = self.last.next();
        let to = self.parked.keys().next().map_or(self.highest, |first| Seq::new(first.get() - 1));
        self.last = to;
        self.ring = Ring::ending_at(to);
        let mut steps = vec![Step::Gap { epoch: self.epoch, from, to }];
        self.release(&mut steps);
        self.turn(&mut steps);
        steps
    }

    /// How a subscriber at this position gets on towards the newest event, given what was fetched for it last.
    pub fn plan(&self, position: Option<Position>, fetched: Option<&Fetched>) -> Plan {
        let Some(at) = position else {
            return Plan::Replay { frames: Vec::new(), upto: self.last };
        };
        if at.epoch < self.epoch {
            return self.plan_of_older(at, fetched);
        }
        if at.epoch > self.epoch || at.seq > self.last {
            return Plan::Ahead;
        }
        self.plan_upto(at, self.last, fetched)
    }

    fn plan_of_older(&self, at: Position, fetched: Option<&Fetched>) -> Plan {
        // An epoch that none of ours tells of may be one of a store that has gone back: what came before it there is
        // not what came before it here.
        let next = Began::next_of(at.epoch, &self.epochs).filter(|_| self.is_ours(at.epoch));
        let Some((next, seq)) = next.and_then(|next| Some((next, next.kept_of(at.epoch)?))) else {
            return if self.asked { Plan::Reset } else { Plan::Epochs };
        };
        if at.seq < seq {
            return self.plan_upto(at, seq, fetched);
        }
        let (survived, after) = (Position { seq, ..at }, Position { epoch: next.epoch, seq: next.after });
        Plan::Next { survived, after }
    }

    /// How to get to the last number of the position's epoch.
    fn plan_upto(&self, at: Position, last: Seq, fetched: Option<&Fetched>) -> Plan {
        let gap = Plan::Gap { from: at.seq.next(), to: last };
        if last.get() - at.seq.get() > RESUME_EVENTS_MAX {
            return gap;
        }
        let (frames, upto) = self.piece_after(at, last, fetched);
        if upto > at.seq || at.seq == last {
            return Plan::Replay { frames, upto };
        }
        let asked = fetched.is_some_and(|fetched| fetched.after == at);
        if asked { gap } else { Plan::Fetch(at) }
    }

    /// The frames that follow a place as far as they are at hand, and not more than one piece of a replay.
    fn piece_after(&self, after: Position, last: Seq, fetched: Option<&Fetched>) -> (Vec<SharedFrame>, Seq) {
        let (mut frames, mut bytes, mut upto) = (Vec::new(), 0, after.seq);
        while upto < last && frames.len() < REPLAY_FRAMES_MAX {
            let at = Position { seq: upto.next(), ..after };
            let found = fetched.and_then(|fetched| fetched.frame(at)).or_else(|| self.in_ring(at));
            let Some(frame) = found else { break };
            bytes += frame.cost();
            if bytes > REPLAY_BYTES_MAX && !frames.is_empty() {
                break;
            }
            frames.push(frame.clone());
            upto = at.seq;
        }
        (frames, upto)
    }

    fn in_ring(&self, at: Position) -> Option<&SharedFrame> {
        let before = self.before.as_ref().filter(|(epoch, _)| *epoch == at.epoch).map(|(_, ring)| ring);
        let ring = if at.epoch == self.epoch { Some(&self.ring) } else { before };
        ring?.get(at.seq)
    }

    fn deliver(&mut self, delivery: Delivery) -> Step {
        self.last = self.last.next();
        self.ring.push(delivery.frame.clone());
        Step::Event(delivery)
    }

    fn release(&mut self, steps: &mut Vec<Step>) {
        while let Some(delivery) = self.parked.remove(&self.last.next()) {
            steps.push(self.deliver(delivery));
        }
        let last = self.last;
        self.parked.retain(|seq, _| *seq > last);
    }

    fn park(&mut self, seq: Seq, delivery: Delivery) -> OfferOutcome {
        self.parked.insert(seq, delivery);
        if self.parked.len() <= PARKED_EVENTS_MAX {
            return OfferOutcome::Parked;
        }
        // The lowest are needed first; `highest` remembers that there were more.
        self.parked.pop_last();
        OfferOutcome::Dropped
    }

    fn record_epochs(&mut self, epochs: impl IntoIterator<Item = Began>) {
        for began in epochs {
            if !self.epochs.iter().any(|known| known.epoch == began.epoch) {
                self.epochs.push(began);
            }
        }
        self.epochs.sort_unstable_by_key(|began| began.epoch);
        let surplus = self.epochs.len().saturating_sub(ROOM_EPOCHS_MAX);
        self.epochs.drain(..surplus);
    }

    fn is_ours(&self, epoch: Epoch) -> bool {
        let mut known = self.epochs.iter().flat_map(|began| [began.epoch, began.kept.epoch]);
        known.any(|ours| ours == epoch) || self.before.as_ref().is_some_and(|(before, _)| *before == epoch)
    }

    fn can_turn(&self) -> bool {
        self.asked || Began::next_of(self.epoch, &self.epochs).is_some()
    }

    /// The last number of this epoch that is stored, if the epoch is known to be over.
    fn end(&self) -> Option<Seq> {
        self.target.and_then(|_| Began::next_of(self.epoch, &self.epochs)?.kept_of(self.epoch))
    }

    /// Goes on to the target as far as what lies before it was delivered.
    fn turn(&mut self, steps: &mut Vec<Step>) {
        while let Some(target) = self.target {
            let next = Began::next_of(self.epoch, &self.epochs).filter(|next| next.epoch <= target.epoch);
            let Some((next, kept)) = next.and_then(|next| Some((next, next.kept_of(self.epoch)?))) else {
                if !self.can_turn() {
                    self.target = None;
                    self.ahead = self.ahead.max(Some(Position { epoch: target.epoch, seq: target.seq }));
                    return;
                }
                steps.push(self.enter(Position { epoch: target.epoch, seq: target.seq }, None));
                continue;
            };
            self.highest = kept.max(self.last);
            if kept > self.last {
                self.parked.retain(|seq, _| *seq <= kept);
                return;
            }
            let survived = Position { epoch: self.epoch, seq: kept };
            steps.push(self.enter(Position { epoch: next.epoch, seq: next.after }, Some(survived)));
        }
    }

    fn enter(&mut self, after: Position, survived: Option<Position>) -> Step {
        let ring = std::mem::replace(&mut self.ring, Ring::ending_at(after.seq));
        self.before = survived.map(|survived| (survived.epoch, ring.upto(survived.seq)));
        (self.epoch, self.last, self.highest, self.stored) = (after.epoch, after.seq, after.seq, Seq::ZERO);
        self.asked = false;
        self.parked.clear();
        if let Some(target) = self.target.take_if(|target| target.epoch == after.epoch) {
            self.highest = self.highest.max(target.seq);
            self.stored = target.stored;
        }
        if let Some(ahead) = self.ahead.take_if(|ahead| ahead.epoch <= after.epoch)
            && ahead.epoch == after.epoch
        {
            self.highest = self.highest.max(ahead.seq);
        }
        Step::Reset { after, survived }
    }
}

#[cfg(test)]
mod tests;
