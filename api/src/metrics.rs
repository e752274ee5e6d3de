//! The api's Prometheus metrics: every name, its meaning and its labels in one place. Labels come from fixed sets.

use std::time::Duration;

use prometheus::{Histogram, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Registry};
use rookery_bus::node::Figures;
use rookery_protocol::clock::UnixMillis;
use rookery_runtime::listener::Refusals;
use rookery_runtime::metrics::{Description, Registrar, label, short_buckets, usual_buckets};
use rookery_runtime::token::KeySet;

use crate::lag::Lag;

/// All metrics of one process. Handles are cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    registry: Registry,
    described: Vec<Description>,
    /// Requests by method, route pattern and status class.
    pub(crate) requests: IntCounterVec,
    /// Seconds from a request's head to its answer, by route pattern.
    pub(crate) request_seconds: HistogramVec,
    /// Requests that are being answered.
    pub(crate) requests_in_flight: IntGauge,
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
    /// The last of these; not a metric, but what admins are shown.
    pub ingest_lag: Lag,
    /// Partitions whose log this process stores.
    pub ingest_partitions: IntGauge,
    /// Leases of partitions that ended while they were held.
    pub ingest_leases_lost: IntCounter,
    /// Times that a partition could not be stored, and was tried again.
    pub ingest_failures: IntCounter,
    /// Events that were thrown away, because a replaced server had numbered them.
    pub ingest_discarded: IntCounter,
    /// Seconds that the store took for a batch.
    pub ingest_store_seconds: Histogram,
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
    /// Tries of jobs by kind and result: `done`, `failed` (it comes again) or `dead`.
    pub(crate) jobs: IntCounterVec,
    /// Jobs that wait or are being carried out, in the whole store.
    pub(crate) jobs_open: IntGauge,
    /// Jobs that somebody has to look at, in the whole store.
    pub(crate) jobs_dead: IntGauge,
    /// Uploaded pictures by what came of them: `drawn`, `refused` or `busy`.
    pub(crate) pictures: IntCounterVec,
    /// Uploads by what came of them: `stored`, `refused` or `failed`.
    pub(crate) uploads: IntCounterVec,
    /// Bytes of stored uploads.
    pub(crate) uploaded_bytes: IntCounter,
    /// Files that were given out, by what of them: `original` or `thumbnail`.
    pub(crate) downloads: IntCounterVec,
    /// Files whose bytes were erased.
    pub(crate) files_erased: IntCounter,
    /// Times that the object store did not do what it was asked for.
    pub(crate) object_failures: IntCounter,
    /// Notices that were made, by kind.
    pub(crate) notices: IntCounterVec,
    /// Times that notices could not be made.
    pub(crate) notice_failures: IntCounter,
    /// Purges that were begun.
    pub(crate) purges: IntCounter,
    /// Messages whose texts purges have erased.
    pub(crate) purged_messages: IntCounter,
    /// Events that were erased because they were too old.
    pub(crate) retention_erased: IntCounter,
    /// Times that what is too old could not be erased.
    pub(crate) retention_failures: IntCounter,
    /// Reports of messages that were taken in, by reason.
    pub(crate) reports: IntCounterVec,
    /// Reports that were decided, by what was done.
    pub(crate) reports_resolved: IntCounterVec,
    /// Reports that wait, by where they stand.
    pub(crate) reports_waiting: IntGaugeVec,
    /// Stored events that made no notices, because too many waited.
    pub(crate) notice_events_lost: IntCounter,
    /// Notices that were erased because an inbox had too many.
    pub(crate) notices_trimmed: IntCounter,
    /// Pushes by what became of a try.
    pub(crate) pushes: IntCounterVec,
    /// Seconds that the oldest event has waited that waits for the index of messages.
    pub(crate) search_lag: IntGauge,
    /// Events that this process took into it.
    pub(crate) search_indexed: IntCounter,
    /// Events of before that it has yet to take in.
    pub(crate) search_unbuilt: IntGauge,
    /// Times that it could not be kept, and was tried again.
    pub(crate) search_failures: IntCounter,
    /// Seconds that a page of a search took.
    pub(crate) search_seconds: Histogram,
    /// Scheduled messages by what became of a try: `sent`, `failed`, `again` or `doubtful`.
    pub(crate) schedules: IntCounterVec,
    /// Seconds from the time of a scheduled message until it was accepted.
    pub(crate) schedule_late_seconds: Histogram,
}

impl Metrics {
    /// What is shown of this process to admins.
    pub(crate) fn figures(&self) -> Figures {
        let connections = u64::try_from(self.requests_in_flight.get()).unwrap_or(0);
        Figures { connections, rooms: 0, lag_ms: self.ingest_lag.ms(UnixMillis::now()) }
    }
}

