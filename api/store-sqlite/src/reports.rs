//! Reports of messages, in SQLite.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{MessageId, RoomId, UserId};
use rookery_store::report::{Report, ReportAction, ReportFilter, ReportReason, ReportState, Reported, Resolution};
use rookery_store::sanction::Reason;
use rookery_store::{Reports, StoreError, integer};
use rusqlite::{Row, params};
use uuid::Uuid;

use super::Sqlite;
use super::sql::{change, many, one, parsed_optional, statements};
use crate::enum_codec::EnumCodec;
use crate::error::Failed;

statements! {
    ADD = "INSERT INTO reports (id, room_id, message_id, author_id, reporter_id, reason, note, content, said_at, created_at,
               staff_only, state)
           VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    KNOWN = "SELECT id FROM reports WHERE reporter_id = ?1 AND message_id = ?2";
    WAITING = "SELECT count(*) FROM (SELECT 1 FROM reports WHERE reporter_id = ?1 AND state = ?2 LIMIT ?3)";
    BY_ID = "SELECT * FROM reports WHERE id = ?1";
    ANY = "SELECT * FROM reports WHERE id < ?1 AND (?2 OR staff_only = 0) ORDER BY id DESC LIMIT ?3";
    OF_STATE = "SELECT * FROM reports WHERE state = ?4 AND id < ?1 AND (?2 OR staff_only = 0) ORDER BY id DESC LIMIT ?3";
    OF_ROOM = "SELECT * FROM reports WHERE room_id = ?4 AND id < ?1 AND (?2 OR staff_only = 0) ORDER BY id DESC LIMIT ?3";
    OF_ROOM_AND_STATE = "SELECT * FROM reports WHERE room_id = ?4 AND state = ?5 AND id < ?1 AND (?2 OR staff_only = 0)
                         ORDER BY id DESC LIMIT ?3";
    MADE_BY = "SELECT * FROM reports WHERE reporter_id = ?1 ORDER BY message_id LIMIT ?2";
    MADE_BY_AFTER = "SELECT * FROM reports WHERE reporter_id = ?1 AND message_id > ?3 ORDER BY message_id LIMIT ?2";
    CLAIM = "UPDATE reports SET state = 'claimed', by_user = ?2, at = ?3
             WHERE id = ?1 AND (state = 'open' OR (state = 'claimed' AND (by_user = ?2 OR at < ?4)))";
    RESOLVE = "UPDATE reports SET state = 'resolved', at = ?3, resolved_at = ?3, action = ?4, answer = ?5
               WHERE id = ?1 AND state = 'claimed' AND by_user = ?2";
    COUNT = "SELECT count(*) FROM (SELECT 1 FROM reports WHERE state = ?1 LIMIT ?2)";
    ERASE_OF_REPORTER = "DELETE FROM reports WHERE reporter_id = ?1";
    ERASE_OF_AUTHOR = "DELETE FROM reports WHERE author_id = ?1";
    PURGE = "DELETE FROM reports WHERE id IN (SELECT id FROM reports WHERE resolved_at < ?1 LIMIT ?2)";
}

#[async_trait]
impl Reports for Sqlite {
    async fn add(&self, report: &Report, most: usize) -> Result<Reported, StoreError> {
        let new = report.clone();
        self.write(move |db| {
            let (reporter, message) = (new.reporter.as_uuid(), new.message.as_uuid());
            let id = |row: &Row<'_>| -> Result<Uuid, Failed> { Ok(row.get(0)?) };
            if let Some(known) = one(db, KNOWN, [reporter, message], id)? {
                return Ok(Reported::Known(known));
            }
            let row = params![reporter, ReportState::Open.encode(), integer::limit(most)];
            let waiting = one(db, WAITING, row, |row| Ok(row.get(0)?))?;
            if integer::limit(most) <= waiting.unwrap_or(0_i64) {
                return Ok(Reported::Crowded);
            }
            let row = params![
                new.id,
                new.room.as_uuid(),
                message,
                new.author.as_uuid(),
                reporter,
                new.reason.encode(),
                new.note.as_ref().map(Reason::as_str),
                new.content,
                new.said_at.0,
                new.created_at.0,
                new.staff_only,
                ReportState::Open.encode(),
            ];
            change(db, ADD, row)?;
            Ok(Reported::New(new.id))
        })
        .await
    }

