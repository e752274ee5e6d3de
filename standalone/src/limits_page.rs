//! `docs/limits.md`: every bound that a client or an operator can meet, with its value, what happens beyond it, and
//! the name under which that is counted. Values are those of the constants, sentences those that stand above them.

use std::fmt::Write as _;
use std::time::Duration;

use rookery_protocol::cost::{PRICES, Price};
use rookery_runtime::config::Setting;
use rows::{CHOSEN, ROWS};

mod rows;

/// The files whose sentences are quoted.
const SOURCE: &str = concat!(
    include_str!("../../shared/protocol/src/limits.rs"),
    include_str!("../../shared/runtime/src/limits.rs"),
    include_str!("../../shared/bus/src/limits.rs"),
    include_str!("../../shared/bus-redis/src/limits.rs"),
    include_str!("../../api/store/src/limits.rs"),
    include_str!("../../api/store-mongo/src/limits.rs"),
    include_str!("../../api/store-sqlite/src/limits.rs"),
    include_str!("../../api/media/src/limits.rs"),
    include_str!("../../api/src/limits.rs"),
    include_str!("../../api/server/src/limits.rs"),
    include_str!("../../gateway/src/limits.rs"),
    include_str!("../../gateway/server/src/limits.rs"),
);

const HEAD: &str = "# Limits\n\n\
    Printed by `rookery limits`; do not edit.\n\n\
    Every bound that a client or an operator can meet, and what happens beyond it: an error code of a frame or a problem \
    document, a close code, or an HTTP status. The last column is the label under which each time is counted, in \
    `rookery_gateway_limited_total{limit=\"…\"}` and `rookery_api_limited_total{limit=\"…\"}`. What is said without a label \
    is the answer to a single wrong value, or no refusal.\n";

const CHOSEN_HEAD: &str = "\n## What operators choose\n\n\
    The defaults of `rookery`; see [configuration.md](configuration.md) for the rest. `100/50` is 100 at once, then one per 50 ms. Limits \
    of users and addresses hold over all nodes together; `limits = \"off\"` switches all rates and numbers of sockets of users, addresses \
    and rooms off, for load tests; `connections_max`, `accepts_per_second`, slow mode and frozen rooms stay.\n\n\
    | setting | default | beyond it | counted as |\n|---|---|---|---|\n";

const COST_HEAD: &str = "\n## What a command costs\n\n\
    Tokens of `limit_user_commands`, in proportion to what the servers have to do. What costs more than the burst costs all of it.\n\n\
    | frame or request | tokens |\n|---|---|\n";

const INSIDE: &str = "\n## Inside\n\n\
    Bounds that nobody meets from outside; their sentences are in `limits.rs` of each crate.\n\n";

/// A bound as it is shown.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) value: fn() -> String,
    pub(super) beyond: &'static str,
    pub(super) label: &'static str,
}

/// How a bound's value is printed.
pub(super) trait DisplayBound {
    fn display(&self) -> String;
}

macro_rules! display_as_number {
    ($($type:ty),+) => { $(impl DisplayBound for $type { fn display(&self) -> String { thousands(&self.to_string()) } })+ };
}
display_as_number!(u16, u32, u64, usize);

impl DisplayBound for Duration {
    fn display(&self) -> String {
        let (ms, seconds) = (self.as_millis(), self.as_secs());
        match (ms % 1_000, seconds % 60, seconds % 3_600) {
            (1.., _, _) => format!("{ms} ms"),
            (0, 1.., _) => format!("{seconds} s"),
            (0, 0, 1..) => format!("{} min", seconds / 60),
            (0, 0, 0) => format!("{} h", seconds / 3_600),
        }
    }
}

/// The whole page. `settings` have the defaults.
pub(crate) fn page(settings: &[Setting]) -> String {
    let mut text = format!("{HEAD}{CHOSEN_HEAD}");
    for (key, beyond, label) in CHOSEN {
        let default = settings.iter().find(|setting| setting.key == key).and_then(|setting| setting.default);
        line(&mut text, [&format!("`{key}`"), default.unwrap_or("none"), beyond, &counted(label)]);
    }
    text.push_str(COST_HEAD);
    for Price { what, tokens } in &PRICES {
        line(&mut text, [what, tokens]);
    }
    let mut inside = Vec::new();
    for (title, names) in sections() {
        let rows: Vec<&Row> = names.iter().filter_map(|name| ROWS.iter().find(|row| row.name == *name)).collect();
        inside.extend(names.into_iter().filter(|name| !ROWS.iter().any(|row| row.name == *name)));
        if !rows.is_empty() {
            section(&mut text, title, &rows);
        }
    }
    text.push_str(INSIDE);
    let names: Vec<String> = inside.iter().map(|name| format!("`{name}`")).collect();
    text.push_str(&names.join(", "));
    text.push_str(".\n");
    text
}

