//! `GET /live`, `GET /ready`, `GET /metrics`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::json;

use crate::metrics::Metrics;
use crate::readiness::Readiness;

/// The process runs. Restarting it would repair nothing that is lost elsewhere.
pub async fn live() -> &'static str {
    "live\n"
}

/// Whether new requests are welcome.
pub async fn ready(State(readiness): State<Arc<Readiness>>) -> Response {
    answer(&readiness.unready().await)
}

/// 200, or 503 with the reasons.
pub fn answer(reasons: &[String]) -> Response {
    let is_ready = reasons.is_empty();
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "ready": is_ready, "reasons": reasons }))).into_response()
}

/// All metrics in the Prometheus text format.
pub async fn metrics(State(metrics): State<Metrics>) -> Response {
    match metrics.render() {
        Ok(text) => ([(CONTENT_TYPE, prometheus::TEXT_FORMAT)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "metrics not rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
