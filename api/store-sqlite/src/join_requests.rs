//! Requests to be let into rooms, in SQLite.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{RoomId, UserId};
use rookery_store::joining::{Asked, JoinRequest, OwnRequestPlace, RequestPlace, RequestState, follows};
use rookery_store::{JoinRequests, StoreError, integer};
use rusqlite::{Connection, Row, params};

use super::Sqlite;
use super::sql::{change, many, one, parsed_optional, statements};
use crate::enum_codec::EnumCodec as _;
use crate::error::Failed;

statements! {
    PUT = "INSERT INTO join_requests (room_id, user_id, message, created_at, state) VALUES (?1, ?2, ?3, ?4, ?5)
           ON CONFLICT (room_id, user_id) DO UPDATE
           SET message = ?3, created_at = ?4, state = ?5, decided_at = NULL";
    GET = "SELECT * FROM join_requests WHERE room_id = ?1 AND user_id = ?2";
    WAITING = "SELECT count(*) FROM (SELECT 1 FROM join_requests WHERE room_id = ?1 AND state = ?2 LIMIT ?3)";
    OF_ROOM = "SELECT * FROM join_requests WHERE room_id = ?1 AND state = ?2 ORDER BY created_at, user_id LIMIT ?3";
    OF_ROOM_AFTER = "SELECT * FROM join_requests WHERE room_id = ?1 AND state = ?2 AND (created_at, user_id) > (?4, ?5)
                     ORDER BY created_at, user_id LIMIT ?3";
    OF_USER = "SELECT * FROM join_requests WHERE user_id = ?1 AND state = ?2 ORDER BY created_at, room_id LIMIT ?3";
    OF_USER_AFTER = "SELECT * FROM join_requests WHERE user_id = ?1 AND state = ?2 AND (created_at, room_id) > (?4, ?5)
                     ORDER BY created_at, room_id LIMIT ?3";
    DECIDE = "UPDATE join_requests SET state = ?4, decided_at = ?5 WHERE room_id = ?1 AND user_id = ?2 AND state = ?3";
    WITHDRAW = "DELETE FROM join_requests WHERE room_id = ?1 AND user_id = ?2 AND state = ?3";
    PURGE = "DELETE FROM join_requests WHERE (room_id, user_id) IN
             (SELECT room_id, user_id FROM join_requests WHERE decided_at < ?1 LIMIT ?2)";
}

const OPEN: RequestState = RequestState::Open;

#[async_trait]
impl JoinRequests for Sqlite {
    async fn ask(&self, request: &JoinRequest, denied_before: UnixMillis, most: usize) -> Result<Asked, StoreError> {
        let new = request.clone();
        self.write(move |db| {
            let (room, user) = (new.room_id.as_uuid(), new.user_id.as_uuid());
            let before = one(db, GET, [room, user], read)?;
            if let Some(asked) = follows(before.as_ref(), denied_before) {
                return Ok(asked);
            }
            let waiting = one(db, WAITING, params![room, OPEN.encode(), integer::limit(most)], |row| Ok(row.get(0)?))?;
            if integer::limit(most) <= waiting.unwrap_or(0_i64) {
                return Ok(Asked::Crowded);
            }
            let message = new.message.as_ref().map(rookery_store::joining::JoinMessage::as_str);
            change(db, PUT, params![room, user, message, new.created_at.0, OPEN.encode()])?;
            Ok(Asked::New)
        })
        .await
    }

    async fn get(&self, room: RoomId, user: UserId) -> Result<Option<JoinRequest>, StoreError> {
        self.read(move |db| one(db, GET, [room.as_uuid(), user.as_uuid()], read)).await
    }

    async fn of_room(
        &self,
        room: RoomId,
        after: Option<RequestPlace>,
        limit: usize,
    ) -> Result<Vec<JoinRequest>, StoreError> {
        let (room, limit) = (room.as_uuid(), integer::limit(limit));
        self.read(move |db| match after {
            None => many(db, OF_ROOM, params![room, OPEN.encode(), limit], read),
            Some(place) => {
                let after = (place.created_at.0, place.user_id.as_uuid());
                many(db, OF_ROOM_AFTER, params![room, OPEN.encode(), limit, after.0, after.1], read)
            }
        })
        .await
    }

    async fn of_user(
        &self,
        user: UserId,
        after: Option<OwnRequestPlace>,
        limit: usize,
    ) -> Result<Vec<JoinRequest>, StoreError> {
        let (user, limit) = (user.as_uuid(), integer::limit(limit));
        self.read(move |db| match after {
            None => many(db, OF_USER, params![user, OPEN.encode(), limit], read),
            Some(OwnRequestPlace { created_at, room_id }) => {
                many(db, OF_USER_AFTER, params![user, OPEN.encode(), limit, created_at.0, room_id.as_uuid()], read)
            }
        })
        .await
    }

    async fn deny(&self, room: RoomId, user: UserId, at: UnixMillis) -> Result<bool, StoreError> {
        self.write(move |db| decide(db, room, user, RequestState::Denied, at)).await
    }

    async fn withdraw(&self, room: RoomId, user: UserId) -> Result<bool, StoreError> {
        self.write(move |db| Ok(change(db, WITHDRAW, params![room.as_uuid(), user.as_uuid(), OPEN.encode()])? == 1))
            .await
    }

    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError> {
        self.write(move |db| change(db, PURGE, params![before.0, integer::limit(limit)])).await
    }
}

/// Decides about an open one, as part of a change; says whether there was one.
pub(super) fn decide(
    db: &Connection,
    room: RoomId,
    user: UserId,
    state: RequestState,
    at: UnixMillis,
) -> Result<bool, Failed> {
    let row = params![room.as_uuid(), user.as_uuid(), OPEN.encode(), state.encode(), at.0];
    Ok(change(db, DECIDE, row)? == 1)
}

fn read(row: &Row<'_>) -> Result<JoinRequest, Failed> {
    Ok(JoinRequest {
        room_id: RoomId::from_uuid(row.get("room_id")?),
        user_id: UserId::from_uuid(row.get("user_id")?),
        message: parsed_optional(row, "message")?,
        created_at: UnixMillis(row.get("created_at")?),
        state: RequestState::decode(&row.get::<_, String>("state")?)?,
        decided_at: row.get::<_, Option<i64>>("decided_at")?.map(UnixMillis),
    })
}
