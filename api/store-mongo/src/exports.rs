//! Copies of what is kept about people, in MongoDB: a document, and one for each piece.

use async_trait::async_trait;
use mongodb::bson::{Binary, DateTime, Document, Uuid, doc};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{RoomId, UserId};
use rookery_store::export::Export;
use rookery_store::{Exports, StoreError, integer};
use serde::{Deserialize, Serialize};

use super::{Mongo, by_id};
use crate::batch_reads::page_of;
use crate::fields::{binary, date, key, number, time, uuid_of};

/// Copies that are looked up to be erased at a time.
const ERASED_AT_ONCE: usize = 100;

/// A copy.
#[derive(Serialize, Deserialize)]
pub(super) struct ExportDocument {
    #[serde(rename = "_id")]
    id: Uuid,
    /// Id of the user that it is about, or of the room that it is of.
    user_id: Uuid,
    by: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    room_id: Option<Uuid>,
    created_at: DateTime,
    expires_at: DateTime,
    pieces: Option<i64>,
    bytes: i64,
}

/// A piece of a copy.
#[derive(Serialize, Deserialize)]
pub(super) struct PieceDocument {
    export_id: Uuid,
    number: i64,
    bytes: Binary,
}

#[async_trait]
impl Exports for Mongo {
    async fn insert(&self, export: &Export) -> Result<(), StoreError> {
        let (user, by) = (subject(export.user, export.room), key(export.by.as_uuid()));
        let room_id = export.room.map(|room| key(room.as_uuid()));
        self.erase_exports(doc! { "user_id": user, "by": by }).await?;
        let document = ExportDocument {
            id: key(export.id),
            user_id: user,
            by,
            room_id,
            created_at: date(export.created_at),
            expires_at: date(export.expires_at),
            pieces: export.pieces.map(i64::from),
            bytes: integer::bound(export.bytes),
        };
        let exports = self.exports.clone();
        self.calls.run(async move { Ok(exports.insert_one(document).await.map(drop)?) }).await
    }

    async fn by_id(&self, id: uuid::Uuid) -> Result<Option<Export>, StoreError> {
        let (exports, filter) = (self.exports.clone(), by_id(key(id)));
        let found = self.calls.run(async move { Ok(exports.find_one(filter).await?) }).await?;
        Ok(found.map(Export::from))
    }

    async fn newest(&self, user: UserId, by: UserId, room: Option<RoomId>) -> Result<Option<Export>, StoreError> {
        let filter = doc! { "user_id": subject(user, room), "by": key(by.as_uuid()) };
        let exports = self.exports.clone();
        let order = doc! { "user_id": -1, "by": -1, "_id": -1 };
        let found = self.calls.run(async move { page_of(&exports, vec![filter], order, 1).await }).await?;
        Ok(found.into_iter().next().map(Export::from))
    }

    async fn put_piece(&self, id: uuid::Uuid, number: u32, bytes: &[u8]) -> Result<(), StoreError> {
        if Exports::by_id(self, id).await?.is_none() {
            return Ok(());
        }
        let piece = PieceDocument { export_id: key(id), number: i64::from(number), bytes: binary(bytes) };
        let (pieces, filter) = (self.export_pieces.clone(), piece_at(id, number));
        self.calls
            .run(async move { Ok(pieces.replace_one(filter, piece).upsert(true).await.map(drop)?) })
            .await
    }

    async fn piece(&self, id: uuid::Uuid, number: u32) -> Result<Option<Vec<u8>>, StoreError> {
        let (pieces, filter) = (self.export_pieces.clone(), piece_at(id, number));
        let found = self.calls.run(async move { Ok(pieces.find_one(filter).await?) }).await?;
        Ok(found.map(|piece| piece.bytes.bytes))
    }

    async fn complete(
        &self,
        id: uuid::Uuid,
        pieces: u32,
        bytes: u64,
        expires_at: UnixMillis,
    ) -> Result<bool, StoreError> {
        let set = doc! { "$set": {
            "pieces": i64::from(pieces), "bytes": integer::bound(bytes), "expires_at": date(expires_at),
        } };
        let (exports, filter) = (self.exports.clone(), by_id(key(id)));
        self.calls
            .run(async move { Ok(exports.update_one(filter, set).await?.matched_count == 1) })
            .await
    }

    async fn erase_about(&self, user: UserId) -> Result<u64, StoreError> {
        self.erase_exports(doc! { "user_id": key(user.as_uuid()) }).await
    }

    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError> {
        let (exports, ended) = (self.exports.clone(), vec![doc! { "expires_at": { "$lt": date(before) } }]);
        let found = self
            .calls
            .run(async move { page_of(&exports, ended, doc! { "expires_at": 1 }, limit).await })
            .await?;
        for ended in &found {
            self.erase_export(ended.id).await?;
        }
        Ok(found.len())
    }
}

impl Mongo {
    async fn erase_exports(&self, which: Document) -> Result<u64, StoreError> {
        let mut erased = 0;
        loop {
            let (exports, which) = (self.exports.clone(), which.clone());
            let order = doc! { "user_id": 1, "by": 1, "_id": 1 };
            let found = self
                .calls
                .run(async move { page_of(&exports, vec![which], order, ERASED_AT_ONCE).await })
                .await?;
            for export in &found {
                self.erase_export(export.id).await?;
                erased += 1;
            }
            if found.len() < ERASED_AT_ONCE {
                return Ok(erased);
            }
        }
    }

    /// The pieces first: none is left without the copy that names it.
    async fn erase_export(&self, id: Uuid) -> Result<(), StoreError> {
        let (exports, pieces) = (self.exports.clone(), self.export_pieces.clone());
        self.calls
            .run(async move {
                pieces.delete_many(doc! { "export_id": id }).await?;
                exports.delete_one(by_id(id)).await?;
                // One that was put in between has nobody who would remove it.
                Ok(pieces.delete_many(doc! { "export_id": id }).await.map(drop)?)
            })
            .await
    }
}

fn piece_at(id: uuid::Uuid, number: u32) -> Document {
    doc! { "export_id": key(id), "number": i64::from(number) }
}

/// What a copy is of: a room, or what is kept about a user. No two ids are the same.
fn subject(user: UserId, room: Option<RoomId>) -> Uuid {
    room.map_or_else(|| key(user.as_uuid()), |room| key(room.as_uuid()))
}

impl From<ExportDocument> for Export {
    fn from(found: ExportDocument) -> Self {
        Self {
            id: uuid_of(found.id),
            // That of a room is asked for by whom it is of.
            user: UserId::from_uuid(uuid_of(if found.room_id.is_some() { found.by } else { found.user_id })),
            by: UserId::from_uuid(uuid_of(found.by)),
            room: found.room_id.map(|room| RoomId::from_uuid(uuid_of(room))),
            created_at: time(found.created_at),
            expires_at: time(found.expires_at),
            pieces: found.pieces.map(|pieces| u32::try_from(pieces).unwrap_or(u32::MAX)),
            bytes: number(found.bytes),
        }
    }
}
