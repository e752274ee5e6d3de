//! What operators choose about access tokens.

use std::time::Duration;

use rookery_protocol::limits::ACCESS_TOKEN_LIFE;
use rookery_runtime::config::{Reader, Setting};

use crate::limits::ACCESS_TOKEN_SECONDS_MIN;

/// The settings of [`TokenOptions`].
pub const SETTINGS: [Setting; 2] = [
    Setting {
        key: "issuer",
        default: Some("rookery"),
        secret: false,
        help: "Issuer named in access tokens; the same in all processes.",
    },
    Setting {
        key: "access_token_seconds",
        default: Some("900"),
        secret: false,
        help: "Seconds for which an access token is valid, 10 to 900; the same in all processes that sign. Clients renew theirs that often.",
    },
];

/// How access tokens are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenOptions {
    /// The deployment's name in them.
    pub issuer: String,
    /// How long they live, at most [`ACCESS_TOKEN_LIFE`].
    pub access_life: Duration,
}

impl TokenOptions {
    /// The default life.
    pub fn of(issuer: &str) -> Self {
        Self { issuer: issuer.to_owned(), access_life: ACCESS_TOKEN_LIFE }
    }

    /// Reads them; what is wrong is remembered by the reader.
    pub fn read(reader: &mut Reader) -> Option<Self> {
        let issuer = reader.text("issuer");
        let seconds = reader.number("access_token_seconds", ACCESS_TOKEN_SECONDS_MIN..=ACCESS_TOKEN_LIFE.as_secs());
        Some(Self { issuer: issuer?, access_life: Duration::from_secs(seconds?) })
    }
}
