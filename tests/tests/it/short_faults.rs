//! The short version of `make faults`, with the same field, load and judge; and the judge itself, before a product that
//! promises less.

use rookery_tests::faults::report::{failures, line};
use rookery_tests::faults::rows::table::{ALL, BROKEN};
use rookery_tests::faults::run::{Options, play};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn short_faults_lose_double_and_reorder_nothing() {
    let mut bad = String::new();
    for (seed, row) in (0..).zip(ALL.iter().filter(|row| row.is_short)) {
        let played = play(*row, seed, Options::SHORT).await;
        if !played.is_good() {
            bad.push_str(&line(&played));
            bad.push_str(&failures(&[played]));
        }
    }
    assert!(bad.is_empty(), "{bad}");
}

/// With `ack = "accepted"` an ack is a word of Redis alone. When Redis is wiped while the api stands still, what was
/// acked is gone, and nothing else may be wrong.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_judge_finds_what_a_product_loses_that_acks_too_early() {
    let played = play(BROKEN, 0, Options::SHORT).await;
    assert!(!played.is_good(), "the judge let it pass: {}", line(&played));
    let outcome = played.outcome.as_ref().unwrap();
    assert!(outcome.findings.lost > 0, "{:?}", outcome.findings);
    let others = outcome.findings.duplicated + outcome.findings.reordered + outcome.findings.ghosts;
    assert_eq!(others, 0, "{:?}", outcome.findings);
}
