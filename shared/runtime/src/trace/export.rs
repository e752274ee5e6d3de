//! From ended spans to the receiver, in the background: a bounded queue, one request at a time, each with a deadline.
//!
//! Nobody who ends a span ever waits. A receiver that is dead or slow costs the spans that do not fit into the queue, which
//! are counted, and nothing else.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{HttpClient, HttpError};
use opentelemetry_otlp::{Protocol, SpanExporter as OtlpExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider, Span, SpanData, SpanExporter, SpanProcessor,
};
use prometheus::{IntCounterVec, IntGauge};
use tokio::runtime::Handle;
use tokio::time::timeout;
use tracing::{Metadata, Subscriber};
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::registry::LookupSpan;

use super::{SAMPLER, Sampler, TARGET, TraceOptions};
use crate::limits::{
    TRACE_ANSWER_BYTES_MAX, TRACE_EXPORT_DEADLINE, TRACE_EXPORT_PAUSE, TRACE_EXPORT_SPANS_MAX, TRACE_FINISH_DEADLINE,
    TRACE_LINKS_MAX, TRACE_QUEUE_SPANS_MAX,
};
use crate::log_throttle::LogThrottle;
use crate::metrics::{Description, Registrar, label};

static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();

static METRICS: LazyLock<Metrics> = LazyLock::new(|| {
    #[expect(
        clippy::expect_used,
        reason = "the names are constants, and the tests of metrics make them"
    )]
    Metrics::new().expect("the names of trace metrics are unique")
});

struct Metrics {
    spans: IntCounterVec,
    waiting: IntGauge,
    described: Vec<Description>,
}

impl Metrics {
    fn new() -> Result<Self, prometheus::Error> {
        let mut make = Registrar::of_process("rookery_trace");
        let outcome = label("outcome", "`exported`, `failed` at the receiver, `dropped` because the queue was full");
        let spans = make.counters("spans_total", "Spans that have ended, by what became of them.", &[outcome])?;
        for outcome in ["exported", "failed", "dropped"] {
            spans.with_label_values(&[outcome]).inc_by(0);
        }
        let waiting = make.gauge("spans_waiting", "Spans that wait to be exported.")?;
        Ok(Self { spans, waiting, described: make.finish().1 })
    }

    fn count(&self, outcome: &'static str, spans: usize) {
        self.spans.with_label_values(&[outcome]).inc_by(u64::try_from(spans).unwrap_or(u64::MAX));
    }
}

/// What the metrics of traces mean. From then on they are shown, also while there are no traces.
pub fn described() -> &'static [Description] {
    &METRICS.described
}

/// Which process exports.
#[derive(Clone, Copy, Debug)]
pub struct Exporter<'a> {
    /// Its program, as `rookery-gateway`.
    pub program: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Where its traces go, and how many there are.
    pub options: &'a TraceOptions,
}

/// The layer that records spans of [`TARGET`], and the start of their export. To be called inside of the runtime, once.
///
/// # Errors
/// A sentence about what the library refuses.
pub(crate) fn layer<S>(exporter: Exporter<'_>) -> Result<impl Layer<S> + use<S>, String>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    let provider = provider(exporter)?;
    let tracer = provider.tracer("rookery");
    PROVIDER.set(provider).map_err(|_| "traces are exported already".to_owned())?;
    SAMPLER.set(Sampler::new(exporter.options, tracer.clone())).ok();
    let is_ours = |metadata: &Metadata<'_>| metadata.is_span() && metadata.target() == TARGET;
    Ok(OpenTelemetryLayer::new(tracer)
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_context_activation(false)
        // Without the hint every line of `log` that a library writes would be made, to be thrown away here.
        .with_filter(filter_fn(is_ours).with_max_level_hint(LevelFilter::ERROR)))
}

/// Exports what still waits; to be called at the end. Gives up after [`TRACE_FINISH_DEADLINE`].
pub async fn finish() {
    let Some(provider) = PROVIDER.get() else { return };
    let ended = tokio::task::spawn_blocking(|| provider.shutdown_with_timeout(TRACE_FINISH_DEADLINE)).await;
    if !matches!(ended, Ok(Ok(()))) {
        tracing::debug!(?ended, "the last spans may not be exported");
    }
}

