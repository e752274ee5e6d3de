//! `GET /api/v1/messages/{message}`

use axum::Json;
use axum::extract::State;

use crate::error::ApiError;
use crate::history::History;
use crate::history::view::PlacedMessage;
use crate::http::extract::{Caller, LoneMessagePath};

/// One message, wherever it is
///
/// For links to messages: the answer names its room.
#[utoipa::path(
    get,
    path = "/api/v1/messages/{message}",
    operation_id = "find_message",
    tag = "messages",
    security(("bearer" = [])),
    params(("message" = Uuid, Path, description = "Id of the message")),
    responses(
        (status = 200, description = "The message", body = PlacedMessage),
        (status = 404, description = "`unknown_message`: there is none, or you may not read in its room"),
    ),
)]
pub async fn by_id(
    State(history): State<History>,
    caller: Caller,
    LoneMessagePath(message): LoneMessagePath,
) -> Result<Json<PlacedMessage>, ApiError> {
    let room = history.readable(caller.user_id, message).await?.room;
    history.one(room, message, caller.user_id).await.map(Json)
}
