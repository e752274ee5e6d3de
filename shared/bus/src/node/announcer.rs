//! Shows the card of a process again and again, until it ends.

use std::sync::Arc;

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::EVENT_GENERATION;
use rookery_runtime::shutdown::Shutdown;
use tokio::time::sleep;
use uuid::Uuid;

use super::{NodeCard, NodeKind, Nodes};
use crate::limits::NODE_CARD_INTERVAL;

/// What changes from one card to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// See [`NodeCard::connections`].
    pub connections: u64,
    /// See [`NodeCard::rooms`].
    pub rooms: u64,
    /// See [`NodeCard::lag_ms`].
    pub lag_ms: Option<u64>,
}

/// Shows the card of one process.
pub struct Announcer {
    nodes: Arc<dyn Nodes>,
    card: NodeCard,
}

impl Announcer {
    /// For a process that starts now.
    pub fn new(nodes: Arc<dyn Nodes>, kind: NodeKind, version: &str) -> Self {
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let card = NodeCard {
            id: Uuid::new_v4(),
            kind,
            host: host.trim().to_owned(),
            version: version.to_owned(),
            started_at: UnixMillis::now(),
            connections: 0,
            rooms: 0,
            lag_ms: None,
            draining: false,
            event_generation: EVENT_GENERATION,
        };
        Self { nodes, card }
    }

    /// The id on its card.
    pub const fn id(&self) -> Uuid {
        self.card.id
    }

    /// Shows it until the process ends; at once when it begins to drain.
    pub async fn run(mut self, shutdown: Shutdown, figures: impl Fn() -> Figures + Send) {
        while !shutdown.stop.is_cancelled() {
            let Figures { connections, rooms, lag_ms } = figures();
            let draining = shutdown.drain.is_cancelled();
            self.card = NodeCard { connections, rooms, lag_ms, draining, ..self.card };
            if let Err(error) = self.nodes.announce(&self.card).await {
                tracing::debug!(%error, "the card of this node is not shown");
            }
            let pause = sleep(NODE_CARD_INTERVAL);
            if draining {
                shutdown.stop.run_until_cancelled(pause).await;
            } else {
                shutdown.drain.run_until_cancelled(pause).await;
            }
        }
    }
}
