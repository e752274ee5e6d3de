//! `POST /internal/v1/authorize` and `POST /internal/v1/authorize/many`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use rookery_bus::authority::batch::{Answers, Questions};
use rookery_bus::authority::{Permission, PermissionSource as _};
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::{RoomRef, UserId};
use rookery_protocol::limits::AUTHORIZE_QUESTIONS_MAX;
use serde::Deserialize;

use crate::authority::LocalAuthority;
use crate::error::ApiError;
use crate::http::extract::JsonBody;

/// A gateway's question. Unknown fields are let be: a newer gateway may ask an older api.
#[derive(Deserialize)]
pub struct AuthorizeRequest {
    user: UserId,
    room: RoomRef,
}

/// What the user is in the room.
pub async fn authorize(
    State(authority): State<Arc<LocalAuthority>>,
    JsonBody(request): JsonBody<AuthorizeRequest>,
) -> Result<Json<Permission>, ApiError> {
    Ok(Json(authority.authorize(request.user, &request.room).await?))
}

/// What many users are in many rooms.
pub async fn many(
    State(authority): State<Arc<LocalAuthority>>,
    JsonBody(request): JsonBody<Questions>,
) -> Result<Json<Answers>, ApiError> {
    let strange = |message| ApiError::field(ErrorCode::BadField, "users", message);
    if request.count() > AUTHORIZE_QUESTIONS_MAX {
        return Err(strange("too many questions"));
    }
    let questions = request.questions().ok_or_else(|| strange("a room that is not named"))?;
    let answers = authority.authorize_many(&questions).await?;
    Ok(Json(request.answered(answers)?))
}
