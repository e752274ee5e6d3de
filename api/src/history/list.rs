//! `GET /api/v1/rooms/{room}/messages`

use axum::Json;
use axum::extract::State;
use rookery_protocol::access::Action;
use rookery_protocol::position::Position;
use rookery_protocol::server::EventFrame;
use rookery_store::PageQuestion;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::history::History;
use crate::http::extract::{Caller, HistoryQuery, QueryParams, RoomPath};
use crate::http::openapi::schema;
use crate::http::position_view::PlaceView;

/// A page of a room's history, oldest first.
#[derive(Serialize, ToSchema)]
pub struct HistoryPage {
    /// The frames that a live connection receives; messages with what was done to them since.
    #[schema(value_type = Vec<schema::EventFrame>)]
    events: Vec<EventFrame>,
    /// For `before`: the page before this one; absent at the beginning of the history.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    prev_cursor: Option<String>,
    /// For `after`: what follows this page, now or later; absent if the page is empty.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
    /// Without a cursor: the page covers everything up to here; absent if that is not known.
    #[schema(value_type = Option<PlaceView>, nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    upto: Option<PlaceView>,
}

/// A room's history
///
/// Without a cursor: the newest ones. A message can be read here as soon as its sender saw it come back. Edits, deletions and
/// reactions are part of the messages they change; with `acts=true` the page also has them as events.
#[utoipa::path(
    get,
    path = "/api/v1/rooms/{room}/messages",
    operation_id = "list_messages",
    tag = "messages",
    security(("bearer" = [])),
    params(("room" = String, Path, description = "Id or slug", example = "general"), HistoryQuery),
    responses(
        (status = 200, description = "A page", body = HistoryPage),
        (status = 400, description = "`bad_field`, also for a cursor of another room"),
        (status = 403, description = "`not_a_member` or `banned`"),
        (status = 404, description = "`unknown_room`, also for private rooms of others"),
    ),
)]
pub async fn list(
    State(history): State<History>,
    caller: Caller,
    RoomPath(room): RoomPath,
    QueryParams(query): QueryParams<HistoryQuery>,
) -> Result<Json<HistoryPage>, ApiError> {
    let (room, _) = history.rooms.find(caller.user_id, &room, Action::Read).await?;
    let question = PageQuestion {
        window: query.window(&history.cursors, room.id)?,
        kinds: query.kinds()?,
        limit: query.limit()?,
    };
    let page = history.page(room.id, question).await?.for_reader(&history, caller.user_id).await?;
    let cursor = |place| history.cursors.history(room.id, place);
    Ok(Json(HistoryPage {
        prev_cursor: page.previous.map(cursor),
        next_cursor: page.next.map(cursor),
        upto: page.upto.map(|Position { epoch, seq }| PlaceView { epoch, seq }),
        events: page.frames(),
    }))
}
