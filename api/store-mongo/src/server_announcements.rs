//! What those who run the server tell everybody, in MongoDB.

use async_trait::async_trait;
use mongodb::bson::{DateTime, Uuid, doc};
use rookery_protocol::id::UserId;
use rookery_store::StoreError;
use rookery_store::server_announcement::{AnnouncementText, ServerAnnouncement, ServerAnnouncements};
use serde::{Deserialize, Serialize};

use super::{Mongo, by_id};
use crate::batch_reads::page_of;
use crate::fields::{date, key, time, uuid_of};

/// One of them.
#[derive(Serialize, Deserialize)]
pub(super) struct ServerAnnouncementDocument {
    #[serde(rename = "_id")]
    id: Uuid,
    content: String,
    by: Uuid,
    created_at: DateTime,
}

#[async_trait]
impl ServerAnnouncements for Mongo {
    async fn insert(&self, announcement: &ServerAnnouncement) -> Result<(), StoreError> {
        let document = ServerAnnouncementDocument {
            id: key(announcement.id),
            content: announcement.content.as_str().to_owned(),
            by: key(announcement.by.as_uuid()),
            created_at: date(announcement.created_at),
        };
        let all = self.server_announcements.clone();
        self.calls.run(async move { Ok(all.insert_one(document).await.map(drop)?) }).await
    }

    async fn by_id(&self, id: uuid::Uuid) -> Result<Option<ServerAnnouncement>, StoreError> {
        let (all, filter) = (self.server_announcements.clone(), by_id(key(id)));
        let found = self.calls.run(async move { Ok(all.find_one(filter).await?) }).await?;
        Ok(found.map(ServerAnnouncement::from))
    }

    async fn page(&self, before: Option<uuid::Uuid>, limit: usize) -> Result<Vec<ServerAnnouncement>, StoreError> {
        let below = doc! { "_id": { "$lt": key(before.unwrap_or(uuid::Uuid::max())) } };
        let all = self.server_announcements.clone();
        let found = self.calls.run(async move { page_of(&all, vec![below], doc! { "_id": -1 }, limit).await });
        Ok(found.await?.into_iter().map(ServerAnnouncement::from).collect())
    }

    async fn remove(&self, id: uuid::Uuid) -> Result<bool, StoreError> {
        let (all, filter) = (self.server_announcements.clone(), by_id(key(id)));
        self.calls.run(async move { Ok(all.delete_one(filter).await?.deleted_count == 1) }).await
    }
}

impl From<ServerAnnouncementDocument> for ServerAnnouncement {
    fn from(found: ServerAnnouncementDocument) -> Self {
        Self {
            id: uuid_of(found.id),
            content: AnnouncementText::kept(&found.content),
            by: UserId::from_uuid(uuid_of(found.by)),
            created_at: time(found.created_at),
        }
    }
}
