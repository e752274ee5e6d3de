//! `GET /api/v1/rooms/{room}/messages/{message}/reactions/{emoji}`

use axum::Json;
use axum::extract::State;
use rookery_protocol::access::Action;
use rookery_store::user::Username;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::ApiError;
use crate::http::extract::{Caller, QueryParams, ReactionPath, ReactionQuery};
use crate::messages::Messages;

/// A page of the users who have a reaction, in the order of reacting.
#[derive(Serialize, ToSchema)]
pub struct ReactionPage {
    /// The users.
    users: Vec<ReactionUser>,
    /// Where the next page begins; absent on the last one.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Who reacted.
#[derive(Serialize, ToSchema)]
pub struct ReactionUser {
    /// Id of the user.
    user_id: Uuid,
    /// Name.
    #[schema(value_type = String)]
    username: Username,
}

/// Who reacted so
///
/// As far as it is stored. A message in history names the first 20 and counts the others.
#[utoipa::path(
    get,
    path = "/api/v1/rooms/{room}/messages/{message}/reactions/{emoji}",
    operation_id = "list_reaction_users",
    tag = "messages",
    security(("bearer" = [])),
    params(
        ("room" = String, Path, description = "Id or slug", example = "general"),
        ("message" = Uuid, Path, description = "Id of the message"),
        ("emoji" = String, Path, description = "The reaction: one emoji", format = "emoji", example = "👍"),
        ReactionQuery,
    ),
    responses(
        (status = 200, description = "A page of users", body = ReactionPage),
        (status = 400, description = "`bad_field`"),
        (status = 403, description = "`not_a_member`"),
        (status = 404, description = "`unknown_room`, or `unknown_message`, also for a deleted one"),
    ),
)]
pub async fn users(
    State(messages): State<Messages>,
    caller: Caller,
    path: ReactionPath,
    QueryParams(query): QueryParams<ReactionQuery>,
) -> Result<Json<ReactionPage>, ApiError> {
    let ReactionPath { message: path, emoji } = path;
    let (after, limit) = (query.after(&messages.cursors, path.message)?, query.limit()?);
    let (room, _) = messages.rooms.find(caller.user_id, &path.room, Action::Read).await?;
    let (users, next) = messages.reaction_users((room.id, path.message), &emoji, after, limit).await?;
    let users = users
        .into_iter()
        .map(|user| ReactionUser { user_id: user.id.as_uuid(), username: user.username });
    let next_cursor = next.map(|place| messages.cursors.reactions(path.message, place));
    Ok(Json(ReactionPage { users: users.collect(), next_cursor }))
}
