//! About where histories end: the largest number of a room that this process has stored or read.
//!
//! Numbers of a room only grow, and another process may have stored more, so this is where to begin to look.

use std::collections::HashMap;

use parking_lot::Mutex;
use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::RoomId;
use rookery_store::integer;

use crate::limits::STORE_TOPS_MAX;

/// Newest stored number of each room. Cleared when it is full.
#[derive(Debug, Default)]
pub(super) struct LatestSeqCache(Mutex<HashMap<RoomId, i64>>);

impl LatestSeqCache {
    /// The largest number that was noted.
    pub(super) fn of(&self, room: RoomId) -> Option<i64> {
        self.0.lock().get(&room).copied()
    }

    /// This number is stored.
    pub(super) fn record(&self, room: RoomId, seq: i64) {
        let mut latest_seqs = self.0.lock();
        if latest_seqs.len() >= STORE_TOPS_MAX && !latest_seqs.contains_key(&room) {
            latest_seqs.clear();
        }
        let top = latest_seqs.entry(room).or_insert(seq);
        *top = seq.max(*top);
    }

    /// These are stored.
    pub(super) fn record_all(&self, events: &[SequencedEvent]) {
        for event in events {
            self.record(event.room, integer::bound(event.seq.get()));
        }
    }
}
