//! `GET /api/v1/rooms/{room}/messages/{message}`

use axum::Json;
use axum::extract::State;
use rookery_protocol::access::Action;

use crate::error::ApiError;
use crate::history::History;
use crate::history::view::PlacedMessage;
use crate::http::extract::{Caller, MessagePath};

/// One message
///
/// With what was done to it since; a deleted one has no text.
#[utoipa::path(
    get,
    path = "/api/v1/rooms/{room}/messages/{message}",
    operation_id = "get_message",
    tag = "messages",
    security(("bearer" = [])),
    params(
        ("room" = String, Path, description = "Id or slug", example = "general"),
        ("message" = Uuid, Path, description = "Id of the message"),
    ),
    responses(
        (status = 200, description = "The message", body = PlacedMessage),
        (status = 403, description = "`not_a_member` or `banned`"),
        (status = 404, description = "`unknown_room`, also for private rooms of others, or `unknown_message`"),
    ),
)]
pub async fn get(
    State(history): State<History>,
    caller: Caller,
    path: MessagePath,
) -> Result<Json<PlacedMessage>, ApiError> {
    let (room, _) = history.rooms.find(caller.user_id, &path.room, Action::Read).await?;
    history.one(room.id, path.message, caller.user_id).await.map(Json)
}
