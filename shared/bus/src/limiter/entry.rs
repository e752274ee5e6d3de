//! What one node knows of one bucket. Pure.

use std::time::Duration;

use rookery_protocol::clock::UnixMillis;
use rookery_runtime::rate::{Grant, Rate, Want};

/// What a node knows of one bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Entry {
    /// Tokens that were leased and not spent.
    tokens: u32,
    /// When they end: by then they would have come back in the shared bucket.
    expires: UnixMillis,
    /// Until when the bucket is known to hold fewer than `missed` tokens.
    empty_until: UnixMillis,
    /// How many were asked for when it had too few.
    missed: u32,
    /// What the bucket had left when it was asked last.
    remaining: u32,
    /// When everything is paid, as far as is known.
    reset: UnixMillis,
    /// When everything is paid in the bucket of this node alone, while the shared one does not answer.
    alone: Option<UnixMillis>,
}

impl Entry {
    /// The answer for what costs so many tokens, or how many are needed from the shared bucket.
    pub(super) fn known(&mut self, tokens: u32, now: UnixMillis) -> Result<Grant, u32> {
        if now >= self.expires {
            self.tokens = 0;
        }
        if self.tokens >= tokens {
            self.tokens -= tokens;
            return Ok(self.grant(tokens, 0, now));
        }
        let missing = tokens - self.tokens;
        if now < self.empty_until && missing >= self.missed {
            return Ok(self.grant(0, millis(self.empty_until.since(now)), now));
        }
        Err(missing)
    }

    /// The shared bucket has answered: so many tokens are for whoever waits, the rest for later.
    pub(super) fn apply_grant(&mut self, rate: Rate, tokens: u32, grant: Grant, now: UnixMillis) -> Grant {
        self.alone = None;
        self.remaining = grant.remaining;
        self.reset = now.plus(Duration::from_millis(grant.reset_ms));
        if grant.granted == 0 {
            self.empty_until = now.plus(Duration::from_millis(grant.retry_ms));
            self.missed = tokens.saturating_sub(self.tokens);
            return self.grant(0, grant.retry_ms, now);
        }
        let lease = Duration::from_millis(rate.interval_ms.saturating_mul(u64::from(grant.granted)));
        let there = if now < self.expires { self.tokens } else { 0 } + grant.granted;
        self.expires = now.plus(lease);
        // Somebody else who asked at the same time may have spent what was counted on.
        self.tokens = there.checked_sub(tokens).unwrap_or(there);
        if there < tokens {
            return self.grant(0, rate.interval_ms.saturating_mul(u64::from(tokens - there)), now);
        }
        self.grant(tokens, 0, now)
    }

    /// Tokens that were taken and not needed: they wait here for whoever comes next, no longer than they take to come back in
    /// the shared bucket.
    pub(super) fn give_back(&mut self, rate: Rate, tokens: u32, now: UnixMillis) {
        if now >= self.expires {
            self.tokens = 0;
        }
        self.tokens = self.tokens.saturating_add(tokens).min(rate.burst);
        let lease = Duration::from_millis(rate.interval_ms.saturating_mul(u64::from(tokens)));
        self.expires = self.expires.max(now.plus(lease));
    }

    /// The shared bucket does not answer: this node's share of it, beginning with its share of what was left.
    pub(super) fn alone(&mut self, share: Rate, tokens: u32, now: UnixMillis) -> Grant {
        let begun = self.alone.unwrap_or_else(|| {
            let owed = millis(self.reset.since(now));
            // The part of a bucket fills as slowly as it is small, so the same debt takes it as long.
            now.plus(Duration::from_millis(owed.min(share.full_ms())))
        });
        let (grant, paid) = share.lease(begun, Want::exactly(tokens), now);
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
        assert_eq!(entry.known(1, at(0)), Err(1), "nothing is known");
        let grant = Grant { granted: 10, remaining: 90, retry_ms: 0, reset_ms: 500 };
        let first = entry.apply_grant(RATE, 1, grant, at(0));
        assert_eq!((first.granted, first.remaining), (1, 99));
        for left in (0..9).rev() {
            let next = entry.known(1, at(499)).unwrap();
            assert_eq!((next.granted, next.remaining, next.reset_ms), (1, 90 + left, 1));
        }
        assert_eq!(entry.known(1, at(499)), Err(1));
        entry.apply_grant(RATE, 1, grant, at(1_000));
        assert_eq!(entry.known(1, at(1_500)), Err(1), "what was not spent is back in the shared bucket");
    }

