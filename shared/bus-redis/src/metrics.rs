//! How this process and Redis get on. One set of numbers for a process, like its connections.

use std::sync::LazyLock;

use prometheus::{Histogram, IntCounter, IntGauge};
use rookery_runtime::metrics::{Description, Registrar, short_buckets};

/// The numbers of the process.
pub(super) static METRICS: LazyLock<Metrics> = LazyLock::new(|| {
    #[expect(
        clippy::expect_used,
        reason = "the names are constants, and every test on Redis makes them"
    )]
    Metrics::new().expect("the names of Redis metrics are unique")
});

/// See each help text.
pub(super) struct Metrics {
    pub(super) call_seconds: Histogram,
    pub(super) failures: IntCounter,
    pub(super) connects: IntCounter,
    pub(super) used_memory: IntGauge,
    pub(super) max_memory: IntGauge,
    described: Vec<Description>,
}

impl Metrics {
    fn new() -> Result<Self, prometheus::Error> {
        let mut make = Registrar::of_process("rookery_redis");
        let metrics = Self {
            call_seconds: make.histogram(
                "call_seconds",
                "What a script on Redis took, from the call to its answer.",
                short_buckets(),
            )?,
            failures: make.counter("failures_total", "Scripts on Redis without an answer that made sense.")?,
            connects: make
                .counter("connects_total", "Times that a connection to Redis was made, the first one included.")?,
            used_memory: make.gauge(
                "used_memory_bytes",
                "Memory that Redis uses for data, of all masters together, as it said last; 0 until it has.",
            )?,
            max_memory: make.gauge(
                "max_memory_bytes",
                "What Redis may use (`maxmemory`), of all masters together; 0 for no bound.",
            )?,
            described: Vec::new(),
        };
        Ok(Self { described: make.finish().1, ..metrics })
    }
}

/// What each of them means.
pub fn described() -> &'static [Description] {
    &METRICS.described
}
