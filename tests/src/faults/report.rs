//! The document: each row's hypothesis and what came of it. It names no machine, no time of day.

use std::fmt::Write as _;

use super::ledger::Findings;
use super::load::Outcome;
use super::rows::{Fault, pair};
use super::run::{Options, Played};

const HEAD: &str = "# Faults

Written by `make faults`; do not edit. Each row is a fresh cluster of real processes (three gateways, one api, Redis with an
append-only file, a MongoDB-protocol server), clients that talk through the fault as [protocol.md](protocol.md) tells
clients to, and a comparison of what senders were told, what receivers show and what history says at the end.

* **acked**: the sender was told that the message is stored. **lost**: acked, but history does not have it so.
* **doubled**: in history twice, or shown twice. **reordered**: anybody's order differs from history's.
* **ghosts**: in history or shown, but refused or never sent. **holes**: in history, but never shown to somebody who
  listened. **late**: the longest time that one receiver showed an event after another did, the fault included.
* **refused**: texts that must be refused, and none of them appeared. **resent**: acked after the first outcome was unknown.
  **open**: never answered. **back**: from the end of the fault until every client had an ack for something new.
* **renumbered**: the message was stored, Redis forgot it before the ack, and its repeat took another number. It is known by
  its id, shown and kept once, at its first place; the second number stays empty.
";

/// The whole document.
pub fn markdown(played: &[Played], seed: u64, options: Options) -> String {
    let mut text = HEAD.to_owned();
    let total = total(played);
    let pace = options.pace;
    let _ = writeln!(
        text,
        "\nSeed {seed}; {} plays of {} rooms with 3 clients each, at most {} messages/s and {} open ones a client; faults last {} of their time.\n",
        played.len(),
        pace.rooms,
        pace.per_second,
        pace.window,
        options.scale
    );
    let _ = writeln!(
        text,
        "**{} acked: {} lost, {} doubled, {} reordered, {} ghosts, {} holes, {} open.** {} of {} plays passed.\n",
        total.acked,
        total.lost,
        total.duplicated,
        total.reordered,
        total.ghosts,
        total.holes,
        total.unknown,
        played.iter().filter(|played| played.is_good()).count(),
        played.len()
    );
    text.push_str("| row | result | acked | lost | doubled | reordered | ghosts | holes | late | refused | resent | renumbered | open | back |\n");
    text.push_str("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n");
    for played in played {
        text.push_str(&line(played));
    }
    text.push_str("\n## Rows\n");
    let mut known = Vec::new();
    for played in played {
        if known.contains(&played.row.id) && played.row.fault != Fault::Pair {
            continue;
        }
        known.push(played.row.id);
        let pair = if played.row.fault == Fault::Pair {
            format!(" ({})", pair::name_of(played.seed))
        } else {
            String::new()
        };
        let row = played.row;
        let _ = writeln!(text, "\n**{}** {}{pair}. *Expected:* {}", row.id, row.title, row.hypothesis);
    }
    text.push_str(&failures(played));
    text
}

/// One row of the table.
pub fn line(played: &Played) -> String {
    let result = if played.is_good() { "holds" } else { "**fails**" };
    let Ok(outcome) = &played.outcome else {
        return format!("| {} | {result} | | | | | | | | | | | | |\n", played.row.id);
    };
    let Outcome { findings, hole_age_ms, recovery_ms, .. } = outcome;
    let back = recovery_ms.map_or_else(|| "never".to_owned(), seconds);
    format!(
        "| {} | {result} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {back} |\n",
        played.row.id,
        findings.acked,
        findings.lost,
        findings.duplicated,
        findings.reordered,
        findings.ghosts,
        findings.holes,
        seconds(*hole_age_ms),
        findings.refused,
        findings.recovered,
        findings.renumbered,
        findings.unknown,
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
    for played in played.iter().filter(|played| !played.is_good()) {
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

fn seconds(ms: impl std::borrow::Borrow<u64>) -> String {
    let ms = *ms.borrow();
    format!("{}.{} s", ms / 1_000, ms % 1_000 / 100)
}
