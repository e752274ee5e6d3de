//! `PUT` and `DELETE /api/v1/users/me/blocks/{user}`, `GET /api/v1/users/me/blocks`

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::{Event, EventBody, RoomChange, RoomSettings};
use rookery_protocol::id::{RoomId, UserId};
use rookery_store::page;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::accounts::Accounts;
use crate::error::ApiError;
use crate::http::cursor::Cursors;
use crate::http::extract::{Caller, IdPath, PageQuery, QueryParams};
use crate::rooms::room_event;

/// A page of those whom you have blocked.
#[derive(Serialize, ToSchema)]
pub struct BlockPage {
    /// Their ids.
    blocks: Vec<BlockView>,
    /// Where the next page begins; absent on the last one.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Somebody whom you have blocked.
#[derive(Serialize, ToSchema)]
#[schema(as = Block)]
pub struct BlockView {
    /// Id of the user.
    user_id: Uuid,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    created_at: UnixMillis,
}

/// Block somebody
///
/// They are not told, but neither of you says anything in your direct room any more. Answered when that holds on every
/// node; 503 means that it is decided but may not hold everywhere yet, and sending the same again is safe.
#[utoipa::path(
    put,
    path = "/api/v1/users/me/blocks/{user}",
    operation_id = "block_user",
    tag = "users",
    security(("bearer" = [])),
    params(("user" = Uuid, Path, description = "Id of the user")),
    responses(
        (status = 204, description = "Blocked, also if they were"),
        (status = 400, description = "`bad_field`: that is yourself"),
        (status = 404, description = "`not_found`"),
    ),
)]
pub async fn block(
    State(accounts): State<Accounts>,
    caller: Caller,
    IdPath(user): IdPath<UserId>,
) -> Result<StatusCode, ApiError> {
    if user == caller.user_id {
        return Err(ApiError::field(ErrorCode::BadField, "user", "must be somebody else"));
    }
    let known = accounts.stores.users.by_id(user).await?;
    known.ok_or_else(|| ApiError::refused(ErrorCode::NotFound))?;
    let (by, event) = (caller.user_id, settings_event(caller));
    accounts.stores.blocks.put(by, user, UnixMillis::now(), &event).await?;
    // Also where nothing changed: an earlier attempt may have been answered before the bus had the event.
    accounts.rooms.dispatcher.flush(RoomId::of_pair(by, user)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Unblock somebody
#[utoipa::path(
    delete,
    path = "/api/v1/users/me/blocks/{user}",
    operation_id = "unblock_user",
    tag = "users",
    security(("bearer" = [])),
    params(("user" = Uuid, Path, description = "Id of the user")),
    responses(
        (status = 204, description = "Not blocked any more, also if they were not"),
        (status = 404, description = "`not_found`: nobody has such an id"),
    ),
)]
pub async fn unblock(
    State(accounts): State<Accounts>,
    caller: Caller,
    IdPath(user): IdPath<UserId>,
) -> Result<StatusCode, ApiError> {
    let (by, event) = (caller.user_id, settings_event(caller));
    accounts.stores.blocks.remove(by, user, &event).await?;
    accounts.rooms.dispatcher.flush(RoomId::of_pair(by, user)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What the direct room hears: its rights have changed. The store fills in what the settings are then.
fn settings_event(caller: Caller) -> Event {
    room_event(
        caller.into(),
        EventBody::Room(RoomChange::Updated { settings: RoomSettings::default(), changed: None }),
    )
}

/// Whom you have blocked
#[utoipa::path(
    get,
    path = "/api/v1/users/me/blocks",
    operation_id = "list_blocks",
    tag = "users",
    security(("bearer" = [])),
    params(PageQuery),
    responses(
        (status = 200, description = "A page of users", body = BlockPage),
        (status = 400, description = "`bad_field`"),
    ),
)]
pub async fn list(
    State(accounts): State<Accounts>,
    State(cursors): State<Cursors>,
    caller: Caller,
    QueryParams(query): QueryParams<PageQuery>,
) -> Result<Json<BlockPage>, ApiError> {
    let limit = query.limit()?;
    let after = query.place(|text| cursors.read_blocks(caller.user_id, text))?;
    let mut found = accounts.stores.blocks.page(caller.user_id, after, limit + 1).await?;
    let next_cursor = page::cut(&mut found, limit).map(|(user, _)| cursors.blocks(caller.user_id, *user));
    let view = |(user, created_at): (UserId, UnixMillis)| BlockView { user_id: user.as_uuid(), created_at };
    Ok(Json(BlockPage { blocks: found.into_iter().map(view).collect(), next_cursor }))
}
