//! The rules of one connection, without sockets, clocks or tasks: an input and the time go in, outputs come out.
//!
//! A connection that has not said who it is and one that has are different types; the first becomes the second by
//! a valid token whose login is open, and `hello` is the sign of it. A signature does not tell that a login has ended, so
//! the login is asked about each time a token brings one.

mod authenticated;
mod budget;
mod input;
mod output;
mod place;
mod unauthenticated;

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::server::AckMode;

pub use input::{Input, LoginState};
pub use output::{Command, MessageChangeRequest, Outgoing, Output, Queued, Ran, Renewal, Target};
pub use place::Place;

use authenticated::Authenticated;
use unauthenticated::Unauthenticated;

/// The state of one connection.
#[derive(Debug)]
pub enum ProtocolState {
    /// Before `hello`.
    Unauthenticated(Unauthenticated),
    /// After `hello`.
    Authenticated(Authenticated),
}

impl ProtocolState {
    /// A connection that was just upgraded; one of a single room names it.
    pub fn new(place: Option<Place>, ack: AckMode, now: UnixMillis) -> Self {
        Self::Unauthenticated(Unauthenticated::new(place, ack, now))
    }

    /// Applies the rules. After [`Output::Close`] the session is over.
    pub fn handle(&mut self, input: Input, now: UnixMillis) -> Vec<Output> {
        match self {
            Self::Authenticated(session) => session.handle(input, now),
            Self::Unauthenticated(session) => match session.handle(input, now) {
                unauthenticated::Step::Stay(outputs) => outputs,
                unauthenticated::Step::Greet(next, outputs) => {
                    *self = Self::Authenticated(next);
                    outputs
                }
            },
        }
    }

    /// When [`Input::Tick`] must come at the latest.
    pub fn deadline(&self) -> UnixMillis {
        match self {
            Self::Unauthenticated(session) => session.deadline(),
            Self::Authenticated(session) => session.deadline(),
        }
    }
}

#[cfg(test)]
mod tests;
