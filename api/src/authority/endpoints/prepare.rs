//! `POST /internal/v1/messages/prepare`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use rookery_bus::authority::{MessagePreparer as _, Preparation, Prepared};

use crate::authority::LocalAuthority;
use crate::error::ApiError;
use crate::http::extract::JsonBody;

/// Looks at what a message refers to before it is appended. Unknown fields are let be: a newer gateway may ask an older api.
pub async fn prepare(
    State(authority): State<Arc<LocalAuthority>>,
    JsonBody(preparation): JsonBody<Preparation>,
) -> Result<Json<Prepared>, ApiError> {
    Ok(Json(authority.prepare(preparation).await?))
}
