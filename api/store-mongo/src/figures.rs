//! How much there is, in MongoDB.

use async_trait::async_trait;
use mongodb::bson::{DateTime, doc};
use rookery_protocol::clock::UnixMillis;
use rookery_store::figures::StoreFigures;
use rookery_store::{Figures, StoreError, integer};
use serde::{Deserialize, Serialize};

use super::{Mongo, by_id};
use crate::batch_reads::page_of;
use crate::fields::{date, number, time};
use crate::message_changes::upsert;

/// Messages of a day.
#[derive(Serialize, Deserialize)]
pub(super) struct MessageDayDocument {
    #[serde(rename = "_id")]
    day: DateTime,
    messages: i64,
}

#[async_trait]
impl Figures for Mongo {
    async fn count(&self) -> Result<StoreFigures, StoreError> {
        let (users, sessions, rooms) = (self.users.clone(), self.sessions.clone(), self.rooms.clone());
        let (messages, database) = (self.messages.clone(), self.database.clone());
        self.calls
            .run(async move {
                let size = database.run_command(doc! { "dbStats": 1 }).await?;
                let bytes = size.get("storageSize").or_else(|| size.get("dataSize"));
                let whole = |bytes: &mongodb::bson::Bson| {
                    bytes.as_i64().or_else(|| bytes.as_i32().map(i64::from)).unwrap_or(
                        #[expect(clippy::cast_possible_truncation, reason = "a number of bytes")]
                        {
                            bytes.as_f64().unwrap_or(0.0) as i64
                        },
                    )
                };
                Ok(StoreFigures {
                    users: users.estimated_document_count().await?,
                    sessions: sessions.estimated_document_count().await?,
                    rooms: rooms.estimated_document_count().await?,
                    events: messages.estimated_document_count().await?,
                    bytes: number(bytes.map_or(0, whole)),
                })
            })
            .await
    }

    async fn add_messages(&self, day: UnixMillis, messages: u64) -> Result<(), StoreError> {
        let days = self.message_days.clone();
        let more = doc! { "$inc": { "messages": integer::bound(messages) } };
        self.calls.run(async move { upsert(&days, by_id(date(day)), more).await }).await
    }

    async fn messages(&self, limit: usize) -> Result<Vec<(UnixMillis, u64)>, StoreError> {
        let (days, any) = (self.message_days.clone(), doc! { "_id": { "$gt": date(UnixMillis(0)) } });
        let found = self.calls.run(async move { page_of(&days, vec![any], doc! { "_id": -1 }, limit).await });
        let found: Vec<MessageDayDocument> = found.await?;
        Ok(found.into_iter().map(|day| (time(day.day), number(day.messages))).collect())
    }
}
