//! `GET /api/v1/admin/rooms` and `POST /api/v1/admin/rooms/{room}/export`

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::{RoomId, Slug, UserId};
use rookery_store::page;
use rookery_store::room::Room;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::accounts::exporting::Exporting;
use crate::accounts::exports::ExportView;
use crate::admin::Administration;
use crate::admin::act::Act;
use crate::error::ApiError;
use crate::http::cursor::Cursors;
use crate::http::extract::{Admin, PageQuery, QueryParams, RoomPath};
use crate::http::openapi::schema;

/// A page of rooms, in the order of their ids.
#[derive(Serialize, ToSchema)]
pub struct AdminRoomPage {
    /// The rooms.
    rooms: Vec<AdminRoomView>,
    /// Where the next page begins; absent on the last one.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A room, as those see it who run the server: nothing of what is said there.
#[derive(Serialize, ToSchema)]
#[schema(as = AdminRoom)]
pub struct AdminRoomView {
    /// Its id.
    room_id: Uuid,
    /// Its name.
    name: String,
    /// Its readable address; null if it has none.
    #[schema(value_type = Option<String>, required)]
    slug: Option<Slug>,
    /// What it is.
    #[schema(value_type = schema::RoomKind)]
    kind: rookery_protocol::access::RoomKind,
    /// Who may find it.
    #[schema(value_type = schema::Visibility)]
    visibility: rookery_protocol::access::Visibility,
    /// Whose it is; null if it is nobody's.
    owner_id: Option<Uuid>,
    /// How many members it has.
    members: u64,
    /// How many days it keeps what was said; null for as long as the server says.
    retention_days: Option<u32>,
    /// Whether nobody may say anything in it any more.
    archived: bool,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: UnixMillis,
    /// When it ends by itself; null if it does not.
    #[schema(value_type = Option<String>, required, format = DateTime)]
    expires_at: Option<UnixMillis>,
}

/// Rooms
///
/// For admins: all that have not ended, private and direct ones, too.
#[utoipa::path(
    get,
    path = "/api/v1/admin/rooms",
    operation_id = "list_all_rooms",
    tag = "admin",
    security(("bearer" = [])),
    params(PageQuery),
    responses(
        (status = 200, description = "A page of rooms", body = AdminRoomPage),
        (status = 400, description = "`bad_field`"),
        (status = 403, description = "`forbidden`"),
    ),
)]
pub async fn list(
    State(administration): State<Administration>,
    State(cursors): State<Cursors>,
    _admin: Admin,
    QueryParams(query): QueryParams<PageQuery>,
) -> Result<Json<AdminRoomPage>, ApiError> {
    let limit = query.limit()?;
    let after = query.place(|text| cursors.read_all_rooms(text))?;
    let stores = &administration.stores;
    let mut found = stores.rooms.all(after, limit + 1).await?;
    let next_cursor = page::cut(&mut found, limit).map(|room| cursors.all_rooms(room.id));
    let ids: Vec<RoomId> = found.iter().map(|room| room.id).collect();
    let counts = stores.members.counts(&ids).await?;
    let view = |room: Room| AdminRoomView {
        room_id: room.id.as_uuid(),
        name: room.name.as_str().to_owned(),
        slug: room.slug,
        kind: room.kind,
        visibility: room.visibility,
        owner_id: room.owner.map(UserId::as_uuid),
        members: counts.get(&room.id).copied().unwrap_or(0),
        retention_days: room.retention_days,
        archived: room.settings.archived,
        created_at: room.created_at,
        expires_at: room.expires_at,
    };
    Ok(Json(AdminRoomPage { rooms: found.into_iter().map(view).collect(), next_cursor }))
}

/// Have a copy made of a room
///
/// For admins: its settings, members and history, as a ZIP of JSON. The answer says where it will be; until it is made, that is
/// answered 404. It is there for 24 hours, and a new one replaces it.
#[utoipa::path(
    post,
    path = "/api/v1/admin/rooms/{room}/export",
    operation_id = "export_room",
    tag = "admin",
    security(("bearer" = [])),
    params(("room" = String, Path, description = "Id or slug", example = "general")),
    responses(
        (status = 202, description = "It is being made", body = ExportView),
        (status = 403, description = "`forbidden`"),
        (status = 404, description = "`unknown_room`"),
    ),
)]
pub async fn export_room(
    State(administration): State<Administration>,
    State(exporting): State<Exporting>,
    Admin(admin): Admin,
    RoomPath(room): RoomPath,
) -> Result<(StatusCode, Json<ExportView>), ApiError> {
    let (stores, now) = (&administration.stores, UnixMillis::now());
    let room = stores.rooms.find(&room).await?;
    let room = room.ok_or_else(|| ApiError::refused(ErrorCode::UnknownRoom))?.id;
    let act = Act { action: "room_exported", user: None, detail: None };
    stores.audit.add(&act.entry_in(room, admin.user_id, now)).await?;
    let export = exporting.ask_for_room(room, admin.user_id, now).await?;
    Ok((StatusCode::ACCEPTED, Json(ExportView::of(Some(&export), true))))
}
