//! Word filters of rooms, in MongoDB.

use async_trait::async_trait;
use mongodb::bson::{Uuid, doc};
use mongodb::options::ReturnDocument;
use rookery_protocol::filter::FilterRules;
use rookery_protocol::id::RoomId;
use rookery_store::{RoomFilters, StoreError, filter_rules, integer};
use serde::{Deserialize, Serialize};

use super::{Mongo, by_id};
use crate::fields::key;

/// The word filter of a room.
#[derive(Serialize, Deserialize)]
pub(super) struct RoomFilterDocument {
    #[serde(rename = "_id")]
    room: Uuid,
    version: i64,
    /// JSON.
    rules: String,
}

#[async_trait]
impl RoomFilters for Mongo {
    async fn get(&self, room: RoomId) -> Result<Option<(u64, FilterRules)>, StoreError> {
        let (filters, room) = (self.room_filters.clone(), by_id(key(room.as_uuid())));
        let found = self.calls.run(async move { Ok(filters.find_one(room).await?) }).await?;
        let read = |found: RoomFilterDocument| Ok((integer::read(found.version)?, filter_rules(&found.rules)?));
        found.map(read).transpose()
    }

    async fn replace(&self, room: RoomId, rules: &FilterRules) -> Result<u64, StoreError> {
        let (filters, rules) = (self.room_filters.clone(), rules.to_json());
        let change = doc! { "$set": { "rules": rules }, "$inc": { "version": 1_i64 } };
        let replaced = self.calls.run(async move {
            let replacing = filters.find_one_and_update(by_id(key(room.as_uuid())), change);
            Ok(replacing.upsert(true).return_document(ReturnDocument::After).await?)
        });
        let replaced = replaced.await?;
        let filter = replaced.ok_or_else(|| StoreError::Inconsistent("a filter without a version".to_owned()))?;
        integer::read(filter.version)
    }

    async fn remove(&self, room: RoomId) -> Result<(), StoreError> {
        let (filters, room) = (self.room_filters.clone(), by_id(key(room.as_uuid())));
        self.calls.run(async move { Ok(filters.delete_one(room).await.map(drop)?) }).await
    }
}
