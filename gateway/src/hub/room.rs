//! One room on this node: its timeline and its local members, changed together under one lock.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, MutexGuard};
use rookery_bus::error::BusError;
use rookery_bus::{Began, Head};
use rookery_protocol::id::{AclVersion, Epoch, RoomId, UserId};
use rookery_protocol::position::Position;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::hub::feed::{Delivery, Ends, OfferOutcome, RoomFeed};
use crate::limits::{PARKED_EVENTS_MAX, ROOM_LINGER};
use crate::send_queue::SendQueue;
use crate::subscriber::{ConnectionId, Subscriber};

mod batch_pacer;
pub(super) mod members;
pub(super) mod push;

use crate::hub::room::batch_pacer::BatchPacer;
use members::Members;
use push::Held;

/// A room as this node knows it.
pub struct Room {
    /// Id of the room.
    pub id: RoomId,
    phase: watch::Sender<Phase>,
    state: Mutex<State>,
    /// Held by whoever repairs the room.
    pub(crate) repair_turn: tokio::sync::Mutex<()>,
}

/// Where a room is in its life on this node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The bus is being asked.
    Opening,
    /// Members may come.
    Live,
    /// The subscription on the bus is being ended.
    Closing,
    /// No longer in the hub.
    Gone,
    /// It could not be opened, and is no longer in the hub.
    Failed(BusError),
}

enum State {
    Opening { early: VecDeque<(Position, Delivery)>, dropped: u64 },
    Live(Box<Live>),
    Over,
}

/// The inside of a live room.
pub(super) struct Live {
    pub(super) feed: RoomFeed,
    /// Up to where members were sent everything, at least.
    sent: Position,
    pub(super) members: Members,
    /// Connections that are sent what they missed; nothing live comes before they have it.
    catching_up: Members,
    empty_since: Option<Instant>,
    repairing: bool,
    /// Version of the room's rights that all members were last known to have theirs under.
    acl: AclVersion,
    /// Number of subscriptions so far; shows whether there was one in between.
    entries: u64,
    batch_pacer: BatchPacer,
    held: Held,
}

/// What is to be asked about the rights of a room's members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rights {
    /// The version all members had theirs under.
    pub acl: AclVersion,
    entries: u64,
}

/// Events that are known to exist and did not arrive.
#[derive(Clone, Copy, Debug)]
pub struct SequenceGap {
    /// The newest delivered event.
    pub after: Position,
    /// How far the room is ahead of it.
    pub events: u64,
}

/// What a room lacks.
#[derive(Clone, Copy, Debug)]
pub enum Missing {
    /// The bus is in an epoch newer than this one, of which has to be known how it began.
    Epoch(Epoch),
    /// Events.
    Events(SequenceGap),
}

/// What a change of a room leaves to be done and counted.
#[derive(Debug, Default)]
#[must_use]
pub struct RoomEffects {
    /// There is a sequence gap and nobody repairs it yet; the one who reads this does.
    pub wants_repair: bool,
    /// Frames put into send queues.
    pub delivered: u64,
    /// Events that wait behind a sequence gap.
    pub parked: u64,
    /// Events that could not wait.
    pub dropped: u64,
    /// Gaps sent.
    pub gaps: u64,
    /// Resets sent.
    pub resets: u64,
    /// Connections that read too slowly for the room.
    pub behind: u64,
    /// Queues with frames that nobody writes yet; the one who reads this does.
    pub unflushed: Vec<Arc<SendQueue>>,
    /// The room waits so long for more to write; the one who reads this then calls [`Room::tick`].
    pub tick: Option<Duration>,
}

impl Room {
    pub(super) fn new(id: RoomId) -> Self {
        let state = State::Opening { early: VecDeque::new(), dropped: 0 };
        let phase = watch::Sender::new(Phase::Opening);
        Self { id, phase, state: Mutex::new(state), repair_turn: tokio::sync::Mutex::default() }
    }

    /// Waits while the room is opening or closing.
    pub(super) async fn stable_phase(&self) -> Phase {
        let mut phase = self.phase.subscribe();
        let stable = phase.wait_for(|phase| !matches!(phase, Phase::Opening | Phase::Closing)).await;
        // The sender lives as long as the room, so it cannot be gone.
        stable.map_or(Phase::Gone, |phase| phase.clone())
    }

