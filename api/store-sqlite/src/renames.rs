//! Names, addresses and reactions of before there were rules for them, see [`rookery_store::renames`]. Runs once, inside the
//! transaction of its step.

use rookery_protocol::access::Visibility;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::emoji::Emoji;
use rookery_protocol::id::{RoomId, Slug, UserId};
use rookery_store::renames::{self, NamedRoom, OldAddress, OldRoom};
use rusqlite::{Connection, Row, params};

use super::sql::{change, many};
use crate::enum_codec::EnumCodec;
use crate::error::Failed;

const ROOMS: &str = "SELECT id, slug, name, description, visibility, created_at FROM rooms";
const NAME: &str = "UPDATE rooms SET slug = ?2, name = ?3, description = ?4, name_key = ?5 WHERE id = ?1";
const NAMES_ARE_UNIQUE: &str = "CREATE UNIQUE INDEX rooms_name_key ON rooms (name_key) WHERE name_key IS NOT NULL";
const ADDRESSES: &str = "SELECT id, email, email_key, created_at FROM users";
const ADDRESS: &str = "UPDATE users SET email_key = ?2 WHERE id = ?1";
const EMOJIS: &str = "SELECT DISTINCT emoji FROM reactions";
const MERGE: &str = "INSERT INTO reactions (message_id, user_id, emoji, epoch, seq, active, taken_back_at)
    SELECT message_id, user_id, ?2, epoch, seq, active, taken_back_at FROM reactions WHERE emoji = ?1
    ON CONFLICT (message_id, user_id, emoji) DO UPDATE
    SET epoch = excluded.epoch, seq = excluded.seq, active = excluded.active, taken_back_at = excluded.taken_back_at
    WHERE (epoch, seq) < (excluded.epoch, excluded.seq)";
const FORGET: &str = "DELETE FROM reactions WHERE emoji = ?1";

/// Brings them up to the rules of today.
pub(super) fn run(db: &Connection) -> Result<(), Failed> {
    name_rooms(db)?;
    name_addresses(db)?;
    name_reactions(db)
}

fn name_rooms(db: &Connection) -> Result<(), Failed> {
    let named = renames::rooms(many(db, ROOMS, [], old_room)?);
    for NamedRoom { id, slug, name, description, key, renamed } in named {
        let row = params![id.as_uuid(), slug.as_ref().map(Slug::as_str), name.as_str(), description.as_str(), key];
        change(db, NAME, row)?;
        if renamed {
            tracing::warn!(room_id = %id, "room has another name or address: its own was taken, reserved, or not visible");
        }
    }
    Ok(db.execute_batch(NAMES_ARE_UNIQUE)?)
}

fn old_room(row: &Row<'_>) -> Result<OldRoom, Failed> {
    Ok(OldRoom {
        id: RoomId::from_uuid(row.get("id")?),
        slug: row.get("slug")?,
        name: row.get("name")?,
        description: row.get("description")?,
        visibility: Visibility::decode(&row.get::<_, String>("visibility")?)?,
        created_at: UnixMillis(row.get("created_at")?),
    })
}

fn name_addresses(db: &Connection) -> Result<(), Failed> {
    let old = |row: &Row<'_>| -> Result<OldAddress, Failed> {
        Ok(OldAddress {
            id: UserId::from_uuid(row.get("id")?),
            email: row.get("email")?,
            key: row.get("email_key")?,
            created_at: UnixMillis(row.get("created_at")?),
        })
    };
    for (user, key) in renames::addresses(many(db, ADDRESSES, [], old)?) {
        change(db, ADDRESS, params![user.as_uuid(), key])?;
    }
    Ok(())
}

/// Forms of one emoji become one reaction, by the last word of its user; what is none goes.
fn name_reactions(db: &Connection) -> Result<(), Failed> {
    for old in many(db, EMOJIS, [], |row| Ok(row.get::<_, String>(0)?))? {
        let emoji = Emoji::kept(old.clone());
        if emoji.is_known() && emoji.as_str() == old {
            continue;
        }
        if emoji.is_known() {
            change(db, MERGE, [old.as_str(), emoji.as_str()])?;
        }
        change(db, FORGET, [old])?;
    }
    Ok(())
}
