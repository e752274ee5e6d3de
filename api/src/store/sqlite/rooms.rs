//! Rooms in SQLite.

use async_trait::async_trait;
use rookery_shared::access::Visibility;
use rookery_shared::clock::UnixMillis;
use rookery_shared::event::{Event, RoomSettings};
use rookery_shared::id::{AclVersion, RoomId, RoomRef, Slug, UserId};
use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use super::sql::{change, many, one, parsed, statements};
use super::words::Word;
use super::{Sqlite, outbox};
use crate::domain::room::{Room, SettingsChange};
use crate::store::{Announcement, Rooms, StoreError, integer};

statements! {
    INSERT = "INSERT INTO rooms (id, slug, name, description, visibility, owner_id, acl, created_at)
              VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    BY_ID = "SELECT * FROM rooms WHERE id = ?1";
    BY_SLUG = "SELECT * FROM rooms WHERE slug = ?1";
    OF_VISIBILITY = "SELECT * FROM rooms WHERE visibility = ?1 ORDER BY id LIMIT ?2";
    RAISED_SINCE = "SELECT id, acl FROM rooms WHERE raised_at >= ?1 LIMIT ?2";
    SETTLE = "UPDATE rooms SET acl = ?2, settings_version = ?2, slow_mode_ms = ?3, frozen = ?4, raised_at = ?5
              WHERE id = ?1";
    OF_VISIBILITY_AFTER = "SELECT * FROM rooms WHERE visibility = ?1 AND id > ?3 ORDER BY id LIMIT ?2";
}

#[async_trait]
impl Rooms for Sqlite {
    async fn insert(&self, room: &Room) -> Result<(), StoreError> {
        let room = room.clone();
        self.write(move |db| insert(db, &room)).await
    }

    async fn find(&self, room: &RoomRef) -> Result<Option<Room>, StoreError> {
        let wanted = room.clone();
        self.read(move |db| match wanted {
            RoomRef::Id(id) => one(db, BY_ID, [id.as_uuid()], read),
            RoomRef::Slug(slug) => one(db, BY_SLUG, [slug.as_str()], read),
        })
        .await
    }

    async fn public(&self, after: Option<RoomId>, limit: usize) -> Result<Vec<Room>, StoreError> {
        let (word, limit) = (Visibility::Public.word(), integer::limit(limit));
        self.read(move |db| match after {
            None => many(db, OF_VISIBILITY, params![word, limit], read),
            Some(id) => many(db, OF_VISIBILITY_AFTER, params![word, limit, id.as_uuid()], read),
        })
        .await
    }

    async fn by_ids(&self, ids: &[RoomId]) -> Result<Vec<Room>, StoreError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
        self.read(move |db| ids.iter().filter_map(|id| one(db, BY_ID, [id], read).transpose()).collect())
            .await
    }

    async fn raised_since(&self, at: UnixMillis, limit: usize) -> Result<Vec<(RoomId, AclVersion)>, StoreError> {
        let read = |row: &Row<'_>| Ok((RoomId::from_uuid(row.get("id")?), AclVersion(integer::read(row.get("acl")?)?)));
        self.read(move |db| many(db, RAISED_SINCE, params![at.0, integer::limit(limit)], read))
            .await
    }

    async fn settle(
        &self,
        room: RoomId,
        change: SettingsChange,
        event: &Event,
    ) -> Result<Option<Announcement>, StoreError> {
        let event = event.clone();
        self.write(move |db| settle(db, room, change, event)).await
    }
}

fn settle(
    db: &Connection,
    room: RoomId,
    wanted: SettingsChange,
    event: Event,
) -> Result<Option<Announcement>, StoreError> {
    let found = one(db, BY_ID, [room.as_uuid()], read)?;
    let before = found.ok_or_else(|| StoreError::Inconsistent(format!("settings without a room: {room}")))?;
    let version = AclVersion(before.acl.0 + 1);
    let Some(after) = wanted.apply(before.settings, version) else { return Ok(None) };
    let RoomSettings { version, slow_mode_ms, frozen } = after;
    let numbers = (integer::stored(version.0)?, integer::stored(slow_mode_ms)?);
    change(db, SETTLE, params![room.as_uuid(), numbers.0, numbers.1, frozen, UnixMillis::now().0])?;
    let announcement = Announcement::of_settings(room, after, event);
    outbox::insert(db, &announcement)?;
    Ok(Some(announcement))
}

/// Adds a room, as part of a change.
pub(super) fn insert(db: &Connection, room: &Room) -> Result<(), StoreError> {
    let row = params![
        room.id.as_uuid(),
        room.slug.as_ref().map(Slug::as_str),
        room.name.as_str(),
        room.description.as_str(),
        room.visibility.word(),
        room.owner.map(UserId::as_uuid),
        integer::stored(room.acl.0)?,
        room.created_at.0,
    ];
    change(db, INSERT, row).map(drop)
}

fn read(row: &Row<'_>) -> Result<Room, StoreError> {
    let slug = row.get::<_, Option<String>>("slug")?.map(|_| parsed(row, "slug")).transpose()?;
    Ok(Room {
        id: RoomId::from_uuid(row.get("id")?),
        slug,
        name: parsed(row, "name")?,
        description: parsed(row, "description")?,
        visibility: Visibility::from_word(&row.get::<_, String>("visibility")?)?,
        owner: row.get::<_, Option<Uuid>>("owner_id")?.map(UserId::from_uuid),
        acl: AclVersion(integer::read(row.get("acl")?)?),
        created_at: UnixMillis(row.get("created_at")?),
        settings: RoomSettings {
            version: AclVersion(integer::read(row.get("settings_version")?)?),
            slow_mode_ms: integer::read(row.get("slow_mode_ms")?)?,
            frozen: row.get("frozen")?,
        },
    })
}
