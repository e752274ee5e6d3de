//! What says whose a connection is.

use std::fmt;

use rookery_protocol::clock::UnixMillis;
use rookery_runtime::token::{Claims, TokenError, Verifier};

/// An access token, or a ticket in its place.
#[derive(Clone, PartialEq, Eq)]
pub enum Credential {
    /// An access token.
    Token(String),
    /// A ticket, which is spent by it.
    Ticket(String),
}

impl Credential {
    /// What it says, if it is good. That of a ticket counts once the ticket is spent.
    pub fn verify(&self, verifier: &Verifier, now: UnixMillis) -> Result<Claims, TokenError> {
        match self {
            Self::Token(token) => verifier.verify(token, now),
            Self::Ticket(ticket) => verifier.verify_ticket(ticket, now),
        }
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token(_) => "Token(…)",
            Self::Ticket(_) => "Ticket(…)",
        })
    }
}
