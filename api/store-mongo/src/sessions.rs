//! Login sessions in MongoDB. Each change is one update of one document whose filter holds the condition.

use std::collections::HashMap;

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use mongodb::bson::{Bson, DateTime, Document, Uuid, doc};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{SessionId, UserId};
use rookery_store::limits::{SESSIONS_OF_USER_READ_MAX, STORE_IDS_PER_READ_MAX};
use rookery_store::session::{Session, TokenHash};
use rookery_store::user::Username;
use rookery_store::{Rotation, Sessions, StoreError, integer};
use serde::Deserialize;

use super::Mongo;
use super::documents::SessionDocument;
use crate::batch_reads::page_of;
use crate::error::Failed;
use crate::fields::{binary, date, key, parsed, uuid_of};

#[async_trait]
impl Sessions for Mongo {
    async fn insert(&self, session: &Session) -> Result<(), StoreError> {
        let (sessions, session) = (self.sessions.clone(), SessionDocument::from(session));
        self.calls.run(async move { Ok(sessions.insert_one(session).await.map(drop)?) }).await
    }

    async fn by_id(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        let (sessions, filter) = (self.sessions.clone(), doc! { "_id": key(id.as_uuid()) });
        let found = self.calls.run(async move { Ok(sessions.find_one(filter).await?) }).await?;
        found.map(Session::try_from).transpose()
    }

    async fn of_user(&self, user: UserId, at: UnixMillis, limit: usize) -> Result<Vec<Session>, StoreError> {
        let open = doc! { "user_id": key(user.as_uuid()), "revoked_at": null };
        let sessions = self.sessions.clone();
        let found = self.calls.run(async move {
            let found = sessions.find(open).limit(integer::limit(SESSIONS_OF_USER_READ_MAX));
            Ok(found.await?.try_collect::<Vec<_>>().await?)
        });
        let found = found.await?.into_iter().map(Session::try_from);
        let mut open: Vec<Session> = found.collect::<Result<_, _>>()?;
        open.retain(|session| session.expires_at > at);
        // Ids begin with the time.
        open.sort_unstable_by_key(|session| std::cmp::Reverse(session.id));
        open.truncate(limit);
        Ok(open)
    }

    async fn by_lookup(&self, lookup: &[u8; 16]) -> Result<Option<Session>, StoreError> {
        let (sessions, filter) = (self.sessions.clone(), doc! { "lookup": binary(lookup) });
        let found = self.calls.run(async move { Ok(sessions.find_one(filter).await?) }).await?;
        found.map(Session::try_from).transpose()
    }

    async fn rotate(&self, id: SessionId, from: &TokenHash, to: Rotation) -> Result<bool, StoreError> {
        let valid = doc! { "_id": key(id.as_uuid()), "current": binary(from), "revoked_at": null };
        let next = doc! { "$set": {
            "parent": binary(from),
            "current": binary(&to.current),
            "rotated_at": date(to.at),
            "expires_at": date(to.expires_at),
            "replaced": to.replaced.iter().copied().map(date).collect::<Vec<_>>(),
        } };
        Ok(self.update_session(valid, next).await? == 1)
    }

    async fn revoke(&self, id: SessionId, at: UnixMillis) -> Result<(), StoreError> {
        let valid = doc! { "_id": key(id.as_uuid()), "revoked_at": null };
        Ok(self.update_session(valid, doc! { "$set": { "revoked_at": date(at) } }).await.map(drop)?)
    }

    async fn revoke_all(&self, user: UserId, at: UnixMillis) -> Result<(), StoreError> {
        let valid = doc! { "user_id": key(user.as_uuid()), "revoked_at": null };
        let (sessions, update) = (self.sessions.clone(), doc! { "$set": { "revoked_at": date(at) } });
        self.calls
            .run(async move { Ok(sessions.update_many(valid, update).await.map(drop)?) })
            .await
    }

