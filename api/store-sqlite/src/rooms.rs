//! Rooms in SQLite.

use async_trait::async_trait;
use rookery_protocol::access::Visibility;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::{Event, RoomSettings};
use rookery_protocol::id::{AclVersion, RoomId, RoomRef, Slug, UserId};
use rookery_store::room::{Room, RoomDescription, RoomName, SettingsChange};
use rookery_store::{Announcement, Rooms, StoreError, integer};
use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use super::sql::{change, many, one, parsed, statements};
use super::{Sqlite, outbox};
use crate::enum_codec::EnumCodec;
use crate::error::Failed;

statements! {
    INSERT = "INSERT INTO rooms (id, slug, name, description, visibility, owner_id, acl, created_at, name_key)
              VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    BY_ID = "SELECT * FROM rooms WHERE id = ?1";
    BY_SLUG = "SELECT * FROM rooms WHERE slug = ?1";
    OF_VISIBILITY = "SELECT * FROM rooms WHERE visibility = ?1 ORDER BY id LIMIT ?2";
    RAISED_SINCE = "SELECT id, acl FROM rooms WHERE raised_at >= ?1 LIMIT ?2";
    SETTLE = "UPDATE rooms SET acl = ?2, settings_version = ?2, slow_mode_ms = ?3, frozen = ?4, raised_at = ?5
              WHERE id = ?1";
    CLOSED = "SELECT closed_at FROM rooms WHERE id = ?1";
    CLOSE = "UPDATE rooms SET visibility = ?2, slug = NULL, name_key = NULL, owner_id = NULL, closed_at = ?3 WHERE id = ?1";
    OWN = "UPDATE rooms SET owner_id = ?2 WHERE id = ?1";
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
        let (visibility, limit) = (Visibility::Public.encode(), integer::limit(limit));
        self.read(move |db| match after {
            None => many(db, OF_VISIBILITY, params![visibility, limit], read),
            Some(id) => many(db, OF_VISIBILITY_AFTER, params![visibility, limit, id.as_uuid()], read),
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

    async fn apply_settings(
        &self,
        room: RoomId,
        change: SettingsChange,
        event: &Event,
    ) -> Result<Option<Announcement>, StoreError> {
        let event = event.clone();
        self.write(move |db| apply_settings(db, room, change, event)).await
    }
}

fn apply_settings(
    db: &Connection,
    room: RoomId,
    wanted: SettingsChange,
    event: Event,
) -> Result<Option<Announcement>, Failed> {
    let found = one(db, BY_ID, [room.as_uuid()], read)?;
    let before = found.ok_or_else(|| StoreError::Inconsistent(format!("settings without a room: {room}")))?;
    let version = AclVersion(before.acl.0 + 1);
    let Some(after) = wanted.apply(before.settings, version) else { return Ok(None) };
    announce_settings(db, room, after, event).map(Some)
}

/// Whether the last one has left, as part of a change.
pub(super) fn is_closed(db: &Connection, room: RoomId) -> Result<bool, Failed> {
    let closed = one(db, CLOSED, [room.as_uuid()], |row| Ok(row.get::<_, Option<i64>>(0)?))?;
    Ok(closed.flatten().is_some())
}

/// Nobody finds the room any more, as part of a change.
pub(super) fn close(db: &Connection, room: RoomId, at: UnixMillis) -> Result<(), Failed> {
    change(db, CLOSE, params![room.as_uuid(), Visibility::Private.encode(), at.0]).map(drop)
}

/// Whose the room is, as part of a change.
pub(super) fn own(db: &Connection, room: RoomId, user: UserId) -> Result<(), Failed> {
    change(db, OWN, [room.as_uuid(), user.as_uuid()]).map(drop)
}

/// Announces the settings as they are, under a new version of the rights.
pub(super) fn announce_again(db: &Connection, room: RoomId, event: Event) -> Result<Announcement, Failed> {
    let found = one(db, BY_ID, [room.as_uuid()], read)?;
    let before = found.ok_or_else(|| StoreError::Inconsistent(format!("members without a room: {room}")))?;
    announce_settings(db, room, RoomSettings { version: AclVersion(before.acl.0 + 1), ..before.settings }, event)
}

fn announce_settings(
    db: &Connection,
    room: RoomId,
    settings: RoomSettings,
    event: Event,
) -> Result<Announcement, Failed> {
    let RoomSettings { version, slow_mode_ms, frozen } = settings;
    let numbers = (integer::stored(version.0)?, integer::stored(slow_mode_ms)?);
    change(db, SETTLE, params![room.as_uuid(), numbers.0, numbers.1, frozen, UnixMillis::now().0])?;
    let announcement = Announcement::of_settings(room, settings, event);
    outbox::insert(db, &announcement)?;
    Ok(announcement)
}

/// Adds a room, as part of a change.
pub(super) fn insert(db: &Connection, room: &Room) -> Result<(), Failed> {
    let row = params![
        room.id.as_uuid(),
        room.slug.as_ref().map(Slug::as_str),
        room.name.as_str(),
        room.description.as_str(),
        room.visibility.encode(),
        room.owner.map(UserId::as_uuid),
        integer::stored(room.acl.0)?,
        room.created_at.0,
        room.unique_name(),
    ];
    change(db, INSERT, row).map(drop)
}

fn read(row: &Row<'_>) -> Result<Room, Failed> {
    let slug = row.get::<_, Option<String>>("slug")?.map(|_| parsed(row, "slug")).transpose()?;
    let (id, name) = (RoomId::from_uuid(row.get("id")?), row.get::<_, String>("name")?);
    Ok(Room {
        id,
        slug,
        name: RoomName::kept(&name, id),
        description: RoomDescription::kept(&row.get::<_, String>("description")?),
        visibility: Visibility::decode(&row.get::<_, String>("visibility")?)?,
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
