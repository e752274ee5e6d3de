//! Membership in SQLite. One savepoint of the writer holds the member's row, the room's new ACL version and the
//! announcement.

use std::collections::HashMap;

use async_trait::async_trait;
use rookery_protocol::access::{RoomRole, decide_on_leaving, decide_on_role, may_invite};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::{Event, EventBody, MembershipChange};
use rookery_protocol::id::{RoomId, UserId};
use rookery_store::account::SecretHash;
use rookery_store::joining::{Entry, RequestState};
use rookery_store::room::{Member, MemberPlace};
use rookery_store::{Announcement, Cause, Members, StoreError, integer, with_previous_owner};
use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use super::sql::{change, many, one, statements};
use super::{Sqlite, join_requests, ranks, room_invites, rooms, sanctions};
use crate::enum_codec::EnumCodec;
use crate::error::Failed;
use crate::member_rows::{insert, read, remove};
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
    ONE_OR_MORE = "SELECT count(*) FROM (SELECT 1 FROM members WHERE room_id = ?1 LIMIT 2)";
    OF_ROLE = "SELECT * FROM members WHERE room_id = ?1 AND role = ?2 ORDER BY joined_at, user_id LIMIT ?3";
    OF_ROLE_AFTER = "SELECT * FROM members WHERE room_id = ?1 AND role = ?2 AND (joined_at, user_id) > (?4, ?5)
                     ORDER BY joined_at, user_id LIMIT ?3";
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
        self.enter(member, Entry::Open, event).await
    }

    async fn enter(&self, member: &Member, entry: Entry, event: &Event) -> Result<Option<Announcement>, StoreError> {
        let (member, event) = (member.clone(), event.clone());
        self.write(move |db| {
            let (room, user, now) = (member.room_id, member.user_id, member.joined_at);
            let sanction = sanctions::read(db, room, user)?;
            if sanction.banned.is_some_and(|until| until.holds(now)) {
                return Err(StoreError::Banned.into());
            }
            if rooms::is_closed(db, room)? {
                return Err(StoreError::Closed.into());
            }
            if insert(db, &member)? == 0 {
                return Ok(None);
            }
            if rooms::is_overfull(db, room)? {
                return Err(StoreError::Full.into());
            }
            let was_asked = join_requests::decide(db, room, user, RequestState::Approved, now)?;
            match entry {
                Entry::Open => {}
                Entry::Invite(hash) => spend(db, room, &hash, now)?,
                Entry::Request if was_asked => {}
                Entry::Request => return Err(StoreError::Decided.into()),
            }
            announce(db, 1, room, event)
        })
        .await
    }

    async fn leave(&self, room: RoomId, user: UserId, event: &Event) -> Result<Option<Announcement>, StoreError> {
        let event = event.clone();
        self.write(move |db| {
            if rooms::is_closed(db, room)? {
                return Err(StoreError::Closed.into());
            }
            let Some(member) = one(db, GET, [room.as_uuid(), user.as_uuid()], read)? else { return Ok(None) };
            let members = one(db, ONE_OR_MORE, [room.as_uuid()], |row| Ok(row.get::<_, i64>(0)?))?.unwrap_or(0);
            decide_on_leaving(member.role, usize::try_from(members).unwrap_or(usize::MAX))
                .map_err(|_| StoreError::OwnerStays)?;
            let removed = usize::from(remove(db, room, user)?);
            if member.role == RoomRole::Owner {
                rooms::close(db, room, UnixMillis::now(), None)?;
            }
            announce(db, removed, room, event)
        })
        .await
    }

    async fn transfer(&self, room: RoomId, user: UserId, cause: Cause<'_>) -> Result<Option<Announcement>, StoreError> {
        let (event, is_ranked) = (cause.event().clone(), cause.is_ranked());
        self.write(move |db| {
            if rooms::is_closed(db, room)? {
                return Err(StoreError::Closed.into());
            }
            if is_ranked && !ranks::of(db, room, event.user_id)?.owns() {
                return Err(StoreError::Outranked.into());
            }
            let member = one(db, GET, [room.as_uuid(), user.as_uuid()], read)?.ok_or(StoreError::NoMember)?;
            if member.role == RoomRole::Owner {
                return Ok(None);
            }
            let before = rooms::owner(db, room)?;
            change(db, STEP_DOWN, params![room.as_uuid(), RoomRole::Owner.encode(), RoomRole::Moderator.encode()])?;
            change(db, STEP_UP, params![room.as_uuid(), user.as_uuid(), RoomRole::Owner.encode()])?;
            rooms::own(db, room, user)?;
            // For nodes that know no other event of a new owner.
            if !matches!(event.body, EventBody::Membership(MembershipChange::OwnerChanged { .. })) {
                return rooms::announce_again(db, room, event).map(Some);
            }
            announce(db, 1, room, with_previous_owner(event, before))
        })
        .await
    }

    async fn set_role(
        &self,
        room: RoomId,
        user: UserId,
        role: RoomRole,
        event: &Event,
    ) -> Result<Option<Announcement>, StoreError> {
        let event = event.clone();
        self.write(move |db| {
            if rooms::is_closed(db, room)? {
                return Err(StoreError::Closed.into());
            }
            let before = one(db, GET, [room.as_uuid(), user.as_uuid()], read)?.ok_or(StoreError::NoMember)?;
            let actor = ranks::of(db, room, event.user_id)?;
            decide_on_role(actor, before.role).map_err(|_| StoreError::Outranked)?;
            if before.role == role {
                return Ok(None);
            }
            let changed = change(db, STEP_UP, params![room.as_uuid(), user.as_uuid(), role.encode()])?;
            announce(db, changed, room, event)
        })
        .await
    }

    async fn of_role(
        &self,
        room: RoomId,
        role: RoomRole,
        after: Option<MemberPlace>,
        limit: usize,
    ) -> Result<Vec<Member>, StoreError> {
        let (room, role, limit) = (room.as_uuid(), role.encode(), integer::limit(limit));
        self.read(move |db| match after {
            None => many(db, OF_ROLE, params![room, role, limit], read),
            Some(MemberPlace { joined_at, user_id }) => {
                many(db, OF_ROLE_AFTER, params![room, role, limit, joined_at.0, user_id.as_uuid()], read)
            }
        })
        .await
    }
}

/// Uses an invite of the room once, whose maker may still invite.
fn spend(db: &Connection, room: RoomId, hash: &SecretHash, now: UnixMillis) -> Result<(), Failed> {
    let found = room_invites::find(db, hash)?.filter(|invite| invite.room_id == room);
    let holds = match &found {
        Some(invite) => may_invite(ranks::of(db, room, invite.by)?, rooms::may_members_invite(db, room)?),
        None => false,
    };
    if !holds || !room_invites::spend(db, hash, now)? {
        return Err(StoreError::InviteOver.into());
    }
    Ok(())
}
