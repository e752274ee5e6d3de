//! What the clients of one room say, and how fast.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::faults::ledger::Place;
use crate::faults::socket::may_return;

/// What the clients of one room and their owner tell each other.
pub struct Talk {
    /// How fast.
    pub(super) pace: Pace,
    /// A room that no client is a member of.
    pub(super) foreign_room: String,
    pub(super) common: Arc<Common>,
    pub(super) target: Mutex<Option<Place>>,
}

impl Talk {
    /// Milliseconds of the load.
    pub fn now_ms(&self) -> u64 {
        self.common.now_ms()
    }

    /// Counts a reading of history.
    pub fn reads_history(&self) {
        self.common.history_reads.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts an ack.
    pub fn acked(&self) {
        self.common.acked.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether what was composed at this time came after the fault.
    pub fn is_after_fault(&self, composed_ms: u64) -> bool {
        composed_ms >= self.common.fault_over_ms.load(Ordering::Relaxed)
    }

    /// Counts a client that was heard again after the fault.
    pub fn recovered(&self) {
        self.common.recovered.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a client that has nothing open.
    pub fn drained(&self) {
        self.common.drained.fetch_add(1, Ordering::Relaxed);
    }

    /// Nothing new is to be said.
    pub fn is_quiet(&self) -> bool {
        self.common.quiet.load(Ordering::Relaxed)
    }

    /// Time is up.
    pub fn is_over(&self) -> bool {
        self.common.is_over()
    }

    /// Where every timeline has to arrive.
    pub fn target(&self) -> Option<Place> {
        *self.target.lock()
    }

    /// Notes what no fault explains.
    pub fn surprise(&self, what: String) {
        self.common.surprise(what);
    }

    /// Notes a close that should not have happened.
    pub fn note_close(&self, code: Option<u16>) {
        if !may_return(code) {
            self.surprise(format!("closed with {code:?}"));
        }
    }
}

/// How fast everybody talks.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Rooms.
    pub rooms: usize,
    /// New messages a second of one client.
    pub per_second: f64,
    /// Messages of one client that may wait for an ack.
    pub window: usize,
}

/// What the clients of all rooms share.
pub(super) struct Common {
    pub(super) start: Instant,
    pub(super) acked: AtomicUsize,
    pub(super) history_reads: AtomicUsize,
    pub(super) drained: AtomicUsize,
    pub(super) recovered: AtomicUsize,
    pub(super) fault_over_ms: AtomicU64,
    pub(super) talk_ms: AtomicU64,
    pub(super) quiet: AtomicBool,
    pub(super) over: AtomicBool,
    pub(super) surprises: Mutex<Vec<String>>,
}

impl Common {
    /// Time is up.
    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Notes what no fault explains.
    pub(super) fn surprise(&self, what: String) {
        let mut surprises = self.surprises.lock();
        if surprises.len() < SURPRISES_MAX {
            surprises.push(what);
        }
    }

    pub(super) fn now_ms(&self) -> u64 {
        self.ms_at(Instant::now())
    }

    pub(super) fn ms_at(&self, moment: Instant) -> u64 {
        u64::try_from(moment.saturating_duration_since(self.start).as_millis()).unwrap_or(u64::MAX)
    }
}

const SURPRISES_MAX: usize = 10;
