//! Many documents at once, for load tests.

use mongodb::Collection;
use rookery_store::load::LoadSet;
use rookery_store::{StoreError, Unique};
use serde::Serialize;

use super::Mongo;
use super::documents::{MemberDocument, RoomDocument, SessionDocument, UserDocument};
use super::error::left_out;
use crate::error::Failed;
use crate::limits::{SEED_INSERT_LIFE, SEED_INSERT_MAX};

impl Mongo {
    /// Rooms before members and accounts before sessions, so that nothing ever points at what is not there.
    pub(super) async fn insert_set(&self, set: &LoadSet) -> Result<(), Failed> {
        let rooms = set.rooms.iter().map(RoomDocument::try_from).collect::<Result<Vec<_>, _>>()?;
        self.insert_all(&self.users, set.users.iter().map(UserDocument::from).collect()).await?;
        self.insert_all(&self.rooms, rooms).await?;
        self.insert_all(&self.sessions, set.sessions.iter().map(SessionDocument::from).collect())
            .await?;
        self.insert_all(&self.members, set.members.iter().map(MemberDocument::from).collect())
            .await
    }

    async fn insert_all<T>(&self, into: &Collection<T>, mut documents: Vec<T>) -> Result<(), Failed>
    where
        T: Serialize + Send + Sync + 'static,
    {
        while !documents.is_empty() {
            let rest = documents.split_off(documents.len().min(SEED_INSERT_MAX));
            let (into, batch) = (into.clone(), std::mem::replace(&mut documents, rest));
            self.calls
                .run_long(SEED_INSERT_LIFE, async move {
                    match into.insert_many(batch).ordered(false).await {
                        Err(error) if left_out(&error).is_some() => Err(StoreError::Taken(Unique::Id).into()),
                        outcome => Ok(outcome.map(drop)?),
                    }
                })
                .await?;
        }
        Ok(())
    }
}
