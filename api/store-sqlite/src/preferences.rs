//! What users want of rooms, in SQLite.

use std::collections::HashMap;

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{RoomId, UserId};
use rookery_store::preference::{Notify, Preferences, PreferencesChange, RoomPreferences};
use rookery_store::{StoreError, integer};
use rusqlite::{Row, params};
use uuid::Uuid;

use super::Sqlite;
use super::sql::{change, many, one, statements};
use crate::enum_codec::EnumCodec;
use crate::error::Failed;

statements! {
    PUT = "INSERT INTO room_preferences (user_id, room_id, notify, muted_until, favourite, hidden, marked_unread)
           VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
           ON CONFLICT (user_id, room_id) DO UPDATE SET notify = excluded.notify, muted_until = excluded.muted_until,
               favourite = excluded.favourite, hidden = excluded.hidden, marked_unread = excluded.marked_unread";
    GET = "SELECT * FROM room_preferences WHERE user_id = ?1 AND room_id = ?2";
    OF_USER = "SELECT * FROM room_preferences WHERE user_id = ?1 LIMIT ?2";
}

impl EnumCodec for Notify {
    const ALL: &'static [Self] = &Self::ALL;

    fn encode(self) -> &'static str {
        self.as_str()
    }
}

#[async_trait]
impl Preferences for Sqlite {
    async fn change(
        &self,
        user: UserId,
        room: RoomId,
        wanted: &PreferencesChange,
    ) -> Result<RoomPreferences, StoreError> {
        let wanted = *wanted;
        self.write(move |db| {
            let before = one(db, GET, [user.as_uuid(), room.as_uuid()], read)?.unwrap_or_default();
            let after = wanted.applied_to(before);
            if after != before {
                let RoomPreferences { notify, muted_until, favourite, hidden, marked_unread } = after;
                let muted_until = muted_until.map(|until| until.0);
                let (user, room, notify) = (user.as_uuid(), room.as_uuid(), notify.map(Notify::encode));
                change(db, PUT, params![user, room, notify, muted_until, favourite, hidden, marked_unread])?;
            }
            Ok(after)
        })
        .await
    }

    async fn get(&self, user: UserId, room: RoomId) -> Result<RoomPreferences, StoreError> {
        let found = self.read(move |db| one(db, GET, [user.as_uuid(), room.as_uuid()], read));
        Ok(found.await?.unwrap_or_default())
    }

    async fn of_user(&self, user: UserId, limit: usize) -> Result<HashMap<RoomId, RoomPreferences>, StoreError> {
        let found = self.read(move |db| {
            many(db, OF_USER, params![user.as_uuid(), integer::limit(limit)], |row| {
                Ok((RoomId::from_uuid(row.get::<_, Uuid>("room_id")?), read(row)?))
            })
        });
        Ok(found.await?.into_iter().collect())
    }

    async fn among(
        &self,
        places: &[(RoomId, UserId)],
    ) -> Result<HashMap<(RoomId, UserId), RoomPreferences>, StoreError> {
        let places = places.to_vec();
        self.read(move |db| {
            let found = places.into_iter().filter_map(|(room, user)| {
                let found = one(db, GET, [user.as_uuid(), room.as_uuid()], read).transpose()?;
                Some(found.map(|found| ((room, user), found)))
            });
            found.collect()
        })
        .await
    }
}

fn read(row: &Row<'_>) -> Result<RoomPreferences, Failed> {
    Ok(RoomPreferences {
        notify: row
            .get::<_, Option<String>>("notify")?
            .map(|notify| Notify::decode(&notify))
            .transpose()?,
        muted_until: row.get::<_, Option<i64>>("muted_until")?.map(UnixMillis),
        favourite: row.get("favourite")?,
        hidden: row.get("hidden")?,
        marked_unread: row.get("marked_unread")?,
    })
}
