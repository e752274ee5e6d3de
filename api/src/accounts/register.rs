//! `POST /api/v1/auth/register`

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_store::user::{Email, Password, Username};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::accounts::registration::Registration;
use crate::accounts::view::UserView;
use crate::accounts::{Accounts, NewAccount};
use crate::error::ApiError;
use crate::http::extract::JsonBody;
use crate::http::limit::{ClientAddress, Limits};

/// What somebody registers with.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterRequest {
    /// Letters, digits, `_`, `-` and `.`; unique without regard to case.
    #[schema(value_type = String, min_length = 3, max_length = 32, example = "testuser",
        pattern = "^[A-Za-z0-9][A-Za-z0-9_.-]*[A-Za-z0-9]$")]
    username: Username,
    /// Unique without regard to case and to the form of its domain. Shown to nobody else.
    #[schema(value_type = String, format = Email, max_length = 254, example = "testuser@example.org")]
    email: Email,
    /// Taken as it is, byte for byte.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 256)]
    password: Password,
}

/// The new account.
#[derive(Serialize, ToSchema)]
pub struct Registered {
    /// The account.
    user: UserView,
}

/// Register an account
///
/// The new user is a member of the room `general`. Log in next.
#[utoipa::path(
    post,
    path = "/api/v1/auth/register",
    tag = "auth",
    request_body = RegisterRequest,
    responses(
        (status = 201, description = "Registered", body = Registered),
        (status = 400, description = "`bad_field`, or `password_too_common`: one of the first that are tried, or your name or address"),
        (status = 403, description = "`registration_closed`"),
        (status = 409, description = "`username_taken`, also for reserved words; `account_exists` for the address"),
    ),
)]
pub async fn register(
    State(accounts): State<Accounts>,
    State(limits): State<Limits>,
    from: ClientAddress,
    JsonBody(request): JsonBody<RegisterRequest>,
) -> Result<(StatusCode, Json<Registered>), ApiError> {
    if accounts.registration == Registration::Closed {
        return Err(ApiError::refused(ErrorCode::RegistrationClosed));
    }
    let RegisterRequest { username, email, password } = request;
    limits.registration(&email).await?;
    let new = NewAccount { username, email, password };
    let user = accounts.register(new, from.subject(), UnixMillis::now()).await?;
    Ok((StatusCode::CREATED, Json(Registered { user: UserView::from(&user) })))
}
