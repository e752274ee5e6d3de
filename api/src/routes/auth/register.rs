//! `POST /api/v1/auth/register`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_store::user::{Email, Password, Username};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::App;
use crate::error::ApiError;
use crate::extract::JsonBody;
use crate::limit::{self, ClientAddress};
use crate::registration::Registration;
use crate::routes::users::UserView;
use crate::service::accounts::{self, NewAccount};

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
    State(app): State<Arc<App>>,
    from: ClientAddress,
    JsonBody(request): JsonBody<RegisterRequest>,
) -> Result<(StatusCode, Json<Registered>), ApiError> {
    if app.registration == Registration::Closed {
        return Err(ApiError::refused(ErrorCode::RegistrationClosed));
    }
    let RegisterRequest { username, email, password } = request;
    limit::registration(&app, &email).await?;
    let new = NewAccount { username, email, password };
    let user = accounts::register(&app, new, from.subject(), UnixMillis::now()).await?;
    Ok((StatusCode::CREATED, Json(Registered { user: UserView::from(&user) })))
}
