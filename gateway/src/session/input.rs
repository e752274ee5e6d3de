//! What happens to a session.

use rookery_protocol::client::{ClientFrame, Rejected};
use rookery_runtime::token::{Claims, TokenError};

/// What is known of a login session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginState {
    /// It was open when it was asked about.
    Open,
    /// It is over.
    Ended,
    /// The ticket that brought it was used before.
    Spent,
    /// Nobody answered.
    Unknown,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// A token came, with the upgrade or in an `auth` frame, and was verified.
    Token(Result<Claims, TokenError>),
    /// The login of a good token was asked about.
    Checked(Box<Claims>, LoginState),
    /// A token came, but this node has no key yet to verify it with.
    Keyless,
    /// A frame other than `auth` came. (An `auth` frame that gets here was not verified and is refused.)
    Frame(ClientFrame),
    /// A frame came that means nothing.
    Rejected(Rejected),
    /// Time passed.
    Tick,
}
