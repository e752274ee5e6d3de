//! Rooms in MongoDB.

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use mongodb::bson::{Bson, doc};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::Event;
use rookery_protocol::id::{AclVersion, RoomId, RoomRef, Slug, UserId};
use rookery_store::limits::STORE_IDS_PER_READ_MAX;
use rookery_store::room::{Closing, Member, Room, SettingsChange, Tombstone};
use rookery_store::{Announcement, Rooms, StoreError, integer};

use super::documents::{MemberDocument, RoomDocument};
use super::transaction::{Change, Turn};
use super::{Mongo, by_id};
use crate::batch_reads::page_of;
use crate::error::Failed;
use crate::fields::{date, key};

#[async_trait]
impl Rooms for Mongo {
    async fn insert(&self, room: &Room) -> Result<(), StoreError> {
        let (rooms, room) = (self.rooms.clone(), RoomDocument::try_from(room)?);
        self.calls.run(async move { Ok(rooms.insert_one(room).await.map(drop)?) }).await
    }

    async fn insert_with(&self, room: &Room, members: &[Member]) -> Result<(), StoreError> {
        let (room, members) = (RoomDocument::try_from(room)?, members.iter().map(MemberDocument::from).collect());
        Ok(self.found(room, members).await?)
    }

    async fn find(&self, room: &RoomRef) -> Result<Option<Room>, StoreError> {
        let filter = match room {
            RoomRef::Id(id) => by_id(key(id.as_uuid())),
            RoomRef::Slug(slug) => doc! { "slug": slug.as_str() },
        };
        let rooms = self.rooms.clone();
        let found = self.calls.run(async move { Ok(rooms.find_one(filter).await?) }).await?;
        found.filter(|room| room.closed_at.is_none()).map(Room::try_from).transpose()
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

    /// Ended rooms are among those that are read: a condition on them beside the range of ids would be planned as a scan.
    async fn all(&self, after: Option<RoomId>, limit: usize) -> Result<Vec<Room>, StoreError> {
        let (rooms, mut after) = (self.rooms.clone(), key(after.map_or(uuid::Uuid::nil(), RoomId::as_uuid)));
        let mut open: Vec<RoomDocument> = Vec::new();
        while open.len() < limit {
            let (reads, ranges) = (rooms.clone(), vec![doc! { "_id": { "$gt": after } }]);
            let page = self.calls.run(async move { page_of(&reads, ranges, doc! { "_id": 1 }, limit).await });
            let page: Vec<RoomDocument> = page.await?;
            let is_last = page.len() < limit;
            after = page.last().map_or(after, |last| last.id);
            open.extend(page.into_iter().filter(|room| room.closed_at.is_none()));
            if is_last {
                break;
            }
        }
        open.truncate(limit);
        open.into_iter().map(Room::try_from).collect()
    }

    async fn by_ids(&self, ids: &[RoomId]) -> Result<Vec<Room>, StoreError> {
        let ids: Vec<Bson> = ids.iter().map(|id| key(id.as_uuid()).into()).collect();
        let filters = ids.chunks(STORE_IDS_PER_READ_MAX).map(|ids| doc! { "_id": { "$in": ids } });
        let found = self.all_of(&self.rooms, filters.collect()).await?;
        found.into_iter().filter(|room| room.closed_at.is_none()).map(Room::try_from).collect()
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
        change: &SettingsChange,
        event: &Event,
    ) -> Result<Option<Announcement>, StoreError> {
        let turn = Turn::Settings(Box::new(change.clone()));
        Ok(self.change(Change { room, turn, event: event.clone(), is_ranked: false }).await?)
    }

    async fn close(&self, room: RoomId, closing: Closing, event: &Event) -> Result<Option<Announcement>, StoreError> {
        let change = Change { room, turn: Turn::Close(closing), event: event.clone(), is_ranked: true };
        match self.change(change).await {
            Err(Failed(StoreError::Inconsistent(_) | StoreError::Closed)) => Ok(None),
            closed => Ok(closed?),
        }
    }

    async fn tombstone(&self, room: RoomId) -> Result<Option<Tombstone>, StoreError> {
        let (rooms, filter) = (self.rooms.clone(), by_id(key(room.as_uuid())));
        let found = self.calls.run(async move { Ok(rooms.find_one(filter).await?) }).await?;
        found.map_or(Ok(None), RoomDocument::tombstone)
    }

    async fn ended(&self, slug: &Slug, by: UserId) -> Result<Option<Tombstone>, StoreError> {
        let rooms = self.rooms.clone();
        let own = vec![doc! { "closed_slug": slug.as_str(), "closed_by": key(by.as_uuid()) }];
        let order = doc! { "closed_slug": -1, "closed_by": -1, "closed_at": -1 };
        let found = self.calls.run(async move { page_of(&rooms, own, order, 1).await }).await?;
        found.into_iter().next().map_or(Ok(None), RoomDocument::tombstone)
    }

    async fn expired(&self, at: UnixMillis, limit: usize) -> Result<Vec<Room>, StoreError> {
        let (rooms, ranges) = (self.rooms.clone(), vec![doc! { "expires_at": { "$lte": date(at) } }]);
        let found = self
            .calls
            .run(async move { page_of(&rooms, ranges, doc! { "expires_at": 1 }, limit).await });
        found.await?.into_iter().map(Room::try_from).collect()
    }
}