/// A metric is named twice or badly; a defect.
#[derive(Debug, thiserror::Error)]
#[error("metrics: {0}")]
pub struct MetricsError(#[from] prometheus::Error);

impl Metrics {
    /// Registers every metric in a registry of its own.
    #[expect(clippy::too_many_lines, reason = "one entry per metric")]
    pub fn new() -> Result<Self, MetricsError> {
        let mut make = Registrar::new("rookery_api");
        let (method, route) =
            (label("method", "the method, or `other`"), label("route", "the route's pattern, or `unmatched`"));
        let status = label("status", "`1xx` to `5xx`");
        let limit = label("limit", "the name of the bound in [limits.md](limits.md)");
        let metrics = Self {
            requests: make.counters("requests_total", "Requests that were answered.", &[method, route, status])?,
            request_seconds: make.histograms(
                "request_seconds",
                "From a request's head to its answer.",
                &[route],
                usual_buckets(),
            )?,
            requests_in_flight: make.gauge("requests_in_flight", "Requests that are being answered.")?,
            passwords_waiting: make.gauge("passwords_waiting", "Passwords that wait for a processor.")?,
            announcements_pending: make
                .gauge("announcements_pending", "Changes of membership that the bus has not carried yet.")?,
            announcements: make.counter("announcements_total", "Changes of membership that the bus has carried.")?,
            stored_waits: make.gauge("stored_waits", "REST sends that wait to be stored.")?,
            sends_unstored: make.counter("sends_unstored_total", "REST sends answered before they were stored.")?,
            rooms_opened: make.counter("rooms_opened_total", "Rooms whose state was built on the bus.")?,
            epochs_allocated: make
                .counter("epochs_allocated_total", "New epochs, because the bus had lost or rewound a partition.")?,
            history_without_bus: make.counter(
                "history_without_bus_total",
                "History pages from the store alone, because the bus did not answer.",
            )?,
            sessions_purged: make.counter("sessions_purged_total", "Sessions that were erased after their end.")?,
            limited: make.counters("limited_total", "Refusals because a bound was reached.", &[limit])?,
            reads_marked: make.counter("reads_marked_total", "Read marks that moved on.")?,
            unread_counts: make
                .counter("unread_counts_total", "Rooms whose unread messages were counted in the store.")?,
            unread_capped: make.counter("unread_capped_total", "Such counts that ended at the bound.")?,
            unread_left_out: make.counter(
                "unread_left_out_total",
                "Subscriptions answered without unread counts, because too many were counting.",
            )?,
            ingested: make.counter("ingested_total", "Events that ingest has stored.")?,
            ingest_seconds: make.histogram(
                "ingest_seconds",
                "From an event's number, by the clock of Redis, until it was stored: of the first of each batch.",
                usual_buckets(),
            )?,
            ingest_lag: Lag::default(),
            ingest_partitions: make.gauge("ingest_partitions", "Partitions whose log this process stores.")?,
            ingest_leases_lost: make
                .counter("ingest_leases_lost_total", "Leases of partitions that ended while they were held.")?,
            ingest_failures: make
                .counter("ingest_failures_total", "Times that a partition could not be stored; it was tried again.")?,
            ingest_discarded: make.counter(
                "ingest_discarded_total",
                "Events that were thrown away, because a server that was replaced had numbered them.",
            )?,
            ingest_store_seconds: make.histogram(
                "ingest_store_seconds",
                "What the store took for a batch, turns included.",
                short_buckets(),
            )?,
            history_reads: make.counter("history_reads_total", "History pages that were read from the store.")?,
            history_refused: make
                .counter("history_refused_total", "History pages refused, because too many were being read.")?,
            missed_reads: make.counter("missed_reads_total", "Reads of the store for gateways that lacked events.")?,
            keys: make.gauges(
                "keys",
                "Signing keys: 1 for each and its use.",
                &[label("kid", "the id of a key"), label("use", "`signs`, `verifies`")],
            )?,
            key_failures: make.counter("key_failures_total", "Times that the signing keys could not be read.")?,
            jobs: make.counters(
                "jobs_total",
                "Tries of jobs.",
                &[label("kind", "the kind of job"), label("result", "what came of the try")],
            )?,
            jobs_open: make.gauge("jobs_open", "Jobs that wait or are being carried out.")?,
            jobs_dead: make.gauge("jobs_dead", "Jobs that failed too often or for good.")?,
            pictures: make.counters(
                "pictures_total",
                "Uploaded pictures.",
                &[label("result", "`drawn`, `refused`, or `busy`: too many at once")],
            )?,
            uploads: make.counters(
                "uploads_total",
                "Uploads of files.",
                &[label("result", "`stored`, `refused`, or `failed`: by our fault")],
            )?,
            uploaded_bytes: make.counter("uploaded_bytes_total", "Bytes of uploaded files that were stored.")?,
            downloads: make.counters(
                "downloads_total",
                "Files that were given out.",
                &[label("variant", "`original` or `thumbnail`")],
            )?,
            files_erased: make.counter("files_erased_total", "Files whose bytes were erased.")?,
            object_failures: make.counter(
                "object_failures_total",
                "Times that the folder or bucket of files did not do what it was asked for.",
            )?,
            notices: make.counters("notices_total", "Notices that were made.", &[label("kind", "what it is about")])?,
            purges: make.counter("purges_total", "Purges of what somebody has said in a room.")?,
            purged_messages: make.counter("purged_messages_total", "Messages whose texts purges have erased.")?,
            retention_erased: make
                .counter("retention_erased_total", "Events that were erased because their rooms keep none so old.")?,
            retention_failures: make.counter(
                "retention_failures_total",
                "Times that what is too old could not be erased; it was tried again.",
            )?,
            reports: make.counters(
                "reports_total",
                "Reports of messages that were taken in.",
                &[label("reason", "why, such as `spam`")],
            )?,
            reports_resolved: make.counters(
                "reports_resolved_total",
                "Reports that were decided.",
                &[label("action", "what was done, such as `none` or `ban`")],
            )?,
            reports_waiting: make.gauges(
                "reports_waiting",
                "Reports that wait for a decision, as counted at the last look.",
                &[label("status", "`open`, `claimed`")],
            )?,
            notice_failures: make.counter("notice_failures_total", "Times that notices could not be made.")?,
            notice_events_lost: make
                .counter("notice_events_lost_total", "Stored events that made no notices: too many waited.")?,
            notices_trimmed: make
                .counter("notices_trimmed_total", "Notices that were erased because an inbox had too many.")?,
            pushes: make.counters(
                "pushes_total",
                "Tries to push something to a device.",
                &[label(
                    "result",
                    "`sent`; `unwanted`: read by then, quiet hours or settings; `gone`: the device or its login; `again`: it comes \
                     later; `refused` for good; `given_up` or `expired`: too often or too late",
                )],
            )?,
            search_lag: make.gauge(
                "search_lag_seconds",
                "How long the oldest event has waited that waits for the index of messages.",
            )?,
            search_indexed: make
                .counter("search_indexed_total", "Events that this process took into the index of messages.")?,
            search_unbuilt: make
                .gauge("search_unbuilt", "Events of before that the index of messages has yet to take in, about.")?,
            search_failures: make.counter(
                "search_failures_total",
                "Times that the index of messages could not be kept; it was tried again.",
            )?,
            search_seconds: make.histogram("search_seconds", "What a page of a search took.", short_buckets())?,
            schedules: make.counters(
                "schedules_total",
                "Tries to send scheduled messages.",
                &[label("result", "`sent`, `failed`, `again`: refused for a while, or `doubtful`: nobody knows")],
            )?,
            schedule_late_seconds: make.histogram(
                "schedule_late_seconds",
                "From the time of a scheduled message until it was accepted.",
                usual_buckets(),
            )?,
            described: Vec::new(),
            registry: Registry::new(),
        };
        let (registry, described) = make.finish();
        metrics.show_results();
        Ok(Self { registry, described, ..metrics })
    }

    /// Each result from the start, as 0: a rate does not see the step with which a counter appears.
    fn show_results(&self) {
        for (counters, results) in [
            (&self.pictures, &["drawn", "refused", "busy"][..]),
            (&self.uploads, &["stored", "refused", "failed"]),
            (&self.downloads, &["original", "thumbnail"]),
            (&self.pushes, &["sent", "unwanted", "gone", "again", "refused", "given_up", "expired"]),
            (&self.schedules, &["sent", "failed", "again", "doubtful"]),
        ] {
            for result in results {
                counters.with_label_values(&[*result]).inc_by(0);
            }
        }
    }

    /// What each of them means.
    pub fn described(&self) -> &[Description] {
        &self.described
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
        Ok(rookery_runtime::metrics::render(&[&self.registry])?)
    }
}

impl Refusals for Metrics {
    fn refused(&self, limit: &'static str) {
        self.limited.with_label_values(&[limit]).inc();
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

    #[test]
    fn a_failure_is_a_step_from_0_also_if_it_is_the_first() {
        let text = Metrics::new().unwrap().render().unwrap();
        for name in [
            "uploads_total{result=\"failed\"}",
            "pushes_total{result=\"given_up\"}",
            "schedules_total{result=\"doubtful\"}",
        ] {
            assert!(text.contains(&format!("rookery_api_{name} 0")), "{name} is not in {text}");
        }
    }
}
