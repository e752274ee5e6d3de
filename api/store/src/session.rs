//! Login sessions: one family of rotating refresh tokens each.

use std::time::Duration;

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{SessionId, UserId};
use rookery_protocol::limits::{ACCESS_TOKEN_LIFE, ACCESS_TOKEN_LIFE_MAX, REFRESH_GRACE, TOKEN_LEEWAY};
use rookery_protocol::text;
use serde::{Deserialize, Serialize};

use crate::limits::{REFRESH_TOKEN_LIFE, SESSION_LIFE_MAX};

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
    /// When the tokens before it were replaced, oldest first, as far back as it may matter.
    pub replaced: Vec<UnixMillis>,
    /// When the login happened.
    pub created_at: UnixMillis,
    /// When `current` ends.
    pub expires_at: UnixMillis,
    /// When the family was revoked.
    pub revoked_at: Option<UnixMillis>,
    /// What its user calls the device.
    pub device: Option<DeviceName>,
}

/// How long the tokens of sessions live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// An access token.
    pub access: Duration,
    /// A refresh token since its last use.
    pub refresh: Duration,
}

impl Default for Lifetimes {
    fn default() -> Self {
        Self { access: ACCESS_TOKEN_LIFE, refresh: REFRESH_TOKEN_LIFE }
    }
}

/// What a user calls a device: one visible line of at most 80 characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct DeviceName(String);

const DEVICE_CHARS_MAX: usize = 80;

impl DeviceName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for DeviceName {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        text::line(&name, DEVICE_CHARS_MAX)
            .map(Self)
            .ok_or("must be one visible line of at most 80 characters")
    }
}

impl Session {
    /// When it ends at the latest, however often it is refreshed.
    pub fn last_moment(&self) -> UnixMillis {
        self.created_at.plus(SESSION_LIFE_MAX)
    }

    /// When it ends unless it is refreshed.
    pub fn ends_at(&self) -> UnixMillis {
        self.expires_at.min(self.last_moment())
    }

    /// When a refresh token that is made now ends.
    pub fn refresh_end(&self, now: UnixMillis, lifetimes: Lifetimes) -> UnixMillis {
        now.plus(lifetimes.refresh).min(self.last_moment())
    }

    /// How long an access token lives that is made now.
    pub fn access_life(&self, now: UnixMillis, lifetimes: Lifetimes) -> Duration {
        self.last_moment().since(now).min(lifetimes.access)
    }

    /// Replacements within the grace, oldest first.
    pub fn replaced_lately(&self, now: UnixMillis) -> Vec<UnixMillis> {
        let known = if self.replaced.is_empty() {
            // Of before these times were kept.
            self.parent.map(|_| self.rotated_at).into_iter().collect()
        } else {
            self.replaced.clone()
        };
        known.into_iter().filter(|at| now.since(*at) <= REFRESH_GRACE).collect()
    }
}

/// Sessions that ended, by themselves or not, before this time are of no use: the last access token of each has ended, too.
pub fn forgotten_before(now: UnixMillis) -> UnixMillis {
    now.minus(ACCESS_TOKEN_LIFE_MAX + TOKEN_LEEWAY * 2)
}
