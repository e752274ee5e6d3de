//! The refresh token in a cookie, for pages: no script can read it, and only pages of the deployment's own origins may use it.

use std::convert::Infallible;

use axum::extract::{FromRef, FromRequest, FromRequestParts, Request};
use http::header::{CONTENT_TYPE, COOKIE, ORIGIN, SET_COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};
use rookery_protocol::error_code::ErrorCode;
use rookery_runtime::origin::Origins;
use rookery_store::session::Lifetimes;

use crate::accounts::tokens::RefreshRequest;
use crate::error::ApiError;
use crate::http::extract::JsonBody;

/// Browsers take it from this host only, over TLS only, and for every path.
const NAME: &str = "__Host-rookery_refresh";

/// The refresh token of a request: in its body, or without one in its cookie.
pub enum Presented {
    /// In the body.
    Body(String),
    /// In the cookie.
    Cookie(String),
}

impl<S: Send + Sync> FromRequest<S> for Presented
where
    Origins: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        use axum::body::HttpBody as _;
        if request.body().is_end_stream() {
            let headers = request.headers();
            if let Some(token) = token(headers) {
                check(headers, &Origins::from_ref(state))?;
                return Ok(Self::Cookie(token));
            }
            // Neither a body nor the cookie; what says that it is JSON is looked at as such.
            if !headers.contains_key(CONTENT_TYPE) {
                return Err(ApiError::refused(ErrorCode::BadRefreshToken));
            }
        }
        let JsonBody(RefreshRequest { refresh_token }) = JsonBody::from_request(request, state).await?;
        Ok(Self::Body(refresh_token))
    }
}

/// Whether a request comes from no page, or from one of the deployment's own origins.
pub struct OwnPage(pub bool);

impl<S: Send + Sync> FromRequestParts<S> for OwnPage
where
    Origins: FromRef<S>,
{
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Infallible> {
        Ok(Self(Origins::from_ref(state).may_connect(&parts.headers)))
    }
}

/// The token in the cookie of a request; none if there is no such cookie, or more than one.
pub(super) fn token(headers: &HeaderMap) -> Option<String> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut found = lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| *name == NAME);
    let (Some((_, value)), None) = (found.next(), found.next()) else { return None };
    Some(value.to_owned())
}

/// A browser says which page asks; another origin's must not make use of the cookie that goes along.
pub(super) fn check(headers: &HeaderMap, origins: &Origins) -> Result<(), ApiError> {
    if headers.contains_key(ORIGIN) && origins.may_connect(headers) {
        Ok(())
    } else {
        Err(ApiError::refused(ErrorCode::Forbidden))
    }
}

/// Gives the cookie to a browser.
pub(super) fn give(headers: &mut HeaderMap, token: &str, lifetimes: Lifetimes) {
    set(headers, token, lifetimes.refresh.as_secs());
}

/// Takes the cookie away.
pub(super) fn take(headers: &mut HeaderMap) {
    set(headers, "", 0);
}

fn set(headers: &mut HeaderMap, token: &str, seconds: u64) {
    let cookie = format!("{NAME}={token}; Path=/; Max-Age={seconds}; Secure; HttpOnly; SameSite=Strict");
    // A token is base64url.
    if let Ok(value) = HeaderValue::try_from(cookie) {
        headers.insert(SET_COOKIE, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cookie_counts() {
        let with = |lines: &[&'static str]| {
            let lines = lines.iter().map(|line| (COOKIE, HeaderValue::from_static(line)));
            token(&lines.collect())
        };
        assert_eq!(with(&["a=b; __Host-rookery_refresh=x-_1"]).as_deref(), Some("x-_1"));
        assert_eq!(with(&["__Host-rookery_refresh=x; __Host-rookery_refresh=y"]), None);
        assert_eq!(with(&["rookery_refresh=x"]), None);
        assert_eq!(with(&[]), None);
    }
}
