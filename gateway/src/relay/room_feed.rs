//! The timeline of one live room on this node: what was delivered last, the newest frames, and what waits behind a
//! hole. Pure: events go in, steps for the room's members come out.
//!
//! Members see every number of an epoch once and in order, or are told of a [`Step::Gap`] or a [`Step::Reset`].

use std::collections::{BTreeMap, VecDeque};

use rookery_shared::bus::Head;
use rookery_shared::id::{Epoch, Seq, UserId};
use rookery_shared::limits::{
    PARKED_EVENTS_MAX, REPLAY_BYTES_MAX, REPLAY_FRAMES_MAX, RESUME_EVENTS_MAX, RING_BYTES_MAX, RING_FRAMES_MAX,
};

use crate::frame::Frame;
use crate::position::Position;

/// An event as members get it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its frame.
    pub frame: Frame,
    /// The user who is no longer a member by it, if it is that kind of event.
    pub left: Option<UserId>,
}

/// What all members of the room are to get next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// An event.
    Event(Delivery),
    /// News that these numbers are lost to this node.
    Gap {
        /// First missing number.
        from: Seq,
        /// Last missing number.
        to: Seq,
    },
    /// News that the numbers begin anew.
    Reset {
        /// The epoch that holds from now on.
        epoch: Epoch,
        /// Number of the newest event in it.
        head: Seq,
    },
}

/// What became of an offered event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is among the steps.
    Delivered,
    /// It came before, or belongs to an epoch that is over.
    Known,
    /// It waits behind a hole.
    Parked,
    /// It belongs behind a hole, but too much waits there; the repair reads it again.
    Dropped,
}

/// How a subscriber gets from its position to the newest event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// By these frames, the next it misses; none if it is there already.
    Replay {
        /// In order, without a hole.
        frames: Vec<Frame>,
        /// The position after them. If it is not the newest event, the subscriber asks again from there.
        upto: Seq,
    },
    /// Not by us: too much or too old.
    Gap {
        /// First missing number.
        from: Seq,
        /// Last missing number.
        to: Seq,
    },
    /// The position belongs to an epoch that is over.
    Reset,
    /// The position is ahead of this node: look at the bus.
    Ahead,
    /// By events that only bus or store have: fetch what follows this number.
    Fetch(Seq),
}

/// What bus and store gave when asked for the events after a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The number.
    pub after: Seq,
    /// Events that follow it, in order.
    pub events: Vec<(Position, Frame)>,
}

impl Fetched {
    fn frame(&self, at: Position) -> Option<&Frame> {
        let index = usize::try_from(at.seq.get().checked_sub(self.after.get())?.checked_sub(1)?).ok()?;
        self.events.get(index).filter(|(place, _)| *place == at).map(|(_, frame)| frame)
    }
}

/// See the module's text.
#[derive(Debug)]
pub struct RoomFeed {
    epoch: Epoch,
    last: Seq,
    highest: Seq,
    stored: Seq,
    ring: VecDeque<Frame>,
    ring_bytes: usize,
    parked: BTreeMap<Seq, Delivery>,
}

impl RoomFeed {
    /// Begins behind the newest event.
    pub const fn new(head: Head) -> Self {
        Self {
            epoch: head.epoch,
            last: head.seq,
            highest: head.seq,
            stored: head.stored,
            ring: VecDeque::new(),
            ring_bytes: 0,
            parked: BTreeMap::new(),
        }
    }

    /// The newest delivered event, and what is known to be stored.
    pub const fn head(&self) -> Head {
        Head { epoch: self.epoch, seq: self.last, stored: self.stored }
    }

    /// Whether events are known to exist that did not arrive.
    pub const fn has_hole(&self) -> bool {
        self.missing() > 0
    }

    /// How many numbers lie between the newest delivered event and the newest one known of.
    pub const fn missing(&self) -> u64 {
        self.highest.get() - self.last.get()
    }

    /// An event arrived, from wherever.
    pub fn offer(&mut self, at: Position, delivery: Delivery) -> (Fate, Vec<Step>) {
        if at.epoch < self.epoch || (at.epoch == self.epoch && at.seq <= self.last) {
            return (Fate::Known, Vec::new());
        }
        let mut steps = Vec::new();
        if at.epoch > self.epoch {
            // Whatever the new epoch holds before this event is in history, which a reset makes clients read.
            steps.push(self.reset(at.epoch, Seq::new(at.seq.get().saturating_sub(1))));
        }
        self.highest = self.highest.max(at.seq);
        if at.seq != self.last.next() {
            return (self.park(at.seq, delivery), steps);
        }
        steps.push(self.deliver(delivery));
        self.release(&mut steps);
        (Fate::Delivered, steps)
    }

