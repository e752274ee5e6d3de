//! A journal in memory, for the in-process bus.

use async_trait::async_trait;
use parking_lot::Mutex;
use rookery_bus::error::BusError;
use rookery_bus::memory::Journal;
use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::{Epoch, RoomId, Seq};
use rookery_protocol::position::{AlreadyStored, StoredPosition};

#[derive(Default)]
pub(crate) struct VecJournal(Mutex<Vec<SequencedEvent>>);

#[async_trait]
impl Journal for VecJournal {
    async fn apply(&self, events: &[SequencedEvent]) -> Result<Vec<AlreadyStored>, BusError> {
        let mut known = self.0.lock();
        let mut held = Vec::new();
        for event in events {
            if let Some(first) = known.iter().find(|first| first.event.id == event.event.id) {
                let SequencedEvent { epoch, seq, timestamp, .. } = *first;
                held.push(AlreadyStored { id: event.event.id, first: StoredPosition { epoch, seq, timestamp } });
            } else {
                known.push(event.clone());
            }
        }
        Ok(held)
    }

    async fn range(
        &self,
        room: RoomId,
        epoch: Epoch,
        after: Seq,
        limit: usize,
    ) -> Result<Vec<SequencedEvent>, BusError> {
        let events = self.0.lock();
        let wanted = events
            .iter()
            .filter(|event| (event.room, event.epoch) == (room, epoch) && event.seq > after);
        Ok(wanted.take(limit).cloned().collect())
    }
}
