//! What staff have done, and the settings that they have changed, in SQLite.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{RoomId, UserId};
use rookery_store::audit::{AuditEntry, AuditFilter, StoredSettings};
use rookery_store::{Audit, ServerSettings, StoreError, integer};
use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use super::Sqlite;
use super::sql::{change, many, one, statements};
use crate::error::Failed;

statements! {
    ADD = "INSERT INTO audit (id, at, actor, action, room_id, user_id, reason, detail)
           VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (id) DO NOTHING";
    ALL_ENTRIES = "SELECT * FROM audit WHERE id < ?1 ORDER BY id DESC LIMIT ?2";
    OF_ROOM = "SELECT * FROM audit WHERE room_id = ?1 AND id < ?2 AND (?3 IS NULL OR actor = ?3)
               AND (?4 IS NULL OR action = ?4) ORDER BY id DESC LIMIT ?5";
    OF_ACTOR = "SELECT * FROM audit WHERE actor = ?1 AND id < ?2 AND (?3 IS NULL OR action = ?3)
                ORDER BY id DESC LIMIT ?4";
    OF_ACTION = "SELECT * FROM audit WHERE action = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3";
    PURGE = "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE at < ?1 LIMIT ?2)";
    SETTINGS = "SELECT version, changed FROM server_settings WHERE id = 0";
    PUT_SETTINGS = "INSERT INTO server_settings (id, version, changed) VALUES (0, ?1, ?2)
                    ON CONFLICT (id) DO UPDATE SET version = excluded.version, changed = excluded.changed
                    WHERE version = excluded.version - 1";
}

#[async_trait]
impl Audit for Sqlite {
    async fn add(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        let entry = entry.clone();
        self.write(move |db| add(db, &entry)).await
    }

    async fn page(
        &self,
        filter: &AuditFilter,
        before: Option<Uuid>,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let (filter, before, limit) = (filter.clone(), before.unwrap_or(Uuid::max()), integer::limit(limit));
        self.read(move |db| {
            let AuditFilter { room, actor, action } = filter;
            let (actor, action) = (actor.map(UserId::as_uuid), action);
            match (room, actor, action) {
                (Some(room), actor, action) => {
                    many(db, OF_ROOM, params![room.as_uuid(), before, actor, action, limit], entry)
                }
                (None, Some(actor), action) => many(db, OF_ACTOR, params![actor, before, action, limit], entry),
                (None, None, Some(action)) => many(db, OF_ACTION, params![action, before, limit], entry),
                (None, None, None) => many(db, ALL_ENTRIES, params![before, limit], entry),
            }
        })
        .await
    }

    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError> {
        self.write(move |db| change(db, PURGE, params![before.0, integer::limit(limit)])).await
    }
}

#[async_trait]
impl ServerSettings for Sqlite {
    async fn read(&self) -> Result<Option<StoredSettings>, StoreError> {
        Sqlite::read(self, |db| {
            one(db, SETTINGS, [], |row| {
                Ok(StoredSettings { version: integer::read(row.get("version")?)?, values: row.get("changed")? })
            })
        })
        .await
    }

    async fn replace(&self, settings: &StoredSettings, entry: &AuditEntry) -> Result<bool, StoreError> {
        let (settings, entry) = (settings.clone(), entry.clone());
        self.write(move |db| {
            let version = integer::stored(settings.version)?;
            let is_next = change(db, PUT_SETTINGS, params![version, settings.values])? == 1;
            if is_next {
                add(db, &entry)?;
            }
            Ok(is_next)
        })
        .await
    }
}

fn add(db: &Connection, entry: &AuditEntry) -> Result<(), Failed> {
    let row = params![
        entry.id,
        entry.at.0,
        entry.actor.as_uuid(),
        entry.action,
        entry.room.map(RoomId::as_uuid),
        entry.user.map(UserId::as_uuid),
        entry.reason,
        entry.detail,
    ];
    change(db, ADD, row).map(drop)
}

fn entry(row: &Row<'_>) -> Result<AuditEntry, Failed> {
    Ok(AuditEntry {
        id: row.get("id")?,
        at: UnixMillis(row.get("at")?),
        actor: UserId::from_uuid(row.get("actor")?),
        action: row.get("action")?,
        room: row.get::<_, Option<Uuid>>("room_id")?.map(RoomId::from_uuid),
        user: row.get::<_, Option<Uuid>>("user_id")?.map(UserId::from_uuid),
        reason: row.get("reason")?,
        detail: row.get("detail")?,
    })
}
