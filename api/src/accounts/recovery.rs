//! Another password for who has forgotten theirs: by a link that its address is sent.

use axum::extract::State;
use http::StatusCode;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_store::account::Purpose;
use rookery_store::user::{Email, Password};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::accounts::Accounts;
use crate::accounts::password::common::look;
use crate::accounts::sessions::Sessions;
use crate::error::ApiError;
use crate::http::extract::JsonBody;
use crate::http::limit::{ClientAddress, Limits};
use crate::mail::Letter;
use crate::mail::secrets::hash;

/// Who has forgotten their password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ForgotRequest {
    /// The address of the account.
    #[schema(value_type = String, format = Email, max_length = 254, example = "testuser@example.org")]
    email: Email,
}

/// Ask for a link that sets another password
///
/// It is sent to the address, if that has an account, and is valid for 15 minutes; three are at once. The answer is always the
/// same, also where too many were asked for.
#[utoipa::path(
    post,
    path = "/api/v1/auth/password/forgot",
    operation_id = "forgot_password",
    tag = "auth",
    request_body = ForgotRequest,
    responses((status = 202, description = "A link is sent, if there is such an account")),
)]
pub async fn forgot(
    State(accounts): State<Accounts>,
    State(limits): State<Limits>,
    JsonBody(request): JsonBody<ForgotRequest>,
) -> Result<StatusCode, ApiError> {
    let now = UnixMillis::now();
    if limits.mail(&request.email).await {
        let user = accounts.stores.users.by_login(request.email.as_str()).await?.map(|user| user.id);
        // One job whether there is an account or not, so that the time does not tell.
        let key = format!("recovery {}", Uuid::new_v4());
        accounts.post.send(&Letter::Recovery { user }, &key, user, now).await?;
    }
    Ok(StatusCode::ACCEPTED)
}

/// Another password, with the link.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetRequest {
    /// What the link carries.
    #[schema(max_length = 64)]
    token: String,
    /// The new password, taken as it is, byte for byte.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 256)]
    password: Password,
    /// The second factor, where the account has one.
    #[schema(max_length = 64)]
    code: Option<String>,
}

/// Set another password with a link
///
/// The link works once. All sessions of the account end, and its owner is told by mail.
#[utoipa::path(
    post,
    path = "/api/v1/auth/password/reset",
    operation_id = "reset_password",
    tag = "auth",
    request_body = ResetRequest,
    responses(
        (status = 204, description = "The password is another one"),
        (status = 400, description = "`token_invalid`: expired, used, or none of ours; or `password_too_common`"),
        (status = 401, description = "`second_factor_required`: the account has a second factor, and `code` is missing or wrong"),
    ),
)]
pub async fn reset(
    State(accounts): State<Accounts>,
    State(sessions): State<Sessions>,
    from: ClientAddress,
    JsonBody(request): JsonBody<ResetRequest>,
) -> Result<StatusCode, ApiError> {
    let (now, tokens) = (UnixMillis::now(), &accounts.stores.one_time_tokens);
    let bad = || ApiError::refused(ErrorCode::TokenInvalid);
    let token = tokens.find(&hash(&request.token), Purpose::Recovery, now).await?.ok_or_else(bad)?;
    let user = accounts.stores.users.enabled(token.user_id).await?.ok_or_else(bad)?;
    let password = look(request.password, &user.username, &user.email).await?;
    sessions.second_factor(&user, request.code.as_deref(), from, now).await?;
    let password_hash = accounts.passwords.hash(password, from.subject()).await?;
    if !tokens.take(token.id).await? {
        return Err(bad());
    }
    accounts.stores.users.set_password(user.id, &password_hash).await?;
    accounts.end_links(user.id).await?;
    sessions.end_all(user.id, now).await?;
    accounts.tell_of_password(user.id, now).await?;
    tracing::info!(user_id = %user.id, "password set by a link");
    Ok(StatusCode::NO_CONTENT)
}
