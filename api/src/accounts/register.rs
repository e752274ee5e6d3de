//! `POST /api/v1/auth/register`

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use rookery_protocol::clock::UnixMillis;
use rookery_store::user::{Email, Password, Username};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::accounts::registration::Verification;
use crate::accounts::registrations::Begun;
use crate::accounts::view::UserView;
use crate::accounts::{Accounts, NewAccount};
use crate::error::ApiError;
use crate::http::extract::JsonBody;
use crate::http::limit::{ClientAddress, Limits};
use crate::invite_code::InviteCode;

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
    /// The code of an invite, where one is needed.
    #[schema(value_type = Option<String>, max_length = 64)]
    invite: Option<InviteCode>,
}

/// The new account, or what it takes to begin it.
#[derive(Serialize, ToSchema)]
pub struct Registered {
    /// The account; absent as long as its address is not verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    user: Option<UserView>,
    /// What to verify the address with.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    registration_id: Option<Uuid>,
    /// Whether a code was sent to the address, with which the account begins.
    verification: Verification,
}

/// Register an account
///
/// Where `verification` is `none`, the account exists at once, and is a member of the room `general`: log in next. Where it is
/// `required`, a code is sent to the address; give it to `POST /auth/verify` within its life. The name is kept for a day
/// meanwhile. The answer does not tell whether the address has an account: its owner is told by mail.
#[utoipa::path(
    post,
    path = "/api/v1/auth/register",
    tag = "auth",
    request_body = RegisterRequest,
    responses(
        (status = 201, description = "Registered", body = Registered),
        (status = 400, description = "`bad_field`, or `password_too_common`: one of the first that are tried, or your name or address"),
        (status = 403, description = "`registration_closed`, or `registration_invite_only` without a valid invite where one is needed"),
        (status = 409, description = "`username_taken`, also for reserved words and names that are kept; `account_exists` for the address, where it is not verified"),
    ),
)]
pub async fn register(
    State(accounts): State<Accounts>,
    State(limits): State<Limits>,
    from: ClientAddress,
    JsonBody(request): JsonBody<RegisterRequest>,
) -> Result<(StatusCode, Json<Registered>), ApiError> {
    let RegisterRequest { username, email, password, invite } = request;
    let invite = invite.as_ref().map(InviteCode::as_str);
    accounts.may_register(invite, UnixMillis::now()).await?;
    limits.registration(&email).await?;
    let new = NewAccount { username, email, password };
    let begun = accounts.register(new, invite, (&limits, from), UnixMillis::now()).await?;
    let registered = match begun {
        Begun::Account(user) => Registered {
            user: Some(UserView::from(&*user)),
            registration_id: None,
            verification: Verification::None,
        },
        Begun::Pending(id) => {
            Registered { user: None, registration_id: Some(id), verification: Verification::Required }
        }
    };
    Ok((StatusCode::CREATED, Json(registered)))
}
