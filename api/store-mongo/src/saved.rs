//! Saved messages in MongoDB.

use async_trait::async_trait;
use mongodb::bson::{DateTime, Document, Uuid, doc};
use rookery_protocol::id::{MessageId, RoomId, UserId};
use rookery_store::StoreError;
use rookery_store::saved::{Saved, SavedMessage, SavedPlace};
use serde::{Deserialize, Serialize};

use super::Mongo;
use crate::batch_reads::page_of;
use crate::fields::{date, key, time, uuid_of};
use crate::inserts::insert_new;

/// A message that a user has saved; its id is made of both.
#[derive(Serialize, Deserialize)]
pub(super) struct SavedDocument {
    #[serde(rename = "_id")]
    id: String,
    user_id: Uuid,
    message_id: Uuid,
    room_id: Uuid,
    saved_at: DateTime,
}

#[async_trait]
impl Saved for Mongo {
    /// Whoever is one too many goes again: of many at once some may be refused that would have had room, but there are never
    /// more than `most`.
    async fn put(&self, user: UserId, saved: &SavedMessage, most: usize) -> Result<bool, StoreError> {
        let document = SavedDocument {
            id: id(user, saved.message),
            user_id: key(user.as_uuid()),
            message_id: key(saved.message.as_uuid()),
            room_id: key(saved.room.as_uuid()),
            saved_at: date(saved.at),
        };
        let (all, most) = (self.saved.clone(), u64::try_from(most).unwrap_or(u64::MAX));
        self.calls
            .run(async move {
                if !insert_new(&all, &document).await? {
                    return Ok(true);
                }
                let own = doc! { "user_id": document.user_id };
                if all.count_documents(own).limit(most.saturating_add(1)).await? <= most {
                    return Ok(true);
                }
                all.delete_one(doc! { "_id": document.id }).await?;
                Ok(false)
            })
            .await
    }

    async fn remove(&self, user: UserId, message: MessageId) -> Result<(), StoreError> {
        let (saved, filter) = (self.saved.clone(), doc! { "_id": id(user, message) });
        self.calls.run(async move { Ok(saved.delete_one(filter).await.map(drop)?) }).await
    }

    async fn page(
        &self,
        user: UserId,
        before: Option<SavedPlace>,
        limit: usize,
    ) -> Result<Vec<SavedMessage>, StoreError> {
        let (saved, ranges) = (self.saved.clone(), ranges(user, before));
        let order = doc! { "user_id": -1, "saved_at": -1, "message_id": -1 };
        let found = self.calls.run(async move { page_of(&saved, ranges, order, limit).await });
        Ok(found.await?.into_iter().map(SavedMessage::from).collect())
    }
}

/// The parts of the list before a place, in order.
fn ranges(user: UserId, before: Option<SavedPlace>) -> Vec<Document> {
    let user = key(user.as_uuid());
    let Some(SavedPlace { at, message }) = before else {
        return vec![doc! { "user_id": user }];
    };
    let (at, message) = (date(at), key(message.as_uuid()));
    vec![
        doc! { "user_id": user, "saved_at": at, "message_id": { "$lt": message } },
        doc! { "user_id": user, "saved_at": { "$lt": at } },
    ]
}

fn id(user: UserId, message: MessageId) -> String {
    format!("{user} {message}")
}

impl From<SavedDocument> for SavedMessage {
    fn from(saved: SavedDocument) -> Self {
        Self {
            message: MessageId::from_uuid(uuid_of(saved.message_id)),
            room: RoomId::from_uuid(uuid_of(saved.room_id)),
            at: time(saved.saved_at),
        }
    }
}
