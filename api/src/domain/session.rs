//! Login sessions: one family of rotating refresh tokens each.

use rookery_shared::clock::UnixMillis;
use rookery_shared::id::{SessionId, UserId};

/// SHA-256 of a refresh token.
pub type TokenHash = [u8; 32];

/// One login of one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id, as access tokens carry it.
    pub id: SessionId,
    /// Finds the session from a refresh token; never in an access token.
    pub lookup: [u8; 16],
    /// Whose login it is.
    pub user_id: UserId,
    /// Key from which each refresh token derives its successor.
    pub chain_key: [u8; 32],
    /// Hash of the token that is valid now.
    pub current: TokenHash,
    /// Hash of the token before it.
    pub parent: Option<TokenHash>,
    /// When `current` was made.
    pub rotated_at: UnixMillis,
    /// When the login happened.
    pub created_at: UnixMillis,
    /// When `current` ends.
    pub expires_at: UnixMillis,
    /// When the family was revoked.
    pub revoked_at: Option<UnixMillis>,
}
