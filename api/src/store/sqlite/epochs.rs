//! Epochs in SQLite.

use async_trait::async_trait;
use rookery_shared::id::{Epoch, Partition};

use super::Sqlite;
use super::sql::{one, statements};
use crate::store::{Epochs, StoreError, integer};

statements! {
    NEXT = "INSERT INTO epochs (partition, epoch) VALUES (?1, 1)
            ON CONFLICT (partition) DO UPDATE SET epoch = epoch + 1 RETURNING epoch";
    CURRENT = "SELECT epoch FROM epochs WHERE partition = ?1";
}

#[async_trait]
impl Epochs for Sqlite {
    async fn next(&self, partition: Partition) -> Result<Epoch, StoreError> {
        let given = self.write(move |db| one(db, NEXT, [partition.0], |row| Ok(row.get(0)?))).await?;
        let epoch = given.ok_or_else(|| StoreError::Inconsistent(format!("no epoch for partition {partition}")))?;
        Ok(Epoch(integer::read(epoch)?))
    }

    async fn current(&self, partition: Partition) -> Result<Option<Epoch>, StoreError> {
        let given = self.read(move |db| one(db, CURRENT, [partition.0], |row| Ok(row.get(0)?))).await?;
        given.map(|epoch| integer::read(epoch).map(Epoch)).transpose()
    }
}
