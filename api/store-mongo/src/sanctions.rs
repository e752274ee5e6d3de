//! Sanctions in MongoDB. Changes are transactions, see [`super::transaction`].

use std::collections::HashMap;

use async_trait::async_trait;
use rookery_protocol::event::Event;
use rookery_protocol::id::{RoomId, UserId};
use rookery_store::sanction::{Sanction, SanctionAction};
use rookery_store::{Announcement, Sanctions, StoreError};

use super::Mongo;
use super::transaction::{Change, Turn};
use crate::batch_reads::sanctions_at;
use crate::documents::one;

#[async_trait]
impl Sanctions for Mongo {
    async fn get(&self, room: RoomId, user: UserId) -> Result<Sanction, StoreError> {
        let (sanctions, filter) = (self.sanctions.clone(), one(room, user));
        let found = self.calls.run(async move { Ok(sanctions.find_one(filter).await?) }).await?;
        Ok(found.map(Sanction::from).unwrap_or_default())
    }

    async fn among(&self, places: &[(RoomId, UserId)]) -> Result<HashMap<(RoomId, UserId), Sanction>, StoreError> {
        let found = self.all_of(&self.sanctions, sanctions_at(places)).await?;
        Ok(found.into_iter().map(|document| (document.place(), Sanction::from(document))).collect())
    }

    async fn apply(
        &self,
        room: RoomId,
        user: UserId,
        action: SanctionAction,
        event: &Event,
    ) -> Result<Option<Announcement>, StoreError> {
        Ok(self
            .change(Change { room, turn: Turn::Sanction(user, action), event: event.clone() })
            .await?)
    }
}
