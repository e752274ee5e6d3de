//! `POST /internal/v1/changes`, `POST /internal/v1/sessions/open`, `POST /internal/v1/acl`, `POST /internal/v1/readers`: what
//! gateways ask now and then, in case news of it was lost; and `POST /internal/v1/acquainted`, who may see whom.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use rookery_bus::authority::{Changes, OpenSession, PermissionSource as _, SessionSource as _};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::{AclVersion, RoomId, SessionId, UserId};
use rookery_protocol::limits::REVOCATIONS_PER_READ_MAX;
use serde::Deserialize;

use crate::authority::LocalAuthority;
use crate::error::ApiError;
use crate::http::extract::JsonBody;

/// What was asked last.
#[derive(Deserialize)]
pub struct ChangesRequest {
    since: Option<UnixMillis>,
}

/// Sessions of local connections.
#[derive(Deserialize)]
pub struct SessionsRequest {
    sessions: Vec<SessionId>,
}

/// Rooms with local members.
#[derive(Deserialize)]
pub struct RoomsRequest {
    rooms: Vec<RoomId>,
}

/// Local members of a room.
#[derive(Deserialize)]
pub struct ReadersRequest {
    room: RoomId,
    users: Vec<UserId>,
}

/// A user who wants to see others.
#[derive(Deserialize)]
pub struct AcquaintedRequest {
    user: UserId,
    others: Vec<UserId>,
}

/// A user who is typing.
#[derive(Deserialize)]
pub struct TypingRequest {
    user: UserId,
}

/// Whether others are to see that.
pub async fn shows_typing(
    State(authority): State<Arc<LocalAuthority>>,
    JsonBody(request): JsonBody<TypingRequest>,
) -> Result<Json<bool>, ApiError> {
    Ok(Json(authority.shows_typing(request.user).await?))
}

/// Which of the others share a room with the user.
pub async fn visible_users(
    State(authority): State<Arc<LocalAuthority>>,
    JsonBody(request): JsonBody<AcquaintedRequest>,
) -> Result<Json<Vec<UserId>>, ApiError> {
    bounded(request.others.len(), "others")?;
    Ok(Json(authority.visible_users(request.user, &request.others).await?))
}

/// What ended lately.
pub async fn changes(
    State(authority): State<Arc<LocalAuthority>>,
    JsonBody(request): JsonBody<ChangesRequest>,
) -> Result<Json<Changes>, ApiError> {
    Ok(Json(authority.changes(request.since).await?))
}

/// Which of the sessions are open.
pub async fn open_sessions(
    State(authority): State<Arc<LocalAuthority>>,
    JsonBody(request): JsonBody<SessionsRequest>,
) -> Result<Json<Vec<OpenSession>>, ApiError> {
    bounded(request.sessions.len(), "sessions")?;
    Ok(Json(authority.open_sessions(&request.sessions).await?))
}

/// Which of the sessions are over: what gateways of v0.2 ask.
pub async fn ended_sessions(
    State(authority): State<Arc<LocalAuthority>>,
    JsonBody(SessionsRequest { mut sessions }): JsonBody<SessionsRequest>,
) -> Result<Json<Vec<SessionId>>, ApiError> {
    bounded(sessions.len(), "sessions")?;
    let open: HashSet<SessionId> = authority.open_sessions(&sessions).await?.into_iter().map(|open| open.id).collect();
    sessions.retain(|session| !open.contains(session));
    Ok(Json(sessions))
}

/// The versions of the rooms' rights.
pub async fn acl(
    State(authority): State<Arc<LocalAuthority>>,
    JsonBody(request): JsonBody<RoomsRequest>,
) -> Result<Json<Vec<(RoomId, AclVersion)>>, ApiError> {
    bounded(request.rooms.len(), "rooms")?;
    Ok(Json(authority.acl_versions(&request.rooms).await?))
}

/// Which of the users may read in the room.
pub async fn readers(
    State(authority): State<Arc<LocalAuthority>>,
    JsonBody(request): JsonBody<ReadersRequest>,
) -> Result<Json<Vec<UserId>>, ApiError> {
    bounded(request.users.len(), "users")?;
    Ok(Json(authority.readers(request.room, &request.users).await?))
}

fn bounded(count: usize, field: &str) -> Result<(), ApiError> {
    if count <= REVOCATIONS_PER_READ_MAX {
        Ok(())
    } else {
        Err(ApiError::field(ErrorCode::BadField, field, "too many at once"))
    }
}
