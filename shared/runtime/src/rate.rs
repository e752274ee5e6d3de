//! Rates and their buckets of tokens (GCRA). Pure.

use std::str::FromStr;

use rookery_protocol::clock::UnixMillis;

use crate::config::SettingValue;
use crate::limits::{QUOTA_BURST_MAX, QUOTA_INTERVAL_MS_MAX};

/// So many at once, then one per interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// At once after a rest.
    pub burst: u32,
    /// Milliseconds that one costs; 0 for no limit.
    pub interval_ms: u64,
}

/// How many tokens somebody asks for: with fewer than `least` none is taken, and beyond it no more than `most`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Want {
    /// What it takes, at least 1.
    pub least: u32,
    /// What can be used.
    pub most: u32,
}

impl Want {
    /// Neither more nor less.
    pub const fn exactly(tokens: u32) -> Self {
        Self { least: tokens, most: tokens }
    }

    /// Whatever there is.
    pub const fn up_to(tokens: u32) -> Self {
        Self { least: 1, most: tokens }
    }
}

/// An answer to [`Rate::lease`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Tokens that were taken out for whoever asked.
    pub granted: u32,
    /// Tokens that are left.
    pub remaining: u32,
    /// Milliseconds until there are enough tokens; 0 if some were granted.
    pub retry_ms: u64,
    /// Milliseconds until the bucket is full.
    pub reset_ms: u64,
}

impl Rate {
    /// No limit.
    pub const OFF: Self = Self { burst: 1, interval_ms: 0 };

    /// Whether there is no limit.
    pub const fn is_off(self) -> bool {
        self.interval_ms == 0
    }

    /// From empty to full.
    pub fn full_ms(self) -> u64 {
        self.interval_ms.saturating_mul(u64::from(self.burst))
    }

    /// The part of one of so many nodes that cannot ask each other.
    #[must_use]
    pub fn share(self, nodes: u32) -> Self {
        let nodes = nodes.max(1);
        Self {
            burst: (self.burst / nodes).max(1),
            interval_ms: self.interval_ms.saturating_mul(u64::from(nodes)),
        }
    }

    /// Takes tokens out of a bucket for which everything is paid at `paid`: the answer, and when everything will be paid
    /// then. `bus/redis/quota_take.lua` says the same in Lua.
    pub fn lease(self, paid: UnixMillis, want: Want, now: UnixMillis) -> (Grant, UnixMillis) {
        let (interval, full) = (self.interval_ms.max(1), self.full_ms().max(1));
        // A clock that was set back must not make anybody wait longer than an empty bucket does.
        let owed = u64::try_from(paid.0.saturating_sub(now.0)).unwrap_or(0).min(full);
        let free = (full - owed) / interval;
        let least = u64::from(want.least.clamp(1, self.burst.max(1)));
        let granted = if free < least { 0 } else { (free / 2).min(u64::from(want.most)).max(least) };
        let retry_ms = if granted == 0 { owed + least * interval - full } else { 0 };
        let owed = owed + granted * interval;
        let small = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        let grant = Grant { granted: small(granted), remaining: small(free - granted), retry_ms, reset_ms: owed };
        (grant, UnixMillis(now.0.saturating_add(i64::try_from(owed).unwrap_or(i64::MAX))))
    }
}

impl SettingValue for Rate {}

impl FromStr for Rate {
    type Err = BadRate;

    fn from_str(text: &str) -> Result<Self, BadRate> {
        if text == "0" {
            return Ok(Self::OFF);
        }
        let (burst, interval) = text.split_once('/').ok_or(BadRate)?;
        let rate = Self { burst: number(burst)?, interval_ms: number(interval)? };
        let fits =
            (1..=QUOTA_BURST_MAX).contains(&rate.burst) && (1..=QUOTA_INTERVAL_MS_MAX).contains(&rate.interval_ms);
        if fits { Ok(rate) } else { Err(BadRate) }
    }
}

