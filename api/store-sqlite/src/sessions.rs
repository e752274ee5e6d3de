//! Login sessions in SQLite.

use std::collections::HashMap;

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{SessionId, UserId};
use rookery_store::limits::SESSIONS_OF_USER_READ_MAX;
use rookery_store::session::{DeviceName, Session, TokenHash};
use rookery_store::user::Username;
use rookery_store::{Rotation, Sessions, StoreError, integer};
use rusqlite::{Connection, Row, params};

use super::Sqlite;
use super::sql::{change, many, one, parsed_optional, statements};
use crate::error::Failed;

statements! {
    INSERT = "INSERT INTO sessions (id, lookup, user_id, chain_key, current, parent,
                                    rotated_at, created_at, expires_at, revoked_at, replaced, device)
              VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    BY_ID = "SELECT * FROM sessions WHERE id = ?1";
    OF_USER = "SELECT * FROM sessions WHERE user_id = ?1 AND revoked_at IS NULL AND expires_at > ?2
               ORDER BY id DESC LIMIT ?3";
    BY_LOOKUP = "SELECT * FROM sessions WHERE lookup = ?1";
    ROTATE = "UPDATE sessions SET parent = current, current = ?3, rotated_at = ?4, expires_at = ?5, replaced = ?6
              WHERE id = ?1 AND current = ?2 AND revoked_at IS NULL";
    REVOKE_ALL = "UPDATE sessions SET revoked_at = ?2 WHERE user_id = ?1 AND revoked_at IS NULL";
    BEYOND = "SELECT id FROM sessions WHERE user_id = ?1 AND revoked_at IS NULL AND expires_at > ?2
              ORDER BY id DESC LIMIT ?3 OFFSET ?4";
    PURGE_ENDED = "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at < ?1 LIMIT ?2)";
    PURGE_REVOKED = "DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE revoked_at < ?1 LIMIT ?2)";
    REVOKED_SINCE = "SELECT id FROM sessions WHERE revoked_at >= ?1 LIMIT ?2";
    OPEN = "SELECT username FROM sessions WHERE id = ?1 AND revoked_at IS NULL";
    RENAME = "UPDATE sessions SET username = ?2 WHERE user_id = ?1";
    REVOKE = "UPDATE sessions SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL";
}

#[async_trait]
impl Sessions for Sqlite {
    async fn insert(&self, session: &Session) -> Result<(), StoreError> {
        let session = session.clone();
        self.write(move |db| insert(db, &session)).await
    }

    async fn by_id(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        self.read(move |db| one(db, BY_ID, [id.as_uuid()], session)).await
    }

    async fn of_user(&self, user: UserId, at: UnixMillis, limit: usize) -> Result<Vec<Session>, StoreError> {
        let limit = integer::limit(limit);
        self.read(move |db| many(db, OF_USER, params![user.as_uuid(), at.0, limit], session))
            .await
    }

    async fn by_lookup(&self, lookup: &[u8; 16]) -> Result<Option<Session>, StoreError> {
        let lookup = *lookup;
        self.read(move |db| by_lookup(db, &lookup)).await
    }

    async fn rotate(&self, id: SessionId, from: &TokenHash, to: Rotation) -> Result<bool, StoreError> {
        let from = *from;
        self.write(move |db| {
            let row = params![id.as_uuid(), from, to.current, to.at.0, to.expires_at.0, joined(&to.replaced)];
            Ok(change(db, ROTATE, row)? == 1)
        })
        .await
    }

    async fn revoke(&self, id: SessionId, at: UnixMillis) -> Result<(), StoreError> {
        self.write(move |db| change(db, REVOKE, params![id.as_uuid(), at.0]).map(drop)).await
    }

    async fn revoke_all(&self, user: UserId, at: UnixMillis) -> Result<(), StoreError> {
        self.write(move |db| change(db, REVOKE_ALL, params![user.as_uuid(), at.0]).map(drop))
            .await
    }

