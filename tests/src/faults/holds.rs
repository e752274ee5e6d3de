//! What a row promises beyond the invariants, and the check of it.

use super::client::End;
use super::outcome::Outcome;

/// While a part of the cluster can work, nothing stands still longer than this: a dead holder of a lease is waited for,
/// and servers change roles.
const PAUSE_MAX_MS: u64 = 12_000;

/// Something that has to hold while the fault lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expectation {
    /// Messages are shown all the time.
    Shown,
    /// Messages are acknowledged all the time.
    Acked,
    /// Every client keeps its connection.
    SocketsStay,
    /// Nobody who connects is turned away.
    DoorsOpen,
    /// Senders are told to try later; they are not left without a word.
    ToldLater,
}

impl Expectation {
    /// Whether a machine that is busy with other things can have broken it: pauses are times, and so is the silence after
    /// which a client leaves.
    pub fn is_timed(self, outcome: &Outcome) -> bool {
        match self {
            Self::Shown | Self::Acked => true,
            Self::SocketsStay => outcome.ends.keys().all(|end| *end == End::Silent),
            Self::DoorsOpen | Self::ToldLater => false,
        }
    }

    /// What is wrong, if it does not hold; pauses may be so many times as long.
    pub fn broken(self, outcome: &Outcome, patience: u32) -> Option<String> {
        let Outcome { clients, connections, ends, refused_at_the_door, told_later, fault, .. } = outcome;
        let pause = |pulse: &super::outcome::Pulse, what: &str| {
            let longest = pulse.longest_pause_ms(*fault);
            let all = longest >= fault.1 - fault.0;
            (all || longest > PAUSE_MAX_MS * u64::from(patience))
                .then(|| format!("nothing was {what} for {longest} ms of the fault"))
        };
        match self {
            Self::Shown => pause(&outcome.shown, "shown"),
            Self::Acked => pause(&outcome.acked, "acknowledged"),
            Self::SocketsStay => {
                (connections > clients).then(|| format!("{clients} clients needed {connections} connections: {ends:?}"))
            }
            Self::DoorsOpen => {
                (*refused_at_the_door > 0).then(|| format!("{refused_at_the_door} attempts to connect failed"))
            }
            Self::ToldLater => (*told_later == 0).then(|| "no sender was told to try later".to_owned()),
        }
    }

    /// In words, for the report.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Shown => "messages are shown all the time",
            Self::Acked => "messages are acknowledged all the time",
            Self::SocketsStay => "every client keeps its connection",
            Self::DoorsOpen => "nobody who connects is turned away",
            Self::ToldLater => "senders are told to try later",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::client::Report;

    /// Two clients, one connection each; shown and acked every second of a fault of 20 s.
    fn outcome() -> Outcome {
        let report = |from: u64| Report {
            acks: (from..40).map(|second| (second * 1_000, second * 1_000 + 100)).collect(),
            times: (from..40).map(|second| ((1, second), second * 1_000)).collect(),
            connections: 1,
            told_later: 1,
            ..Report::default()
        };
        let mut outcome = Outcome::of(2, 40_000, (10_000, 30_000));
        outcome.add_room(vec![report(0), report(5)], std::collections::BTreeMap::new(), Vec::new());
        outcome
    }

    #[test]
    fn each_promise_is_kept_and_can_be_broken() {
        let all = [
            Expectation::Shown,
            Expectation::Acked,
            Expectation::SocketsStay,
            Expectation::DoorsOpen,
            Expectation::ToldLater,
        ];
        let silent = Outcome {
            connections: 3,
            ends: [(End::Broken, 1)].into(),
            refused_at_the_door: 1,
            told_later: 0,
            shown: super::super::outcome::Pulse::default(),
            acked: super::super::outcome::Pulse::default(),
            ..outcome()
        };
        for hold in all {
            assert_eq!(hold.broken(&outcome(), 1), None, "{hold:?}");
            assert!(hold.broken(&silent, 1).is_some(), "{hold:?}");
        }
    }
    #[test]
    fn a_socket_that_was_left_for_its_silence_is_a_matter_of_time_and_one_that_broke_is_not() {
        let ended = |ends: &[(End, usize)]| {
            let ends = ends.iter().copied().collect();
            Expectation::SocketsStay.is_timed(&Outcome { connections: 4, ends, ..outcome() })
        };
        assert!(ended(&[(End::Silent, 2)]));
        assert!(!ended(&[(End::Closed(Some(1013)), 2)]));
        assert!(!ended(&[(End::Broken, 1), (End::Silent, 1)]));
    }
}
