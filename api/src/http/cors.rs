//! What pages of other origins may ask over REST: as much as any program, if their origin is an allowed one. There are no
//! cookies, so nothing of the user goes along that the page has not been given.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::{ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION, CONTENT_TYPE, ORIGIN, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Method};
use rookery_bus::limiter::headers;
use rookery_runtime::listener::REQUEST_ID;
use rookery_runtime::origin::Origins;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// How long a browser caches the answer to a preflight request.
const REMEMBERED: Duration = Duration::from_mins(10);

/// The rules.
#[derive(Clone)]
pub struct Cors(CorsLayer);

impl Cors {
    /// For these origins.
    pub(crate) fn of(origins: Origins) -> Self {
        Self(layer(origins))
    }
}

fn layer(origins: Origins) -> CorsLayer {
    let exposed = [RETRY_AFTER, REQUEST_ID, headers::LIMIT, headers::REMAINING, headers::RESET, headers::POLICY];
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin: &HeaderValue, _| origins.are_asked_by(origin)))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE, REQUEST_ID, HeaderName::from_static("idempotency-key")])
        .expose_headers(exposed)
        .max_age(REMEMBERED)
}

/// Applies them to what a browser sends for a page. `OPTIONS` of others is a request like any.
pub(crate) async fn cors(State(Cors(rules)): State<Cors>, request: Request, next: Next) -> Response {
    let asks_before = request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    if !request.headers().contains_key(ORIGIN) || (request.method() == Method::OPTIONS && !asks_before) {
        return next.run(request).await;
    }
    let inner = service_fn(move |request: Request| {
        let next = next.clone();
        async move { Ok::<_, Infallible>(next.run(request).await) }
    });
    match rules.layer(inner).oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
