//! When a room's events are written: at once, or, in a room so busy and so full that every single write to everybody
//! would take a processor, some together. Pure: events and the time go in, what to do comes out.

use std::time::Duration;

use tokio::time::Instant;

use crate::limits::{BIG_ROOM_MEMBERS, ROOM_DELIVERIES_PER_SECOND, ROOM_TEMPO_WINDOW, ROOM_TICK_MAX, ROOM_TICK_MIN};

/// What to do with events that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FlushDecision {
    /// Write them.
    Now,
    /// Write them with those that come within this time.
    Wait(Duration),
}

/// How busy a room is: events of this window of time, and of the one before.
#[derive(Clone, Copy, Debug)]
pub(super) struct BatchPacer {
    since: Instant,
    count: usize,
    before: usize,
    is_over: bool,
}

impl BatchPacer {
    /// Nothing has happened.
    pub(super) const fn new(now: Instant) -> Self {
        Self { since: now, count: 0, before: 0, is_over: false }
    }

    /// So many events came for so many members.
    pub(super) fn beat(&mut self, events: usize, members: usize, now: Instant) -> FlushDecision {
        self.turn(now);
        self.count += events;
        let load = deliveries(self.count.max(self.before), members);
        self.is_over = load > ROOM_DELIVERIES_PER_SECOND;
        if self.is_over { FlushDecision::Wait(tick(load)) } else { FlushDecision::Now }
    }

    /// Whether what may be lost should not be said in a room of so many members.
    pub(super) fn is_big(&mut self, members: usize, now: Instant) -> bool {
        self.turn(now);
        members >= BIG_ROOM_MEMBERS || self.is_over
    }

    fn turn(&mut self, now: Instant) {
        let passed = now.duration_since(self.since);
        if passed >= ROOM_TEMPO_WINDOW {
            // After a pause nothing of the window before counts.
            let recent = passed < ROOM_TEMPO_WINDOW * 2;
            *self = Self {
                since: now,
                count: 0,
                before: if recent { self.count } else { 0 },
                is_over: recent && self.is_over,
            };
        }
    }
}

/// Of a second in which as much happens as in one window.
fn deliveries(events: usize, members: usize) -> u64 {
    let windows = Duration::from_secs(1).as_millis() / ROOM_TEMPO_WINDOW.as_millis().max(1);
    let all = events.saturating_mul(members).saturating_mul(usize::try_from(windows).unwrap_or(1));
    u64::try_from(all).unwrap_or(u64::MAX)
}

/// Longer the more there is, up to twice the shortest.
fn tick(load: u64) -> Duration {
    let times = u32::try_from(load / ROOM_DELIVERIES_PER_SECOND).unwrap_or(u32::MAX).max(1);
    ROOM_TICK_MIN.saturating_mul(times).min(ROOM_TICK_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a room of so many members does after so many events a second for two seconds.
    fn after(rate: usize, members: usize) -> FlushDecision {
        let (start, mut beat) = (Instant::now(), FlushDecision::Now);
        let mut batch_pacer = BatchPacer::new(start);
        for n in 0..rate * 2 {
            let now = start + Duration::from_secs(1) * u32::try_from(n).unwrap() / u32::try_from(rate).unwrap();
            beat = batch_pacer.beat(1, members, now);
        }
        beat
    }

    #[test]
    fn only_rooms_that_are_busy_and_full_wait() {
        assert_eq!(after(200, 10), FlushDecision::Now);
        assert_eq!(after(5, 10_000), FlushDecision::Now);
        assert_eq!(after(20, 1_000), FlushDecision::Now);
        assert_eq!(after(200, 800), FlushDecision::Wait(ROOM_TICK_MIN));
        assert_eq!(after(200, 10_000), FlushDecision::Wait(ROOM_TICK_MAX));
        assert_eq!(after(1_000, 100_000), FlushDecision::Wait(ROOM_TICK_MAX));
    }

    #[test]
    fn a_room_that_has_calmed_down_waits_no_more() {
        let start = Instant::now();
        let mut batch_pacer = BatchPacer::new(start);
        for _ in 0..100 {
            batch_pacer.beat(1, 5_000, start);
        }
        assert!(batch_pacer.is_big(500, start));
        assert_ne!(batch_pacer.beat(1, 5_000, start + ROOM_TEMPO_WINDOW), FlushDecision::Now);
        let later = start + ROOM_TEMPO_WINDOW * 4;
        assert!(!batch_pacer.is_big(500, later) && batch_pacer.is_big(BIG_ROOM_MEMBERS, later));
        assert_eq!(batch_pacer.beat(1, 5_000, later), FlushDecision::Now);
    }
}
