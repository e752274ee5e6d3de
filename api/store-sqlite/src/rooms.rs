//! Rooms in SQLite.

use async_trait::async_trait;
use rookery_protocol::access::{JoinRule, Posting, RoomKind, Visibility};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::{Event, RoomSettings};
use rookery_protocol::id::{AclVersion, MessageId, RoomId, RoomRef, Slug, UserId};
use rookery_protocol::room_changes::RoomChanges;
use rookery_store::room::{
    Closing, Member, Pair, Room, RoomDescription, RoomName, RoomTopic, SettingsChange, Tombstone,
};
use rookery_store::{Announcement, Rooms, StoreError, integer};
use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use super::sql::{change, many, one, parsed, statements};
use super::{Sqlite, member_rows, outbox, ranks};
use crate::enum_codec::EnumCodec;
use crate::error::Failed;

statements! {
    INSERT = "INSERT INTO rooms (id, slug, name, description, visibility, owner_id, acl, created_at, name_key,
              kind, topic, join_rule, password_hash, posting, archived, expires_at, retention_days, members_may_invite,
              members_max, avatar, settings_version, slow_mode_ms, frozen, filter, pair_low, pair_high)
              VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23,
              ?24, ?25, ?26)";
    UPDATE = "UPDATE rooms SET slug = ?2, name = ?3, description = ?4, visibility = ?5, owner_id = ?6, acl = ?7,
              created_at = ?8, name_key = ?9, kind = ?10, topic = ?11, join_rule = ?12, password_hash = ?13, posting = ?14,
              archived = ?15, expires_at = ?16, retention_days = ?17, members_may_invite = ?18, members_max = ?19,
              avatar = ?20, settings_version = ?21, slow_mode_ms = ?22, frozen = ?23, filter = ?24,
              pair_low = ?25, pair_high = ?26 WHERE id = ?1";
    RAISE = "UPDATE rooms SET raised_at = ?2 WHERE id = ?1";
    BY_ID = "SELECT * FROM rooms WHERE id = ?1 AND closed_at IS NULL";
    ENDED = "SELECT * FROM rooms WHERE id = ?1 AND closed_at IS NOT NULL";
    EXPIRED = "SELECT * FROM rooms WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2";
    BY_SLUG = "SELECT * FROM rooms WHERE slug = ?1";
    EVERY = "SELECT * FROM rooms WHERE id > ?1 AND closed_at IS NULL ORDER BY id LIMIT ?2";
    OF_VISIBILITY = "SELECT * FROM rooms WHERE visibility = ?1 ORDER BY id LIMIT ?2";
    RAISED_SINCE = "SELECT id, acl FROM rooms WHERE raised_at >= ?1 LIMIT ?2";
    CLOSED = "SELECT closed_at FROM rooms WHERE id = ?1";
    CLOSE = "UPDATE rooms SET visibility = ?2, slug = NULL, name_key = NULL, owner_id = NULL, password_hash = NULL,
             closed_slug = slug, expires_at = NULL, closed_at = ?3, unerased_since = ?3, closed_by = ?4, closing_event = ?5 WHERE id = ?1";
    ENDED_AT = "SELECT * FROM rooms WHERE closed_slug = ?1 AND closed_by = ?2 ORDER BY closed_at DESC LIMIT 1";
    EXPEL_ALL = "DELETE FROM members WHERE room_id = ?1";
    MEMBERS = "SELECT count(*) FROM (SELECT 1 FROM members WHERE room_id = ?1 LIMIT 2)";
    IS_OVERFULL = "SELECT 1 FROM rooms WHERE id = ?1 AND members_max IS NOT NULL AND members_max <
                   (SELECT count(*) FROM members WHERE room_id = ?1)";
    OWN = "UPDATE rooms SET owner_id = ?2 WHERE id = ?1";
    OF_VISIBILITY_AFTER = "SELECT * FROM rooms WHERE visibility = ?1 AND id > ?3 ORDER BY id LIMIT ?2";
}

#[async_trait]
impl Rooms for Sqlite {
    async fn insert(&self, room: &Room) -> Result<(), StoreError> {
        let room = room.clone();
        self.write(move |db| insert(db, &room)).await
    }

