//! Answers to requests that are repeated, in SQLite.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::UserId;
use rookery_store::kept_answer::{KeyClaim, KeyHash, KeyState};
use rookery_store::{KeptAnswers, StoreError, integer};
use rusqlite::{Row, params};
use uuid::Uuid;

use super::Sqlite;
use super::sql::{change, one, statements};
use crate::error::Failed;

statements! {
    CLAIM = "INSERT INTO kept_answers (key, user_id, request, holder, at, until, expires_at)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (key) DO UPDATE SET request = ?3, holder = ?4, at = ?5, until = ?6, expires_at = ?7, answer = NULL
             WHERE expires_at <= ?5 OR (answer IS NULL AND until <= ?5)";
    GET = "SELECT request, answer FROM kept_answers WHERE key = ?1";
    RENEW = "UPDATE kept_answers SET until = ?3 WHERE key = ?1 AND holder = ?2 AND answer IS NULL";
    KEEP = "UPDATE kept_answers SET answer = ?3 WHERE key = ?1 AND holder = ?2 AND answer IS NULL";
    GIVE_UP = "DELETE FROM kept_answers WHERE key = ?1 AND holder = ?2 AND answer IS NULL";
    NEWEST_BEYOND = "SELECT at FROM kept_answers WHERE user_id = ?1 ORDER BY at DESC LIMIT 1 OFFSET ?2";
    TRIM = "DELETE FROM kept_answers WHERE key IN
                (SELECT key FROM kept_answers WHERE user_id = ?1 AND at <= ?2 ORDER BY at LIMIT ?3)";
    PURGE = "DELETE FROM kept_answers WHERE key IN (SELECT key FROM kept_answers WHERE expires_at < ?1 LIMIT ?2)";
}

#[async_trait]
impl KeptAnswers for Sqlite {
    async fn claim(&self, claim: &KeyClaim) -> Result<KeyState, StoreError> {
        let KeyClaim { key, user, request, holder, at, until, expires_at } = claim.clone();
        self.write(move |db| {
            let row = params![key, user.as_uuid(), request, holder, at.0, until.0, expires_at.0];
            if change(db, CLAIM, row)? == 1 {
                return Ok(KeyState::Claimed);
            }
            let found = one(db, GET, [key], state)?;
            Ok(found.ok_or_else(|| StoreError::Inconsistent("a key is there and is not".to_owned()))?)
        })
        .await
    }

    async fn renew(&self, key: &KeyHash, holder: Uuid, until: UnixMillis) -> Result<bool, StoreError> {
        let key = *key;
        self.write(move |db| Ok(change(db, RENEW, params![key, holder, until.0])? == 1)).await
    }

    async fn keep(&self, key: &KeyHash, holder: Uuid, answer: &[u8]) -> Result<bool, StoreError> {
        let (key, answer) = (*key, answer.to_vec());
        self.write(move |db| Ok(change(db, KEEP, params![key, holder, answer])? == 1)).await
    }

    async fn give_up(&self, key: &KeyHash, holder: Uuid) -> Result<(), StoreError> {
        let key = *key;
        self.write(move |db| change(db, GIVE_UP, params![key, holder]).map(drop)).await
    }

    async fn trim(&self, user: UserId, keep: usize, limit: usize) -> Result<usize, StoreError> {
        self.write(move |db| {
            let beyond = params![user.as_uuid(), integer::limit(keep)];
            let Some(at) = one(db, NEWEST_BEYOND, beyond, |row| Ok(row.get::<_, i64>("at")?))? else {
                return Ok(0);
            };
            change(db, TRIM, params![user.as_uuid(), at, integer::limit(limit)])
        })
        .await
    }

    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError> {
        self.write(move |db| change(db, PURGE, params![before.0, integer::limit(limit)])).await
    }
}

fn state(row: &Row<'_>) -> Result<KeyState, Failed> {
    let (request, answer) = (row.get("request")?, row.get::<_, Option<Vec<u8>>>("answer")?);
    Ok(answer.map_or(KeyState::Underway(request), |answer| KeyState::Answered(request, answer)))
}
