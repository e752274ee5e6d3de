//! Accounts and sessions.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::accounts::sessions::Granted;
use crate::accounts::view::UserView;

/// What a client holds after a login or a refresh.
#[derive(Serialize, ToSchema)]
pub struct Tokens {
    /// Goes into `Authorization: Bearer` and into the socket's token.
    access_token: String,
    /// Always `Bearer`.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Seconds for which the access token is valid.
    #[schema(example = 900)]
    expires_in: u64,
    /// Good for one refresh. It replaces the one before. Absent where it is in a cookie.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(super) refresh_token: Option<String>,
    /// The login session.
    session_id: Uuid,
    /// User of the session.
    user: UserView,
}

/// A refresh token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshRequest {
    /// The token of the last login or refresh.
    pub(super) refresh_token: String,
}

impl From<Granted> for Tokens {
    fn from(granted: Granted) -> Self {
        Self {
            access_token: granted.access_token,
            token_type: "Bearer",
            expires_in: granted.access_life.as_secs(),
            refresh_token: Some(granted.refresh_token.expose()),
            session_id: granted.session.as_uuid(),
            user: UserView::from(&granted.user),
        }
    }
}
