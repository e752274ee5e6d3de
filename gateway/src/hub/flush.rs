//! Writing to all connections with pending frames.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::task::yield_now;
use tokio::time::Instant;
use tracing::Span;

use crate::hub::Hub;
use crate::limits::FLUSHES_PER_TASK;
use crate::metrics::Metrics;
use crate::send_queue::SendQueue;

impl Hub {
    /// Writes to each connection what its kernel takes. Many connections are shared out among the processors, one task
    /// for each, which lets others have a turn now and then: a room of thousands does not keep small ones waiting.
    ///
    /// `spans` are those of traced events, and end when everything is written.
    pub(crate) fn flush(&self, mut unflushed: Vec<Arc<SendQueue>>, started: Instant, spans: &[Span]) {
        if unflushed.len() <= FLUSHES_PER_TASK {
            return write(&unflushed, started, &self.metrics);
        }
        let share = unflushed.len().div_ceil(Handle::current().metrics().num_workers().max(1));
        while !unflushed.is_empty() {
            let part = unflushed.split_off(unflushed.len().saturating_sub(share));
            let (metrics, spans) = (Arc::clone(&self.metrics), spans.to_vec());
            self.spawn("flush", async move {
                for chunk in part.chunks(FLUSHES_PER_TASK) {
                    write(chunk, started, &metrics);
                    yield_now().await;
                }
                drop(spans);
            });
        }
    }
}

/// Counted once for all: a delivery itself has no time for that.
fn write(unflushed: &[Arc<SendQueue>], started: Instant, metrics: &Metrics) {
    if unflushed.is_empty() {
        return;
    }
    let frames: usize = unflushed.iter().map(|send_queue| send_queue.flush_for()).sum();
    metrics.writes.inc_by(u64::try_from(unflushed.len()).unwrap_or(u64::MAX));
    metrics.frames_written.inc_by(u64::try_from(frames).unwrap_or(u64::MAX));
    metrics.write_seconds.observe(started.elapsed().as_secs_f64());
}
