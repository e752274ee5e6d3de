//! Figures of the tokio runtime, read when somebody asks.

use std::collections::HashMap;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Counter, IntGauge, Opts};
use tokio::runtime::{Handle, RuntimeMetrics};

use super::{Description, Kind};

const WORKERS: (&str, &str) = ("rookery_runtime_workers", "Threads that run tasks.");
const TASKS: (&str, &str) = ("rookery_runtime_tasks", "Tasks that have not ended.");
const QUEUED: (&str, &str) =
    ("rookery_runtime_queued_tasks", "Tasks in the shared queue that no thread has taken yet.");
const BUSY: (&str, &str) = ("rookery_runtime_busy_seconds_total", "Time that all threads together ran tasks.");
const PARKS: (&str, &str) = ("rookery_runtime_parks_total", "Times that a thread had nothing to do.");

/// Looks at the runtime that the scrape runs on.
pub(super) struct RuntimeCollector {
    descs: Vec<Desc>,
}

impl RuntimeCollector {
    pub(super) fn new() -> Result<Self, prometheus::Error> {
        let all = [WORKERS, TASKS, QUEUED, BUSY, PARKS];
        let desc = |(name, help): (&str, &str)| Desc::new(name.into(), help.into(), Vec::new(), HashMap::default());
        Ok(Self { descs: all.into_iter().map(desc).collect::<Result<_, _>>()? })
    }
}

impl Collector for RuntimeCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let Ok(handle) = Handle::try_current() else { return Vec::new() };
        collect(&handle.metrics()).unwrap_or_default()
    }
}

fn collect(runtime: &RuntimeMetrics) -> Result<Vec<MetricFamily>, prometheus::Error> {
    let mut families = Vec::new();
    for ((name, help), value) in [
        (WORKERS, runtime.num_workers()),
        (TASKS, runtime.num_alive_tasks()),
        (QUEUED, runtime.global_queue_depth()),
    ] {
        let gauge = IntGauge::with_opts(Opts::new(name, help))?;
        gauge.set(i64::try_from(value).unwrap_or(i64::MAX));
        families.append(&mut gauge.collect());
    }
    let workers = 0..runtime.num_workers();
    let busy: f64 = workers
        .clone()
        .map(|worker| runtime.worker_total_busy_duration(worker).as_secs_f64())
        .sum();
    let parks: u64 = workers.map(|worker| runtime.worker_park_count(worker)).sum();
    // A float holds 2^53 of them exactly, which no process lives to see.
    #[expect(clippy::cast_precision_loss, reason = "see above")]
    for ((name, help), value) in [(BUSY, busy), (PARKS, parks as f64)] {
        let counter = Counter::with_opts(Opts::new(name, help))?;
        counter.inc_by(value);
        families.append(&mut counter.collect());
    }
    Ok(families)
}

pub(super) fn described() -> Vec<Description> {
    [
        (WORKERS, Kind::Gauge),
        (TASKS, Kind::Gauge),
        (QUEUED, Kind::Gauge),
        (BUSY, Kind::Counter),
        (PARKS, Kind::Counter),
    ]
    .map(|((name, help), kind)| Description { name: name.to_owned(), kind, help, labels: Vec::new() })
    .to_vec()
}
