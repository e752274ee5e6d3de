//! What surrounds every request: its id, its log line, its metrics, its deadline, and the body of its problem.
//!
//! Of requests that were slow method, route pattern, status, time and id are logged, of all others at the level `debug`;
//! never the query, a header or a body.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use axum::body::HttpBody as _;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, Method, StatusCode};
use prometheus::IntGauge;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::limits::BODY_BYTES_MAX;
use rookery_protocol::trace::TraceParent;
use rookery_runtime::listener::{REQUEST_ID, Refusals as _};
use rookery_runtime::stage_span;
use rookery_runtime::trace::{self, Parent};
use tokio::time::{Instant, timeout};
use tracing::field::Empty;
use tracing::{Instrument, Span, info_span};

use crate::error::{ApiError, Bound, write_problem};
use crate::limits::{FILTER_BYTES_MAX, REQUEST_DEADLINE, SLOW_REQUEST};
use crate::metrics::Metrics;
use crate::readiness::Readiness;

/// Routes that a probe asks every few seconds.
const QUIET: [&str; 3] = ["/live", "/ready", "/metrics"];

/// The outermost layer that looks at requests.
pub(crate) async fn observe(State(metrics): State<Metrics>, request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("unmatched", MatchedPath::as_str);
    let span = info_span!("request", request_id = %id, %method, route);
    let caller = trace::of_headers(request.headers());
    let traced = traced(caller, &method, route, &id);
    let started = Instant::now();
    metrics.requests_in_flight.inc();
    let _in_flight = InFlight(metrics.requests_in_flight.clone());
    let response = next.run(request).instrument(traced.clone()).instrument(span.clone()).await;
    let took = started.elapsed();
    metrics.request(&method, route, response.status(), took);
    finish_trace(&traced, caller, response.status(), took);
    let innermost = if traced.is_disabled() { &span } else { &traced };
    innermost.in_scope(|| log(route, response.status(), took));
    if let Some(Bound(limit)) = response.extensions().get() {
        metrics.refused(limit);
    }
    write_problem(response, &id)
}

/// The span of a request that is recorded.
fn traced(caller: Option<TraceParent>, method: &Method, route: &str, id: &str) -> Span {
    if QUIET.contains(&route) || !trace::is_sampled(caller) {
        return Span::none();
    }
    let span = stage_span!(
        "request",
        "server",
        otel.name = format!("{method} {route}"),
        request_id = id,
        http.request.method = %method,
        http.route = route,
        http.response.status_code = Empty,
    );
    trace::begin(span, caller.map_or(Parent::None, Parent::Remote))
}

/// What fails by our fault is in a trace, whoever asked.
fn finish_trace(span: &Span, caller: Option<TraceParent>, status: StatusCode, took: Duration) {
    span.record("http.response.status_code", status.as_u16());
    if !status.is_server_error() {
        return;
    }
    if span.is_disabled() {
        trace::failed("request", caller, took, status.as_str());
    } else {
        trace::fail(span, status.as_str());
    }
}

/// Counts a request down, also where its client has gone.
struct InFlight(IntGauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Ends a request that takes longer than [`REQUEST_DEADLINE`].
pub(crate) async fn deadline(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>();
    if request.method() == Method::POST && route.is_some_and(|route| route.as_str() == FILES) {
        return next.run(request).await;
    }
    match timeout(REQUEST_DEADLINE, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::refused(ErrorCode::RequestTimeout).into_response(),
    }
}

/// Where files are uploaded, which have deadlines of their own.
const FILES: &str = "/api/v1/files";
/// Where more is uploaded than elsewhere; these routes look at the size themselves.
const UPLOADS: [&str; 3] = [FILES, "/api/v1/rooms/{room}/avatar", "/api/v1/users/me/avatar"];
/// Where JSON is longer than elsewhere.
const FILTERS: [&str; 3] = ["/api/v1/rooms/{room}/filter", "/api/v1/admin/filter", "/api/v1/admin/settings"];

/// Refuses a body that says that it is too large, before it is sent.
pub(crate) async fn sized(request: Request, next: Next) -> Response {
    let most = match request.extensions().get::<MatchedPath>().map(MatchedPath::as_str) {
        Some(route) if UPLOADS.contains(&route) => return next.run(request).await,
        Some(route) if FILTERS.contains(&route) => FILTER_BYTES_MAX,
        Some(_) | None => BODY_BYTES_MAX,
    };
    if request.body().size_hint().lower() > most as u64 {
        ApiError::refused(ErrorCode::BodyTooLarge).into_response()
    } else {
        next.run(request).await
    }
}

/// Refuses requests until the store is prepared.
pub(crate) async fn prepared(State(readiness): State<Arc<Readiness>>, request: Request, next: Next) -> Response {
    if readiness.is_prepared() {
        next.run(request).await
    } else {
        ApiError::Starting.into_response()
    }
}

/// The answer to a request whose handler panicked.
#[expect(clippy::needless_pass_by_value, reason = "the layer's signature")]
pub(crate) fn panicked(payload: Box<dyn Any + Send + 'static>) -> Response {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    ApiError::Panic(text.unwrap_or_else(|| "without a text".to_owned())).into_response()
}

/// As the listener has it.
fn request_id(headers: &HeaderMap) -> String {
    headers
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_owned()
}

fn log(route: &str, status: StatusCode, took: Duration) {
    let (status, ms) = (status.as_u16(), u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
    // Failures are logged where they happen; what is slow should be seen; the rest would be a line for each request.
    if took >= SLOW_REQUEST && !QUIET.contains(&route) {
        tracing::info!(status, ms, "request answered slowly");
    } else {
        tracing::debug!(status, ms, "request answered");
    }
}
