//! How this process and MongoDB get on. One set of numbers for a process.

use std::sync::LazyLock;

use prometheus::{Histogram, IntCounter, IntGauge};
use rookery_runtime::metrics::{Description, Registrar, short_buckets};

/// The numbers of the process.
pub(super) static METRICS: LazyLock<Metrics> = LazyLock::new(|| {
    #[expect(
        clippy::expect_used,
        reason = "the names are constants, and every test on MongoDB makes them"
    )]
    Metrics::new().expect("the names of MongoDB metrics are unique")
});

/// See each help text.
pub(super) struct Metrics {
    pub(super) call_seconds: Histogram,
    pub(super) failures: IntCounter,
    pub(super) in_flight: IntGauge,
    described: Vec<Description>,
}

impl Metrics {
    fn new() -> Result<Self, prometheus::Error> {
        let mut make = Registrar::of_process("rookery_mongo");
        let metrics = Self {
            call_seconds: make.histogram(
                "call_seconds",
                "What a question to MongoDB or a change there took, the wait for a turn included.",
                short_buckets(),
            )?,
            failures: make
                .counter("failures_total", "Questions and changes without an answer in time, or with an error.")?,
            in_flight: make.gauge("calls_in_flight", "Questions and changes that wait for their answer.")?,
            described: Vec::new(),
        };
        Ok(Self { described: make.finish().1, ..metrics })
    }
}

/// What each of them means.
pub fn described() -> &'static [Description] {
    &METRICS.described
}
