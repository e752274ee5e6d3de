//! Invites to the server, in MongoDB.

use async_trait::async_trait;
use mongodb::bson::{Document, doc};
use rookery_protocol::clock::UnixMillis;
use rookery_store::account::{SecretHash, ServerInvite};
use rookery_store::{ServerInvites, StoreError};
use uuid::Uuid;

use super::{Mongo, by_id};
use crate::account_documents::ServerInviteDocument;
use crate::batch_reads::page_of;
use crate::fields::{binary, key};

#[async_trait]
impl ServerInvites for Mongo {
    async fn insert(&self, invite: &ServerInvite) -> Result<(), StoreError> {
        let (all, document) = (self.server_invites.clone(), ServerInviteDocument::from(invite));
        self.calls.run(async move { Ok(all.insert_one(document).await.map(drop)?) }).await
    }

    async fn by_hash(&self, hash: &SecretHash) -> Result<Option<ServerInvite>, StoreError> {
        let (all, filter) = (self.server_invites.clone(), doc! { "hash": binary(hash) });
        let found = self.calls.run(async move { Ok(all.find_one(filter).await?) }).await?;
        found.map(ServerInvite::try_from).transpose()
    }

    async fn spend(&self, hash: &SecretHash, now: UnixMillis) -> Result<bool, StoreError> {
        let Some(found) = self.by_hash(hash).await? else { return Ok(false) };
        // Its end never changes, its number does.
        if !found.is_open(now) {
            return Ok(false);
        }
        let mut open = doc! { "hash": binary(hash) };
        if found.max_uses.is_some() {
            open.insert("left", doc! { "$gt": 0_i64 });
        }
        self.count_invite(open, found.max_uses.is_some(), 1).await
    }

    async fn give_back(&self, hash: &SecretHash) -> Result<(), StoreError> {
        let Some(found) = self.by_hash(hash).await? else { return Ok(()) };
        let used = doc! { "hash": binary(hash), "uses": { "$gt": 0_i64 } };
        self.count_invite(used, found.max_uses.is_some(), -1).await.map(drop)
    }

    async fn page(&self, after: Option<Uuid>, limit: usize) -> Result<Vec<ServerInvite>, StoreError> {
        let above = doc! { "_id": { "$gt": key(after.unwrap_or(Uuid::nil())) } };
        let all = self.server_invites.clone();
        let found = self.calls.run(async move { page_of(&all, vec![above], doc! { "_id": 1 }, limit).await });
        found.await?.into_iter().map(ServerInvite::try_from).collect()
    }

    async fn remove(&self, id: Uuid) -> Result<bool, StoreError> {
        let (all, filter) = (self.server_invites.clone(), by_id(key(id)));
        self.calls.run(async move { Ok(all.delete_one(filter).await?.deleted_count == 1) }).await
    }

    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError> {
        self.purge_ended(&self.server_invites, "expires_at", before, limit).await
    }
}

impl Mongo {
    async fn count_invite(&self, filter: Document, is_bounded: bool, uses: i64) -> Result<bool, StoreError> {
        let change = if is_bounded {
            doc! { "uses": uses, "left": -uses }
        } else {
            doc! { "uses": uses }
        };
        let all = self.server_invites.clone();
        self.calls
            .run(async move { Ok(all.update_one(filter, doc! { "$inc": change }).await?.matched_count == 1) })
            .await
    }
}
