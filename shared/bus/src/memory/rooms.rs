//! The rooms of the in-process bus. Pure: a batch is planned, journaled by the caller, then committed.

use std::collections::HashMap;

use rookery_protocol::access::{Rights, Speech, decide_on_speech};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::{RoomSettings, SequencedEvent};
use rookery_protocol::id::{AclVersion, ClientId, Epoch, LogPosition, RoomId, Seq, UserId};
use rookery_protocol::position::AlreadyStored;

use crate::limits::DEDUPE_BUCKET;
use crate::pace::{self, MessageCost, RateState, RoomRateLimit};
use crate::{Append, AppendError, Appended, Began, Head, RoomSeed};

type RepeatKey = (RoomId, UserId, ClientId);
type TraceKey = (RoomId, UserId);

/// All rooms that were opened since the process started.
pub(super) struct Rooms {
    epoch: Epoch,
    states: HashMap<RoomId, Room>,
    /// Results of recent appends: the current bucket and the one before.
    recent: [HashMap<RepeatKey, Appended>; 2],
    bucket_since: UnixMillis,
    positions: u64,
    pace: RoomRateLimit,
    /// How fast users talk in rooms, as long as it matters.
    traces: HashMap<TraceKey, RateState>,
}

#[derive(Clone, Copy)]
struct Room {
    seq: Seq,
    began: Option<Began>,
    acl: AclVersion,
    settings: RoomSettings,
    /// Whether its last event was said.
    gone: bool,
}

/// What a batch will do.
pub(super) struct Plan {
    /// New events, in order.
    pub(super) events: Vec<SequencedEvent>,
    /// The position of each new event.
    pub(super) positions: Vec<LogPosition>,
    /// The answer to each append of the batch.
    pub(super) outcomes: Vec<Result<Appended, AppendError>>,
    rooms: HashMap<RoomId, Room>,
    results: HashMap<RepeatKey, Appended>,
    traces: HashMap<TraceKey, RateState>,
}

impl Plan {
    /// The journal had some of the events at another place: that one is the answer.
    pub(super) fn correct(&mut self, held: &[AlreadyStored]) {
        let appended = self.outcomes.iter_mut().flatten().chain(self.results.values_mut());
        for appended in appended {
            if let Some(held) = held.iter().find(|held| held.id == appended.id) {
                *appended = appended.at(held.first);
            }
        }
    }
}

impl Rooms {
    pub(super) fn new(epoch: Epoch, pace: RoomRateLimit) -> Self {
        let recent = [HashMap::new(), HashMap::new()];
        let (states, traces) = (HashMap::new(), HashMap::new());
        Self { epoch, states, recent, bucket_since: UnixMillis(0), positions: 0, pace, traces }
    }

    pub(super) fn open(&mut self, room: RoomId, seed: RoomSeed) {
        let RoomSeed { last, acl, settings, .. } = seed;
        // A room that has said something in this epoch was open in it before this process.
        let is_new = last.epoch < self.epoch;
        let began = is_new.then_some(Began { epoch: self.epoch, after: last.seq, kept: last });
        let opened = self
            .states
            .entry(room)
            .or_insert(Room { seq: last.seq, began, acl, settings, gone: false });
        opened.acl = opened.acl.max(acl);
        if opened.settings.version < settings.version {
            opened.settings = settings;
        }
    }

    pub(super) fn head(&self, room: RoomId) -> Option<Head> {
        self.states.get(&room).map(|known| Head {
            epoch: self.epoch,
            seq: known.seq,
            stored: known.seq,
            began: known.began,
        })
    }

    /// The position of the newest event; none before the first.
    pub(super) fn last_position(&self) -> Option<LogPosition> {
        (self.positions > 0).then_some(self.position(self.positions))
    }

    /// Decides a batch without changing anything but the age of the repeat memory.
    pub(super) fn plan(&mut self, appends: Vec<Append>, now: UnixMillis) -> Plan {
        self.turn_bucket(now);
        let mut plan = Plan {
            events: Vec::new(),
            positions: Vec::new(),
            outcomes: Vec::with_capacity(appends.len()),
            rooms: HashMap::new(),
            results: HashMap::new(),
            traces: HashMap::new(),
        };
        for append in appends {
            let outcome = self.place(&mut plan, append, now);
            plan.outcomes.push(outcome);
        }
        plan
    }

