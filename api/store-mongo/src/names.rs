//! Names that are kept, in MongoDB: the key is the document's id, so that two claims collide.

use async_trait::async_trait;
use mongodb::bson::{Bson, doc};
use rookery_protocol::clock::UnixMillis;
use rookery_store::{Names, StoreError};
use uuid::Uuid;

use super::{Mongo, by_id};
use crate::account_documents::NameDocument;
use crate::fields::{date, key};
use crate::inserts::insert_new;

#[async_trait]
impl Names for Mongo {
    async fn claim(
        &self,
        name: &str,
        owner: Uuid,
        until: Option<UnixMillis>,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        if !self.claim_unburied(name, owner, until, now).await? {
            return Ok(false);
        }
        // After the claim: whoever buries a name has claimed it before.
        if self.is_buried(name).await? {
            self.release(name, owner).await?;
            return Ok(false);
        }
        Ok(true)
    }

    async fn release(&self, name: &str, owner: Uuid) -> Result<(), StoreError> {
        let mut filter = by_id(name);
        filter.insert("owner", key(owner));
        let names = self.names.clone();
        self.calls.run(async move { Ok(names.delete_one(filter).await.map(drop)?) }).await
    }

    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError> {
        self.purge_ended(&self.names, "until", before, limit).await
    }
}

impl Mongo {
    /// Keeps a name that nobody who was erased had.
    async fn claim_unburied(
        &self,
        name: &str,
        owner: Uuid,
        until: Option<UnixMillis>,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        let (names, end) = (self.names.clone(), until.map(date));
        let document = NameDocument { key: name.to_owned(), owner: key(owner), until: end };
        let claim = async move {
            if insert_new(&names, &document).await? {
                return Ok(true);
            }
            // Given back meanwhile, it is not kept; whoever wants it asks again.
            let Some(known) = names.find_one(by_id(document.key.as_str())).await? else { return Ok(false) };
            let is_over = known.until.is_some_and(|end| end <= date(now));
            let is_own = known.owner == document.owner;
            if !is_own && !is_over {
                return Ok(false);
            }
            let longest = known.until.zip(end).map(|(known, end)| known.max(end));
            let end = if is_own { longest } else { end };
            let set = if let Some(end) = end {
                doc! { "$set": { "owner": document.owner, "until": end } }
            } else {
                doc! { "$set": { "owner": document.owner }, "$unset": { "until": "" } }
            };
            // Nobody was faster: it is kept as it was read.
            let mut unchanged = by_id(document.key.as_str());
            unchanged.insert("owner", known.owner);
            unchanged.insert("until", known.until.map_or(Bson::Null, Bson::from));
            Ok(names.update_one(unchanged, set).await?.matched_count == 1)
        };
        self.calls.run(claim).await
    }
}
