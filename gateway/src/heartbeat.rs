//! When to ping a client and when to give it up. Pure.
//!
//! What is due is due on a grid that all connections of a process share: one wake-up serves all pings of a tick, and
//! another one their answers, instead of one each.

use std::time::Duration;

use rookery_protocol::limits::HEARTBEAT_DEADLINE;
use tokio::time::Instant;

use crate::limits::{HEARTBEAT_INTERVAL, HEARTBEAT_TICK};

/// The pulse of one connection.
#[derive(Clone, Copy, Debug)]
pub struct Heartbeat {
    last_activity: Instant,
    /// On the grid.
    ping_due: Instant,
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    /// Nothing is due yet.
    Wait,
    /// A ping.
    Ping,
    /// The end: nothing came for too long.
    Silent,
}

impl Heartbeat {
    /// Begins with the connection; the grid has begun at `origin`, which is not later.
    pub fn new(now: Instant, origin: Instant) -> Self {
        let begun = since_tick(now.duration_since(origin));
        Self { last_activity: now, ping_due: now + HEARTBEAT_INTERVAL - begun }
    }

    /// Something came from the client, or nothing could come because nobody read.
    pub const fn record_activity(&mut self, now: Instant) {
        self.last_activity = now;
    }

    /// What is due now; a ping that is due counts as sent.
    pub fn beat(&mut self, now: Instant) -> Beat {
        if now >= self.silence() {
            return Beat::Silent;
        }
        if now < self.ping_due {
            return Beat::Wait;
        }
        self.ping_due = now + HEARTBEAT_INTERVAL - since_tick(now.duration_since(self.ping_due));
        Beat::Ping
    }

    /// When to ask again.
    pub fn next(&self) -> Instant {
        self.ping_due.min(self.silence())
    }

    /// When a client that stays silent is given up: on the grid if that is before the next ping, and not after the
    /// deadline.
    fn silence(&self) -> Instant {
        let deadline = self.last_activity + HEARTBEAT_DEADLINE;
        let before = self.ping_due.saturating_duration_since(deadline);
        deadline - since_tick(HEARTBEAT_TICK.saturating_sub(since_tick(before)))
    }
}

/// How much of a tick has gone, so long after a point of the grid.
fn since_tick(span: Duration) -> Duration {
    Duration::from_nanos_u128(span.as_nanos() % HEARTBEAT_TICK.as_nanos())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_quiet_client_is_pinged_and_a_silent_one_given_up() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut heartbeat = Heartbeat::new(start, start);
        assert_eq!(heartbeat.beat(at(24)), Beat::Wait);
        assert_eq!(heartbeat.beat(at(25)), Beat::Ping);
        assert_eq!(heartbeat.beat(at(26)), Beat::Wait);
        assert_eq!(heartbeat.next(), at(45));
        assert_eq!(heartbeat.beat(at(45)), Beat::Silent);
    }

    #[test]
    fn an_answer_keeps_it_alive() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut heartbeat = Heartbeat::new(start, start);
        for ping in [25, 50, 75, 100] {
            assert_eq!(heartbeat.beat(at(ping)), Beat::Ping);
            heartbeat.record_activity(at(ping));
        }
    }

    #[test]
    fn connections_of_one_tick_are_looked_at_together_and_never_late() {
        let origin = Instant::now();
        let tick = HEARTBEAT_TICK;
        for begun in [Duration::ZERO, MS, tick / 2, 249 * MS] {
            let start = origin + tick * 7 + begun;
            let mut heartbeat = Heartbeat::new(start, origin);
            let ping = origin + tick * 7 + HEARTBEAT_INTERVAL;
            assert_eq!(heartbeat.next(), ping);
            // Asked a little late, it is back on the grid with the next one.
            assert_eq!(heartbeat.beat(ping + 3 * MS), Beat::Ping);
            heartbeat.record_activity(ping + 5 * MS);
            assert_eq!(heartbeat.next(), ping + HEARTBEAT_INTERVAL);
            assert_eq!(heartbeat.beat(ping + HEARTBEAT_INTERVAL), Beat::Ping);
            let silence = ping + HEARTBEAT_DEADLINE;
            assert_eq!(heartbeat.next(), silence);
            assert_eq!(heartbeat.beat(silence - MS), Beat::Wait);
            assert_eq!(heartbeat.beat(silence), Beat::Silent);
        }
    }
}
