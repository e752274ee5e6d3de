//! Where the database is in time.
//!
//! A database that was put back to an earlier state cannot know it. Redis beside it can: it notes an id, which a restore
//! of ours replaces, and a count, which every process raises every few seconds. What Redis has noted
//! and the database has not was lost in between.

use mongodb::bson::{Uuid, doc};
use mongodb::error::Error;
use mongodb::options::ReturnDocument;
use mongodb::{Collection, Database};
use rookery_store::{StoreError, Timeline, integer};
use serde::{Deserialize, Serialize};

use super::error::is_duplicate;
use super::{Mongo, by_id};
use crate::error::Failed;
use crate::fields::uuid_of;

/// Id of the only document.
const ONE: i32 = 0;
/// The collection; no backup has it.
pub(super) const COLLECTION: &str = "timeline";

#[derive(Serialize, Deserialize)]
pub(super) struct TimelineDocument {
    #[serde(rename = "_id")]
    one: i32,
    id: Uuid,
    beat: i64,
}

impl Mongo {
    /// Raises the count.
    pub(super) async fn raise_beat(&self) -> Result<Timeline, Failed> {
        let timelines = self.database.collection::<TimelineDocument>(COLLECTION);
        let raised = self.calls.run(async move {
            if let Some(raised) = raise(&timelines).await? {
                return Ok(Some(raised));
            }
            match timelines.insert_one(TimelineDocument { one: ONE, id: Uuid::new(), beat: 0 }).await {
                Err(error) if !is_duplicate(&error) => return Err(error.into()),
                Ok(_) | Err(_) => {}
            }
            Ok(raise(&timelines).await?)
        });
        let TimelineDocument { id, beat, .. } = raised
            .await?
            .ok_or_else(|| StoreError::Inconsistent("the database has no timeline".to_owned()))?;
        Ok(Timeline { id: uuid_of(id), beat: integer::read(beat)? })
    }
}

async fn raise(timelines: &Collection<TimelineDocument>) -> Result<Option<TimelineDocument>, Error> {
    timelines
        .find_one_and_update(by_id(ONE), doc! { "$inc": { "beat": 1_i64 } })
        .return_document(ReturnDocument::After)
        .await
}

/// From here on the database is none that anybody has seen.
pub(super) async fn begin_another(database: &Database) -> Result<(), Error> {
    let timelines = database.collection::<TimelineDocument>(COLLECTION);
    let another = doc! { "$set": { "id": Uuid::new(), "beat": 0_i64 } };
    timelines.update_one(by_id(ONE), another).upsert(true).await.map(drop)
}
