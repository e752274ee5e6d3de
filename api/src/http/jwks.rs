//! `GET /.well-known/jwks.json`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use rookery_runtime::token::{JwkSet, SigningKeys};

use crate::http::openapi::schema;

/// Public keys
///
/// They verify access tokens (RFC 7517). Several while keys are being rotated.
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json",
    tag = "auth",
    responses((status = 200, description = "The key set", body = schema::JwkSet)),
)]
pub async fn jwks(State(keys): State<Arc<SigningKeys>>) -> Json<JwkSet> {
    Json(keys.public())
}
