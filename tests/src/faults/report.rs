//! The document: each row's hypothesis and what came of its plays, and where they were played.

use std::fmt::Write as _;

use super::ledger::Findings;
use super::results::{Entry, Figures, Make, Verdict};
use super::rows::table::{ALL, NOT_PLAYED};
use super::rows::{Fault, Row, pair};
use super::run::{Played, allowed_ms};

const HEAD: &str = "# Faults

Written by `make faults`; do not edit. Each play of a row is a fresh cluster of real processes (three gateways, one api, Redis
with an append-only file, a MongoDB-protocol server, more where the row says so), clients that talk through the fault as
[protocol.md](protocol.md) tells clients to, and a comparison of what senders were told, what receivers show and what history
says at the end. Every second play has a slow database: its server is stopped for 80 of every 100 ms, and then all times that a
row allows are four times as long.

A line has all plays of its row that the newest sources had, with the commit and the build. Rows that were not played since keep
their line. Counts are sums over the plays, times the worst of them.

* **plays**: all, those with the slow database behind the stroke. **held**, **slow**, **failed**: how they ended; a play that
  holds but takes longer than it may is slow, and fails the run like one that does not hold.
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
* **back**: from the end of the fault until every client had an ack for something new: median, worst, and the time it may
  take; the same for plays with the slow database.
* **seeds**: of plays that were slow or failed; `make faults ROW=… SEED=…` repeats one.
";
const COLUMNS: [&str; 21] = [
    "row",
    "plays",
    "held",
    "slow",
    "failed",
    "acked",
    "lost",
    "doubled",
    "reordered",
    "misplaced",
    "ghosts",
    "holes",
    "open",
    "late",
    "refused",
    "later",
    "resent",
    "renumbered",
    "back",
    "back, slowed",
    "commit",
];
const SEEDS: &str = "seeds";
const RULE: &str = "---|";
/// Plays that are told of in detail.
const DETAILS_MAX: usize = 40;

/// All that is known of one row: the plays of its newest make.
struct Line<'a> {
    row: &'a Row,
    entries: Vec<&'a Entry>,
}

/// The whole document. `before` is the one that is there; `machine` is where the last play was made.
pub fn markdown(entries: &[Entry], before: &str, machine: &str) -> String {
    let lines: Vec<Line<'_>> = ALL.iter().map(|row| Line::of(row, entries)).collect();
    let kept = |row: &Row| {
        let start = format!("| {} |", row.id);
        before
            .lines()
            .find(|line| line.starts_with(&start) && line.matches('|').count() == COLUMNS.len() + 2)
    };
    let mut text = format!("{HEAD}\n");
    if !entries.is_empty() {
        text.push_str(&circumstances(&lines, machine));
    }
    let _ = writeln!(text, "| {} | {SEEDS} |\n|{}", COLUMNS.join(" | "), RULE.repeat(COLUMNS.len() + 1));
    for line in &lines {
        match (line.entries.is_empty(), kept(line.row)) {
            (false, _) => text.push_str(&line.text()),
            (true, Some(kept)) => {
                let _ = writeln!(text, "{kept}");
            }
            (true, None) => {
                let _ = writeln!(text, "| {} |{}", line.row.id, " |".repeat(COLUMNS.len()));
            }
        }
    }
    text.push_str("\n## Rows\n");
    text.extend(lines.iter().map(hypothesis));
    text.push_str("\n## Not played\n\n");
    for (ids, why) in NOT_PLAYED {
        let _ = writeln!(text, "* {ids}: {why}.");
    }
    let bad = lines
        .iter()
        .flat_map(|line| &line.entries)
        .filter(|entry| entry.verdict != Verdict::Holds);
    text.extend(bad.take(DETAILS_MAX).map(|entry| details(entry)));
    text
}

impl<'a> Line<'a> {
    fn of(row: &'a Row, entries: &'a [Entry]) -> Self {
        let of_row = || entries.iter().filter(|entry| entry.row == row.id);
        let Some(newest) = of_row().next_back() else { return Self { row, entries: Vec::new() } };
        let entries = of_row().filter(|entry| std::ptr::eq(*entry, newest) || entry.make.is_like(&newest.make));
        Self { row, entries: entries.collect() }
    }

