//! What those who run the server tell everybody, in SQLite.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::UserId;
use rookery_store::server_announcement::{AnnouncementText, ServerAnnouncement, ServerAnnouncements};
use rookery_store::{StoreError, integer};
use rusqlite::{Row, params};
use uuid::Uuid;

use super::Sqlite;
use super::sql::{change, many, one, statements};
use crate::error::Failed;

statements! {
    INSERT = "INSERT INTO server_announcements (id, content, by_user, created_at) VALUES (?1, ?2, ?3, ?4)";
    BY_ID = "SELECT * FROM server_announcements WHERE id = ?1";
    PAGE = "SELECT * FROM server_announcements WHERE id < ?1 ORDER BY id DESC LIMIT ?2";
    REMOVE = "DELETE FROM server_announcements WHERE id = ?1";
}

#[async_trait]
impl ServerAnnouncements for Sqlite {
    async fn insert(&self, announcement: &ServerAnnouncement) -> Result<(), StoreError> {
        let new = announcement.clone();
        self.write(move |db| {
            let row = params![new.id, new.content.as_str(), new.by.as_uuid(), new.created_at.0];
            change(db, INSERT, row).map(drop)
        })
        .await
    }

    async fn by_id(&self, id: Uuid) -> Result<Option<ServerAnnouncement>, StoreError> {
        self.read(move |db| one(db, BY_ID, [id], read)).await
    }

    async fn page(&self, before: Option<Uuid>, limit: usize) -> Result<Vec<ServerAnnouncement>, StoreError> {
        let before = before.unwrap_or(Uuid::max());
        self.read(move |db| many(db, PAGE, params![before, integer::limit(limit)], read)).await
    }

    async fn remove(&self, id: Uuid) -> Result<bool, StoreError> {
        self.write(move |db| Ok(change(db, REMOVE, [id])? == 1)).await
    }
}

fn read(row: &Row<'_>) -> Result<ServerAnnouncement, Failed> {
    Ok(ServerAnnouncement {
        id: row.get("id")?,
        content: AnnouncementText::kept(&row.get::<_, String>("content")?),
        by: UserId::from_uuid(row.get("by_user")?),
        created_at: UnixMillis(row.get("created_at")?),
    })
}
