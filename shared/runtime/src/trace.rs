//! Traces: which messages and requests are followed from process to process, and the spans of their stages.
//!
//! A span exists only where it will be exported: what is not sampled costs a look at an option, and with tracing off, which
//! is the default, that is all there is. Whoever begins a trace decides by the ratio; whoever is called follows the flag of
//! the caller's `traceparent` (W3C Trace Context). A failure that is ours is always told: where its trace is not sampled, by
//! one span that is made afterwards.
//!
//! Spans are exported in the background, see `export`. Nothing here waits for that.

use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use http::HeaderMap;
use opentelemetry::Context;
use opentelemetry::trace::{
    Span as _, SpanBuilder, SpanContext, SpanId, SpanKind, Status, TraceContextExt as _, TraceFlags, TraceId,
    TraceState, Tracer as _,
};
use opentelemetry_sdk::trace::SdkTracer;
use parking_lot::Mutex;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::trace::TraceParent;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::limits::{TRACE_BATCH_SPANS_MAX, TRACE_CALLERS_BURST, TRACE_CALLERS_INTERVAL_MS};
use crate::rate::{Rate, Want};

mod export;
mod options;

pub(crate) use export::layer;
pub use export::{Exporter, described, finish};
pub use options::{SETTINGS, TraceOptions};

/// The target of spans that are exported; no other spans have it.
pub const TARGET: &str = "rookery_trace";

/// What callers send and are sent.
const HEADER: &str = "traceparent";

/// How many traces callers may have recorded.
const TRACE_CALLERS: Rate = Rate { burst: TRACE_CALLERS_BURST, interval_ms: TRACE_CALLERS_INTERVAL_MS };

/// Set once tracing is on.
static SAMPLER: OnceLock<Sampler> = OnceLock::new();

/// Decides what is recorded.
struct Sampler {
    /// Of 2^64 new traces so many are recorded.
    threshold: u64,
    always: bool,
    /// When everything is paid that callers had recorded by their flag.
    paid: Mutex<UnixMillis>,
    tracer: SdkTracer,
}

/// Where a span comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parent {
    /// It begins a trace.
    None,
    /// A span of this process.
    Local(TraceParent),
    /// A span of another process, or of a caller.
    Remote(TraceParent),
}

/// Makes a span of a stage, with its kind (`server`, `client`, `producer`, `consumer` or `internal`) and its attributes.
/// To be called only where it is sampled.
#[macro_export]
macro_rules! stage_span {
    ($name:literal, $kind:literal $(, $($fields:tt)*)?) => {
        $crate::trace::tracing::error_span!(
            target: $crate::trace::TARGET,
            parent: None,
            $name,
            otel.kind = $kind,
            trace_id = $crate::trace::tracing::field::Empty,
            span_id = $crate::trace::tracing::field::Empty,
            $($($fields)*)?
        )
    };
}

/// For [`stage_span`].
pub use tracing;

/// Whether this process exports traces.
pub fn is_on() -> bool {
    SAMPLER.get().is_some()
}

/// Whether a request or message that begins here is recorded: as its caller says, or by the ratio where nobody says.
pub fn is_sampled(caller: Option<TraceParent>) -> bool {
    SAMPLER.get().is_some_and(|sampler| sampler.decide(caller))
}

/// Whether a stage of a trace that a process of ours records is recorded.
pub fn is_followed(trace: Option<TraceParent>) -> bool {
    trace.is_some_and(TraceParent::is_sampled) && is_on()
}

/// Puts a span into its trace, and notes in it, for log lines, which one that is. Does nothing to a disabled span.
pub fn begin(span: Span, parent: Parent) -> Span {
    if span.is_disabled() {
        return span;
    }
    let context = match parent {
        Parent::None => Context::new(),
        Parent::Local(parent) => Context::new().with_remote_span_context(context_of(parent, false)),
        Parent::Remote(parent) => Context::new().with_remote_span_context(context_of(parent, true)),
    };
    if let Err(error) = span.set_parent(context) {
        tracing::debug!(?error, "span without its parent");
    }
    if let Some(own) = traceparent(&span) {
        span.record("trace_id", format_args!("{:032x}", own.trace_id()));
        span.record("span_id", format_args!("{:016x}", own.parent_id()));
    }
    span
}

/// What is handed on to those whom the span causes; none if it is not recorded.
pub fn traceparent(span: &Span) -> Option<TraceParent> {
    if span.is_disabled() || !is_on() {
        return None;
    }
    let context = span.context();
    let own = context.span().span_context().clone();
    of_context(&own).filter(|own| own.is_sampled())
}

/// The same of the span that this task is in.
pub fn current() -> Option<TraceParent> {
    if is_on() { traceparent(&Span::current()) } else { None }
}

/// What the caller of a request says; none without tracing, or if it is no `traceparent`.
pub fn of_headers(headers: &HeaderMap) -> Option<TraceParent> {
    if !is_on() {
        return None;
    }
    headers.get(HEADER)?.to_str().ok()?.parse().ok()
}

