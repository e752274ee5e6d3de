//! `POST /api/v1/auth/login`

use axum::Json;
use axum::extract::State;
use http::HeaderMap;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_store::session::DeviceName;
use rookery_store::user::{Login, PasswordAttempt};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::accounts::cookie::OwnPage;
use crate::accounts::sessions::{Attempt, Sessions};
use crate::accounts::tokens::Tokens;
use crate::error::ApiError;
use crate::http::extract::JsonBody;
use crate::http::limit::{ClientAddress, Limits, TOO_MANY, log_refused_login};

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
    /// The second factor, where the account has one: six digits of the device, or a recovery code.
    #[schema(max_length = 64)]
    code: Option<String>,
    /// What you call the device, for your list of sessions.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 80, format = "visible-text")]
    device: Option<DeviceName>,
    /// Whether the refresh token comes in a cookie, which no script of a page can read.
    cookie: Option<bool>,
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
        (status = 401, description = "`bad_credentials`; `second_factor_required` after the right password, if `code` is missing or wrong"),
        (status = 403, description = "After the right password only: `email_not_verified` of a registration, `account_disabled`. With `cookie` also `forbidden`, for a page of another origin"),
    ),
)]
pub async fn login(
    State(sessions): State<Sessions>,
    State(limits): State<Limits>,
    from: ClientAddress,
    OwnPage(is_own_page): OwnPage,
    JsonBody(request): JsonBody<LoginRequest>,
) -> Result<(HeaderMap, Json<Tokens>), ApiError> {
    let in_cookie = request.cookie == Some(true);
    if in_cookie && !is_own_page {
        return Err(ApiError::refused(ErrorCode::Forbidden));
    }
    // The account first, so that all of its names are one; the answer does not tell whether there was any.
    // A registration is looked for in any case, so that the time does not tell, either.
    let LoginRequest { login, password, code, device, .. } = request;
    let user = sessions.stores.users.by_login(login.as_str()).await?;
    let registration = sessions.stores.registrations.by_login(login.as_str()).await?;
    let counted = limits.login(user.as_ref().map(|user| user.id), &login, from).await;
    counted.inspect_err(|_| log_refused_login(from, TOO_MANY))?;
    let now = UnixMillis::now();
    let registration = registration.filter(|pending| now < pending.expires_at);
    let granted = sessions.login(Attempt { user, registration, code, device, password, from }, now).await?;
    Ok(Tokens::from(granted).in_cookie_if(in_cookie, sessions.tokens.lifetimes))
}
