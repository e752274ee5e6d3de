//! Second factors in MongoDB: one document of an account, whose id is the document's.

use async_trait::async_trait;
use mongodb::bson::{Binary, Bson, Document, Uuid, doc};
use rookery_protocol::id::UserId;
use rookery_store::account::SecretHash;
use rookery_store::second_factor::SecondFactor;
use rookery_store::{SecondFactors, StoreError, integer};
use serde::{Deserialize, Serialize};

use super::{Mongo, by_id};
use crate::fields::{array, binary, key, uuid_of};

/// A second factor.
#[derive(Serialize, Deserialize)]
pub(super) struct SecondFactorDocument {
    #[serde(rename = "_id")]
    user_id: Uuid,
    secret: Binary,
    is_confirmed: bool,
    last_step: i64,
    recovery: Vec<Binary>,
}

#[async_trait]
impl SecondFactors for Mongo {
    async fn get(&self, user: UserId) -> Result<Option<SecondFactor>, StoreError> {
        let (all, filter) = (self.second_factors.clone(), by_id(key(user.as_uuid())));
        let found = self.calls.run(async move { Ok(all.find_one(filter).await?) }).await?;
        found.map(SecondFactor::try_from).transpose()
    }

    async fn put(&self, factor: &SecondFactor) -> Result<(), StoreError> {
        let document = SecondFactorDocument {
            user_id: key(factor.user_id.as_uuid()),
            secret: binary(&factor.secret),
            is_confirmed: factor.is_confirmed,
            last_step: integer::stored(factor.last_step)?,
            recovery: factor.recovery.iter().map(|hash| binary(hash)).collect(),
        };
        let (all, filter) = (self.second_factors.clone(), by_id(document.user_id));
        self.calls
            .run(async move { Ok(all.replace_one(filter, document).upsert(true).await.map(drop)?) })
            .await
    }

    async fn confirm(&self, factor: &SecondFactor) -> Result<bool, StoreError> {
        let mut begun = by_id(key(factor.user_id.as_uuid()));
        begun.extend(doc! { "is_confirmed": false, "secret": binary(&factor.secret) });
        let recovery: Vec<Bson> = factor.recovery.iter().map(|hash| binary(hash).into()).collect();
        let last_step = integer::stored(factor.last_step)?;
        let set = doc! { "is_confirmed": true, "last_step": last_step, "recovery": recovery };
        self.change_factor(begun, doc! { "$set": set }).await
    }

    async fn advance(&self, user: UserId, step: u64) -> Result<bool, StoreError> {
        let step = integer::stored(step)?;
        let mut before = by_id(key(user.as_uuid()));
        before.insert("last_step", doc! { "$lt": step });
        self.change_factor(before, doc! { "$set": { "last_step": step } }).await
    }

    async fn spend(&self, user: UserId, code: &SecretHash) -> Result<bool, StoreError> {
        let mut with_code = by_id(key(user.as_uuid()));
        with_code.insert("recovery", binary(code));
        self.change_factor(with_code, doc! { "$pull": { "recovery": binary(code) } }).await
    }

    async fn replace_recovery(&self, user: UserId, codes: &[SecretHash]) -> Result<(), StoreError> {
        let codes: Vec<Bson> = codes.iter().map(|hash| binary(hash).into()).collect();
        let own = by_id(key(user.as_uuid()));
        self.change_factor(own, doc! { "$set": { "recovery": codes } }).await.map(drop)
    }

    async fn remove(&self, user: UserId) -> Result<(), StoreError> {
        let (all, filter) = (self.second_factors.clone(), by_id(key(user.as_uuid())));
        self.calls.run(async move { Ok(all.delete_one(filter).await.map(drop)?) }).await
    }
}

impl Mongo {
    async fn change_factor(&self, filter: Document, update: Document) -> Result<bool, StoreError> {
        let all = self.second_factors.clone();
        self.calls
            .run(async move { Ok(all.update_one(filter, update).await?.matched_count == 1) })
            .await
    }
}

impl TryFrom<SecondFactorDocument> for SecondFactor {
    type Error = StoreError;

    fn try_from(found: SecondFactorDocument) -> Result<Self, StoreError> {
        let mut recovery = found.recovery.iter().map(array).collect::<Result<Vec<SecretHash>, _>>()?;
        recovery.sort_unstable();
        Ok(Self {
            user_id: UserId::from_uuid(uuid_of(found.user_id)),
            secret: found.secret.bytes,
            is_confirmed: found.is_confirmed,
            last_step: integer::read(found.last_step)?,
            recovery,
        })
    }
}
