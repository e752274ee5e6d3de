//! What does not die with a node: chance, the bus, the store.

use std::collections::{BTreeMap, HashMap, VecDeque};

use rookery_bus::{Appended, Began, Head, Mark, Relocated};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::{Event, SequencedEvent};
use rookery_protocol::id::{ClientId, Epoch, LogPosition, MessageId, RoomId, Seq};
use rookery_protocol::position::{Position, StoredPosition};

/// Short, so that a tail is soon too short.
const TAIL: usize = 12;

/// Place of an event in the room.
pub(super) type Place = (Epoch, Seq);

/// The only source of chance: splitmix64.
pub(super) struct Rng(pub(super) u64);

impl Rng {
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(bound).unwrap()).unwrap()
    }

    pub(super) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

/// What Redis holds for the room. A clone of it is what a failover may bring back.
#[derive(Clone, Default)]
pub(super) struct BusState {
    pub(super) epoch: Option<Epoch>,
    /// The server on which the data's last epoch began.
    pub(super) server: u64,
    /// Results up to this epoch are no longer true.
    pub(super) lost: Option<Epoch>,
    pub(super) moves: u64,
    pub(super) seq: Seq,
    pub(super) stored: Seq,
    pub(super) tail: VecDeque<SequencedEvent>,
    pub(super) log: VecDeque<(LogPosition, SequencedEvent)>,
    pub(super) mark: Option<LogPosition>,
    /// How its epochs began.
    pub(super) epochs: Vec<Began>,
    first: HashMap<ClientId, Appended>,
}

impl BusState {
    /// Where the room stands, if it is open.
    pub(super) fn head(&self) -> Option<Head> {
        self.epoch
            .map(|epoch| Head { epoch, seq: self.seq, stored: self.stored, began: self.epochs.last().copied() })
    }

    /// The rules of `append.lua`. None if the room is not open.
    pub(super) fn append(
        &mut self,
        room: RoomId,
        name: &ClientId,
        event: Event,
        now: u64,
    ) -> Option<(Appended, Option<SequencedEvent>)> {
        let epoch = self.epoch?;
        if let Some(first) = self.first.get(name).filter(|first| first.stored || Some(first.epoch) > self.lost) {
            let marked = self.mark.is_some_and(|mark| mark.epoch == first.epoch && first.position <= mark);
            let stored = first.stored || first.epoch < epoch || marked;
            return Some((Appended { repeated: true, answered: epoch, stored, ..*first }, None));
        }
        self.seq = self.seq.next();
        let (id, seq, timestamp) = (event.id, self.seq, UnixMillis(i64::try_from(now).unwrap()));
        let position = LogPosition { epoch, ms: now, n: 0 };
        let appended =
            Appended { id, epoch, seq, timestamp, position, repeated: false, answered: epoch, stored: false };
        let sequenced = SequencedEvent { room, epoch, seq, timestamp, event };
        self.first.insert(name.clone(), appended);
        self.tail.push_back(sequenced.clone());
        if self.tail.len() > TAIL {
            self.tail.pop_front();
        }
        self.log.push_back((position, sequenced.clone()));
        Some((appended, Some(sequenced)))
    }

    /// The rules of `open_room.lua` after those of `open_partition.lua`.
    pub(super) fn open(&mut self, server: u64, epoch: Epoch, kept: Position) {
        self.epoch = Some(epoch);
        self.server = server;
        self.moves = 0;
        self.seq = self.seq.max(kept.seq);
        self.stored = self.seq;
        if self.epochs.last().is_none_or(|last| Some(last.epoch) <= self.lost) {
            self.tail.clear();
        }
        self.epochs.push(Began { epoch, after: self.seq, kept });
        self.mark = Some(LogPosition { epoch, ms: 0, n: 0 });
    }

    /// The rules of `mark_stored.lua` for one entry. None if it is not here.
    pub(super) fn mark_stored(&mut self, position: LogPosition, first: StoredPosition) -> Option<Mark> {
        let at = self.log.iter().position(|(known, _)| *known == position)?;
        let (_, event) = self.log.remove(at)?;
        let mut moved = Vec::new();
        if (first.epoch, first.seq) != (event.epoch, event.seq) {
            self.moves += 1;
            moved.push(Relocated { position, first });
            for result in self.first.values_mut().filter(|result| result.id == event.event.id) {
                *result = Appended { stored: true, ..result.at(first) };
            }
        }
        if at > 0 {
            return None;
        }
        self.stored = self.stored.max(event.seq);
        self.mark = Some(position);
        Some(Mark { upto: position, moves: self.moves, moved })
    }

    /// The rules of `discard.lua`.
    pub(super) fn discard(&mut self, position: LogPosition) {
        self.log.retain(|(known, _)| *known != position);
        (self.epoch, self.lost) = (None, Some(position.epoch));
    }

    pub(super) fn range(&self, after: Seq) -> Vec<SequencedEvent> {
        self.tail.iter().filter(|event| event.seq > after).cloned().collect()
    }
}

/// What the database holds. It forgets nothing.
#[derive(Default)]
pub(super) struct StoreState {
    pub(super) events: BTreeMap<Place, SequencedEvent>,
    ids: HashMap<MessageId, Place>,
}

impl StoreState {
    /// Idempotent by place and by id. Where the event is.
    pub(super) fn apply(&mut self, event: &SequencedEvent) -> StoredPosition {
        let place = (event.epoch, event.seq);
        if !self.events.contains_key(&place) && !self.ids.contains_key(&event.event.id) {
            self.ids.insert(event.event.id, place);
            self.events.insert(place, event.clone());
        }
        let (epoch, seq) = self.ids[&event.event.id];
        StoredPosition { epoch, seq, timestamp: self.events[&(epoch, seq)].timestamp }
    }

    pub(super) fn has_at(&self, id: MessageId, place: Place) -> bool {
        self.ids.get(&id) == Some(&place)
    }

    pub(super) fn has(&self, id: MessageId) -> bool {
        self.ids.contains_key(&id)
    }

    pub(super) fn last(&self) -> Position {
        let last = self.events.keys().max_by_key(|(_, seq)| *seq);
        last.map_or(Position::START, |(epoch, seq)| Position { epoch: *epoch, seq: *seq })
    }

    /// The unbroken run after the place.
    pub(super) fn run_after(&self, epoch: Epoch, after: Seq) -> Vec<SequencedEvent> {
        let mut next = after.next();
        let follows = |place: &(&Place, &SequencedEvent)| {
            let fits = *place.0 == (epoch, next);
            next = next.next();
            fits
        };
        self.events
            .range((epoch, after.next())..)
            .take_while(follows)
            .map(|(_, event)| event.clone())
            .collect()
    }
}