    async fn by_id(&self, id: Uuid) -> Result<Option<Report>, StoreError> {
        self.read(move |db| one(db, BY_ID, [id], read)).await
    }

    async fn page(&self, filter: &ReportFilter, before: Option<Uuid>, limit: usize) -> Result<Vec<Report>, StoreError> {
        let ReportFilter { room, state, for_staff } = *filter;
        let (before, limit) = (before.unwrap_or(Uuid::max()), integer::limit(limit));
        let (room, state) = (room.map(RoomId::as_uuid), state.map(EnumCodec::encode));
        self.read(move |db| match (room, state) {
            (None, None) => many(db, ANY, params![before, for_staff, limit], read),
            (None, Some(state)) => many(db, OF_STATE, params![before, for_staff, limit, state], read),
            (Some(room), None) => many(db, OF_ROOM, params![before, for_staff, limit, room], read),
            (Some(room), Some(state)) => {
                many(db, OF_ROOM_AND_STATE, params![before, for_staff, limit, room, state], read)
            }
        })
        .await
    }

    async fn made_by(&self, user: UserId, after: Option<MessageId>, limit: usize) -> Result<Vec<Report>, StoreError> {
        let (user, limit) = (user.as_uuid(), integer::limit(limit));
        self.read(move |db| match after {
            None => many(db, MADE_BY, params![user, limit], read),
            Some(after) => many(db, MADE_BY_AFTER, params![user, limit, after.as_uuid()], read),
        })
        .await
    }

    async fn claim(&self, id: Uuid, by: UserId, at: UnixMillis, stale: UnixMillis) -> Result<bool, StoreError> {
        self.write(move |db| Ok(change(db, CLAIM, params![id, by.as_uuid(), at.0, stale.0])? == 1))
            .await
    }

    async fn resolve(&self, id: Uuid, resolution: &Resolution) -> Result<bool, StoreError> {
        let Resolution { by, at, action, answer } = resolution.clone();
        self.write(move |db| {
            let answer = answer.as_ref().map(Reason::as_str);
            Ok(change(db, RESOLVE, params![id, by.as_uuid(), at.0, action.encode(), answer])? == 1)
        })
        .await
    }

    async fn count(&self, state: ReportState, most: usize) -> Result<usize, StoreError> {
        let row = (state.encode(), integer::limit(most));
        let count = self.read(move |db| one(db, COUNT, row, |row| Ok(row.get::<_, i64>(0)?))).await?;
        Ok(usize::try_from(count.unwrap_or(0)).unwrap_or(0))
    }

    async fn erase_about(&self, user: UserId) -> Result<u64, StoreError> {
        let gone = self.write(move |db| {
            let made = change(db, ERASE_OF_REPORTER, [user.as_uuid()])?;
            Ok(made + change(db, ERASE_OF_AUTHOR, [user.as_uuid()])?)
        });
        Ok(u64::try_from(gone.await?).unwrap_or(u64::MAX))
    }

    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError> {
        self.write(move |db| change(db, PURGE, params![before.0, integer::limit(limit)])).await
    }
}

fn read(row: &Row<'_>) -> Result<Report, Failed> {
    let action: Option<String> = row.get("action")?;
    Ok(Report {
        id: row.get("id")?,
        room: RoomId::from_uuid(row.get("room_id")?),
        message: MessageId::from_uuid(row.get("message_id")?),
        author: UserId::from_uuid(row.get("author_id")?),
        reporter: UserId::from_uuid(row.get("reporter_id")?),
        reason: ReportReason::decode(&row.get::<_, String>("reason")?)?,
        note: parsed_optional(row, "note")?,
        content: row.get("content")?,
        said_at: UnixMillis(row.get("said_at")?),
        created_at: UnixMillis(row.get("created_at")?),
        staff_only: row.get("staff_only")?,
        state: ReportState::decode(&row.get::<_, String>("state")?)?,
        by: row.get::<_, Option<Uuid>>("by_user")?.map(UserId::from_uuid),
        at: row.get::<_, Option<i64>>("at")?.map(UnixMillis),
        action: action.as_deref().map(ReportAction::decode).transpose()?,
        answer: parsed_optional(row, "answer")?,
    })
}
