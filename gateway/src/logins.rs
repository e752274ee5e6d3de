//! The logins that local connections live by, and how they and the rooms of their users are lost.
//!
//! News of a revoked session comes over the user's channel at once. Independently of that, every few seconds, the
//! api is asked which of the local sessions are revoked and which rooms have other rights than when their members came,
//! so a push that is lost, or a bus that is away, delays an end but never prevents it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use moka::sync::Cache;
use parking_lot::Mutex;
use rookery_shared::authority::{Authority, AuthorityError};
use rookery_shared::bus::{Bus, BusError, Revoked};
use rookery_shared::id::{RoomId, SessionId, UserId};
use rookery_shared::limits::{
    ACCESS_TOKEN_LIFE, LOGIN_GATHER, LOGIN_RETRY_PAUSE, REVOCATION_POLL_INTERVAL, REVOCATIONS_PER_READ_MAX,
    REVOKED_REMEMBERED_MAX, TOKEN_LEEWAY,
};
use rookery_shared::protocol::close::CloseCode;
use rookery_shared::protocol::error_code::ErrorCode;
use rookery_shared::protocol::server::{ErrorFrame, ServerFrame};
use rookery_shared::unread::UserNews;
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::authorize::Permissions;
use crate::frame::Frame;
use crate::hub::Hub;
use crate::hub::room::Room;
use crate::member::Member;

/// See the module's text.
pub struct Logins {
    bus: Arc<dyn Bus>,
    authority: Arc<dyn Authority>,
    hub: Arc<Hub>,
    permissions: Arc<Permissions>,
    /// Sockets of one user.
    sockets_max: usize,
    state: Mutex<State>,
    changed: Notify,
    /// More users are subscribed to.
    heard: Notify,
    /// As long as a token of theirs could be good.
    revoked: Cache<SessionId, ()>,
    /// Held while the bus is told whom to listen to, so that the two directions never overtake each other.
    turn: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    users: HashMap<UserId, Vec<Login>>,
    /// Users whom connections watch, and how many do.
    watched: HashMap<UserId, usize>,
    /// Users whose first connection came or whose last one went, since the bus was told.
    moved: HashSet<UserId>,
    /// Sessions that were not asked about since their connection came.
    fresh: HashSet<SessionId>,
    /// Users whose channel this node is subscribed to.
    subscribed: HashSet<UserId>,
}

struct Login {
    session: SessionId,
    member: Arc<Member>,
}

impl Logins {
    /// Nobody is here yet.
    pub fn new(
        bus: Arc<dyn Bus>,
        authority: Arc<dyn Authority>,
        hub: Arc<Hub>,
        permissions: Arc<Permissions>,
        sockets_max: usize,
    ) -> Arc<Self> {
        let life = ACCESS_TOKEN_LIFE + TOKEN_LEEWAY;
        let revoked = Cache::builder().max_capacity(REVOKED_REMEMBERED_MAX).time_to_live(life).build();
        let (state, changed, heard) = (Mutex::default(), Notify::new(), Notify::new());
        let turn = tokio::sync::Mutex::default();
        Arc::new(Self { bus, authority, hub, permissions, sockets_max, state, changed, heard, revoked, turn })
    }

    /// The connection lives by this session from now on.
    pub fn enter(&self, member: &Arc<Member>, session: SessionId) {
        let mut state = self.state.lock();
        let logins = state.users.entry(member.user).or_default();
        match logins.iter_mut().find(|login| login.member.id == member.id) {
            Some(known) => known.session = session,
            None => logins.push(Login { session, member: Arc::clone(member) }),
        }
        let too_many = logins.len().saturating_sub(self.sockets_max);
        let oldest: Vec<Login> = logins.drain(..too_many).collect();
        state.moved.insert(member.user);
        state.fresh.insert(session);
        drop(state);
        for login in oldest {
            login.member.outbox.end(CloseCode::Replaced);
        }
        if self.revoked.contains_key(&session) {
            end(member);
        }
        self.changed.notify_one();
    }

