//! Events that bear somebody's name, in MongoDB.

use async_trait::async_trait;
use mongodb::bson::{Bson, Document, doc};
use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::{MessageId, UserId};
use rookery_store::erasure::{DELETED_USER, Trace, TracePlace};
use rookery_store::limits::STORE_IDS_PER_READ_MAX;
use rookery_store::{StoreError, Traces, integer};

use super::Mongo;
use crate::batch_reads::page_of;
use crate::fields::key;

/// The fields of the user and of its name.
const fn fields(trace: Trace) -> (&'static str, &'static str) {
    match trace {
        Trace::Author => ("user_id", "username"),
        Trace::Member => ("member.user_id", "member.username"),
    }
}

#[async_trait]
impl Traces for Mongo {
    async fn page(
        &self,
        user: UserId,
        trace: Trace,
        after: Option<TracePlace>,
        limit: usize,
    ) -> Result<Vec<SequencedEvent>, StoreError> {
        let (field, _) = fields(trace);
        let (messages, ranges) = (self.messages.clone(), ranges(field, user, after));
        let order = doc! { field: 1, "room_id": 1, "epoch": 1, "seq": 1 };
        let found = self.calls.run(async move { page_of(&messages, ranges, order, limit).await });
        found.await?.into_iter().map(SequencedEvent::try_from).collect()
    }

    async fn unname(&self, trace: Trace, events: &[MessageId]) -> Result<(), StoreError> {
        let (_, name) = fields(trace);
        let ids: Vec<Bson> = events.iter().map(|id| key(id.as_uuid()).into()).collect();
        for ids in ids.chunks(STORE_IDS_PER_READ_MAX) {
            let (messages, these) = (self.messages.clone(), doc! { "_id": { "$in": ids.to_vec() } });
            let set = doc! { "$set": { name: DELETED_USER } };
            self.calls
                .run(async move { Ok(messages.update_many(these, set).await.map(drop)?) })
                .await?;
        }
        Ok(())
    }
}

/// The parts after a place, in order: each is one range of the index.
fn ranges(field: &str, user: UserId, after: Option<TracePlace>) -> Vec<Document> {
    let user = key(user.as_uuid());
    let Some(TracePlace { room, epoch, seq }) = after else { return vec![doc! { field: user }] };
    let (room, epoch, seq) = (key(room.as_uuid()), integer::bound(epoch.0), integer::bound(seq.get()));
    vec![
        doc! { field: user, "room_id": room, "epoch": epoch, "seq": { "$gt": seq } },
        doc! { field: user, "room_id": room, "epoch": { "$gt": epoch } },
        doc! { field: user, "room_id": { "$gt": room } },
    ]
}