fn section(text: &mut String, title: &str, rows: &[&Row]) {
    let mut first = title.chars();
    let title = first
        .next()
        .map(|letter| letter.to_uppercase().to_string() + first.as_str())
        .unwrap_or_default();
    // Writing to a text does not fail.
    writeln!(text, "\n## {title}\n\n| bound | value | of what | beyond it | counted as |\n|---|---|---|---|---|").ok();
    for row in rows {
        let name = format!("`{}`", row.name);
        line(text, [&name, &(row.value)(), &sentence(row.name), row.beyond, &counted(row.label)]);
    }
}

fn line<const N: usize>(text: &mut String, cells: [&str; N]) {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    writeln!(text, "| {} |", cells.join(" | ")).ok();
}

fn counted(label: &str) -> String {
    if label.is_empty() { String::new() } else { format!("`{label}`") }
}

/// The sections of the files, and the names in each; a section that several files have comes once.
fn sections() -> Vec<(&'static str, Vec<&'static str>)> {
    let mut sections: Vec<(&str, Vec<&str>)> = Vec::new();
    let mut current = None;
    for line in SOURCE.lines() {
        if let Some(title) = line.strip_prefix("// --- ") {
            let title = title.trim_end_matches('-').trim();
            let known = sections.iter().position(|(known, _)| *known == title);
            current = Some(known.unwrap_or_else(|| {
                sections.push((title, Vec::new()));
                sections.len() - 1
            }));
        } else if let (Some(name), Some(current)) = (name_in(line), current) {
            sections[current].1.push(name);
        }
    }
    sections
}

fn name_in(line: &'static str) -> Option<&'static str> {
    let line = line.strip_prefix("pub const ").or_else(|| line.strip_prefix("pub(crate) const "))?;
    line.split(':').next()
}

/// What stands above a bound.
fn sentence(name: &str) -> String {
    let mut words = Vec::new();
    for line in SOURCE.lines() {
        match line.strip_prefix("/// ") {
            Some(part) => words.push(part),
            None if name_in(line) == Some(name) => break,
            None => words.clear(),
        }
    }
    words.join(" ").replace("[`", "`").replace("`]", "`")
}

fn thousands(digits: &str) -> String {
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use rookery_bus::quota::Limit;
    use rookery_protocol::bounds;

    #[test]
    fn every_row_is_a_bound_with_a_sentence() {
        for row in ROWS {
            let times = sections().iter().flat_map(|(_, names)| names).filter(|name| **name == row.name).count();
            assert_eq!(times, 1, "{}", row.name);
            assert!(sentence(row.name).ends_with('.'), "{}", row.name);
            assert_eq!(ROWS.iter().filter(|other| other.name == row.name).count(), 1, "{} is there twice", row.name);
        }
    }

    #[test]
    fn everything_that_is_counted_is_on_the_page() {
        let of_rows = ROWS.iter().map(|row| row.label).chain(CHOSEN.iter().map(|row| row.2));
        let shown: Vec<&str> = of_rows.collect();
        let listener = [
            "connections",
            "accepts",
            "descriptors",
            "pending_sockets",
            "address_connections",
            "address_accepts",
            "answer",
        ];
        for label in bounds::labels().chain(Limit::ALL.map(Limit::as_str)).chain(listener) {
            assert!(shown.contains(&label), "{label}");
        }
    }

    #[test]
    fn values_are_readable() {
        assert_eq!(32_768_usize.display(), "32,768");
        assert_eq!(999_u32.display(), "999");
        let span = |ms| Duration::from_millis(ms).display();
        assert_eq!([span(250), span(10_000), span(120_000), span(3_600_000)], ["250 ms", "10 s", "2 min", "1 h"]);
        assert_eq!(sentence("PARTITIONS"), "Partitions of the rooms; fixed when a cluster is first started.");
    }
}
