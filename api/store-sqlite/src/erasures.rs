//! Erasures in SQLite. What is erased is overwritten in the file (`secure_delete`), and the log beside it is emptied in
//! the end.

use std::iter;

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::UserId;
use rookery_store::erasure::{Erasure, Removed, buried, is_name};
use rookery_store::user::User;
use rookery_store::{Erasures, StoreError, integer};
use rusqlite::{Connection, Row, ToSql, params, params_from_iter};
use uuid::Uuid;

use super::sql::{change, many, one, statements};
use super::{Sqlite, connection, users};
use crate::error::Failed;

statements! {
    GET = "SELECT * FROM erasures WHERE user_id = ?1";
    BEGIN = "INSERT INTO erasures (user_id, by_user, begun_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
    OPEN = "SELECT user_id FROM erasures INDEXED BY erasures_open WHERE finished_at IS NULL LIMIT ?1";
    NOTE = "UPDATE erasures SET sessions = sessions + ?2, memberships = memberships + ?3,
                rooms_passed_on = rooms_passed_on + ?4, rooms_closed = rooms_closed + ?5, events = events + ?6,
                records = records + ?7, files = files + ?8
            WHERE user_id = ?1";
    FINISH = "UPDATE erasures SET finished_at = ?2 WHERE user_id = ?1 AND finished_at IS NULL";
    CLAIMED = "SELECT owner FROM names WHERE key = ?1 AND owner <> ?2 AND (until IS NULL OR until > ?3)";
    OWN_NAMES = "SELECT key FROM names WHERE owner = ?1";
    BURY = "INSERT INTO names (key, owner, until) VALUES (?1, zeroblob(16), NULL) ON CONFLICT DO NOTHING";
    NAMES = "DELETE FROM names WHERE owner = ?1";
    MENTIONS = "DELETE FROM mentions WHERE name = ?1";
    REGISTRATIONS_OF_NAME = "DELETE FROM registrations WHERE username_key = ?1";
    REGISTRATIONS_OF_EMAIL = "DELETE FROM registrations WHERE email_key = ?1";
    EMAIL_KEY = "SELECT email_key FROM users WHERE id = ?1";
    USER_KEYS = "DELETE FROM user_keys WHERE user_id = ?1";
    ONE_TIME_TOKENS = "DELETE FROM one_time_tokens WHERE user_id = ?1";
    SECOND_FACTORS = "DELETE FROM second_factors WHERE user_id = ?1";
    RECOVERY_CODES = "DELETE FROM recovery_codes WHERE user_id = ?1";
    BLOCKS_BY = "DELETE FROM blocks WHERE by_user = ?1";
    BLOCKS_OF = "DELETE FROM blocks WHERE user_id = ?1";
    SANCTIONS = "DELETE FROM sanctions WHERE user_id = ?1";
    JOIN_REQUESTS = "DELETE FROM join_requests WHERE user_id = ?1";
    SAVED = "DELETE FROM saved_messages WHERE user_id = ?1";
    SESSION_NAMES = "UPDATE sessions SET device = NULL, username = NULL WHERE user_id = ?1";
    JOBS = "DELETE FROM jobs WHERE about = ?1";
    EXPORTS = "DELETE FROM exports WHERE user_id = ?1";
    PREFERENCES = "DELETE FROM room_preferences WHERE user_id = ?1";
    PUSHES = "DELETE FROM push_subscriptions WHERE user_id = ?1";
    PUSH_SHOWN = "DELETE FROM push_shown WHERE user_id = ?1";
    NOTICES_TO = "DELETE FROM notices WHERE user_id = ?1";
    NOTICES_BY = "DELETE FROM notices WHERE by_user = ?1";
    KEPT_ANSWERS = "DELETE FROM kept_answers WHERE user_id = ?1";
    SCHEDULES = "DELETE FROM schedules WHERE owner_id = ?1";
    REPORTS_MADE = "DELETE FROM reports WHERE reporter_id = ?1";
    REPORTS_OF = "DELETE FROM reports WHERE author_id = ?1";
    USER = "DELETE FROM users WHERE id = ?1";
}

/// What goes with an account by its id.
const BY_ID: &[&str] = &[
    NAMES,
    USER_KEYS,
    ONE_TIME_TOKENS,
    SECOND_FACTORS,
    RECOVERY_CODES,
    BLOCKS_BY,
    BLOCKS_OF,
    SANCTIONS,
    JOIN_REQUESTS,
    SAVED,
    SESSION_NAMES,
    JOBS,
    EXPORTS,
    PREFERENCES,
    PUSHES,
    PUSH_SHOWN,
    NOTICES_TO,
    NOTICES_BY,
    KEPT_ANSWERS,
    SCHEDULES,
    REPORTS_MADE,
    REPORTS_OF,
    USER,
];

