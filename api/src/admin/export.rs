//! `POST /api/v1/admin/users/{user}/export`

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::UserId;

use crate::accounts::exporting::Exporting;
use crate::accounts::exports::ExportView;
use crate::admin::Administration;
use crate::admin::act::Act;
use crate::error::ApiError;
use crate::http::extract::{Admin, IdPath};

/// Have a copy made of what is kept about somebody
///
/// For admins. The answer says where it will be; until it is made, that is answered 404.
#[utoipa::path(
    post,
    path = "/api/v1/admin/users/{user}/export",
    operation_id = "export_user",
    tag = "admin",
    security(("bearer" = [])),
    params(("user" = Uuid, Path, description = "Id of the user")),
    responses(
        (status = 202, description = "It is being made", body = ExportView),
        (status = 403, description = "`forbidden`"),
        (status = 404, description = "`not_found`"),
    ),
)]
pub async fn export_user(
    State(administration): State<Administration>,
    State(exporting): State<Exporting>,
    Admin(admin): Admin,
    IdPath(user): IdPath<UserId>,
) -> Result<(StatusCode, Json<ExportView>), ApiError> {
    let (user, now) = (administration.find(user).await?.id, UnixMillis::now());
    let export = exporting.ask(user, admin.user_id, now).await?;
    let act = Act { action: "user_exported", user: Some(user), detail: None };
    administration.note(act, admin.user_id, now).await?;
    Ok((StatusCode::ACCEPTED, Json(ExportView::of(Some(&export), true))))
}