    async fn revoke_beyond(&self, user: UserId, keep: usize, at: UnixMillis) -> Result<Vec<SessionId>, StoreError> {
        let (limit, keep) = (integer::limit(SESSIONS_OF_USER_READ_MAX), integer::limit(keep));
        self.write(move |db| {
            let beyond = many(db, BEYOND, params![user.as_uuid(), at.0, limit, keep], id)?;
            for id in &beyond {
                change(db, REVOKE, params![id.as_uuid(), at.0])?;
            }
            Ok(beyond)
        })
        .await
    }

    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError> {
        self.write(move |db| {
            let ended = change(db, PURGE_ENDED, params![before.0, integer::limit(limit)])?;
            Ok(ended + change(db, PURGE_REVOKED, params![before.0, integer::limit(limit - ended)])?)
        })
        .await
    }

    async fn revoked_since(&self, at: UnixMillis, limit: usize) -> Result<Vec<SessionId>, StoreError> {
        self.read(move |db| many(db, REVOKED_SINCE, params![at.0, integer::limit(limit)], id))
            .await
    }

    async fn open(&self, ids: &[SessionId]) -> Result<HashMap<SessionId, Option<Username>>, StoreError> {
        let ids = ids.to_vec();
        self.read(move |db| {
            let mut open = HashMap::new();
            for id in ids {
                if let Some(name) = one(db, OPEN, [id.as_uuid()], |row| parsed_optional(row, "username"))? {
                    open.insert(id, name);
                }
            }
            Ok(open)
        })
        .await
    }

    async fn rename(&self, user: UserId, name: &Username) -> Result<(), StoreError> {
        let name = name.clone();
        self.write(move |db| change(db, RENAME, params![user.as_uuid(), name.as_str()]).map(drop))
            .await
    }
}

/// Adds a session, as part of a change.
pub(super) fn insert(db: &Connection, session: &Session) -> Result<(), Failed> {
    let row = params![
        session.id.as_uuid(),
        session.lookup,
        session.user_id.as_uuid(),
        session.chain_key,
        session.current,
        session.parent,
        session.rotated_at.0,
        session.created_at.0,
        session.expires_at.0,
        session.revoked_at.map(|at| at.0),
        joined(&session.replaced),
        session.device.as_ref().map(DeviceName::as_str),
    ];
    change(db, INSERT, row).map(drop)
}

/// By the lookup part of a refresh token.
pub(super) fn by_lookup(db: &Connection, lookup: &[u8; 16]) -> Result<Option<Session>, Failed> {
    one(db, BY_LOOKUP, [lookup], session)
}

fn id(row: &Row<'_>) -> Result<SessionId, Failed> {
    Ok(SessionId::from_uuid(row.get("id")?))
}

fn joined(times: &[UnixMillis]) -> String {
    let times: Vec<String> = times.iter().map(|time| time.0.to_string()).collect();
    times.join(" ")
}

fn split(times: &str) -> Result<Vec<UnixMillis>, Failed> {
    let times = times.split_whitespace().map(|time| time.parse().map(UnixMillis));
    Ok(times
        .collect::<Result<_, _>>()
        .map_err(|_| StoreError::Inconsistent("replaced".to_owned()))?)
}

fn session(row: &Row<'_>) -> Result<Session, Failed> {
    Ok(Session {
        id: SessionId::from_uuid(row.get("id")?),
        lookup: row.get("lookup")?,
        user_id: UserId::from_uuid(row.get("user_id")?),
        chain_key: row.get("chain_key")?,
        current: row.get("current")?,
        parent: row.get("parent")?,
        rotated_at: UnixMillis(row.get("rotated_at")?),
        replaced: split(&row.get::<_, String>("replaced")?)?,
        created_at: UnixMillis(row.get("created_at")?),
        expires_at: UnixMillis(row.get("expires_at")?),
        revoked_at: row.get::<_, Option<i64>>("revoked_at")?.map(UnixMillis),
        device: parsed_optional(row, "device")?,
    })
}
