//! What surrounds every request: its id, its log line, its metrics, its deadline, and the body of its problem.
//!
//! Method, route pattern, status, time and id are logged; never the query, a header or a body.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use rookery_shared::limits::REQUEST_DEADLINE;
use rookery_shared::listener::Refusals as _;
use rookery_shared::protocol::error_code::ErrorCode;
use tokio::time::{Instant, timeout};
use tracing::{Instrument, info_span};
use uuid::Uuid;

use crate::app::App;
use crate::error::{ApiError, Bound, write_problem};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Routes that a probe asks every few seconds.
const QUIET: [&str; 3] = ["/live", "/ready", "/metrics"];

/// The outermost layer that looks at requests.
pub(crate) async fn observe(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("unmatched", MatchedPath::as_str);
    let span = info_span!("request", request_id = %id, %method, route);
    let started = Instant::now();
    let response = next.run(request).instrument(span.clone()).await;
    let took = started.elapsed();
    app.metrics.request(&method, route, response.status(), took);
    span.in_scope(|| log(route, response.status(), took));
    if let Some(Bound(limit)) = response.extensions().get() {
        app.metrics.refused(limit);
    }
    let mut response = write_problem(response, &id);
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// Ends a request that takes longer than [`REQUEST_DEADLINE`].
pub(crate) async fn deadline(request: Request, next: Next) -> Response {
    match timeout(REQUEST_DEADLINE, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::refused(ErrorCode::RequestTimeout).into_response(),
    }
}

/// Refuses requests until the store is prepared.
pub(crate) async fn prepared(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if app.is_prepared() {
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

/// A proxy in front may have given the request its id; anything but a UUID is somebody else's idea of one.
fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID).and_then(|value| Uuid::try_parse_ascii(value.as_bytes()).ok());
    given.unwrap_or_else(Uuid::now_v7).hyphenated().to_string()
}

fn log(route: &str, status: StatusCode, took: Duration) {
    let (status, ms) = (status.as_u16(), u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
    if QUIET.contains(&route) {
        tracing::debug!(status, ms, "request answered");
    } else {
        tracing::info!(status, ms, "request answered");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_uuids_of_a_proxy_are_taken_over() {
        let with = |text: &'static str| HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_static(text))]);
        let given = "0190f3a4-0000-7000-8000-000000000001";
        assert_eq!(request_id(&with(given)), given);
        assert_ne!(request_id(&with("\"; drop")), "\"; drop");
    }
}
