//! A journal in memory, for the in-process bus.

use async_trait::async_trait;
use parking_lot::Mutex;
use rookery_shared::bus::BusError;
use rookery_shared::bus::memory::Journal;
use rookery_shared::event::SequencedEvent;
use rookery_shared::id::{Epoch, RoomId, Seq};

#[derive(Default)]
pub(crate) struct VecJournal(Mutex<Vec<SequencedEvent>>);

#[async_trait]
impl Journal for VecJournal {
    async fn apply(&self, events: &[SequencedEvent]) -> Result<(), BusError> {
        self.0.lock().extend_from_slice(events);
        Ok(())
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
