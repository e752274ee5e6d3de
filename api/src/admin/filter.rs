//! `GET` and `PUT /api/v1/admin/filter`

use axum::Json;
use axum::extract::State;
use rookery_protocol::clock::UnixMillis;

use crate::admin::Administration;
use crate::error::ApiError;
use crate::http::extract::{Admin, JsonBody};
use crate::moderation::filter::WordFilterRequest;
use crate::settings::SettingsChange;

/// The server's word filter
///
/// For admins.
#[utoipa::path(
    get,
    path = "/api/v1/admin/filter",
    operation_id = "server_filter",
    tag = "admin",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The filter; `off` where nobody set one", body = WordFilterRequest),
        (status = 403, description = "`forbidden`"),
    ),
)]
pub async fn read(
    State(administration): State<Administration>,
    _admin: Admin,
) -> Result<Json<WordFilterRequest>, ApiError> {
    Ok(Json(administration.settings.now().filter.clone().into()))
}

/// Set the server's word filter
///
/// For admins. It holds on every process within five seconds, for messages, edits and names everywhere.
#[utoipa::path(
    put,
    path = "/api/v1/admin/filter",
    operation_id = "set_server_filter",
    tag = "admin",
    security(("bearer" = [])),
    request_body = WordFilterRequest,
    responses(
        (status = 200, description = "The filter", body = WordFilterRequest),
        (status = 403, description = "`forbidden`"),
    ),
)]
pub async fn set(
    State(administration): State<Administration>,
    Admin(admin): Admin,
    JsonBody(request): JsonBody<WordFilterRequest>,
) -> Result<Json<WordFilterRequest>, ApiError> {
    let change = SettingsChange { filter: Some(request.into()), ..SettingsChange::default() };
    let changed = administration.settings.change(change, admin.user_id, UnixMillis::now()).await?;
    Ok(Json(changed.filter.clone().into()))
}