/// Why a text is no rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be 0 or BURST/INTERVAL_MS, as in 100/50, with at most {QUOTA_BURST_MAX}/{QUOTA_INTERVAL_MS_MAX}")]
pub struct BadRate;

fn number<T: FromStr>(text: &str) -> Result<T, BadRate> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits).ok_or(BadRate)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { burst: 100, interval_ms: 50 };
    const NOW: UnixMillis = UnixMillis(1_000_000);

    /// Takes until nothing is left; how many leases and tokens that were.
    fn drain(rate: Rate, want: Want) -> (u32, u32) {
        let (mut paid, mut leases, mut tokens) = (UnixMillis(0), 0, 0);
        loop {
            let (grant, next) = rate.lease(paid, want, NOW);
            if grant.granted == 0 {
                assert_eq!((grant.retry_ms, next), (rate.interval_ms, paid));
                return (leases, tokens);
            }
            (paid, leases, tokens) = (next, leases + 1, tokens + grant.granted);
        }
    }

    #[test]
    fn a_bucket_holds_its_burst_however_it_is_taken() {
        assert_eq!(drain(RATE, Want::exactly(1)), (100, 100));
        let (leases, tokens) = drain(RATE, Want::up_to(10));
        assert_eq!(tokens, 100);
        assert!((10..=20).contains(&leases), "{leases}: large leases first, single tokens at the end");
    }

    #[test]
    fn a_token_comes_back_per_interval() {
        let (_, paid) = RATE.lease(NOW.plus(std::time::Duration::from_secs(5)), Want::up_to(10), NOW);
        let (early, _) = RATE.lease(paid, Want::exactly(1), UnixMillis(NOW.0 + 49));
        assert_eq!((early.granted, early.retry_ms), (0, 1));
        let (late, _) = RATE.lease(paid, Want::exactly(1), UnixMillis(NOW.0 + 50));
        assert_eq!(late.granted, 1);
    }

    #[test]
    fn who_needs_many_tokens_gets_them_all_or_none() {
        let (first, paid) = RATE.lease(UnixMillis(0), Want::exactly(30), NOW);
        assert_eq!((first.granted, first.remaining), (30, 70));
        let (second, paid) = RATE.lease(paid, Want { least: 60, most: 10 }, NOW);
        assert_eq!((second.granted, second.remaining), (60, 10));
        let (third, after) = RATE.lease(paid, Want::exactly(11), NOW);
        assert_eq!((third.granted, third.retry_ms, after), (0, 50, paid), "one token is missing");
        let (fourth, _) = RATE.lease(paid, Want::exactly(11), UnixMillis(NOW.0 + 50));
        assert_eq!(fourth.granted, 11);
        let (most, _) = RATE.lease(UnixMillis(0), Want::exactly(1_000), NOW);
        assert_eq!((most.granted, most.remaining), (100, 0), "a bucket gives no more than it can hold");
    }

    #[test]
    fn a_clock_that_was_set_back_costs_no_more_than_an_empty_bucket() {
        let (grant, _) = RATE.lease(UnixMillis(NOW.0 * 1_000), Want::exactly(1), NOW);
        assert_eq!((grant.granted, grant.retry_ms, grant.reset_ms), (0, 50, 5_000));
    }

    #[test]
    fn shares_add_up_to_no_more_than_the_whole() {
        for nodes in 1..=100 {
            let share = RATE.share(nodes);
            assert!(share.burst * nodes <= RATE.burst && share.interval_ms == RATE.interval_ms * u64::from(nodes));
        }
        assert_eq!(RATE.share(0), RATE);
    }

    #[test]
    fn rates_are_read_strictly() {
        assert_eq!("100/50".parse(), Ok(RATE));
        assert_eq!("0".parse(), Ok(Rate::OFF));
        for bad in ["", "100", "0/50", "100/0", "-1/5", "+1/5", "1/2/3", "1/ 5", "9999999/5", "1/99999999999"] {
            assert_eq!(bad.parse::<Rate>(), Err(BadRate), "{bad}");
        }
    }
}