    /// The bus told where the room stands.
    pub fn compare(&mut self, head: Head) -> Vec<Step> {
        if head.epoch > self.epoch {
            let reset = self.reset(head.epoch, head.seq);
            self.stored = head.stored;
            return vec![reset];
        }
        // A head that is behind was read before the newest events arrived.
        if head.epoch == self.epoch {
            self.highest = self.highest.max(head.seq);
            self.stored = self.stored.max(head.stored);
        }
        Vec::new()
    }

    /// The bus cannot fill the hole at the front: tells of it and goes on behind it.
    pub fn give_up(&mut self) -> Vec<Step> {
        if !self.has_hole() {
            return Vec::new();
        }
        let from = self.last.next();
        let to = self.parked.keys().next().map_or(self.highest, |first| Seq::new(first.get() - 1));
        self.last = to;
        self.clear_ring();
        let mut steps = vec![Step::Gap { from, to }];
        self.release(&mut steps);
        steps
    }

    /// How a subscriber at this position gets on towards the newest event, given what was fetched for it last.
    pub fn plan(&self, position: Option<Position>, fetched: Option<&Fetched>) -> Plan {
        let Some(Position { epoch, seq }) = position else {
            return Plan::Replay { frames: Vec::new(), upto: self.last };
        };
        if epoch < self.epoch {
            return Plan::Reset;
        }
        if epoch > self.epoch || seq > self.last {
            return Plan::Ahead;
        }
        let gap = Plan::Gap { from: seq.next(), to: self.last };
        if self.last.get() - seq.get() > RESUME_EVENTS_MAX {
            return gap;
        }
        let (frames, upto) = self.piece_after(seq, fetched);
        if upto > seq || seq == self.last {
            return Plan::Replay { frames, upto };
        }
        let asked = fetched.is_some_and(|fetched| fetched.after == seq);
        if asked { gap } else { Plan::Fetch(seq) }
    }

    /// The frames that follow `seq` as far as they are at hand, and not more than one piece of a replay.
    fn piece_after(&self, seq: Seq, fetched: Option<&Fetched>) -> (Vec<Frame>, Seq) {
        let (mut frames, mut bytes, mut upto) = (Vec::new(), 0, seq);
        while upto < self.last && frames.len() < REPLAY_FRAMES_MAX {
            let at = Position { epoch: self.epoch, seq: upto.next() };
            let found = fetched.and_then(|fetched| fetched.frame(at)).or_else(|| self.in_ring(at.seq));
            let Some(frame) = found else { break };
            bytes += frame.len();
            if bytes > REPLAY_BYTES_MAX && !frames.is_empty() {
                break;
            }
            frames.push(frame.clone());
            upto = at.seq;
        }
        (frames, upto)
    }

    fn in_ring(&self, seq: Seq) -> Option<&Frame> {
        let from_end = usize::try_from(self.last.get().checked_sub(seq.get())?).ok()?;
        self.ring.get(self.ring.len().checked_sub(from_end + 1)?)
    }

    fn deliver(&mut self, delivery: Delivery) -> Step {
        self.last = self.last.next();
        self.ring_bytes += delivery.frame.len();
        self.ring.push_back(delivery.frame.clone());
        while self.ring.len() > RING_FRAMES_MAX || self.ring_bytes > RING_BYTES_MAX {
            let Some(oldest) = self.ring.pop_front() else { break };
            self.ring_bytes -= oldest.len();
        }
        Step::Event(delivery)
    }

    fn release(&mut self, steps: &mut Vec<Step>) {
        while let Some(delivery) = self.parked.remove(&self.last.next()) {
            steps.push(self.deliver(delivery));
        }
        let last = self.last;
        self.parked.retain(|seq, _| *seq > last);
    }

    fn park(&mut self, seq: Seq, delivery: Delivery) -> Fate {
        self.parked.insert(seq, delivery);
        if self.parked.len() <= PARKED_EVENTS_MAX {
            return Fate::Parked;
        }
        // The lowest are needed first; `highest` remembers that there were more.
        self.parked.pop_last();
        Fate::Dropped
    }

    fn reset(&mut self, epoch: Epoch, head: Seq) -> Step {
        self.epoch = epoch;
        self.last = head;
        self.highest = head;
        self.stored = Seq::ZERO;
        self.parked.clear();
        self.clear_ring();
        Step::Reset { epoch, head }
    }

    fn clear_ring(&mut self) {
        self.ring = VecDeque::new();
        self.ring_bytes = 0;
    }
}

#[cfg(test)]
mod tests;
