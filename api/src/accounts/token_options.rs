//! What operators choose about tokens.

use std::time::Duration;

use rookery_protocol::limits::ACCESS_TOKEN_LIFE_MAX;
use rookery_runtime::config::{Reader, Setting};
use rookery_store::limits::REFRESH_TOKEN_DAYS_MAX;
use rookery_store::session::Lifetimes;

use crate::limits::ACCESS_TOKEN_SECONDS_MIN;

/// The settings of [`TokenOptions`].
pub const SETTINGS: [Setting; 4] = [
    Setting {
        key: "issuer",
        default: Some("rookery"),
        secret: false,
        help: "Issuer named in access tokens; the same in all processes.",
    },
    Setting {
        key: "access_token_minutes",
        default: Some("15"),
        secret: false,
        help: "Minutes for which an access token is valid, 1 to 60; the same in all processes that sign. Clients renew theirs that often.",
    },
    Setting {
        key: "access_token_seconds",
        default: None,
        secret: false,
        help: "The same in seconds, 10 to 3600; counts instead of `access_token_minutes`.",
    },
    Setting {
        key: "refresh_token_days",
        default: Some("7"),
        secret: false,
        help: "Life of a refresh token since its last use, 1 to 90 days; a login ends after 90 days in any case.",
    },
];

/// How tokens are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenOptions {
    /// The deployment's name in access tokens.
    pub issuer: String,
    /// How long they live; access tokens at most [`ACCESS_TOKEN_LIFE_MAX`].
    pub lifetimes: Lifetimes,
}

impl TokenOptions {
    /// The default lives.
    pub fn of(issuer: &str) -> Self {
        Self { issuer: issuer.to_owned(), lifetimes: Lifetimes::default() }
    }

    /// Reads them; what is wrong is remembered by the reader.
    pub fn read(reader: &mut Reader) -> Option<Self> {
        let issuer = reader.text("issuer");
        let minutes = reader.number("access_token_minutes", 1..=ACCESS_TOKEN_LIFE_MAX.as_secs() / 60);
        let seconds = if reader.optional_text("access_token_seconds").is_some() {
            reader.number("access_token_seconds", ACCESS_TOKEN_SECONDS_MIN..=ACCESS_TOKEN_LIFE_MAX.as_secs())
        } else {
            minutes.map(|minutes: u64| minutes * 60)
        };
        let days: Option<u64> = reader.number("refresh_token_days", 1..=REFRESH_TOKEN_DAYS_MAX);
        let lifetimes = Lifetimes { access: Duration::from_secs(seconds?), refresh: Duration::from_hours(days? * 24) };
        Some(Self { issuer: issuer?, lifetimes })
    }
}
