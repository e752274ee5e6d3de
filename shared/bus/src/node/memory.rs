//! Cards inside one process, and what nodes answer.

use std::collections::HashMap;

use tokio::time::Instant;
use uuid::Uuid;

use super::{NodeCard, NodeHead};
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

/// Answers about heads, by question.
#[derive(Debug, Default)]
pub(crate) struct HeadAnswers(HashMap<Uuid, (Instant, Vec<NodeHead>)>);

impl HeadAnswers {
    pub(crate) fn add(&mut self, ask: Uuid, head: NodeHead, now: Instant) {
        self.0.retain(|_, (until, _)| now < *until);
        let (_, heads) = self.0.entry(ask).or_insert_with(|| (now + NODE_CARD_LIFE, Vec::new()));
        heads.retain(|known| known.node != head.node);
        heads.push(head);
    }

    pub(crate) fn of(&self, ask: Uuid) -> Vec<NodeHead> {
        self.0.get(&ask).map(|(_, heads)| heads.clone()).unwrap_or_default()
    }
}
