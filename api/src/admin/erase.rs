//! `DELETE /api/v1/admin/users/{user}`

use axum::Json;
use axum::extract::State;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::UserId;
use rookery_store::erasure::Erasure;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::accounts::erasure::Erasing;
use crate::admin::Administration;
use crate::admin::act::Act;
use crate::error::ApiError;
use crate::http::extract::{Admin, IdPath};

/// How far an erasure is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ErasureState {
    /// It goes on; ask again.
    Running,
    /// Nothing is left.
    Done,
}

/// What was removed.
#[derive(Serialize, ToSchema)]
pub struct RemovedView {
    /// Login sessions.
    sessions: u64,
    /// Memberships of rooms.
    memberships: u64,
    /// Rooms that passed to another member.
    rooms_passed_on: u64,
    /// Rooms that were closed, since nobody else was there.
    rooms_closed: u64,
    /// Messages and other events that have lost the name.
    events: u64,
    /// Records about the account.
    records: u64,
    /// Files.
    files: u64,
}

/// The receipt of an erasure.
#[derive(Serialize, ToSchema)]
pub struct ErasureReceipt {
    /// Id of the user.
    user_id: Uuid,
    /// How far it is.
    state: ErasureState,
    /// When it was asked for.
    #[schema(value_type = String, format = DateTime)]
    begun_at: UnixMillis,
    /// When nothing was left.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, format = DateTime, nullable = false, required = false)]
    finished_at: Option<UnixMillis>,
    /// What was removed so far.
    removed: RemovedView,
}

impl From<Erasure> for ErasureReceipt {
    fn from(Erasure { user, begun_at, finished_at, removed, .. }: Erasure) -> Self {
        Self {
            user_id: user.as_uuid(),
            state: if finished_at.is_some() { ErasureState::Done } else { ErasureState::Running },
            begun_at,
            finished_at,
            removed: RemovedView {
                sessions: removed.sessions,
                memberships: removed.memberships,
                rooms_passed_on: removed.rooms_passed_on,
                rooms_closed: removed.rooms_closed,
                events: removed.events,
                records: removed.records,
                files: removed.files,
            },
        }
    }
}

/// Erase an account
///
/// For admins, and for good: as if its owner had deleted it. The receipt says what was removed. Where that takes long, it goes on
/// after the answer; the same request again has the receipt as it is then.
#[utoipa::path(
    delete,
    path = "/api/v1/admin/users/{user}",
    operation_id = "erase_user",
    tag = "admin",
    security(("bearer" = [])),
    params(("user" = Uuid, Path, description = "Id of the user")),
    responses(
        (status = 200, description = "The receipt", body = ErasureReceipt),
        (status = 403, description = "`forbidden`"),
        (status = 404, description = "`not_found`"),
        (status = 409, description = "`last_admin`: no admin who may log in would be left"),
    ),
)]
pub async fn erase(
    State(administration): State<Administration>,
    State(erasing): State<Erasing>,
    Admin(admin): Admin,
    IdPath(user): IdPath<UserId>,
) -> Result<Json<ErasureReceipt>, ApiError> {
    let (now, is_new) = (UnixMillis::now(), erasing.of(user).await?.is_none());
    let erased = erasing.erase(user, admin.user_id, now).await?;
    let erasure = erased.ok_or_else(|| ApiError::refused(ErrorCode::NotFound))?;
    if is_new {
        let act = Act { action: "user_erased", user: Some(user), detail: None };
        administration.note(act, admin.user_id, now).await?;
    }
    Ok(Json(erasure.into()))
}
