//! Announcements in MongoDB, in the order in which they were made: exact within a room, by the clocks across rooms.

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use mongodb::bson::doc;
use rookery_protocol::id::{AclVersion, MessageId, RoomId};
use rookery_store::{Announcement, Outbox, StoreError, integer};

use super::documents::OutboxDocument;
use super::{Mongo, by_id};
use crate::error::Failed;
use crate::fields::{key, uuid_of};

#[async_trait]
impl Outbox for Mongo {
    async fn pending(&self, limit: usize) -> Result<Vec<Announcement>, StoreError> {
        // To the database, no rows at all means no limit.
        if limit == 0 {
            return Ok(Vec::new());
        }
        let outbox = self.outbox.clone();
        let found = self.calls.run(async move {
            // Every order is above zero: the condition only says that the rows are read along the index.
            let oldest = outbox.find(doc! { "order": { "$gt": 0_i64 } }).sort(doc! { "order": 1, "_id": 1 });
            Ok(oldest.limit(integer::limit(limit)).await?.try_collect::<Vec<_>>().await?)
        });
        Ok(found.await?.into_iter().map(announcement).collect::<Result<_, _>>()?)
    }

    async fn done(&self, event: MessageId) -> Result<(), StoreError> {
        let (outbox, filter) = (self.outbox.clone(), by_id(key(event.as_uuid())));
        self.calls.run(async move { Ok(outbox.delete_one(filter).await.map(drop)?) }).await
    }
}

fn announcement(document: OutboxDocument) -> Result<Announcement, Failed> {
    Ok(Announcement {
        room: RoomId::from_uuid(uuid_of(document.room_id)),
        acl: AclVersion(integer::read(document.acl)?),
        event: document.event.into_event(document.id)?,
    })
}
