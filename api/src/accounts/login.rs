//! `POST /api/v1/auth/login`

use axum::Json;
use axum::extract::State;
use rookery_protocol::clock::UnixMillis;
use rookery_store::user::{Login, PasswordAttempt};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::accounts::sessions::{self, Attempt, Sessions};
use crate::accounts::tokens::Tokens;
use crate::error::ApiError;
use crate::http::extract::JsonBody;
use crate::http::limit::{ClientAddress, Limits};

/// Who wants to log in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    /// User name or e-mail address, trimmed and without regard to case.
    #[schema(value_type = String, max_length = 254, example = "testuser")]
    login: Login,
    /// The password.
    #[schema(value_type = String, format = Password, max_length = 256, example = "testpass123")]
    password: PasswordAttempt,
}

/// Log in
///
/// A wrong password and an unknown name are answered alike, also where too many were tried from one address.
#[utoipa::path(
    post,
    path = "/api/v1/auth/login",
    tag = "auth",
    request_body = LoginRequest,
    responses(
        (status = 200, description = "Logged in", body = Tokens),
        (status = 401, description = "`bad_credentials`"),
    ),
)]
pub async fn login(
    State(sessions): State<Sessions>,
    State(limits): State<Limits>,
    from: ClientAddress,
    JsonBody(request): JsonBody<LoginRequest>,
) -> Result<Json<Tokens>, ApiError> {
    // The account first, so that all of its names are one; the answer does not tell whether there was any.
    let user = sessions.stores.users.by_login(request.login.as_str()).await?;
    let counted = limits.login(user.as_ref().map(|user| user.id), &request.login, from).await;
    counted.inspect_err(|_| sessions::log_refused_login(from, "too many tries"))?;
    let granted = sessions
        .login(Attempt { user, password: request.password, from }, UnixMillis::now())
        .await?;
    Ok(Json(Tokens::from(granted)))
}
