//! `GET /api/v1/rooms/{room}/messages/{message}/thread`

use axum::Json;
use axum::extract::State;
use rookery_protocol::access::Action;
use rookery_store::page;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::history::History;
use crate::history::view::PlacedMessage;
use crate::http::extract::{Caller, MessagePath, PageQuery, QueryParams};

/// A page of the messages that answer one, oldest first.
#[derive(Serialize, ToSchema)]
pub struct ThreadPage {
    /// The message that they answer.
    message: PlacedMessage,
    /// The messages of the page. A deleted one is no part of a thread.
    replies: Vec<PlacedMessage>,
    /// Where the next page begins; absent on the last one.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// What answers a message
///
/// As far as it is stored, oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/rooms/{room}/messages/{message}/thread",
    operation_id = "list_replies",
    tag = "messages",
    security(("bearer" = [])),
    params(
        ("room" = String, Path, description = "Id or slug", example = "general"),
        ("message" = Uuid, Path, description = "Id of the message"),
        PageQuery,
    ),
    responses(
        (status = 200, description = "A page of messages", body = ThreadPage),
        (status = 400, description = "`bad_field`"),
        (status = 403, description = "`not_a_member` or `banned`"),
        (status = 404, description = "`unknown_room`, also for private rooms of others, or `unknown_message`"),
    ),
)]
pub async fn thread(
    State(history): State<History>,
    caller: Caller,
    path: MessagePath,
    QueryParams(query): QueryParams<PageQuery>,
) -> Result<Json<ThreadPage>, ApiError> {
    let (message, user) = (path.message, caller.user_id);
    let limit = query.limit()?;
    let after = query.place(|text| history.cursors.read_thread(message, text))?;
    let (room, _) = history.rooms.find(user, &path.room, Action::Read).await?;
    let answered = history.one(room.id, message, user).await?;
    let mut found = history.rooms.stores.threads.page(room.id, message, after, limit + 1).await?;
    let next = page::cut(&mut found, limit).map(|last| history.cursors.thread(message, last.position()));
    let replies = history.shown(found, user).await?;
    Ok(Json(ThreadPage { message: answered, replies, next_cursor: next }))
}
