//! The rooms of the in-process bus. Pure: a batch is planned, journaled by the caller, then committed.

use std::collections::HashMap;

use crate::bus::{Append, AppendError, Appended, Head, Held, Rights, RoomSeed};
use crate::clock::UnixMillis;
use crate::event::SequencedEvent;
use crate::id::{AclVersion, ClientId, Epoch, LogPosition, RoomId, Seq, UserId};
use crate::limits::DEDUPE_BUCKET;

type RepeatKey = (RoomId, UserId, ClientId);

/// All rooms that were opened since the process started.
pub(super) struct Rooms {
    epoch: Epoch,
    states: HashMap<RoomId, Room>,
    /// Results of recent appends: the current bucket and the one before.
    recent: [HashMap<RepeatKey, Appended>; 2],
    bucket_since: UnixMillis,
    positions: u64,
}

#[derive(Clone, Copy)]
struct Room {
    seq: Seq,
    acl: AclVersion,
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
}

impl Plan {
    /// The journal had some of the events at another place: that one is the answer.
    pub(super) fn correct(&mut self, held: &[Held]) {
        let appended = self.outcomes.iter_mut().flatten().chain(self.results.values_mut());
        for appended in appended {
            if let Some(held) = held.iter().find(|held| held.id == appended.id) {
                *appended = appended.at(held.first);
            }
        }
    }
}

impl Rooms {
    pub(super) fn new(epoch: Epoch) -> Self {
        let recent = [HashMap::new(), HashMap::new()];
        Self { epoch, states: HashMap::new(), recent, bucket_since: UnixMillis(0), positions: 0 }
    }

    pub(super) fn open(&mut self, room: RoomId, seed: RoomSeed) {
        let opened = self.states.entry(room).or_insert(Room { seq: seed.stored, acl: seed.acl });
        opened.acl = opened.acl.max(seed.acl);
    }

    pub(super) fn head(&self, room: RoomId) -> Option<Head> {
        self.states
            .get(&room)
            .map(|known| Head { epoch: self.epoch, seq: known.seq, stored: known.seq })
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
    }

    fn place(&self, plan: &mut Plan, append: Append, now: UnixMillis) -> Result<Appended, AppendError> {
        let known = plan.rooms.get(&append.room).or_else(|| self.states.get(&append.room));
        let Room { seq, acl } = *known.ok_or(AppendError::NotOpen)?;
        let key = (append.room, append.event.user_id, append.client_id);
        let first = plan.results.get(&key).or_else(|| self.recent.iter().find_map(|bucket| bucket.get(&key)));
        if let Some(first) = first {
            return Ok(Appended { repeated: true, stored: self.is_journaled(first), ..*first });
        }
        let acl = match append.rights {
            Rights::At(snapshot) if acl > snapshot => return Err(AppendError::StaleRights),
            Rights::At(_) | Rights::Keep => acl,
            Rights::Raise(raised) => acl.max(raised),
        };
        let seq = seq.next();
        let count = self.positions + u64::try_from(plan.events.len()).unwrap_or(0) + 1;
        let position = self.position(count);
        let (id, epoch) = (append.event.id, self.epoch);
        let fresh =
            Appended { id, epoch, seq, timestamp: now, position, repeated: false, answered: epoch, stored: false };
        let event = SequencedEvent { room: append.room, epoch: self.epoch, seq, timestamp: now, event: append.event };
        plan.rooms.insert(append.room, Room { seq, acl });
        plan.results.insert(key, fresh);
        plan.events.push(event);
        plan.positions.push(position);
        Ok(fresh)
    }

    const fn is_journaled(&self, first: &Appended) -> bool {
        first.position.n <= self.positions
    }

    fn turn_bucket(&mut self, now: UnixMillis) {
        if now.since(self.bucket_since) >= DEDUPE_BUCKET {
            self.bucket_since = now;
            self.recent.swap(0, 1);
            self.recent[0].clear();
        }
    }

    const fn position(&self, count: u64) -> LogPosition {
        LogPosition { epoch: self.epoch, ms: 0, n: count }
    }
}
