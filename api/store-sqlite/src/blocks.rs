//! Who has blocked whom, in SQLite.

use std::collections::HashSet;

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::Event;
use rookery_protocol::id::{RoomId, UserId};
use rookery_store::room::Pair;
use rookery_store::{Announcement, Blocks, StoreError, integer};
use rusqlite::{Connection, params};
use uuid::Uuid;

use super::sql::{change, many, one, statements};
use super::{Sqlite, rooms, sql};
use crate::error::Failed;

statements! {
    PUT = "INSERT INTO blocks (by_user, user_id, created_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    REMOVE = "DELETE FROM blocks WHERE by_user = ?1 AND user_id = ?2";
    IS_BLOCKED = "SELECT 1 FROM blocks WHERE by_user = ?1 AND user_id = ?2";
    BETWEEN = "SELECT 1 FROM blocks WHERE by_user = ?1 AND user_id = ?2
               UNION ALL SELECT 1 FROM blocks WHERE by_user = ?2 AND user_id = ?1";
    PAGE = "SELECT user_id, created_at FROM blocks WHERE by_user = ?1 AND user_id > ?2 ORDER BY user_id LIMIT ?3";
}

#[async_trait]
impl Blocks for Sqlite {
    async fn put(
        &self,
        by: UserId,
        user: UserId,
        at: UnixMillis,
        event: &Event,
    ) -> Result<Option<Announcement>, StoreError> {
        let event = event.clone();
        self.write(move |db| {
            let put = change(db, PUT, params![by.as_uuid(), user.as_uuid(), at.0])?;
            announce(db, put, RoomId::of_pair(by, user), event)
        })
        .await
    }

    async fn remove(&self, by: UserId, user: UserId, event: &Event) -> Result<Option<Announcement>, StoreError> {
        let event = event.clone();
        self.write(move |db| {
            let removed = change(db, REMOVE, params![by.as_uuid(), user.as_uuid()])?;
            announce(db, removed, RoomId::of_pair(by, user), event)
        })
        .await
    }

    async fn of_pairs(&self, pairs: &[Pair]) -> Result<HashSet<Pair>, StoreError> {
        let pairs = pairs.to_vec();
        let is_blocked = |db: &Connection, by: UserId, user: UserId| {
            Ok::<_, Failed>(one(db, IS_BLOCKED, [by.as_uuid(), user.as_uuid()], |_| Ok(()))?.is_some())
        };
        self.read(move |db| {
            let mut blocked = HashSet::new();
            for pair in pairs {
                let [low, high] = pair.both();
                if is_blocked(db, low, high)? || is_blocked(db, high, low)? {
                    blocked.insert(pair);
                }
            }
            Ok(blocked)
        })
        .await
    }

    async fn is_blocked(&self, by: UserId, user: UserId) -> Result<bool, StoreError> {
        let found = self.read(move |db| one(db, IS_BLOCKED, params![by.as_uuid(), user.as_uuid()], |_| Ok(())));
        Ok(found.await?.is_some())
    }

    async fn between(&self, one: UserId, others: &[UserId]) -> Result<Vec<UserId>, StoreError> {
        let others = others.to_vec();
        self.read(move |db| {
            let mut found = Vec::new();
            for other in others {
                if sql::one(db, BETWEEN, [one.as_uuid(), other.as_uuid()], |_| Ok(()))?.is_some() {
                    found.push(other);
                }
            }
            Ok(found)
        })
        .await
    }

    async fn page(
        &self,
        by: UserId,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<Vec<(UserId, UnixMillis)>, StoreError> {
        let after = after.map_or(Uuid::nil(), UserId::as_uuid);
        self.read(move |db| {
            many(db, PAGE, params![by.as_uuid(), after, integer::limit(limit)], |row| {
                Ok((UserId::from_uuid(row.get("user_id")?), UnixMillis(row.get("created_at")?)))
            })
        })
        .await
    }
}

/// Tells the direct room of the two, if there is one and something changed.
fn announce(db: &Connection, changed: usize, room: RoomId, event: Event) -> Result<Option<Announcement>, Failed> {
    if changed == 0 || !rooms::is_there(db, room)? {
        return Ok(None);
    }
    rooms::announce_again(db, room, event).map(Some)
}
