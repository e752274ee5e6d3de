//! Accounts in MongoDB.

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use mongodb::bson::{Bson, Document, doc};
use rookery_shared::id::UserId;

use super::documents::{UserDocument, key};
use super::{Mongo, by_id};
use crate::domain::user::User;
use crate::store::login::LoginKey;
use crate::store::{StoreError, Users};

#[async_trait]
impl Users for Mongo {
    async fn insert(&self, user: &User) -> Result<(), StoreError> {
        let (users, user) = (self.users.clone(), UserDocument::from(user));
        self.calls.run(async move { Ok(users.insert_one(user).await.map(drop)?) }).await
    }

    async fn by_id(&self, id: UserId) -> Result<Option<User>, StoreError> {
        self.user(by_id(key(id.as_uuid()))).await
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
        let (users, filter) = (self.users.clone(), by_id(key(id.as_uuid())));
        let update = doc! { "$set": { "disabled": disabled } };
        self.calls.run(async move { Ok(users.update_one(filter, update).await.map(drop)?) }).await
    }

    async fn by_login(&self, login: &str) -> Result<Option<User>, StoreError> {
        match LoginKey::from(login) {
            LoginKey::Username(key) => self.user(doc! { "username_key": key }).await,
            LoginKey::Email([before, key]) => match self.user(doc! { "email_key": before }).await? {
                Some(found) => Ok(Some(found)),
                None => self.user(doc! { "email_key": key }).await,
            },
        }
    }
}

impl Mongo {
    async fn user(&self, filter: Document) -> Result<Option<User>, StoreError> {
        let users = self.users.clone();
        let found = self.calls.run(async move { Ok(users.find_one(filter).await?) }).await?;
        found.map(User::try_from).transpose()
    }
}
