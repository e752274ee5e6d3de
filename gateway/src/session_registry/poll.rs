//! Polling for ended sessions and changed rights, in case a push was lost: every few seconds for what changed since the
//! last answer. Local sessions and rooms are checked one by one now and then, too, a part each time, in case a clock was
//! wrong; and all of them at first, and where more has changed than fits one answer.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use rookery_bus::authority::AuthorityError;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{AclVersion, RoomId, SessionId, UserId};
use rookery_protocol::limits::REVOCATIONS_PER_READ_MAX;
use tokio::time::{MissedTickBehavior, interval};

use super::{Login, SessionRegistry, end};
use crate::hub::room::Room;
use crate::limits::{REVOCATION_POLL_INTERVAL, REVOCATION_ROUND};
use crate::subscriber::Subscriber;

/// Which of the local sessions and rooms are asked about by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    All,
    /// One of [`REVOCATION_ROUND`].
    One(u64),
}

impl Part {
    /// The lower halves of ids are random.
    const fn has(self, (_, low): (u64, u64)) -> bool {
        match self {
            Self::All => true,
            Self::One(part) => low % REVOCATION_ROUND == part,
        }
    }
}

impl SessionRegistry {
    /// Asks for what ended, again and again.
    pub async fn poll(self: Arc<Self>) {
        let (mut since, mut round) = (None, 0);
        let mut ticks = interval(REVOCATION_POLL_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.measure_send_queues();
            match self.look(since, Part::One(round)).await {
                Ok(upto) => {
                    since = Some(upto);
                    round = (round + 1) % REVOCATION_ROUND;
                }
                Err(error) => tracing::debug!(%error, "revocations not read"),
            }
        }
    }

    /// Ends what ended since then; from when on to ask the next time.
    async fn look(&self, since: Option<UnixMillis>, part: Part) -> Result<UnixMillis, AuthorityError> {
        let changes = self.authority.changes(since).await?;
        let news = changes.sessions.into_iter().filter(|session| !self.revoked.contains_key(session));
        self.end_all(&news.collect());
        let part = if changes.is_whole { part } else { Part::All };
        let (sessions, rooms) = (self.sessions(part), self.rooms());
        let known = self.apply_versions(&rooms, changes.rooms);
        let (known, sessions, others) = tokio::join!(known, self.ask_sessions(&sessions), self.ask_rooms(&rooms, part));
        known.and(sessions).and(others).map(|()| changes.upto)
    }

    fn sessions(&self, part: Part) -> Vec<SessionId> {
        let state = self.state.lock();
        let sessions = state.users.values().flatten().map(|login| login.session);
        let sessions: HashSet<SessionId> =
            sessions.filter(|session| part.has(session.as_uuid().as_u64_pair())).collect();
        sessions.into_iter().collect()
    }

    /// The rooms with members whose rights are known.
    fn rooms(&self) -> HashMap<RoomId, Arc<Room>> {
        let rooms = self.hub.all().into_iter().filter(|room| room.rights().is_some());
        rooms.map(|room| (room.id, room)).collect()
    }

    fn measure_send_queues(&self) {
        let members: Vec<Arc<Subscriber>> = {
            let state = self.state.lock();
            state.users.values().flatten().map(|login| Arc::clone(&login.member)).collect()
        };
        let pending = members.iter().map(|member| member.send_queue.bytes()).filter(|bytes| *bytes > 0);
        let (waiting, bytes) = pending.fold((0, 0), |(waiting, sum), bytes| (waiting + 1, sum + bytes));
        self.hub.metrics.send_queues_waiting.set(waiting);
        self.hub.metrics.send_queue_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// Ends those of the sessions that are over.
    pub(super) async fn ask_sessions(&self, sessions: &[SessionId]) -> Result<(), AuthorityError> {
        for chunk in sessions.chunks(REVOCATIONS_PER_READ_MAX) {
            let open = self.authority.open_sessions(chunk).await?;
            let mut over: HashSet<SessionId> = chunk.iter().copied().collect();
            for session in open {
                over.remove(&session.id);
            }
            self.end_all(&over);
        }
        Ok(())
    }

    fn end_all(&self, sessions: &HashSet<SessionId>) {
        if sessions.is_empty() {
            return;
        }
        for session in sessions {
            self.revoked.insert(*session, ());
        }
        let state = self.state.lock();
        let is_over = |login: &&Login| sessions.contains(&login.session);
        state.users.values().flatten().filter(is_over).for_each(|login| end(&login.member));
    }

    async fn ask_rooms(&self, rooms: &HashMap<RoomId, Arc<Room>>, part: Part) -> Result<(), AuthorityError> {
        let ids: Vec<RoomId> = rooms.keys().copied().filter(|room| part.has(room.as_uuid().as_u64_pair())).collect();
        for chunk in ids.chunks(REVOCATIONS_PER_READ_MAX) {
            self.apply_versions(rooms, self.authority.acl_versions(chunk).await?).await?;
        }
        Ok(())
    }

    /// Takes rooms from those who lost them by the time of these versions.
    async fn apply_versions(
        &self,
        rooms: &HashMap<RoomId, Arc<Room>>,
        versions: Vec<(RoomId, AclVersion)>,
    ) -> Result<(), AuthorityError> {
        for (id, acl) in versions {
            let Some(room) = rooms.get(&id) else { continue };
            // The version was read first: rights may be newer than it, which costs a second look and no more.
            if let Some(asked) = room.rights().filter(|asked| asked.acl < acl) {
                let lost = self.lost(room).await?;
                room.apply_rights(asked, acl, &lost);
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
                self.permissions.invalidate(*user, room.id);
                lost.push(*user);
            }
        }
        Ok(lost)
    }
}
