//! Writes of this process that have begun and not ended.
//!
//! An epoch is noted in the store before it begins. Whoever writes looks at the notes after it was counted here, so when
//! all writes that were counted before the note have ended, nothing of an older epoch comes into the store any more. A write
//! whose outcome is unknown may still be carried out: it counts until the database has certainly let go of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::limits::INGEST_WRITE_LINGER;

/// Writes that were begun and whose outcome is not known yet.
#[derive(Debug, Default)]
pub struct InFlightWrites {
    writes: Mutex<Writes>,
    ended: Notify,
}

#[derive(Debug, Default)]
struct Writes {
    next: u64,
    running: BTreeSet<u64>,
}

/// A write; it ends when this is dropped.
#[derive(Debug)]
pub struct Write {
    underway: Arc<InFlightWrites>,
    number: u64,
}

impl Write {
    /// Nobody waits for it any more, and nobody knows what became of it.
    pub fn linger(self) {
        tokio::spawn(async move {
            sleep(INGEST_WRITE_LINGER).await;
            drop(self);
        });
    }
}

impl Drop for Write {
    fn drop(&mut self) {
        self.underway.writes.lock().running.remove(&self.number);
        self.underway.ended.notify_waiters();
    }
}

impl InFlightWrites {
    /// A write begins.
    pub fn enter(self: &Arc<Self>) -> Write {
        let mut writes = self.writes.lock();
        let number = writes.next;
        writes.next += 1;
        writes.running.insert(number);
        Write { underway: Arc::clone(self), number }
    }

    /// Waits for the writes that have begun, not for those that begin meanwhile.
    pub async fn ended(&self) {
        let later = self.writes.lock().next;
        loop {
            let ended = self.ended.notified();
            if self.writes.lock().running.first().is_none_or(|oldest| *oldest >= later) {
                return;
            }
            ended.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;
    use std::pin::pin;

    #[test]
    fn waits_for_what_has_begun_and_for_nothing_else() {
        let underway = Arc::new(InFlightWrites::default());
        assert!(underway.ended().now_or_never().is_some());
        let (first, second) = (underway.enter(), underway.enter());
        let mut ended = pin!(underway.ended());
        assert!(ended.as_mut().now_or_never().is_none());
        let _later = underway.enter();
        drop(second);
        assert!(ended.as_mut().now_or_never().is_none());
        drop(first);
        assert!(ended.as_mut().now_or_never().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_of_which_nobody_knows_counts_until_the_database_has_let_go_of_it() {
        let underway = Arc::new(InFlightWrites::default());
        let begin = tokio::time::Instant::now();
        underway.enter().linger();
        underway.ended().await;
        assert_eq!(begin.elapsed(), INGEST_WRITE_LINGER);
    }
}
