//! About where histories end: the largest number of a room that this process has stored or read.
//!
//! Numbers of a room only grow, and another process may have stored more, so this is where to begin to look.

use std::collections::HashMap;

use parking_lot::Mutex;
use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::RoomId;
use rookery_store::integer;

use crate::limits::STORE_TOPS_MAX;

/// See the module. Forgets everything when it is full.
#[derive(Debug, Default)]
pub(super) struct LatestSeqCache(Mutex<HashMap<RoomId, i64>>);

impl LatestSeqCache {
    /// The largest number that was noted.
    pub(super) fn of(&self, room: RoomId) -> Option<i64> {
        self.0.lock().get(&room).copied()
    }

    /// This number is stored.
    pub(super) fn note(&self, room: RoomId, seq: i64) {
        let mut tops = self.0.lock();
        if tops.len() >= STORE_TOPS_MAX && !tops.contains_key(&room) {
            tops.clear();
        }
        let top = tops.entry(room).or_insert(seq);
        *top = seq.max(*top);
    }

    /// These are stored.
    pub(super) fn note_all(&self, events: &[SequencedEvent]) {
        for event in events {
            self.note(event.room, integer::bound(event.seq.get()));
        }
    }
}
