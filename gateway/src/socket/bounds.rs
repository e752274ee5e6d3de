//! What one client may send.

use std::num::NonZeroU32;

use governor::clock::MonotonicClock;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use rookery_protocol::limits::{
    BYTES_BURST_MAX, BYTES_PER_SECOND_MAX, FRAME_BYTES_MAX, FRAMES_BURST_MAX, FRAMES_PER_SECOND_MAX,
};

use crate::limits::FRAGMENTS_MAX;

/// Only tests choose other bounds than the default.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Bytes of a message, all of its fragments together.
    pub message_bytes: usize,
    /// Fragments of a message.
    pub fragments: u32,
    /// Frames of every kind.
    pub frames: FrameRate,
    /// Bytes of all frames.
    pub bytes: FrameRate,
}

/// How often frames or bytes may come. A zero counts as one.
#[derive(Clone, Copy, Debug)]
pub struct FrameRate {
    /// In a second.
    pub per_second: u32,
    /// At once.
    pub burst: u32,
}

impl Default for Bounds {
    fn default() -> Self {
        let frames = FrameRate { per_second: FRAMES_PER_SECOND_MAX, burst: FRAMES_BURST_MAX };
        let bytes = FrameRate { per_second: BYTES_PER_SECOND_MAX, burst: BYTES_BURST_MAX };
        Self { message_bytes: FRAME_BYTES_MAX, fragments: FRAGMENTS_MAX, frames, bytes }
    }
}

/// Counts what comes from a client: frames, where fragments, pings and pongs are like messages, or bytes.
pub(super) struct Meter(RateLimiter<NotKeyed, InMemoryState, MonotonicClock>);

impl Meter {
    pub(super) fn new(rate: FrameRate) -> Self {
        let at_least_one = |count| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(at_least_one(rate.per_second)).allow_burst(at_least_one(rate.burst));
        Self(RateLimiter::direct_with_clock(quota, MonotonicClock))
    }

    /// Whether so many more may have come.
    pub(super) fn admits(&self, count: u32) -> bool {
        NonZeroU32::new(count).is_none_or(|count| matches!(self.0.check_n(count), Ok(Ok(()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_forgiven_once() {
        let meter = Meter::new(FrameRate { per_second: 1, burst: 50 });
        assert!(meter.admits(0));
        assert!(meter.admits(49));
        assert!(meter.admits(1));
        assert!(!meter.admits(1));
        assert!(!meter.admits(1_000), "more than ever fits");
    }
}
