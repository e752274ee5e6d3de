//! The internal listener: whether the process lives, whether it wants requests, and the numbers of all its parts.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use rookery_api::app::App;
use rookery_api::http::health::answer;
use rookery_gateway::gateway::Gateway;
use rookery_runtime::metrics::render;

/// What probes and Prometheus look at.
struct Parts {
    app: Arc<App>,
    gateway: Gateway,
}

/// Routes of the internal listener.
pub(crate) fn router(app: &Arc<App>, gateway: &Gateway) -> Router {
    let parts = Parts { app: Arc::clone(app), gateway: gateway.clone() };
    Router::new()
        .route("/live", get(|| async { "live\n" }))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .with_state(Arc::new(parts))
}

async fn ready(State(parts): State<Arc<Parts>>) -> Response {
    let mut reasons = parts.app.readiness.unready().await;
    reasons.extend(parts.gateway.unready().await.into_iter().map(str::to_owned));
    answer(&reasons)
}

async fn metrics(State(parts): State<Arc<Parts>>) -> Response {
    match render(&[parts.app.metrics.registry(), parts.gateway.registry()]) {
        Ok(text) => ([(CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "metrics not rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
