//! Second factors in SQLite.

use async_trait::async_trait;
use rookery_protocol::id::UserId;
use rookery_store::account::SecretHash;
use rookery_store::second_factor::SecondFactor;
use rookery_store::{SecondFactors, StoreError, integer};
use rusqlite::{Connection, Row, params};

use super::Sqlite;
use super::sql::{change, many, one, statements};
use crate::error::Failed;

statements! {
    GET = "SELECT * FROM second_factors WHERE user_id = ?1";
    CODES = "SELECT hash FROM recovery_codes WHERE user_id = ?1 ORDER BY hash";
    PUT = "INSERT INTO second_factors (user_id, secret, is_confirmed, last_step) VALUES (?1, ?2, ?3, ?4)
           ON CONFLICT (user_id) DO UPDATE
           SET secret = excluded.secret, is_confirmed = excluded.is_confirmed, last_step = excluded.last_step";
    CONFIRM = "UPDATE second_factors SET is_confirmed = TRUE, last_step = ?3
               WHERE user_id = ?1 AND secret = ?2 AND NOT is_confirmed";
    FORGET_CODES = "DELETE FROM recovery_codes WHERE user_id = ?1";
    ADD_CODE = "INSERT INTO recovery_codes (user_id, hash) VALUES (?1, ?2)";
    ADVANCE = "UPDATE second_factors SET last_step = ?2 WHERE user_id = ?1 AND last_step < ?2";
    SPEND = "DELETE FROM recovery_codes WHERE user_id = ?1 AND hash = ?2";
    REMOVE = "DELETE FROM second_factors WHERE user_id = ?1";
}

#[async_trait]
impl SecondFactors for Sqlite {
    async fn get(&self, user: UserId) -> Result<Option<SecondFactor>, StoreError> {
        self.read(move |db| {
            let Some(mut found) = one(db, GET, [user.as_uuid()], factor)? else { return Ok(None) };
            found.recovery = many(db, CODES, [user.as_uuid()], |row| Ok(row.get("hash")?))?;
            Ok(Some(found))
        })
        .await
    }

    async fn put(&self, factor: &SecondFactor) -> Result<(), StoreError> {
        let factor = factor.clone();
        self.write(move |db| {
            let user = factor.user_id.as_uuid();
            let step = integer::stored(factor.last_step)?;
            change(db, PUT, params![user, factor.secret, factor.is_confirmed, step])?;
            replace_codes(db, factor.user_id, &factor.recovery)
        })
        .await
    }

    async fn confirm(&self, factor: &SecondFactor) -> Result<bool, StoreError> {
        let factor = factor.clone();
        self.write(move |db| {
            let step = integer::stored(factor.last_step)?;
            let is_first = change(db, CONFIRM, params![factor.user_id.as_uuid(), factor.secret, step])? == 1;
            if is_first {
                replace_codes(db, factor.user_id, &factor.recovery)?;
            }
            Ok(is_first)
        })
        .await
    }

    async fn advance(&self, user: UserId, step: u64) -> Result<bool, StoreError> {
        let step = integer::stored(step)?;
        self.write(move |db| Ok(change(db, ADVANCE, params![user.as_uuid(), step])? == 1)).await
    }

    async fn spend(&self, user: UserId, code: &SecretHash) -> Result<bool, StoreError> {
        let code = *code;
        self.write(move |db| Ok(change(db, SPEND, params![user.as_uuid(), code])? == 1)).await
    }

    async fn replace_recovery(&self, user: UserId, codes: &[SecretHash]) -> Result<(), StoreError> {
        let codes = codes.to_vec();
        self.write(move |db| replace_codes(db, user, &codes)).await
    }

    async fn remove(&self, user: UserId) -> Result<(), StoreError> {
        self.write(move |db| {
            change(db, REMOVE, [user.as_uuid()])?;
            change(db, FORGET_CODES, [user.as_uuid()]).map(drop)
        })
        .await
    }
}

fn replace_codes(db: &Connection, user: UserId, codes: &[SecretHash]) -> Result<(), Failed> {
    change(db, FORGET_CODES, [user.as_uuid()])?;
    codes
        .iter()
        .try_for_each(|code| change(db, ADD_CODE, params![user.as_uuid(), code]).map(drop))
}

fn factor(row: &Row<'_>) -> Result<SecondFactor, Failed> {
    Ok(SecondFactor {
        user_id: UserId::from_uuid(row.get("user_id")?),
        secret: row.get("secret")?,
        is_confirmed: row.get("is_confirmed")?,
        last_step: integer::read(row.get("last_step")?)?,
        recovery: Vec::new(),
    })
}
