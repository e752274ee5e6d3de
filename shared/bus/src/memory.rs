//! The bus inside one process: numbers events, writes them to the journal, and only then delivers them.
//!
//! One writer task gathers what waits and journals it in one step, so many senders share one disk write. What is
//! delivered is therefore stored, numbers survive a restart, and the epoch stays the same.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::{Epoch, LogPosition, Partition, RoomId, Seq, TicketId, UserId};
use rookery_protocol::news::UserNews;
use rookery_protocol::partition::partition_of;
use rookery_protocol::position::AlreadyStored;
use rookery_runtime::shutdown::Shutdown;
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::time::Instant;
use uuid::Uuid;

use crate::error::BusError;
use crate::limits::{BUS_COMMAND_DEADLINE, JOURNAL_BATCH_MAX, JOURNAL_QUEUE_MAX, SIGNALS_MAX};
use crate::node::memory::{Cards, HeadAnswers};
use crate::node::{NodeCard, NodeHead, Nodes};
use crate::pace::RoomRateLimit;
use crate::signal::{EphemeralSignal, Revoked, Signal};
use crate::ticket::Tickets;
use crate::ticket::memory::SpentTickets;
use crate::{
    Append, AppendError, Appended, Began, Bus, Head, Mark, OpenError, PartitionOpening, PartitionState, Partitions,
    PubSub, RoomLog, RoomSeed,
};

mod presence;
mod rooms;

use presence::Presences;
use rooms::{Plan, Rooms};

/// Where the in-process bus keeps events.
#[async_trait]
pub trait Journal: Send + Sync + 'static {
    /// Stores events durably, all or none. Gives back those that it had already, at another place.
    async fn apply(&self, events: &[SequencedEvent]) -> Result<Vec<AlreadyStored>, BusError>;

    /// Events of the epoch after a number, oldest first.
    async fn range(
        &self,
        room: RoomId,
        epoch: Epoch,
        after: Seq,
        limit: usize,
    ) -> Result<Vec<SequencedEvent>, BusError>;
}

/// The bus of a single process.
pub struct MemoryBus {
    epoch: Epoch,
    journal: Arc<dyn Journal>,
    rooms: Mutex<Rooms>,
    subscribed: Mutex<HashSet<RoomId>>,
    users: Mutex<HashSet<UserId>>,
    presences: Mutex<Presences>,
    tickets: Mutex<SpentTickets>,
    cards: Mutex<Cards>,
    head_answers: Mutex<HeadAnswers>,
    signals: broadcast::Sender<Signal>,
    queue: mpsc::Sender<Request>,
}

type Reply = oneshot::Sender<Result<Appended, AppendError>>;
type Request = (Append, Reply);

impl MemoryBus {
    /// Starts the writer. The epoch is the one the journal's data belongs to.
    pub fn start(epoch: Epoch, pace: RoomRateLimit, journal: Arc<dyn Journal>, shutdown: &Shutdown) -> Arc<Self> {
        let (queue, requests) = mpsc::channel(JOURNAL_QUEUE_MAX);
        let bus = Arc::new(Self {
            epoch,
            journal,
            rooms: Mutex::new(Rooms::new(epoch, pace)),
            subscribed: Mutex::default(),
            users: Mutex::default(),
            presences: Mutex::default(),
            tickets: Mutex::default(),
            cards: Mutex::default(),
            head_answers: Mutex::default(),
            signals: broadcast::Sender::new(SIGNALS_MAX),
            queue,
        });
        shutdown.spawn("journal writer", write(Arc::downgrade(&bus), requests, shutdown.clone()));
        bus
    }

    async fn write_batch(&self, batch: Vec<Request>) {
        let (appends, replies): (Vec<Append>, Vec<Reply>) = batch.into_iter().unzip();
        let mut plan = self.rooms.lock().plan(appends, UnixMillis::now());
        if !plan.events.is_empty() {
            match self.journal.apply(&plan.events).await {
                Ok(held) => plan.correct(&held),
                Err(error) => {
                    tracing::warn!(%error, events = plan.events.len(), "journal refused a batch");
                    let failed = AppendError::Bus(error);
                    for reply in replies {
                        answer(reply, Err(failed.clone()));
                    }
                    return;
                }
            }
            self.rooms.lock().commit(&plan);
        }
        self.deliver(plan, replies);
    }

    fn deliver(&self, plan: Plan, replies: Vec<Reply>) {
        for (reply, outcome) in replies.into_iter().zip(plan.outcomes) {
            answer(reply, outcome);
        }
        let subscribed = self.subscribed.lock();
        let mut marks: HashMap<Partition, LogPosition> = HashMap::new();
        for (event, position) in plan.events.into_iter().zip(plan.positions) {
            marks.insert(partition_of(event.room), position);
            if subscribed.contains(&event.room) {
                self.emit(Signal::Event(Arc::new(event)));
            }
        }
        for (partition, upto) in marks {
            self.emit(Signal::Stored { partition, mark: Arc::new(mark(upto)) });
        }
    }

    fn emit_ephemeral(&self, room: RoomId, signal: EphemeralSignal) {
        if self.subscribed.lock().contains(&room) {
            self.emit(Signal::Ephemeral { room, signal: Arc::new(signal) });
        }
    }

    fn emit(&self, signal: Signal) {
        // Without a listener there is nobody to notify.
        self.signals.send(signal).ok();
    }
}

/// Positions are final at once, so no event moves.
const fn mark(upto: LogPosition) -> Mark {
    Mark { upto, moves: 0, moved: Vec::new() }
}

fn answer(reply: Reply, outcome: Result<Appended, AppendError>) {
    // Who no longer waits will repeat the append and get the same answer.
    reply.send(outcome).ok();
}

