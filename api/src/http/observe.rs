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
use http::{HeaderMap, StatusCode};
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::limits::BODY_BYTES_MAX;
use rookery_runtime::listener::{REQUEST_ID, Refusals as _};
use tokio::time::{Instant, timeout};
use tracing::{Instrument, info_span};

use crate::error::{ApiError, Bound, write_problem};
use crate::limits::{REQUEST_DEADLINE, SLOW_REQUEST};
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
    let started = Instant::now();
    let response = next.run(request).instrument(span.clone()).await;
    let took = started.elapsed();
    metrics.request(&method, route, response.status(), took);
    span.in_scope(|| log(route, response.status(), took));
    if let Some(Bound(limit)) = response.extensions().get() {
        metrics.refused(limit);
    }
    write_problem(response, &id)
}

/// Ends a request that takes longer than [`REQUEST_DEADLINE`].
pub(crate) async fn deadline(request: Request, next: Next) -> Response {
    match timeout(REQUEST_DEADLINE, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::refused(ErrorCode::RequestTimeout).into_response(),
    }
}

/// Refuses a body that says that it is too large, before it is sent.
pub(crate) async fn sized(request: Request, next: Next) -> Response {
    if request.body().size_hint().lower() > BODY_BYTES_MAX as u64 {
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
