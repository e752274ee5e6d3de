//! `GET /api/v1/rooms/{room}/scheduled`

use axum::Json;
use axum::extract::State;
use rookery_protocol::access::Action;
use rookery_store::page;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::http::cursor::Cursors;
use crate::http::extract::{Caller, PageQuery, QueryParams, RoomPath};
use crate::schedules::Scheduling;
use crate::schedules::view::ScheduleView;

/// A page of your messages for later, the one made last first.
#[derive(Serialize, ToSchema)]
pub struct SchedulePage {
    /// The messages; those that were sent or failed are kept for 30 days.
    scheduled: Vec<ScheduleView>,
    /// Where the next page begins; absent on the last one.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Your messages for later
#[utoipa::path(
    get,
    path = "/api/v1/rooms/{room}/scheduled",
    operation_id = "list_scheduled",
    tag = "messages",
    security(("bearer" = [])),
    params(("room" = String, Path, description = "Id or slug", example = "general"), PageQuery),
    responses(
        (status = 200, description = "A page", body = SchedulePage),
        (status = 400, description = "`bad_field`"),
        (status = 404, description = "`unknown_room`, also for private rooms of others"),
    ),
)]
pub async fn list(
    State(scheduling): State<Scheduling>,
    State(cursors): State<Cursors>,
    caller: Caller,
    RoomPath(room): RoomPath,
    QueryParams(query): QueryParams<PageQuery>,
) -> Result<Json<SchedulePage>, ApiError> {
    let (owner, limit) = (caller.user_id, query.limit()?);
    let (room, _) = scheduling.messages.rooms.find(owner, &room, Action::See).await?;
    let before = query.place(|text| cursors.read_schedules(owner, room.id, text))?;
    let mut found = scheduling.page(owner, room.id, before, limit + 1).await?;
    let next_cursor = page::cut(&mut found, limit).map(|last| cursors.schedules(owner, room.id, last.id));
    Ok(Json(SchedulePage { scheduled: found.into_iter().map(ScheduleView::from).collect(), next_cursor }))
}