    async fn insert_with(&self, room: &Room, members: &[Member]) -> Result<(), StoreError> {
        let (room, members) = (room.clone(), members.to_vec());
        self.write(move |db| {
            insert(db, &room)?;
            members.iter().try_for_each(|member| member_rows::insert(db, member).map(drop))
        })
        .await
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

    async fn all(&self, after: Option<RoomId>, limit: usize) -> Result<Vec<Room>, StoreError> {
        let (after, limit) = (after.map_or(Uuid::nil(), RoomId::as_uuid), integer::limit(limit));
        self.read(move |db| many(db, EVERY, params![after, limit], read)).await
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
        change: &SettingsChange,
        event: &Event,
    ) -> Result<Option<Announcement>, StoreError> {
        let (change, event) = (change.clone(), event.clone());
        self.write(move |db| apply_settings(db, room, &change, event)).await
    }

    async fn close(&self, room: RoomId, closing: Closing, event: &Event) -> Result<Option<Announcement>, StoreError> {
        let event = event.clone();
        self.write(move |db| end(db, room, closing, event)).await
    }

    async fn tombstone(&self, room: RoomId) -> Result<Option<Tombstone>, StoreError> {
        self.read(move |db| one(db, ENDED, [room.as_uuid()], tombstone)).await
    }

    async fn ended(&self, slug: &Slug, by: UserId) -> Result<Option<Tombstone>, StoreError> {
        let slug = slug.clone();
        self.read(move |db| one(db, ENDED_AT, params![slug.as_str(), by.as_uuid()], tombstone))
            .await
    }

    async fn expired(&self, at: UnixMillis, limit: usize) -> Result<Vec<Room>, StoreError> {
        self.read(move |db| many(db, EXPIRED, params![at.0, integer::limit(limit)], read)).await
    }
}

fn tombstone(row: &Row<'_>) -> Result<Tombstone, Failed> {
    let id = |column: &str| -> Result<_, Failed> { Ok(row.get::<_, Option<Uuid>>(column)?) };
    Ok(Tombstone {
        room: read(row)?,
        by: id("closed_by")?.map(UserId::from_uuid),
        event: id("closing_event")?.map(MessageId::from_uuid),
        erased: row.get::<_, Option<i64>>("unerased_since")?.is_none(),
    })
}

/// Ends the room, if what has to hold for that does.
fn end(db: &Connection, room: RoomId, closing: Closing, event: Event) -> Result<Option<Announcement>, Failed> {
    let Some(found) = one(db, BY_ID, [room.as_uuid()], read)? else { return Ok(None) };
    let actor = event.user_id;
    match closing {
        Closing::Expired(now) if found.expires_at.is_some_and(|at| at <= now) => {}
        Closing::Expired(_) => return Ok(None),
        Closing::Deleted if ranks::of(db, room, actor)?.owns() => {}
        Closing::LastLeft if found.owner == Some(actor) => {
            let members = one(db, MEMBERS, [room.as_uuid()], |row| Ok(row.get::<_, i64>(0)?))?.unwrap_or(0);
            if members > 1 {
                return Err(StoreError::OwnerStays.into());
            }
        }
        Closing::Deleted | Closing::LastLeft => return Err(StoreError::Outranked.into()),
    }
    change(db, EXPEL_ALL, [room.as_uuid()])?;
    close(db, room, UnixMillis::now(), Some(&event))?;
    outbox::announce(db, 1, room, event)
}

fn apply_settings(
    db: &Connection,
    room: RoomId,
    wanted: &SettingsChange,
    event: Event,
) -> Result<Option<Announcement>, Failed> {
    if is_closed(db, room)? {
        return Err(StoreError::Closed.into());
    }
    let found = one(db, BY_ID, [room.as_uuid()], read)?;
    let before = found.ok_or_else(|| StoreError::Inconsistent(format!("settings without a room: {room}")))?;
    let version = AclVersion(before.acl.0 + 1);
    let Some((after, changes)) = wanted.apply(&before, version) else { return Ok(None) };
    announce_settings(db, &after, changes, event).map(Some)
}

/// Whether the last one has left, as part of a change.
pub(super) fn is_closed(db: &Connection, room: RoomId) -> Result<bool, Failed> {
    let closed = one(db, CLOSED, [room.as_uuid()], |row| Ok(row.get::<_, Option<i64>>(0)?))?;
    Ok(closed.flatten().is_some())
}

/// Nobody finds the room any more, as part of a change; with the event that says so, if there is one.
pub(super) fn close(db: &Connection, room: RoomId, at: UnixMillis, event: Option<&Event>) -> Result<(), Failed> {
    let (by, id) = (event.map(|event| event.user_id.as_uuid()), event.map(|event| event.id.as_uuid()));
    change(db, CLOSE, params![room.as_uuid(), Visibility::Private.encode(), at.0, by, id]).map(drop)
}

/// Whose the room is.
pub(super) fn owner(db: &Connection, room: RoomId) -> Result<Option<UserId>, Failed> {
    Ok(one(db, BY_ID, [room.as_uuid()], read)?.and_then(|room| room.owner))
}

/// Whether members may invite others, as part of a change.
pub(super) fn may_members_invite(db: &Connection, room: RoomId) -> Result<bool, Failed> {
    Ok(one(db, BY_ID, [room.as_uuid()], read)?.is_some_and(|room| room.members_may_invite))
}

/// Whether more are in the room than may be, as part of a change.
pub(super) fn is_overfull(db: &Connection, room: RoomId) -> Result<bool, Failed> {
    Ok(one(db, IS_OVERFULL, [room.as_uuid()], |_| Ok(()))?.is_some())
}

/// Whose the room is, as part of a change.
pub(super) fn own(db: &Connection, room: RoomId, user: UserId) -> Result<(), Failed> {
    change(db, OWN, [room.as_uuid(), user.as_uuid()]).map(drop)
}

/// Announces the settings as they are, under a new version of the rights.
pub(super) fn announce_again(db: &Connection, room: RoomId, event: Event) -> Result<Announcement, Failed> {
    let found = one(db, BY_ID, [room.as_uuid()], read)?;
    let before = found.ok_or_else(|| StoreError::Inconsistent(format!("members without a room: {room}")))?;
    let version = AclVersion(before.acl.0 + 1);
    let after = Room { acl: version, settings: RoomSettings { version, ..before.settings }, ..before };
    announce_settings(db, &after, RoomChanges::default(), event)
}

fn announce_settings(
    db: &Connection,
    after: &Room,
    changes: RoomChanges,
    event: Event,
) -> Result<Announcement, Failed> {
    write(db, UPDATE, after)?;
    change(db, RAISE, params![after.id.as_uuid(), UnixMillis::now().0])?;
    let announcement = Announcement::of_settings(after.id, after.settings, changes, event);
    outbox::insert(db, &announcement)?;
    Ok(announcement)
}

/// Adds a room, as part of a change.
pub(super) fn insert(db: &Connection, room: &Room) -> Result<(), Failed> {
    write(db, INSERT, room)
}

/// Runs a statement that takes all of a room.
fn write(db: &Connection, statement: &str, room: &Room) -> Result<(), Failed> {
    let RoomSettings { version, slow_mode_ms, frozen, posting, archived } = room.settings;
    let pair = room.pair.map(Pair::both);
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
        room.kind.encode(),
        room.topic.as_str(),
        room.join.encode(),
        room.password_hash,
        posting.encode(),
        archived,
        room.expires_at.map(|at| at.0),
        room.retention_days,
        room.members_may_invite,
        room.members_max,
        room.avatar,
        integer::stored(version.0)?,
        integer::stored(slow_mode_ms)?,
        frozen,
        room.filter.map(integer::stored).transpose()?,
        pair.map(|[low, _]| low.as_uuid()),
        pair.map(|[_, high]| high.as_uuid()),
    ];
    change(db, statement, row).map(drop)
}

