//! Warnings about something that is tried again and again: each reason is logged, none of them all the time.

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::limits::{WARNING_INTERVAL, WARNING_REASONS_MAX};

/// The reasons logged lately, for one kind of warning.
#[derive(Debug, Default)]
pub struct LogThrottle(Mutex<Vec<(String, Instant)>>);

impl LogThrottle {
    /// Whether a warning with this reason is to be logged now: if it was not within [`WARNING_INTERVAL`], and not too many
    /// others were.
    pub fn allows(&self, reason: &str) -> bool {
        let (mut recent, now) = (self.0.lock(), Instant::now());
        recent.retain(|(_, at)| now.duration_since(*at) < WARNING_INTERVAL);
        let allowed = recent.len() < WARNING_REASONS_MAX && recent.iter().all(|(known, _)| known != reason);
        if allowed {
            recent.push((reason.to_owned(), now));
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_reason_is_logged_again_after_a_while_only() {
        let throttle = LogThrottle::default();
        assert!(throttle.allows("one") && !throttle.allows("one") && throttle.allows("another"));
        tokio::time::advance(WARNING_INTERVAL).await;
        assert!(throttle.allows("one") && !throttle.allows("one"));
    }

    #[tokio::test(start_paused = true)]
    async fn endlessly_many_reasons_are_not_logged() {
        let throttle = LogThrottle::default();
        let logged = (0..1_000).filter(|number| throttle.allows(&number.to_string())).count();
        assert_eq!(logged, WARNING_REASONS_MAX);
    }
}
