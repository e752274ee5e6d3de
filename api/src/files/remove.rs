//! `DELETE /api/v1/files/{file}`

use axum::extract::State;
use http::StatusCode;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::FileId;
use rookery_store::file::Doomed;

use crate::error::ApiError;
use crate::files::{FileService, unknown};
use crate::http::extract::{Caller, IdPath};

/// Delete a file
///
/// One of yours that is attached to nothing. What is attached goes with its message.
#[utoipa::path(
    delete,
    path = "/api/v1/files/{file}",
    operation_id = "delete_file",
    tag = "files",
    security(("bearer" = [])),
    params(("file" = Uuid, Path, description = "Id of the file")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "`not_found`: there is no such file of yours"),
        (status = 409, description = "`file_attached`"),
    ),
)]
pub async fn remove(
    State(files): State<FileService>,
    caller: Caller,
    IdPath(id): IdPath<FileId>,
) -> Result<StatusCode, ApiError> {
    let file = files.ready(id).await?;
    if file.owner != caller.user_id {
        return Err(unknown());
    }
    let unsent = files.unsent(&file).await?;
    if files.store().condemn(Doomed::One(id, unsent)).await? == 0 {
        // Somebody else has deleted it, or it was attached.
        let file = files.ready(id).await?;
        return match file.holder {
            Some(_) => Err(ApiError::refused(ErrorCode::FileAttached)),
            None => Err(unknown()),
        };
    }
    files.erase_soon(&file).await;
    Ok(StatusCode::NO_CONTENT)
}