fn provider(exporter: Exporter<'_>) -> Result<SdkTracerProvider, String> {
    let Exporter { program, version, options } = exporter;
    let sender = OtlpExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(options.endpoint.as_str())
        .with_timeout(TRACE_EXPORT_DEADLINE)
        .with_http_client(Sender::new(options))
        .build()
        .map_err(|error| error.to_string())?;
    let waiting = Arc::new(AtomicUsize::new(0));
    let counted = Counted { sender, waiting: Arc::clone(&waiting), warnings: LogThrottle::default() };
    let config = BatchConfigBuilder::default()
        .with_max_queue_size(TRACE_QUEUE_SPANS_MAX + TRACE_EXPORT_SPANS_MAX)
        .with_max_export_batch_size(TRACE_EXPORT_SPANS_MAX)
        .with_scheduled_delay(TRACE_EXPORT_PAUSE)
        .build();
    let inner = BatchSpanProcessor::builder(counted).with_batch_config(config).build();
    let resource = Resource::builder_empty()
        .with_service_name(program)
        .with_attribute(KeyValue::new("service.version", version))
        .with_attribute(KeyValue::new("service.instance.id", uuid::Uuid::new_v4().to_string()))
        .build();
    Ok(SdkTracerProvider::builder()
        .with_resource(resource)
        .with_max_links_per_span(TRACE_LINKS_MAX)
        .with_span_processor(Gate { inner, waiting })
        .build())
}

/// Lets in what the queue takes, and counts the rest.
#[derive(Debug)]
struct Gate {
    inner: BatchSpanProcessor,
    waiting: Arc<AtomicUsize>,
}

impl SpanProcessor for Gate {
    fn on_start(&self, span: &mut Span, cx: &Context) {
        self.inner.on_start(span, cx);
    }

    fn on_end(&self, span: SpanData) {
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= TRACE_QUEUE_SPANS_MAX {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            METRICS.count("dropped", 1);
            return;
        }
        METRICS.waiting.inc();
        self.inner.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.inner.set_resource(resource);
    }
}

/// Counts what became of the spans.
struct Counted {
    sender: OtlpExporter,
    waiting: Arc<AtomicUsize>,
    warnings: LogThrottle,
}

impl fmt::Debug for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counted").field("waiting", &self.waiting).finish_non_exhaustive()
    }
}

impl SpanExporter for Counted {
    async fn export(&self, mut batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = batch.len();
        for span in &mut batch {
            // They are there for log lines; a span has both already.
            span.attributes
                .retain(|attribute| !["trace_id", "span_id"].contains(&attribute.key.as_str()));
        }
        let outcome = self.sender.export(batch).await;
        self.waiting.fetch_sub(spans, Ordering::Relaxed);
        METRICS.waiting.sub(i64::try_from(spans).unwrap_or(i64::MAX));
        METRICS.count(if outcome.is_ok() { "exported" } else { "failed" }, spans);
        if let Err(error) = &outcome
            && self.warnings.allows("export")
        {
            tracing::warn!(%error, spans, "traces not exported");
        }
        outcome
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.sender.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.sender.set_resource(resource);
    }
}

/// Sends requests on the runtime of the process; whoever waits for them is a thread of the library without one.
#[derive(Debug)]
struct Sender {
    runtime: Handle,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Sender {
    fn new(options: &TraceOptions) -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_connect_timeout(Some(TRACE_EXPORT_DEADLINE));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(options.tls.clone())
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        Self { runtime: Handle::current(), client: Client::builder(TokioExecutor::new()).build(connector) }
    }
}

#[async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let exchange = async move {
            let response = client.request(request.map(Full::from)).await?;
            let (head, body) = response.into_parts();
            let body = Limited::new(body, TRACE_ANSWER_BYTES_MAX).collect().await?.to_bytes();
            Ok::<_, HttpError>(Response::from_parts(head, body))
        };
        // A timer is made where the runtime is.
        self.runtime.spawn(async { timeout(TRACE_EXPORT_DEADLINE, exchange).await }).await??
    }
}
