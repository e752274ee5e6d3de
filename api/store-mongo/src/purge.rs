//! Forgetting what has ended, a few documents at a time.

use mongodb::Collection;
use mongodb::bson::{Bson, Document, doc};
use rookery_protocol::clock::UnixMillis;
use rookery_store::StoreError;
use rookery_store::limits::STORE_IDS_PER_READ_MAX;

use super::Mongo;
use crate::batch_reads::page_of;
use crate::fields::date;

impl Mongo {
    /// Erases documents whose end, a time in this field, was before; at most `limit`. Says how many.
    pub(super) async fn purge_ended(
        &self,
        all: &Collection<impl Send + Sync>,
        field: &'static str,
        before: UnixMillis,
        limit: usize,
    ) -> Result<usize, StoreError> {
        self.remove_first(all, doc! { field: { "$lt": date(before) } }, field, limit).await
    }

    /// Erases the first of these documents in the order of a field; at most `limit`. Says how many.
    pub(super) async fn remove_first(
        &self,
        all: &Collection<impl Send + Sync>,
        which: Document,
        field: &'static str,
        limit: usize,
    ) -> Result<usize, StoreError> {
        let all = all.clone_with_type::<Document>();
        let reads = all.clone();
        let found = self
            .calls
            .run(async move { page_of(&reads, vec![which], doc! { field: 1 }, limit).await });
        let ids: Vec<Bson> = found.await?.into_iter().filter_map(|mut found| found.remove("_id")).collect();
        let mut erased = 0;
        for ids in ids.chunks(STORE_IDS_PER_READ_MAX) {
            let gone = self.remove_all(&all, doc! { "_id": { "$in": ids.to_vec() } }).await?;
            erased += usize::try_from(gone).unwrap_or_default();
        }
        Ok(erased)
    }

    /// Erases all of these documents. Says how many.
    pub(super) async fn remove_all(
        &self,
        all: &Collection<impl Send + Sync>,
        which: Document,
    ) -> Result<u64, StoreError> {
        let all = all.clone_with_type::<Document>();
        self.calls.run(async move { Ok(all.delete_many(which).await?.deleted_count) }).await
    }
}
