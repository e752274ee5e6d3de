//! The short version of `make faults`, with the same field, load and judge; and the judge itself, before a product that
//! promises less.
//!
//! Seeds are random and printed; `ROOKERY_FAULTS_SEED` repeats a run. Nothing here depends on how fast the machine is: a play
//! that holds and is slow is good enough.

use std::env;
use std::io::Write as _;

use rookery_tests::faults::plan::{Done, Play, each, plays};
use rookery_tests::faults::report::line;
use rookery_tests::faults::results::Verdict;
use rookery_tests::faults::rows::Row;
use rookery_tests::faults::rows::table::{ALL, BROKEN};
use rookery_tests::faults::run::{Options, play};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn short_faults_lose_double_and_reorder_nothing() {
    let base = base();
    let rows: Vec<Row> = ALL.iter().filter(|row| row.is_short).copied().collect();
    assert!(["F13", "F14c"].iter().all(|id| rows.iter().any(|row| row.id == *id)));
    let mut bad = vec![format!("ROOKERY_FAULTS_SEED={base}")];
    for one in plays(&each(&rows, 1), |_| Done::default(), base) {
        let played = play(one, Options::SHORT).await;
        say(&line(&played));
        if played.verdict() == Verdict::Fails {
            bad.push(line(&played));
            bad.extend(played.remarks());
        }
    }
    assert!(bad.len() == 1, "{}", bad.join("\n"));
}

/// With `ack = "accepted"` an ack is a word of Redis alone. When Redis is wiped while the api stands still, what was
/// acked is gone, and nothing else may be wrong.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_judge_finds_what_a_product_loses_that_acks_too_early() {
    let played = play(Play::of(BROKEN, base() & !1), Options::SHORT).await;
    assert!(played.verdict() == Verdict::Fails, "the judge let it pass: {}", line(&played));
    let outcome = played.outcome.as_ref().unwrap();
    assert!(outcome.findings.lost > 0, "{:?}", outcome.findings);
    let others = outcome.findings.duplicated + outcome.findings.reordered + outcome.findings.ghosts;
    assert_eq!(others, 0, "{:?}", outcome.findings);
}

/// Another number for every run, unless one is given.
fn base() -> u64 {
    let given = env::var_os("ROOKERY_FAULTS_SEED").map(|given| given.to_str().and_then(|given| given.parse().ok()));
    let base = given
        .map_or_else(|| rand::random::<u32>().into(), |given| given.expect("ROOKERY_FAULTS_SEED is a whole number"));
    say(&format!("ROOKERY_FAULTS_SEED={base}"));
    base
}

/// Also where the output of tests that pass is swallowed: a run that is killed has told its seed.
fn say(text: &str) {
    writeln!(std::io::stderr(), "{text}").ok();
}