    /// The bus said where the room stands; events that came before this answer are sorted in.
    pub(super) fn go_live(&self, head: Head, now: Instant) -> RoomEffects {
        let mut state = self.state.lock();
        let live = Live {
            feed: RoomFeed::new(head),
            sent: Position { epoch: head.epoch, seq: head.seq },
            members: Members::default(),
            catching_up: Members::default(),
            empty_since: Some(now),
            repairing: false,
            acl: AclVersion::default(),
            entries: 0,
            batch_pacer: BatchPacer::new(now),
            held: Held::default(),
        };
        let before = std::mem::replace(&mut *state, State::Live(Box::new(live)));
        let (State::Opening { early, dropped }, State::Live(live)) = (before, &mut *state) else {
            return RoomEffects::default();
        };
        let mut effects = RoomEffects { dropped, ..RoomEffects::default() };
        for (at, delivery) in early {
            live.offer(self.id, at, delivery, &mut effects);
        }
        live.ask_for_repair(&mut effects);
        drop(state);
        self.phase.send_replace(Phase::Live);
        effects
    }

    /// An event arrived.
    pub fn offer(&self, at: Position, delivery: Delivery) -> RoomEffects {
        let mut effects = RoomEffects::default();
        let mut state = self.state.lock();
        match &mut *state {
            State::Live(live) => {
                live.offer(self.id, at, delivery, &mut effects);
                live.ask_for_repair(&mut effects);
            }
            State::Opening { early, .. } if early.len() < PARKED_EVENTS_MAX => early.push_back((at, delivery)),
            State::Opening { dropped, .. } => *dropped += 1,
            State::Over => {}
        }
        effects
    }

    /// The bus said where the room stands.
    pub fn compare(&self, head: Head) -> RoomEffects {
        let mut effects = RoomEffects::default();
        if let Some(mut live) = self.live() {
            let steps = live.feed.compare(head);
            live.deliver(self.id, steps, &mut effects);
            live.ask_for_repair(&mut effects);
        }
        effects
    }

    /// Everything up to this place is stored.
    pub fn note_stored(&self, upto: Position) {
        if let Some(mut live) = self.live() {
            live.feed.note_stored(upto);
        }
    }

    /// What is missing; none (and the repair is over) if nothing is.
    pub fn missing(&self) -> Option<Missing> {
        let mut live = self.live()?;
        live.repairing = live.feed.has_sequence_gap();
        let Head { epoch, seq, .. } = live.feed.head();
        let gap = SequenceGap { after: Position { epoch, seq }, events: live.feed.missing() };
        let missing = if live.feed.wants_epoch() {
            Missing::Epoch(epoch)
        } else {
            Missing::Events(gap)
        };
        live.repairing.then_some(missing)
    }

    /// The bus said how epochs of the room began.
    pub fn learn(&self, epochs: Vec<Began>) {
        if let Some(mut live) = self.live() {
            live.feed.learn(epochs);
        }
    }

    /// Events that were read again arrived; what they do not fill is given up.
    pub fn fill(&self, events: Vec<(Position, Delivery)>) -> RoomEffects {
        let mut effects = RoomEffects::default();
        if let Some(mut live) = self.live() {
            let before = live.feed.head();
            for (at, delivery) in events {
                live.offer(self.id, at, delivery, &mut effects);
            }
            let after = live.feed.head();
            if (before.epoch, before.seq) == (after.epoch, after.seq) {
                let steps = live.feed.give_up();
                live.deliver(self.id, steps, &mut effects);
            }
        }
        // Nothing was parked anew: what the range held was parked or lost before.
        RoomEffects { parked: 0, ..effects }
    }

    /// The repair did not get through to the bus; the next sign of a sequence gap starts another.
    pub fn postpone_repair(&self) {
        if let Some(mut live) = self.live() {
            live.repairing = false;
        }
    }

    /// The time that [`RoomEffects::tick`] said has passed.
    pub fn tick(&self) -> RoomEffects {
        let mut effects = RoomEffects::default();
        if let Some(mut live) = self.live() {
            live.tick(self.id, &mut effects);
        }
        effects
    }

    /// Where the room stands, if it is live.
    pub fn head(&self) -> Option<Position> {
        Some(self.live()?.position())
    }

    /// Whether there are so many here, or is so much said, that what may be lost should not be said.
    pub fn is_big(&self) -> bool {
        self.live().is_some_and(|mut live| {
            let members = live.members.len();
            live.batch_pacer.is_big(members, Instant::now())
        })
    }

    /// Takes a connection out.
    pub(super) fn detach(&self, member: ConnectionId, now: Instant) {
        if let Some(mut live) = self.live() {
            live.members.remove(member);
            live.catching_up.remove(member);
            live.update_empty_since(now);
        }
    }

