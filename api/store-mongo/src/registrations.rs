//! Registrations that wait for a code, in MongoDB.

use async_trait::async_trait;
use mongodb::bson::{Document, doc};
use mongodb::options::ReturnDocument;
use rookery_protocol::clock::UnixMillis;
use rookery_store::account::{CodeState, Registration};
use rookery_store::login::LoginKey;
use rookery_store::{Registrations, StoreError};
use uuid::Uuid;

use super::{Mongo, by_id};
use crate::account_documents::RegistrationDocument;
use crate::fields::{binary, date, key};

#[async_trait]
impl Registrations for Mongo {
    async fn insert(&self, registration: &Registration) -> Result<(), StoreError> {
        let (all, document) = (self.registrations.clone(), RegistrationDocument::from(registration));
        self.calls.run(async move { Ok(all.insert_one(document).await.map(drop)?) }).await
    }

    async fn by_id(&self, id: Uuid) -> Result<Option<Registration>, StoreError> {
        self.registration(by_id(key(id))).await
    }

    async fn by_login(&self, login: &str) -> Result<Option<Registration>, StoreError> {
        self.registration(match LoginKey::from(login) {
            LoginKey::Username(key) => doc! { "username_key": key },
            LoginKey::Email([_, key]) => doc! { "email_key": key },
        })
        .await
    }

    async fn replace_code(&self, id: Uuid, code: &CodeState) -> Result<bool, StoreError> {
        let mut before = by_id(key(id));
        before.insert("code_number", i64::from(code.number) - 1);
        let set = doc! { "$set": {
            "code_hash": binary(&code.hash),
            "code_number": i64::from(code.number),
            "attempts_left": i64::from(code.attempts_left),
            "code_expires_at": date(code.expires_at),
        } };
        let all = self.registrations.clone();
        self.calls
            .run(async move { Ok(all.update_one(before, set).await?.matched_count == 1) })
            .await
    }

    async fn attempt(&self, id: Uuid, now: UnixMillis) -> Result<Option<Registration>, StoreError> {
        let Some(known) = Registrations::by_id(self, id).await? else { return Ok(None) };
        if known.code.expires_at <= now || known.expires_at <= now {
            return Ok(None);
        }
        // The times are those of this code; how many tries it has left may have changed meanwhile.
        let mut open = by_id(key(id));
        open.insert("code_number", i64::from(known.code.number));
        open.insert("attempts_left", doc! { "$gt": 0_i64 });
        let (all, one_less) = (self.registrations.clone(), doc! { "$inc": { "attempts_left": -1_i64 } });
        let found = self.calls.run(async move {
            Ok(all.find_one_and_update(open, one_less).return_document(ReturnDocument::After).await?)
        });
        found.await?.map(Registration::try_from).transpose()
    }

    async fn remove(&self, id: Uuid) -> Result<(), StoreError> {
        let (all, filter) = (self.registrations.clone(), by_id(key(id)));
        self.calls.run(async move { Ok(all.delete_one(filter).await.map(drop)?) }).await
    }

    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError> {
        self.purge_ended(&self.registrations, "expires_at", before, limit).await
    }
}

impl Mongo {
    async fn registration(&self, filter: Document) -> Result<Option<Registration>, StoreError> {
        let all = self.registrations.clone();
        let found = self.calls.run(async move { Ok(all.find_one(filter).sort(doc! { "_id": -1 }).await?) });
        found.await?.map(Registration::try_from).transpose()
    }
}
