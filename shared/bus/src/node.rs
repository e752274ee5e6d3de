//! What processes say of themselves, so that admins see all of a cluster from one place.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::generation;
use rookery_protocol::position::Position;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::BusError;

mod announcer;
pub(crate) mod memory;

pub use announcer::{Announcer, Figures};

/// What a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodeKind {
    /// It has sockets.
    Gateway,
    /// It serves REST and stores.
    Api,
}

/// A process as it was a few seconds ago.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeCard {
    /// Its id, from its start to its end.
    pub id: Uuid,
    /// What it is.
    pub kind: NodeKind,
    /// Name of its machine, as the machine says.
    pub host: String,
    /// Version of its program.
    pub version: String,
    /// When it started.
    pub started_at: UnixMillis,
    /// Sockets, or requests that are being answered.
    pub connections: u64,
    /// Rooms with subscribers there.
    pub rooms: u64,
    /// Milliseconds that the last stored batch of events had waited; none where nothing is stored.
    pub lag_ms: Option<u64>,
    /// Whether it takes no new work and is about to end.
    pub draining: bool,
    /// The newest generation of kinds of events that it knows; releases of before these announce none.
    #[serde(default = "first_generation")]
    pub event_generation: u32,
}

/// How far a node has delivered a room to its connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeHead {
    /// Id of the node, as on its card.
    pub node: Uuid,
    /// Place of the newest event that it has.
    pub head: Position,
}

const fn first_generation() -> u32 {
    generation::FIRST
}

/// Knows the processes. A card that is not renewed is forgotten after [`crate::limits::NODE_CARD_LIFE`].
#[async_trait]
pub trait Nodes: Send + Sync + 'static {
    /// Shows a card in the place of the one before.
    async fn announce(&self, card: &NodeCard) -> Result<(), BusError>;

    /// All cards, in no order.
    async fn nodes(&self) -> Result<Vec<NodeCard>, BusError>;

    /// Answers [`crate::signal::EphemeralSignal::HeadAsked`]. The answer is forgotten like a card.
    async fn answer_head(&self, ask: Uuid, head: NodeHead) -> Result<(), BusError>;

    /// The answers so far, in no order. Nodes without connections in the room give none.
    async fn answered_heads(&self, ask: Uuid) -> Result<Vec<NodeHead>, BusError>;
}
