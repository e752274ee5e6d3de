//! Schedules in SQLite.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{FileId, MessageId, RoomId, ScheduleId, UserId};
use rookery_store::job::Lease;
use rookery_store::schedule::{Outcome, Schedule, ScheduleChange, ScheduleState};
use rookery_store::{Schedules, StoreError, integer};
use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use super::Sqlite;
use super::sql::{change, many, one, statements};
use crate::enum_codec::EnumCodec as _;
use crate::error::Failed;

statements! {
    INSERT = "INSERT INTO schedules (id, room_id, owner_id, content, reply_to, send_at, state, pending, due_at, attempts,
                  doubtful, created_at, files)
              VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
    PENDING = "SELECT count(*) FROM (SELECT 1 FROM schedules WHERE owner_id = ?1 AND pending = 1 LIMIT ?2)";
    GET = "SELECT * FROM schedules WHERE id = ?1";
    PAGE = "SELECT * FROM schedules WHERE owner_id = ?1 AND room_id = ?2 AND id < ?3 ORDER BY id DESC LIMIT ?4";
    OF_USER = "SELECT * FROM schedules WHERE owner_id = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3";
    CHANGE = "UPDATE schedules SET content = ?2, send_at = ?3, reply_to = ?4, due_at = ?5, files = ?6
              WHERE id = ?1 AND state = 'scheduled' RETURNING *";
    REMOVE = "DELETE FROM schedules WHERE id = ?1 AND state <> 'sending'";
    DUE = "SELECT id FROM schedules WHERE pending = 1 AND due_at <= ?1 ORDER BY due_at LIMIT ?2";
    LEASE = "UPDATE schedules SET state = 'sending', lease = ?2, due_at = ?3, attempts = attempts + 1
             WHERE id = ?1 RETURNING *";
    SETTLE = "UPDATE schedules SET state = ?3, pending = ?4, due_at = ?5, doubtful = ?6, message_id = ?7, error = ?8,
                  lease = NULL
              WHERE id = ?1 AND lease = ?2 AND state = 'sending'";
    PURGE = "DELETE FROM schedules WHERE id IN (SELECT id FROM schedules WHERE pending = 0 AND due_at < ?1 LIMIT ?2)";
    ERASE_ABOUT = "DELETE FROM schedules WHERE owner_id = ?1";
    ERASE_ROOM = "DELETE FROM schedules WHERE id IN (SELECT id FROM schedules WHERE room_id = ?1 LIMIT ?2)";
}

#[async_trait]
impl Schedules for Sqlite {
    async fn insert(&self, schedule: &Schedule, most: usize) -> Result<bool, StoreError> {
        let new = schedule.clone();
        self.write(move |db| {
            let count = |row: &Row<'_>| Ok(row.get::<_, i64>(0)?);
            let pending = one(db, PENDING, params![new.owner.as_uuid(), integer::limit(most)], count)?;
            if pending.unwrap_or_default() >= integer::limit(most) {
                return Ok(false);
            }
            let row = params![
                new.id.as_uuid(),
                new.room.as_uuid(),
                new.owner.as_uuid(),
                new.content,
                new.reply_to.map(MessageId::as_uuid),
                new.send_at.0,
                new.state.encode(),
                new.state.is_pending(),
                new.due_at.0,
                new.attempts,
                new.is_doubtful,
                new.created_at.0,
                written(&new.files),
            ];
            change(db, INSERT, row).map(|_| true)
        })
        .await
    }

    async fn get(&self, id: ScheduleId) -> Result<Option<Schedule>, StoreError> {
        self.read(move |db| one(db, GET, [id.as_uuid()], read)).await
    }

    async fn page(
        &self,
        owner: UserId,
        room: RoomId,
        before: Option<ScheduleId>,
        limit: usize,
    ) -> Result<Vec<Schedule>, StoreError> {
        let row = (
            owner.as_uuid(),
            room.as_uuid(),
            before.map_or(Uuid::max(), ScheduleId::as_uuid),
            integer::limit(limit),
        );
        self.read(move |db| many(db, PAGE, row, read)).await
    }

    async fn of_user(
        &self,
        owner: UserId,
        before: Option<ScheduleId>,
        limit: usize,
    ) -> Result<Vec<Schedule>, StoreError> {
        let row = (owner.as_uuid(), before.map_or(Uuid::max(), ScheduleId::as_uuid), integer::limit(limit));
        self.read(move |db| many(db, OF_USER, row, read)).await
    }

