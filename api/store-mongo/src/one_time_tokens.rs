//! Secrets that work once, in MongoDB.

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use mongodb::bson::{Document, doc};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::UserId;
use rookery_store::account::{Keep, OneTimeToken, Purpose, SecretHash};
use rookery_store::{OneTimeTokens, StoreError};
use uuid::Uuid;

use super::{Mongo, by_id};
use crate::account_documents::OneTimeTokenDocument;
use crate::fields::{binary, key};

#[async_trait]
impl OneTimeTokens for Mongo {
    async fn insert(&self, token: &OneTimeToken, keep: Keep) -> Result<(), StoreError> {
        let (all, document) = (self.one_time_tokens.clone(), OneTimeTokenDocument::from(token));
        let own = of(token.user_id, token.purpose);
        let (order, keep) = match keep {
            Keep::Newest(keep) => (-1, keep),
            Keep::Oldest(keep) => (1, keep),
        };
        let skip = u64::try_from(keep).unwrap_or(u64::MAX);
        let insert = async move {
            all.insert_one(document).await?;
            let beyond = all.find(own).sort(doc! { "_id": order }).skip(skip).await?;
            for old in beyond.try_collect::<Vec<_>>().await? {
                all.delete_one(by_id(old.id)).await?;
            }
            Ok(())
        };
        self.calls.run(insert).await
    }

    async fn by_id(&self, id: Uuid) -> Result<Option<OneTimeToken>, StoreError> {
        self.one_time_token(by_id(key(id))).await
    }

    async fn find(
        &self,
        hash: &SecretHash,
        purpose: Purpose,
        now: UnixMillis,
    ) -> Result<Option<OneTimeToken>, StoreError> {
        let found = self.one_time_token(doc! { "hash": binary(hash) }).await?;
        Ok(found.filter(|token| token.purpose == purpose && now < token.expires_at))
    }

    async fn take(&self, id: Uuid) -> Result<bool, StoreError> {
        let (all, filter) = (self.one_time_tokens.clone(), by_id(key(id)));
        self.calls.run(async move { Ok(all.delete_one(filter).await?.deleted_count == 1) }).await
    }

    async fn remove_all(&self, user: UserId, purpose: Purpose) -> Result<(), StoreError> {
        let (all, own) = (self.one_time_tokens.clone(), of(user, purpose));
        self.calls.run(async move { Ok(all.delete_many(own).await.map(drop)?) }).await
    }

    async fn remove_later(&self, token: &OneTimeToken) -> Result<(), StoreError> {
        let (all, mut later) = (self.one_time_tokens.clone(), of(token.user_id, token.purpose));
        later.insert("_id", doc! { "$gt": key(token.id) });
        self.calls.run(async move { Ok(all.delete_many(later).await.map(drop)?) }).await
    }

    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError> {
        self.purge_ended(&self.one_time_tokens, "expires_at", before, limit).await
    }
}

impl Mongo {
    async fn one_time_token(&self, filter: Document) -> Result<Option<OneTimeToken>, StoreError> {
        let all = self.one_time_tokens.clone();
        let found = self.calls.run(async move { Ok(all.find_one(filter).await?) }).await?;
        found.map(OneTimeToken::try_from).transpose()
    }
}

fn of(user: UserId, purpose: Purpose) -> Document {
    doc! { "user_id": key(user.as_uuid()), "purpose": purpose.as_str() }
}
