//! `POST /internal/v1/messages/look`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use rookery_bus::authority::{HistorySource as _, Look, MessageFacts};

use crate::authority::LocalAuthority;
use crate::error::ApiError;
use crate::http::extract::JsonBody;

/// What is to be known of a message before something is done to it, or it is answered. Unknown fields are let be: a newer
/// gateway may ask an older api.
pub async fn look(
    State(authority): State<Arc<LocalAuthority>>,
    JsonBody(look): JsonBody<Look>,
) -> Result<Json<MessageFacts>, ApiError> {
    Ok(Json(authority.message(look).await?))
}
