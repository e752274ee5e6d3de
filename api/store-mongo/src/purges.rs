//! Purges of what somebody has said in a room, in MongoDB.

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use futures_util::stream::{self, StreamExt as _};
use mongodb::bson::{Document, Uuid, doc};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::Event;
use rookery_protocol::id::{MessageId, RoomId};
use rookery_store::limits::STORE_READS_AT_ONCE;
use rookery_store::purge::Purge;
use rookery_store::{Announcement, Purges, StoreError};

use super::message_changes::MessageChanges;
use super::purge_document::PurgeDocument;
use super::threads::Counting;
use super::transaction::{Change, Turn};
use super::{Mongo, by_id};
use crate::batch_reads::page_of;
use crate::error::Failed;
use crate::fields::{date, key};
use crate::limits::STORE_CALL_LIFE;

/// Purges that hide something in one room at the same time; a purge is done within moments.
const PURGES_OF_ROOM_MAX: usize = 1_000;

#[async_trait]
impl Purges for Mongo {
    async fn begin(&self, purge: &Purge, event: &Event) -> Result<Option<Announcement>, StoreError> {
        let turn = Turn::Purge(PurgeDocument::from(purge));
        match self
            .change(Change { room: purge.room, turn, event: event.clone(), is_ranked: false })
            .await
        {
            Err(Failed(StoreError::Closed | StoreError::Inconsistent(_))) => Ok(None),
            begun => Ok(begun?),
        }
    }

    async fn by_id(&self, id: uuid::Uuid) -> Result<Option<Purge>, StoreError> {
        let (all, filter) = (self.purges.clone(), by_id(key(id)));
        let found = self.calls.run(async move { Ok(all.find_one(filter).await?) }).await?;
        Ok(found.map(Purge::from))
    }

    async fn hiding(&self, rooms: &[RoomId], at: UnixMillis) -> Result<Vec<Purge>, StoreError> {
        let purges = self.purges.clone();
        let ranges: Vec<Document> = rooms
            .iter()
            .map(|room| doc! { "room_id": key(room.as_uuid()), "hides_until": { "$gt": date(at) } })
            .collect();
        let found = self.calls.run(async move {
            let of_room = |range| {
                let purges = purges.clone();
                async move {
                    page_of(&purges, vec![range], doc! { "room_id": 1, "hides_until": 1 }, PURGES_OF_ROOM_MAX).await
                }
            };
            let found = stream::iter(ranges).map(of_room).buffer_unordered(STORE_READS_AT_ONCE);
            found.try_collect::<Vec<Vec<PurgeDocument>>>().await
        });
        Ok(found.await?.into_iter().flatten().map(Purge::from).collect())
    }

    async fn open(&self, limit: usize) -> Result<Vec<uuid::Uuid>, StoreError> {
        let (purges, open) = (self.purges.clone(), vec![doc! { "hides_until": date(Purge::OPEN) }]);
        let found = self
            .calls
            .run(async move { page_of(&purges, open, doc! { "hides_until": 1 }, limit).await });
        Ok(found.await?.into_iter().map(|found| Purge::from(found).id).collect())
    }

    async fn finish(&self, id: uuid::Uuid, hides_until: UnixMillis) -> Result<(), StoreError> {
        let (all, set) = (self.purges.clone(), doc! { "$set": { "hides_until": date(hides_until) } });
        self.calls
            .run(async move { Ok(all.update_one(by_id(key(id)), set).await.map(drop)?) })
            .await
    }

    async fn discard(&self, messages: &[MessageId]) -> Result<(), StoreError> {
        let ids: Vec<Uuid> = messages.iter().map(|id| key(id.as_uuid())).collect();
        let (changes, counting) = (MessageChanges::new(self), Counting::new(self));
        Ok(self
            .calls
            .run_long(STORE_CALL_LIFE, async move {
                changes.discard(&ids).await?;
                counting.uncount(&ids).await
            })
            .await?)
    }

    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError> {
        self.purge_ended(&self.purges, "hides_until", before, limit).await
    }
}
