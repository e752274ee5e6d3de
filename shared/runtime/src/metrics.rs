//! Numbers for Prometheus: how a part registers its metrics, and what every process counts of itself.
//!
//! A metric says what it means and which labels it has where it is made, so that `docs/metrics.md` is printed from the
//! code. Labels come from enums and constants of this code base, never from clients.

use prometheus::core::Collector;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
};

mod folders;
pub mod page;
pub mod process;
mod tokio_runtime;

pub use folders::watch_folder;
pub use process::render;

/// What a metric is for Prometheus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, until the process starts again.
    Counter,
    /// Goes up and down.
    Gauge,
    /// How often a value lay in which range.
    Histogram,
}

/// A label and its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// Its name.
    pub name: &'static str,
    /// Which values it has, as a phrase for the page.
    pub values: &'static str,
}

/// A metric as the page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The whole name, as a scrape has it.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// What it means: one sentence, with its full stop.
    pub help: &'static str,
    /// Its labels.
    pub labels: Vec<Label>,
}

/// A label with the phrase that says which values it has.
pub const fn label(name: &'static str, values: &'static str) -> Label {
    Label { name, values }
}

/// Makes metrics under one prefix, registers them and remembers what they mean.
#[derive(Debug)]
pub struct Registrar {
    registry: Registry,
    prefix: &'static str,
    described: Vec<Description>,
}

impl Registrar {
    /// For a registry of its own.
    pub fn new(prefix: &'static str) -> Self {
        Self::of(Registry::new(), prefix)
    }

    /// For what exists once in a process, whichever parts it has.
    pub fn of_process(prefix: &'static str) -> Self {
        Self::of(process::registry().clone(), prefix)
    }

    fn of(registry: Registry, prefix: &'static str) -> Self {
        Self { registry, prefix, described: Vec::new() }
    }

    /// Where the metrics are registered, and what they mean.
    pub fn finish(self) -> (Registry, Vec<Description>) {
        (self.registry, self.described)
    }

    /// A counter without labels. The name ends with `_total`.
    ///
    /// # Errors
    /// If a metric has that name already, here and in the other functions.
    pub fn counter(&mut self, name: &str, help: &'static str) -> Result<IntCounter, prometheus::Error> {
        let made = IntCounter::with_opts(self.describe(name, Kind::Counter, help, &[]))?;
        self.add(made)
    }

    /// A counter for each value of the labels.
    pub fn counters(
        &mut self,
        name: &str,
        help: &'static str,
        labels: &[Label],
    ) -> Result<IntCounterVec, prometheus::Error> {
        let made = IntCounterVec::new(self.describe(name, Kind::Counter, help, labels), &names(labels))?;
        self.add(made)
    }

    /// A gauge without labels.
    pub fn gauge(&mut self, name: &str, help: &'static str) -> Result<IntGauge, prometheus::Error> {
        let made = IntGauge::with_opts(self.describe(name, Kind::Gauge, help, &[]))?;
        self.add(made)
    }

    /// A gauge for each value of the labels.
    pub fn gauges(
        &mut self,
        name: &str,
        help: &'static str,
        labels: &[Label],
    ) -> Result<IntGaugeVec, prometheus::Error> {
        let made = IntGaugeVec::new(self.describe(name, Kind::Gauge, help, labels), &names(labels))?;
        self.add(made)
    }

    /// A histogram with these upper bounds.
    pub fn histogram(
        &mut self,
        name: &str,
        help: &'static str,
        buckets: Vec<f64>,
    ) -> Result<Histogram, prometheus::Error> {
        let common_opts = self.describe(name, Kind::Histogram, help, &[]);
        let made = Histogram::with_opts(HistogramOpts { common_opts, buckets })?;
        self.add(made)
    }

    /// A histogram for each value of the labels.
    pub fn histograms(
        &mut self,
        name: &str,
        help: &'static str,
        labels: &[Label],
        buckets: Vec<f64>,
    ) -> Result<HistogramVec, prometheus::Error> {
        let common_opts = self.describe(name, Kind::Histogram, help, labels);
        let made = HistogramVec::new(HistogramOpts { common_opts, buckets }, &names(labels))?;
        self.add(made)
    }

    fn describe(&mut self, name: &str, kind: Kind, help: &'static str, labels: &[Label]) -> Opts {
        let opts = Opts::new(name, help).namespace(self.prefix);
        let name = format!("{}_{name}", self.prefix);
        self.described.push(Description { name, kind, help, labels: labels.to_vec() });
        opts
    }

    fn add<M: Collector + Clone + 'static>(&self, made: M) -> Result<M, prometheus::Error> {
        self.registry.register(Box::new(made.clone()))?;
        Ok(made)
    }
}

/// Upper bounds for what takes from a quarter of a millisecond to some seconds.
pub fn short_buckets() -> Vec<f64> {
    std::iter::successors(Some(0.000_25), |bound| Some(bound * 2.0)).take(15).collect()
}

/// Upper bounds of the Prometheus libraries: from 5 ms to 10 s.
pub fn usual_buckets() -> Vec<f64> {
    prometheus::DEFAULT_BUCKETS.to_vec()
}

fn names(labels: &[Label]) -> Vec<&'static str> {
    labels.iter().map(|label| label.name).collect()
}
