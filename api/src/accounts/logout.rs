//! `POST /api/v1/auth/logout`

use axum::extract::{FromRef, FromRequest, FromRequestParts as _, Request, State};
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_runtime::origin::Origins;

use crate::accounts::cookie;
use crate::accounts::sessions::Sessions;
use crate::accounts::tokens::RefreshRequest;
use crate::error::ApiError;
use crate::http::extract::{Authentication, Caller, JsonBody};

/// The session that is to end.
pub enum Leaving {
    /// Of the refresh token in the body.
    Token(String),
    /// Of the refresh token in the cookie.
    Cookie(String),
    /// Of the access token.
    Own(Caller),
}

impl<S: Send + Sync> FromRequest<S> for Leaving
where
    Authentication: FromRef<S>,
    Origins: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        use axum::body::HttpBody as _;
        if !request.body().is_end_stream() {
            let JsonBody(RefreshRequest { refresh_token }) = JsonBody::from_request(request, state).await?;
            return Ok(Self::Token(refresh_token));
        }
        let (mut parts, _) = request.into_parts();
        if !parts.headers.contains_key(AUTHORIZATION)
            && let Some(token) = cookie::token(&parts.headers)
        {
            cookie::check(&parts.headers, &Origins::from_ref(state))?;
            return Ok(Self::Cookie(token));
        }
        Caller::from_request_parts(&mut parts, state).await.map(Self::Own)
    }
}

/// Log out
///
/// With a refresh token, in the body or in the cookie, its session ends, without either that of the access token. No token of it
/// works any more, and its sockets are closed with 4409.
#[utoipa::path(
    post,
    path = "/api/v1/auth/logout",
    tag = "auth",
    request_body = RefreshRequest,
    responses(
        (status = 204, description = "Logged out, also if it was so before"),
        (status = 401, description = "`unauthenticated`: neither a refresh token nor a valid access token"),
        (status = 403, description = "`forbidden`: a page of another origin asks with the cookie"),
    ),
)]
pub async fn logout(State(sessions): State<Sessions>, leaving: Leaving) -> Result<(StatusCode, HeaderMap), ApiError> {
    let (now, mut headers) = (UnixMillis::now(), HeaderMap::new());
    match leaving {
        Leaving::Token(token) => sessions.logout(&token, now).await?,
        Leaving::Cookie(token) => {
            sessions.logout(&token, now).await?;
            cookie::take(&mut headers);
        }
        Leaving::Own(caller) => {
            if !sessions.end_one(caller.user_id, caller.session_id, now).await? {
                return Err(ApiError::refused(ErrorCode::Unauthenticated));
            }
        }
    }
    Ok((StatusCode::NO_CONTENT, headers))
}
