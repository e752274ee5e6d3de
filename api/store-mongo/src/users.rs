//! Accounts in MongoDB.

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use mongodb::bson::{self, Bson, Document, doc};
use mongodb::error::Error;
use rookery_protocol::id::UserId;
use rookery_store::login::LoginKey;
use rookery_store::user::{ServerRole, User};
use rookery_store::{StoreError, Users};

use super::documents::UserDocument;
use super::{Mongo, by_id};
use crate::batch_reads::page_of;
use crate::error::Failed;
use crate::fields::key;

#[async_trait]
impl Users for Mongo {
    async fn insert(&self, user: &User) -> Result<(), StoreError> {
        let (users, user) = (self.users.clone(), UserDocument::from(user));
        self.calls.run(async move { Ok(users.insert_one(user).await.map(drop)?) }).await
    }

    async fn by_id(&self, id: UserId) -> Result<Option<User>, StoreError> {
        Ok(self.user(by_id(key(id.as_uuid()))).await?)
    }

    async fn by_ids(&self, ids: &[UserId]) -> Result<Vec<User>, StoreError> {
        let ids: Vec<Bson> = ids.iter().map(|id| key(id.as_uuid()).into()).collect();
        let (users, filter) = (self.users.clone(), doc! { "_id": { "$in": ids } });
        let found = self
            .calls
            .run(async move { Ok(users.find(filter).await?.try_collect::<Vec<_>>().await?) });
        found.await?.into_iter().map(User::try_from).collect()
    }

    async fn set_disabled(&self, id: UserId, disabled: bool) -> Result<(), StoreError> {
        Ok(self.set(id, doc! { "disabled": disabled }).await?)
    }

    async fn set_role(&self, id: UserId, role: ServerRole) -> Result<(), StoreError> {
        let role = bson::serialize_to_bson(&role).map_err(|error| Failed::from(Error::from(error)))?;
        Ok(self.set(id, doc! { "role": role }).await?)
    }

    async fn set_password(&self, id: UserId, hash: &str) -> Result<(), StoreError> {
        Ok(self.set(id, doc! { "password_hash": hash }).await?)
    }

    async fn list(&self, after: Option<UserId>, limit: usize) -> Result<Vec<User>, StoreError> {
        let above = after.map_or_else(Document::new, |after| doc! { "_id": { "$gt": key(after.as_uuid()) } });
        let users = self.users.clone();
        let found = self
            .calls
            .run(async move { page_of(&users, vec![above], doc! { "_id": 1 }, limit).await });
        found.await?.into_iter().map(User::try_from).collect()
    }

    async fn by_login(&self, login: &str) -> Result<Option<User>, StoreError> {
        match LoginKey::from(login) {
            LoginKey::Username(key) => Ok(self.user(doc! { "username_key": key }).await?),
            LoginKey::Email([before, key]) => match self.user(doc! { "email_key": before }).await? {
                Some(found) => Ok(Some(found)),
                None => Ok(self.user(doc! { "email_key": key }).await?),
            },
        }
    }
}

impl Mongo {
    async fn set(&self, id: UserId, fields: Document) -> Result<(), Failed> {
        let (users, filter) = (self.users.clone(), by_id(key(id.as_uuid())));
        let update = doc! { "$set": fields };
        Ok(self
            .calls
            .run(async move { Ok(users.update_one(filter, update).await.map(drop)?) })
            .await?)
    }

    async fn user(&self, filter: Document) -> Result<Option<User>, Failed> {
        let users = self.users.clone();
        let found = self.calls.run(async move { Ok(users.find_one(filter).await?) }).await?;
        Ok(found.map(User::try_from).transpose()?)
    }
}
