//! `GET /api/v1/users/me/sessions` and `DELETE /api/v1/users/me/sessions/{session}`

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::SessionId;
use rookery_store::page;
use rookery_store::session::DeviceName;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::accounts::sessions::Sessions;
use crate::error::ApiError;
use crate::http::cursor::Cursors;
use crate::http::extract::{Caller, IdPath, PageQuery, QueryParams};

/// Your open sessions.
#[derive(Serialize, ToSchema)]
pub struct SessionList {
    /// Newest first.
    sessions: Vec<SessionView>,
    /// Where the next page begins; absent on the last one.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A login of yours that has not ended.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
pub struct SessionView {
    /// Its id.
    session_id: Uuid,
    /// What you call the device.
    #[schema(value_type = Option<String>)]
    device: Option<DeviceName>,
    /// When you logged in.
    #[schema(value_type = String, format = DateTime)]
    created_at: UnixMillis,
    /// When its tokens were replaced last.
    #[schema(value_type = String, format = DateTime)]
    last_used_at: UnixMillis,
    /// Whether it is the one that asks.
    current: bool,
}

/// Your open sessions
#[utoipa::path(
    get,
    path = "/api/v1/users/me/sessions",
    operation_id = "list_my_sessions",
    tag = "auth",
    security(("bearer" = [])),
    params(PageQuery),
    responses(
        (status = 200, description = "A page of sessions", body = SessionList),
        (status = 400, description = "`bad_field`"),
    ),
)]
pub async fn list(
    State(sessions): State<Sessions>,
    State(cursors): State<Cursors>,
    caller: Caller,
    QueryParams(query): QueryParams<PageQuery>,
) -> Result<Json<SessionList>, ApiError> {
    let limit = query.limit()?;
    let after = query.place(|text| cursors.read_sessions(caller.user_id, text))?;
    let mut open = sessions.of_user(caller.user_id, UnixMillis::now()).await?;
    // Ids of sessions are in the order of their beginnings; the one of the cursor may have ended since.
    open.retain(|session| after.is_none_or(|after| session.id < after));
    let next_cursor = page::cut(&mut open, limit).map(|last| cursors.sessions(caller.user_id, last.id));
    let sessions = open.into_iter().map(|session| SessionView {
        session_id: session.id.as_uuid(),
        device: session.device,
        created_at: session.created_at,
        last_used_at: session.rotated_at,
        current: session.id == caller.session_id,
    });
    Ok(Json(SessionList { sessions: sessions.collect(), next_cursor }))
}

/// End one of your sessions
///
/// Its tokens work no more, and its sockets are closed with 4409.
#[utoipa::path(
    delete,
    path = "/api/v1/users/me/sessions/{session}",
    operation_id = "end_my_session",
    tag = "auth",
    security(("bearer" = [])),
    params(("session" = Uuid, Path, description = "Id of the session")),
    responses(
        (status = 204, description = "It has ended"),
        (status = 404, description = "`not_found`: you have no such open session"),
    ),
)]
pub async fn end(
    State(sessions): State<Sessions>,
    caller: Caller,
    IdPath(session): IdPath<SessionId>,
) -> Result<StatusCode, ApiError> {
    if sessions.end_one(caller.user_id, session, UnixMillis::now()).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(ApiError::refused(ErrorCode::NotFound))
    }
}