/// The header for a request that this task makes, if it is recorded.
pub fn header() -> Option<(&'static str, String)> {
    current().map(|own| (HEADER, own.to_string()))
}

/// The stage failed, by a fault of ours.
pub fn fail(span: &Span, why: &str) {
    if !span.is_disabled() {
        span.set_status(Status::error(why.to_owned()));
    }
}

/// Tells of a failure of ours in a trace that is not recorded: one span, from `took` ago until now. Gives its place for
/// the log line.
pub fn failed(name: &'static str, caller: Option<TraceParent>, took: Duration, why: &str) -> Option<TraceParent> {
    let sampler = SAMPLER.get()?;
    let parent = caller.map_or_else(Context::new, |caller| {
        // Recorded in spite of the caller's flag.
        let caller = context_of(caller, true);
        let flags = caller.trace_flags().with_sampled(true);
        let (trace, span) = (caller.trace_id(), caller.span_id());
        Context::new().with_remote_span_context(SpanContext::new(trace, span, flags, true, TraceState::default()))
    });
    let now = Duration::from_millis(u64::try_from(UnixMillis::now().0).unwrap_or(0));
    let began = SystemTime::UNIX_EPOCH + now.saturating_sub(took);
    let builder = SpanBuilder::from_name(name).with_kind(SpanKind::Server).with_start_time(began);
    let mut span = sampler.tracer.build_with_context(builder, &parent);
    span.set_status(Status::error(why.to_owned()));
    span.end();
    of_context(span.span_context())
}

/// A batch in which messages of many traces become one: a span with links to all of them, and in each trace a span that
/// links to the batch.
pub struct BatchSpans {
    batch: Span,
    parts: Vec<Span>,
}

impl BatchSpans {
    /// None if no message in it is recorded. Of more than [`TRACE_BATCH_SPANS_MAX`] that are, the first ones are shown.
    pub fn begin(size: usize, traces: impl Iterator<Item = Option<TraceParent>>) -> Option<Self> {
        if !is_on() {
            return None;
        }
        let traces: Vec<TraceParent> =
            traces.flatten().filter(|trace| trace.is_sampled()).take(TRACE_BATCH_SPANS_MAX).collect();
        if traces.is_empty() {
            return None;
        }
        let events = u64::try_from(size).unwrap_or(u64::MAX);
        let batch = stage_span!("store batch", "internal", messaging.batch.message_count = events);
        for trace in &traces {
            batch.add_link(context_of(*trace, true));
        }
        let batch = begin(batch, Parent::None);
        let own = traceparent(&batch);
        let part = |trace: TraceParent| {
            let span = stage_span!("store", "consumer");
            if let Some(own) = own {
                span.add_link(context_of(own, false));
            }
            begin(span, Parent::Remote(trace))
        };
        Some(Self { batch, parts: traces.into_iter().map(part).collect() })
    }

    /// The span of the batch, for what is done meanwhile.
    pub fn span(&self) -> Span {
        self.batch.clone()
    }

    /// The batch is not stored.
    pub fn fail(&self, why: &str) {
        for span in self.parts.iter().chain([&self.batch]) {
            fail(span, why);
        }
    }
}

impl Sampler {
    fn new(options: &TraceOptions, tracer: SdkTracer) -> Self {
        // Both ends are exact: nothing at 0, everything at 1.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share of the whole range; what is lost is less than one in 2^50"
        )]
        let threshold = (options.ratio * u64::MAX as f64) as u64;
        Self { threshold, always: options.ratio >= 1.0, paid: Mutex::new(UnixMillis(0)), tracer }
    }

    fn decide(&self, caller: Option<TraceParent>) -> bool {
        match caller {
            None => self.always || rand::random::<u64>() < self.threshold,
            Some(caller) => caller.is_sampled() && self.admits_caller(),
        }
    }

    /// Anybody may set the flag, and nobody may fill the queue of others with it.
    fn admits_caller(&self) -> bool {
        let mut paid = self.paid.lock();
        let (grant, next) = TRACE_CALLERS.lease(*paid, Want::exactly(1), UnixMillis::now());
        *paid = next;
        grant.granted > 0
    }
}

fn context_of(parent: TraceParent, is_remote: bool) -> SpanContext {
    let flags = if parent.is_sampled() { TraceFlags::SAMPLED } else { TraceFlags::default() };
    let (trace, span) = (TraceId::from(parent.trace_id()), SpanId::from(parent.parent_id()));
    SpanContext::new(trace, span, flags, is_remote, TraceState::default())
}

fn of_context(context: &SpanContext) -> Option<TraceParent> {
    let trace = u128::from_be_bytes(context.trace_id().to_bytes());
    let span = u64::from_be_bytes(context.span_id().to_bytes());
    TraceParent::new(trace, span, context.trace_flags().to_u8())
}

#[cfg(test)]
mod tests;
