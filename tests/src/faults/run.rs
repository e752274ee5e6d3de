//! Plays one row: a fresh field, a load, the fault, and the judgement.

use std::any::Any;
use std::fmt::{Display, Formatter};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use tokio::time::sleep;

use super::field::TestBed;
use super::load::Load;
use super::outcome::Outcome;
use super::plan::Play;
use super::results::{Figures, Verdict};
use super::rows::{Row, Stage};
use super::slowdown::{SLOWER, Slowdown};
use crate::faults::talk::Pace;

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
    /// Times that a row allows are so many times as long.
    pub patience: u32,
}

impl Options {
    /// As `make faults` plays.
    pub const LONG: Self = Self {
        pace: Pace { rooms: 20, per_second: 25.0, window: 60 },
        talk: Duration::from_secs(9),
        scale: 1.0,
        idle_sockets: 5_000,
        patience: 1,
    };
    /// As `make test` plays, beside many other tests.
    pub const SHORT: Self = Self {
        pace: Pace { rooms: 6, per_second: 12.0, window: 30 },
        talk: Duration::from_secs(6),
        scale: 0.25,
        idle_sockets: 500,
        patience: 4,
    };

    const fn patience(&self, play: &Play) -> u32 {
        self.patience * if play.slowed { SLOWER } else { 1 }
    }
}

impl Display for Options {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let Self { pace, talk, scale, idle_sockets, .. } = self;
        let Pace { rooms, per_second, window } = pace;
        let talk = talk.as_secs();
        write!(f, "{rooms} rooms, {per_second} messages/s and {window} open ones a client, {talk} s of talk, ")?;
        write!(f, "{idle_sockets} idle sockets, faults last {scale} of their time")
    }
}

/// What a play's time was spent on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Phases([Duration; 6]);

impl Phases {
    const NAMES: [&str; 6] = ["start", "talk", "fault", "back", "last acks", "judge"];
}

impl Display for Phases {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        for (name, time) in Self::NAMES.iter().zip(self.0) {
            write!(f, "{name} {:.1} s; ", time.as_secs_f64())?;
        }
        Ok(())
    }
}

/// What came of a row.
#[derive(Clone, Debug)]
pub struct Played {
    /// What was played.
    pub play: Play,
    /// What the load has to show, or why there is none.
    pub outcome: Result<Outcome, String>,
    /// What is wrong beyond the ledgers.
    pub complaints: Vec<String>,
    /// What took longer than it may, and nothing else is wrong with it.
    pub delays: Vec<String>,
    /// Milliseconds after the fault in which everybody is to be heard again.
    pub allowed_ms: u64,
    /// What its time was spent on.
    pub phases: Phases,
}

impl Played {
    /// How it ended.
    pub fn verdict(&self) -> Verdict {
        let is_good = self.complaints.is_empty() && self.outcome.as_ref().is_ok_and(Outcome::is_good);
        let recovery_ms = self.outcome.as_ref().ok().and_then(|outcome| outcome.recovery_ms);
        let is_in_time = self.delays.is_empty() && recovery_ms.is_some_and(|ms| ms <= self.allowed_ms);
        match (is_good, is_in_time) {
            (true, true) => Verdict::Holds,
            (true, false) => Verdict::Slow,
            (false, _) => Verdict::Fails,
        }
    }

    /// What it counted; none if it did not come to its end.
    pub fn figures(&self) -> Option<Figures> {
        let outcome = self.outcome.as_ref().ok()?;
        Some(Figures {
            findings: outcome.findings.clone(),
            talk_ms: outcome.talk_ms,
            late_ms: outcome.late_ms,
            late_after_ms: outcome.late_after_ms,
            told_later: outcome.told_later,
            back_ms: outcome.recovery_ms,
        })
    }

    /// What does not hold or took too long, in words.
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        match &self.outcome {
            Ok(outcome) => {
                if !outcome.findings.are_good() {
                    remarks.push(format!("{:?}", outcome.findings));
                }
                remarks.extend(outcome.surprises.iter().map(|what| format!("not explained by a fault: {what}")));
                match outcome.recovery_ms {
                    None => remarks.push("somebody was never heard again".to_owned()),
                    Some(ms) if ms > self.allowed_ms => {
                        remarks.push(format!("back after {ms} ms, allowed are {}", self.allowed_ms));
                    }
                    Some(_) => {}
                }
            }
            Err(cause) => remarks.push(cause.clone()),
        }
        remarks.extend(self.complaints.iter().chain(&self.delays).cloned());
        remarks
    }
}

/// Milliseconds after the fault in which everybody is to be heard again in this play.
pub fn allowed_ms(row: &Row, slowed: bool, patience: u32) -> u64 {
    let times = if slowed { SLOWER } else { 1 };
    row.back_s * 1_000 * u64::from(patience * times)
}

