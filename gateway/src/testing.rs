//! A bus and an api for tests of this crate, both in memory and at the test's command: events can be lost on their
//! way, the bus can be away or lose its data.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use parking_lot::Mutex;
use rookery_bus::error::BusError;
use rookery_bus::node::{NodeCard, NodeHead, Nodes};
use rookery_bus::signal::{EphemeralSignal, Revoked, Signal};
use rookery_bus::ticket::Tickets;
use rookery_bus::{
    Append, AppendError, Appended, Began, Bus, Head, Mark, OpenError, PartitionOpening, PartitionState, Partitions,
    PubSub, RoomLog, RoomSeed,
};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::{Event, EventBody, NewMessage, Sender, SequencedEvent};
use rookery_protocol::id::{
    AclVersion, ClientId, Epoch, LogPosition, MessageId, Partition, RoomId, Seq, TicketId, UserId,
};
use rookery_protocol::news::UserNews;
use rookery_protocol::partition::partition_of;
use tokio::sync::broadcast;
use uuid::Uuid;

mod authority;
mod losses;
mod pipe;
mod presence;

pub(crate) use authority::FakeAuthority;
pub(crate) use pipe::{ClientEnd, pipe};
pub(crate) use presence::Nobody;

/// A bus whose messages can be lost.
pub(crate) struct FakeBus {
    state: Mutex<State>,
    signals: broadcast::Sender<Signal>,
    /// Events are kept but not signalled.
    pub(crate) mute: AtomicBool,
    /// Nothing is answered.
    pub(crate) away: AtomicBool,
    pub(crate) ranges: AtomicUsize,
    pub(crate) subscribes: AtomicUsize,
}

#[derive(Default)]
struct State {
    epoch: u64,
    rooms: HashMap<RoomId, Vec<SequencedEvent>>,
    heads: HashMap<RoomId, u64>,
    first: HashMap<(UserId, ClientId), Appended>,
    subscribed: HashSet<RoomId>,
    users: HashSet<UserId>,
    tickets: HashSet<TicketId>,
    acl: AclVersion,
    /// How epochs began, where that is noted; all rooms are alike.
    began: Vec<Began>,
}

impl FakeBus {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State { epoch: 1, ..State::default() }),
            signals: broadcast::Sender::new(1_024),
            mute: AtomicBool::new(false),
            away: AtomicBool::new(false),
            ranges: AtomicUsize::new(0),
            subscribes: AtomicUsize::new(0),
        })
    }

    /// Somebody on another node says something.
    pub(crate) fn say(&self, room: RoomId, content: &str) -> SequencedEvent {
        let body = EventBody::Message(NewMessage {
            content: content.to_owned(),
            client_id: ClientId::generate(),
            reply_to: None,
            attachments: Vec::new(),
        });
        self.put(room, UserId::generate(), body)
    }

    pub(crate) fn put(&self, room: RoomId, user_id: UserId, body: EventBody) -> SequencedEvent {
        let event = Event::new(MessageId::generate(), Sender { user_id, username: "bob".into() }, body);
        self.number(room, event)
    }

    /// The rights in the room have changed.
    pub(crate) fn change_rights(&self, acl: u64) {
        self.state.lock().acl = AclVersion(acl);
    }

    pub(crate) fn signal(&self, signal: Signal) {
        self.signals.send(signal).ok();
    }

    /// Everything is stored now.
    pub(crate) fn store(&self, room: RoomId) {
        let (epoch, ms) = {
            let state = self.state.lock();
            (Epoch(state.epoch), state.first.values().map(|first| first.seq.get()).max().unwrap_or(0))
        };
        let mark = Mark { upto: LogPosition { epoch, ms, n: 0 }, moves: 0, moved: Vec::new() };
        self.signal(Signal::Stored { partition: partition_of(room), mark: Arc::new(mark) });
    }

    pub(crate) fn is_subscribed(&self, room: RoomId) -> bool {
        self.state.lock().subscribed.contains(&room)
    }

    fn number(&self, room: RoomId, event: Event) -> SequencedEvent {
        let mut state = self.state.lock();
        let seq = state.heads.entry(room).or_default();
        *seq += 1;
        let (seq, epoch) = (Seq::new(*seq), Epoch(state.epoch));
        let sequenced = SequencedEvent { room, epoch, seq, timestamp: UnixMillis(0), event };
        state.rooms.entry(room).or_default().push(sequenced.clone());
        if state.subscribed.contains(&room) && !self.mute.load(Ordering::SeqCst) {
            self.signal(Signal::Event(Arc::new(sequenced.clone())));
        }
        sequenced
    }

    fn answer(&self) -> Result<(), BusError> {
        let away = self.away.load(Ordering::SeqCst);
        if away { Err(BusError::Unavailable("away".into())) } else { Ok(()) }
    }
}

