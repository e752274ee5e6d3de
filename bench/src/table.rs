//! The page of results: ratios first, because times of a shared machine say little.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;

use crate::fanout::FanoutResult;
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
}

#[derive(Default)]
struct Runs {
    fanouts: Vec<FanoutResult>,
    idles: Vec<IdleResult>,
    ingests: Vec<IngestResult>,
    stores: Vec<StoreResult>,
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
            }
        }
        let mut page = format!("# Benchmarks\n\nWritten by `make bench`; do not edit. {}\n", self.about);
        runs.fanouts(&mut page)?;
        runs.idles(&mut page)?;
        runs.ingests(&mut page)?;
        runs.stores(&mut page)?;
        show(&page);
        Ok(())
    }
}

fn sum(parts: &[(String, f64)]) -> f64 {
    parts.iter().map(|(_, part)| part).sum()
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
            "\n## Delivery\n\nCPU of all server processes for one delivery, Redis included, as a multiple of the bare \
             limit in the same run: one thread that writes the same number of bytes to each socket.\n\n\
             | shape | server | × bare | µs per delivery | bytes | deliveries | missing | late p50 / p99 ms |\n\
             |---|---|---|---|---|---|---|---|\n",
        );
        for run in &self.fanouts {
            let limit = self.fanouts.iter().find(|other| other.row == run.row && other.server == LIMIT);
            let limit = limit.map_or(f64::NAN, |limit| sum(&limit.cpu_us));
            writeln!(
                page,
                "| {} | {} | {:.2} | {} | {:.0} | {} | {} | {:.1} / {:.1} |",
                run.row,
                run.server,
                sum(&run.cpu_us) / limit,
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
