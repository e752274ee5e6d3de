//! `POST /api/v1/auth/verify/resend`

use axum::extract::State;
use http::StatusCode;
use rookery_protocol::clock::UnixMillis;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::accounts::Accounts;
use crate::error::ApiError;
use crate::http::extract::{Hyphenated, JsonBody};
use crate::http::limit::Limits;

/// The registration whose code is to be sent once more.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResendRequest {
    /// The registration, as `POST /auth/register` answered it.
    #[schema(value_type = Uuid)]
    registration_id: Hyphenated,
}

/// Send the code of a registration once more
///
/// It is another code, and the one before is of no use any more. At most one a minute and five an hour are sent to one
/// address; the answer is the same.
#[utoipa::path(
    post,
    path = "/api/v1/auth/verify/resend",
    operation_id = "resend_code",
    tag = "auth",
    request_body = ResendRequest,
    responses((status = 202, description = "A code is sent, if there is such a registration")),
)]
pub async fn resend(
    State(accounts): State<Accounts>,
    State(limits): State<Limits>,
    JsonBody(request): JsonBody<ResendRequest>,
) -> Result<StatusCode, ApiError> {
    accounts.resend(request.registration_id.0, &limits, UnixMillis::now()).await?;
    Ok(StatusCode::ACCEPTED)
}
