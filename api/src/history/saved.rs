//! `PUT` and `DELETE /api/v1/users/me/saved/{message}`, `GET /api/v1/users/me/saved`

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::{MessageId, UserId};
use rookery_store::page;
use rookery_store::saved::{SavedMessage, SavedPlace};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::history::History;
use crate::history::view::PlacedMessage;
use crate::http::extract::{Caller, LoneMessagePath, PageQuery, QueryParams};
use crate::limits::SAVED_MAX;

/// A page of what you have saved, newest first.
#[derive(Serialize, ToSchema)]
pub struct SavedPage {
    /// The messages that you may read now; there may be fewer than asked for, and another page all the same.
    saved: Vec<SavedView>,
    /// Where the next page begins; absent on the last one.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A message that you have saved.
#[derive(Serialize, ToSchema)]
#[schema(as = SavedMessage)]
pub struct SavedView {
    /// The message as it is now, and its place.
    #[serde(flatten)]
    placed: PlacedMessage,
    /// When you saved it.
    #[schema(value_type = String, format = DateTime)]
    saved_at: UnixMillis,
}

/// Save a message
///
/// For yourself: nobody else learns of it.
#[utoipa::path(
    put,
    path = "/api/v1/users/me/saved/{message}",
    operation_id = "save_message",
    tag = "messages",
    security(("bearer" = [])),
    params(("message" = Uuid, Path, description = "Id of the message")),
    responses(
        (status = 204, description = "Saved, also if it was"),
        (status = 400, description = "`too_many_saved`: you have saved 1,000 others"),
        (status = 404, description = "`unknown_message`: there is none, or you may not read in its room"),
    ),
)]
pub async fn save(
    State(history): State<History>,
    caller: Caller,
    LoneMessagePath(message): LoneMessagePath,
) -> Result<StatusCode, ApiError> {
    let room = history.readable(caller.user_id, message).await?.room;
    let saved = SavedMessage { message, room, at: UnixMillis::now() };
    if history.rooms.stores.saved.put(caller.user_id, &saved, SAVED_MAX).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(ApiError::refused(ErrorCode::TooManySaved))
}

/// Take a message from those that you have saved
#[utoipa::path(
    delete,
    path = "/api/v1/users/me/saved/{message}",
    operation_id = "unsave_message",
    tag = "messages",
    security(("bearer" = [])),
    params(("message" = Uuid, Path, description = "Id of the message")),
    responses(
        (status = 204, description = "Not saved any more, also if it was not"),
        (status = 404, description = "`unknown_message`: no message has such an id"),
    ),
)]
pub async fn unsave(
    State(history): State<History>,
    caller: Caller,
    LoneMessagePath(message): LoneMessagePath,
) -> Result<StatusCode, ApiError> {
    history.rooms.stores.saved.remove(caller.user_id, message).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What you have saved
///
/// The newest first. A message of a room that you may not read is left out as long as you may not.
#[utoipa::path(
    get,
    path = "/api/v1/users/me/saved",
    operation_id = "list_saved",
    tag = "messages",
    security(("bearer" = [])),
    params(PageQuery),
    responses(
        (status = 200, description = "A page of messages", body = SavedPage),
        (status = 400, description = "`bad_field`"),
    ),
)]
pub async fn list(
    State(history): State<History>,
    caller: Caller,
    QueryParams(query): QueryParams<PageQuery>,
) -> Result<Json<SavedPage>, ApiError> {
    let (user, limit) = (caller.user_id, query.limit()?);
    let before = query.place(|text| history.cursors.read_saved(user, text))?;
    let mut found = history.rooms.stores.saved.page(user, before, limit + 1).await?;
    let next = page::cut(&mut found, limit).map(|last| history.cursors.saved(user, SavedPlace::from(last)));
    Ok(Json(SavedPage { saved: history.saved(user, found).await?, next_cursor: next }))
}

impl History {
    /// The saved messages that the user may read, in their order.
    async fn saved(&self, user: UserId, found: Vec<SavedMessage>) -> Result<Vec<SavedView>, ApiError> {
        let rooms = self.readable_among(user, found.iter().map(|saved| saved.room)).await?;
        let found: Vec<SavedMessage> = found.into_iter().filter(|saved| rooms.contains(&saved.room)).collect();
        let ids: Vec<MessageId> = found.iter().map(|saved| saved.message).collect();
        let said = self.rooms.stores.messages.by_ids(&ids).await?;
        let mut said: HashMap<MessageId, SequencedEvent> =
            said.into_iter().map(|event| (event.event.id, event)).collect();
        let said: Vec<SequencedEvent> = ids.iter().filter_map(|id| said.remove(id)).collect();
        let at: HashMap<MessageId, UnixMillis> = found.iter().map(|saved| (saved.message, saved.at)).collect();
        let view = |placed: PlacedMessage| Some(SavedView { saved_at: *at.get(&placed.message.message_id)?, placed });
        Ok(self.shown(said, user).await?.into_iter().filter_map(view).collect())
    }
}
