//! Announcements in MongoDB, in the order in which they were made: exact within a room, by the clocks across rooms.

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use mongodb::bson::{Document, doc};
use rookery_protocol::id::{AclVersion, MessageId, RoomId};
use rookery_store::{Announcement, Outbox, StoreError, integer};

use super::documents::OutboxDocument;
use super::{Mongo, by_id};
use crate::error::Failed;
use crate::fields::{key, uuid_of};

#[async_trait]
impl Outbox for Mongo {
    async fn pending(&self, limit: usize) -> Result<Vec<Announcement>, StoreError> {
        // Every order is above zero: the condition only says that the rows are read along the index.
        self.oldest(doc! { "order": { "$gt": 0_i64 } }, doc! { "order": 1, "_id": 1 }, limit)
            .await
    }

    async fn pending_in(&self, room: RoomId, limit: usize) -> Result<Vec<Announcement>, StoreError> {
        self.oldest(doc! { "room_id": key(room.as_uuid()) }, doc! { "room_id": 1, "order": 1 }, limit)
            .await
    }

    async fn done(&self, event: MessageId) -> Result<(), StoreError> {
        let (outbox, filter) = (self.outbox.clone(), by_id(key(event.as_uuid())));
        self.calls.run(async move { Ok(outbox.delete_one(filter).await.map(drop)?) }).await
    }
}

impl Mongo {
    async fn oldest(&self, filter: Document, order: Document, limit: usize) -> Result<Vec<Announcement>, StoreError> {
        // To the database, no rows at all means no limit.
        if limit == 0 {
            return Ok(Vec::new());
        }
        let outbox = self.outbox.clone();
        let found = self.calls.run(async move {
            let oldest = outbox.find(filter).sort(order);
            Ok(oldest.limit(integer::limit(limit)).await?.try_collect::<Vec<_>>().await?)
        });
        Ok(found.await?.into_iter().map(announcement).collect::<Result<_, _>>()?)
    }
}

fn announcement(document: OutboxDocument) -> Result<Announcement, Failed> {
    Ok(Announcement {
        room: RoomId::from_uuid(uuid_of(document.room_id)),
        acl: AclVersion(integer::read(document.acl)?),
        event: document.event.into_event(document.id)?,
    })
}
