//! Changes of one document whose filter holds the condition.

use mongodb::Collection;
use mongodb::bson::Document;
use rookery_store::StoreError;

use super::Mongo;

impl Mongo {
    /// Changes the first document that the filter finds; says whether there was one.
    pub(super) async fn update_first(
        &self,
        all: &Collection<impl Send + Sync>,
        filter: Document,
        change: Document,
    ) -> Result<bool, StoreError> {
        let all = all.clone_with_type::<Document>();
        self.calls
            .run(async move { Ok(all.update_one(filter, change).await?.matched_count == 1) })
            .await
    }
}
