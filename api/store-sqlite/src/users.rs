//! Accounts in SQLite.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::UserId;
use rookery_store::login::LoginKey;
use rookery_store::user::{
    Bio, DisplayName, Email, Language, Profile, SearchPlace, ServerRole, User, UserChange, Username,
};
use rookery_store::{StoreError, Users, integer};
use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use super::Sqlite;
use super::sql::{change, many, one, parsed, parsed_optional, statements};
use crate::enum_codec::EnumCodec;
use crate::error::Failed;

statements! {
    INSERT = "INSERT INTO users (id, username, username_key, email, email_key, password_hash, role, created_at, disabled,
                  verified, display_name, bio, language, avatar, renamed_at, settings)
              VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";
    UPDATE = "UPDATE users SET verified = ?2, display_name = ?3, bio = ?4, language = ?5, avatar = ?6, settings = ?7
              WHERE id = ?1";
    SET_EMAIL = "UPDATE users SET email = ?2, email_key = ?3 WHERE id = ?1";
    RENAME = "UPDATE users SET username = ?2, username_key = ?3, renamed_at = ?4 WHERE id = ?1";
    FORGET_KEYS = "DELETE FROM user_keys WHERE user_id = ?1";
    ADD_KEY = "INSERT INTO user_keys (key, user_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    // Of the keys of one account that begin so, the first one counts, so that it is found once.
    SEARCH = "SELECT k.key AS found_by, u.* FROM user_keys k JOIN users u ON u.id = k.user_id
              WHERE k.key >= ?1 AND k.key < ?2 AND (k.key, k.user_id) > (?3, ?4)
              AND NOT EXISTS (SELECT 1 FROM user_keys o WHERE o.user_id = k.user_id AND o.key >= ?1 AND o.key < k.key)
              ORDER BY k.key, k.user_id LIMIT ?5";
    ADMINS = "SELECT id FROM users WHERE role = 'admin' AND disabled = 0 LIMIT 2";
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

    async fn by_names(&self, keys: &[String]) -> Result<Vec<User>, StoreError> {
        let keys = keys.to_vec();
        self.read(move |db| {
            let found = keys.iter().filter_map(|key| one(db, BY_USERNAME, [key], user).transpose());
            found.collect()
        })
        .await
    }

    async fn set_disabled(&self, id: UserId, disabled: bool) -> Result<(), StoreError> {
        self.write(move |db| {
            if disabled {
                return disable(db, id).map(drop);
            }
            change(db, SET_DISABLED, params![id.as_uuid(), disabled]).map(drop)
        })
        .await
    }

    async fn set_role(&self, id: UserId, role: ServerRole) -> Result<(), StoreError> {
        self.write(move |db| {
            if role != ServerRole::Admin && is_last_admin(db, id)? {
                return Err(StoreError::LastAdmin.into());
            }
            change(db, SET_ROLE, params![id.as_uuid(), role.encode()]).map(drop)
        })
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

    async fn change(&self, id: UserId, wanted: &UserChange) -> Result<Option<User>, StoreError> {
        let wanted = wanted.clone();
        self.write(move |db| {
            let Some(mut changed) = one(db, BY_ID, [id.as_uuid()], user)? else { return Ok(None) };
            // The key of an older address may be another one than that of today; it stays until the address changes.
            if let Some(email) = &wanted.email {
                change(db, SET_EMAIL, params![id.as_uuid(), email.as_str(), email.key()])?;
            }
            changed.apply(wanted);
            update(db, &changed)?;
            Ok(Some(changed))
        })
        .await
    }

    async fn rename(&self, id: UserId, name: &Username, at: UnixMillis, since: UnixMillis) -> Result<bool, StoreError> {
        let name = name.clone();
        self.write(move |db| {
            let Some(mut renamed) = one(db, BY_ID, [id.as_uuid()], user)? else { return Ok(false) };
            if renamed.renamed_at.is_some_and(|last| last > since) {
                return Ok(false);
            }
            renamed.username = name;
            let row = params![id.as_uuid(), renamed.username.as_str(), renamed.username.key(), at.0];
            change(db, RENAME, row)?;
            index(db, &renamed).map(|()| true)
        })
        .await
    }

    async fn search(
        &self,
        prefix: &str,
        after: Option<&SearchPlace>,
        limit: usize,
    ) -> Result<Vec<(SearchPlace, User)>, StoreError> {
        let (from, to) = (prefix.to_owned(), format!("{prefix}\u{10ffff}"));
        let (key, last) = after.map_or((String::new(), Uuid::nil()), |place| (place.key.clone(), place.user.as_uuid()));
        self.read(move |db| many(db, SEARCH, params![from, to, key, last, integer::limit(limit)], found))
            .await
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

/// The account may not log in any more, as part of a change; false if there is none.
pub(super) fn disable(db: &Connection, id: UserId) -> Result<bool, Failed> {
    if is_last_admin(db, id)? {
        return Err(StoreError::LastAdmin.into());
    }
    Ok(change(db, SET_DISABLED, params![id.as_uuid(), true])? == 1)
}

/// An account, as part of a change.
pub(super) fn by_id(db: &Connection, id: UserId) -> Result<Option<User>, Failed> {
    one(db, BY_ID, [id.as_uuid()], user)
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
        user.verified,
        user.profile.display_name.as_ref().map(DisplayName::as_str),
        user.profile.bio.as_ref().map(Bio::as_str),
        user.profile.language.as_ref().map(Language::as_str),
        user.profile.avatar,
        user.renamed_at.map(|at| at.0),
        settings_text(user)?,
    ];
    change(db, INSERT, row)?;
    index(db, user)
}

fn update(db: &Connection, user: &User) -> Result<(), Failed> {
    let row = params![
        user.id.as_uuid(),
        user.verified,
        user.profile.display_name.as_ref().map(DisplayName::as_str),
        user.profile.bio.as_ref().map(Bio::as_str),
        user.profile.language.as_ref().map(Language::as_str),
        user.profile.avatar,
        settings_text(user)?,
    ];
    change(db, UPDATE, row)?;
    index(db, user)
}

fn settings_text(user: &User) -> Result<String, Failed> {
    let text = serde_json::to_string(&user.settings);
    Ok(text.map_err(|error| StoreError::Inconsistent(format!("settings: {error}")))?)
}

/// What the account is found by.
fn index(db: &Connection, user: &User) -> Result<(), Failed> {
    change(db, FORGET_KEYS, [user.id.as_uuid()])?;
    for key in user.search_keys() {
        change(db, ADD_KEY, params![key, user.id.as_uuid()])?;
    }
    Ok(())
}

/// Whether nobody who may would run the server without this account.
fn is_last_admin(db: &Connection, id: UserId) -> Result<bool, Failed> {
    let admins = many(db, ADMINS, [], |row| Ok(row.get::<_, Uuid>("id")?))?;
    Ok(admins == [id.as_uuid()])
}

fn found(row: &Row<'_>) -> Result<(SearchPlace, User), Failed> {
    let user = user(row)?;
    Ok((SearchPlace { key: row.get("found_by")?, user: user.id }, user))
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
        verified: row.get("verified")?,
        profile: Profile {
            display_name: parsed_optional(row, "display_name")?,
            bio: parsed_optional(row, "bio")?,
            language: parsed_optional(row, "language")?,
            avatar: row.get("avatar")?,
        },
        renamed_at: row.get::<_, Option<i64>>("renamed_at")?.map(UnixMillis),
        settings: serde_json::from_str(&row.get::<_, String>("settings")?)
            .map_err(|_| StoreError::Inconsistent("settings break their rules".to_owned()))?,
    })
}
