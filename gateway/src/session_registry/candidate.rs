//! Before `hello`: whether the login of a token is open.
//!
//! First the user is subscribed to, then the api is asked, so that an end of the login is either pushed or answered.
//! A login that was checked a moment ago is checked again all the same: what was published since may still be on its way, and
//! nobody can tell.

use std::collections::HashMap;
use std::sync::Arc;

use rookery_bus::authority::{OpenSession, SessionSource};
use rookery_bus::signal::Revoked;
use rookery_protocol::id::{SessionId, UserId};
use rookery_runtime::token::Claims;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::{SessionRegistry, State};
use crate::limits::{
    SESSION_CALLS_HANGING_MAX, SESSION_CALLS_MAX, SESSION_HEARD_WAIT, SESSION_QUESTIONS_MAX, SESSION_QUESTIONS_MIN,
    SESSIONS_WAITING_MAX,
};
use crate::question_batcher::{Answers, Bounds, Subject};
use crate::session::LoginState;

/// A connection whose login is being asked about, until it is let in or dropped.
pub struct Candidate {
    session_registry: Arc<SessionRegistry>,
    user: UserId,
    session: SessionId,
    number: u64,
    /// Signals that the user is subscribed to; none if that was so from the beginning.
    listening: Option<oneshot::Receiver<()>>,
    /// Whether the subscription was in place before the check.
    is_subscribed: bool,
    /// The user's name, if it has changed since the login.
    renamed: Option<String>,
}

/// What the node keeps of one.
pub(super) struct Expected {
    number: u64,
    session: SessionId,
    /// Its login has ended since it came.
    is_over: bool,
    /// The name that its user has got since it came.
    renamed: Option<String>,
    listening: Option<oneshot::Sender<()>>,
}

/// Questions about sessions: those that are over have no answer.
pub(super) struct Sessions(pub(super) Arc<dyn SessionSource>);

impl Subject for Sessions {
    type Question = SessionId;
    type Answer = Option<OpenSession>;
    const BOUNDS: Bounds = Bounds {
        task: "ask for sessions",
        questions_max: SESSION_QUESTIONS_MAX,
        questions_min: SESSION_QUESTIONS_MIN,
        calls_max: SESSION_CALLS_MAX,
        calls_hanging_max: SESSION_CALLS_HANGING_MAX,
        waiting_max: SESSIONS_WAITING_MAX,
    };

    async fn ask(&self, sessions: &[SessionId]) -> Answers<Option<OpenSession>> {
        let open = self.0.open_sessions(sessions).await?;
        let open: HashMap<SessionId, OpenSession> = open.into_iter().map(|session| (session.id, session)).collect();
        Ok(sessions.iter().map(|session| Ok(open.get(session).cloned())).collect())
    }
}

impl SessionRegistry {
    /// A connection has brought a token of this login.
    pub fn expect(self: &Arc<Self>, user: UserId, session: SessionId) -> Candidate {
        let mut state = self.state.lock();
        state.number += 1;
        let number = state.number;
        let (ready, listening) = if state.subscribed.contains(&user) {
            (None, None)
        } else {
            let (ready, listening) = oneshot::channel();
            (Some(ready), Some(listening))
        };
        let expected = Expected { number, session, is_over: false, renamed: None, listening: ready };
        state.expected.entry(user).or_default().push(expected);
        if listening.is_some() {
            state.moved.insert(user);
            self.changed.notify_one();
        }
        drop(state);
        let (session_registry, is_subscribed, renamed) = (Arc::clone(self), false, None);
        Candidate { session_registry, user, session, number, listening, is_subscribed, renamed }
    }
}

impl Candidate {
    /// Asks.
    pub async fn ask(&mut self) -> LoginState {
        self.is_subscribed = match self.listening.take() {
            Some(listening) => matches!(timeout(SESSION_HEARD_WAIT, listening).await, Ok(Ok(()))),
            None => true,
        };
        match self.session_registry.questions.ask(vec![self.session]).await.pop() {
            _ if self.is_over() => LoginState::Ended,
            Some(Ok(None)) => LoginState::Ended,
            Some(Ok(Some(OpenSession { username, .. }))) => {
                self.renamed = username;
                LoginState::Open
            }
            Some(Err(error)) => {
                tracing::debug!(%error, user = %self.user, "the login is not known");
                LoginState::Unknown
            }
            None => LoginState::Unknown,
        }
    }

    /// Whether its login has ended since it connected, or is known to be revoked.
    pub fn is_over(&self) -> bool {
        let state = self.session_registry.state.lock();
        let mut own = state.expected.get(&self.user).into_iter().flatten();
        own.any(|expected| expected.number == self.number && expected.is_over)
            || self.session_registry.revoked.contains_key(&self.session)
    }

    /// Gives the claims of a token the name that the user had when its login was asked about.
    pub fn name(&mut self, claims: &mut Claims) {
        if let Some(name) = self.renamed.take() {
            claims.name = name;
        }
    }

    pub(super) const fn session(&self) -> SessionId {
        self.session
    }

    pub(super) const fn is_subscribed(&self) -> bool {
        self.is_subscribed
    }
}

impl Drop for Candidate {
    fn drop(&mut self) {
        let mut state = self.session_registry.state.lock();
        let Some(expected) = state.expected.get_mut(&self.user) else { return };
        expected.retain(|expected| expected.number != self.number);
        if expected.is_empty() {
            state.expected.remove(&self.user);
        }
        if !state.is_wanted(&self.user) {
            state.moved.insert(self.user);
            drop(state);
            self.session_registry.changed.notify_one();
        }
    }
}

impl State {
    /// Logins of the user are over.
    pub(super) fn end_expected(&mut self, user: UserId, revoked: Revoked) {
        for expected in self.expected.get_mut(&user).into_iter().flatten() {
            expected.is_over |= revoked == Revoked::All || revoked == Revoked::One(expected.session);
        }
    }

    /// The user has another name, on all connections that are here or about to be.
    pub(super) fn rename(&mut self, user: UserId, name: &str) {
        for expected in self.expected.get_mut(&user).into_iter().flatten() {
            expected.renamed = Some(name.to_owned());
        }
        for login in self.users.get(&user).into_iter().flatten() {
            login.member.rename(name);
        }
    }

    /// The name that the user has got since the candidate came.
    pub(super) fn renamed(&self, candidate: &Candidate) -> Option<&str> {
        let mut own = self.expected.get(&candidate.user).into_iter().flatten();
        own.find(|expected| expected.number == candidate.number)?.renamed.as_deref()
    }

    /// This node is subscribed to these users from now on.
    pub(super) fn mark_subscribed(&mut self, users: &[UserId]) {
        self.subscribed.extend(users);
        for user in users {
            for expected in self.expected.get_mut(user).into_iter().flatten() {
                if let Some(listening) = expected.listening.take() {
                    // Who was dropped meanwhile need not know.
                    listening.send(()).ok();
                }
            }
        }
    }
}
