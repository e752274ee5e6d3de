//! The cards of all processes, in one hash.

use async_trait::async_trait;
use rookery_bus::error::BusError;
use rookery_bus::limits::NODE_CARD_LIFE;
use rookery_bus::node::{NodeCard, Nodes};

use crate::{RedisBus, keys};

impl RedisBus {
    async fn cards(&self, node: String, card: String) -> Result<Vec<String>, BusError> {
        let args = vec![node, card, NODE_CARD_LIFE.as_millis().to_string()];
        self.run(keys::CARDS_PARTITION, |scripts| &scripts.node_cards, vec![keys::cards()], args)
            .await
    }
}

#[async_trait]
impl Nodes for RedisBus {
    async fn announce(&self, card: &NodeCard) -> Result<(), BusError> {
        let text =
            serde_json::to_string(card).map_err(|error| BusError::Protocol(format!("a node's card: {error}")))?;
        self.cards(card.id.simple().to_string(), text).await.map(drop)
    }

    async fn nodes(&self) -> Result<Vec<NodeCard>, BusError> {
        let rows = self.cards(String::new(), String::new()).await?;
        // A newer program may say it in another way.
        Ok(rows.iter().filter_map(|row| serde_json::from_str(row).ok()).collect())
    }
}