fn pair(row: &Row<'_>) -> Result<Option<Pair>, Failed> {
    let one = |column: &str| -> Result<_, Failed> { Ok(row.get::<_, Option<Uuid>>(column)?.map(UserId::from_uuid)) };
    let (low, high) = (one("pair_low")?, one("pair_high")?);
    Ok(low.zip(high).and_then(|(low, high)| Pair::new(low, high)))
}

/// Whether there is such a room, as part of a change.
pub(super) fn is_there(db: &Connection, room: RoomId) -> Result<bool, Failed> {
    Ok(one(db, CLOSED, [room.as_uuid()], |_| Ok(()))?.is_some())
}

fn read(row: &Row<'_>) -> Result<Room, Failed> {
    let slug = row.get::<_, Option<String>>("slug")?.map(|_| parsed(row, "slug")).transpose()?;
    let (id, name) = (RoomId::from_uuid(row.get("id")?), row.get::<_, String>("name")?);
    let kind = RoomKind::decode(&row.get::<_, String>("kind")?)?;
    Ok(Room {
        id,
        slug,
        name: RoomName::kept_of(kind, &name, id),
        description: RoomDescription::kept(&row.get::<_, String>("description")?),
        visibility: Visibility::decode(&row.get::<_, String>("visibility")?)?,
        owner: row.get::<_, Option<Uuid>>("owner_id")?.map(UserId::from_uuid),
        acl: AclVersion(integer::read(row.get("acl")?)?),
        created_at: UnixMillis(row.get("created_at")?),
        settings: RoomSettings {
            version: AclVersion(integer::read(row.get("settings_version")?)?),
            slow_mode_ms: integer::read(row.get("slow_mode_ms")?)?,
            frozen: row.get("frozen")?,
            posting: Posting::decode(&row.get::<_, String>("posting")?)?,
            archived: row.get("archived")?,
        },
        kind,
        pair: pair(row)?,
        topic: RoomTopic::kept(&row.get::<_, String>("topic")?),
        join: JoinRule::decode(&row.get::<_, String>("join_rule")?)?,
        password_hash: row.get("password_hash")?,
        expires_at: row.get::<_, Option<i64>>("expires_at")?.map(UnixMillis),
        retention_days: row.get("retention_days")?,
        members_may_invite: row.get("members_may_invite")?,
        members_max: row.get("members_max")?,
        avatar: row.get("avatar")?,
        filter: row.get::<_, Option<i64>>("filter")?.map(integer::read).transpose()?,
    })
}
