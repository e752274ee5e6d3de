//! `POST /api/v1/auth/verify`

use axum::extract::State;
use http::StatusCode;
use rookery_protocol::clock::UnixMillis;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::accounts::Accounts;
use crate::error::ApiError;
use crate::http::extract::{Hyphenated, JsonBody};

/// The code of a registration.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyRequest {
    /// The registration, as `POST /auth/register` answered it.
    #[schema(value_type = Uuid)]
    registration_id: Hyphenated,
    /// The code that was sent to the address.
    #[schema(max_length = 64, example = "123456")]
    code: String,
}

/// Verify the address of a registration
///
/// The account begins, and is a member of the room `general`: log in next. A code has five tries.
#[utoipa::path(
    post,
    path = "/api/v1/auth/verify",
    tag = "auth",
    request_body = VerifyRequest,
    responses(
        (status = 204, description = "The account exists"),
        (status = 400, description = "`code_invalid`: wrong, expired, tried too often, or of no registration"),
    ),
)]
pub async fn verify(
    State(accounts): State<Accounts>,
    JsonBody(request): JsonBody<VerifyRequest>,
) -> Result<StatusCode, ApiError> {
    accounts.verify(request.registration_id.0, request.code.trim(), UnixMillis::now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
