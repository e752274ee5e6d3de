//! Documents that are added unless they are there.

use mongodb::Collection;
use mongodb::error::Error;
use serde::Serialize;

use crate::error::is_duplicate;

/// Adds a document; false if one of its unique values is taken.
pub(super) async fn insert_new<T: Serialize + Send + Sync>(all: &Collection<T>, document: &T) -> Result<bool, Error> {
    match all.insert_one(document).await {
        Ok(_) => Ok(true),
        Err(error) if is_duplicate(&error) => Ok(false),
        Err(error) => Err(error),
    }
}
