//! Rows of members.

use rookery_protocol::access::RoomRole;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{Epoch, RoomId, Seq, UserId};
use rookery_protocol::position::Position;
use rookery_store::integer;
use rookery_store::room::Member;
use rusqlite::{Connection, Row, params};

use super::room_invites;
use super::sql::statements;
use crate::enum_codec::EnumCodec as _;
use crate::error::Failed;
use crate::sql::change;

statements! {
    INSERT = "INSERT INTO members (room_id, user_id, role, joined_at, read_epoch, read_seq)
              VALUES (?1, ?2, ?3, ?4, ?5, ?6)
              ON CONFLICT (room_id, user_id) DO NOTHING";
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

/// Ends a membership, and the invites of who had it, as part of a change; says whether there was one.
pub(super) fn remove(db: &Connection, room: RoomId, user: UserId) -> Result<bool, Failed> {
    let removed = change(db, DELETE, [room.as_uuid(), user.as_uuid()])? == 1;
    if removed {
        room_invites::end_of(db, room, user)?;
    }
    Ok(removed)
}

/// Adds a member who is none yet, as part of a change; says how many that were.
pub(super) fn insert(db: &Connection, member: &Member) -> Result<usize, Failed> {
    let (room, user) = (member.room_id.as_uuid(), member.user_id.as_uuid());
    let (epoch, seq) = (integer::stored(member.read.epoch.0)?, integer::stored(member.read.seq.get())?);
    change(db, INSERT, params![room, user, member.role.encode(), member.joined_at.0, epoch, seq])
}
