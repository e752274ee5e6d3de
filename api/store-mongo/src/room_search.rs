//! What public rooms are found by, in MongoDB: one document a room.

use async_trait::async_trait;
use mongodb::bson::{Document, Uuid, doc};
use mongodb::options::Hint;
use rookery_protocol::id::RoomId;
use rookery_store::room_search::{RoomEntry, RoomRank, RoomSearch};
use rookery_store::{StoreError, integer};
use serde::{Deserialize, Serialize};

use super::{Mongo, by_id};
use crate::batch_reads::page_by;
use crate::fields::{key, number, uuid_of};

/// An entry. `place` is where the room stands, as a text that sorts like it.
#[derive(Serialize, Deserialize)]
pub(super) struct RoomEntryDocument {
    #[serde(rename = "_id")]
    room: Uuid,
    members: i64,
    place: String,
    prefixes: Vec<String>,
}

#[async_trait]
impl RoomSearch for Mongo {
    async fn put(&self, entry: &RoomEntry) -> Result<(), StoreError> {
        let RoomRank { members, room } = entry.place;
        let document = RoomEntryDocument {
            room: key(room.as_uuid()),
            members: integer::bound(members),
            place: place_text(entry.place),
            prefixes: entry.prefixes.iter().cloned().collect(),
        };
        let (all, filter) = (self.room_index.clone(), by_id(key(room.as_uuid())));
        self.calls
            .run(async move { Ok(all.replace_one(filter, document).upsert(true).await.map(drop)?) })
            .await
    }

    async fn remove(&self, room: RoomId) -> Result<(), StoreError> {
        let (all, filter) = (self.room_index.clone(), by_id(key(room.as_uuid())));
        self.calls.run(async move { Ok(all.delete_one(filter).await.map(drop)?) }).await
    }

    async fn search(
        &self,
        words: &[String],
        after: Option<RoomRank>,
        limit: usize,
    ) -> Result<Vec<RoomRank>, StoreError> {
        let first = words.first().cloned().unwrap_or_default();
        let mut filter = doc! { "prefixes": first };
        if let Some(after) = after {
            filter.insert("place", doc! { "$lt": place_text(after) });
        }
        if words.len() > 1 {
            let others: Vec<Document> = words[1..].iter().map(|word| doc! { "prefixes": word.as_str() }).collect();
            filter.insert("$and", others);
        }
        let all = self.room_index.clone();
        // The first word is found in the index; a planner may not see that the others are no reason against it.
        let index = Hint::Name("room_index_prefixes".to_owned());
        let order = (doc! { "place": -1 }, Some(index));
        let found = self.calls.run(async move { page_by(&all, vec![filter], order, limit).await });
        let rank = |found: RoomEntryDocument| RoomRank {
            members: number(found.members),
            room: RoomId::from_uuid(uuid_of(found.room)),
        };
        Ok(found.await?.into_iter().map(rank).collect())
    }
}

fn place_text(place: RoomRank) -> String {
    format!("{:020} {}", place.members, place.room.as_uuid().simple())
}
