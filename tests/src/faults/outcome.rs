//! What a load has to show: the findings of all rooms, and what they looked like in time.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::client::{End, Report};
use super::ledger::{Findings, Kept, Outcome as Sent, Place, Room, check};

/// Pauses are measured in steps of so many milliseconds.
const STEP_MS: u64 = 100;

/// What a load has to show.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The comparison of all ledgers.
    pub findings: Findings,
    /// When the fault began and ended, in milliseconds of the load.
    pub fault: (u64, u64),
    /// From when a backup was begun until it was put back, if that was the fault.
    pub restored: Option<(u64, u64)>,
    /// Longest time one receiver showed an event later than another.
    pub late_ms: u64,
    /// The same, without what passed before the fault was over.
    pub late_after_ms: u64,
    /// From the end of the fault until every client had an ack for something it said since; none if one never had.
    pub recovery_ms: Option<u64>,
    /// When anything was shown to anybody.
    pub shown: Pulse,
    /// When anything was acked to anybody.
    pub acked: Pulse,
    /// Connections in all.
    pub connections: usize,
    /// How often connections ended in which way before their time.
    pub ends: BTreeMap<End, usize>,
    /// Attempts to connect that failed.
    pub refused_at_the_door: usize,
    /// Answers that said to try a message again later.
    pub told_later: usize,
    /// Times a client had to read history.
    pub history_reads: usize,
    /// Clients.
    pub clients: usize,
    /// Milliseconds of talk.
    pub talk_ms: u64,
    /// What no fault explains.
    pub surprises: Vec<String>,
}

/// Times at which something happened.
#[derive(Clone, Debug, Default)]
pub struct Pulse {
    steps: BTreeSet<u64>,
}

impl Pulse {
    fn note(&mut self, at_ms: u64) {
        self.steps.insert(at_ms / STEP_MS);
    }

    /// Longest time between `from` and `to` in which nothing happened.
    pub fn longest_pause_ms(&self, (from, to): (u64, u64)) -> u64 {
        let (first, last) = (from / STEP_MS, to / STEP_MS);
        let mut before = first;
        let mut longest = 0;
        for step in self.steps.range(first..=last.max(first)).copied().chain([last]) {
            longest = longest.max(step.saturating_sub(before));
            before = step;
        }
        longest * STEP_MS
    }
}

impl Outcome {
    /// Nothing yet; every client that has not recovered will be found when it is added.
    pub fn of(clients: usize, talk_ms: u64, fault: (u64, u64)) -> Self {
        Self { clients, talk_ms, fault, recovery_ms: Some(0), ..Self::default() }
    }

    /// Whether all invariants hold and nothing happened that no fault explains.
    pub const fn is_good(&self) -> bool {
        self.findings.are_good() && self.surprises.is_empty() && self.recovery_ms.is_some()
    }

    /// Adds the ledgers of a room; `sent` is what others than its clients sent there.
    pub fn add_room(&mut self, reports: Vec<Report>, sent: BTreeMap<String, Sent>, history: Vec<Kept>) {
        let mut shown_at: HashMap<Place, (u64, u64)> = HashMap::new();
        let mut room = Room { history, sent, restored: self.restored, ..Room::default() };
        for report in reports {
            self.note(&report);
            for (place, at) in report.times {
                let (first, last) = shown_at.entry(place).or_insert((at, at));
                (*first, *last) = ((*first).min(at), (*last).max(at));
            }
            room.sent.extend(report.sent);
            room.receivers.push(report.shown);
        }
        let over = self.fault.1;
        for (first, last) in shown_at.values() {
            self.late_ms = self.late_ms.max(last - first);
            self.late_after_ms = self.late_after_ms.max(last.saturating_sub(over.max(*first)));
        }
        self.findings.add(&check(&room));
    }

    fn note(&mut self, report: &Report) {
        let over = self.fault.1;
        self.connections += report.connections;
        for end in &report.ends {
            *self.ends.entry(*end).or_default() += 1;
        }
        self.refused_at_the_door += report.refused_at_the_door;
        self.told_later += report.told_later;
        report.acks.iter().for_each(|(_, at)| self.acked.note(*at));
        report.times.iter().for_each(|(_, at)| self.shown.note(*at));
        let since = report
            .acks
            .iter()
            .filter(|(composed, _)| *composed >= over)
            .map(|(_, acked)| acked - over);
        self.recovery_ms = self.recovery_ms.zip(since.min()).map(|(before, this)| before.max(this));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pulse_knows_its_longest_pause_and_the_ends_count() {
        let mut pulse = Pulse::default();
        assert_eq!(pulse.longest_pause_ms((1_000, 5_000)), 4_000);
        for at in [500, 1_500, 3_900, 4_000, 9_000] {
            pulse.note(at);
        }
        assert_eq!(pulse.longest_pause_ms((1_000, 5_000)), 2_400);
        assert_eq!(pulse.longest_pause_ms((3_000, 8_000)), 4_000);
    }

    #[test]
    fn one_client_that_never_recovers_is_enough() {
        let back = |acks: Vec<(u64, u64)>| Report { acks, ..Report::default() };
        let mut outcome = Outcome::of(2, 100, (10, 20));
        outcome.add_room(vec![back(vec![(1, 25), (21, 30), (40, 45)])], BTreeMap::new(), Vec::new());
        assert_eq!(outcome.recovery_ms, Some(10));
        outcome.add_room(vec![back(vec![(1, 25)])], BTreeMap::new(), Vec::new());
        assert_eq!(outcome.recovery_ms, None);
        assert!(!outcome.is_good());
    }
}
