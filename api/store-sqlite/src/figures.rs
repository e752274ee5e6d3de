//! How much there is, in SQLite.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_store::figures::StoreFigures;
use rookery_store::{Figures, StoreError, integer};
use rusqlite::{Row, params};

use super::Sqlite;
use super::sql::{change, many, one, statements};
use crate::error::Failed;

statements! {
    ADD = "INSERT INTO message_days (day, messages) VALUES (?1, ?2)
           ON CONFLICT (day) DO UPDATE SET messages = messages + excluded.messages";
    NEWEST = "SELECT day, messages FROM message_days WHERE day > ?1 ORDER BY day DESC LIMIT ?2";
}

/// Each is counted over its smallest index. Asked by admins alone.
const COUNTS: [&str; 4] = [
    "SELECT count(*) FROM users",
    "SELECT count(*) FROM sessions",
    "SELECT count(*) FROM rooms",
    "SELECT count(*) FROM messages",
];
const BYTES: &str = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()";

#[async_trait]
impl Figures for Sqlite {
    async fn count(&self) -> Result<StoreFigures, StoreError> {
        self.read(move |db| {
            let number = |text| -> Result<u64, Failed> {
                let found = one(db, text, [], |row| Ok(row.get::<_, i64>(0)?))?;
                Ok(integer::read(found.unwrap_or(0))?)
            };
            let [users, sessions, rooms, events] = COUNTS;
            Ok(StoreFigures {
                users: number(users)?,
                sessions: number(sessions)?,
                rooms: number(rooms)?,
                events: number(events)?,
                bytes: number(BYTES)?,
            })
        })
        .await
    }

    async fn add_messages(&self, day: UnixMillis, messages: u64) -> Result<(), StoreError> {
        let row = (day.0, integer::bound(messages));
        self.write(move |db| change(db, ADD, row).map(drop)).await
    }

    async fn messages(&self, limit: usize) -> Result<Vec<(UnixMillis, u64)>, StoreError> {
        let read = |row: &Row<'_>| -> Result<(UnixMillis, u64), Failed> {
            Ok((UnixMillis(row.get("day")?), integer::read(row.get("messages")?)?))
        };
        self.read(move |db| many(db, NEWEST, params![i64::MIN, integer::limit(limit)], read))
            .await
    }
}
