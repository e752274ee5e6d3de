//! Sanctions in MongoDB. Changes are transactions, see [`super::transaction`].

use std::collections::HashMap;

use async_trait::async_trait;
use mongodb::bson::doc;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{RoomId, UserId};
use rookery_store::sanction::{Sanction, SanctionAction};
use rookery_store::{Announcement, Cause, Sanctions, StoreError};

use super::Mongo;
use super::transaction::{Change, Turn};
use crate::batch_reads::{page_of, sanctions_at};
use crate::documents::{SanctionDocument, one};
use crate::fields::key;

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
        cause: Cause<'_>,
    ) -> Result<Option<Announcement>, StoreError> {
        let (event, is_ranked) = (cause.event().clone(), cause.is_ranked());
        Ok(self.change(Change { room, turn: Turn::Sanction(user, action), event, is_ranked }).await?)
    }

    async fn over(&self, at: UnixMillis, limit: usize) -> Result<Vec<(RoomId, UserId, Sanction)>, StoreError> {
        let mut all = Vec::new();
        for field in ["muted_until", "banned_until"] {
            let (sanctions, range) = (self.sanctions.clone(), doc! { field: { "$lte": at.0 } });
            let found = self
                .calls
                .run(async move { page_of(&sanctions, vec![range], doc! { field: 1 }, limit).await });
            all.extend(found.await?);
        }
        let over = |row: SanctionDocument| {
            let (room, user) = row.place();
            (room, user, Sanction::from(row))
        };
        Ok(all.into_iter().map(over).collect())
    }

    async fn of_room(
        &self,
        room: RoomId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<(UserId, Sanction)>, StoreError> {
        let mut range = doc! { "room_id": key(room.as_uuid()) };
        if let Some(after) = after {
            range.insert("user_id", doc! { "$gt": key(after.as_uuid()) });
        }
        let (sanctions, order) = (self.sanctions.clone(), doc! { "room_id": 1, "user_id": 1 });
        let found = self.calls.run(async move { page_of(&sanctions, vec![range], order, limit).await });
        Ok(found.await?.into_iter().map(|row| (row.user(), Sanction::from(row))).collect())
    }

    async fn against(&self, user: UserId, limit: usize) -> Result<Vec<(RoomId, Sanction)>, StoreError> {
        let (sanctions, range) = (self.sanctions.clone(), doc! { "user_id": key(user.as_uuid()) });
        let order = doc! { "user_id": 1 };
        let found = self.calls.run(async move { page_of(&sanctions, vec![range], order, limit).await });
        Ok(found.await?.into_iter().map(|row| (row.place().0, Sanction::from(row))).collect())
    }
}
