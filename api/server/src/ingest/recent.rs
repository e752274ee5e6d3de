//! Events that this process has stored of late, and where.
//!
//! After a failover of Redis, every batch that was being written is read from the log once more, because nobody could mark
//! it as stored, and senders that had no ack send again what the old server had numbered. What is remembered here is neither
//! inserted nor queried: to a database a duplicate costs as much as a new document.

use std::collections::HashMap;

use parking_lot::Mutex;
use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::MessageId;
use rookery_protocol::position::{AlreadyStored, StoredPosition};

use crate::limits::INGEST_REMEMBERED_MAX;

/// Of more than [`INGEST_REMEMBERED_MAX`] the older half is forgotten, which costs a repeat.
#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<Generations>);

#[derive(Debug, Default)]
struct Generations {
    newer: HashMap<MessageId, StoredPosition>,
    older: HashMap<MessageId, StoredPosition>,
}

impl Recent {
    /// Parts events into those that are not known to be stored, and those that are, but at another place.
    pub(super) fn part(&self, events: &[SequencedEvent]) -> (Vec<SequencedEvent>, Vec<AlreadyStored>) {
        let generations = self.0.lock();
        let (mut new, mut held) = (Vec::new(), Vec::new());
        for event in events {
            let id = event.event.id;
            match generations.newer.get(&id).or_else(|| generations.older.get(&id)) {
                None => new.push(event.clone()),
                Some(first) if (first.epoch, first.seq) == (event.epoch, event.seq) => {}
                Some(first) => held.push(AlreadyStored { id, first: *first }),
            }
        }
        (new, held)
    }

    /// These are stored now, these of them at other places than their own.
    pub(super) fn record(&self, events: &[SequencedEvent], held: &[AlreadyStored]) {
        let mut generations = self.0.lock();
        let own = events.iter().map(|event| (event.event.id, StoredPosition::from(event)));
        for (id, first) in own.chain(held.iter().map(|held| (held.id, held.first))) {
            if generations.newer.len() >= INGEST_REMEMBERED_MAX / 2 {
                generations.older = std::mem::take(&mut generations.newer);
            }
            generations.newer.insert(id, first);
        }
    }
}

#[cfg(test)]
mod tests {
    use rookery_protocol::clock::UnixMillis;
    use rookery_protocol::event::{Event, EventBody, MembershipChange, Sender};
    use rookery_protocol::id::{Epoch, RoomId, Seq, UserId};

    use super::*;

    fn event(seq: u64) -> SequencedEvent {
        let sender = Sender { user_id: UserId::generate(), username: "ada".to_owned() };
        let joined = EventBody::Membership(MembershipChange::Joined {});
        let event = Event::new(MessageId::from_uuid(uuid::Uuid::new_v4()), sender, joined);
        let (room, epoch, seq) = (RoomId::generate(), Epoch(1), Seq::new(seq));
        SequencedEvent { room, epoch, seq, timestamp: UnixMillis(7), event }
    }

    #[test]
    fn what_was_noted_is_known_at_its_first_place() {
        let (recent, first, second, third) = (Recent::default(), event(1), event(2), event(3));
        let elsewhere = |event: &SequencedEvent| SequencedEvent { epoch: Epoch(2), ..event.clone() };
        let place = StoredPosition { epoch: Epoch(1), seq: Seq::new(1), timestamp: UnixMillis(7) };
        let far = StoredPosition { epoch: Epoch(0), seq: Seq::new(9), timestamp: UnixMillis(5) };
        recent.record(&[first.clone(), third.clone()], &[AlreadyStored { id: third.event.id, first: far }]);
        let again = [first.clone(), second.clone(), elsewhere(&first), third.clone()];
        let held =
            [AlreadyStored { id: first.event.id, first: place }, AlreadyStored { id: third.event.id, first: far }];
        assert_eq!(recent.part(&again), (vec![second], held.to_vec()));
    }

    #[test]
    fn no_more_are_remembered_than_may_be_and_the_last_are() {
        let recent = Recent::default();
        let all: Vec<_> = (1..=3 * INGEST_REMEMBERED_MAX as u64).map(event).collect();
        recent.record(&all, &[]);
        let (forgotten, _) = recent.part(&all);
        assert!(all.len() - forgotten.len() <= INGEST_REMEMBERED_MAX);
        assert_eq!(recent.part(&all[all.len() - INGEST_REMEMBERED_MAX / 2..]), (Vec::new(), Vec::new()));
    }
}