async fn write(bus: std::sync::Weak<MemoryBus>, mut requests: mpsc::Receiver<Request>, shutdown: Shutdown) {
    let mut batch = Vec::with_capacity(JOURNAL_BATCH_MAX);
    loop {
        let waiting = tokio::select! {
            count = requests.recv_many(&mut batch, JOURNAL_BATCH_MAX) => count,
            // The last sender of a draining process may still be on its way: finish what is queued, then end.
            () = shutdown.stop.cancelled() => 0,
        };
        let Some(bus) = bus.upgrade().filter(|_| waiting > 0) else { return };
        bus.write_batch(std::mem::take(&mut batch)).await;
    }
}

#[async_trait]
impl RoomLog for MemoryBus {
    async fn append(&self, append: Append) -> Result<Appended, AppendError> {
        let (reply, outcome) = oneshot::channel();
        let unavailable = |cause: &str| BusError::Unavailable(cause.to_owned());
        self.queue.try_send((append, reply)).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => AppendError::Overloaded,
            mpsc::error::TrySendError::Closed(_) => unavailable("the writer has stopped").into(),
        })?;
        match tokio::time::timeout(BUS_COMMAND_DEADLINE, outcome).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(unavailable("the writer has stopped").into()),
            Err(_) => Err(unavailable("the journal is slow").into()),
        }
    }

    async fn heads(&self, rooms: &[RoomId]) -> Result<Vec<Option<Head>>, BusError> {
        let known = self.rooms.lock();
        Ok(rooms.iter().map(|room| known.head(*room)).collect())
    }

    async fn range(&self, room: RoomId, after: Seq, limit: usize) -> Result<Vec<SequencedEvent>, BusError> {
        self.journal.range(room, self.epoch, after, limit).await
    }

    async fn epochs(&self, room: RoomId) -> Result<Vec<Began>, BusError> {
        Ok(self.rooms.lock().head(room).and_then(|head| head.began).into_iter().collect())
    }

    /// There is no hot tail: everything is read from the journal.
    async fn forget_stored(&self, _room: RoomId) -> Result<(), BusError> {
        Ok(())
    }

    async fn stored(&self, _partition: Partition) -> Result<Option<Mark>, BusError> {
        Ok(self.rooms.lock().last_position().map(mark))
    }
}

#[async_trait]
impl Partitions for MemoryBus {
    async fn partition(&self, _partition: Partition) -> Result<PartitionState, BusError> {
        Ok(PartitionState::Open(self.epoch))
    }

    async fn open_partition(&self, _partition: Partition, _epoch: Epoch) -> Result<PartitionOpening, BusError> {
        // The journal cannot be rewound behind the bus's back, so its epoch holds.
        Ok(PartitionOpening::Open)
    }

    async fn open_room(&self, room: RoomId, seed: RoomSeed) -> Result<(), OpenError> {
        self.rooms.lock().open(room, seed);
        Ok(())
    }
}

#[async_trait]
impl PubSub for MemoryBus {
    fn signals(&self) -> broadcast::Receiver<Signal> {
        self.signals.subscribe()
    }

    async fn subscribe(&self, room: RoomId) -> Result<(), BusError> {
        self.subscribed.lock().insert(room);
        Ok(())
    }

    async fn unsubscribe(&self, room: RoomId) -> Result<(), BusError> {
        self.subscribed.lock().remove(&room);
        Ok(())
    }

    async fn subscribe_users(&self, users: &[UserId]) -> Result<(), BusError> {
        self.users.lock().extend(users);
        Ok(())
    }

    async fn unsubscribe_users(&self, users: &[UserId]) -> Result<(), BusError> {
        self.users.lock().retain(|user| !users.contains(user));
        Ok(())
    }

    async fn publish_ephemeral(&self, room: RoomId, signal: EphemeralSignal) -> Result<(), BusError> {
        self.emit_ephemeral(room, signal);
        Ok(())
    }

    async fn revoke(&self, user: UserId, revoked: Revoked) -> Result<(), BusError> {
        if self.users.lock().contains(&user) {
            self.emit(Signal::Session { user, revoked });
        }
        Ok(())
    }

    async fn notify_user(&self, user: UserId, news: &UserNews) -> Result<(), BusError> {
        if self.users.lock().contains(&user) {
            self.emit(Signal::User { user, news: Arc::new(news.clone()) });
        }
        Ok(())
    }
}

#[async_trait]
impl Tickets for MemoryBus {
    async fn spend(&self, ticket: TicketId) -> Result<bool, BusError> {
        self.tickets.lock().spend(ticket, Instant::now())
    }
}

#[async_trait]
impl Nodes for MemoryBus {
    async fn announce(&self, card: &NodeCard) -> Result<(), BusError> {
        self.cards.lock().show(card.clone(), Instant::now());
        Ok(())
    }

    async fn nodes(&self) -> Result<Vec<NodeCard>, BusError> {
        Ok(self.cards.lock().all(Instant::now()))
    }

    async fn answer_head(&self, ask: Uuid, head: NodeHead) -> Result<(), BusError> {
        self.head_answers.lock().add(ask, head, Instant::now());
        Ok(())
    }

    async fn answered_heads(&self, ask: Uuid) -> Result<Vec<NodeHead>, BusError> {
        Ok(self.head_answers.lock().of(ask))
    }
}

#[async_trait]
impl Bus for MemoryBus {
    async fn ping(&self) -> Result<(), BusError> {
        if self.queue.is_closed() {
            return Err(BusError::Unavailable("the writer has stopped".to_owned()));
        }
        Ok(())
    }
}
