//! The in-process bus keeps its events in the api's store.

use std::sync::Arc;

use async_trait::async_trait;
use rookery_bus::error::BusError;
use rookery_bus::memory::Journal;
use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::{Epoch, RoomId, Seq};
use rookery_protocol::position::{AlreadyStored, Position};
use rookery_store::message::Window;
use rookery_store::{Messages, PageQuestion};

/// Stores what the bus of a single process sequences.
pub struct StoreJournal(pub Arc<dyn Messages>);

#[async_trait]
impl Journal for StoreJournal {
    async fn apply(&self, events: &[SequencedEvent]) -> Result<Vec<AlreadyStored>, BusError> {
        self.0.apply(events).await.map_err(|error| BusError::Unavailable(error.to_string()))
    }

    async fn range(
        &self,
        room: RoomId,
        epoch: Epoch,
        after: Seq,
        limit: usize,
    ) -> Result<Vec<SequencedEvent>, BusError> {
        let window = Window::After(Position { epoch, seq: after });
        let page = self.0.page(room, PageQuestion::all(window, limit)).await;
        page.map_err(|error| BusError::Unavailable(error.to_string()))
    }
}
