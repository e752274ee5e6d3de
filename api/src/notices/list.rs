//! `GET /api/v1/notifications`

use axum::Json;
use axum::extract::State;
use rookery_protocol::notice::NoticeView;
use rookery_store::notice::{Notice, NoticePlace};
use rookery_store::page;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::http::cursor::Cursors;
use crate::http::extract::{Caller, PageQuery, QueryParams};
use crate::http::openapi::schema;
use crate::notices::Notices;

/// A page of your inbox, newest first.
#[derive(Serialize, ToSchema)]
pub struct NotificationPage {
    /// The notices.
    #[schema(value_type = Vec<schema::Notification>)]
    notifications: Vec<NoticeView>,
    /// Where the next page begins; absent on the last one.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Your inbox
///
/// About the newest 1,000 notices are kept, for 90 days. Each was told live to every device, as a frame `notification`.
#[utoipa::path(
    get,
    path = "/api/v1/notifications",
    operation_id = "list_notifications",
    tag = "users",
    security(("bearer" = [])),
    params(PageQuery),
    responses(
        (status = 200, description = "A page of notices", body = NotificationPage),
        (status = 400, description = "`bad_field`"),
    ),
)]
pub async fn list(
    State(notices): State<Notices>,
    State(cursors): State<Cursors>,
    caller: Caller,
    QueryParams(query): QueryParams<PageQuery>,
) -> Result<Json<NotificationPage>, ApiError> {
    let (user, limit) = (caller.user_id, query.limit()?);
    let before: Option<NoticePlace> = query.place(|text| cursors.read_notices(user, text))?;
    let mut found = notices.store.page(user, before, limit + 1).await?;
    let next_cursor = page::cut(&mut found, limit).map(|last| cursors.notices(user, last.position()));
    Ok(Json(NotificationPage { notifications: found.into_iter().map(Notice::view).collect(), next_cursor }))
}