    /// The connection is over.
    pub fn leave(&self, member: &Member) {
        let mut state = self.state.lock();
        let Some(logins) = state.users.get_mut(&member.user) else { return };
        logins.retain(|login| login.member.id != member.id);
        if logins.is_empty() {
            state.users.remove(&member.user);
            state.moved.insert(member.user);
            drop(state);
            self.changed.notify_one();
        }
    }

    /// News of the users is heard from the return on, as long as anybody wants it. To be taken back by
    /// [`Logins::unwatch`], also if it fails.
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
        let logins = state.users.get(&user).into_iter().flatten();
        logins.flat_map(|login| login.member.rooms()).collect()
    }

    /// Sessions of the user are over: so are the connections that live by them.
    pub fn revoke(&self, user: UserId, revoked: Revoked) {
        let state = self.state.lock();
        for login in state.users.get(&user).into_iter().flatten() {
            if revoked == Revoked::All || revoked == Revoked::One(login.session) {
                self.revoked.insert(login.session, ());
                end(&login.member);
            }
        }
        drop(state);
        if let Revoked::One(session) = revoked {
            self.revoked.insert(session, ());
        }
    }

    /// Tells all connections of the user.
    pub fn tell(&self, user: UserId, news: &UserNews) {
        let frame = Frame::from(&ServerFrame::from(news.clone()));
        let state = self.state.lock();
        for login in state.users.get(&user).into_iter().flatten() {
            login.member.outbox.push(frame.clone());
        }
    }

    /// Waits until news for the user is heard on this node. What a connection causes itself is then told to it, too.
    pub async fn hears(&self, user: UserId) {
        loop {
            let heard = self.heard.notified();
            if self.state.lock().subscribed.contains(&user) {
                return;
            }
            heard.await;
        }
    }

    /// Subscribes to the users who are here, and asks about sessions that have come: in this order, so that a
    /// revocation is either heard or told.
    pub async fn follow(self: Arc<Self>) {
        loop {
            self.changed.notified().await;
            sleep(LOGIN_GATHER).await;
            if let Err(error) = self.subscribe_moved().await {
                tracing::debug!(%error, "users not subscribed");
                sleep(LOGIN_RETRY_PAUSE).await;
                self.changed.notify_one();
            }
            let fresh: Vec<SessionId> = self.state.lock().fresh.drain().collect();
            if let Err(error) = self.ask_sessions(&fresh).await {
                tracing::debug!(%error, "new sessions not checked, the poll will");
            }
        }
    }

    /// Asks for what ended, again and again.
    pub async fn poll(self: Arc<Self>) {
        let mut ticks = interval(REVOCATION_POLL_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.look_at_outboxes();
            let here = self.sessions();
            let (sessions, rooms) = tokio::join!(self.ask_sessions(&here), self.ask_rooms());
            if let Err(error) = sessions.and(rooms) {
                tracing::debug!(%error, "revocations not read");
            }
        }
    }

    async fn subscribe_moved(&self) -> Result<(), BusError> {
        let _turn = self.turn.lock().await;
        let (moved, come, gone) = self.state.lock().moves();
        let outcome = self.subscribe(&come, &gone).await;
        if outcome.is_err() {
            self.state.lock().moved.extend(moved);
        }
        outcome
    }

    async fn subscribe(&self, come: &[UserId], gone: &[UserId]) -> Result<(), BusError> {
        for chunk in come.chunks(REVOCATIONS_PER_READ_MAX) {
            self.bus.subscribe_users(chunk).await?;
            self.state.lock().subscribed.extend(chunk);
            self.heard.notify_waiters();
        }
        for chunk in gone.chunks(REVOCATIONS_PER_READ_MAX) {
            self.bus.unsubscribe_users(chunk).await?;
            let mut state = self.state.lock();
            for user in chunk {
                state.subscribed.remove(user);
            }
        }
        Ok(())
    }

    fn sessions(&self) -> Vec<SessionId> {
        let state = self.state.lock();
        let sessions: HashSet<SessionId> = state.users.values().flatten().map(|login| login.session).collect();
        sessions.into_iter().collect()
    }

    fn look_at_outboxes(&self) {
        let members: Vec<Arc<Member>> = {
            let state = self.state.lock();
            state.users.values().flatten().map(|login| Arc::clone(&login.member)).collect()
        };
        let owed = members.iter().map(|member| member.outbox.bytes()).filter(|bytes| *bytes > 0);
        let (waiting, bytes) = owed.fold((0, 0), |(waiting, sum), bytes| (waiting + 1, sum + bytes));
        self.hub.metrics.outboxes_waiting.set(waiting);
        self.hub.metrics.outbox_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    async fn ask_sessions(&self, sessions: &[SessionId]) -> Result<(), AuthorityError> {
        for chunk in sessions.chunks(REVOCATIONS_PER_READ_MAX) {
            let revoked = self.authority.revoked(chunk).await?;
            if !revoked.is_empty() {
                self.end_all(&revoked.into_iter().collect());
            }
        }
        Ok(())
    }

    fn end_all(&self, sessions: &HashSet<SessionId>) {
        for session in sessions {
            self.revoked.insert(*session, ());
        }
        let state = self.state.lock();
        let logins = state.users.values().flatten();
        logins
            .filter(|login| sessions.contains(&login.session))
            .for_each(|login| end(&login.member));
    }

    async fn ask_rooms(&self) -> Result<(), AuthorityError> {
        let rooms: HashMap<RoomId, Arc<Room>> = self.hub.all().into_iter().map(|room| (room.id, room)).collect();
        let ids: Vec<RoomId> = rooms.values().filter(|room| room.rights().is_some()).map(|room| room.id).collect();
        for chunk in ids.chunks(REVOCATIONS_PER_READ_MAX) {
            for (id, acl) in self.authority.acl_versions(chunk).await? {
                let Some(room) = rooms.get(&id) else { continue };
                // The version was read first: rights may be newer than it, which costs a second look and no more.
                match room.rights() {
                    Some(asked) if asked.acl < acl => {
                        let lost = self.lost(room).await?;
                        room.settle_rights(asked, acl, &lost);
                    }
                    Some(_) | None => {}
                }
            }
        }
        Ok(())
    }

    /// The users in the room who may no longer read it.
    async fn lost(&self, room: &Room) -> Result<Vec<UserId>, AuthorityError> {
        let mut lost = Vec::new();
        for chunk in room.users().chunks(REVOCATIONS_PER_READ_MAX) {
            let readers: HashSet<UserId> = self.authority.readers(room.id, chunk).await?.into_iter().collect();
            for user in chunk.iter().filter(|user| !readers.contains(user)) {
                self.permissions.forget(*user, room.id);
                lost.push(*user);
            }
        }
        Ok(lost)
    }
}

impl State {
    /// Whether anybody here has to hear of the user.
    fn is_wanted(&self, user: &UserId) -> bool {
        self.users.contains_key(user) || self.watched.contains_key(user)
    }

    /// The users who moved, those of them to subscribe to, and those to unsubscribe from.
    fn moves(&mut self) -> (HashSet<UserId>, Vec<UserId>, Vec<UserId>) {
        let moved = std::mem::take(&mut self.moved);
        let (here, gone): (Vec<UserId>, Vec<UserId>) = moved.iter().partition(|user| self.is_wanted(user));
        let come = here.into_iter().filter(|user| !self.subscribed.contains(user)).collect();
        let gone = gone.into_iter().filter(|user| self.subscribed.contains(user)).collect();
        (moved, come, gone)
    }
}

fn end(member: &Member) {
    member.outbox.send(&ServerFrame::Error(ErrorFrame::new(ErrorCode::Unauthenticated)));
    member.outbox.end(CloseCode::SessionRevoked);
}

#[cfg(test)]
mod tests;