    /// Makes a journaled plan the state.
    pub(super) fn commit(&mut self, plan: &Plan) {
        self.states.extend(plan.rooms.iter().map(|(room, state)| (*room, *state)));
        self.positions += u64::try_from(plan.events.len()).unwrap_or(0);
        self.recent[0].extend(plan.results.iter().map(|(key, result)| (key.clone(), *result)));
        self.traces.extend(plan.traces.iter().map(|(key, trace)| (*key, *trace)));
    }

    fn place(&self, plan: &mut Plan, append: Append, now: UnixMillis) -> Result<Appended, AppendError> {
        let known = plan.rooms.get(&append.room).or_else(|| self.states.get(&append.room));
        let room = *known.ok_or(AppendError::NotOpen)?;
        if append.epoch.is_some_and(|epoch| epoch != self.epoch) {
            return Err(AppendError::NotOpen);
        }
        let key = (append.room, append.event.user_id, append.client_id.clone());
        let first = plan.results.get(&key).or_else(|| self.recent.iter().find_map(|bucket| bucket.get(&key)));
        if first.is_some_and(|first| first.id != append.event.id) {
            return Err(AppendError::Reused);
        }
        if let Some(first) = first {
            return Ok(Appended { repeated: true, stored: self.is_journaled(first), ..*first });
        }
        if room.gone {
            return Err(AppendError::Refused(ErrorCode::UnknownRoom));
        }
        let acl = match append.rights {
            Rights::At(snapshot) | Rights::Moderator(snapshot) if room.acl > snapshot => {
                return Err(AppendError::StaleRights);
            }
            Rights::At(_) | Rights::Moderator(_) | Rights::Keep => room.acl,
            Rights::Raise(raised) => room.acl.max(raised),
        };
        let trace = self.limit(plan, &append, room.settings, now)?;
        let settings = append.event.body.settings().unwrap_or(room.settings);
        if settings.version < room.settings.version {
            return Err(AppendError::StaleRights);
        }
        plan.traces.extend(trace.map(|trace| ((append.room, append.event.user_id), trace)));
        let seq = room.seq.next();
        let count = self.positions + u64::try_from(plan.events.len()).unwrap_or(0) + 1;
        let position = self.position(count);
        let gone = append.event.body.deletion().is_some();
        let (id, epoch) = (append.event.id, self.epoch);
        let fresh =
            Appended { id, epoch, seq, timestamp: now, position, repeated: false, answered: epoch, stored: false };
        let event = SequencedEvent { room: append.room, epoch: self.epoch, seq, timestamp: now, event: append.event };
        plan.rooms.insert(append.room, Room { seq, began: room.began, acl, settings, gone });
        plan.results.insert(key, fresh);
        plan.events.push(event);
        plan.positions.push(position);
        Ok(fresh)
    }

    const fn is_journaled(&self, first: &Appended) -> bool {
        first.position.n <= self.positions
    }

    /// What is to be remembered of the user, if the room's limits allow it.
    fn limit(
        &self,
        plan: &Plan,
        append: &Append,
        settings: RoomSettings,
        now: UnixMillis,
    ) -> Result<Option<RateState>, AppendError> {
        let load = MessageCost::of(&append.event.body);
        let is_moderator = matches!(append.rights, Rights::Moderator(_));
        let speech = match load {
            MessageCost::Free => return Ok(None),
            MessageCost::Reaction => Speech::Reaction,
            MessageCost::Text => Speech::Text,
        };
        decide_on_speech(settings, speech, is_moderator).map_err(AppendError::Refused)?;
        let key = (append.room, append.event.user_id);
        let trace = plan.traces.get(&key).or_else(|| self.traces.get(&key)).copied();
        let slow_mode_ms = pace::slow_mode_of(load, settings, is_moderator);
        pace::step(self.pace, slow_mode_ms, trace, now).map(Some).map_err(AppendError::TooEarly)
    }

    fn turn_bucket(&mut self, now: UnixMillis) {
        if now.since(self.bucket_since) >= DEDUPE_BUCKET {
            self.bucket_since = now;
            self.recent.swap(0, 1);
            self.recent[0].clear();
            self.traces.retain(|_, trace| trace.ends > now);
        }
    }

    const fn position(&self, count: u64) -> LogPosition {
        LogPosition { epoch: self.epoch, ms: 0, n: count }
    }
}
