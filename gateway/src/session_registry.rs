//! The logins that local connections live by, and how they and the rooms of their users are lost.
//!
//! Before a connection is let in, its login is asked about, see `candidate`. News of its end comes over the user's channel at
//! once. Independently of that the api is asked every few seconds, see `poll`, so a push that is lost, or a bus that is
//! away, delays an end but never prevents it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use moka::sync::Cache;
use parking_lot::Mutex;
use rookery_bus::PubSub;
use rookery_bus::authority::Authority;
use rookery_bus::error::BusError;
use rookery_bus::signal::Revoked;
use rookery_protocol::close::CloseCode;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::{RoomId, SessionId, UserId};
use rookery_protocol::limits::{ACCESS_TOKEN_LIFE_MAX, REVOCATIONS_PER_READ_MAX, TOKEN_LEEWAY};
use rookery_protocol::news::UserNews;
use rookery_protocol::server::{ErrorFrame, ServerFrame, UserFrame};
use rookery_runtime::shutdown::Shutdown;
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::authorize::Permissions;
use crate::dialect::SharedFrame;
use crate::hub::Hub;
use crate::limits::{LOGIN_GATHER, LOGIN_RETRY_PAUSE, REVOKED_REMEMBERED_MAX};
use crate::question_batcher::Questions;
use crate::subscriber::Subscriber;

mod candidate;
mod poll;

pub(crate) use candidate::Candidate;
use candidate::{Expected, Sessions};

/// What [`SessionRegistry`] stand on.
pub struct SessionRegistryParts {
    /// Announces ended sessions.
    pub bus: Arc<dyn PubSub>,
    /// Is asked about sessions and rooms.
    pub authority: Arc<dyn Authority>,
    /// The rooms of this node.
    pub hub: Arc<Hub>,
    /// What users are in rooms.
    pub permissions: Arc<Permissions>,
    /// Of the process.
    pub shutdown: Shutdown,
    /// Sockets of one user.
    pub sockets_max: usize,
}

/// The connections of this node by user and session.
pub struct SessionRegistry {
    bus: Arc<dyn PubSub>,
    authority: Arc<dyn Authority>,
    hub: Arc<Hub>,
    permissions: Arc<Permissions>,
    shutdown: Shutdown,
    sockets_max: usize,
    questions: Arc<Questions<Sessions>>,
    state: Mutex<State>,
    changed: Notify,
    /// More users are subscribed to.
    newly_subscribed: Notify,
    /// As long as a token of theirs could be good.
    revoked: Cache<SessionId, ()>,
    /// Held while subscriptions change, so that subscribing and unsubscribing never overtake each other.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    users: HashMap<UserId, Vec<Login>>,
    /// Connections that are not let in yet, and how many there have been.
    expected: HashMap<UserId, Vec<Expected>>,
    number: u64,
    /// Users whom connections watch, and how many do.
    watched: HashMap<UserId, usize>,
    /// Users whose first connection came or whose last one went, since the subscriptions were updated.
    moved: HashSet<UserId>,
    /// Sessions that were checked before their user was subscribed to.
    fresh: HashSet<SessionId>,
    /// Users whose channel this node is subscribed to.
    subscribed: HashSet<UserId>,
    /// Users whose channel it is to leave, or was, without an answer.
    leaving: HashSet<UserId>,
}

struct Login {
    session: SessionId,
    member: Arc<Subscriber>,
}

impl SessionRegistry {
    /// A registry without connections.
    pub fn new(parts: SessionRegistryParts) -> Arc<Self> {
        let SessionRegistryParts { bus, authority, hub, permissions, shutdown, sockets_max } = parts;
        let life = ACCESS_TOKEN_LIFE_MAX + TOKEN_LEEWAY;
        let revoked = Cache::builder().max_capacity(REVOKED_REMEMBERED_MAX).time_to_live(life).build();
        let (state, changed, newly_subscribed) = (Mutex::default(), Notify::new(), Notify::new());
        let turn = tokio::sync::Mutex::default();
        let questions = Questions::new(Sessions(authority.clone()), shutdown.clone());
        Arc::new(Self {
            bus,
            authority,
            hub,
            permissions,
            shutdown,
            sockets_max,
            questions,
            state,
            changed,
            newly_subscribed,
            revoked,
            turn,
        })
    }

