//! Jobs in SQLite.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{JobId, UserId};
use rookery_store::job::{Failure, Job, JobState, Lease, NewJob, Then};
use rookery_store::{Jobs, StoreError, integer};
use rusqlite::{Row, params};
use uuid::Uuid;

use super::Sqlite;
use super::sql::{change, many, one, statements};
use crate::enum_codec::EnumCodec;
use crate::error::Failed;

statements! {
    ADD = "INSERT INTO jobs (id, kind, key, about, payload, state, attempts, created_at, due_at)
           VALUES (?1, ?2, ?3, ?4, ?5, 'open', 0, ?6, ?7) ON CONFLICT DO NOTHING";
    DUE = "SELECT id FROM jobs WHERE state = 'open' AND due_at <= ?1 ORDER BY due_at LIMIT ?2";
    LEASE = "UPDATE jobs SET lease = ?2, due_at = ?3, attempts = attempts + 1 WHERE id = ?1 RETURNING *";
    RENEW = "UPDATE jobs SET due_at = ?3 WHERE id = ?1 AND lease = ?2 AND state = 'open'";
    COMPLETE = "UPDATE jobs SET state = 'done', payload = '', lease = NULL, error = NULL, due_at = ?3
                WHERE id = ?1 AND lease = ?2 AND state = 'open'";
    FAIL = "UPDATE jobs SET state = ?3, lease = NULL, due_at = ?4, error = ?5
            WHERE id = ?1 AND lease = ?2 AND state = 'open'";
    RETRY = "UPDATE jobs SET state = 'open', attempts = 0, due_at = ?2 WHERE id = ?1 AND state = 'dead'";
    BY_KEY = "SELECT * FROM jobs WHERE key = ?1";
    PAGE = "SELECT * FROM jobs WHERE state = ?1 AND id > ?2 ORDER BY id LIMIT ?3";
    COUNT = "SELECT count(*) FROM (SELECT 1 FROM jobs WHERE state = ?1 LIMIT ?2)";
    PURGE = "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE state = ?1 AND due_at < ?2 LIMIT ?3)";
    ERASE_ABOUT = "DELETE FROM jobs WHERE about = ?1";
}

#[async_trait]
impl Jobs for Sqlite {
    async fn add(&self, job: &NewJob) -> Result<bool, StoreError> {
        let job = job.clone();
        self.write(move |db| {
            let NewJob { id, kind, key, about, payload, created_at, due_at } = job;
            let about = about.map(UserId::as_uuid);
            let row = params![id.as_uuid(), kind, key, about, payload, created_at.0, due_at.0];
            Ok(change(db, ADD, row)? == 1)
        })
        .await
    }

    async fn claim(&self, lease: Lease, now: UnixMillis, limit: usize) -> Result<Vec<Job>, StoreError> {
        let limit = integer::limit(limit);
        // Most looks find nothing, and need not wait for the writer.
        let due = self.read(move |db| many(db, DUE, params![now.0, 1], id)).await?;
        if due.is_empty() || limit == 0 {
            return Ok(Vec::new());
        }
        self.write(move |db| {
            let due = many(db, DUE, params![now.0, limit], id)?;
            let leased = due
                .into_iter()
                .filter_map(|id| one(db, LEASE, params![id, lease.id, lease.until.0], job).transpose());
            leased.collect()
        })
        .await
    }

    async fn renew(&self, job: JobId, lease: Lease) -> Result<bool, StoreError> {
        self.write(move |db| Ok(change(db, RENEW, params![job.as_uuid(), lease.id, lease.until.0])? == 1))
            .await
    }

    async fn complete(&self, job: JobId, lease: Uuid, known_until: UnixMillis) -> Result<bool, StoreError> {
        self.write(move |db| Ok(change(db, COMPLETE, params![job.as_uuid(), lease, known_until.0])? == 1))
            .await
    }

    async fn fail(&self, job: JobId, lease: Uuid, failure: &Failure) -> Result<bool, StoreError> {
        let error = failure.error.clone();
        let (state, due_at) = match failure.then {
            Then::Again(at) => (JobState::Open, at),
            Then::Dead(until) => (JobState::Dead, until),
        };
        self.write(move |db| {
            let row = params![job.as_uuid(), lease, state.encode(), due_at.0, error];
            Ok(change(db, FAIL, row)? == 1)
        })
        .await
    }

    async fn retry(&self, job: JobId, now: UnixMillis) -> Result<bool, StoreError> {
        self.write(move |db| Ok(change(db, RETRY, params![job.as_uuid(), now.0])? == 1)).await
    }

    async fn by_keys(&self, keys: &[String]) -> Result<Vec<Job>, StoreError> {
        let keys = keys.to_vec();
        self.read(move |db| keys.into_iter().filter_map(|key| one(db, BY_KEY, [key], job).transpose()).collect())
            .await
    }

    async fn page(&self, state: JobState, after: Option<JobId>, limit: usize) -> Result<Vec<Job>, StoreError> {
        let after = after.map_or(Uuid::nil(), JobId::as_uuid);
        self.read(move |db| many(db, PAGE, params![state.encode(), after, integer::limit(limit)], job))
            .await
    }

    async fn count(&self, state: JobState, most: usize) -> Result<usize, StoreError> {
        let counted = self.read(move |db| {
            let row = params![state.encode(), integer::limit(most)];
            one(db, COUNT, row, |row| Ok(row.get::<_, i64>(0)?))
        });
        Ok(usize::try_from(counted.await?.unwrap_or_default()).unwrap_or_default())
    }

    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError> {
        self.write(move |db| {
            let done = change(db, PURGE, params![JobState::Done.encode(), before.0, integer::limit(limit)])?;
            let left = integer::limit(limit.saturating_sub(done));
            Ok(done + change(db, PURGE, params![JobState::Dead.encode(), before.0, left])?)
        })
        .await
    }

    async fn erase_about(&self, user: UserId) -> Result<usize, StoreError> {
        self.write(move |db| change(db, ERASE_ABOUT, [user.as_uuid()])).await
    }
}

fn id(row: &Row<'_>) -> Result<Uuid, Failed> {
    Ok(row.get("id")?)
}

fn job(row: &Row<'_>) -> Result<Job, Failed> {
    Ok(Job {
        id: JobId::from_uuid(row.get("id")?),
        kind: row.get("kind")?,
        key: row.get("key")?,
        about: row.get::<_, Option<Uuid>>("about")?.map(UserId::from_uuid),
        payload: row.get("payload")?,
        state: JobState::decode(&row.get::<_, String>("state")?)?,
        attempts: row.get("attempts")?,
        created_at: UnixMillis(row.get("created_at")?),
        due_at: UnixMillis(row.get("due_at")?),
        error: row.get("error")?,
    })
}
