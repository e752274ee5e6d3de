//! How many frames without meaning a client may send.

use std::time::Duration;

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::limits::BAD_FRAMES_PER_MINUTE_MAX;

const WINDOW: Duration = Duration::from_mins(1);

/// Counts bad frames, minute by minute.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    since: UnixMillis,
    spent: u32,
}

impl Budget {
    pub(super) const fn new(now: UnixMillis) -> Self {
        Self { since: now, spent: 0 }
    }

    /// Counts one; whether it was one too many.
    pub(super) fn spend(&mut self, now: UnixMillis) -> bool {
        if now.since(self.since) >= WINDOW {
            *self = Self::new(now);
        }
        self.spent = self.spent.saturating_add(1);
        self.spent > BAD_FRAMES_PER_MINUTE_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_minute_is_a_new_budget() {
        let start = UnixMillis(1_000_000);
        let mut budget = Budget::new(start);
        assert!((0..BAD_FRAMES_PER_MINUTE_MAX).all(|_| !budget.spend(start)));
        assert!(budget.spend(start));
        assert!(!budget.spend(start.plus(WINDOW)));
    }
}
