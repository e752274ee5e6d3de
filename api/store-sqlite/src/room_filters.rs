//! Word filters of rooms, in SQLite.

use async_trait::async_trait;
use rookery_protocol::filter::FilterRules;
use rookery_protocol::id::RoomId;
use rookery_store::{RoomFilters, StoreError, filter_rules, integer};
use rusqlite::params;

use super::Sqlite;
use super::sql::{change, one, statements};

statements! {
    GET = "SELECT version, rules FROM room_filters WHERE room_id = ?1";
    REPLACE = "INSERT INTO room_filters (room_id, version, rules) VALUES (?1, 1, ?2)
               ON CONFLICT (room_id) DO UPDATE SET version = version + 1, rules = excluded.rules RETURNING version";
    REMOVE = "DELETE FROM room_filters WHERE room_id = ?1";
}

#[async_trait]
impl RoomFilters for Sqlite {
    async fn get(&self, room: RoomId) -> Result<Option<(u64, FilterRules)>, StoreError> {
        let found = self.read(move |db| {
            one(db, GET, [room.as_uuid()], |row| {
                Ok((integer::read(row.get("version")?)?, row.get::<_, String>("rules")?))
            })
        });
        let Some((version, rules)) = found.await? else { return Ok(None) };
        Ok(Some((version, filter_rules(&rules)?)))
    }

    async fn replace(&self, room: RoomId, rules: &FilterRules) -> Result<u64, StoreError> {
        let rules = rules.to_json();
        let version = self.write(move |db| {
            one(db, REPLACE, params![room.as_uuid(), rules], |row| Ok(integer::read(row.get("version")?)?))
        });
        version
            .await?
            .ok_or_else(|| StoreError::Inconsistent("a filter without a version".to_owned()))
    }

    async fn remove(&self, room: RoomId) -> Result<(), StoreError> {
        self.write(move |db| change(db, REMOVE, [room.as_uuid()]).map(drop)).await
    }
}
