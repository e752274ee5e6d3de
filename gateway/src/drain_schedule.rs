//! Sending the clients of a stopping node away a few at a time, so that the other nodes are not stormed. Until its turn
//! comes a connection goes on as if nothing were.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// Turns of the connections of one node. The first who asks for one begins the drain.
#[derive(Debug)]
pub struct DrainSchedule {
    window: Duration,
    begun: OnceLock<(Instant, u32)>,
    turns: AtomicU32,
}

impl DrainSchedule {
    /// The turns fill two thirds of `drain`; the rest is for those who are slow to leave.
    pub fn new(drain: Duration) -> Self {
        Self { window: drain * 2 / 3, begun: OnceLock::new(), turns: AtomicU32::new(0) }
    }

    /// When one more connection is to be sent away, if the node had that many when the drain began.
    pub fn turn(&self, now: Instant, connections: u32) -> Instant {
        let (begun, connections) = *self.begun.get_or_init(|| (now, connections.max(1)));
        let turn = self.turns.fetch_add(1, Ordering::Relaxed).min(connections);
        begun + self.window * turn / connections
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn turns_are_spread_evenly_and_end_in_time() {
        let drain_schedule = DrainSchedule::new(Duration::from_secs(3));
        let begun = Instant::now();
        let turns: Vec<_> = (0..5).map(|_| drain_schedule.turn(begun, 4).duration_since(begun).as_millis()).collect();
        assert_eq!(turns, [0, 500, 1_000, 1_500, 2_000], "one who came late is sent away last");
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_late_keeps_its_turn() {
        let drain_schedule = DrainSchedule::new(Duration::from_secs(3));
        let begun = Instant::now();
        drain_schedule.turn(begun, 2);
        let late = drain_schedule.turn(begun + Duration::from_millis(100), 1);
        assert_eq!(late, begun + Duration::from_secs(1));
    }
}
