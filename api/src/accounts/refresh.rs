//! `POST /api/v1/auth/refresh`

use axum::Json;
use axum::extract::State;
use http::HeaderMap;
use rookery_protocol::clock::UnixMillis;

use crate::accounts::cookie::{self, Presented};
use crate::accounts::sessions::Sessions;
use crate::accounts::tokens::{RefreshRequest, Tokens};
use crate::error::ApiError;

/// Get a new access token
///
/// The refresh token is replaced. One that was replaced less than 10 seconds ago may be sent again and gives the refresh token
/// that is valid now, which is that of the first answer if nobody refreshed since; later it counts as stolen and ends the session. A
/// session is refreshed at most 16 times in 10 seconds, and lives for 90 days at most. Without a body it is the token of the cookie
/// that a login with `cookie` gave; then the page has to be of the deployment's own origins.
#[utoipa::path(
    post,
    path = "/api/v1/auth/refresh",
    tag = "auth",
    request_body = RefreshRequest,
    responses(
        (status = 200, description = "New tokens", body = Tokens),
        (status = 401, description = "`bad_refresh_token`"),
        (status = 403, description = "`forbidden`: a page of another origin asks with the cookie"),
    ),
)]
pub async fn refresh(
    State(sessions): State<Sessions>,
    presented: Presented,
) -> Result<(HeaderMap, Json<Tokens>), ApiError> {
    let now = UnixMillis::now();
    let (text, is_cookie) = match presented {
        Presented::Body(text) => (text, false),
        Presented::Cookie(text) => (text, true),
    };
    let tokens = Tokens::from(sessions.refresh(&text, now).await?);
    Ok(tokens.in_cookie_if(is_cookie, sessions.tokens.lifetimes))
}

impl Tokens {
    /// The answer, with the refresh token in the body or in a cookie.
    pub(super) fn in_cookie_if(
        mut self,
        is_cookie: bool,
        lifetimes: rookery_store::session::Lifetimes,
    ) -> (HeaderMap, Json<Self>) {
        let mut headers = HeaderMap::new();
        if is_cookie && let Some(token) = self.refresh_token.take() {
            cookie::give(&mut headers, &token, lifetimes);
        }
        (headers, Json(self))
    }
}