    #[test]
    fn what_costs_more_than_was_leased_asks_the_shared_bucket() {
        let mut entry = Entry::default();
        entry.apply_grant(RATE, 4, Grant { granted: 10, remaining: 90, retry_ms: 0, reset_ms: 500 }, at(0));
        assert_eq!(entry.known(7, at(1)), Err(1), "six are left");
        assert_eq!(entry.known(4, at(1)).map(|grant| grant.remaining), Ok(92));
        let refusal = Grant { granted: 0, remaining: 8, retry_ms: 700, reset_ms: 5_000 };
        entry.apply_grant(RATE, 32, refusal, at(2));
        assert_eq!(entry.known(32, at(3)).map(|grant| (grant.granted, grant.retry_ms)), Ok((0, 699)));
        assert_eq!(entry.known(8, at(3)), Err(6), "what costs less may still be there");
        let late = Grant { granted: 6, remaining: 0, retry_ms: 0, reset_ms: 5_000 };
        assert_eq!(entry.known(2, at(3)).map(|grant| grant.granted), Ok(2), "somebody else");
        let refused = entry.apply_grant(RATE, 8, late, at(4));
        assert_eq!((refused.granted, refused.retry_ms), (0, 100), "it counted on two that are gone");
        assert_eq!(entry.known(6, at(5)).map(|grant| grant.granted), Ok(6), "and what it got is not lost");
    }

    #[test]
    fn what_is_given_back_is_there_for_as_long_as_it_would_take_to_come_back() {
        let mut entry = Entry::default();
        let empty = Grant { granted: 0, remaining: 0, retry_ms: 5_000, reset_ms: 5_000 };
        entry.apply_grant(RATE, 1, empty, at(0));
        entry.give_back(RATE, 1, at(100));
        assert_eq!(entry.known(1, at(149)).map(|grant| grant.granted), Ok(1));
        assert_eq!(entry.known(1, at(149)).map(|grant| grant.granted), Ok(0), "once");
        entry.give_back(RATE, 1, at(200));
        assert_eq!(entry.known(1, at(250)).map(|grant| grant.granted), Ok(0), "in the shared bucket by then");
    }

    #[test]
    fn an_empty_bucket_is_not_asked_again_before_its_time() {
        let mut entry = Entry::default();
        let refused =
            entry.apply_grant(RATE, 1, Grant { granted: 0, remaining: 0, retry_ms: 30, reset_ms: 5_000 }, at(0));
        assert_eq!((refused.granted, refused.retry_ms), (0, 30));
        assert_eq!(entry.known(1, at(29)).map(|grant| grant.retry_ms), Ok(1));
        assert_eq!(entry.known(1, at(30)), Err(1));
    }

    #[test]
    fn alone_it_has_its_part_of_what_was_left() {
        let count = |entry: &mut Entry, until: i64| {
            (0..=until).filter(|ms| entry.alone(RATE.share(4), 1, at(*ms)).granted > 0).count()
        };
        assert_eq!(count(&mut Entry::default(), 1_000), 25 + 5, "a quarter at once, then a quarter of the rate");
        let mut empty = Entry::default();
        empty.apply_grant(RATE, 1, Grant { granted: 0, remaining: 0, retry_ms: 50, reset_ms: 5_000 }, at(0));
        assert_eq!(count(&mut empty, 1_000), 5, "what was spent is not given again");
        empty.apply_grant(RATE, 1, Grant { granted: 1, remaining: 99, retry_ms: 0, reset_ms: 50 }, at(2_000));
        assert_eq!(empty.alone, None, "with others again");
    }

    #[test]
    fn what_is_of_no_use_ends() {
        let mut entry = Entry::default();
        assert_eq!(entry.ends(), at(0));
        entry.apply_grant(RATE, 1, Grant { granted: 10, remaining: 90, retry_ms: 0, reset_ms: 700 }, at(0));
        assert_eq!(entry.ends(), at(700));
    }
}
