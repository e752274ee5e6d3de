//! Registrations that wait for a code, in SQLite.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::UserId;
use rookery_store::account::{CodeState, Registration};
use rookery_store::login::LoginKey;
use rookery_store::user::Email;
use rookery_store::{Registrations, StoreError, integer};
use rusqlite::{Row, params};
use uuid::Uuid;

use super::Sqlite;
use super::sql::{change, one, parsed, statements};
use crate::error::Failed;

statements! {
    INSERT = "INSERT INTO registrations (id, user_id, username, username_key, email, email_key, password_hash, is_decoy,
                  code_hash, code_number, attempts_left, code_expires_at, created_at, expires_at)
              VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
    BY_ID = "SELECT * FROM registrations WHERE id = ?1";
    BY_USERNAME = "SELECT * FROM registrations WHERE username_key = ?1 ORDER BY id DESC LIMIT 1";
    BY_EMAIL = "SELECT * FROM registrations WHERE email_key = ?1 ORDER BY id DESC LIMIT 1";
    REPLACE_CODE = "UPDATE registrations SET code_hash = ?2, code_number = ?3, attempts_left = ?4, code_expires_at = ?5
                    WHERE id = ?1 AND code_number = ?3 - 1";
    ATTEMPT = "UPDATE registrations SET attempts_left = attempts_left - 1
               WHERE id = ?1 AND attempts_left > 0 AND code_expires_at > ?2 AND expires_at > ?2 RETURNING *";
    REMOVE = "DELETE FROM registrations WHERE id = ?1";
    PURGE = "DELETE FROM registrations WHERE id IN (SELECT id FROM registrations WHERE expires_at < ?1 LIMIT ?2)";
}

#[async_trait]
impl Registrations for Sqlite {
    async fn insert(&self, registration: &Registration) -> Result<(), StoreError> {
        let new = registration.clone();
        self.write(move |db| {
            let row = params![
                new.id,
                new.user_id.as_uuid(),
                new.username.as_str(),
                new.username.key(),
                new.email.as_str(),
                new.email.key(),
                new.password_hash,
                new.is_decoy,
                new.code.hash,
                new.code.number,
                new.code.attempts_left,
                new.code.expires_at.0,
                new.created_at.0,
                new.expires_at.0,
            ];
            change(db, INSERT, row).map(drop)
        })
        .await
    }

    async fn by_id(&self, id: Uuid) -> Result<Option<Registration>, StoreError> {
        self.read(move |db| one(db, BY_ID, [id], registration)).await
    }

    async fn by_login(&self, login: &str) -> Result<Option<Registration>, StoreError> {
        let key = LoginKey::from(login);
        self.read(move |db| match key {
            LoginKey::Username(key) => one(db, BY_USERNAME, [key], registration),
            LoginKey::Email([_, key]) => one(db, BY_EMAIL, [key], registration),
        })
        .await
    }

    async fn replace_code(&self, id: Uuid, code: &CodeState) -> Result<bool, StoreError> {
        let code = *code;
        self.write(move |db| {
            let row = params![id, code.hash, code.number, code.attempts_left, code.expires_at.0];
            Ok(change(db, REPLACE_CODE, row)? == 1)
        })
        .await
    }

    async fn attempt(&self, id: Uuid, now: UnixMillis) -> Result<Option<Registration>, StoreError> {
        self.write(move |db| one(db, ATTEMPT, params![id, now.0], registration)).await
    }

    async fn remove(&self, id: Uuid) -> Result<(), StoreError> {
        self.write(move |db| change(db, REMOVE, [id]).map(drop)).await
    }

    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError> {
        self.write(move |db| change(db, PURGE, params![before.0, integer::limit(limit)])).await
    }
}

fn registration(row: &Row<'_>) -> Result<Registration, Failed> {
    Ok(Registration {
        id: row.get("id")?,
        user_id: UserId::from_uuid(row.get("user_id")?),
        username: parsed(row, "username")?,
        email: Email::kept(row.get("email")?),
        password_hash: row.get("password_hash")?,
        is_decoy: row.get("is_decoy")?,
        code: CodeState {
            hash: row.get("code_hash")?,
            number: row.get("code_number")?,
            attempts_left: row.get("attempts_left")?,
            expires_at: UnixMillis(row.get("code_expires_at")?),
        },
        created_at: UnixMillis(row.get("created_at")?),
        expires_at: UnixMillis(row.get("expires_at")?),
    })
}
