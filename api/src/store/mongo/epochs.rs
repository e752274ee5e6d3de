//! Epochs in MongoDB: one counter per partition, raised by an atomic update that a majority has.

use std::collections::HashMap;

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use mongodb::Collection;
use mongodb::bson::doc;
use mongodb::error::Error;
use mongodb::options::ReturnDocument;
use rookery_shared::id::{Epoch, Partition};

use super::documents::EpochDocument;
use super::error::is_duplicate;
use super::{Mongo, by_id};
use crate::store::{Begun, Epochs, StoreError, integer};

#[async_trait]
impl Epochs for Mongo {
    async fn next(&self, partition: Partition) -> Result<Epoch, StoreError> {
        let (epochs, partition) = (self.epochs.clone(), i32::from(partition.0));
        let raised = self.calls.run(async move {
            if let Some(epoch) = raise(&epochs, partition).await? {
                return Ok(Some(epoch));
            }
            begin(&epochs, partition).await?;
            Ok(raise(&epochs, partition).await?)
        });
        let epoch = raised.await?.ok_or_else(|| StoreError::Inconsistent("no epoch was given".to_owned()))?;
        Ok(Epoch(integer::read(epoch.epoch)?))
    }

    async fn current(&self, partition: Partition) -> Result<Option<Epoch>, StoreError> {
        let (epochs, filter) = (self.epochs.clone(), by_id(i32::from(partition.0)));
        let found = self.calls.run(async move { Ok(epochs.find_one(filter).await?) }).await?;
        // A counter that was made and not yet raised has given no epoch.
        found
            .filter(|counter| counter.epoch > 0)
            .map(|counter| integer::read(counter.epoch).map(Epoch))
            .transpose()
    }

    async fn begin(&self, partition: Partition, begun: Begun) -> Result<bool, StoreError> {
        let (epochs, epoch) = (self.epochs.clone(), integer::stored(begun.epoch.0)?);
        let mut older = by_id(i32::from(partition.0));
        // Documents of earlier releases have no such field.
        older.insert("$or", vec![doc! { "begun": { "$lt": epoch } }, doc! { "begun": { "$exists": false } }]);
        let set = doc! { "$set": { "begun": epoch, "fence": begun.fence } };
        self.calls
            .run(async move { Ok(epochs.update_one(older, set).await?.matched_count > 0) })
            .await
    }

    async fn begun(&self, partitions: &[Partition]) -> Result<HashMap<Partition, Begun>, StoreError> {
        let ids: Vec<i32> = partitions.iter().map(|partition| i32::from(partition.0)).collect();
        let (epochs, among) = (self.epochs.clone(), doc! { "_id": { "$in": ids } });
        let read = async move { Ok(epochs.find(among).await?.try_collect::<Vec<EpochDocument>>().await?) };
        let found = self.calls.run(read).await?;
        let begun = found.into_iter().filter(|found| found.begun > 0);
        begun.map(begun_of).collect()
    }
}

fn begun_of(found: EpochDocument) -> Result<(Partition, Begun), StoreError> {
    let partition = u16::try_from(found.partition).map_err(|_| StoreError::Inconsistent("partition".to_owned()))?;
    Ok((Partition(partition), Begun { epoch: Epoch(integer::read(found.begun)?), fence: found.fence }))
}

/// The next epoch; none if the partition has no document yet. Making it in the same update would be shorter, but what
/// the losers of such a race are told differs between servers.
async fn raise(epochs: &Collection<EpochDocument>, partition: i32) -> Result<Option<EpochDocument>, Error> {
    epochs
        .find_one_and_update(by_id(partition), doc! { "$inc": { "epoch": 1_i64 } })
        .return_document(ReturnDocument::After)
        .await
}

/// Makes the partition's document, unless somebody else has.
async fn begin(epochs: &Collection<EpochDocument>, partition: i32) -> Result<(), Error> {
    match epochs
        .insert_one(EpochDocument { partition, epoch: 0, begun: 0, fence: String::new() })
        .await
    {
        Err(error) if !is_duplicate(&error) => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}
