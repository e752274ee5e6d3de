//! Bus, store and api, as nodes see them.

use std::sync::Arc;

use rookery_bus::Head;
use rookery_bus::signal::Signal;
use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::{Epoch, LogPosition, Seq};
use rookery_protocol::partition::partition_of;
use rookery_protocol::position::Position;

use super::{Mutation, NODES, REPLACED, SERVER, World};
use crate::hub::simulation::client::Reading;

impl World {
    /// The rules of `Hub::events_after`.
    pub(super) fn events_after(&self, at: Position) -> Vec<SequencedEvent> {
        let tail = self.bus.range(at.seq);
        let begins = tail.first().is_some_and(|first| (first.epoch, first.seq) == (at.epoch, at.seq.next()));
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
            self.begun = (self.servers, Epoch(self.epochs));
            let kept = self.kept();
            self.bus.open(self.servers, Epoch(self.epochs), kept);
        }
        self.bus.head()
    }

    /// The last event of the room that is stored.
    fn kept(&self) -> Position {
        let mut kept = self.store.last();
        if self.mutation == Mutation::KeepTheLost {
            kept.seq = Seq::new(kept.seq.get() + 2);
        } else if self.mutation == Mutation::LoseTheKept {
            kept.seq = Seq::new(kept.seq.get().saturating_sub(2));
        }
        kept
    }

    /// Whether the store, if it is slow, has its turn.
    pub(super) fn is_store_ready(&mut self) -> bool {
        !self.slow || !self.breaks || self.rng.chance(10)
    }

    /// One step of a client's reading of history. What it asked for before a reset it does not take in.
    pub(super) fn read_history(&mut self, n: usize) {
        if !self.clients[n].needs_history() || !self.api_up || !self.is_store_ready() {
            return;
        }
        let reading = match self.clients[n].reading.take() {
            None => Some((Reading::Tail(self.unstored()), false)),
            Some((Reading::Tail(tail), is_old)) => Some((self.page(tail), is_old)),
            Some((Reading::Page(..), true)) if self.mutation != Mutation::TakeOldPages => None,
            Some((Reading::Page(upto, page), _)) => {
                self.clients[n].merge(upto, &page);
                None
            }
        };
        self.clients[n].reading = reading;
    }

    fn unstored(&self) -> Option<(Head, Vec<SequencedEvent>)> {
        self.bus.head().map(|head| {
            let events = self.bus.range(head.stored).into_iter().filter(|event| event.epoch == head.epoch);
            (head, events.collect())
        })
    }

    /// The rules of `api/src/service/history.rs`: no page hides a sequence gap, nor shows what a replaced server has numbered.
    fn page(&self, tail: Option<(Head, Vec<SequencedEvent>)>) -> Reading {
        let mut events: Vec<SequencedEvent> = self.store.events.values().cloned().collect();
        let Some((head, unstored)) = tail.filter(|(head, _)| head.epoch >= self.begun.1) else {
            return Reading::Page(None, events);
        };
        let is_whole = head.seq.get() - head.stored.get() == u64::try_from(unstored.len()).unwrap();
        let upto = is_whole.then_some((head.epoch, head.seq));
        let is_new = |event: &SequencedEvent| !self.store.has(event.event.id);
        events.extend(unstored.into_iter().filter(|event| is_whole && is_new(event)));
        Reading::Page(upto, events)
    }

    /// Reads some of the log, or stores what was read and marks it.
    pub(super) fn ingest(&mut self) {
        if !self.api_up {
            return;
        }
        let from = if self.replaced.is_some() && self.rng.chance(40) { REPLACED } else { SERVER };
        if self.batches[from].is_empty() {
            let count = self.rng.below(4) + 1;
            let log = if from == SERVER { Some(&self.bus) } else { self.replaced.as_ref() };
            self.batches[from] = log.into_iter().flat_map(|bus| bus.log.iter().take(count)).cloned().collect();
            return;
        }
        for (position, event) in std::mem::take(&mut self.batches[from]) {
            if self.breaks && self.rng.chance(10) {
                // Killed before it is stored.
                return;
            }
            if !self.store_and_mark(from, position, &event) {
                return;
            }
        }
    }

    /// False if it was killed before the mark: somebody applies it again.
    fn store_and_mark(&mut self, from: usize, position: LogPosition, event: &SequencedEvent) -> bool {
        let begun = self.begun;
        let Some(bus) = (if from == SERVER { Some(&mut self.bus) } else { self.replaced.as_mut() }) else {
            return true;
        };
        let is_over = position.epoch < begun.1 && bus.server != begun.0;
        if is_over && self.mutation != Mutation::StoreForTheReplaced {
            bus.discard(position);
            return true;
        }
        let first = self.store.apply(event);
        if self.breaks && self.rng.chance(10) {
            return false;
        }
        if let Some(mark) = bus.mark_stored(position, first) {
            self.publish(&Signal::Stored { partition: partition_of(self.room), mark: Arc::new(mark) });
        }
        true
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
