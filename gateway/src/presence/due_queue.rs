//! When to look at what. A look that is not needed does nothing, so nothing is ever taken off before its time.

use std::collections::BTreeSet;

use tokio::time::Instant;

/// What is due, by time.
#[derive(Debug)]
pub(super) struct DueQueue<T>(BTreeSet<(Instant, T)>);

impl<T> Default for DueQueue<T> {
    fn default() -> Self {
        Self(BTreeSet::new())
    }
}

impl<T: Ord + Copy> DueQueue<T> {
    pub(super) fn add(&mut self, at: Instant, what: T) {
        self.0.insert((at, what));
    }

    /// When the next look is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.0.first().map(|(at, _)| *at)
    }

    /// What is due, each once.
    pub(super) fn take(&mut self, now: Instant) -> BTreeSet<T> {
        let mut due = BTreeSet::new();
        while let Some((at, what)) = self.0.pop_first() {
            if at > now {
                self.0.insert((at, what));
                break;
            }
            due.insert(what);
        }
        due
    }
}
