//! The internal listener: whether this process lives, whether it wants connections, and its numbers.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::json;

use crate::node::Node;

/// Routes of the internal listener.
pub(crate) fn router(node: Arc<Node>) -> Router {
    Router::new()
        .route("/live", get(live))
        .route("/ready", get(ready))
        .route("/metrics", get(metrics))
        .with_state(node)
}

/// Why the gateway should get no new connections; empty if it should.
pub(crate) async fn unready(node: &Node) -> Vec<&'static str> {
    let mut reasons = Vec::new();
    if node.shutdown.drain.is_cancelled() {
        reasons.push("draining");
    }
    if !node.verifier.is_ready() {
        reasons.push("no public keys from the api yet");
    }
    if let Err(error) = node.bus.ping().await {
        tracing::debug!(%error, "not ready");
        reasons.push("the bus does not answer");
    }
    reasons
}

/// Depends on nothing: a restart heals no lost Redis.
async fn live() -> &'static str {
    "live\n"
}

async fn ready(State(node): State<Arc<Node>>) -> Response {
    let reasons = unready(&node).await;
    let status = if reasons.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(json!({ "ready": reasons.is_empty(), "reasons": reasons }))).into_response()
}

async fn metrics(State(node): State<Arc<Node>>) -> Response {
    match node.metrics.render() {
        Ok(text) => ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "metrics not rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
