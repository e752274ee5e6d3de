//! Which kinds of events may be written: those that every living process knows. A process of an older release could
//! neither deliver nor store another one.
//!
//! Processes say what they know on their cards ([`rookery_bus::node`]). What was read there is believed for a few seconds; a
//! process that starts later than that is of the release that the others are of, or is told to wait by whoever upgrades.

use std::sync::Arc;

use parking_lot::Mutex;
use rookery_bus::error::BusError;
use rookery_bus::node::{NodeCard, Nodes};
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::{EVENT_GENERATION, EventBody};
use tokio::time::Instant;

use crate::error::{ApiError, Refusal};
use crate::limits::EVENT_GENERATIONS_BELIEVED;

/// Knows which kinds of events may be written. Cheap to clone.
#[derive(Clone)]
pub struct EventGenerations(Arc<Inner>);

struct Inner {
    nodes: Arc<dyn Nodes>,
    /// When it was read, and what all processes knew then.
    read: Mutex<Option<(Instant, u32)>>,
}

impl EventGenerations {
    /// Reads the cards there.
    pub fn new(nodes: Arc<dyn Nodes>) -> Self {
        Self(Arc::new(Inner { nodes, read: Mutex::new(None) }))
    }

    /// Whether events of this kind may be written.
    ///
    /// # Errors
    /// That the bus does not say.
    pub async fn allows(&self, body: &EventBody) -> Result<bool, BusError> {
        let wanted = body.generation();
        let remembered = *self.0.read.lock();
        if let Some((at, known)) = remembered
            && known >= wanted
            && at.elapsed() < EVENT_GENERATIONS_BELIEVED
        {
            return Ok(true);
        }
        let known = known_by_all(&self.0.nodes.nodes().await?);
        *self.0.read.lock() = Some((Instant::now(), known));
        Ok(known >= wanted)
    }

    /// Refuses what would write an event of this kind as long as a process lives that does not know it.
    ///
    /// # Errors
    /// 503 `unavailable`.
    pub async fn require(&self, body: &EventBody) -> Result<(), ApiError> {
        if self.allows(body).await? {
            return Ok(());
        }
        let detail = "Not all nodes of the server have been upgraded yet. Try again when they are.".to_owned();
        let refusal = Refusal { code: ErrorCode::Unavailable, field: None, detail: Some(detail), retry_after_ms: None };
        Err(ApiError::Refused(refusal))
    }
}

/// The newest generation that every process knows. This process is one of them, whether its own card is there yet or not.
fn known_by_all(cards: &[NodeCard]) -> u32 {
    cards.iter().map(|card| card.event_generation).fold(EVENT_GENERATION, u32::min)
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use rookery_bus::node::{NodeHead, NodeKind};
    use rookery_protocol::clock::UnixMillis;
    use rookery_protocol::event::{DeletionReason, MembershipChange, RoomChange, generation};
    use uuid::Uuid;

    use super::*;

    #[derive(Default)]
    struct Cards(Mutex<Vec<NodeCard>>);

    #[async_trait]
    impl Nodes for Cards {
        async fn announce(&self, card: &NodeCard) -> Result<(), BusError> {
            self.0.lock().push(card.clone());
            Ok(())
        }

        async fn nodes(&self) -> Result<Vec<NodeCard>, BusError> {
            Ok(self.0.lock().clone())
        }

        async fn answer_head(&self, _ask: Uuid, _head: NodeHead) -> Result<(), BusError> {
            Ok(())
        }

        async fn answered_heads(&self, _ask: Uuid) -> Result<Vec<NodeHead>, BusError> {
            Ok(Vec::new())
        }
    }

    /// A card as a release wrote it that had no generations.
    fn old() -> NodeCard {
        let text = format!(
            r#"{{"id":"{}","kind":"gateway","host":"h","version":"0.1.0","started_at":"2026-03-12T10:00:00.000Z","connections":0,"rooms":0,"lag_ms":null,"draining":false}}"#,
            Uuid::new_v4()
        );
        serde_json::from_str(&text).unwrap()
    }

    fn new() -> NodeCard {
        NodeCard {
            event_generation: EVENT_GENERATION,
            kind: NodeKind::Api,
            started_at: UnixMillis(7),
            ..old()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn new_kinds_wait_for_the_last_old_node() {
        let cards = Arc::new(Cards::default());
        let generations = EventGenerations::new(cards.clone());
        let deleted = EventBody::Room(RoomChange::Deleted { reason: DeletionReason::Deleted });
        let left = EventBody::Membership(MembershipChange::Left {});
        cards.announce(&old()).await.unwrap();
        cards.announce(&new()).await.unwrap();
        assert_eq!(old().event_generation, generation::FIRST);
        generations.require(&left).await.unwrap();
        let refused = generations.require(&deleted).await.unwrap_err();
        assert_eq!(refused.code(), ErrorCode::Unavailable);
        cards.0.lock().remove(0);
        generations.require(&deleted).await.unwrap();
        // What was read is believed for a while.
        cards.announce(&old()).await.unwrap();
        generations.require(&deleted).await.unwrap();
        tokio::time::advance(EVENT_GENERATIONS_BELIEVED).await;
        assert_eq!(generations.allows(&deleted).await, Ok(false));
    }
}
