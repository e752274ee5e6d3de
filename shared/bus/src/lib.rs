//! The bus carries room events between processes and gives each its number.
//!
//! # Promise
//! * [`RoomLog::append`] is atomic: an event gets the next number of its room, enters the room's hot tail and the
//!   partition's log, and is published; or nothing of this happens.
//! * The same event under the same `client_id` of the same user in the same room gets the first result again while it is
//!   remembered (2 to 4 minutes); after that the event's derived id makes the store recognise it. Another event under
//!   that name is [`AppendError::Reused`] meanwhile, and an event of its own later.
//! * What a user says is checked in this order: is it a repeat, are the rights those of the room's version, is the room
//!   frozen, is it too early by the pace or by slow mode. A repeat is never refused, a refusal leaves no trace, and no
//!   two nodes count apart.
//! * Settings of a room hold from the number of their own event on.
//! * Events of a subscribed room arrive as [`Signal::Event`] in order, but delivery may lose some: a listener
//!   checks that numbers are contiguous, and compares heads after [`Signal::Suspect`].
//! * [`Signal::Stored`] says that everything in a partition's log up to a position is in the store. Who has appended
//!   there lately gets the mark; that may be lost, too, and [`RoomLog::stored`] reads the mark.
//!
//! Two implementations keep it, under one contract suite: `rookery_bus_redis` between processes, [`memory`] inside one.

use async_trait::async_trait;
use rookery_protocol::access::Rights;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::{Event, RoomSettings, SequencedEvent};
use rookery_protocol::id::{AclVersion, ClientId, Epoch, LogPosition, MessageId, Partition, RoomId, Seq, UserId};
use rookery_protocol::news::UserNews;
use rookery_protocol::position::{Position, StoredPosition};
use tokio::sync::broadcast;

use crate::error::BusError;
use crate::node::Nodes;
use crate::pace::TooEarly;
use crate::signal::{EphemeralSignal, Revoked, Signal};
use crate::ticket::Tickets;

pub mod acks;
pub mod authority;
pub mod auto_open;
pub mod error;
pub mod filters;
pub mod limiter;
pub mod limits;
pub mod memory;
pub mod node;
pub mod pace;
pub mod presence;
pub mod publish;
pub mod quota;
pub mod signal;
pub mod ticket;

/// An event on its way to its number.
#[derive(Clone, Debug)]
pub struct Append {
    /// Room.
    pub room: RoomId,
    /// What happens.
    pub event: Event,
    /// Name under which a repeat is recognised, together with the event's user.
    pub client_id: ClientId,
    /// The rights under which it was allowed.
    pub rights: Rights,
    /// Only in this epoch of the room, as if the room were not open in another; none if it makes no difference which.
    pub epoch: Option<Epoch>,
}

/// The place an event got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Id of the event; of the first one, if this was a repeat.
    pub id: MessageId,
    /// Epoch of the number.
    pub epoch: Epoch,
    /// Number in the room.
    pub seq: Seq,
    /// When it was accepted.
    pub timestamp: UnixMillis,
    /// Where it is in the partition's log.
    pub position: LogPosition,
    /// Whether this is the answer of an earlier append.
    pub repeated: bool,
    /// The epoch of the partition on the server that answered. Below an epoch that is known to have begun, the server
    /// has been replaced, and what it says must not be believed.
    pub answered: Epoch,
    /// Whether the store had the event when the answer was given.
    pub stored: bool,
}

/// How far a partition's log is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Everything up to here is.
    pub upto: LogPosition,
    /// How many events of the epoch were found to be stored at another place already.
    pub moves: u64,
    /// The last of these, as far as they are listed.
    pub moved: Vec<Relocated>,
}

/// An event that the store had before it came with this position: a repeat that the bus did not recognise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relocated {
    /// Where it is in the log.
    pub position: LogPosition,
    /// Where it is in history.
    pub first: StoredPosition,
}

