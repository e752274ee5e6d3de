//! Subscriptions of Web Push, in SQLite.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{SessionId, UserId};
use rookery_store::push::{PushSubscription, Pushes};
use rookery_store::{StoreError, integer};
use rusqlite::{Connection, Row, params};
use uuid::Uuid;

use super::Sqlite;
use super::sql::{change, many, one, statements};
use crate::error::Failed;

statements! {
    PUT = "INSERT INTO push_subscriptions (id, user_id, session_id, endpoint, p256dh, auth, created_at)
           VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
           ON CONFLICT (id) DO UPDATE SET user_id = excluded.user_id, session_id = excluded.session_id,
               p256dh = excluded.p256dh, auth = excluded.auth, created_at = excluded.created_at";
    TRIM = "DELETE FROM push_subscriptions WHERE id IN
                (SELECT id FROM push_subscriptions WHERE user_id = ?1 ORDER BY created_at DESC LIMIT -1 OFFSET ?2)";
    GET = "SELECT * FROM push_subscriptions WHERE id = ?1";
    OF_USER = "SELECT * FROM push_subscriptions WHERE user_id = ?1 ORDER BY created_at DESC LIMIT ?2";
    REMOVE = "DELETE FROM push_subscriptions WHERE id = ?1 AND user_id = ?2";
    SHOWN = "INSERT INTO push_shown (subscription_id, topic, user_id, at) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (subscription_id, topic) DO UPDATE SET user_id = excluded.user_id, at = excluded.at";
    FORGET_SHOWN = "DELETE FROM push_shown WHERE subscription_id = ?1 AND at < ?2";
    SHOWN_OF_USER = "SELECT subscription_id, topic FROM push_shown WHERE user_id = ?1 LIMIT ?2";
    SHOWN_OF_TOPIC = "SELECT subscription_id, topic FROM push_shown WHERE user_id = ?1 AND topic = ?3 LIMIT ?2";
    TAKE = "DELETE FROM push_shown WHERE subscription_id = ?1 AND topic = ?2";
    ADD_KEY = "INSERT INTO push_keys (id, private_key) VALUES (1, ?1) ON CONFLICT DO NOTHING";
    KEY = "SELECT private_key FROM push_keys WHERE id = 1";
}

#[async_trait]
impl Pushes for Sqlite {
    async fn subscribe(&self, subscription: &PushSubscription, keep: usize) -> Result<(), StoreError> {
        let PushSubscription { id, user, session, endpoint, p256dh, auth, created_at } = subscription.clone();
        self.write(move |db| {
            let user = user.as_uuid();
            change(db, PUT, params![id, user, session.as_uuid(), endpoint, p256dh, auth, created_at.0])?;
            change(db, TRIM, params![user, integer::limit(keep)]).map(drop)
        })
        .await
    }

    async fn subscription(&self, id: Uuid) -> Result<Option<PushSubscription>, StoreError> {
        self.read(move |db| one(db, GET, [id], read)).await
    }

    async fn subscriptions(&self, users: &[UserId], limit: usize) -> Result<Vec<PushSubscription>, StoreError> {
        let users = users.to_vec();
        self.read(move |db| {
            let mut found = Vec::new();
            for user in users {
                let missing = integer::limit(limit.saturating_sub(found.len()));
                found.extend(many(db, OF_USER, params![user.as_uuid(), missing], read)?);
            }
            Ok(found)
        })
        .await
    }

    async fn unsubscribe(&self, user: UserId, id: Uuid) -> Result<bool, StoreError> {
        self.write(move |db| Ok(change(db, REMOVE, [id, user.as_uuid()])? == 1)).await
    }

    async fn note_shown(
        &self,
        subscription: &PushSubscription,
        topic: &str,
        at: UnixMillis,
        older: UnixMillis,
    ) -> Result<(), StoreError> {
        let (id, user, topic) = (subscription.id, subscription.user.as_uuid(), topic.to_owned());
        self.write(move |db| {
            change(db, FORGET_SHOWN, params![id, older.0])?;
            change(db, SHOWN, params![id, topic, user, at.0]).map(drop)
        })
        .await
    }

    async fn take_shown(&self, user: UserId, topic: Option<&str>, limit: usize) -> Result<Vec<Uuid>, StoreError> {
        let (user, topic, limit) = (user.as_uuid(), topic.map(str::to_owned), integer::limit(limit));
        let rows = move |db: &Connection| {
            let row = |row: &Row<'_>| Ok((row.get::<_, Uuid>("subscription_id")?, row.get::<_, String>("topic")?));
            match &topic {
                Some(topic) => many(db, SHOWN_OF_TOPIC, params![user, limit, topic], row),
                None => many(db, SHOWN_OF_USER, params![user, limit], row),
            }
        };
        let look = rows.clone();
        // Most often there is nothing, which is no reason to write.
        if self.read(move |db| look(db)).await?.is_empty() {
            return Ok(Vec::new());
        }
        self.write(move |db| {
            let mut ids = Vec::new();
            for (id, topic) in rows(db)? {
                change(db, TAKE, params![id, topic])?;
                ids.push(id);
            }
            ids.sort_unstable();
            ids.dedup();
            Ok(ids)
        })
        .await
    }

    async fn push_key(&self, new: &[u8]) -> Result<Vec<u8>, StoreError> {
        let new = new.to_vec();
        self.write(move |db| {
            change(db, ADD_KEY, [&new])?;
            Ok(one(db, KEY, [], |row| Ok(row.get("private_key")?))?.unwrap_or(new))
        })
        .await
    }
}

fn read(row: &Row<'_>) -> Result<PushSubscription, Failed> {
    Ok(PushSubscription {
        id: row.get("id")?,
        user: UserId::from_uuid(row.get("user_id")?),
        session: SessionId::from_uuid(row.get("session_id")?),
        endpoint: row.get("endpoint")?,
        p256dh: row.get("p256dh")?,
        auth: row.get("auth")?,
        created_at: UnixMillis(row.get("created_at")?),
    })
}
