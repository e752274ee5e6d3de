//! What a process shows to Prometheus, and what `docs/metrics.md` says about it.

use std::collections::{BTreeMap, BTreeSet};

use crate::node::Node;
use crate::rest::Rest;
use crate::tools;

/// A metric of a scrape or of the page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metric {
    /// `counter`, `gauge` or `histogram`.
    pub kind: String,
    /// What it means.
    pub help: String,
    /// Names of its labels, `le` of histograms aside.
    pub labels: BTreeSet<String>,
}

/// The text of a scrape.
pub async fn scrape(node: &Node) -> String {
    Rest::new(node.internal_url()).get("/metrics", None).await.expect(200).text
}

/// The metrics of a scrape, by name.
pub fn read(scrape: &str) -> BTreeMap<String, Metric> {
    let mut metrics = BTreeMap::<String, Metric>::new();
    for line in scrape.lines() {
        if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) {
            help.clone_into(&mut metrics.entry(name.to_owned()).or_default().help);
        } else if let Some((name, kind)) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split_once(' ')) {
            kind.clone_into(&mut metrics.entry(name.to_owned()).or_default().kind);
        } else if let Some((series, _)) = line.rsplit_once(' ') {
            let (name, labels) = series.split_once('{').unwrap_or((series, ""));
            let stem = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
            let family = stem.filter(|stem| metrics.contains_key(*stem)).unwrap_or(name);
            let labels = labels.split("\",").filter_map(|part| Some(part.split_once('=')?.0));
            let known = metrics.get_mut(family).unwrap_or_else(|| panic!("{name} has no type"));
            known.labels.extend(labels.filter(|label| *label != "le").map(str::to_owned));
        }
    }
    metrics
}

/// The metrics of `docs/metrics.md`, by section and name.
pub fn page() -> BTreeMap<String, BTreeMap<String, Metric>> {
    let path = tools::repository().join("docs/metrics.md");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (mut sections, mut title) = (BTreeMap::<String, BTreeMap<String, Metric>>::new(), String::new());
    for line in text.lines() {
        if let Some(found) = line.strip_prefix("## ") {
            found.clone_into(&mut title);
        }
        let Some(row) = line.strip_prefix("| `") else { continue };
        let cells: Vec<&str> = row.trim_end_matches(" |").split(" | ").collect();
        let [name, kind, _unit, labels, help] = *cells.as_slice() else { panic!("a row of five: {line}") };
        // Labels are told as `name`: values; the first one after each semicolon.
        let labels = labels.split("; ").filter_map(|label| label.strip_prefix('`')?.split('`').next());
        let metric =
            Metric { kind: kind.to_owned(), help: help.to_owned(), labels: labels.map(str::to_owned).collect() };
        sections
            .entry(title.clone())
            .or_default()
            .insert(name.trim_end_matches('`').to_owned(), metric);
    }
    sections
}
