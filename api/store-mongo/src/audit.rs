//! What staff have done, and the settings that they have changed, in MongoDB.

use async_trait::async_trait;
use mongodb::bson::{DateTime, Document, Uuid, doc};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{RoomId, UserId};
use rookery_store::audit::{AuditEntry, AuditFilter, StoredSettings};
use rookery_store::{Audit, ServerSettings, StoreError, integer};
use serde::{Deserialize, Serialize};

use super::{Mongo, by_id};
use crate::batch_reads::page_of;
use crate::error::is_duplicate;
use crate::fields::{date, key, time, uuid_of};

/// Id of the one document of settings.
const SETTINGS: &str = "settings";

/// An act of staff.
#[derive(Serialize, Deserialize)]
pub(super) struct AuditDocument {
    #[serde(rename = "_id")]
    id: Uuid,
    at: DateTime,
    actor: Uuid,
    action: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    room_id: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user_id: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

/// What admins have changed of the settings.
#[derive(Serialize, Deserialize)]
pub(super) struct SettingsOfServerDocument {
    #[serde(rename = "_id")]
    id: String,
    version: i64,
    changed: String,
}

#[async_trait]
impl Audit for Mongo {
    async fn add(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        let (audit, document) = (self.audit.clone(), AuditDocument::from(entry));
        let add = async move {
            match audit.insert_one(document).await {
                Err(error) if !is_duplicate(&error) => Err(error.into()),
                Ok(_) | Err(_) => Ok(()),
            }
        };
        self.calls.run(add).await
    }

    async fn page(
        &self,
        filter: &AuditFilter,
        before: Option<uuid::Uuid>,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let mut wanted = Document::new();
        wanted.extend(filter.room.map(|room| ("room_id".to_owned(), key(room.as_uuid()).into())));
        wanted.extend(filter.actor.map(|actor| ("actor".to_owned(), key(actor.as_uuid()).into())));
        wanted.extend(filter.action.as_ref().map(|action| ("action".to_owned(), action.as_str().into())));
        wanted.insert("_id", doc! { "$lt": key(before.unwrap_or(uuid::Uuid::max())) });
        let audit = self.audit.clone();
        let found = self
            .calls
            .run(async move { page_of(&audit, vec![wanted], doc! { "_id": -1 }, limit).await });
        Ok(found.await?.into_iter().map(AuditEntry::from).collect())
    }

    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError> {
        self.purge_ended(&self.audit, "at", before, limit).await
    }
}

#[async_trait]
impl ServerSettings for Mongo {
    async fn read(&self) -> Result<Option<StoredSettings>, StoreError> {
        let settings = self.server_settings.clone();
        let found = self.calls.run(async move { Ok(settings.find_one(by_id(SETTINGS)).await?) }).await?;
        let stored = |found: SettingsOfServerDocument| {
            Ok(StoredSettings { version: integer::read(found.version)?, values: found.changed })
        };
        found.map(stored).transpose()
    }

    /// The entry first: a change without one must not be, an entry without a change says at least what was tried.
    async fn replace(&self, settings: &StoredSettings, entry: &AuditEntry) -> Result<bool, StoreError> {
        let version = integer::stored(settings.version)?;
        let known = ServerSettings::read(self).await?.map_or(0, |known| known.version);
        if known + 1 != settings.version {
            return Ok(false);
        }
        self.add(entry).await?;
        let (all, changed) = (self.server_settings.clone(), settings.values.clone());
        let replaced = self.calls.run(async move {
            let mut before = by_id(SETTINGS);
            before.insert("version", version - 1);
            let next = doc! { "$set": { "version": version, "changed": changed } };
            // The first version makes the document; two that make it collide at its id.
            match all.update_one(before, next).upsert(version == 1).await {
                Ok(done) => Ok(done.matched_count == 1 || done.upserted_id.is_some()),
                Err(error) if is_duplicate(&error) => Ok(false),
                Err(error) => Err(error.into()),
            }
        });
        let replaced = replaced.await?;
        if !replaced {
            let (audit, lost) = (self.audit.clone(), by_id(key(entry.id)));
            self.calls.run(async move { Ok(audit.delete_one(lost).await.map(drop)?) }).await?;
        }
        Ok(replaced)
    }
}

impl From<&AuditEntry> for AuditDocument {
    fn from(entry: &AuditEntry) -> Self {
        Self {
            id: key(entry.id),
            at: date(entry.at),
            actor: key(entry.actor.as_uuid()),
            action: entry.action.clone(),
            room_id: entry.room.map(|room| key(room.as_uuid())),
            user_id: entry.user.map(|user| key(user.as_uuid())),
            reason: entry.reason.clone(),
            detail: entry.detail.clone(),
        }
    }
}

impl From<AuditDocument> for AuditEntry {
    fn from(found: AuditDocument) -> Self {
        Self {
            id: uuid_of(found.id),
            at: time(found.at),
            actor: UserId::from_uuid(uuid_of(found.actor)),
            action: found.action,
            room: found.room_id.map(|room| RoomId::from_uuid(uuid_of(room))),
            user: found.user_id.map(|user| UserId::from_uuid(uuid_of(user))),
            reason: found.reason,
            detail: found.detail,
        }
    }
}