    /// The connection lives by this login from now on.
    pub fn enter(&self, member: &Arc<Subscriber>, candidate: &Candidate) {
        let session = candidate.session();
        let mut state = self.state.lock();
        let session_registry = state.users.entry(member.user).or_default();
        match session_registry.iter_mut().find(|login| login.member.id == member.id) {
            Some(known) => known.session = session,
            None => session_registry.push(Login { session, member: Arc::clone(member) }),
        }
        let too_many = session_registry.len().saturating_sub(self.sockets_max);
        let oldest: Vec<Login> = session_registry.drain(..too_many).collect();
        if !candidate.is_subscribed() {
            state.fresh.insert(session);
        }
        if let Some(name) = state.renamed(candidate) {
            member.rename(name);
        }
        drop(state);
        for login in oldest {
            login.member.send_queue.end(CloseCode::Replaced);
        }
        // Subscribed from now on: did the session end before?
        if candidate.is_over() {
            end(member);
        }
    }

    /// The connection is over.
    pub fn leave(&self, member: &Subscriber) {
        let mut state = self.state.lock();
        let Some(session_registry) = state.users.get_mut(&member.user) else { return };
        session_registry.retain(|login| login.member.id != member.id);
        if session_registry.is_empty() {
            state.users.remove(&member.user);
            state.moved.insert(member.user);
            drop(state);
            self.changed.notify_one();
        }
    }

    /// News of the users is heard from the return on, as long as anybody wants it. To be taken back by
    /// [`SessionRegistry::unwatch`], also if it fails.
    pub async fn watch(&self, users: &[UserId]) -> Result<(), BusError> {
        self.want(users);
        self.subscribe_moved().await
    }

    fn want(&self, users: &[UserId]) {
        let mut state = self.state.lock();
        for user in users {
            *state.watched.entry(*user).or_default() += 1;
        }
        state.moved.extend(users);
    }

    /// One fewer wants news of each of the users.
    pub fn unwatch(&self, users: &[UserId]) {
        let mut state = self.state.lock();
        for user in users {
            if let Some(count) = state.watched.get_mut(user) {
                *count -= 1;
                if *count == 0 {
                    state.watched.remove(user);
                }
            }
        }
        state.moved.extend(users);
        drop(state);
        self.changed.notify_one();
    }

    /// The rooms that are live on connections of the user.
    pub fn rooms_of(&self, user: UserId) -> HashSet<RoomId> {
        let state = self.state.lock();
        let session_registry = state.users.get(&user).into_iter().flatten();
        session_registry.flat_map(|login| login.member.rooms()).collect()
    }

    /// Sessions of the user are over: so are the connections that live by them.
    pub fn revoke(&self, user: UserId, revoked: Revoked) {
        if let Revoked::One(session) = revoked {
            self.revoked.insert(session, ());
        }
        let mut state = self.state.lock();
        for login in state.users.get(&user).into_iter().flatten() {
            if revoked == Revoked::All || revoked == Revoked::One(login.session) {
                self.revoked.insert(login.session, ());
                end(&login.member);
            }
        }
        state.end_expected(user, revoked);
    }

    /// Tells all connections of the user.
    pub fn notify_user(&self, user: UserId, news: &UserNews) {
        let frame = SharedFrame::from(ServerFrame::from(news.clone()));
        let mut state = self.state.lock();
        if let UserNews::Frame { frame: UserFrame::UserUpdated { username, .. } } = news {
            state.rename(user, username);
        }
        for login in state.users.get(&user).into_iter().flatten() {
            if let UserNews::Frame { frame: UserFrame::SettingsUpdated { typing, .. } } = news {
                login.member.show_typing(*typing);
            }
            login.member.send_queue.send(&frame);
        }
    }

