//! What the bus can lose.

use rookery_bus::Began;
use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::{Epoch, RoomId, Seq};
use rookery_protocol::position::Position;

use super::FakeBus;

impl FakeBus {
    /// The events of a room are forgotten, as by a tail that is over its length.
    pub(crate) fn trim(&self, room: RoomId) {
        self.state.lock().rooms.remove(&room);
    }

    /// Of the room's events only the newest are left, as by a tail that is over its length.
    pub(crate) fn keep_newest(&self, room: RoomId, count: usize) -> Vec<SequencedEvent> {
        let mut state = self.state.lock();
        let events = state.rooms.entry(room).or_default();
        let forgotten = events.len().saturating_sub(count);
        events.drain(..forgotten).collect()
    }

    /// What the room said behind a number is lost; numbers go on in a new epoch, behind all that were given.
    pub(crate) fn fail_over(&self, room: RoomId, kept: u64) {
        let mut state = self.state.lock();
        let after = Seq::new(state.heads.get(&room).copied().unwrap_or_default());
        let kept = Position { epoch: Epoch(state.epoch), seq: Seq::new(kept) };
        state.epoch += 1;
        let epoch = Epoch(state.epoch);
        state.began.push(Began { epoch, after, kept });
        state
            .rooms
            .entry(room)
            .or_default()
            .retain(|event| (event.epoch, event.seq) <= (kept.epoch, kept.seq));
    }

    /// All data is gone; numbers go on in a new epoch.
    pub(crate) fn lose_everything(&self) {
        let mut state = self.state.lock();
        state.epoch += 1;
        state.rooms.clear();
        state.first.clear();
    }
}
