//! Who has blocked whom, in MongoDB.

use std::collections::HashSet;

use async_trait::async_trait;
use mongodb::bson::{Uuid, doc};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::Event;
use rookery_protocol::id::{RoomId, RoomRef, UserId};
use rookery_store::limits::STORE_IDS_PER_READ_MAX;
use rookery_store::room::Pair;
use rookery_store::{Announcement, Blocks, Rooms, StoreError};

use super::Mongo;
use super::block_turn::{BlockDocument, BlockTurn, document, of};
use super::transaction::{Change, Turn};
use crate::batch_reads::page_of;
use crate::fields::{key, time, uuid_of};
use crate::inserts::insert_new;

#[async_trait]
impl Blocks for Mongo {
    async fn put(
        &self,
        by: UserId,
        user: UserId,
        at: UnixMillis,
        event: &Event,
    ) -> Result<Option<Announcement>, StoreError> {
        if let Some(change) = self.block_change(BlockTurn { by, user, since: Some(at) }, event).await? {
            return Ok(self.change(change).await?);
        }
        let (blocks, document) = (self.blocks.clone(), document(by, user, at));
        self.calls.run(async move { Ok(insert_new(&blocks, &document).await.map(drop)?) }).await?;
        // Somebody may have made the room meanwhile, and whoever asked before may have been told otherwise.
        self.announce_block(by, user, event).await
    }

    async fn remove(&self, by: UserId, user: UserId, event: &Event) -> Result<Option<Announcement>, StoreError> {
        if let Some(change) = self.block_change(BlockTurn { by, user, since: None }, event).await? {
            return Ok(self.change(change).await?);
        }
        let (blocks, filter) = (self.blocks.clone(), of(by, user));
        self.calls.run(async move { Ok(blocks.delete_one(filter).await.map(drop)?) }).await?;
        self.announce_block(by, user, event).await
    }

    async fn of_pairs(&self, pairs: &[Pair]) -> Result<HashSet<Pair>, StoreError> {
        let sides = pairs.iter().flat_map(|pair| {
            let [low, high] = pair.both();
            [of(low, high), of(high, low)]
        });
        let found = self.all_of(&self.blocks, sides.collect()).await?;
        let pair = |block: BlockDocument| {
            let (by, user) = (uuid_of(block.by), uuid_of(block.user_id));
            Pair::new(UserId::from_uuid(by), UserId::from_uuid(user))
        };
        Ok(found.into_iter().filter_map(pair).collect())
    }

    async fn is_blocked(&self, by: UserId, user: UserId) -> Result<bool, StoreError> {
        let (blocks, filter) = (self.blocks.clone(), of(by, user));
        self.calls.run(async move { Ok(blocks.find_one(filter).await?.is_some()) }).await
    }

    async fn between(&self, one: UserId, others: &[UserId]) -> Result<Vec<UserId>, StoreError> {
        let me = key(one.as_uuid());
        let mut filters = Vec::new();
        for others in others.chunks(STORE_IDS_PER_READ_MAX) {
            let others: Vec<Uuid> = others.iter().map(|other| key(other.as_uuid())).collect();
            filters.push(doc! { "by": me, "user_id": { "$in": others.clone() } });
            filters.push(doc! { "user_id": me, "by": { "$in": others } });
        }
        let found = self.all_of(&self.blocks, filters).await?;
        let other = |found: BlockDocument| if found.by == me { found.user_id } else { found.by };
        Ok(found.into_iter().map(|found| UserId::from_uuid(uuid_of(other(found)))).collect())
    }

    async fn page(
        &self,
        by: UserId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<(UserId, UnixMillis)>, StoreError> {
        let after = after.map_or(uuid::Uuid::nil(), UserId::as_uuid);
        let range = doc! { "by": key(by.as_uuid()), "user_id": { "$gt": key(after) } };
        let blocks = self.blocks.clone();
        let found = self
            .calls
            .run(async move { page_of(&blocks, vec![range], doc! { "user_id": 1 }, limit).await });
        let place = |found: BlockDocument| (UserId::from_uuid(uuid_of(found.user_id)), time(found.created_at));
        Ok(found.await?.into_iter().map(place).collect())
    }
}

impl Mongo {
    /// The change of the direct room of the two; none if they have none.
    async fn block_change(&self, block: BlockTurn, event: &Event) -> Result<Option<Change>, StoreError> {
        let room = RoomId::of_pair(block.by, block.user);
        let found = Rooms::find(self, &RoomRef::Id(room)).await?;
        Ok(found.map(|_| Change { room, turn: Turn::Block(block), event: event.clone(), is_ranked: false }))
    }

    /// The room's next version, if there is a room by now.
    async fn announce_block(
        &self,
        by: UserId,
        user: UserId,
        event: &Event,
    ) -> Result<Option<Announcement>, StoreError> {
        let room = RoomId::of_pair(by, user);
        if Rooms::find(self, &RoomRef::Id(room)).await?.is_none() {
            return Ok(None);
        }
        Ok(self
            .change(Change { room, turn: Turn::Settle, event: event.clone(), is_ranked: false })
            .await?)
    }
}
