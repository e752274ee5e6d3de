//! Leases in MongoDB: a document each.

use async_trait::async_trait;
use mongodb::bson::{DateTime, Uuid, doc};
use rookery_protocol::clock::UnixMillis;
use rookery_store::job::Lease;
use rookery_store::{Leases, StoreError};
use serde::{Deserialize, Serialize};

use super::Mongo;
use crate::error::is_duplicate;
use crate::fields::{date, key};

/// The collection; no backup has it.
pub(super) const COLLECTION: &str = "leases";

/// Who holds one.
#[derive(Serialize, Deserialize)]
pub(super) struct LeaseDocument {
    #[serde(rename = "_id")]
    name: String,
    holder: Uuid,
    until: DateTime,
}

#[async_trait]
impl Leases for Mongo {
    async fn hold(&self, name: &str, lease: Lease, now: UnixMillis) -> Result<bool, StoreError> {
        let (leases, holder) = (self.leases.clone(), key(lease.id));
        let (own, free) =
            (doc! { "_id": name, "holder": holder }, doc! { "_id": name, "until": { "$lte": date(now) } });
        let held = doc! { "$set": { "holder": holder, "until": date(lease.until) } };
        self.calls
            .run(async move {
                if leases.update_one(own, held.clone()).await?.matched_count == 1 {
                    return Ok(true);
                }
                // The upsert collides with a lease that somebody else has.
                match leases.update_one(free, held).upsert(true).await {
                    Ok(_) => Ok(true),
                    Err(error) if is_duplicate(&error) => Ok(false),
                    Err(error) => Err(error.into()),
                }
            })
            .await
    }

    async fn release(&self, name: &str, lease: Lease) -> Result<(), StoreError> {
        let own = doc! { "_id": name, "holder": key(lease.id) };
        self.remove_all(&self.leases, own).await.map(drop)
    }
}
