//! What one client may send.

use std::num::NonZeroU32;

use governor::clock::MonotonicClock;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use rookery_shared::limits::{FRAGMENTS_MAX, FRAME_BYTES_MAX, FRAMES_BURST_MAX, FRAMES_PER_SECOND_MAX};

/// Only tests choose other bounds than the default.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Bytes of a message, all of its fragments together.
    pub message_bytes: usize,
    /// Fragments of a message.
    pub fragments: u32,
    /// Frames of every kind.
    pub frames: FrameRate,
}

/// How often frames may come. A zero counts as one.
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
        Self { message_bytes: FRAME_BYTES_MAX, fragments: FRAGMENTS_MAX, frames }
    }
}

/// Counts the frames of a client: fragments, pings and pongs like messages.
pub(super) struct Meter(RateLimiter<NotKeyed, InMemoryState, MonotonicClock>);

impl Meter {
    pub(super) fn new(rate: FrameRate) -> Self {
        let at_least_one = |count| NonZeroU32::new(count).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(at_least_one(rate.per_second)).allow_burst(at_least_one(rate.burst));
        Self(RateLimiter::direct_with_clock(quota, MonotonicClock))
    }

    /// Whether so many more frames may have come.
    pub(super) fn admits(&self, frames: u32) -> bool {
        NonZeroU32::new(frames).is_none_or(|frames| matches!(self.0.check_n(frames), Ok(Ok(()))))
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
