//! `PUT /api/v1/users/me/password`

use axum::extract::State;
use http::StatusCode;
use rookery_protocol::clock::UnixMillis;
use rookery_store::user::{Password, PasswordAttempt};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::accounts::Accounts;
use crate::accounts::password::common::look;
use crate::accounts::sessions::Sessions;
use crate::error::ApiError;
use crate::http::extract::{Caller, JsonBody};
use crate::http::limit::ClientAddress;

/// Another password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePasswordRequest {
    /// The password as it is.
    #[schema(value_type = String, format = Password, max_length = 256)]
    password: PasswordAttempt,
    /// As it is to be, taken byte for byte.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 256)]
    new_password: Password,
}

/// Change your password
///
/// All other sessions end, and you are told by mail.
#[utoipa::path(
    put,
    path = "/api/v1/users/me/password",
    tag = "users",
    security(("bearer" = [])),
    request_body = ChangePasswordRequest,
    responses(
        (status = 204, description = "The password is another one"),
        (status = 400, description = "`bad_field` or `password_too_common`"),
        (status = 403, description = "`password_wrong`"),
    ),
)]
pub async fn change_password(
    State(accounts): State<Accounts>,
    State(sessions): State<Sessions>,
    caller: Caller,
    from: ClientAddress,
    JsonBody(request): JsonBody<ChangePasswordRequest>,
) -> Result<StatusCode, ApiError> {
    let now = UnixMillis::now();
    let user = sessions.confirm(caller.user_id, request.password, from).await?;
    let password = look(request.new_password, &user.username, &user.email).await?;
    let password_hash = accounts.passwords.hash(password, from.subject()).await?;
    accounts.stores.users.set_password(user.id, &password_hash).await?;
    accounts.end_links(user.id).await?;
    sessions.end_others(user.id, caller.session_id, now).await?;
    accounts.tell_of_password(user.id, now).await?;
    tracing::info!(user_id = %user.id, "password changed");
    Ok(StatusCode::NO_CONTENT)
}
