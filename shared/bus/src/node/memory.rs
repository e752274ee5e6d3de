//! Cards inside one process.

use std::collections::HashMap;

use tokio::time::Instant;
use uuid::Uuid;

use super::NodeCard;
use crate::limits::NODE_CARD_LIFE;

/// The cards of this process: one for each part of it.
#[derive(Debug, Default)]
pub(crate) struct Cards(HashMap<Uuid, (Instant, NodeCard)>);

impl Cards {
    pub(crate) fn show(&mut self, card: NodeCard, now: Instant) {
        self.0.insert(card.id, (now + NODE_CARD_LIFE, card));
    }

    pub(crate) fn all(&mut self, now: Instant) -> Vec<NodeCard> {
        self.0.retain(|_, (until, _)| now < *until);
        self.0.values().map(|(_, card)| card.clone()).collect()
    }
}
