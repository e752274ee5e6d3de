//! `docs/metrics.md`: a section for each part.

use std::fmt::Write as _;

use super::{Description, Kind};

/// How the page begins; the sections follow, each printed by the program that has its metrics.
pub const HEAD: &str = "# Metrics\n\n\
    Printed by `rookery metrics`, `rookery-gateway metrics` and `rookery-api metrics`; do not edit.\n\n\
    What `/metrics` of the internal listeners shows, in the Prometheus format. Counters begin at zero with the process. A \
    counter or histogram with labels has a series for each value that occurred. Histograms have `_bucket`, `_sum` and \
    `_count`, and the label `le`. [operations.md](operations.md#what-to-watch) says which of them to look at when.\n";

/// A section of the page: the title and the metrics below it, by name.
pub fn section(title: &str, metrics: &[Description]) -> String {
    let mut rows: Vec<&Description> = metrics.iter().collect();
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    let mut text = format!("\n## {title}\n\n| metric | type | unit | labels | meaning |\n|---|---|---|---|---|\n");
    for row in rows {
        let labels: Vec<String> =
            row.labels.iter().map(|label| format!("`{}`: {}", label.name, label.values)).collect();
        // Writing to a text does not fail.
        writeln!(
            text,
            "| `{}` | {} | {} | {} | {} |",
            row.name,
            kind(row.kind),
            unit(row),
            labels.join("; "),
            row.help
        )
        .ok();
    }
    text
}

const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
    }
}

/// Prometheus names say the unit; what says none is a number of things.
fn unit(metric: &Description) -> &'static str {
    let name = metric.name.trim_end_matches("_total");
    if name.ends_with("_seconds") {
        "seconds"
    } else if name.ends_with("_bytes") {
        "bytes"
    } else {
        "number"
    }
}
