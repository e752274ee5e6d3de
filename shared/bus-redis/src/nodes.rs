//! The cards of all processes, in one hash; what they answer about a room, in one for each question.

use async_trait::async_trait;
use rookery_bus::error::BusError;
use rookery_bus::limits::NODE_CARD_LIFE;
use rookery_bus::node::{NodeCard, NodeHead, Nodes};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::{RedisBus, keys};

impl RedisBus {
    /// Puts what a node says in the place of what it said before.
    async fn put(&self, key: String, node: Uuid, said: &(impl Serialize + Sync)) -> Result<(), BusError> {
        let text = serde_json::to_string(said).map_err(|error| BusError::Protocol(format!("of a node: {error}")))?;
        self.said(key, node.simple().to_string(), text).await.map(drop)
    }

    /// What all nodes have said there.
    async fn all<T: DeserializeOwned>(&self, key: String) -> Result<Vec<T>, BusError> {
        let rows = self.said(key, String::new(), String::new()).await?;
        // A newer program may say it in another way.
        Ok(rows.iter().filter_map(|row| serde_json::from_str(row).ok()).collect())
    }

    async fn said(&self, key: String, node: String, text: String) -> Result<Vec<String>, BusError> {
        let args = vec![node, text, NODE_CARD_LIFE.as_millis().to_string()];
        self.run(keys::CARDS_PARTITION, |scripts| &scripts.node_cards, vec![key], args).await
    }
}

#[async_trait]
impl Nodes for RedisBus {
    async fn announce(&self, card: &NodeCard) -> Result<(), BusError> {
        self.put(keys::cards(), card.id, card).await
    }

    async fn nodes(&self) -> Result<Vec<NodeCard>, BusError> {
        self.all(keys::cards()).await
    }

    async fn answer_head(&self, ask: Uuid, head: NodeHead) -> Result<(), BusError> {
        self.put(keys::head_answers(ask), head.node, &head).await
    }

    async fn answered_heads(&self, ask: Uuid) -> Result<Vec<NodeHead>, BusError> {
        self.all(keys::head_answers(ask)).await
    }
}
