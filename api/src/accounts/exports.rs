//! `POST` and `GET /api/v1/users/me/export`, `GET /api/v1/exports/{export}`

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use futures_util::stream::{self, StreamExt as _};
use http::StatusCode;
use http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_store::StoreError;
use rookery_store::export::Export;
use rookery_store::user::ServerRole;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::accounts::exporting::Exporting;
use crate::accounts::password_request::PasswordRequest;
use crate::accounts::sessions::Sessions;
use crate::error::ApiError;
use crate::http::extract::{Caller, IdPath, JsonBody};
use crate::http::limit::ClientAddress;

/// How far a copy is.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExportState {
    /// Nobody asked for one, or it is forgotten.
    None,
    /// It is being made.
    Running,
    /// It can be downloaded.
    Done,
}

/// A copy of what is kept about somebody.
#[derive(Serialize, ToSchema)]
#[schema(as = Export)]
pub struct ExportView {
    /// How far it is.
    state: ExportState,
    /// Where it can be downloaded, with the session of whoever asked for it; absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "/api/v1/exports/0190f6a0-0000-7000-8000-000000000001")]
    url: Option<String>,
}

impl ExportView {
    /// What is told of a copy; early, its address before it is there.
    pub(crate) fn of(export: Option<&Export>, tells_early: bool) -> Self {
        let state = match export {
            None => ExportState::None,
            Some(export) if export.pieces.is_none() => ExportState::Running,
            Some(_) => ExportState::Done,
        };
        let known = export.filter(|export| tells_early || export.pieces.is_some());
        Self { state, url: known.map(|export| format!("/api/v1/exports/{}", export.id)) }
    }
}

/// Have a copy made of what is kept about you
///
/// A ZIP of JSON: account, settings, sessions, rooms, blocks, what you have said, done and reported, and what was decided
/// against you. It is there for 24 hours, and a new one replaces it.
#[utoipa::path(
    post,
    path = "/api/v1/users/me/export",
    operation_id = "export_me",
    tag = "users",
    security(("bearer" = [])),
    request_body = PasswordRequest,
    responses(
        (status = 202, description = "It is being made", body = ExportView),
        (status = 403, description = "`password_wrong`"),
    ),
)]
pub async fn export_me(
    State(exporting): State<Exporting>,
    State(sessions): State<Sessions>,
    caller: Caller,
    from: ClientAddress,
    JsonBody(request): JsonBody<PasswordRequest>,
) -> Result<(StatusCode, Json<ExportView>), ApiError> {
    let user = sessions.confirm(caller.user_id, request.password, from).await?;
    let export = exporting.ask(user.id, user.id, UnixMillis::now()).await?;
    Ok((StatusCode::ACCEPTED, Json(ExportView::of(Some(&export), false))))
}

/// The copy of what is kept about you
#[utoipa::path(
    get,
    path = "/api/v1/users/me/export",
    operation_id = "get_my_export",
    tag = "users",
    security(("bearer" = [])),
    responses((status = 200, description = "How far it is", body = ExportView)),
)]
pub async fn my_export(State(exporting): State<Exporting>, caller: Caller) -> Result<Json<ExportView>, ApiError> {
    let export = exporting.newest(caller.user_id, caller.user_id, UnixMillis::now()).await?;
    Ok(Json(ExportView::of(export.as_ref(), false)))
}

/// Download a copy
///
/// For whoever asked for it. One about somebody else, or of a room, is for admins only.
#[utoipa::path(
    get,
    path = "/api/v1/exports/{export}",
    operation_id = "download_export",
    tag = "users",
    security(("bearer" = [])),
    params(("export" = Uuid, Path, description = "Id of the copy")),
    responses(
        (status = 200, description = "A ZIP of JSON", body = Vec<u8>, content_type = "application/zip"),
        (status = 404, description = "`not_found`: not made yet, forgotten, or asked for by somebody else"),
    ),
)]
pub async fn download(
    State(exporting): State<Exporting>,
    caller: Caller,
    IdPath(id): IdPath<Uuid>,
) -> Result<Response, ApiError> {
    let not_found = || ApiError::refused(ErrorCode::NotFound);
    let (now, by) = (UnixMillis::now(), caller.user_id);
    let account = exporting.stores.users.enabled(by).await?;
    let account = account.ok_or_else(|| ApiError::refused(ErrorCode::Unauthenticated))?;
    let found = exporting.stores.exports.by_id(id).await?;
    let is_own = |export: &Export| export.room.is_none() && export.user == by;
    let may_have = |export: &Export| is_own(export) || account.role == ServerRole::Admin;
    let export = found.filter(|export| export.by == by && now < export.expires_at && may_have(export));
    let export = export.ok_or_else(not_found)?;
    let pieces = export.pieces.ok_or_else(not_found)?;
    let exports = exporting.stores.exports;
    let body = stream::iter(0..pieces).then(move |number| {
        let exports = exports.clone();
        async move {
            let gone = || StoreError::Inconsistent("a piece of an export is gone".to_owned());
            exports.piece(id, number).await?.ok_or_else(gone)
        }
    });
    let headers = [
        (CONTENT_TYPE, "application/zip".to_owned()),
        (CONTENT_DISPOSITION, "attachment; filename=\"export.zip\"".to_owned()),
        (CONTENT_LENGTH, export.bytes.to_string()),
    ];
    Ok((headers, Body::from_stream(body)).into_response())
}
