//! The read marks of one connection, sent to the api at most once in [`READ_WRITE_INTERVAL`] and room: the
//! first at once, of those that follow only the last one, and what is left when the connection ends. Pure.

use std::collections::HashMap;

use rookery_protocol::id::RoomRef;
use rookery_protocol::unread::ReadTo;
use tokio::time::Instant;

use crate::limits::{READ_WRITE_INTERVAL, READS_COALESCED_MAX};

/// The field of errors about marks, so that nobody takes one for the end of a subscription.
pub const READ_FIELD: &str = "seq";

/// A mark to tell the api of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The room, as the client named it.
    pub room: RoomRef,
    /// Where the client has read to.
    pub to: ReadTo,
}

/// Read marks of one connection that are to be written.
#[derive(Debug, Default)]
pub struct Reads {
    rooms: HashMap<RoomRef, Held>,
}

#[derive(Debug)]
struct Held {
    written: Instant,
    next: Option<ReadTo>,
}

impl Reads {
    /// Takes a mark; returns the one to send at once.
    pub fn offer(&mut self, reading: Reading, now: Instant) -> Option<Reading> {
        let Reading { room, to } = reading;
        if let Some(held) = self.rooms.get_mut(&room) {
            if held.next.is_some() || now < held.written + READ_WRITE_INTERVAL {
                return held.keep(to).map(|to| Reading { room, to });
            }
            held.written = now;
            return Some(Reading { room, to });
        }
        if self.rooms.len() >= READS_COALESCED_MAX {
            self.evict_idle(now);
        }
        if self.rooms.len() < READS_COALESCED_MAX {
            self.rooms.insert(room.clone(), Held { written: now, next: None });
        }
        Some(Reading { room, to })
    }

    /// The marks whose time has come.
    pub fn due(&mut self, now: Instant) -> Vec<Reading> {
        let mut due = Vec::new();
        for (room, held) in &mut self.rooms {
            if now >= held.written + READ_WRITE_INTERVAL
                && let Some(to) = held.next.take()
            {
                held.written = now;
                due.push(Reading { room: room.clone(), to });
            }
        }
        self.evict_idle(now);
        due
    }

    /// When to ask again; none if nothing waits.
    pub fn next_due(&self) -> Option<Instant> {
        let waiting = self.rooms.values().filter(|held| held.next.is_some());
        waiting.map(|held| held.written + READ_WRITE_INTERVAL).min()
    }

    /// Everything that waits: the connection ends.
    pub fn rest(self) -> Vec<Reading> {
        let waiting = self.rooms.into_iter();
        waiting.filter_map(|(room, held)| held.next.map(|to| Reading { room, to })).collect()
    }

    fn evict_idle(&mut self, now: Instant) {
        self.rooms
            .retain(|_, held| held.next.is_some() || now < held.written + READ_WRITE_INTERVAL);
    }
}

impl Held {
    /// The later place is kept. Where it cannot be told which that is, the one that had to go is given back.
    fn keep(&mut self, to: ReadTo) -> Option<ReadTo> {
        match self.next {
            Some(before) if before.epoch == to.epoch => {
                self.next = Some(ReadTo { seq: before.seq.max(to.seq), ..to });
                None
            }
            before => {
                self.next = Some(to);
                before
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rookery_protocol::id::{Epoch, RoomId, Seq};

    use super::*;

    fn to(seq: u64) -> ReadTo {
        ReadTo { epoch: None, seq: Seq::new(seq) }
    }

    fn seqs(readings: Vec<Reading>) -> Vec<u64> {
        readings.into_iter().map(|reading| reading.to.seq.get()).collect()
    }

    #[test]
    fn the_first_is_told_at_once_and_of_the_others_the_last() {
        let (mut reads, start, room) = (Reads::default(), Instant::now(), RoomRef::Id(RoomId::generate()));
        let offer = |reads: &mut Reads, seq, ms| {
            let reading = Reading { room: room.clone(), to: to(seq) };
            reads
                .offer(reading, start + Duration::from_millis(ms))
                .map(|reading| reading.to.seq.get())
        };
        assert_eq!(offer(&mut reads, 1, 0), Some(1));
        assert_eq!(reads.next_due(), None);
        assert_eq!([offer(&mut reads, 2, 10), offer(&mut reads, 4, 20), offer(&mut reads, 3, 30)], [None; 3]);
        let due = start + READ_WRITE_INTERVAL;
        assert_eq!(reads.next_due(), Some(due));
        assert_eq!(reads.due(start + Duration::from_millis(999)), []);
        assert_eq!(seqs(reads.due(due)), [4]);
        assert_eq!(offer(&mut reads, 5, 1_500), None, "that write counts, too");
        assert_eq!(seqs(reads.rest()), [5]);
    }

    #[test]
    fn rooms_have_turns_of_their_own_and_are_forgotten() {
        let (mut reads, start) = (Reads::default(), Instant::now());
        for _ in 0..2 * READS_COALESCED_MAX {
            let reading = Reading { room: RoomRef::Id(RoomId::generate()), to: to(1) };
            assert!(reads.offer(reading, start).is_some());
        }
        assert_eq!(reads.rooms.len(), READS_COALESCED_MAX);
        assert_eq!(reads.due(start + READ_WRITE_INTERVAL), []);
        assert!(reads.rooms.is_empty());
    }

    #[test]
    fn places_that_cannot_be_compared_are_both_told() {
        let (mut reads, start, room) = (Reads::default(), Instant::now(), RoomRef::Id(RoomId::generate()));
        let named = ReadTo { epoch: Some(Epoch(1)), seq: Seq::new(2) };
        let mut offer = |to| reads.offer(Reading { room: room.clone(), to }, start).map(|reading| reading.to);
        assert_eq!([offer(to(1)), offer(to(9)), offer(named)], [Some(to(1)), None, Some(to(9))]);
        assert_eq!(reads.rest(), [Reading { room, to: named }]);
    }
}
