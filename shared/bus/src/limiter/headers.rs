//! A verdict as HTTP headers: those of draft-ietf-httpapi-ratelimit-headers-06, and `Retry-After`.

use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::Verdict;

/// How many may be done at once after a rest.
pub const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
/// How many of these are left.
pub const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
/// Seconds until all are there again; where something was refused, until there is one.
pub const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");
/// The limit with the seconds in which it comes back.
pub const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

impl Verdict {
    /// Writes its fields. Without a limit there are none.
    pub fn write(&self, headers: &mut HeaderMap) {
        if self.rate.is_off() {
            return;
        }
        let burst = self.rate.burst;
        let reset_ms = if self.allowed { self.reset_ms } else { self.retry_ms };
        headers.insert(LIMIT, HeaderValue::from(burst));
        headers.insert(REMAINING, HeaderValue::from(self.remaining));
        headers.insert(RESET, HeaderValue::from(seconds(reset_ms)));
        if let Ok(policy) = HeaderValue::from_str(&format!("{burst};w={}", seconds(self.rate.full_ms()))) {
            headers.insert(POLICY, policy);
        }
        if !self.allowed {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds(self.retry_ms)));
        }
    }
}

/// Rounded up, so that nobody comes back too early.
const fn seconds(ms: u64) -> u64 {
    ms.div_ceil(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quota::Limit;
    use rookery_runtime::rate::Rate;

    fn told(verdict: Verdict) -> Vec<String> {
        let mut headers = HeaderMap::new();
        verdict.write(&mut headers);
        let names = [LIMIT, REMAINING, RESET, POLICY, RETRY_AFTER];
        let text = |name| headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        names.into_iter().map(text).collect()
    }

    #[test]
    fn a_verdict_is_told_in_whole_seconds() {
        let rate = Rate { burst: 100, interval_ms: 50 };
        let fine = Verdict {
            limit: Limit::UserCommands,
            rate,
            allowed: true,
            remaining: 42,
            retry_ms: 0,
            reset_ms: 2_900,
        };
        assert_eq!(told(fine), ["100", "42", "3", "100;w=5", ""]);
        let refused = Verdict { allowed: false, remaining: 0, retry_ms: 50, ..fine };
        assert_eq!(told(refused), ["100", "0", "1", "100;w=5", "1"]);
        assert_eq!(told(Verdict { rate: Rate::OFF, ..fine }), ["", "", "", "", ""]);
    }
}
