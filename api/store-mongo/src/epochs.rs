//! Epochs in MongoDB: one document per partition, whose newest epoch is replaced only by whoever has read it.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use mongodb::Collection;
use mongodb::bson::doc;
use mongodb::error::Error;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{Epoch, Partition};
use rookery_store::epoch::epoch_after;
use rookery_store::{EpochStart, Epochs, StoreError, integer};

use super::documents::EpochDocument;
use super::error::is_duplicate;
use super::{Mongo, by_id};
use crate::error::Failed;
use crate::limits::{EPOCH_TRIES_MAX, EPOCHS_KEPT};

#[async_trait]
impl Epochs for Mongo {
    async fn next(&self, partition: Partition) -> Result<Epoch, StoreError> {
        let (epochs, partition) = (self.epochs.clone(), i32::from(partition.0));
        let turn = Arc::clone(&self.epoch_turn);
        let raised = self.calls.run(async move {
            // Of one process, one at a time: the losers of a race would only try again.
            let _turn = turn.lock().await;
            for _ in 0..EPOCH_TRIES_MAX {
                let Some(before) = epochs.find_one(by_id(partition)).await? else {
                    begin(&epochs, partition).await?;
                    continue;
                };
                if let Some(epoch) = raise(&epochs, &before).await? {
                    return Ok(epoch);
                }
            }
            Err(StoreError::Unavailable("too many epochs of one partition at once".to_owned()).into())
        });
        raised.await
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

    async fn begin(&self, partition: Partition, begun: EpochStart) -> Result<bool, StoreError> {
        let (epochs, epoch) = (self.epochs.clone(), integer::stored(begun.epoch.0)?);
        let mut older = by_id(i32::from(partition.0));
        // Documents of earlier releases have no such field.
        older.insert("$or", vec![doc! { "begun": { "$lt": epoch } }, doc! { "begun": { "$exists": false } }]);
        let set = doc! { "$set": { "begun": epoch, "fence": begun.fence } };
        self.calls
            .run(async move { Ok(epochs.update_one(older, set).await?.matched_count > 0) })
            .await
    }

    async fn begun(&self, partitions: &[Partition]) -> Result<HashMap<Partition, EpochStart>, StoreError> {
        let ids: Vec<i32> = partitions.iter().map(|partition| i32::from(partition.0)).collect();
        let (epochs, among) = (self.epochs.clone(), doc! { "_id": { "$in": ids } });
        let read = async move { Ok(epochs.find(among).await?.try_collect::<Vec<EpochDocument>>().await?) };
        let found = self.calls.run(read).await?;
        let begun = found.into_iter().filter(|found| found.begun > 0);
        Ok(begun.map(begun_of).collect::<Result<_, _>>()?)
    }
}

fn begun_of(found: EpochDocument) -> Result<(Partition, EpochStart), Failed> {
    let partition = u16::try_from(found.partition).map_err(|_| StoreError::Inconsistent("partition".to_owned()))?;
    Ok((Partition(partition), EpochStart { epoch: Epoch(integer::read(found.begun)?), fence: found.fence }))
}

/// The epoch after that of the document; none if somebody was faster.
async fn raise(epochs: &Collection<EpochDocument>, before: &EpochDocument) -> Result<Option<Epoch>, Failed> {
    let epoch = epoch_after(integer::read(before.epoch)?, UnixMillis::now(), rand::random());
    let number = integer::stored(epoch)?;
    let (known, dense) = before.known();
    let forgotten = (known.len() + 1).saturating_sub(EPOCHS_KEPT);
    let given: Vec<i64> = known.iter().copied().chain([number]).skip(forgotten).collect();
    let mut unchanged = by_id(before.partition);
    unchanged.insert("epoch", before.epoch);
    let set = doc! { "$set": { "epoch": number, "given": given, "dense": dense } };
    let raised = epochs.update_one(unchanged, set).await?.modified_count == 1;
    Ok(raised.then_some(Epoch(epoch)))
}

/// Makes the partition's document, unless somebody else has.
async fn begin(epochs: &Collection<EpochDocument>, partition: i32) -> Result<(), Error> {
    match epochs.insert_one(EpochDocument::new(partition)).await {
        Err(error) if !is_duplicate(&error) => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}
