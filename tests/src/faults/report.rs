//! The document: each row's hypothesis and what came of it, and where it was played.

use std::fmt::Write as _;

use super::ledger::Findings;
use super::machine::Machine;
use super::rows::table::NOT_PLAYED;
use super::rows::{Fault, pair};
use super::run::{Options, Played, Verdict};

const HEAD: &str = "# Faults

Written by `make faults`; do not edit. Each row is a fresh cluster of real processes (three gateways, one api, Redis with an
append-only file, a MongoDB-protocol server, more where the row says so), clients that talk through the fault as
[protocol.md](protocol.md) tells clients to, and a comparison of what senders were told, what receivers show and what history
says at the end.

* **acked**: the sender was told that the message is stored. **lost**: acked, but history does not have it so.
* **doubled**: in history twice, or shown twice. **reordered**: anybody's order differs from history's. **misplaced**: an ack
  names another place than history does.
* **ghosts**: in history or shown, but refused or never sent. **holes**: in history, but never shown to somebody who
  listened. **open**: never answered.
* **late**: the longest time that one receiver showed an event after another did; behind the stroke without the time before
  the fault was over.
* **refused**: texts that must be refused for good, and were. **later**: answers that said to try again. **resent**: acked
  after the first outcome was unknown.
* **renumbered**: the message was stored, Redis forgot it before the ack, and its repeat took another number. It is known by
  its id, shown and kept once, at its first place, which its ack names; the second number stays empty.
* **back**: from the end of the fault until every client had an ack for something new, and the time it should take; a row
  that takes longer is called slow, which does not fail the run.
";

/// The whole document.
pub fn markdown(played: &[Played], seed: u64, options: Options, machine: &Machine) -> String {
    let mut text = HEAD.to_owned();
    let _ = write!(text, "\n{}", circumstances(played, seed, options, machine));
    text.push_str("| row | result | acked | lost | doubled | reordered | misplaced | ghosts | holes | open | late | refused | later | resent | renumbered | back |\n");
    text.push_str("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n");
    text.extend(played.iter().map(line));
    text.push_str("\n## Rows\n");
    let mut known = Vec::new();
    for played in played.iter().filter(|played| {
        played.row.fault == Fault::Pair || {
            let is_new = !known.contains(&played.row.id);
            known.push(played.row.id);
            is_new
        }
    }) {
        text.push_str(&hypothesis(played));
    }
    text.push_str("\n## Not played\n\n");
    for (ids, why) in NOT_PLAYED {
        let _ = writeln!(text, "* {ids}: {why}.");
    }
    text.push_str(&failures(played));
    text
}

fn circumstances(played: &[Played], seed: u64, options: Options, machine: &Machine) -> String {
    let (total, pace) = (total(played), options.pace);
    let count = |verdict: Verdict| played.iter().filter(|played| played.verdict() == verdict).count();
    let talk_s = played
        .iter()
        .filter_map(|played| played.outcome.as_ref().ok())
        .map(|outcome| outcome.talk_ms / 1_000)
        .sum::<u64>()
        .max(1);
    format!(
        "{machine}\n\nSeed {seed}; {} plays of {} rooms with 3 clients each, at most {} messages/s and {} open ones a client; \
         faults last {} of their time.\n\n\
         **{} acked: {} lost, {} doubled, {} reordered, {} misplaced, {} ghosts, {} holes, {} open.** Plays that hold: {}, slowly: {}, not: {}. \
         {} acked a second of talk.\n\n",
        played.len(),
        pace.rooms,
        pace.per_second,
        pace.window,
        options.scale,
        total.acked,
        total.lost,
        total.duplicated,
        total.reordered,
        total.misplaced,
        total.ghosts,
        total.holes,
        total.unknown,
        count(Verdict::Holds),
        count(Verdict::Slow),
        count(Verdict::Fails),
        total.acked as u64 / talk_s,
    )
}

fn hypothesis(played: &Played) -> String {
    let row = played.row;
    let pair = if row.fault == Fault::Pair {
        format!(" ({}, seed {})", pair::name_of(played.seed), played.seed)
    } else {
        String::new()
    };
    let holds: Vec<&str> = row.holds.iter().map(|hold| hold.words()).collect();
    let checked = if holds.is_empty() {
        String::new()
    } else {
        format!(" *Checked:* {}.", holds.join("; "))
    };
    format!("\n**{}** {}{pair}. *Expected:* {}{checked}\n", row.id, row.title, row.hypothesis)
}

/// One row of the table.
pub fn line(played: &Played) -> String {
    let result = match played.verdict() {
        Verdict::Holds => "holds",
        Verdict::Slow => "holds, slow",
        Verdict::Fails => "**fails**",
    };
    let Ok(outcome) = &played.outcome else {
        return format!("| {} | {result} |{}\n", played.row.id, " |".repeat(14));
    };
    let found = &outcome.findings;
    let back = outcome.recovery_ms.map_or_else(|| "never".to_owned(), seconds);
    let late = format!("{} / {}", seconds(outcome.late_ms), seconds(outcome.late_after_ms));
    let order = [found.acked, found.lost, found.duplicated, found.reordered, found.misplaced];
    let rest = [found.ghosts, found.holes, found.unknown];
    let more = [found.refused, outcome.told_later, found.recovered, found.renumbered];
    let cells = |numbers: &[usize]| numbers.iter().map(usize::to_string).collect::<Vec<_>>().join(" | ");
    format!(
        "| {} | {result} | {} | {} | {late} | {} | {back} of {} s |\n",
        played.row.id,
        cells(&order),
        cells(&rest),
        cells(&more),
        played.row.back_s
    )
}

/// The sum over all plays.
pub fn total(played: &[Played]) -> Findings {
    let mut total = Findings::default();
    for outcome in played.iter().filter_map(|played| played.outcome.as_ref().ok()) {
        total.add(&outcome.findings);
    }
    total
}

/// What failed, in words.
pub fn failures(played: &[Played]) -> String {
    let mut text = String::new();
    for played in played.iter().filter(|played| played.verdict() == Verdict::Fails) {
        let _ = writeln!(text, "\n### {} fails, seed {}\n", played.row.id, played.seed);
        match &played.outcome {
            Ok(outcome) => {
                let _ = writeln!(text, "    {:?}", outcome.findings);
                for what in &outcome.surprises {
                    let _ = writeln!(text, "    not explained by a fault: {what}");
                }
            }
            Err(cause) => {
                let _ = writeln!(text, "    {cause}");
            }
        }
        for what in &played.complaints {
            let _ = writeln!(text, "    {what}");
        }
    }
    text
}

fn seconds(ms: u64) -> String {
    format!("{}.{} s", ms / 1_000, ms % 1_000 / 100)
}
