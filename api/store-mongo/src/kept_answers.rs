//! Answers to requests that are repeated, in MongoDB: a document for each key.

use std::time::Duration;

use async_trait::async_trait;
use mongodb::bson::{Binary, DateTime, Document, Uuid, doc};
use mongodb::options::FindOptions;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::UserId;
use rookery_store::kept_answer::{KeyClaim, KeyHash, KeyState};
use rookery_store::{KeptAnswers, StoreError};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use super::{Mongo, by_id};
use crate::error::Failed;
use crate::fields::{array, binary, date, key as id_key, time};
use crate::inserts::insert_new;

/// The collection.
pub(super) const COLLECTION: &str = "kept_answers";
/// How often a key is looked at that others claim at the same time.
const CLAIM_TRIES: usize = 20;
/// Between two looks.
const CLAIM_PAUSE: Duration = Duration::from_millis(20);

/// A key.
#[derive(Serialize, Deserialize)]
pub(super) struct KeptAnswerDocument {
    #[serde(rename = "_id")]
    key: Binary,
    user_id: Uuid,
    request: Binary,
    holder: Uuid,
    at: DateTime,
    until: DateTime,
    expires_at: DateTime,
    answered: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<Binary>,
}

#[async_trait]
impl KeptAnswers for Mongo {
    async fn claim(&self, claim: &KeyClaim) -> Result<KeyState, StoreError> {
        let (all, claim) = (self.kept_answers.clone(), claim.clone());
        self.calls
            .run(async move {
                for _ in 0..CLAIM_TRIES {
                    let Some(found) = all.find_one(by_id(binary(&claim.key))).await? else {
                        if insert_new(&all, &KeptAnswerDocument::from(&claim)).await? {
                            return Ok(KeyState::Claimed);
                        }
                        // It is seen as soon as a majority has it.
                        sleep(CLAIM_PAUSE).await;
                        continue;
                    };
                    if !found.is_free(claim.at) {
                        return found.state();
                    }
                    let as_it_was =
                        doc! { "_id": binary(&claim.key), "holder": found.holder, "answered": found.answered };
                    let mine = KeptAnswerDocument::from(&claim);
                    if all.replace_one(as_it_was, mine).await?.matched_count == 1 {
                        return Ok(KeyState::Claimed);
                    }
                }
                Err(StoreError::Unavailable("a key changes hands all the time".to_owned()).into())
            })
            .await
    }

    async fn renew(&self, key: &KeyHash, holder: uuid::Uuid, until: UnixMillis) -> Result<bool, StoreError> {
        let set = doc! { "$set": { "until": date(until) } };
        self.update_first(&self.kept_answers, held(key, holder), set).await
    }

    async fn keep(&self, key: &KeyHash, holder: uuid::Uuid, answer: &[u8]) -> Result<bool, StoreError> {
        let set = doc! { "$set": { "answered": true, "answer": binary(answer) } };
        self.update_first(&self.kept_answers, held(key, holder), set).await
    }

    async fn give_up(&self, key: &KeyHash, holder: uuid::Uuid) -> Result<(), StoreError> {
        let (all, held) = (self.kept_answers.clone(), held(key, holder));
        self.calls.run(async move { Ok(all.delete_one(held).await.map(drop)?) }).await
    }

    async fn trim(&self, user: UserId, keep: usize, limit: usize) -> Result<usize, StoreError> {
        let (all, own) = (self.kept_answers.clone(), doc! { "user_id": id_key(user.as_uuid()) });
        let beyond = FindOptions::builder()
            .sort(doc! { "user_id": -1, "at": -1 })
            .skip(u64::try_from(keep).unwrap_or(u64::MAX))
            .limit(1)
            .build();
        let of_user = own.clone();
        let found = self.calls.run(async move {
            let mut found = all.find(of_user).with_options(beyond).await?;
            Ok(if found.advance().await? { Some(found.deserialize_current()?) } else { None })
        });
        let Some(newest) = found.await? else { return Ok(0) };
        let mut old = own;
        old.insert("at", doc! { "$lte": newest.at });
        self.remove_first(&self.kept_answers, old, "at", limit).await
    }

    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError> {
        self.purge_ended(&self.kept_answers, "expires_at", before, limit).await
    }
}

/// A key whose request the holder carries out.
fn held(key: &KeyHash, holder: uuid::Uuid) -> Document {
    doc! { "_id": binary(key), "holder": id_key(holder), "answered": false }
}

impl KeptAnswerDocument {
    fn is_free(&self, at: UnixMillis) -> bool {
        time(self.expires_at) <= at || (!self.answered && time(self.until) <= at)
    }

    fn state(self) -> Result<KeyState, Failed> {
        let request = array(&self.request)?;
        Ok(self
            .answer
            .map_or(KeyState::Underway(request), |answer| KeyState::Answered(request, answer.bytes)))
    }
}

impl From<&KeyClaim> for KeptAnswerDocument {
    fn from(claim: &KeyClaim) -> Self {
        Self {
            key: binary(&claim.key),
            user_id: id_key(claim.user.as_uuid()),
            request: binary(&claim.request),
            holder: id_key(claim.holder),
            at: date(claim.at),
            until: date(claim.until),
            expires_at: date(claim.expires_at),
            answered: false,
            answer: None,
        }
    }
}
