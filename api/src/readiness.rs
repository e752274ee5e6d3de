//! Whether requests are welcome.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use rookery_bus::Bus;
use rookery_store::Backend;

/// What a process knows of whether it can serve.
pub struct Readiness {
    bus: Arc<dyn Bus>,
    backend: Arc<dyn Backend>,
    prepared: AtomicBool,
    /// Why it is never to be again.
    halted: Mutex<Option<String>>,
    /// Why it is not, as far as that was found out.
    unprepared: Mutex<Option<String>>,
    draining: AtomicBool,
}

impl Readiness {
    /// Of a process that is not prepared yet.
    pub fn new(bus: Arc<dyn Bus>, backend: Arc<dyn Backend>) -> Self {
        Self {
            bus,
            backend,
            prepared: AtomicBool::new(false),
            halted: Mutex::default(),
            unprepared: Mutex::default(),
            draining: AtomicBool::new(false),
        }
    }

    /// Why new requests are not welcome; nothing if they are: bus and store answer, the store takes changes and is
    /// prepared, the process is not stopping.
    pub async fn unready(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        if self.draining.load(Ordering::Acquire) {
            reasons.push("draining".to_owned());
        }
        if let Some(why) = self.halted.lock().clone() {
            reasons.push(why);
            return reasons;
        }
        if !self.is_prepared() {
            let cause = self.unprepared.lock().clone();
            reasons.push(cause.unwrap_or_else(|| "store and bus are not prepared yet".to_owned()));
            return reasons;
        }
        let (bus, store) = tokio::join!(self.bus.ping(), self.backend.ping());
        reasons.extend(bus.err().map(|error| error.to_string()));
        reasons.extend(store.err().map(|error| error.to_string()));
        reasons
    }

    /// This process is to serve nothing more.
    pub fn halt(&self, why: String) {
        self.prepared.store(false, Ordering::Release);
        *self.halted.lock() = Some(why);
    }

    /// Notes why the store could not be prepared, for whoever asks whether the process is ready.
    pub fn set_unprepared(&self, cause: String) {
        *self.unprepared.lock() = Some(cause);
    }

    /// Whether the store has been prepared since the process started.
    pub fn is_prepared(&self) -> bool {
        self.prepared.load(Ordering::Acquire)
    }

    /// Requests are served from now on.
    pub(crate) fn set_prepared(&self) {
        self.prepared.store(true, Ordering::Release);
    }

    /// The process is stopping.
    pub(crate) fn set_draining(&self) {
        self.draining.store(true, Ordering::Release);
    }
}