    async fn change(&self, id: ScheduleId, change: &ScheduleChange) -> Result<Option<Schedule>, StoreError> {
        let ScheduleChange { content, send_at, reply_to, files } = change.clone();
        self.write(move |db| {
            let Some(now) = one(db, GET, [id.as_uuid()], read)? else { return Ok(None) };
            let due_at = send_at.unwrap_or(now.due_at);
            let (content, send_at) = (content.unwrap_or(now.content), send_at.unwrap_or(now.send_at));
            let reply_to = reply_to.applied_to(now.reply_to).map(MessageId::as_uuid);
            let files = written(&files.unwrap_or(now.files));
            one(db, CHANGE, params![id.as_uuid(), content, send_at.0, reply_to, due_at.0, files], read)
        })
        .await
    }

    async fn remove(&self, id: ScheduleId) -> Result<bool, StoreError> {
        self.write(move |db| Ok(change(db, REMOVE, [id.as_uuid()])? == 1)).await
    }

    async fn claim(&self, lease: Lease, now: UnixMillis, limit: usize) -> Result<Vec<Schedule>, StoreError> {
        let limit = integer::limit(limit);
        // Most looks find nothing, and need not wait for the writer.
        if limit == 0 || self.read(move |db| many(db, DUE, params![now.0, 1], id)).await?.is_empty() {
            return Ok(Vec::new());
        }
        self.write(move |db| {
            let due = many(db, DUE, params![now.0, limit], id)?;
            let leased = due
                .into_iter()
                .filter_map(|id| one(db, LEASE, params![id, lease.id, lease.until.0], read).transpose());
            leased.collect()
        })
        .await
    }

    async fn settle(&self, id: ScheduleId, lease: Uuid, outcome: &Outcome) -> Result<bool, StoreError> {
        let outcome = outcome.clone();
        self.write(move |db| settle(db, id, lease, outcome)).await
    }

    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError> {
        self.write(move |db| change(db, PURGE, params![before.0, integer::limit(limit)])).await
    }

    async fn erase_about(&self, user: UserId) -> Result<u64, StoreError> {
        let gone = self.write(move |db| change(db, ERASE_ABOUT, [user.as_uuid()])).await?;
        Ok(u64::try_from(gone).unwrap_or(u64::MAX))
    }

    async fn erase_room(&self, room: RoomId, limit: usize) -> Result<usize, StoreError> {
        self.write(move |db| change(db, ERASE_ROOM, params![room.as_uuid(), integer::limit(limit)]))
            .await
    }
}

fn settle(db: &Connection, id: ScheduleId, lease: Uuid, outcome: Outcome) -> Result<bool, Failed> {
    let is_doubtful = matches!(outcome, Outcome::Doubtful(_));
    let (state, due_at, message, error) = match outcome {
        Outcome::Sent(message, until) => (ScheduleState::Sent, until, Some(message.as_uuid()), None),
        Outcome::Failed(code, until) => (ScheduleState::Failed, until, None, Some(code)),
        Outcome::Again(at) => (ScheduleState::Scheduled, at, None, None),
        Outcome::Doubtful(at) => (ScheduleState::Sending, at, None, None),
    };
    let row = params![id.as_uuid(), lease, state.encode(), state.is_pending(), due_at.0, is_doubtful, message, error];
    Ok(change(db, SETTLE, row)? == 1)
}

fn id(row: &Row<'_>) -> Result<Uuid, Failed> {
    Ok(row.get("id")?)
}

/// Ids with spaces between them.
fn written(files: &[FileId]) -> String {
    files.iter().map(FileId::to_string).collect::<Vec<_>>().join(" ")
}

fn files(text: &str) -> Result<Vec<FileId>, Failed> {
    let files = text.split_whitespace().map(str::parse).collect::<Result<_, _>>();
    Ok(files.map_err(|_| StoreError::Inconsistent("files of a schedule".to_owned()))?)
}

fn read(row: &Row<'_>) -> Result<Schedule, Failed> {
    Ok(Schedule {
        id: ScheduleId::from_uuid(row.get("id")?),
        room: RoomId::from_uuid(row.get("room_id")?),
        owner: UserId::from_uuid(row.get("owner_id")?),
        content: row.get("content")?,
        reply_to: row.get::<_, Option<Uuid>>("reply_to")?.map(MessageId::from_uuid),
        files: files(&row.get::<_, String>("files")?)?,
        send_at: UnixMillis(row.get("send_at")?),
        state: ScheduleState::decode(&row.get::<_, String>("state")?)?,
        due_at: UnixMillis(row.get("due_at")?),
        attempts: row.get("attempts")?,
        is_doubtful: row.get("doubtful")?,
        message: row.get::<_, Option<Uuid>>("message_id")?.map(MessageId::from_uuid),
        error: row.get("error")?,
        created_at: UnixMillis(row.get("created_at")?),
    })
}
