//! `GET /api/v1/users/me/mentions`

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::MessageId;
use rookery_store::mentions::{MentionPage, Mentioned};
use rookery_store::unread::Reader;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::history::History;
use crate::history::view::PlacedMessage;
use crate::http::extract::{Caller, PageQuery, QueryParams};

/// A page of messages that mention you, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = MentionPage)]
pub struct MentionsPage {
    /// The messages that you may read now; there may be fewer than asked for, and another page all the same.
    mentions: Vec<PlacedMessage>,
    /// Where the next page begins; absent on the last one.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// What mentions you
///
/// Messages of others whose newest text has your name behind an `@`, in all your rooms, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/users/me/mentions",
    operation_id = "list_mentions",
    tag = "messages",
    security(("bearer" = [])),
    params(PageQuery),
    responses(
        (status = 200, description = "A page of messages", body = MentionsPage),
        (status = 400, description = "`bad_field`"),
    ),
)]
pub async fn list(
    State(history): State<History>,
    caller: Caller,
    QueryParams(query): QueryParams<PageQuery>,
) -> Result<Json<MentionsPage>, ApiError> {
    let (user, limit) = (caller.user_id, query.limit()?);
    let before = query.place(|text| history.cursors.read_mentions(user, text))?;
    let stores = &history.rooms.stores;
    let account = stores
        .users
        .enabled(user)
        .await?
        .ok_or_else(|| ApiError::refused(ErrorCode::Unauthenticated))?;
    let MentionPage { found, next } =
        stores.mentions.page(&Reader::new(user, &account.username), before, limit).await?;
    let rooms = history.readable_among(user, found.iter().map(|mentioned| mentioned.room)).await?;
    let ids: Vec<MessageId> = found
        .iter()
        .filter(|Mentioned { room, .. }| rooms.contains(room))
        .map(|mentioned| mentioned.message)
        .collect();
    let said = stores.messages.by_ids(&ids).await?;
    let mut said: HashMap<MessageId, SequencedEvent> = said.into_iter().map(|said| (said.event.id, said)).collect();
    let said = ids.iter().filter_map(|id| said.remove(id)).collect();
    let mentions = history.shown(said, user).await?;
    Ok(Json(MentionsPage {
        mentions,
        next_cursor: next.map(|place| history.cursors.mentions(user, place)),
    }))
}
