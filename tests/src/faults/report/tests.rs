use super::*;

fn entry(row: &str, seed: u64, sources: &str) -> Entry {
    let findings = Findings { acked: 100, refused: 1, ..Findings::default() };
    let figures = Figures { findings, talk_ms: 1_000, back_ms: Some(1_000), ..Figures::default() };
    Entry {
        row: row.to_owned(),
        seed,
        slowed: seed % 2 == 1,
        verdict: Verdict::Holds,
        make: Make {
            sources: sources.to_owned(),
            commit: format!("commit-{sources}"),
            build: "debug".to_owned(),
            pace: "slow".to_owned(),
        },
        took_ms: 30_000,
        figures: Some(figures),
        remarks: Vec::new(),
    }
}

fn cells<'a>(text: &'a str, row: &str) -> Vec<&'a str> {
    let start = format!("| {row} |");
    let line = text.lines().find(|line| line.starts_with(&start)).unwrap();
    line.trim_matches('|').split('|').map(str::trim).collect()
}

fn cell<'a>(text: &'a str, row: &str, column: &str) -> &'a str {
    let place = COLUMNS.iter().chain([&SEEDS]).position(|name| *name == column).unwrap();
    cells(text, row)[place]
}

#[test]
fn a_line_sums_the_plays_of_its_row_and_tells_median_and_worst() {
    let mut entries: Vec<Entry> = (0..6).map(|seed| entry("F13", seed, "a")).collect();
    for (entry, back_ms) in entries.iter_mut().zip([1_000, 7_000, 2_000, 30_000, 3_900, 8_000]) {
        entry.figures.as_mut().unwrap().back_ms = Some(back_ms);
    }
    entries[3].verdict = Verdict::Slow;
    entries[4].verdict = Verdict::Fails;
    entries[4].figures.as_mut().unwrap().findings.ghosts = 3;
    entries[4].remarks = vec!["three ghosts\nin a room".to_owned()];
    let text = markdown(&entries, "", "a machine.");
    for (column, expected) in [
        ("plays", "6 / 3"),
        ("held", "4"),
        ("slow", "1"),
        ("failed", "1"),
        ("acked", "600"),
        ("ghosts", "3"),
        ("back", "2.0 s, 3.9 s of 5 s"),
        ("back, slowed", "8.0 s, 30.0 s of 20 s"),
        ("commit", "commit-a, debug"),
        ("seeds", "3, 4"),
    ] {
        assert_eq!(cell(&text, "F13", column), expected, "{column}");
    }
    assert!(text.contains(
        "**These results: 6 plays of 1 rows; 600 acked: 0 lost, 0 doubled, 0 reordered, 0 misplaced, 3 ghosts"
    ));
    assert!(text.contains("### F13 fails, seed 4\n\n    three ghosts\n    in a room\n"), "{text}");
    assert!(text.contains("### F13 is slow, seed 3\n"));
}

#[test]
fn only_plays_of_the_newest_make_count() {
    let entries = [entry("F13", 0, "a"), entry("F13", 2, "a"), entry("F11a", 2, "a"), entry("F13", 4, "b")];
    let text = markdown(&entries, "", "");
    assert_eq!((cell(&text, "F13", "plays"), cell(&text, "F13", "commit")), ("1 / 0", "commit-b, debug"));
    assert_eq!(cell(&text, "F11a", "commit"), "commit-a, debug");
    // A make that is not known is like no other, not even like itself.
    let text = markdown(&[entry("F13", 0, ""), entry("F13", 2, "")], "", "");
    assert_eq!(cell(&text, "F13", "plays"), "1 / 0");
}

#[test]
fn rows_without_a_play_keep_their_line_and_every_row_its_description() {
    let before = markdown(&[entry("F01", 0, "a"), entry("F13", 0, "a")], "", "");
    let after = markdown(&[entry("F13", 2, "b")], &before, "");
    assert_eq!(cells(&after, "F01"), cells(&before, "F01"));
    assert_eq!(cell(&after, "F13", "commit"), "commit-b, debug");
    assert_eq!(cell(&after, "F02", "plays"), "");
    for row in ALL {
        assert!(after.contains(&format!("\n**{}** {}", row.id, row.title)), "{}", row.id);
    }
    // A line of another form is not taken for one of this.
    assert_eq!(cell(&markdown(&[], "| F01 | holds | 36277 |\n", ""), "F01", "plays"), "");
}

#[test]
fn a_play_that_did_not_end_counts_as_failed() {
    let broken = Entry { figures: None, verdict: Verdict::Fails, ..entry("F13", 7, "a") };
    let text = markdown(&[broken], "", "");
    assert_eq!((cell(&text, "F13", "failed"), cell(&text, "F13", "back, slowed")), ("1", ""));
    let mut never = entry("F13", 8, "a");
    never.figures.as_mut().unwrap().back_ms = None;
    assert_eq!(cell(&markdown(&[never], "", ""), "F13", "back"), "never, never of 5 s");
}
