//! Errors of commands, and what the client gets.

use rookery_bus::AppendError;
use rookery_bus::authority::AuthorityError;
use rookery_bus::error::BusError;
use rookery_bus::pace::TooEarly;
use rookery_protocol::close::CloseCode;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::server::ErrorFrame;

use crate::limits::RETRY_AFTER_MS;

/// A command that was not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// Not allowed, or not possible for this client.
    #[error("refused: {}", .0.as_str())]
    Refused(ErrorCode),
    /// The user may not say anything; in so many milliseconds it may, if that is known.
    #[error("muted")]
    Muted(Option<u64>),
    /// More waits for the store than may wait.
    #[error("too much is waiting")]
    Overloaded,
    /// The rights changed each time they were read.
    #[error("the room's rights keep changing")]
    AttemptsExhausted,
    /// The api does not answer.
    #[error("api: {0}")]
    Api(String),
    /// Too much by the pace, or by the room's slow mode.
    #[error("too early")]
    TooEarly(TooEarly),
    /// The bus does not answer.
    #[error(transparent)]
    Bus(#[from] BusError),
}

impl CommandError {
    /// The code that the client gets.
    pub const fn code(&self) -> ErrorCode {
        match self {
            Self::Refused(code) => *code,
            Self::Muted(_) => ErrorCode::Muted,
            Self::Overloaded => ErrorCode::Overloaded,
            Self::TooEarly(TooEarly::RateLimit(_)) => ErrorCode::RateLimited,
            Self::TooEarly(TooEarly::SlowMode(_)) => ErrorCode::SlowMode,
            Self::AttemptsExhausted | Self::Api(_) | Self::Bus(_) => ErrorCode::Unavailable,
        }
    }

    /// The frame the client is sent. What may be repeated says when.
    pub fn frame(&self) -> ErrorFrame {
        let retry_after_ms = match self {
            Self::Muted(rest_ms) => *rest_ms,
            Self::TooEarly(TooEarly::RateLimit(ms) | TooEarly::SlowMode(ms)) => Some(*ms),
            Self::Refused(_) => None,
            Self::Overloaded | Self::AttemptsExhausted | Self::Api(_) | Self::Bus(_) => Some(RETRY_AFTER_MS),
        };
        ErrorFrame { retry_after_ms, ..ErrorFrame::new(self.code()) }
    }

    /// How a connection ends that lives for one room only and cannot enter it.
    pub const fn close_code(&self) -> CloseCode {
        match self {
            Self::Refused(ErrorCode::UnknownRoom) => CloseCode::NoSuchRoom,
            Self::Refused(ErrorCode::RateLimited) => CloseCode::Overloaded,
            Self::Refused(_) | Self::Muted(_) => CloseCode::Forbidden,
            Self::Overloaded | Self::AttemptsExhausted | Self::Api(_) | Self::Bus(_) | Self::TooEarly(_) => {
                CloseCode::Overloaded
            }
        }
    }

    /// Whether we are at fault, and not the client.
    pub const fn is_ours(&self) -> bool {
        match self {
            Self::Overloaded | Self::AttemptsExhausted | Self::Api(_) | Self::Bus(_) => true,
            Self::Refused(_) | Self::Muted(_) | Self::TooEarly(_) => false,
        }
    }

    /// The part at fault, as a metric label; none if it is the client.
    pub const fn part(&self) -> Option<&'static str> {
        match self {
            Self::Api(_) => Some("api"),
            Self::Bus(_) => Some("bus"),
            Self::Refused(_) | Self::Muted(_) | Self::Overloaded | Self::AttemptsExhausted | Self::TooEarly(_) => None,
        }
    }
}

impl From<AuthorityError> for CommandError {
    fn from(error: AuthorityError) -> Self {
        match error {
            AuthorityError::Refused(code) => Self::Refused(code),
            AuthorityError::Muted(rest_ms) => Self::Muted(rest_ms),
            AuthorityError::Unavailable(cause) => Self::Api(cause),
        }
    }
}

impl From<AppendError> for CommandError {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::StaleRights | AppendError::AttemptsExhausted => Self::AttemptsExhausted,
            AppendError::Overloaded => Self::Overloaded,
            AppendError::NotOpen => Self::Bus(BusError::Unavailable("the room does not stay open".to_owned())),
            AppendError::Bus(error) => Self::Bus(error),
            AppendError::Reused => Self::Refused(ErrorCode::ClientIdReused),
            AppendError::Refused(code) => Self::Refused(code),
            AppendError::TooEarly(early) => Self::TooEarly(early),
        }
    }
}
