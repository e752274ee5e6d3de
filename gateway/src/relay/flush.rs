//! Writing to all connections that are owed something.

use std::sync::Arc;

use rookery_shared::limits::FLUSHES_PER_TASK;

use crate::hub::Hub;
use crate::outbox::Outbox;

impl Hub {
    /// Writes to each connection what its kernel takes. Many connections are shared out among the processors.
    pub(crate) fn flush(&self, mut owed: Vec<Arc<Outbox>>) {
        while owed.len() > FLUSHES_PER_TASK {
            let share = owed.split_off(owed.len() - FLUSHES_PER_TASK);
            self.spawn("flush", async move { flush_all(&share) });
        }
        flush_all(&owed);
    }
}

fn flush_all(owed: &[Arc<Outbox>]) {
    for outbox in owed {
        outbox.flush_for();
    }
}
