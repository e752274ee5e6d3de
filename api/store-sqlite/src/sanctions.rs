//! Sanctions in SQLite. One savepoint of the writer holds all of a sanction.

use std::collections::HashMap;

use async_trait::async_trait;
use rookery_protocol::access::outranks;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{RoomId, UserId};
use rookery_store::sanction::{Sanction, SanctionAction};
use rookery_store::{Announcement, Cause, Sanctions, StoreError, integer};
use rusqlite::{Connection, Row, params};

use super::sql::{change, many, one, statements};
use super::{Sqlite, member_rows, outbox, ranks, rooms};
use crate::error::Failed;

statements! {
    GET = "SELECT * FROM sanctions WHERE room_id = ?1 AND user_id = ?2";
    PUT = "INSERT INTO sanctions (room_id, user_id, muted_until, banned_until) VALUES (?1, ?2, ?3, ?4)
           ON CONFLICT (room_id, user_id) DO UPDATE SET muted_until = ?3, banned_until = ?4";
    MUTES_OVER = "SELECT * FROM sanctions WHERE muted_until <= ?1 AND muted_until IS NOT NULL LIMIT ?2";
    BANS_OVER = "SELECT * FROM sanctions WHERE banned_until <= ?1 AND banned_until IS NOT NULL LIMIT ?2";
    OF_ROOM = "SELECT * FROM sanctions WHERE room_id = ?1 ORDER BY user_id LIMIT ?2";
    OF_ROOM_AFTER = "SELECT * FROM sanctions WHERE room_id = ?1 AND user_id > ?3 ORDER BY user_id LIMIT ?2";
    AGAINST = "SELECT * FROM sanctions WHERE user_id = ?1 LIMIT ?2";
}

#[async_trait]
impl Sanctions for Sqlite {
    async fn get(&self, room: RoomId, user: UserId) -> Result<Sanction, StoreError> {
        self.read(move |db| read(db, room, user)).await
    }

    async fn among(&self, places: &[(RoomId, UserId)]) -> Result<HashMap<(RoomId, UserId), Sanction>, StoreError> {
        let places = places.to_vec();
        self.read(move |db| places.into_iter().map(|place| Ok((place, read(db, place.0, place.1)?))).collect())
            .await
    }

    async fn apply(
        &self,
        room: RoomId,
        user: UserId,
        action: SanctionAction,
        cause: Cause<'_>,
    ) -> Result<Option<Announcement>, StoreError> {
        let (event, is_ranked) = (cause.event().clone(), cause.is_ranked());
        self.write(move |db| {
            if rooms::is_closed(db, room)? {
                return Err(StoreError::Closed.into());
            }
            if is_ranked && !outranks(ranks::of(db, room, event.user_id)?, ranks::of(db, room, user)?) {
                return Err(StoreError::Outranked.into());
            }
            if action.expels() && rooms::owner(db, room)? == Some(user) {
                return Err(StoreError::OwnerStays.into());
            }
            let before = read(db, room, user)?;
            let after = action.apply(before);
            let removed = action.expels() && member_rows::remove(db, room, user)?;
            if before != after {
                let (muted, banned) = (after.muted.map(integer::stored_until), after.banned.map(integer::stored_until));
                change(db, PUT, params![room.as_uuid(), user.as_uuid(), muted, banned])?;
            }
            outbox::announce(db, usize::from(removed || before != after), room, event)
        })
        .await
    }

    async fn over(&self, at: UnixMillis, limit: usize) -> Result<Vec<(RoomId, UserId, Sanction)>, StoreError> {
        let place = |row: &Row<'_>| {
            let (room, user) = (row.get("room_id")?, row.get("user_id")?);
            Ok((RoomId::from_uuid(room), UserId::from_uuid(user), sanction(row)?))
        };
        self.read(move |db| {
            let mut found = many(db, MUTES_OVER, params![at.0, integer::limit(limit)], place)?;
            found.extend(many(db, BANS_OVER, params![at.0, integer::limit(limit)], place)?);
            Ok(found)
        })
        .await
    }

    async fn of_room(
        &self,
        room: RoomId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<(UserId, Sanction)>, StoreError> {
        let (room, limit) = (room.as_uuid(), integer::limit(limit));
        let row = |row: &Row<'_>| Ok((UserId::from_uuid(row.get("user_id")?), sanction(row)?));
        self.read(move |db| match after {
            None => many(db, OF_ROOM, params![room, limit], row),
            Some(after) => many(db, OF_ROOM_AFTER, params![room, limit, after.as_uuid()], row),
        })
        .await
    }

    async fn against(&self, user: UserId, limit: usize) -> Result<Vec<(RoomId, Sanction)>, StoreError> {
        let row = |row: &Row<'_>| Ok((RoomId::from_uuid(row.get("room_id")?), sanction(row)?));
        self.read(move |db| many(db, AGAINST, params![user.as_uuid(), integer::limit(limit)], row))
            .await
    }
}

/// What holds against the user; nothing if nothing was ever decided.
pub(super) fn read(db: &Connection, room: RoomId, user: UserId) -> Result<Sanction, Failed> {
    Ok(one(db, GET, [room.as_uuid(), user.as_uuid()], sanction)?.unwrap_or_default())
}

fn sanction(row: &Row<'_>) -> Result<Sanction, Failed> {
    let until = |column: &str| -> Result<_, Failed> { Ok(row.get::<_, Option<i64>>(column)?.map(integer::read_until)) };
    Ok(Sanction { muted: until("muted_until")?, banned: until("banned_until")? })
}
