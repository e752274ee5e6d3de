//! Plays one row: a fresh field, a load, the fault, and the judgement.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::time::sleep;

use super::field::Field;
use super::load::{Load, Outcome, Pace};
use super::rows::{Beyond, Row, Stage};

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

impl Played {
    /// Whether everything holds.
    pub fn is_good(&self) -> bool {
        self.complaints.is_empty() && self.outcome.as_ref().is_ok_and(Outcome::is_good)
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
    let stage = Stage { field: Arc::clone(&field), seed, scale, idle_sockets };
    stage.play(row.fault).await;
    let end = load.now_ms();
    load.recover().await;
    sleep(options.talk.mul_f64(2.0 / 3.0)).await;
    let outcome = load.settle((begin, end)).await;
    let mut complaints = field.complaints();
    complaints.extend(outcome.as_ref().ok().and_then(|outcome| missing(row.beyond, outcome)));
    Played { row, seed, outcome, complaints }
}

fn missing(beyond: Beyond, outcome: &Outcome) -> Option<String> {
    match beyond {
        Beyond::Shown if outcome.shown_meanwhile == 0 => Some("nothing was delivered during the fault".to_owned()),
        Beyond::Acked if outcome.acked_meanwhile == 0 => Some("nothing was acknowledged during the fault".to_owned()),
        Beyond::Nothing | Beyond::Shown | Beyond::Acked => None,
    }
}
