//! How high users stand in rooms, as part of a change.

use rookery_protocol::access::{Rank, RoomRole};
use rookery_protocol::id::{RoomId, UserId};
use rookery_store::user::ServerRole;
use rusqlite::Connection;

use super::sql::{one, statements};
use crate::enum_codec::EnumCodec as _;
use crate::error::Failed;

statements! {
    ROLE = "SELECT role FROM members WHERE room_id = ?1 AND user_id = ?2";
    SERVER_ROLE = "SELECT role FROM users WHERE id = ?1 AND disabled = 0";
}

/// The user's rank in the room, at this moment.
pub(super) fn of(db: &Connection, room: RoomId, user: UserId) -> Result<Rank, Failed> {
    let text = |row: &rusqlite::Row<'_>| Ok(row.get::<_, String>(0)?);
    let role = one(db, ROLE, [room.as_uuid(), user.as_uuid()], text)?;
    let role = role.map(|text| RoomRole::decode(&text)).transpose()?;
    let server = one(db, SERVER_ROLE, [user.as_uuid()], text)?;
    let server = server.map(|text| ServerRole::decode(&text)).transpose()?;
    Ok(Rank::new(role, server.map(ServerRole::rank).unwrap_or_default()))
}
