//! Before `hello`: only a token of an open login counts, and it has to come in time.

use rookery_protocol::client::ClientFrame;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::close::CloseCode;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::limits::AUTH_DEADLINE;
use rookery_protocol::server::{AckMode, ErrorFrame, ServerFrame};
use rookery_runtime::token::Claims;

use super::authenticated::{Authenticated, expiry};
use super::budget::Budget;
use super::{Input, LoginState, Output, Place};
use crate::limits::RETRY_AFTER_MS;
use crate::session::output::{ended, refuse};

/// A connection whose user is not known.
#[derive(Debug)]
pub struct Unauthenticated {
    place: Option<Place>,
    ack: AckMode,
    deadline: UnixMillis,
    /// The login of its token is being asked about.
    checking: bool,
    budget: Budget,
}

/// Whether the input was the greeting.
#[derive(Debug)]
pub(super) enum Step {
    Stay(Vec<Output>),
    Greet(Authenticated, Vec<Output>),
}

impl Unauthenticated {
    pub(super) fn new(place: Option<Place>, ack: AckMode, now: UnixMillis) -> Self {
        Self { place, ack, deadline: now.plus(AUTH_DEADLINE), checking: false, budget: Budget::new(now) }
    }

    /// The client has done its part when its token is being looked at.
    pub(super) fn deadline(&self) -> UnixMillis {
        if self.checking { self.deadline.plus(AUTH_DEADLINE) } else { self.deadline }
    }

    pub(super) fn handle(&mut self, input: Input, now: UnixMillis) -> Step {
        let outputs = match input {
            Input::Token(Ok(claims)) => {
                self.checking = true;
                vec![Output::Check(Box::new(claims))]
            }
            Input::Checked(claims, LoginState::Open) if now < expiry(&claims) && !claims.signer.is_removed() => {
                return self.greet(&claims, now);
            }
            Input::Checked(_, LoginState::Ended) => ended(),
            Input::Checked(_, LoginState::Unknown) | Input::Keyless => come_back(),
            Input::Tick if now < self.deadline() => Vec::new(),
            Input::Checked(_, LoginState::Open | LoginState::Spent) | Input::Token(Err(_)) | Input::Tick => refuse(),
            Input::Frame(ClientFrame::Ping(_)) => vec![Output::Send(ServerFrame::Pong {})],
            Input::Frame(frame) => self.bad(premature(frame), now),
            Input::Rejected(rejected) => self.bad(rejected.into(), now),
        };
        Step::Stay(outputs)
    }

    fn greet(&mut self, claims: &Claims, now: UnixMillis) -> Step {
        let (session, outputs) = Authenticated::greet(claims, self.place.take(), self.ack, now);
        Step::Greet(session, outputs)
    }

    fn bad(&mut self, error: ErrorFrame, now: UnixMillis) -> Vec<Output> {
        let mut outputs = vec![Output::Send(ServerFrame::Error(error))];
        if self.budget.spend(now) {
            outputs.push(Output::Close(CloseCode::Policy));
        }
        outputs
    }
}

/// The token may be good, so the client is to come back with it.
fn come_back() -> Vec<Output> {
    let error = ErrorFrame { retry_after_ms: Some(RETRY_AFTER_MS), ..ErrorFrame::new(ErrorCode::Unavailable) };
    vec![Output::Send(ServerFrame::Error(error)), Output::Close(CloseCode::Overloaded)]
}

fn premature(frame: ClientFrame) -> ErrorFrame {
    let client_id = match frame {
        ClientFrame::Message(message) => message.client_id,
        ClientFrame::Edit(edit) => edit.client_id,
        ClientFrame::Delete(delete) => delete.client_id,
        ClientFrame::React(react) => react.client_id,
        ClientFrame::Auth(_)
        | ClientFrame::Subscribe(_)
        | ClientFrame::Unsubscribe(_)
        | ClientFrame::Ping(_)
        | ClientFrame::Heads(_)
        | ClientFrame::Presence(_)
        | ClientFrame::Watch(_)
        | ClientFrame::Typing(_)
        | ClientFrame::Read(_)
        | ClientFrame::Background(_) => None,
    };
    ErrorFrame { client_id, ..ErrorFrame::new(ErrorCode::Unauthenticated) }
}
