//! Accounts in SQLite.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::UserId;
use rookery_store::login::LoginKey;
use rookery_store::user::{Email, ServerRole, User};
use rookery_store::{StoreError, Users, integer};
use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use super::Sqlite;
use super::sql::{change, many, one, parsed, statements};
use crate::enum_codec::EnumCodec;
use crate::error::Failed;

statements! {
    INSERT = "INSERT INTO users (id, username, username_key, email, email_key, password_hash, role, created_at, disabled)
              VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    BY_ID = "SELECT * FROM users WHERE id = ?1";
    BY_USERNAME = "SELECT * FROM users WHERE username_key = ?1";
    SET_DISABLED = "UPDATE users SET disabled = ?2 WHERE id = ?1";
    SET_ROLE = "UPDATE users SET role = ?2 WHERE id = ?1";
    SET_PASSWORD = "UPDATE users SET password_hash = ?2 WHERE id = ?1";
    // Every id is above the empty one: the condition only says that the rows are read along the key.
    LIST = "SELECT * FROM users WHERE id > ?1 ORDER BY id LIMIT ?2";
    BY_EMAIL = "SELECT * FROM users WHERE email_key = ?1";
}

#[async_trait]
impl Users for Sqlite {
    async fn insert(&self, user: &User) -> Result<(), StoreError> {
        let user = user.clone();
        self.write(move |db| insert(db, &user)).await
    }

    async fn by_id(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.read(move |db| one(db, BY_ID, [id.as_uuid()], user)).await
    }

    async fn by_ids(&self, ids: &[UserId]) -> Result<Vec<User>, StoreError> {
        let ids = ids.to_vec();
        self.read(move |db| ids.iter().filter_map(|id| one(db, BY_ID, [id.as_uuid()], user).transpose()).collect())
            .await
    }

    async fn set_disabled(&self, id: UserId, disabled: bool) -> Result<(), StoreError> {
        self.write(move |db| change(db, SET_DISABLED, params![id.as_uuid(), disabled]).map(drop))
            .await
    }

    async fn set_role(&self, id: UserId, role: ServerRole) -> Result<(), StoreError> {
        self.write(move |db| change(db, SET_ROLE, params![id.as_uuid(), role.encode()]).map(drop))
            .await
    }

    async fn set_password(&self, id: UserId, hash: &str) -> Result<(), StoreError> {
        let hash = hash.to_owned();
        self.write(move |db| change(db, SET_PASSWORD, params![id.as_uuid(), hash]).map(drop))
            .await
    }

    async fn list(&self, after: Option<UserId>, limit: usize) -> Result<Vec<User>, StoreError> {
        let after = after.map_or(Uuid::nil(), UserId::as_uuid);
        self.read(move |db| many(db, LIST, params![after, integer::limit(limit)], user)).await
    }

    async fn by_login(&self, login: &str) -> Result<Option<User>, StoreError> {
        let key = LoginKey::from(login);
        self.read(move |db| match key {
            LoginKey::Username(key) => one(db, BY_USERNAME, [key], user),
            LoginKey::Email([before, key]) => match one(db, BY_EMAIL, [before], user)? {
                Some(found) => Ok(Some(found)),
                None => one(db, BY_EMAIL, [key], user),
            },
        })
        .await
    }
}

/// Adds an account, as part of a change.
pub(super) fn insert(db: &Connection, user: &User) -> Result<(), Failed> {
    let row = params![
        user.id.as_uuid(),
        user.username.as_str(),
        user.username.key(),
        user.email.as_str(),
        user.email.key(),
        user.password_hash,
        user.role.encode(),
        user.created_at.0,
        user.disabled,
    ];
    change(db, INSERT, row).map(drop)
}

fn user(row: &Row<'_>) -> Result<User, Failed> {
    Ok(User {
        id: UserId::from_uuid(row.get("id")?),
        username: parsed(row, "username")?,
        email: Email::kept(row.get("email")?),
        password_hash: row.get("password_hash")?,
        role: ServerRole::decode(&row.get::<_, String>("role")?)?,
        created_at: UnixMillis(row.get("created_at")?),
        disabled: row.get("disabled")?,
    })
}
