//! `POST /internal/v1/messages/prepare` and `/internal/v1/messages/withdraw`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use rookery_bus::authority::{MessagePreparer as _, Preparation, Prepared, Withdrawal};

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

/// Gives back the files of a message that was refused.
pub async fn withdraw(
    State(authority): State<Arc<LocalAuthority>>,
    JsonBody(withdrawal): JsonBody<Withdrawal>,
) -> Result<StatusCode, ApiError> {
    authority.withdraw(withdrawal).await?;
    Ok(StatusCode::NO_CONTENT)
}