    fn figures(&self) -> impl Iterator<Item = &'a Figures> {
        self.entries.iter().filter_map(|entry| entry.figures.as_ref())
    }

    fn count(&self, verdict: Verdict) -> usize {
        self.entries.iter().filter(|entry| entry.verdict == verdict).count()
    }

    fn text(&self) -> String {
        let slowed = self.entries.iter().filter(|entry| entry.slowed).count();
        let sum = sum(self.figures());
        let worst = |time: fn(&Figures) -> u64| seconds(self.figures().map(time).max().unwrap_or(0));
        let later: usize = self.figures().map(|figures| figures.told_later).sum();
        let mut cells = vec![self.row.id.to_owned(), format!("{} / {slowed}", self.entries.len())];
        let numbers = |numbers: &[usize]| numbers.iter().map(usize::to_string).collect::<Vec<_>>();
        cells.extend(numbers(&[self.count(Verdict::Holds), self.count(Verdict::Slow), self.count(Verdict::Fails)]));
        cells.extend(numbers(&[sum.acked, sum.lost, sum.duplicated, sum.reordered, sum.misplaced]));
        cells.extend(numbers(&[sum.ghosts, sum.holes, sum.unknown]));
        cells.push(format!("{} / {}", worst(|figures| figures.late_ms), worst(|figures| figures.late_after_ms)));
        cells.extend(numbers(&[sum.refused, later, sum.recovered, sum.renumbered]));
        cells.extend([self.back(false), self.back(true), self.make()]);
        let bad = self.entries.iter().filter(|entry| entry.verdict != Verdict::Holds);
        let seeds: Vec<String> = bad.map(|entry| entry.seed.to_string()).collect();
        format!("| {} | {} |\n", cells.join(" | "), seeds.join(", "))
    }

    /// Median, worst, and what is allowed.
    fn back(&self, slowed: bool) -> String {
        let times = self.entries.iter().filter(|entry| entry.slowed == slowed);
        let times = times.filter_map(|entry| Some(entry.figures.as_ref()?.back_ms.unwrap_or(u64::MAX)));
        let mut times: Vec<u64> = times.collect();
        times.sort_unstable();
        let (Some(median), Some(worst)) = (times.get(times.len() / 2), times.last()) else {
            return String::new();
        };
        let told = |ms: u64| if ms == u64::MAX { "never".to_owned() } else { seconds(ms) };
        format!("{}, {} of {} s", told(*median), told(*worst), allowed_ms(self.row, slowed, 1) / 1_000)
    }

    fn make(&self) -> String {
        let Some(Make { commit, build, .. }) = self.entries.last().map(|entry| &entry.make) else {
            return String::new();
        };
        format!("{commit}, {build}")
    }
}

fn circumstances(lines: &[Line<'_>], machine: &str) -> String {
    let figures = || lines.iter().flat_map(Line::figures);
    let entries = || lines.iter().flat_map(|line| &line.entries);
    let total = sum(figures());
    let talk_s = (figures().map(|figures| figures.talk_ms).sum::<u64>() / 1_000).max(1);
    let [held, slow, failed] = [Verdict::Holds, Verdict::Slow, Verdict::Fails]
        .map(|verdict| lines.iter().map(|line| line.count(verdict)).sum::<usize>());
    let mut paces: Vec<&str> = entries().map(|entry| entry.make.pace.as_str()).collect();
    paces.sort_unstable();
    paces.dedup();
    format!(
        "The last play was made with {machine}\n\nRooms have 3 clients each: {}.\n\n\
         **These results: {} plays of {} rows; {} acked: {} lost, {} doubled, {} reordered, {} misplaced, {} ghosts, {} holes, {} open.** \
         Plays that held: {held}, slowly: {slow}, not: {failed}. {} acked a second of talk.\n\n",
        paces.join("; "),
        entries().count(),
        lines.iter().filter(|line| !line.entries.is_empty()).count(),
        total.acked,
        total.lost,
        total.duplicated,
        total.reordered,
        total.misplaced,
        total.ghosts,
        total.holes,
        total.unknown,
        total.acked as u64 / talk_s,
    )
}

fn hypothesis(line: &Line<'_>) -> String {
    let row = line.row;
    let mut pairs = String::new();
    if row.fault == Fault::Pair && !line.entries.is_empty() {
        let names = line
            .entries
            .iter()
            .map(|entry| format!("{} with seed {}", pair::name_of(entry.seed), entry.seed));
        pairs = format!(" ({})", names.collect::<Vec<_>>().join("; "));
    }
    let holds: Vec<&str> = row.holds.iter().map(|hold| hold.words()).collect();
    let checked = if holds.is_empty() {
        String::new()
    } else {
        format!(" *Checked:* {}.", holds.join("; "))
    };
    format!("\n**{}** {}{pairs}. *Expected:* {}{checked}\n", row.id, row.title, row.hypothesis)
}

fn details(entry: &Entry) -> String {
    let mut text = format!("\n### {} {}, seed {}\n\n", entry.row, word(entry.verdict), entry.seed);
    for line in entry.remarks.iter().flat_map(|remark| remark.lines()) {
        let _ = writeln!(text, "    {line}");
    }
    text
}

/// One play in one line, for the terminal.
pub fn line(played: &Played) -> String {
    let play = &played.play;
    let speed = if play.slowed { "slow database" } else { "database at its own speed" };
    let start = format!("{} seed {}, {speed}: {}", play.row.id, play.seed, word(played.verdict()));
    let Some(figures) = played.figures() else { return start };
    let Findings { acked, lost, duplicated, reordered, misplaced, ghosts, holes, unknown, .. } = figures.findings;
    let back = figures.back_ms.map_or_else(|| "never".to_owned(), seconds);
    let allowed_s = played.allowed_ms / 1_000;
    format!(
        "{start}; back {back} of {allowed_s} s; {acked} acked, {lost} lost, {duplicated} doubled, {reordered} reordered, \
         {misplaced} misplaced, {ghosts} ghosts, {holes} holes, {unknown} open"
    )
}

const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => "holds",
        Verdict::Slow => "is slow",
        Verdict::Fails => "fails",
    }
}

fn sum<'a>(figures: impl Iterator<Item = &'a Figures>) -> Findings {
    let mut total = Findings::default();
    figures.for_each(|figures| total.add(&figures.findings));
    total
}

fn seconds(ms: u64) -> String {
    format!("{}.{} s", ms / 1_000, ms % 1_000 / 100)
}

#[cfg(test)]
mod tests;
