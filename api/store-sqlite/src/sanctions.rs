//! Sanctions in SQLite. One savepoint of the writer holds all of a sanction.

use std::collections::HashMap;

use async_trait::async_trait;
use rookery_protocol::event::Event;
use rookery_protocol::id::{RoomId, UserId};
use rookery_store::sanction::{Sanction, SanctionAction};
use rookery_store::{Announcement, Sanctions, StoreError, integer};
use rusqlite::{Connection, Row, params};

use super::sql::{change, one, statements};
use super::{Sqlite, member_rows, outbox};
use crate::error::Failed;

statements! {
    GET = "SELECT * FROM sanctions WHERE room_id = ?1 AND user_id = ?2";
    PUT = "INSERT INTO sanctions (room_id, user_id, muted_until, banned_until) VALUES (?1, ?2, ?3, ?4)
           ON CONFLICT (room_id, user_id) DO UPDATE SET muted_until = ?3, banned_until = ?4";
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
        event: &Event,
    ) -> Result<Option<Announcement>, StoreError> {
        let event = event.clone();
        self.write(move |db| {
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
}

/// What holds against the user; nothing if nothing was ever decided.
pub(super) fn read(db: &Connection, room: RoomId, user: UserId) -> Result<Sanction, Failed> {
    Ok(one(db, GET, [room.as_uuid(), user.as_uuid()], sanction)?.unwrap_or_default())
}

fn sanction(row: &Row<'_>) -> Result<Sanction, Failed> {
    let until = |column: &str| -> Result<_, Failed> { Ok(row.get::<_, Option<i64>>(column)?.map(integer::read_until)) };
    Ok(Sanction { muted: until("muted_until")?, banned: until("banned_until")? })
}
