//! `POST /api/v1/notifications/read`

use axum::extract::State;
use http::StatusCode;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::NoticeId;
use rookery_protocol::server::UserFrame;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::http::extract::{Caller, JsonBody};
use crate::notices::Notices;

/// What was read of the inbox.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NotificationsReadRequest {
    /// Id of a notice: it was read, and all that are older.
    #[schema(value_type = Uuid)]
    up_to: NoticeId,
}

/// Mark notices as read
///
/// All your devices are told, by a frame `notifications_read`.
#[utoipa::path(
    post,
    path = "/api/v1/notifications/read",
    operation_id = "read_notifications",
    tag = "users",
    security(("bearer" = [])),
    request_body = NotificationsReadRequest,
    responses(
        (status = 204, description = "They are read, also if they were"),
        (status = 400, description = "`bad_field`"),
        (status = 404, description = "`not_found`: there is no such notice in your inbox"),
    ),
)]
pub async fn read(
    State(notices): State<Notices>,
    caller: Caller,
    JsonBody(NotificationsReadRequest { up_to }): JsonBody<NotificationsReadRequest>,
) -> Result<StatusCode, ApiError> {
    let notice = notices.store.get(caller.user_id, up_to).await?;
    let notice = notice.ok_or_else(|| ApiError::refused(ErrorCode::NotFound))?;
    let count = notices.store.read_up_to(caller.user_id, notice.position()).await?;
    if count > 0 {
        let frame = UserFrame::NotificationsRead { count, up_to: Some(up_to), room: None };
        notices.send(caller.user_id, frame).await;
        notices.clear(caller.user_id, None).await;
    }
    Ok(StatusCode::NO_CONTENT)
}
