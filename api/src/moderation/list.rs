//! `GET /api/v1/rooms/{room}/sanctions`

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use rookery_protocol::access::Until;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::UserId;
use rookery_store::page;
use rookery_store::user::Username;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::error::ApiError;
use crate::http::cursor::Cursors;
use crate::http::extract::{Caller, PageQuery, QueryParams, RoomPath};
use crate::moderation::Moderation;

/// What holds against users in a room. A page may be short where something was decided that no longer holds.
#[derive(Serialize, ToSchema)]
pub struct SanctionPage {
    /// Who is shut out.
    bans: Vec<SanctionView>,
    /// Who may not say anything.
    mutes: Vec<SanctionView>,
    /// Where the next page begins; absent on the last one.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A ban or a mute.
#[derive(Clone, Serialize, ToSchema)]
#[schema(as = Sanction)]
pub struct SanctionView {
    /// Id of the user.
    user_id: Uuid,
    /// Name.
    #[schema(value_type = String)]
    username: Username,
    /// When it ends by itself; null if it does not.
    #[schema(value_type = Option<String>, required, format = DateTime)]
    until: Option<UnixMillis>,
}

/// Bans and mutes of a room
///
/// For its owner and moderators, and for those of the server.
#[utoipa::path(
    get,
    path = "/api/v1/rooms/{room}/sanctions",
    operation_id = "list_sanctions",
    tag = "moderation",
    security(("bearer" = [])),
    params(("room" = String, Path, description = "Id or slug", example = "general"), PageQuery),
    responses(
        (status = 200, description = "A page of what holds now, in the order of the users' ids", body = SanctionPage),
        (status = 400, description = "`bad_field`"),
        (status = 403, description = "`forbidden`, `not_a_member` or `banned`"),
        (status = 404, description = "`unknown_room`, also for private rooms of others"),
    ),
)]
pub async fn sanctions(
    State(moderation): State<Moderation>,
    State(cursors): State<Cursors>,
    caller: Caller,
    RoomPath(room): RoomPath,
    QueryParams(query): QueryParams<PageQuery>,
) -> Result<Json<SanctionPage>, ApiError> {
    let (limit, now) = (query.limit()?, UnixMillis::now());
    let room = moderation.rooms.moderated(&caller.into(), &room).await?;
    let after = query.place(|text| cursors.read_sanctions(room.id, text))?;
    let stores = &moderation.rooms.stores;
    let mut found = stores.sanctions.of_room(room.id, after, limit + 1).await?;
    let next_cursor = page::cut(&mut found, limit).map(|(user, _)| cursors.sanctions(room.id, *user));
    let ids: Vec<UserId> = found.iter().map(|(user, _)| *user).collect();
    let users = stores.users.by_ids(&ids).await?;
    let names: HashMap<UserId, Username> = users.into_iter().map(|user| (user.id, user.username)).collect();
    let view = |user: UserId, until: Option<Until>| {
        let until = until.filter(|until| until.holds(now))?;
        let username = names.get(&user)?.clone();
        Some(SanctionView { user_id: user.as_uuid(), username, until: until.time() })
    };
    let bans = found.iter().filter_map(|(user, sanction)| view(*user, sanction.banned)).collect();
    let mutes = found.iter().filter_map(|(user, sanction)| view(*user, sanction.muted)).collect();
    Ok(Json(SanctionPage { bans, mutes, next_cursor }))
}
