//! `POST /internal/v1/messages/look`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use rookery_shared::authority::{Authority, MessageFacts};
use rookery_shared::id::{MessageId, RoomId};
use serde::Deserialize;

use crate::app::App;
use crate::error::ApiError;
use crate::extract::JsonBody;

/// A gateway's question. Unknown fields are let be: a newer gateway may ask an older api.
#[derive(Deserialize)]
pub struct LookRequest {
    room: RoomId,
    message: MessageId,
}

/// What is to be known of a message before something is done to it.
pub async fn look(
    State(app): State<Arc<App>>,
    JsonBody(request): JsonBody<LookRequest>,
) -> Result<Json<MessageFacts>, ApiError> {
    Ok(Json(app.authority.message(request.room, request.message).await?))
}
