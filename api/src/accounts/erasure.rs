//! Erasing an account. It begins with one atomic step, after which nobody logs in with it; what is left is done by a job, which
//! may be broken off anywhere and goes on where it was.
//!
//! # Promise
//! * Sessions and their sockets end as with any revocation, memberships with `member_left`; a room of the account passes to its
//!   oldest moderator, else to its oldest member, else it is closed.
//! * What was said stays, under [`DELETED_USER`]. Name, address, and whatever else is about the account, is gone from the store,
//!   the hot tails and, in SQLite, the file. The name is kept from everybody for ever, as a hash.
//! * A second job looks once more some time later: for what a process stored late that was stopped for a while.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use rookery_bus::PubSub;
use rookery_bus::error::BusError;
use rookery_bus::signal::Revoked;
use rookery_protocol::access::RoomRole;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::{EventBody, MembershipChange, Sender, SequencedEvent};
use rookery_protocol::id::{RoomId, UserId};
use rookery_protocol::limits::SESSIONS_PER_USER_MAX;
use rookery_store::erasure::{DELETED_USER, Erasure, Removed, Trace, TracePlace};
use rookery_store::job::Job;
use rookery_store::room::Member;
use rookery_store::{Cause, StoreError, Stores};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use crate::accounts::sessions::push_revocation;
use crate::jobs::{Handler, JobError, JobQueue, Order, job_payload};
use crate::limits::{
    ANNOUNCE_BATCH_MAX, ERASED_PER_PASS, ERASURE_LOOK_INTERVAL, ERASURE_POLL, ERASURE_STORED_WAIT, ERASURE_SWEEP_AFTER,
    ERASURE_WAIT, ERASURES_PER_LOOK, SUCCESSION_TRIES,
};
use crate::periodic::every;
use crate::rooms::{Rooms, room_event};

/// The kind of jobs that are erasures.
pub const KIND: &str = "erasure";

/// What another part keeps about somebody outside of the store's collections, such as pictures.
#[async_trait]
pub trait ErasureStep: Send + Sync {
    /// Removes it and says how many files that were. Idempotent.
    async fn erase(&self, user: UserId) -> Result<u64, JobError>;
}

/// Erases accounts. Cheap to clone.
#[derive(Clone)]
pub struct Erasing {
    pub(crate) rooms: Rooms,
    pub(crate) bus: Arc<dyn PubSub>,
    pub(crate) jobs: JobQueue,
    pub(crate) steps: Arc<[Arc<dyn ErasureStep>]>,
}

/// What a job carries.
#[derive(Serialize, Deserialize)]
struct Task {
    user: UserId,
    /// Whether it is the second look.
    again: bool,
}

impl Erasing {
    /// Begins an erasure, or goes on with it, and waits a moment for its end. None if there is no such account and never was.
    pub async fn erase(&self, user: UserId, by: UserId, now: UnixMillis) -> Result<Option<Erasure>, StoreError> {
        let Some(begun) = self.stores().erasures.begin(user, by, now).await? else { return Ok(None) };
        if begun.finished_at.is_some() {
            return Ok(Some(begun));
        }
        tracing::info!(user_id = %user, %by, "account is erased");
        self.end_sessions(user, now).await?;
        self.order(user, now).await?;
        self.finished(user).await
    }

    /// That of a user.
    pub async fn of(&self, user: UserId) -> Result<Option<Erasure>, StoreError> {
        self.stores().erasures.get(user).await
    }

    /// Orders the jobs of erasures whose request did not come so far, again and again.
    pub(crate) async fn follow(&self) {
        let order_all = async || {
            for user in self.stores().erasures.open(ERASURES_PER_LOOK).await? {
                self.order(user, UnixMillis::now()).await?;
            }
            Ok::<_, StoreError>(())
        };
        every(ERASURE_LOOK_INTERVAL, "erasures", order_all).await;
    }

    fn stores(&self) -> &Stores {
        &self.rooms.stores
    }

    /// One user is one order.
    async fn order(&self, user: UserId, now: UnixMillis) -> Result<(), StoreError> {
        let (key, payload) = (format!("erasure {user}"), Task { user, again: false });
        self.jobs
            .add(Order { kind: KIND, key: &key, about: None, payload: &payload }, now)
            .await?;
        Ok(())
    }

