//! Plays one row: a fresh field, a load, the fault, and the judgement.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::sleep;

use super::field::Field;
use super::load::{Load, Pace};
use super::outcome::Outcome;
use super::rows::{Row, Stage};

/// How a run is played.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How fast everybody talks.
    pub pace: Pace,
    /// Talk around the fault.
    pub talk: Duration,
    /// Faults last this part of their time.
    pub scale: f64,
    /// Idle sockets of the row that drops them.
    pub idle_sockets: usize,
}

impl Options {
    /// As `make faults` plays.
    pub const LONG: Self = Self {
        pace: Pace { rooms: 20, per_second: 25.0, window: 60 },
        talk: Duration::from_secs(20),
        scale: 1.0,
        idle_sockets: 5_000,
    };
    /// As `make test` plays.
    pub const SHORT: Self = Self {
        pace: Pace { rooms: 6, per_second: 12.0, window: 30 },
        talk: Duration::from_secs(6),
        scale: 0.25,
        idle_sockets: 500,
    };
}

/// What came of a row.
#[derive(Clone, Debug)]
pub struct Played {
    /// The row.
    pub row: Row,
    /// Of this play.
    pub seed: u64,
    /// What the load has to show, or why there is none.
    pub outcome: Result<Outcome, String>,
    /// What is wrong beyond the ledgers.
    pub complaints: Vec<String>,
}

/// How a row ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything holds.
    Holds,
    /// Everything holds, but it took longer than it should until everybody was heard again.
    Slow,
    /// Something does not hold.
    Fails,
}

impl Played {
    /// Whether nothing was lost, doubled, out of order or made up, and the row's promises were kept.
    pub fn is_good(&self) -> bool {
        self.complaints.is_empty() && self.outcome.as_ref().is_ok_and(Outcome::is_good)
    }

    /// How it ended.
    pub fn verdict(&self) -> Verdict {
        let recovery_ms = self.outcome.as_ref().ok().and_then(|outcome| outcome.recovery_ms);
        match (self.is_good(), recovery_ms) {
            (true, Some(ms)) if ms <= self.row.back_s * 1_000 => Verdict::Holds,
            (true, _) => Verdict::Slow,
            (false, _) => Verdict::Fails,
        }
    }
}

/// Plays a row. A panic of the harness is a bad result, not the end of the run.
pub async fn play(row: Row, seed: u64, options: Options) -> Played {
    let playing = AssertUnwindSafe(Box::pin(play_or_panic(row, seed, options)));
    let failed = |_| {
        let outcome = Err("a panic; its text went to standard error".to_owned());
        Played { row, seed, outcome, complaints: Vec::new() }
    };
    playing.catch_unwind().await.unwrap_or_else(failed)
}

async fn play_or_panic(row: Row, seed: u64, options: Options) -> Played {
    let field = Arc::new(Field::start(row.needs).await);
    let load = Load::start(&field.rest(), &field.entrances(), options.pace).await;
    sleep(options.talk / 3).await;
    let begin = load.now_ms();
    let Options { scale, idle_sockets, .. } = options;
    let stage = Stage { field: Arc::clone(&field), seed, scale, idle_sockets, complaints: Arc::default() };
    stage.play(row.fault).await;
    let end = load.now_ms();
    load.recover().await;
    sleep(options.talk.mul_f64(2.0 / 3.0)).await;
    let outcome = load.settle((begin, end)).await;
    let mut complaints = field.complaints();
    complaints.append(&mut stage.complaints.lock());
    if let Ok(outcome) = &outcome {
        complaints.extend(row.holds.iter().filter_map(|hold| hold.broken(outcome)));
    }
    Played { row, seed, outcome, complaints }
}
