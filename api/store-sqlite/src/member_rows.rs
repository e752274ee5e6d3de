//! Rows of members.

use rookery_protocol::access::RoomRole;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{Epoch, RoomId, Seq, UserId};
use rookery_protocol::position::Position;
use rookery_store::integer;
use rookery_store::room::Member;
use rusqlite::{Connection, Row};

use super::sql::statements;
use crate::enum_codec::EnumCodec as _;
use crate::error::Failed;
use crate::sql::change;

statements! {
    DELETE = "DELETE FROM members WHERE room_id = ?1 AND user_id = ?2";
}

pub(super) fn read(row: &Row<'_>) -> Result<Member, Failed> {
    Ok(Member {
        room_id: RoomId::from_uuid(row.get("room_id")?),
        user_id: UserId::from_uuid(row.get("user_id")?),
        role: RoomRole::decode(&row.get::<_, String>("role")?)?,
        joined_at: UnixMillis(row.get("joined_at")?),
        read: Position {
            epoch: Epoch(integer::read(row.get("read_epoch")?)?),
            seq: Seq::new(integer::read(row.get("read_seq")?)?),
        },
    })
}

/// Ends a membership, as part of a change; says whether there was one.
pub(super) fn remove(db: &Connection, room: RoomId, user: UserId) -> Result<bool, Failed> {
    Ok(change(db, DELETE, [room.as_uuid(), user.as_uuid()])? == 1)
}
