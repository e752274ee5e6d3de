//! What exists once in a process, whichever parts it has: its memory and files, its threads of work, its log, its
//! certificates. Shown beside the numbers of the parts.

use std::sync::LazyLock;

use prometheus::process_collector::ProcessCollector;
use prometheus::{IntCounterVec, IntGaugeVec, Registry, TextEncoder};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

use super::tokio_runtime::RuntimeCollector;
use super::{Description, Kind, Registrar, folders, label};

/// Everything that is registered for the whole process.
static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::new);

static OWN: LazyLock<Own> = LazyLock::new(|| {
    #[expect(
        clippy::expect_used,
        reason = "the names are the constants below, and every test of metrics makes them"
    )]
    Own::new().expect("the names of process metrics are unique")
});

/// Metrics of this module.
struct Own {
    log_lines: IntCounterVec,
    certificates: IntGaugeVec,
    described: Vec<Description>,
}

impl Own {
    fn new() -> Result<Self, prometheus::Error> {
        REGISTRY.register(Box::new(ProcessCollector::for_self()))?;
        REGISTRY.register(Box::new(RuntimeCollector::new()?))?;
        REGISTRY.register(Box::new(folders::FolderCollector::new()?))?;
        let mut make = Registrar::of_process("rookery");
        let level = label("level", "`error`, `warn`");
        let log_lines =
            make.counters("log_lines_total", "Log lines about something that went wrong, by level.", &[level])?;
        for level in ["error", "warn"] {
            log_lines.with_label_values(&[level]).inc_by(0);
        }
        let certificates = make.gauges(
            "certificate_expiry_timestamp_seconds",
            "When a certificate of this process ends, in seconds since 1970.",
            &[label("setting", "the setting that names its file")],
        )?;
        Ok(Self { log_lines, certificates, described: make.finish().1 })
    }
}

/// The registry of the whole process.
pub(super) fn registry() -> &'static Registry {
    &REGISTRY
}

/// What a scrape of the process shows: the whole process, and these parts.
///
/// # Errors
/// If two metrics have one name, or a name that Prometheus refuses.
pub fn render(parts: &[&Registry]) -> Result<String, prometheus::Error> {
    LazyLock::force(&OWN);
    let mut families = REGISTRY.gather();
    families.extend(parts.iter().flat_map(|part| part.gather()));
    TextEncoder::new().encode_to_string(&families)
}

/// A certificate of this process is good until then.
pub(crate) fn certificate_ends(setting: &'static str, unix_seconds: i64) {
    OWN.certificates.with_label_values(&[setting]).set(unix_seconds);
}

/// What the metrics of every process mean.
pub fn described() -> Vec<Description> {
    let foreign = |&(name, kind, help): &(&str, Kind, &'static str)| Description {
        name: name.to_owned(),
        kind,
        help,
        labels: Vec::new(),
    };
    let mut all: Vec<Description> = PROCESS.iter().map(foreign).collect();
    all.push(Description {
        name: "rookery_build_info".to_owned(),
        kind: Kind::Gauge,
        help: "Version and commit of the program; always 1.",
        labels: vec![label("version", "as `--version` tells it"), label("commit", "the same")],
    });
    all.extend(super::tokio_runtime::described());
    all.extend(folders::described());
    all.extend(OWN.described.iter().cloned());
    all
}

/// What the library's process collector gives on Linux.
const PROCESS: [(&str, Kind, &str); 7] = [
    ("process_cpu_seconds_total", Kind::Counter, "Time of processors that the process has used."),
    ("process_max_fds", Kind::Gauge, "Files and sockets that the process may have open."),
    ("process_open_fds", Kind::Gauge, "Files and sockets that it has open."),
    ("process_resident_memory_bytes", Kind::Gauge, "Memory that it occupies."),
    ("process_start_time_seconds", Kind::Gauge, "When it was started, in seconds since 1970."),
    ("process_threads", Kind::Gauge, "Its threads."),
    ("process_virtual_memory_bytes", Kind::Gauge, "Address space that it has reserved."),
];

/// Counts log lines about something that went wrong.
pub(crate) struct CountLines;

impl<S: Subscriber> Layer<S> for CountLines {
    fn on_event(&self, event: &Event<'_>, _ctx: Context<'_, S>) {
        match *event.metadata().level() {
            Level::ERROR => OWN.log_lines.with_label_values(&["error"]).inc(),
            Level::WARN => OWN.log_lines.with_label_values(&["warn"]).inc(),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_scrape_has_every_metric_of_the_process_that_is_described() {
        certificate_ends("internal_cert", 1_900_000_000);
        super::super::watch_folder("data_dir", std::env::temp_dir());
        let text = render(&[]).unwrap();
        for description in described().into_iter().filter(|one| one.name != "rookery_build_info") {
            assert!(text.contains(&format!("# TYPE {} ", description.name)), "{} in {text}", description.name);
        }
        assert!(text.contains(r#"rookery_certificate_expiry_timestamp_seconds{setting="internal_cert"} 1900000000"#));
    }
}