    /// The erasure once it is finished, or as it is after a while.
    async fn finished(&self, user: UserId) -> Result<Option<Erasure>, StoreError> {
        let end = Instant::now() + ERASURE_WAIT;
        loop {
            let erasure = self.of(user).await?;
            if Instant::now() >= end || erasure.as_ref().is_none_or(|erasure| erasure.finished_at.is_some()) {
                return Ok(erasure);
            }
            sleep(ERASURE_POLL).await;
        }
    }

    async fn end_sessions(&self, user: UserId, now: UnixMillis) -> Result<(), StoreError> {
        let sessions = &self.stores().sessions;
        let open = sessions.of_user(user, now, SESSIONS_PER_USER_MAX).await?.len();
        sessions.revoke_all(user, now).await?;
        push_revocation(&*self.bus, user, Revoked::All).await;
        self.note(user, Removed { sessions: count(open), ..Removed::default() }).await
    }

    async fn note(&self, user: UserId, removed: Removed) -> Result<(), StoreError> {
        if removed == Removed::default() {
            return Ok(());
        }
        self.stores().erasures.note(user, &removed).await
    }

    /// All steps, in an order in which none makes work for one before it.
    async fn carry_out(&self, Task { user, again }: Task) -> Result<(), JobError> {
        let Some(erasure) = self.of(user).await? else { return Ok(()) };
        if erasure.finished_at.is_some() && !again {
            return Ok(());
        }
        self.end_sessions(user, UnixMillis::now()).await?;
        let mut rooms = self.leave_all(user).await?;
        for step in &*self.steps {
            let files = step.erase(user).await?;
            self.note(user, Removed { files, ..Removed::default() }).await?;
        }
        self.unname_all(user, &mut rooms).await?;
        for room in rooms {
            self.rooms.log.forget_stored(room).await.map_err(|error| later(&error))?;
        }
        let records = self.stores().erasures.forget(user).await?;
        self.note(user, Removed { records, ..Removed::default() }).await?;
        let now = UnixMillis::now();
        if !again {
            let (key, payload) = (format!("erasure again {user}"), Task { user, again: true });
            let order = Order { kind: KIND, key: &key, about: None, payload: &payload };
            self.jobs.add_later(order, now, now.plus(ERASURE_SWEEP_AFTER)).await?;
        }
        self.stores().erasures.finish(user, now).await?;
        tracing::info!(user_id = %user, again, "account erased");
        Ok(())
    }

    /// Ends all memberships, and waits until what was said before that is stored. Gives the rooms.
    async fn leave_all(&self, user: UserId) -> Result<BTreeSet<RoomId>, JobError> {
        let mut left = BTreeSet::new();
        loop {
            let members = self.stores().members.of_user(user, ERASED_PER_PASS).await?;
            if members.is_empty() {
                break;
            }
            for member in members {
                let removed = self.leave(&member).await?;
                self.note(user, removed).await?;
                left.insert(member.room_id);
            }
        }
        for room in &left {
            self.rooms.dispatcher.flush(*room).await.map_err(|error| later(&error))?;
        }
        self.stored(&left).await?;
        Ok(left)
    }

