//! Bus, store and api, as nodes see them.

use rookery_shared::bus::{Head, Signal};
use rookery_shared::event::SequencedEvent;
use rookery_shared::id::Epoch;
use rookery_shared::keys::partition_of;

use super::{NODES, World};
use crate::position::Position;

impl World {
    /// The rules of `Hub::events_after`.
    pub(super) fn events_after(&self, at: Position) -> Vec<SequencedEvent> {
        let tail = self.bus.range(at.seq);
        let begins = tail.first().is_some_and(|first| first.epoch != at.epoch || first.seq == at.seq.next());
        if begins || !self.api_up {
            return tail;
        }
        let stored = self.store.run_after(at.epoch, at.seq);
        if stored.is_empty() { tail } else { stored }
    }

    /// The room's head; the api opens the room if the bus has lost it, once all that survived there is stored.
    pub(super) fn head(&mut self) -> Option<Head> {
        if self.bus.epoch.is_none() && self.api_up && self.bus.log.is_empty() {
            self.epochs += 1;
            self.bus.open(Epoch(self.epochs), self.store.last_seq());
        }
        self.bus.head()
    }

    /// Applies some of the log, then marks it.
    pub(super) fn ingest(&mut self) {
        if !self.api_up {
            return;
        }
        let batch = self.rng.below(4) + 1;
        for _ in 0..batch.min(self.bus.log.len()) {
            let Some((position, event)) = self.bus.log.front().cloned() else { break };
            self.store.apply(&event);
            if self.breaks && self.rng.chance(10) {
                // Killed before the mark: somebody applies it again.
                return;
            }
            self.bus.log.pop_front();
            self.bus.stored = self.bus.stored.max(event.seq);
            self.bus.mark = Some(position);
            self.publish(&Signal::Stored { partition: partition_of(self.room), upto: position });
        }
    }

    pub(super) fn publish(&mut self, signal: &Signal) {
        for node in 0..NODES {
            let is_lost = self.breaks && self.rng.chance(5);
            if self.nodes[node].room.is_some() && !is_lost {
                self.nodes[node].signals.push(signal.clone());
            }
        }
    }
}
