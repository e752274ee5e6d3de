//! Membership in SQLite. One savepoint of the writer holds the member's row, the room's new ACL version and the
//! announcement.

use std::collections::HashMap;

use async_trait::async_trait;
use rookery_protocol::access::{RoomRole, decide_on_leaving};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::Event;
use rookery_protocol::id::{RoomId, UserId};
use rookery_store::room::{Member, MemberPlace};
use rookery_store::{Announcement, Members, StoreError, integer};
use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use super::sql::{change, many, one, statements};
use super::{Sqlite, rooms, sanctions};
use crate::enum_codec::EnumCodec;
use crate::error::Failed;
use crate::member_rows::{read, remove};
use crate::outbox::announce;

statements! {
    GET = "SELECT * FROM members WHERE room_id = ?1 AND user_id = ?2";
    OF_USER = "SELECT * FROM members WHERE user_id = ?1 ORDER BY joined_at, room_id LIMIT ?2";
    COUNT = "SELECT count(*) FROM members WHERE room_id = ?1";
    TOGETHER = "SELECT theirs.user_id FROM members AS theirs JOIN members AS ours ON ours.room_id = theirs.room_id
                WHERE theirs.user_id = ?1 AND ours.user_id = ?2 AND ours.room_id <> ?3 LIMIT 1";
    PAGE = "SELECT * FROM members WHERE room_id = ?1 ORDER BY joined_at, user_id LIMIT ?2";
    PAGE_AFTER = "SELECT * FROM members WHERE room_id = ?1 AND (joined_at, user_id) > (?3, ?4)
                  ORDER BY joined_at, user_id LIMIT ?2";
    INSERT = "INSERT INTO members (room_id, user_id, role, joined_at, read_epoch, read_seq)
              VALUES (?1, ?2, ?3, ?4, ?5, ?6)
              ON CONFLICT (room_id, user_id) DO NOTHING";
    ONE_OR_MORE = "SELECT count(*) FROM (SELECT 1 FROM members WHERE room_id = ?1 LIMIT 2)";
    STEP_DOWN = "UPDATE members SET role = ?3 WHERE room_id = ?1 AND role = ?2";
    STEP_UP = "UPDATE members SET role = ?3 WHERE room_id = ?1 AND user_id = ?2";
}

#[async_trait]
impl Members for Sqlite {
    async fn get(&self, room: RoomId, user: UserId) -> Result<Option<Member>, StoreError> {
        self.read(move |db| one(db, GET, [room.as_uuid(), user.as_uuid()], read)).await
    }

    async fn of_user(&self, user: UserId, limit: usize) -> Result<Vec<Member>, StoreError> {
        let limit = integer::limit(limit);
        self.read(move |db| many(db, OF_USER, params![user.as_uuid(), limit], read)).await
    }

    async fn counts(&self, rooms: &[RoomId]) -> Result<HashMap<RoomId, u64>, StoreError> {
        let rooms = rooms.to_vec();
        let count = |db: &Connection, room: RoomId| {
            let count = one(db, COUNT, [room.as_uuid()], |row| Ok(row.get(0)?))?;
            Ok((room, integer::read(count.unwrap_or(0))?))
        };
        self.read(move |db| rooms.into_iter().map(|room| count(db, room)).collect()).await
    }

    async fn count(&self, room: RoomId) -> Result<u64, StoreError> {
        let count = self.read(move |db| one(db, COUNT, [room.as_uuid()], |row| Ok(row.get(0)?))).await?;
        integer::read(count.unwrap_or(0))
    }

    async fn among(&self, room: RoomId, users: &[UserId]) -> Result<Vec<UserId>, StoreError> {
        let users = users.to_vec();
        let is_member = move |db: &Connection, user: UserId| one(db, GET, [room.as_uuid(), user.as_uuid()], read);
        self.read(move |db| {
            let members = users.into_iter().filter_map(|user| is_member(db, user).transpose());
            members.map(|member| member.map(|member| member.user_id)).collect()
        })
        .await
    }

