//! When to ping a client and when to give it up. Pure.

use rookery_shared::limits::{HEARTBEAT_DEADLINE, HEARTBEAT_INTERVAL};
use tokio::time::Instant;

/// The pulse of one connection.
#[derive(Clone, Copy, Debug)]
pub struct Heartbeat {
    heard: Instant,
    ping_due: Instant,
}

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    /// Nothing yet.
    Wait,
    /// A ping.
    Ping,
    /// The end: nothing came for too long.
    Silent,
}

impl Heartbeat {
    /// Begins with the connection.
    pub fn new(now: Instant) -> Self {
        Self { heard: now, ping_due: now + HEARTBEAT_INTERVAL }
    }

    /// Something came from the client, or nothing could come because nobody read.
    pub const fn heard(&mut self, now: Instant) {
        self.heard = now;
    }

    /// What is due now; a ping that is due counts as sent.
    pub fn beat(&mut self, now: Instant) -> Beat {
        if now.duration_since(self.heard) >= HEARTBEAT_DEADLINE {
            return Beat::Silent;
        }
        if now < self.ping_due {
            return Beat::Wait;
        }
        self.ping_due = now + HEARTBEAT_INTERVAL;
        Beat::Ping
    }

    /// When to ask again.
    pub fn next(&self) -> Instant {
        self.ping_due.min(self.heard + HEARTBEAT_DEADLINE)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_quiet_client_is_pinged_and_a_silent_one_given_up() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut heartbeat = Heartbeat::new(start);
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
        let mut heartbeat = Heartbeat::new(start);
        for ping in [25, 50, 75, 100] {
            assert_eq!(heartbeat.beat(at(ping)), Beat::Ping);
            heartbeat.heard(at(ping));
        }
    }
}
