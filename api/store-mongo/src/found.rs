//! A room that begins with its members: a transaction, so that nobody finds one without the other.

use mongodb::ClientSession;
use mongodb::error::{Error, TRANSIENT_TRANSACTION_ERROR};
use rookery_store::{StoreError, Unique};
use tokio::time::sleep;

use super::Mongo;
use super::documents::{MemberDocument, RoomDocument};
use super::error::is_duplicate;
use super::transaction::{begin, end, pause};
use crate::error::Failed;
use crate::limits::TRANSACTION_TRIES_MAX;

impl Mongo {
    /// Adds both. [`Unique::Id`] if the room is there.
    pub(super) async fn found(&self, room: RoomDocument, members: Vec<MemberDocument>) -> Result<(), Failed> {
        let (client, rooms, all) = (self.client.clone(), self.rooms.clone(), self.members.clone());
        let added = self.calls.run(async move {
            let mut session = client.start_session().await?;
            for tried in 0..TRANSACTION_TRIES_MAX {
                begin(&mut session).await?;
                let steps = async |session: &mut ClientSession| -> Result<(), Error> {
                    rooms.insert_one(&room).session(&mut *session).await?;
                    all.insert_many(&members).session(&mut *session).await.map(drop)
                };
                let outcome = steps(&mut session).await;
                let ended = end(&mut session, outcome.is_ok()).await;
                match outcome.and(ended) {
                    Ok(()) => return Ok(()),
                    Err(error) if is_duplicate(&error) => return Err(StoreError::Taken(Unique::Id).into()),
                    Err(error) if error.contains_label(TRANSIENT_TRANSACTION_ERROR) => sleep(pause(tried)).await,
                    Err(error) => return Err(error.into()),
                }
            }
            Err(StoreError::Unavailable("too many make the same room at once".to_owned()).into())
        });
        Ok(added.await?)
    }
}
