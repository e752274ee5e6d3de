//! The api's Prometheus metrics: every name, its meaning and its labels in one place. Labels come from fixed sets.

use std::time::Duration;

use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};
use rookery_runtime::listener::Refusals;
use rookery_runtime::token::KeySet;

/// All metrics of one process. Handles are cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    /// Requests by method, route pattern and status class.
    pub(crate) requests: IntCounterVec,
    /// Seconds from a request's head to its answer, by route pattern.
    pub(crate) request_seconds: HistogramVec,
    /// Passwords that wait for a processor.
    pub(crate) passwords_waiting: IntGauge,
    /// Announcements that the store has decided and the bus has not carried, as seen at the last look.
    pub(crate) announcements_pending: IntGauge,
    /// Announcements carried to the bus.
    pub(crate) announcements: IntCounter,
    /// REST sends that wait for "stored".
    pub(crate) stored_waits: IntGauge,
    /// REST sends answered before they were stored.
    pub(crate) sends_unstored: IntCounter,
    /// Rooms whose state was built on the bus.
    pub(crate) rooms_opened: IntCounter,
    /// Epochs allocated because the bus had lost or rewound a partition.
    pub(crate) epochs_allocated: IntCounter,
    /// History pages served without the bus, because it did not answer.
    pub(crate) history_without_bus: IntCounter,
    /// Refusals because a bound was reached, by its name in `docs/limits.md`.
    pub(crate) limited: IntCounterVec,
    /// Read marks that moved on.
    pub(crate) reads_marked: IntCounter,
    /// Rooms whose unread messages were counted in the store.
    pub(crate) unread_counts: IntCounter,
    /// Such counts that ended at the bound.
    pub(crate) unread_capped: IntCounter,
    /// Subscriptions answered without unread counts because too many others were counting.
    pub(crate) unread_left_out: IntCounter,
    /// Events that ingest has stored.
    pub ingested: IntCounter,
    /// Seconds from an event's number, by the clock of the bus, until its batch is stored: of the first of each batch.
    pub ingest_seconds: Histogram,
    /// History pages that were read from the store; more were answered, where many asked for one at once.
    pub(crate) history_reads: IntCounter,
    /// History pages that were refused because too many are being read.
    pub(crate) history_refused: IntCounter,
    /// Reads of the store for gateways that lacked events; many who lacked the same are one.
    pub(crate) missed_reads: IntCounter,
    /// Sessions that were erased after their end.
    pub(crate) sessions_purged: IntCounter,
    /// The keys in use, by id and by whether they sign.
    keys: IntGaugeVec,
    /// Times that the folder of the keys made no sense.
    pub(crate) key_failures: IntCounter,
}

