//! Subscriptions of Web Push, in MongoDB.

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use mongodb::bson::{Binary, DateTime, Uuid, doc};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{SessionId, UserId};
use rookery_store::limits::STORE_IDS_PER_READ_MAX;
use rookery_store::push::{PushSubscription, Pushes};
use rookery_store::{StoreError, integer};
use serde::{Deserialize, Serialize};

use super::{Mongo, by_id};
use crate::error::Failed;
use crate::fields::{array, binary, date, key, time, uuid_of};
use crate::inserts::insert_new;

/// Id of the one document of keys.
const KEY: &str = "vapid";

/// One device.
#[derive(Serialize, Deserialize)]
pub(super) struct PushSubscriptionDocument {
    #[serde(rename = "_id")]
    id: Uuid,
    user_id: Uuid,
    session_id: Uuid,
    endpoint: String,
    p256dh: Binary,
    auth: Binary,
    created_at: DateTime,
}

/// The server's key.
#[derive(Serialize, Deserialize)]
pub(super) struct PushKeyDocument {
    #[serde(rename = "_id")]
    id: String,
    private_key: Binary,
}

/// What is on a device; the id is made of both.
#[derive(Serialize, Deserialize)]
pub(super) struct ShownDocument {
    #[serde(rename = "_id")]
    id: String,
    subscription_id: Uuid,
    topic: String,
    user_id: Uuid,
    at: DateTime,
}

#[async_trait]
impl Pushes for Mongo {
    /// Of many at once one or the other may go that would have stayed.
    async fn subscribe(&self, subscription: &PushSubscription, keep: usize) -> Result<(), StoreError> {
        let PushSubscription { id, user, session, endpoint, p256dh, auth, created_at } = subscription;
        let document = PushSubscriptionDocument {
            id: key(*id),
            user_id: key(user.as_uuid()),
            session_id: key(session.as_uuid()),
            endpoint: endpoint.clone(),
            p256dh: binary(p256dh),
            auth: binary(auth),
            created_at: date(*created_at),
        };
        let (all, keep) = (self.push_subscriptions.clone(), u64::try_from(keep).unwrap_or(u64::MAX));
        self.calls
            .run(async move {
                all.replace_one(by_id(document.id), &document).upsert(true).await?;
                let own = all.find(doc! { "user_id": document.user_id });
                let beyond = own.sort(doc! { "user_id": -1, "created_at": -1 }).skip(keep).await?;
                let beyond: Vec<PushSubscriptionDocument> = beyond.try_collect().await?;
                for old in beyond {
                    all.delete_one(by_id(old.id)).await?;
                }
                Ok(())
            })
            .await
    }

    async fn subscription(&self, id: uuid::Uuid) -> Result<Option<PushSubscription>, StoreError> {
        let all = self.push_subscriptions.clone();
        let found = self.calls.run(async move { Ok(all.find_one(by_id(key(id))).await?) }).await?;
        Ok(found.map(PushSubscription::try_from).transpose()?)
    }

    async fn subscriptions(&self, users: &[UserId], limit: usize) -> Result<Vec<PushSubscription>, StoreError> {
        let mut found = Vec::new();
        for users in users.chunks(STORE_IDS_PER_READ_MAX) {
            let users: Vec<Uuid> = users.iter().map(|user| key(user.as_uuid())).collect();
            let (all, of_users) = (self.push_subscriptions.clone(), doc! { "user_id": { "$in": users } });
            let limit = integer::limit(limit);
            let part = self.calls.run(async move {
                let found = all.find(of_users).limit(limit).await?;
                Ok(found.try_collect::<Vec<_>>().await?)
            });
            found.extend(part.await?);
        }
        found.truncate(limit);
        Ok(found.into_iter().map(PushSubscription::try_from).collect::<Result<_, _>>()?)
    }

    async fn unsubscribe(&self, user: UserId, id: uuid::Uuid) -> Result<bool, StoreError> {
        let mut own = by_id(key(id));
        own.insert("user_id", key(user.as_uuid()));
        let all = self.push_subscriptions.clone();
        self.calls.run(async move { Ok(all.delete_one(own).await?.deleted_count == 1) }).await
    }

    async fn note_shown(
        &self,
        subscription: &PushSubscription,
        topic: &str,
        at: UnixMillis,
        older: UnixMillis,
    ) -> Result<(), StoreError> {
        let document = ShownDocument {
            id: format!("{} {topic}", subscription.id.simple()),
            subscription_id: key(subscription.id),
            topic: topic.to_owned(),
            user_id: key(subscription.user.as_uuid()),
            at: date(at),
        };
        let old = doc! { "subscription_id": document.subscription_id, "at": { "$lt": date(older) } };
        let all = self.push_shown.clone();
        self.calls
            .run(async move {
                all.delete_many(old).await?;
                Ok(all.replace_one(by_id(&document.id), &document).upsert(true).await.map(drop)?)
            })
            .await
    }

    async fn take_shown(&self, user: UserId, topic: Option<&str>, limit: usize) -> Result<Vec<uuid::Uuid>, StoreError> {
        let mut own = doc! { "user_id": key(user.as_uuid()) };
        own.extend(topic.map(|topic| ("topic".to_owned(), topic.into())));
        let (all, limit) = (self.push_shown.clone(), integer::limit(limit));
        let mut ids: Vec<uuid::Uuid> = self
            .calls
            .run(async move {
                let found: Vec<ShownDocument> = all.find(own).limit(limit).await?.try_collect().await?;
                let mut ids = Vec::new();
                for shown in found {
                    // Whoever takes it away tells the device.
                    if all.delete_one(by_id(&shown.id)).await?.deleted_count == 1 {
                        ids.push(uuid_of(shown.subscription_id));
                    }
                }
                Ok(ids)
            })
            .await?;
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }

    async fn push_key(&self, new: &[u8]) -> Result<Vec<u8>, StoreError> {
        let (all, new) = (self.push_keys.clone(), PushKeyDocument { id: KEY.to_owned(), private_key: binary(new) });
        self.calls
            .run(async move {
                insert_new(&all, &new).await?;
                Ok(all.find_one(by_id(KEY)).await?.unwrap_or(new).private_key.bytes)
            })
            .await
    }
}

impl TryFrom<PushSubscriptionDocument> for PushSubscription {
    type Error = Failed;

    fn try_from(found: PushSubscriptionDocument) -> Result<Self, Failed> {
        Ok(Self {
            id: uuid_of(found.id),
            user: UserId::from_uuid(uuid_of(found.user_id)),
            session: SessionId::from_uuid(uuid_of(found.session_id)),
            p256dh: array(&found.p256dh)?,
            auth: array(&found.auth)?,
            endpoint: found.endpoint,
            created_at: time(found.created_at),
        })
    }
}