    async fn visible_users(
        &self,
        user: UserId,
        others: &[UserId],
        except: Option<RoomId>,
    ) -> Result<Vec<UserId>, StoreError> {
        let (others, except) = (others.to_vec(), except.map_or(Uuid::nil(), RoomId::as_uuid));
        let together = move |db: &Connection, other: UserId| {
            let id = |row: &Row<'_>| Ok(UserId::from_uuid(row.get("user_id")?));
            one(db, TOGETHER, [other.as_uuid(), user.as_uuid(), except], id)
        };
        self.read(move |db| others.into_iter().filter_map(|other| together(db, other).transpose()).collect())
            .await
    }

    async fn places(&self, places: &[(RoomId, UserId)]) -> Result<Vec<Member>, StoreError> {
        let places = places.to_vec();
        self.read(move |db| {
            let member = |(room, user): (RoomId, UserId)| one(db, GET, [room.as_uuid(), user.as_uuid()], read);
            places.into_iter().filter_map(|place| member(place).transpose()).collect()
        })
        .await
    }

    async fn page(&self, room: RoomId, after: Option<MemberPlace>, limit: usize) -> Result<Vec<Member>, StoreError> {
        let (room, limit) = (room.as_uuid(), integer::limit(limit));
        self.read(move |db| match after {
            None => many(db, PAGE, params![room, limit], read),
            Some(place) => many(db, PAGE_AFTER, params![room, limit, place.joined_at.0, place.user_id.as_uuid()], read),
        })
        .await
    }

    async fn join(&self, member: &Member, event: &Event) -> Result<Option<Announcement>, StoreError> {
        let (member, event) = (member.clone(), event.clone());
        self.write(move |db| {
            let sanction = sanctions::read(db, member.room_id, member.user_id)?;
            if sanction.banned.is_some_and(|until| until.holds(member.joined_at)) {
                return Err(StoreError::Banned.into());
            }
            if rooms::is_closed(db, member.room_id)? {
                return Err(StoreError::Closed.into());
            }
            let added = insert(db, &member)?;
            announce(db, added, member.room_id, event)
        })
        .await
    }

    async fn leave(&self, room: RoomId, user: UserId, event: &Event) -> Result<Option<Announcement>, StoreError> {
        let event = event.clone();
        self.write(move |db| {
            let Some(member) = one(db, GET, [room.as_uuid(), user.as_uuid()], read)? else { return Ok(None) };
            let members = one(db, ONE_OR_MORE, [room.as_uuid()], |row| Ok(row.get::<_, i64>(0)?))?.unwrap_or(0);
            decide_on_leaving(member.role, usize::try_from(members).unwrap_or(usize::MAX))
                .map_err(|_| StoreError::OwnerStays)?;
            let removed = usize::from(remove(db, room, user)?);
            if member.role == RoomRole::Owner {
                rooms::close(db, room, UnixMillis::now())?;
            }
            announce(db, removed, room, event)
        })
        .await
    }

    async fn transfer(&self, room: RoomId, user: UserId, event: &Event) -> Result<Option<Announcement>, StoreError> {
        let event = event.clone();
        self.write(move |db| {
            let member = one(db, GET, [room.as_uuid(), user.as_uuid()], read)?;
            if member.is_none_or(|member| member.role == RoomRole::Owner) {
                return Ok(None);
            }
            change(db, STEP_DOWN, params![room.as_uuid(), RoomRole::Owner.encode(), RoomRole::Moderator.encode()])?;
            change(db, STEP_UP, params![room.as_uuid(), user.as_uuid(), RoomRole::Owner.encode()])?;
            rooms::own(db, room, user)?;
            rooms::announce_again(db, room, event).map(Some)
        })
        .await
    }
}

/// Adds a member who is none yet, as part of a change; says how many that were.
pub(super) fn insert(db: &Connection, member: &Member) -> Result<usize, Failed> {
    let (room, user) = (member.room_id.as_uuid(), member.user_id.as_uuid());
    let (epoch, seq) = (integer::stored(member.read.epoch.0)?, integer::stored(member.read.seq.get())?);
    change(db, INSERT, params![room, user, member.role.encode(), member.joined_at.0, epoch, seq])
}