/// A metric is named twice or badly; a defect.
#[derive(Debug, thiserror::Error)]
#[error("metrics: {0}")]
pub struct MetricsError(#[from] prometheus::Error);

impl Metrics {
    /// Registers every metric in a registry of its own.
    pub fn new() -> Result<Self, MetricsError> {
        let registry = Registry::new();
        let add = Adder(&registry);
        Ok(Self {
            requests: add.counters("rookery_api_requests_total", "Requests.", &["method", "route", "status"])?,
            request_seconds: add.seconds("rookery_api_request_seconds", "Time to the answer.", &["route"])?,
            passwords_waiting: add.gauge("rookery_api_passwords_waiting", "Passwords that wait for a processor.")?,
            announcements_pending: add
                .gauge("rookery_api_announcements_pending", "Changes of membership the bus has not carried yet.")?,
            announcements: add.counter("rookery_api_announcements_total", "Changes of membership carried.")?,
            stored_waits: add.gauge("rookery_api_stored_waits", "REST sends that wait to be stored.")?,
            sends_unstored: add
                .counter("rookery_api_sends_unstored_total", "REST sends answered before they were stored.")?,
            rooms_opened: add.counter("rookery_api_rooms_opened_total", "Rooms rebuilt on the bus.")?,
            epochs_allocated: add
                .counter("rookery_api_epochs_allocated_total", "New epochs after the bus lost a partition.")?,
            history_without_bus: add
                .counter("rookery_api_history_without_bus_total", "History pages served from the store alone.")?,
            sessions_purged: add.counter("rookery_api_sessions_purged_total", "Sessions erased after their end.")?,
            limited: add.counters("rookery_api_limited_total", "Refusals by a bound.", &["limit"])?,
            reads_marked: add.counter("rookery_api_reads_marked_total", "Read marks that moved on.")?,
            unread_counts: add
                .counter("rookery_api_unread_counts_total", "Rooms whose unread messages were counted in the store.")?,
            unread_capped: add
                .counter("rookery_api_unread_capped_total", "Counts of unread messages that ended at the bound.")?,
            unread_left_out: add
                .counter("rookery_api_unread_left_out_total", "Subscriptions not told of unread messages: too many.")?,
            ingested: add.counter("rookery_api_ingested_total", "Events stored by ingest.")?,
            ingest_seconds: add.histogram("rookery_api_ingest_seconds", "Number of an event to its being stored.")?,
            history_reads: add.counter("rookery_api_history_reads_total", "History pages read from the store.")?,
            history_refused: add.counter("rookery_api_history_refused_total", "History pages not read: too many.")?,
            missed_reads: add.counter("rookery_api_missed_reads_total", "Reads of the store for gateways.")?,
            keys: add.gauges("rookery_api_keys", "Keys in use: signs or verifies.", &["kid", "use"])?,
            key_failures: add.counter("rookery_api_key_failures_total", "Failed reads of the signing keys.")?,
            registry,
        })
    }

    /// Shows which keys are in use from now on.
    pub(crate) fn show_keys(&self, set: &KeySet) {
        self.keys.reset();
        for (key, signs) in set.iter() {
            let what = if signs { "signs" } else { "verifies" };
            self.keys.with_label_values(&[key.id(), what]).set(1);
        }
    }

    /// The registry, so that one process can show the metrics of several parts.
    pub const fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Counts one answered request.
    pub(crate) fn request(&self, method: &http::Method, route: &str, status: http::StatusCode, took: Duration) {
        self.requests.with_label_values(&[method_label(method), route, class_label(status)]).inc();
        self.request_seconds.with_label_values(&[route]).observe(took.as_secs_f64());
    }

    /// Everything in the Prometheus text format, the process itself included.
    pub fn render(&self) -> Result<String, MetricsError> {
        let mut families = self.registry.gather();
        families
            .extend(prometheus::core::Collector::collect(&prometheus::process_collector::ProcessCollector::for_self()));
        Ok(TextEncoder::new().encode_to_string(&families)?)
    }
}

impl Refusals for Metrics {
    fn refused(&self, limit: &'static str) {
        self.limited.with_label_values(&[limit]).inc();
    }
}

/// Makes and registers in one step.
struct Adder<'a>(&'a Registry);

impl Adder<'_> {
    fn counter(&self, name: &str, help: &str) -> Result<IntCounter, MetricsError> {
        let metric = IntCounter::new(name, help)?;
        self.0.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    fn gauge(&self, name: &str, help: &str) -> Result<IntGauge, MetricsError> {
        let metric = IntGauge::new(name, help)?;
        self.0.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec, MetricsError> {
        let metric = IntGaugeVec::new(Opts::new(name, help), labels)?;
        self.0.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, MetricsError> {
        let metric = IntCounterVec::new(Opts::new(name, help), labels)?;
        self.0.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    fn histogram(&self, name: &str, help: &str) -> Result<Histogram, MetricsError> {
        let metric = Histogram::with_opts(HistogramOpts::new(name, help))?;
        self.0.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    fn seconds(&self, name: &str, help: &str, labels: &[&str]) -> Result<HistogramVec, MetricsError> {
        let metric = HistogramVec::new(HistogramOpts::new(name, help), labels)?;
        self.0.register(Box::new(metric.clone()))?;
        Ok(metric)
    }
}

/// Methods are the client's words; only the usual ones become labels.
fn method_label(method: &http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        _ => "other",
    }
}

fn class_label(status: http::StatusCode) -> &'static str {
    match status.as_u16() / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strange_methods_add_no_label() {
        let metrics = Metrics::new().unwrap();
        let method = http::Method::from_bytes(b"BREW").unwrap();
        metrics.request(&method, "/x", http::StatusCode::NOT_FOUND, Duration::from_millis(1));
        let text = metrics.render().unwrap();
        assert!(text.contains(r#"rookery_api_requests_total{method="other",route="/x",status="4xx"} 1"#), "{text}");
        assert!(!text.contains("BREW"));
    }
}
