//! The page of results: ratios first, because times of a shared machine say little.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;

use crate::fanout::FanoutResult;
use crate::finding::Finding;
use crate::idle::IdleResult;
use crate::ingest::IngestResult;
use crate::raw_store::StoreResult;
use crate::{Failure, show};

/// Who everybody is compared with.
const LIMIT: &str = "bare";

/// The subcommand.
#[derive(Args)]
pub(crate) struct Table {
    /// What the runs printed, one JSON object a line.
    results: PathBuf,
    /// A line about the machine and the program.
    #[arg(long, default_value = "")]
    about: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Run {
    Fanout(FanoutResult),
    Idle(IdleResult),
    Ingest(IngestResult),
    Store(StoreResult),
    Finding(Finding),
}

#[derive(Default)]
struct Runs {
    fanouts: Vec<FanoutResult>,
    idles: Vec<IdleResult>,
    ingests: Vec<IngestResult>,
    stores: Vec<StoreResult>,
    findings: Vec<Finding>,
}

impl Table {
    pub(crate) fn write(self) -> Result<(), Failure> {
        let mut runs = Runs::default();
        for line in std::fs::read_to_string(&self.results)?.lines().filter(|line| !line.is_empty()) {
            match serde_json::from_str(line)? {
                Run::Fanout(run) => runs.fanouts.push(run),
                Run::Idle(run) => runs.idles.push(run),
                Run::Ingest(run) => runs.ingests.push(run),
                Run::Store(run) => runs.stores.push(run),
                Run::Finding(finding) => runs.findings.push(finding),
            }
        }
        let mut page = format!("# Benchmarks\n\nWritten by `make bench`; do not edit. {}\n", self.about);
        page.push_str("Which targets are missed, what was tried and what is next: [profiles.md](profiles.md).\n");
        runs.findings(&mut page)?;
        runs.fanouts(&mut page)?;
        runs.idles(&mut page)?;
        runs.ingests(&mut page)?;
        runs.stores(&mut page)?;
        show(&page)
    }
}

/// All but what a delivery does not wait for: peers store nothing.
fn delivering(parts: &[(String, f64)]) -> f64 {
    let stores = |name: &str| name.starts_with("api") || name == "mongo";
    parts.iter().filter(|(name, _)| !stores(name)).map(|(_, part)| part).sum()
}

/// Without digits that mean nothing.
fn shown(value: f64) -> String {
    let digits = match value.abs() {
        whole if whole >= 100.0 || whole.fract() == 0.0 => 0,
        some if some >= 10.0 => 1,
        _ => 2,
    };
    format!("{value:.digits$}")
}

fn list(parts: &[(String, f64)]) -> String {
    let each: Vec<String> = parts.iter().map(|(name, part)| format!("{name} {part:.1}")).collect();
    each.join(", ")
}

impl Runs {
    fn fanouts(&self, page: &mut String) -> std::fmt::Result {
        if self.fanouts.is_empty() {
            return Ok(());
        }
        page.push_str(
            "\n## Delivery\n\nCPU of gateway (or peer) and Redis for one delivery, as a multiple of the bare limit in the same \
             run: one thread that writes as many bytes as ours to each socket. What ours spends on storing is told beside \
             it and not counted; the peers store nothing. Missing is what had not come when the run ended.\n\n\
             | shape | server | × bare | µs per delivery | bytes | deliveries | missing | late p50 / p99 ms |\n\
             |---|---|---|---|---|---|---|---|\n",
        );
        for run in &self.fanouts {
            let limit = self.fanouts.iter().find(|other| other.row == run.row && other.server == LIMIT);
            let times = |limit: &FanoutResult| format!("{:.2}", delivering(&run.cpu_us) / delivering(&limit.cpu_us));
            let times = limit.map_or_else(|| "–".to_owned(), times);
            writeln!(
                page,
                "| {} | {} | {times} | {} | {:.0} | {} | {} | {:.1} / {:.1} |",
                run.row,
                run.server,
                list(&run.cpu_us),
                run.frame_bytes,
                run.deliveries,
                run.missing,
                run.latency_ms.p50,
                run.latency_ms.p99
            )?;
        }
        Ok(())
    }

    fn findings(&self, page: &mut String) -> std::fmt::Result {
        if self.findings.is_empty() {
            return Ok(());
        }
        page.push_str("\n## Targets\n\n| part | what | measured | target | met |\n|---|---|---|---|---|\n");
        for Finding { part, what, measured, unit, target } in &self.findings {
            let (wanted, met) = match target {
                None => (String::new(), ""),
                Some(target) if target.is_met(*measured) => (target.to_string(), "yes"),
                Some(target) => (target.to_string(), "**no**"),
            };
            writeln!(page, "| {part} | {what} | {} {unit} | {wanted} | {met} |", shown(*measured))?;
        }
        Ok(())
    }

    fn idles(&self, page: &mut String) -> std::fmt::Result {
        if self.idles.is_empty() {
            return Ok(());
        }
        page.push_str(
            "\n## Idle connections\n\n| server | connections | rooms of each | KiB of each | CPU µs per second of each |\n\
             |---|---|---|---|---|\n",
        );
        for run in &self.idles {
            let (rss, cpu) = (list(&run.rss_kib), list(&run.cpu_us_per_s));
            let IdleResult { idle_server, connections, rooms_per_connection, .. } = run;
            writeln!(page, "| {idle_server} | {connections} | {rooms_per_connection} | {rss} | {cpu} |")?;
        }
        Ok(())
    }

    fn ingests(&self, page: &mut String) -> std::fmt::Result {
        if self.ingests.is_empty() {
            return Ok(());
        }
        page.push_str(
            "\n## Ingest\n\nFrom the moment a message was due to its ack, and from its time of acceptance to the ack \
             (lag); p50 / p99 / max in ms. History is compared with the senders' ledger afterwards.\n\n\
             | run | messages/s | sent | acked | ack | lag | delivered | log at most | lost | twice | ghosts |\n\
             |---|---|---|---|---|---|---|---|---|---|---|\n",
        );
        for run in &self.ingests {
            let times = [run.ack_ms, run.lag_ms, run.delivery_ms]
                .map(|times| format!("{:.0} / {:.0} / {:.0}", times.p50, times.p99, times.max))
                .join(" | ");
            let counts = [run.lost, run.twice, run.ghosts]
                .map(|count| count.map_or_else(|| "–".to_owned(), |count| count.to_string()))
                .join(" | ");
            let IngestResult { ingest_row, rate, sent, acked, depth_max, .. } = run;
            writeln!(page, "| {ingest_row} | {rate} | {sent} | {acked} | {times} | {depth_max} | {counts} |")?;
        }
        Ok(())
    }

    fn stores(&self, page: &mut String) -> std::fmt::Result {
        if self.stores.is_empty() {
            return Ok(());
        }
        page.push_str(
            "\nThe database alone: inserts of the same documents by the driver, majority and journal, same indexes.\n\n\
             | documents of an insert | inserts at once | documents/s | one insert p50 / p99 ms |\n|---|---|---|---|\n",
        );
        for StoreResult { store_batch, writers, documents_per_s, insert_ms } in &self.stores {
            let (p50, p99) = (insert_ms.p50, insert_ms.p99);
            writeln!(page, "| {store_batch} | {writers} | {documents_per_s:.0} | {p50:.1} / {p99:.1} |")?;
        }
        Ok(())
    }
}
