//! `POST /internal/v1/authorize`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use rookery_shared::authority::{Authority, Permission};
use rookery_shared::id::{RoomRef, UserId};
use serde::Deserialize;

use crate::app::App;
use crate::error::ApiError;
use crate::extract::JsonBody;

/// A gateway's question. Unknown fields are let be: a newer gateway may ask an older api.
#[derive(Deserialize)]
pub struct AuthorizeRequest {
    user: UserId,
    room: RoomRef,
}

/// What the user is in the room.
pub async fn authorize(
    State(app): State<Arc<App>>,
    JsonBody(request): JsonBody<AuthorizeRequest>,
) -> Result<Json<Permission>, ApiError> {
    Ok(Json(app.authority.authorize(request.user, &request.room).await?))
}