/// What a partition needs before rooms can be opened in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartitionState {
    /// Nothing: it has this epoch.
    Open(Epoch),
    /// Its log holds events that are not stored yet; ask again in a moment.
    Unstored,
    /// An epoch, for this incarnation of the server that has it.
    Closed(String),
}

impl Appended {
    /// Position and time of the event.
    pub const fn place(&self) -> StoredPosition {
        let Self { epoch, seq, timestamp, .. } = *self;
        StoredPosition { epoch, seq, timestamp }
    }

    /// The same event, at the place that the store has.
    #[must_use]
    pub const fn at(self, first: StoredPosition) -> Self {
        let StoredPosition { epoch, seq, timestamp } = first;
        Self { epoch, seq, timestamp, ..self }
    }
}

/// Why an event got no place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// The bus does not know the room in a current epoch; open it and try again.
    #[error("the room is not open on the bus")]
    NotOpen,
    /// The rights changed since the snapshot; read them again. For new settings of the room: newer ones came first.
    #[error("the room's rights have changed")]
    StaleRights,
    /// More waits for the store than may wait.
    #[error("too much is waiting to be stored")]
    Overloaded,
    /// The outcome is unknown or nothing happened; a repeat with the same `client_id` is safe.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// Rights, or the server that numbers, changed at every attempt.
    #[error("too many attempts")]
    AttemptsExhausted,
    /// The name was given to something else not long ago.
    #[error("the client_id is that of another event")]
    Reused,
    /// By what holds in the room, such as that it is frozen.
    #[error("{}", .0.as_str())]
    Refused(ErrorCode),
    /// The user says too much, by the deployment's pace or the room's slow mode.
    #[error("{0:?}")]
    TooEarly(TooEarly),
}

/// Where a room stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Current epoch.
    pub epoch: Epoch,
    /// Number of the newest event.
    pub seq: Seq,
    /// Number up to which everything is stored.
    pub stored: Seq,
    /// How the current epoch began in the room, if that was noted.
    pub began: Option<Began>,
}

/// How an epoch began in a room, and with it what is left of those before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Began {
    /// The epoch.
    pub epoch: Epoch,
    /// The number before its first one.
    pub after: Seq,
    /// The last event of earlier epochs that is stored, as all before it are. Nothing behind it ever will be.
    pub kept: Position,
}

impl Began {
    /// What is stored of this older epoch, which was the room's last one before this: up to this number. None if others
    /// came in between.
    pub fn kept_of(&self, epoch: Epoch) -> Option<Seq> {
        (self.kept.epoch <= epoch && epoch < self.epoch).then_some(self.kept.seq)
    }

    /// What became of this epoch: how the first one began that came after it, where that is known.
    pub fn next_of(epoch: Epoch, all: &[Self]) -> Option<Self> {
        let next = all.iter().filter(|began| began.epoch > epoch).min_by_key(|began| began.epoch)?;
        next.kept_of(epoch).map(|_| *next)
    }
}

/// What the store knows of a room, to (re)build its state on the bus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoomSeed {
    /// The epoch of the partition that had begun before this was read; none if it makes no difference which.
    pub epoch: Option<Epoch>,
    /// The last stored event.
    pub last: Position,
    /// Version of the rights.
    pub acl: AclVersion,
    /// How the room is talked in.
    pub settings: RoomSettings,
}

/// Why a room could not be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The partition has no epoch for the data the bus holds now; allocate one.
    #[error("the partition needs a new epoch")]
    PartitionNotOpen,
    /// No answer.
    #[error(transparent)]
    Bus(#[from] BusError),
}

/// What became of an offered epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartitionOpening {
    /// The partition has an epoch: this one, or one that came first.
    Open,
    /// The partition's log holds events that are not stored yet; offer the epoch again in a moment.
    Unstored,
}

