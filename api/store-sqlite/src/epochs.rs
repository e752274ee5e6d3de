//! Epochs in SQLite.

use std::collections::HashMap;

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{Epoch, Partition};
use rookery_store::epoch::epoch_after;
use rookery_store::{EpochStart, Epochs, StoreError, integer};
use rusqlite::{Row, params};

use super::Sqlite;
use super::sql::{change, one, statements};

statements! {
    NEXT = "INSERT INTO epochs (partition, epoch) VALUES (?1, ?2)
            ON CONFLICT (partition) DO UPDATE SET epoch = ?2";
    CURRENT = "SELECT epoch FROM epochs WHERE partition = ?1";
    BEGIN = "UPDATE epochs SET begun = ?2, fence = ?3 WHERE partition = ?1 AND begun < ?2";
    BEGUN = "SELECT begun, fence FROM epochs WHERE partition = ?1 AND begun > 0";
}

#[async_trait]
impl Epochs for Sqlite {
    async fn next(&self, partition: Partition) -> Result<Epoch, StoreError> {
        self.numbers()?;
        let (now, random) = (UnixMillis::now(), rand::random());
        self.write(move |db| {
            let last = one(db, CURRENT, [partition.0], |row| Ok(row.get(0)?))?.unwrap_or(0);
            let epoch = epoch_after(integer::read(last)?, now, random);
            change(db, NEXT, params![partition.0, integer::stored(epoch)?])?;
            Ok(Epoch(epoch))
        })
        .await
    }

    async fn current(&self, partition: Partition) -> Result<Option<Epoch>, StoreError> {
        let given = self.read(move |db| one(db, CURRENT, [partition.0], |row| Ok(row.get(0)?))).await?;
        given.map(|epoch| integer::read(epoch).map(Epoch)).transpose()
    }

    async fn begin(&self, partition: Partition, begun: EpochStart) -> Result<bool, StoreError> {
        let EpochStart { epoch, fence } = begun;
        let epoch = integer::stored(epoch.0)?;
        self.numbers()?;
        self.write(move |db| Ok(change(db, BEGIN, params![partition.0, epoch, fence])? > 0)).await
    }

    async fn begun(&self, partitions: &[Partition]) -> Result<HashMap<Partition, EpochStart>, StoreError> {
        let partitions = partitions.to_vec();
        self.read(move |db| {
            let columns = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
            let mut begun = HashMap::new();
            for partition in partitions {
                if let Some((epoch, fence)) = one(db, BEGUN, [partition.0], columns)? {
                    begun.insert(partition, EpochStart { epoch: Epoch(integer::read(epoch)?), fence });
                }
            }
            Ok(begun)
        })
        .await
    }
}
