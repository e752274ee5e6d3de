//! Writes of this process that have begun and not ended.
//!
//! An epoch is noted in the store before it begins. Whoever writes looks at the notes after it was counted here, so when
//! all writes that were counted before the note have ended, nothing of an older epoch comes into the store any more.

use std::collections::BTreeSet;

use parking_lot::Mutex;
use tokio::sync::Notify;

/// See the module.
#[derive(Debug, Default)]
pub struct Underway {
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
pub(super) struct Write<'a> {
    underway: &'a Underway,
    number: u64,
}

impl Drop for Write<'_> {
    fn drop(&mut self) {
        self.underway.writes.lock().running.remove(&self.number);
        self.underway.ended.notify_waiters();
    }
}

impl Underway {
    /// A write begins.
    pub(super) fn enter(&self) -> Write<'_> {
        let mut writes = self.writes.lock();
        let number = writes.next;
        writes.next += 1;
        writes.running.insert(number);
        Write { underway: self, number }
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
        let underway = Underway::default();
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
}
