//! `POST` and `GET /api/v1/admin/announcements`, `DELETE /api/v1/admin/announcements/{announcement}`

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_store::page;
use rookery_store::server_announcement::{AnnouncementText, ServerAnnouncement};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::admin::Administration;
use crate::admin::act::Act;
use crate::error::ApiError;
use crate::http::cursor::Cursors;
use crate::http::extract::{Admin, IdPath, JsonBody, PageQuery, QueryParams};
use crate::notices::announcing::{Announcing, Step};

/// What everybody is to be told.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AnnouncementRequest {
    /// The text.
    #[schema(value_type = String, min_length = 1, max_length = 2_000, format = "visible-text")]
    content: AnnouncementText,
}

/// What everybody was told.
#[derive(Serialize, ToSchema)]
#[schema(as = Announcement)]
pub struct AnnouncementView {
    /// Its id.
    announcement_id: Uuid,
    /// The text.
    #[schema(value_type = String)]
    content: AnnouncementText,
    /// Id of who made it.
    by: Uuid,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    created_at: UnixMillis,
}

impl From<ServerAnnouncement> for AnnouncementView {
    fn from(found: ServerAnnouncement) -> Self {
        let ServerAnnouncement { id, content, by, created_at } = found;
        Self { announcement_id: id, content, by: by.as_uuid(), created_at }
    }
}

/// A page of announcements, newest first.
#[derive(Serialize, ToSchema)]
pub struct AnnouncementPage {
    /// The announcements.
    announcements: Vec<AnnouncementView>,
    /// Where the next page begins; absent on the last one.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Tell everybody something
///
/// For admins. Everybody with an account gets a notice, and a frame `announcement` on every device.
#[utoipa::path(
    post,
    path = "/api/v1/admin/announcements",
    operation_id = "create_announcement",
    tag = "admin",
    security(("bearer" = [])),
    request_body = AnnouncementRequest,
    responses(
        (status = 201, description = "It is on its way to everybody", body = AnnouncementView),
        (status = 400, description = "`bad_field`"),
        (status = 403, description = "`forbidden`"),
    ),
)]
pub async fn create(
    State(administration): State<Administration>,
    State(announcing): State<Announcing>,
    Admin(admin): Admin,
    JsonBody(AnnouncementRequest { content }): JsonBody<AnnouncementRequest>,
) -> Result<(StatusCode, Json<AnnouncementView>), ApiError> {
    let now = UnixMillis::now();
    let announcement = ServerAnnouncement { id: Uuid::now_v7(), content, by: admin.user_id, created_at: now };
    administration.stores.server_announcements.insert(&announcement).await?;
    announcing.begin(announcement.id, Step::Tell, now).await?;
    let detail = Some(serde_json::json!({"announcement_id": announcement.id}));
    administration
        .note(Act { action: "announcement_made", user: None, detail }, admin.user_id, now)
        .await?;
    Ok((StatusCode::CREATED, Json(announcement.into())))
}

/// What everybody was told
///
/// For admins.
#[utoipa::path(
    get,
    path = "/api/v1/admin/announcements",
    operation_id = "list_announcements",
    tag = "admin",
    security(("bearer" = [])),
    params(PageQuery),
    responses(
        (status = 200, description = "A page of announcements", body = AnnouncementPage),
        (status = 400, description = "`bad_field`"),
        (status = 403, description = "`forbidden`"),
    ),
)]
pub async fn list(
    State(administration): State<Administration>,
    State(cursors): State<Cursors>,
    _admin: Admin,
    QueryParams(query): QueryParams<PageQuery>,
) -> Result<Json<AnnouncementPage>, ApiError> {
    let limit = query.limit()?;
    let before = query.place(|text| cursors.read_announcements(text))?;
    let mut found = administration.stores.server_announcements.page(before, limit + 1).await?;
    let next_cursor = page::cut(&mut found, limit).map(|last| cursors.announcements(last.id));
    let announcements = found.into_iter().map(AnnouncementView::from).collect();
    Ok(Json(AnnouncementPage { announcements, next_cursor }))
}

/// Take an announcement back
///
/// For admins. Its notices go, and every device is told.
#[utoipa::path(
    delete,
    path = "/api/v1/admin/announcements/{announcement}",
    operation_id = "delete_announcement",
    tag = "admin",
    security(("bearer" = [])),
    params(("announcement" = Uuid, Path, description = "Id of the announcement")),
    responses(
        (status = 204, description = "It is gone; its notices follow"),
        (status = 403, description = "`forbidden`"),
        (status = 404, description = "`not_found`"),
    ),
)]
pub async fn remove(
    State(administration): State<Administration>,
    State(announcing): State<Announcing>,
    Admin(admin): Admin,
    IdPath(announcement): IdPath<Uuid>,
) -> Result<StatusCode, ApiError> {
    let now = UnixMillis::now();
    if !administration.stores.server_announcements.remove(announcement).await? {
        return Err(ApiError::refused(ErrorCode::NotFound));
    }
    announcing.begin(announcement, Step::Withdraw, now).await?;
    let detail = Some(serde_json::json!({"announcement_id": announcement}));
    administration
        .note(Act { action: "announcement_removed", user: None, detail }, admin.user_id, now)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
