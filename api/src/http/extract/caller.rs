//! Who calls: the claims of the access token in `Authorization: Bearer`.

use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::Sender;
use rookery_protocol::id::{SessionId, UserId};
use rookery_runtime::token::{AUDIENCE, Claims, Signer, Verifier};
use rookery_store::{Sessions, Users};

use crate::error::ApiError;

/// An authenticated user.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The account.
    pub user_id: UserId,
    /// Its name.
    pub username: String,
    /// The login session.
    pub session_id: SessionId,
    /// When its access token ends, in seconds since 1970.
    pub token_ends: i64,
}

impl Caller {
    /// What its access token says, but for when that was made.
    pub(crate) fn claims(self, issuer: &str) -> Claims {
        Claims {
            iss: issuer.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: self.user_id,
            sid: self.session_id,
            name: self.username,
            iat: 0,
            exp: self.token_ends,
            signer: Signer::default(),
            ticket: None,
        }
    }
}

impl From<Caller> for Sender {
    fn from(caller: Caller) -> Self {
        Self { user_id: caller.user_id, username: caller.username }
    }
}

/// What it takes to know who calls.
#[derive(Clone)]
pub struct Authentication {
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) sessions: Arc<dyn Sessions>,
    pub(crate) users: Arc<dyn Users>,
}

impl<S: Send + Sync> FromRequestParts<S> for Caller
where
    Authentication: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let Authentication { verifier, sessions, .. } = Authentication::from_ref(state);
        let unauthenticated = || ApiError::refused(ErrorCode::Unauthenticated);
        let claims = match parts.extensions.remove::<Claims>() {
            // Verified when the request was counted.
            Some(claims) => claims,
            None => verify(&verifier, &parts.headers).ok_or_else(unauthenticated)?,
        };
        // A token outlives its session by minutes; it opens nothing then. So it does the name that its user had.
        let open = sessions.open(&[claims.sid]).await?.remove(&claims.sid).ok_or_else(unauthenticated)?;
        let username = open.map_or(claims.name, |name| name.as_str().to_owned());
        Ok(Self { user_id: claims.sub, username, session_id: claims.sid, token_ends: claims.exp })
    }
}

fn verify(verifier: &Verifier, headers: &HeaderMap) -> Option<Claims> {
    let claims = verifier.verify(bearer(headers)?, UnixMillis::now());
    claims.inspect_err(|error| tracing::debug!(%error, "token refused")).ok()
}

/// The token of an `Authorization: Bearer` header; none if there is no such header, or more than one.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim_start_matches(' '))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn headers(values: &[&'static str]) -> HeaderMap {
        values.iter().map(|value| (AUTHORIZATION, HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn one_bearer_token_counts() {
        assert_eq!(bearer(&headers(&["Bearer a.b"])), Some("a.b"));
        assert_eq!(bearer(&headers(&["bearer  a.b"])), Some("a.b"));
        for bad in [&[][..], &["Basic x"], &["Bearer"], &["Bearer a", "Bearer b"]] {
            assert_eq!(bearer(&headers(bad)), None, "{bad:?}");
        }
    }
}