#[async_trait]
impl RoomLog for FakeBus {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        self.answer()?;
        let name = (append.event.user_id, append.client_id);
        if let Some(first) = self.state.lock().first.get(&name) {
            return Ok(Appended { repeated: true, ..*first });
        }
        if append.rights != rookery_protocol::access::Rights::At(self.state.lock().acl) {
            return Err(AppendError::StaleRights);
        }
        let id = append.event.id;
        let SequencedEvent { epoch, seq, timestamp, .. } = self.number(append.room, append.event);
        let position = LogPosition { epoch, ms: seq.get(), n: 0 };
        let appended =
            Appended { id, epoch, seq, timestamp, position, repeated: false, answered: epoch, stored: false };
        self.state.lock().first.insert(name, appended);
        Ok(appended)
    }

    async fn forget_stored(&self, _room: RoomId) -> Result<(), BusError> {
        self.answer()
    }

    async fn heads(&self, rooms: &[RoomId]) -> Result<Vec<Option<Head>>, BusError> {
        self.answer()?;
        let state = self.state.lock();
        let epoch = Epoch(state.epoch);
        let seq = |room| Seq::new(state.heads.get(room).copied().unwrap_or_default());
        Ok(rooms
            .iter()
            .map(|room| {
                Some(Head {
                    epoch,
                    seq: seq(room),
                    stored: Seq::ZERO,
                    began: state.began.last().copied().filter(|began| began.epoch == epoch),
                })
            })
            .collect())
    }

    async fn range(&self, room: RoomId, after: Seq, limit: usize) -> Result<Vec<SequencedEvent>, BusError> {
        self.answer()?;
        self.ranges.fetch_add(1, Ordering::SeqCst);
        let state = self.state.lock();
        let events = state.rooms.get(&room).into_iter().flatten();
        Ok(events.filter(|event| event.seq > after).take(limit).cloned().collect())
    }

    async fn epochs(&self, _room: RoomId) -> Result<Vec<Began>, BusError> {
        self.answer()?;
        Ok(self.state.lock().began.clone())
    }

    async fn stored(&self, _partition: Partition) -> Result<Option<Mark>, BusError> {
        self.answer().map(|()| None)
    }
}

#[async_trait]
impl Partitions for FakeBus {
    async fn partition(&self, _partition: Partition) -> Result<PartitionState, BusError> {
        Ok(PartitionState::Open(Epoch(self.state.lock().epoch)))
    }

    async fn open_partition(&self, _partition: Partition, _epoch: Epoch) -> Result<PartitionOpening, BusError> {
        Ok(PartitionOpening::Open)
    }

    async fn open_room(&self, _room: RoomId, _seed: RoomSeed) -> Result<(), OpenError> {
        Ok(())
    }
}

#[async_trait]
impl PubSub for FakeBus {
    fn signals(&self) -> broadcast::Receiver<Signal> {
        self.signals.subscribe()
    }

    async fn subscribe(&self, room: RoomId) -> Result<(), BusError> {
        self.answer()?;
        self.subscribes.fetch_add(1, Ordering::SeqCst);
        self.state.lock().subscribed.insert(room);
        Ok(())
    }

    async fn unsubscribe(&self, room: RoomId) -> Result<(), BusError> {
        self.answer()?;
        self.state.lock().subscribed.remove(&room);
        Ok(())
    }

    async fn subscribe_users(&self, users: &[UserId]) -> Result<(), BusError> {
        self.answer()?;
        self.state.lock().users.extend(users);
        Ok(())
    }

    async fn unsubscribe_users(&self, users: &[UserId]) -> Result<(), BusError> {
        self.answer()?;
        self.state.lock().users.retain(|user| !users.contains(user));
        Ok(())
    }

    async fn publish_ephemeral(&self, room: RoomId, signal: EphemeralSignal) -> Result<(), BusError> {
        self.answer()?;
        self.signal(Signal::Ephemeral { room, signal: Arc::new(signal) });
        Ok(())
    }

    async fn revoke(&self, user: UserId, revoked: Revoked) -> Result<(), BusError> {
        self.answer()?;
        if self.state.lock().users.contains(&user) {
            self.signal(Signal::Session { user, revoked });
        }
        Ok(())
    }

    async fn notify_user(&self, user: UserId, news: &UserNews) -> Result<(), BusError> {
        self.signal(Signal::User { user, news: Arc::new(news.clone()) });
        self.answer()
    }
}

#[async_trait]
impl Tickets for FakeBus {
    async fn spend(&self, ticket: TicketId) -> Result<bool, BusError> {
        self.answer()?;
        Ok(self.state.lock().tickets.insert(ticket))
    }
}

#[async_trait]
impl Nodes for FakeBus {
    async fn announce(&self, _card: &NodeCard) -> Result<(), BusError> {
        self.answer()
    }

    async fn nodes(&self) -> Result<Vec<NodeCard>, BusError> {
        self.answer().map(|()| Vec::new())
    }

    async fn answer_head(&self, _ask: Uuid, _head: NodeHead) -> Result<(), BusError> {
        self.answer()
    }

    async fn answered_heads(&self, _ask: Uuid) -> Result<Vec<NodeHead>, BusError> {
        self.answer().map(|()| Vec::new())
    }
}

#[async_trait]
impl Bus for FakeBus {
    async fn ping(&self) -> Result<(), BusError> {
        self.answer()
    }
}
