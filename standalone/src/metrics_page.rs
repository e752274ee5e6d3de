//! The head of `docs/metrics.md`, and what every process and the one process count. The rest is printed by the programs of a
//! cluster, which have what it is about.

use rookery_api::journal;
use rookery_runtime::metrics::page::{HEAD, section};
use rookery_runtime::metrics::process;
use rookery_runtime::trace;

/// The first part of the page.
pub(crate) fn page() -> String {
    let process = section("Every process", &[&process::described(), trace::described()].concat());
    let journal = section("The one process", journal::described());
    let both = "\n`rookery` has those of gateways and apis as well, except those of ingest, Redis and MongoDB.\n";
    format!("{HEAD}{process}{journal}{both}")
}
