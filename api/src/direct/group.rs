//! `POST /api/v1/direct`

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::UserId;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::direct::Direct;
use crate::error::ApiError;
use crate::http::extract::{Caller, JsonBody};
use crate::limits::{GROUP_OTHERS_MAX, GROUP_OTHERS_MIN};
use crate::rooms::view::RoomView;

/// Who is to be in a group.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupRequest {
    /// Ids of the others, each once.
    #[schema(value_type = Vec<Uuid>, min_items = 2, max_items = 9)]
    user_ids: Vec<UserId>,
}

/// Make a group
///
/// A private room without a name, of you and those whom you name. You are its owner.
#[utoipa::path(
    post,
    path = "/api/v1/direct",
    operation_id = "create_group",
    tag = "rooms",
    security(("bearer" = [])),
    request_body = GroupRequest,
    responses(
        (status = 201, description = "The room", body = RoomView),
        (status = 403, description = "`direct_refused`: one of them does not want it from you; `blocked`"),
        (status = 404, description = "`not_found`: one of them is nobody"),
    ),
)]
pub async fn create(
    State(direct): State<Direct>,
    caller: Caller,
    JsonBody(request): JsonBody<GroupRequest>,
) -> Result<(StatusCode, Json<RoomView>), ApiError> {
    let users = request.user_ids;
    if !(GROUP_OTHERS_MIN..=GROUP_OTHERS_MAX).contains(&users.len()) {
        return Err(ApiError::field(ErrorCode::BadField, "user_ids", "must be 2 to 9 users"));
    }
    let seen = direct.group(caller.user_id, &users, UnixMillis::now()).await?;
    let chosen = direct.stores.preferences.get(caller.user_id, seen.room.id).await?;
    Ok((StatusCode::CREATED, Json(RoomView::from(seen).preferring(chosen))))
}