    /// Under which version of the rights the members are here; none if there are none.
    pub fn rights(&self) -> Option<Rights> {
        let live = self.live()?;
        (!live.members.is_empty()).then_some(Rights { acl: live.acl, entries: live.entries })
    }

    /// The users who are here, each once.
    pub fn users(&self) -> Vec<UserId> {
        let users = self
            .live()
            .map(|live| live.members.iter().map(|member| member.user).collect::<HashSet<_>>());
        users.into_iter().flatten().collect()
    }

    /// The users whom the api no longer lets read go; the others are here under this version, unless somebody came
    /// since they were asked for.
    pub fn apply_rights(&self, asked: Rights, acl: AclVersion, lost: &[UserId]) {
        let Some(mut live) = self.live() else { return };
        for user in lost {
            live.expel(self.id, Ends::User(*user, None));
        }
        if live.entries == asked.entries {
            live.acl = acl;
        }
    }

    /// Whether the room was empty for long enough; it is closing then.
    pub(super) fn try_close(&self, now: Instant) -> bool {
        let mut state = self.state.lock();
        let State::Live(live) = &*state else { return false };
        let idle = live.empty_since.is_some_and(|since| now.duration_since(since) >= ROOM_LINGER);
        if idle {
            *state = State::Over;
            self.phase.send_replace(Phase::Closing);
        }
        idle
    }

    /// The hub has let go of it.
    pub(super) fn end(&self, last: Phase) {
        *self.state.lock() = State::Over;
        self.phase.send_replace(last);
    }

    /// The live room under its lock.
    pub(super) fn live(&self) -> Option<parking_lot::MappedMutexGuard<'_, Live>> {
        MutexGuard::try_map(self.state.lock(), |state| match state {
            State::Live(live) => Some(live.as_mut()),
            State::Opening { .. } | State::Over => None,
        })
        .ok()
    }
}

impl Live {
    pub(super) fn add(&mut self, member: &Arc<Subscriber>, acl: AclVersion) {
        self.acl = if self.members.is_empty() { acl } else { self.acl.min(acl) };
        self.entries += 1;
        self.catching_up.remove(member.id);
        self.members.insert(member);
        self.record_late_joiner(member);
        self.empty_since = None;
    }

    /// The member gets what it missed piece by piece; live events must not come between.
    pub(super) fn hold(&mut self, member: &Arc<Subscriber>) {
        self.members.remove(member.id);
        self.catching_up.insert(member);
        self.empty_since = None;
    }

    /// Whether the member is still to get the rest of what it missed.
    pub(super) fn is_catching_up(&self, member: &Subscriber) -> bool {
        self.catching_up.contains(member.id)
    }

    fn offer(&mut self, room: RoomId, at: Position, delivery: Delivery, effects: &mut RoomEffects) {
        if let Some(member) = self.members.iter().next() {
            // It is about to be sent, and the ring need not count what has a length.
            delivery.frame.in_dialect(member.send_queue.translator().dialect());
        }
        let (outcome, steps) = self.feed.offer(at, delivery);
        match outcome {
            OfferOutcome::Parked => effects.parked += 1,
            OfferOutcome::Dropped => effects.dropped += 1,
            OfferOutcome::Delivered | OfferOutcome::Known | OfferOutcome::Newer => {}
        }
        self.deliver(room, steps, effects);
    }

    fn ask_for_repair(&mut self, effects: &mut RoomEffects) {
        effects.wants_repair = self.feed.has_sequence_gap() && !self.repairing;
        self.repairing |= effects.wants_repair;
    }

    fn position(&self) -> Position {
        let Head { epoch, seq, .. } = self.feed.head();
        Position { epoch, seq }
    }

    /// Takes the room from all connections whose subscriptions end.
    fn expel(&mut self, room: RoomId, ends: Ends) {
        let stays = |member: &Arc<Subscriber>| {
            let reason = match ends {
                Ends::User(user, _) if member.user != user => return true,
                Ends::User(_, reason) => reason,
                Ends::Room(reason) => Some(reason),
            };
            member.lose(room, reason);
            false
        };
        self.members.retain(stays);
        self.catching_up.retain(stays);
        self.update_empty_since(Instant::now());
    }

    fn update_empty_since(&mut self, now: Instant) {
        if self.members.is_empty() && self.catching_up.is_empty() {
            self.empty_since = self.empty_since.or(Some(now));
        }
    }
}