/// Plays a row. A panic of the harness is a bad result, not the end of the run.
pub async fn play(play: Play, options: Options) -> Played {
    let playing = AssertUnwindSafe(Box::pin(play_or_panic(play, options)));
    let failed = |cause: Box<dyn Any + Send>| Played {
        play,
        outcome: Err(format!("a panic: {}", text_of(&*cause))),
        complaints: Vec::new(),
        delays: Vec::new(),
        allowed_ms: allowed_ms(&play.row, play.slowed, options.patience),
        phases: Phases::default(),
    };
    playing.catch_unwind().await.unwrap_or_else(failed)
}

async fn play_or_panic(play: Play, options: Options) -> Played {
    let (row, patience) = (play.row, options.patience(&play));
    let mut times = vec![Instant::now()];
    let mut next = || times.push(Instant::now());
    let field = Arc::new(TestBed::start(row.needs).await);
    let load = Load::start(&field.rest(), &field.entrances(), options.pace, row.fault.keeps_what_is_answered()).await;
    next();
    let slowdown = play.slowed.then(|| Slowdown::begin(Arc::clone(&field)));
    sleep(options.talk / 3).await;
    let begin = load.now_ms();
    next();
    let Options { scale, idle_sockets, .. } = options;
    let stage = Stage {
        field: Arc::clone(&field),
        seed: play.seed,
        scale,
        idle_sockets,
        patience,
        complaints: Arc::default(),
        delays: Arc::default(),
        restored: Arc::default(),
    };
    stage.play(row.fault).await;
    let end = load.now_ms();
    next();
    load.recover(patience).await;
    next();
    sleep(options.talk.mul_f64(2.0 / 3.0)).await;
    load.drain(patience).await;
    next();
    // The judge reads all histories, which is no part of the play.
    if let Some(slowdown) = slowdown {
        slowdown.end().await;
    }
    let restored = stage.restored.lock().map(|(from, to)| (load.ms_at(from), load.ms_at(to)));
    let outcome = load.compare((begin, end), restored).await;
    next();
    let mut complaints = field.complaints();
    complaints.append(&mut stage.complaints.lock());
    let mut delays = std::mem::take(&mut *stage.delays.lock());
    if let Ok(outcome) = &outcome {
        for hold in row.holds {
            let kind = if hold.is_timed(outcome) { &mut delays } else { &mut complaints };
            kind.extend(hold.broken(outcome, patience));
        }
    }
    let allowed_ms = allowed_ms(&row, play.slowed, options.patience);
    let phases = Phases(std::array::from_fn(|phase| times[phase + 1] - times[phase]));
    Played { play, outcome, complaints, delays, allowed_ms, phases }
}

fn text_of(cause: &(dyn Any + Send)) -> &str {
    let text = cause.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| cause.downcast_ref::<&str>().copied()).unwrap_or("without a text")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::plan::named;

    fn played(seed: u64, recovery_ms: u64) -> Played {
        let play = Play::of(named("F13").unwrap()[0], seed);
        let outcome = Outcome { recovery_ms: Some(recovery_ms), ..Outcome::of(1, 1, (0, 1)) };
        Played {
            play,
            outcome: Ok(outcome),
            complaints: Vec::new(),
            delays: Vec::new(),
            allowed_ms: allowed_ms(&play.row, play.slowed, 1),
            phases: Phases::default(),
        }
    }

    #[test]
    fn a_slowed_play_may_take_four_times_as_long_and_no_longer() {
        assert_eq!(played(2, 5_000).verdict(), Verdict::Holds);
        assert_eq!(played(2, 5_001).verdict(), Verdict::Slow);
        assert_eq!(played(3, 20_000).verdict(), Verdict::Holds);
        assert_eq!(played(3, 20_001).verdict(), Verdict::Slow);
    }

    #[test]
    fn a_delay_is_slow_and_a_complaint_or_a_ghost_fails() {
        let late = Played { delays: vec!["late".to_owned()], ..played(2, 1) };
        assert_eq!((late.verdict(), late.remarks()), (Verdict::Slow, vec!["late".to_owned()]));
        let bad = Played { complaints: vec!["bad".to_owned()], ..late };
        assert_eq!(bad.verdict(), Verdict::Fails);
        let mut ghostly = played(2, 1);
        ghostly.outcome.as_mut().unwrap().findings.ghosts = 1;
        assert_eq!(ghostly.verdict(), Verdict::Fails);
        assert!(ghostly.remarks()[0].contains("ghosts: 1"));
    }

    #[tokio::test]
    async fn a_panic_is_a_bad_result_with_its_text() {
        let missing = "Redis";
        let ended = AssertUnwindSafe(async { assert!(missing.is_empty(), "{missing} is missing") })
            .catch_unwind()
            .await;
        let cause: Box<dyn Any + Send> = ended.unwrap_err();
        assert_eq!(text_of(&*cause), "Redis is missing");
    }
}
