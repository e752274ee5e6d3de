//! Rooms in MongoDB.

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use mongodb::bson::{Bson, doc};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::Event;
use rookery_protocol::id::{AclVersion, RoomId, RoomRef};
use rookery_store::limits::STORE_IDS_PER_READ_MAX;
use rookery_store::room::{Room, SettingsChange};
use rookery_store::{Announcement, Rooms, StoreError, integer};

use super::documents::RoomDocument;
use super::transaction::{Change, Turn};
use super::{Mongo, by_id};
use crate::batch_reads::page_of;
use crate::fields::key;

#[async_trait]
impl Rooms for Mongo {
    async fn insert(&self, room: &Room) -> Result<(), StoreError> {
        let (rooms, room) = (self.rooms.clone(), RoomDocument::try_from(room)?);
        self.calls.run(async move { Ok(rooms.insert_one(room).await.map(drop)?) }).await
    }

    async fn find(&self, room: &RoomRef) -> Result<Option<Room>, StoreError> {
        let filter = match room {
            RoomRef::Id(id) => by_id(key(id.as_uuid())),
            RoomRef::Slug(slug) => doc! { "slug": slug.as_str() },
        };
        let rooms = self.rooms.clone();
        let found = self.calls.run(async move { Ok(rooms.find_one(filter).await?) }).await?;
        found.map(Room::try_from).transpose()
    }

    async fn public(&self, after: Option<RoomId>, limit: usize) -> Result<Vec<Room>, StoreError> {
        // To the database, no rows at all means no limit.
        if limit == 0 {
            return Ok(Vec::new());
        }
        let mut filter = doc! { "visibility": "public" };
        if let Some(id) = after {
            filter.insert("_id", doc! { "$gt": key(id.as_uuid()) });
        }
        let rooms = self.rooms.clone();
        let found = self.calls.run(async move {
            let page = rooms.find(filter).sort(doc! { "_id": 1 }).limit(integer::limit(limit));
            Ok(page.await?.try_collect::<Vec<_>>().await?)
        });
        found.await?.into_iter().map(Room::try_from).collect()
    }

    async fn by_ids(&self, ids: &[RoomId]) -> Result<Vec<Room>, StoreError> {
        let ids: Vec<Bson> = ids.iter().map(|id| key(id.as_uuid()).into()).collect();
        let filters = ids.chunks(STORE_IDS_PER_READ_MAX).map(|ids| doc! { "_id": { "$in": ids } });
        let found = self.all_of(&self.rooms, filters.collect()).await?;
        found.into_iter().map(Room::try_from).collect()
    }

    /// The place of the last announcement is at least the time of the change.
    async fn raised_since(&self, at: UnixMillis, limit: usize) -> Result<Vec<(RoomId, AclVersion)>, StoreError> {
        let (rooms, ranges) = (self.rooms.clone(), vec![doc! { "announced": { "$gte": at.0 } }]);
        let found = self
            .calls
            .run(async move { page_of(&rooms, ranges, doc! { "announced": 1 }, limit).await });
        let rooms = found.await?.into_iter().map(|room| Room::try_from(room).map(|room| (room.id, room.acl)));
        rooms.collect()
    }

    async fn apply_settings(
        &self,
        room: RoomId,
        change: SettingsChange,
        event: &Event,
    ) -> Result<Option<Announcement>, StoreError> {
        Ok(self.change(Change { room, turn: Turn::Settings(change), event: event.clone() }).await?)
    }
}