#[async_trait]
impl Erasures for Sqlite {
    async fn begin(&self, user: UserId, by: UserId, at: UnixMillis) -> Result<Option<Erasure>, StoreError> {
        self.write(move |db| {
            let known = one(db, GET, [user.as_uuid()], read)?;
            if known.is_some() || !users::disable(db, user)? {
                return Ok(known);
            }
            change(db, BEGIN, params![user.as_uuid(), by.as_uuid(), at.0])?;
            one(db, GET, [user.as_uuid()], read)
        })
        .await
    }

    async fn get(&self, user: UserId) -> Result<Option<Erasure>, StoreError> {
        self.read(move |db| one(db, GET, [user.as_uuid()], read)).await
    }

    async fn open(&self, limit: usize) -> Result<Vec<UserId>, StoreError> {
        let user = |row: &Row<'_>| Ok(UserId::from_uuid(row.get("user_id")?));
        self.read(move |db| many(db, OPEN, [integer::limit(limit)], user)).await
    }

    async fn note(&self, user: UserId, removed: &Removed) -> Result<(), StoreError> {
        let Removed { sessions, memberships, rooms_passed_on, rooms_closed, events, records, files } = *removed;
        let user = user.as_uuid();
        let counts = [sessions, memberships, rooms_passed_on, rooms_closed, events, records, files].map(integer::bound);
        self.write(move |db| {
            let values = iter::once(&user as &dyn ToSql).chain(counts.iter().map(|count| count as &dyn ToSql));
            change(db, NOTE, params_from_iter(values)).map(drop)
        })
        .await
    }

    async fn forget(&self, user: UserId) -> Result<u64, StoreError> {
        let now = UnixMillis::now();
        self.write(move |db| match users::by_id(db, user)? {
            Some(account) => forget(db, &account, now),
            None => Ok(0),
        })
        .await
    }

    async fn finish(&self, user: UserId, at: UnixMillis) -> Result<(), StoreError> {
        let path = self.path.clone();
        let emptied = tokio::task::spawn_blocking(move || connection::checkpoint(&path)).await;
        emptied.map_err(|_| StoreError::Unavailable("emptying the log failed".to_owned()))??;
        self.write(move |db| change(db, FINISH, params![user.as_uuid(), at.0]).map(drop)).await
    }
}

fn forget(db: &Connection, account: &User, now: UnixMillis) -> Result<u64, Failed> {
    let (id, name) = (account.id.as_uuid(), account.username.key());
    // Somebody who has looked at the name before it was free would get it.
    if one(db, CLAIMED, params![name, id, now.0], |_| Ok(()))?.is_some() {
        return Err(StoreError::Unavailable("somebody asks for the name this moment".to_owned()).into());
    }
    let mut names = many(db, OWN_NAMES, [id], |row| Ok(row.get::<_, String>("key")?))?;
    names.push(name);
    let mut gone = 0;
    for name in names.iter().filter(|key| is_name(key)) {
        change(db, BURY, [buried(name)])?;
        gone += change(db, MENTIONS, [name])? + change(db, REGISTRATIONS_OF_NAME, [name])?;
    }
    let email = one(db, EMAIL_KEY, [id], |row| Ok(row.get::<_, String>("email_key")?))?;
    for key in [account.email.key()].into_iter().chain(email) {
        gone += change(db, REGISTRATIONS_OF_EMAIL, [key])?;
    }
    for text in BY_ID {
        gone += change(db, text, [id])?;
    }
    Ok(u64::try_from(gone).unwrap_or(u64::MAX))
}

fn read(row: &Row<'_>) -> Result<Erasure, Failed> {
    let count = |column: &str| -> Result<u64, Failed> { Ok(integer::read(row.get(column)?)?) };
    Ok(Erasure {
        user: UserId::from_uuid(row.get::<_, Uuid>("user_id")?),
        by: UserId::from_uuid(row.get::<_, Uuid>("by_user")?),
        begun_at: UnixMillis(row.get("begun_at")?),
        finished_at: row.get::<_, Option<i64>>("finished_at")?.map(UnixMillis),
        removed: Removed {
            sessions: count("sessions")?,
            memberships: count("memberships")?,
            rooms_passed_on: count("rooms_passed_on")?,
            rooms_closed: count("rooms_closed")?,
            events: count("events")?,
            records: count("records")?,
            files: count("files")?,
        },
    })
}
