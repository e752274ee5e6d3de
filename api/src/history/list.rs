//! `GET /api/v1/rooms/{room}/messages`

use axum::Json;
use axum::extract::State;
use rookery_protocol::access::Action;
use rookery_protocol::server::EventFrame;
use rookery_store::PageQuestion;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::history::History;
use crate::history::jump::Asked;
use crate::http::extract::{Caller, HistoryPart, HistoryQuery, QueryParams, RoomPath};
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
    /// For `around`, `at` and `unread`: where the event is that was looked for; absent if there is none.
    #[schema(value_type = Option<PlaceView>, nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    anchor: Option<PlaceView>,
}

/// A room's history
///
/// Without a cursor: the newest ones. With `around`, `at` or `unread` half of the page lies before what is looked for. A message can be read here as soon as its sender saw it come back. Edits, deletions and
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
        (status = 404, description = "`unknown_room`, also for private rooms of others; `unknown_message`: there is none to look around"),
    ),
)]
pub async fn list(
    State(history): State<History>,
    caller: Caller,
    RoomPath(room): RoomPath,
    QueryParams(query): QueryParams<HistoryQuery>,
) -> Result<Json<HistoryPage>, ApiError> {
    let (room, _) = history.rooms.find(caller.user_id, &room, Action::Read).await?;
    let (kinds, limit) = (query.kinds()?, query.limit()?);
    let page = match query.part(&history.cursors, room.id)? {
        HistoryPart::Window(window) => history.page(room.id, PageQuestion { window, kinds, limit }).await?,
        HistoryPart::Around(jump) => history.around(room.id, caller.user_id, Asked { jump, kinds, limit }).await?,
    };
    let page = page.for_reader(&history, caller.user_id).await?;
    let cursor = |place| history.cursors.history(room.id, place);
    Ok(Json(HistoryPage {
        prev_cursor: page.previous.map(cursor),
        next_cursor: page.next.map(cursor),
        upto: page.upto.map(PlaceView::from),
        anchor: page.anchor.map(PlaceView::from),
        events: page.frames(),
    }))
}