/// The log of each room: numbers its events, keeps the newest, and knows how far they are stored.
#[async_trait]
pub trait RoomLog: Send + Sync + 'static {
    /// Numbers, keeps and publishes an event.
    async fn append(&self, append: Append) -> Result<Appended, AppendError>;

    /// The rooms' heads, in the order asked; none where the room is not open.
    async fn heads(&self, rooms: &[RoomId]) -> Result<Vec<Option<Head>>, BusError>;

    /// Events after the number `after`, oldest first, at most `limit`; of older epochs there may be some that are stored. Older
    /// ones may be missing from the front: compare the first place.
    async fn range(&self, room: RoomId, after: Seq, limit: usize) -> Result<Vec<SequencedEvent>, BusError>;

    /// How epochs of the room began, the newest ones and no more than [`rookery_protocol::limits::ROOM_EPOCHS_MAX`], in any order.
    async fn epochs(&self, room: RoomId) -> Result<Vec<Began>, BusError>;

    /// Drops from the room's hot tail what is stored: whoever asks for it is served by the store. For what was changed there.
    async fn forget_stored(&self, room: RoomId) -> Result<(), BusError>;

    /// How far the partition's log is stored; none if nothing was stored and no epoch has begun.
    async fn stored(&self, partition: Partition) -> Result<Option<Mark>, BusError>;
}

/// The epochs of partitions, and the state of their rooms: what the api rebuilds when the bus has lost it.
#[async_trait]
pub trait Partitions: Send + Sync + 'static {
    /// Whether the partition has an epoch, or could begin one.
    async fn partition(&self, partition: Partition) -> Result<PartitionState, BusError>;

    /// Gives the partition the epoch, unless the data on the bus has one already. Epochs come from the store
    /// and are never given twice.
    ///
    /// An epoch begins only when everything of the one before that survived on the bus is stored: whoever reads
    /// history because of the change then finds all of it.
    async fn open_partition(&self, partition: Partition, epoch: Epoch) -> Result<PartitionOpening, BusError>;

    /// Builds the room's state if the bus has none in the current epoch: numbers go on after the larger of what
    /// bus and store know. Idempotent. Refused where the partition has another epoch than the seed was read in: more may
    /// have been stored before that one began.
    async fn open_room(&self, room: RoomId, seed: RoomSeed) -> Result<(), OpenError>;
}

/// Delivery between processes. Signals may be lost.
#[async_trait]
pub trait PubSub: Send + Sync + 'static {
    /// A receiver of all signals to this process. A listener that lags is to act as on
    /// [`Signal::Suspect`].
    fn signals(&self) -> broadcast::Receiver<Signal>;

    /// Starts [`Signal::Event`] for the room; returns when events appended from now on will come. Idempotent.
    async fn subscribe(&self, room: RoomId) -> Result<(), BusError>;

    /// Stops [`Signal::Event`] for the room. Idempotent.
    async fn unsubscribe(&self, room: RoomId) -> Result<(), BusError>;

    /// Starts [`Signal::Session`] and [`Signal::User`] for the users. Idempotent.
    async fn subscribe_users(&self, users: &[UserId]) -> Result<(), BusError>;

    /// Stops them for the users. Idempotent.
    async fn unsubscribe_users(&self, users: &[UserId]) -> Result<(), BusError>;

    /// Publishes to all subscribers of the room. Nothing is numbered or kept, and it may be lost.
    async fn publish_ephemeral(&self, room: RoomId, signal: EphemeralSignal) -> Result<(), BusError>;

    /// Publishes to all subscribers of the user. It may be lost: the store has the truth.
    async fn revoke(&self, user: UserId, revoked: Revoked) -> Result<(), BusError>;

    /// Publishes to all subscribers of the user. It may be lost: the store has the truth.
    async fn notify_user(&self, user: UserId, news: &UserNews) -> Result<(), BusError>;
}

/// All of it, as programs assemble it; who needs a part takes that.
#[async_trait]
pub trait Bus: RoomLog + Partitions + PubSub + Tickets + Nodes {
    /// Whether the bus answers.
    async fn ping(&self) -> Result<(), BusError>;
}
