//! What one node knows of one bucket. Pure.

use std::time::Duration;

use crate::clock::UnixMillis;
use crate::quota::{Grant, Rate};

/// See the module's text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Entry {
    /// Tokens that were leased and not spent.
    tokens: u32,
    /// When they end: by then they would have come back in the shared bucket.
    expires: UnixMillis,
    /// Until when the bucket is known to be empty.
    empty_until: UnixMillis,
    /// What the bucket had left when it was asked last.
    remaining: u32,
    /// When everything is paid, as far as is known.
    reset: UnixMillis,
    /// When everything is paid in the bucket of this node alone, while the shared one does not answer.
    alone: Option<UnixMillis>,
}

impl Entry {
    /// The answer, if none is needed from the shared bucket.
    pub(super) fn known(&mut self, now: UnixMillis) -> Option<Grant> {
        if self.tokens > 0 && now < self.expires {
            self.tokens -= 1;
            return Some(self.grant(1, 0, now));
        }
        self.tokens = 0;
        (now < self.empty_until).then(|| self.grant(0, millis(self.empty_until.since(now)), now))
    }

    /// The shared bucket has answered: one token is for whoever waits, the rest for later.
    pub(super) fn settle(&mut self, rate: Rate, grant: Grant, now: UnixMillis) -> Grant {
        self.alone = None;
        self.remaining = grant.remaining;
        self.reset = now.plus(Duration::from_millis(grant.reset_ms));
        if grant.granted == 0 {
            self.empty_until = now.plus(Duration::from_millis(grant.retry_ms));
            return self.grant(0, grant.retry_ms, now);
        }
        // Somebody else who asked at the same time may have left some.
        let lease = Duration::from_millis(rate.interval_ms.saturating_mul(u64::from(grant.granted)));
        self.tokens = if now < self.expires { self.tokens } else { 0 } + grant.granted - 1;
        self.expires = now.plus(lease);
        self.grant(1, 0, now)
    }

    /// The shared bucket does not answer: this node's part of it, beginning with its part of what was left.
    pub(super) fn alone(&mut self, rate: Rate, nodes: u32, now: UnixMillis) -> Grant {
        let share = rate.share(nodes);
        let begun = self.alone.unwrap_or_else(|| {
            let owed = millis(self.reset.since(now)).min(rate.full_ms());
            // The part of a bucket fills as slowly as it is small, so the same debt takes it as long.
            now.plus(Duration::from_millis(owed.min(share.full_ms())))
        });
        let (grant, paid) = share.lease(begun, 1, now);
        self.alone = Some(paid);
        grant
    }

    /// When there is nothing left to remember.
    pub(super) fn ends(&self) -> UnixMillis {
        let expires = if self.tokens > 0 { self.expires } else { UnixMillis::default() };
        self.empty_until.max(expires).max(self.reset).max(self.alone.unwrap_or_default())
    }

    fn grant(&self, granted: u32, retry_ms: u64, now: UnixMillis) -> Grant {
        let remaining = if granted == 0 { 0 } else { self.remaining.saturating_add(self.tokens) };
        Grant { granted, remaining, retry_ms, reset_ms: millis(self.reset.since(now)) }
    }
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { burst: 100, interval_ms: 50 };

    fn at(ms: i64) -> UnixMillis {
        UnixMillis(ms)
    }

    #[test]
    fn a_lease_is_spent_before_its_end() {
        let mut entry = Entry::default();
        assert_eq!(entry.known(at(0)), None, "nothing is known");
        let grant = Grant { granted: 10, remaining: 90, retry_ms: 0, reset_ms: 500 };
        let first = entry.settle(RATE, grant, at(0));
        assert_eq!((first.granted, first.remaining), (1, 99));
        for left in (0..9).rev() {
            let next = entry.known(at(499)).unwrap();
            assert_eq!((next.granted, next.remaining, next.reset_ms), (1, 90 + left, 1));
        }
        assert_eq!(entry.known(at(499)), None);
        entry.settle(RATE, grant, at(1_000));
        assert_eq!(entry.known(at(1_500)), None, "what was not spent is back in the shared bucket");
    }

    #[test]
    fn an_empty_bucket_is_not_asked_again_before_its_time() {
        let mut entry = Entry::default();
        let refused = entry.settle(RATE, Grant { granted: 0, remaining: 0, retry_ms: 30, reset_ms: 5_000 }, at(0));
        assert_eq!((refused.granted, refused.retry_ms), (0, 30));
        assert_eq!(entry.known(at(29)).map(|grant| grant.retry_ms), Some(1));
        assert_eq!(entry.known(at(30)), None);
    }

    #[test]
    fn alone_it_has_its_part_of_what_was_left() {
        let count =
            |entry: &mut Entry, until: i64| (0..=until).filter(|ms| entry.alone(RATE, 4, at(*ms)).granted > 0).count();
        assert_eq!(count(&mut Entry::default(), 1_000), 25 + 5, "a quarter at once, then a quarter of the rate");
        let mut empty = Entry::default();
        empty.settle(RATE, Grant { granted: 0, remaining: 0, retry_ms: 50, reset_ms: 5_000 }, at(0));
        assert_eq!(count(&mut empty, 1_000), 5, "what was spent is not given again");
        empty.settle(RATE, Grant { granted: 1, remaining: 99, retry_ms: 0, reset_ms: 50 }, at(2_000));
        assert_eq!(empty.alone, None, "with others again");
    }

    #[test]
    fn what_is_of_no_use_ends() {
        let mut entry = Entry::default();
        assert_eq!(entry.ends(), at(0));
        entry.settle(RATE, Grant { granted: 10, remaining: 90, retry_ms: 0, reset_ms: 700 }, at(0));
        assert_eq!(entry.ends(), at(700));
    }
}