    async fn leave(&self, member: &Member) -> Result<Removed, JobError> {
        let (members, room, user) = (&self.stores().members, member.room_id, member.user_id);
        let mut removed = Removed::default();
        for _ in 0..SUCCESSION_TRIES {
            let role = members.get(room, user).await?.map(|member| member.role);
            let successor = if role == Some(RoomRole::Owner) {
                self.rooms.successor(room, user).await?
            } else {
                None
            };
            if let Some(successor) = successor {
                let body = self.rooms.owner_changed(successor).await;
                let body = body.map_err(|error| JobError::Again(error.to_string()))?;
                if let Some(passed) =
                    members.transfer(room, successor, Cause::Server(&room_event(nobody(user), body))).await?
                {
                    tracing::info!(room_id = %room, user_id = %successor, "room passes on, its owner is erased");
                    self.rooms.dispatcher.announce(passed).await;
                    removed.rooms_passed_on += 1;
                }
            }
            let event = room_event(nobody(user), EventBody::Membership(MembershipChange::Left {}));
            match members.leave(room, user, &event).await {
                Ok(Some(announcement)) => {
                    self.rooms.dispatcher.announce(announcement).await;
                    removed.memberships += 1;
                    removed.rooms_closed += u64::from(role == Some(RoomRole::Owner) && successor.is_none());
                    return Ok(removed);
                }
                // Or the room has ended, and its members with it.
                Ok(None) | Err(StoreError::Closed) => return Ok(removed),
                // Somebody came in, or the successor has left.
                Err(StoreError::OwnerStays) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(JobError::Again("a room's members change all the time".to_owned()))
    }

    /// Waits until the store has what the rooms' logs have now.
    async fn stored(&self, rooms: &BTreeSet<RoomId>) -> Result<(), JobError> {
        let end = Instant::now() + ERASURE_STORED_WAIT;
        for room in rooms {
            let Some(newest) = self.head(*room).await? else { continue };
            while self
                .head(*room)
                .await?
                .is_some_and(|head| head.epoch == newest.epoch && head.stored < newest.seq)
            {
                if Instant::now() >= end {
                    return Err(JobError::Again("events wait to be stored".to_owned()));
                }
                sleep(ERASURE_POLL).await;
            }
        }
        Ok(())
    }

    async fn head(&self, room: RoomId) -> Result<Option<rookery_bus::Head>, JobError> {
        Ok(self
            .rooms
            .log
            .heads(&[room])
            .await
            .map_err(|error| later(&error))?
            .first()
            .copied()
            .flatten())
    }

    /// Takes the name out of all events, until a look finds none that has it. Adds their rooms.
    async fn unname_all(&self, user: UserId, rooms: &mut BTreeSet<RoomId>) -> Result<(), JobError> {
        let waiting = self.stores().outbox.pending(ANNOUNCE_BATCH_MAX).await?;
        let names = |event| [Trace::Author, Trace::Member].into_iter().any(|trace| bears_name(event, user, trace));
        if waiting.len() == ANNOUNCE_BATCH_MAX || waiting.iter().any(|waiting| names(&waiting.event)) {
            return Err(JobError::Again("announcements wait".to_owned()));
        }
        for trace in [Trace::Author, Trace::Member] {
            while self.unname_once(user, trace, rooms).await? {}
        }
        Ok(())
    }

    /// One look along all events; whether there was one with the name.
    async fn unname_once(&self, user: UserId, trace: Trace, rooms: &mut BTreeSet<RoomId>) -> Result<bool, JobError> {
        let (traces, mut after, mut found) = (&self.stores().traces, None, false);
        loop {
            let page = traces.page(user, trace, after, ERASED_PER_PASS).await?;
            let named: Vec<&SequencedEvent> =
                page.iter().filter(|sequenced| bears_name(&sequenced.event, user, trace)).collect();
            if !named.is_empty() {
                let ids: Vec<_> = named.iter().map(|sequenced| sequenced.event.id).collect();
                traces.unname(trace, &ids).await?;
                self.note(user, Removed { events: count(ids.len()), ..Removed::default() }).await?;
                rooms.extend(named.iter().map(|sequenced| sequenced.room));
                found = true;
            }
            after = page.last().map(TracePlace::from);
            if page.len() < ERASED_PER_PASS {
                return Ok(found);
            }
        }
    }
}

/// Whether an event has the user's name in this way.
fn bears_name(event: &rookery_protocol::event::Event, user: UserId, trace: Trace) -> bool {
    match trace {
        Trace::Author => event.user_id == user && event.username != DELETED_USER,
        Trace::Member => {
            let member = if let EventBody::Membership(change) = &event.body {
                change.member()
            } else {
                None
            };
            member.is_some_and(|member| member.user_id == user && member.username != DELETED_USER)
        }
    }
}

/// The user, without its name.
fn nobody(user: UserId) -> Sender {
    Sender { user_id: user, username: DELETED_USER.to_owned() }
}

pub(crate) fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn later(error: &BusError) -> JobError {
    JobError::Again(error.to_string())
}

#[async_trait]
impl Handler for Erasing {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, job: &Job) -> Result<(), JobError> {
        self.carry_out(job_payload(job, "the erasure")?).await
    }
}