    async fn revoke_beyond(&self, user: UserId, keep: usize, at: UnixMillis) -> Result<Vec<SessionId>, StoreError> {
        let open = doc! { "user_id": key(user.as_uuid()), "revoked_at": null };
        let open = self.session_ends(open, SESSIONS_OF_USER_READ_MAX).await?;
        let open = open.into_iter().filter(|end| end.expires_at > date(at));
        let mut open: Vec<SessionId> = open.map(|end| end.session()).collect();
        // Ids begin with the time.
        open.sort_unstable_by(|a, b| b.cmp(a));
        let beyond = open.split_off(open.len().min(keep));
        for ids in beyond.chunks(STORE_IDS_PER_READ_MAX) {
            let (filter, sessions) = (doc! { "_id": { "$in": keys(ids) } }, self.sessions.clone());
            let update = doc! { "$set": { "revoked_at": date(at) } };
            self.calls
                .run(async move { Ok(sessions.update_many(filter, update).await.map(drop)?) })
                .await?;
        }
        Ok(beyond)
    }

    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError> {
        let mut erased = 0;
        for field in ["expires_at", "revoked_at"] {
            if erased >= limit {
                break;
            }
            let ended = self.session_ends(doc! { field: { "$lt": date(before) } }, limit - erased).await?;
            let ids: Vec<SessionId> = ended.iter().map(SessionEnd::session).collect();
            for ids in ids.chunks(STORE_IDS_PER_READ_MAX) {
                let (filter, sessions) = (doc! { "_id": { "$in": keys(ids) } }, self.sessions.clone());
                let gone = self.calls.run(async move { Ok(sessions.delete_many(filter).await?.deleted_count) });
                erased += usize::try_from(gone.await?).unwrap_or(usize::MAX);
            }
        }
        Ok(erased)
    }

    async fn revoked_since(&self, at: UnixMillis, limit: usize) -> Result<Vec<SessionId>, StoreError> {
        let (sessions, ranges) = (self.sessions.clone(), vec![doc! { "revoked_at": { "$gte": date(at) } }]);
        let found = self
            .calls
            .run(async move { page_of(&sessions, ranges, doc! { "revoked_at": 1 }, limit).await });
        let sessions = found
            .await?
            .into_iter()
            .map(|session| Session::try_from(session).map(|session| session.id));
        sessions.collect()
    }

    async fn open(&self, ids: &[SessionId]) -> Result<HashMap<SessionId, Option<Username>>, StoreError> {
        let chunks = ids.chunks(STORE_IDS_PER_READ_MAX);
        let filters = chunks.map(|ids| doc! { "_id": { "$in": keys(ids) } });
        let found = self.all_of(&self.sessions.clone_with_type::<SessionEnd>(), filters.collect()).await?;
        let open = found.into_iter().filter(|found| found.revoked_at.is_none());
        open.map(|found| {
            let id = found.session();
            let name = found.username.map(|name| parsed(name, "username")).transpose()?;
            Ok((id, name))
        })
        .collect()
    }

    async fn rename(&self, user: UserId, name: &Username) -> Result<(), StoreError> {
        let own = doc! { "user_id": key(user.as_uuid()) };
        let (sessions, update) = (self.sessions.clone(), doc! { "$set": { "username": name.as_str() } });
        self.calls
            .run(async move { Ok(sessions.update_many(own, update).await.map(drop)?) })
            .await
    }
}

/// When a session ends or has ended.
#[derive(Deserialize)]
struct SessionEnd {
    #[serde(rename = "_id")]
    id: Uuid,
    expires_at: DateTime,
    revoked_at: Option<DateTime>,
    /// The user's name, if it has changed since the login.
    #[serde(default)]
    username: Option<String>,
}

impl SessionEnd {
    fn session(&self) -> SessionId {
        SessionId::from_uuid(uuid_of(self.id))
    }
}

fn keys(ids: &[SessionId]) -> Vec<Bson> {
    ids.iter().map(|id| key(id.as_uuid()).into()).collect()
}

impl Mongo {
    /// Those that the filter finds, at most `limit`, in no order.
    async fn session_ends(&self, filter: Document, limit: usize) -> Result<Vec<SessionEnd>, Failed> {
        let sessions = self.sessions.clone_with_type::<SessionEnd>();
        let fields = doc! { "_id": 1, "expires_at": 1, "revoked_at": 1 };
        Ok(self
            .calls
            .run(async move {
                let found = sessions.find(filter).projection(fields).limit(integer::limit(limit));
                Ok(found.await?.try_collect().await?)
            })
            .await?)
    }

    async fn update_session(&self, filter: Document, update: Document) -> Result<u64, Failed> {
        let sessions = self.sessions.clone();
        Ok(self
            .calls
            .run(async move { Ok(sessions.update_one(filter, update).await?.matched_count) })
            .await?)
    }
}