    /// Waits until this node is subscribed to the user, so that a connection also receives the news it causes itself.
    pub async fn subscribed(&self, user: UserId) {
        loop {
            let subscribed = self.newly_subscribed.notified();
            if self.state.lock().subscribed.contains(&user) {
                return;
            }
            subscribed.await;
        }
    }

    /// Subscribes to the users who are here or about to be, and asks again about sessions that were let in before that.
    pub async fn follow(self: Arc<Self>) {
        loop {
            self.changed.notified().await;
            sleep(LOGIN_GATHER).await;
            if let Err(error) = self.subscribe_moved().await {
                tracing::debug!(%error, "users not subscribed");
                sleep(LOGIN_RETRY_PAUSE).await;
                self.changed.notify_one();
                continue;
            }
            let fresh: Vec<SessionId> = self.state.lock().fresh.drain().collect();
            if !fresh.is_empty() {
                // Beside this, because an api that is slow must not delay other subscriptions.
                self.shutdown.spawn("ask for sessions again", Arc::clone(&self).ask_again(fresh));
            }
        }
    }

    async fn ask_again(self: Arc<Self>, sessions: Vec<SessionId>) {
        if let Err(error) = self.ask_sessions(&sessions).await {
            tracing::debug!(%error, "new sessions not checked, the poll will");
        }
    }

    async fn subscribe_moved(&self) -> Result<(), BusError> {
        let _turn = self.turn.lock().await;
        let (moved, joined, gone) = self.state.lock().moves();
        let outcome = self.subscribe(&joined, &gone).await;
        if outcome.is_err() {
            self.state.lock().moved.extend(moved);
        }
        outcome
    }

    async fn subscribe(&self, joined: &[UserId], gone: &[UserId]) -> Result<(), BusError> {
        for chunk in joined.chunks(REVOCATIONS_PER_READ_MAX) {
            self.bus.subscribe_users(chunk).await?;
            self.state.lock().mark_subscribed(chunk);
            self.newly_subscribed.notify_waiters();
        }
        for chunk in gone.chunks(REVOCATIONS_PER_READ_MAX) {
            self.bus.unsubscribe_users(chunk).await?;
            let mut state = self.state.lock();
            for user in chunk {
                state.leaving.remove(user);
            }
        }
        Ok(())
    }
}

impl State {
    /// Whether this node needs news of the user.
    fn is_wanted(&self, user: &UserId) -> bool {
        self.users.contains_key(user) || self.expected.contains_key(user) || self.watched.contains_key(user)
    }

    /// The users who moved, those of them to subscribe to, and those to unsubscribe from. These are not heard of from
    /// here on, so that who comes meanwhile waits until they are again.
    fn moves(&mut self) -> (HashSet<UserId>, Vec<UserId>, Vec<UserId>) {
        let moved = std::mem::take(&mut self.moved);
        let (here, gone): (Vec<UserId>, Vec<UserId>) = moved.iter().partition(|user| self.is_wanted(user));
        let joined: Vec<UserId> = here.into_iter().filter(|user| !self.subscribed.contains(user)).collect();
        for user in &joined {
            self.leaving.remove(user);
        }
        let subscribed = gone.iter().copied().filter(|user| self.subscribed.remove(user));
        self.leaving.extend(subscribed);
        let gone = gone.into_iter().filter(|user| self.leaving.contains(user)).collect();
        (moved, joined, gone)
    }
}

fn end(member: &Subscriber) {
    member.send_queue.send(&ServerFrame::Error(ErrorFrame::new(ErrorCode::Unauthenticated)));
    member.expel(CloseCode::SessionRevoked);
}

#[cfg(test)]
mod tests;
