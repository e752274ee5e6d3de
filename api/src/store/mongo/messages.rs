//! History in MongoDB.

use std::collections::HashMap;

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use mongodb::Collection;
use mongodb::bson::{Bson, Document, doc};
use rookery_shared::bus::Held;
use rookery_shared::event::SequencedEvent;
use rookery_shared::id::{MessageId, RoomId, Seq};
use rookery_shared::limits::STORE_CALL_LIFE;

use super::acts::Acts;
use super::documents::key;
use super::error::is_only_duplicates;
use super::event_document::MessageDocument;
use super::many::page_of;
use super::{Mongo, by_id};
use crate::domain::message::{Place, Window, held_at, is_message_of, place_of};
use crate::domain::message_state::MessageState;
use crate::store::{Messages, StoreError, integer};

#[async_trait]
impl Messages for Mongo {
    async fn apply(&self, events: &[SequencedEvent]) -> Result<Vec<Held>, StoreError> {
        // The driver refuses to insert nothing.
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let messages = self.messages.clone();
        let (acts, events_again) = (Acts::new(self), events.to_vec());
        let documents = events.iter().map(MessageDocument::try_from).collect::<Result<Vec<_>, _>>()?;
        // A large batch may take its time: it is repeated until it succeeds, and nobody but the log waits for it.
        self.calls
            .run_long(STORE_CALL_LIFE, async move {
                // Unordered: a document that is there already does not keep the ones after it out.
                let held = match messages.insert_many(documents).ordered(false).await {
                    Err(error) if !is_only_duplicates(&error) => return Err(error.into()),
                    Err(_) => held(&messages, &events_again).await?,
                    Ok(_) => Vec::new(),
                };
                // After the events: a crash in between is repaired by the repeat of the batch.
                acts.apply(&events_again).await?;
                Ok(held)
            })
            .await
    }

    async fn page(&self, room: RoomId, window: Window, limit: usize) -> Result<Vec<SequencedEvent>, StoreError> {
        let (messages, (ranges, direction)) = (self.messages.clone(), ranges(room, window, limit));
        let order = doc! { "room_id": direction, "epoch": direction, "seq": direction };
        let found = self.calls.run(async move { page_of(&messages, ranges, order, limit).await });
        let mut found = found.await?;
        if direction == BACKWARDS {
            found.reverse();
        }
        found.into_iter().map(SequencedEvent::try_from).collect()
    }

    async fn last_seq(&self, room: RoomId) -> Result<Seq, StoreError> {
        let (messages, filter) = (self.messages.clone(), doc! { "room_id": key(room.as_uuid()) });
        let found = self.calls.run(async move {
            Ok(messages.find_one(filter).sort(doc! { "room_id": BACKWARDS, "seq": BACKWARDS }).await?)
        });
        let last = found.await?.map_or(Ok(0), |message| integer::read(message.seq))?;
        Ok(Seq::new(last))
    }

    async fn message(&self, room: RoomId, id: MessageId) -> Result<Option<SequencedEvent>, StoreError> {
        let (messages, filter) = (self.messages.clone(), by_id(key(id.as_uuid())));
        let found = self.calls.run(async move { Ok(messages.find_one(filter).await?) }).await?;
        let found = found.map(SequencedEvent::try_from).transpose()?;
        Ok(found.filter(|event| is_message_of(event, room)))
    }

    async fn states(&self, ids: &[MessageId]) -> Result<HashMap<MessageId, MessageState>, StoreError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let acts = Acts::new(self);
        let ids = ids.iter().map(|id| key(id.as_uuid()).into()).collect();
        self.calls.run(async move { acts.states(ids).await }).await
    }

    async fn edits(&self, id: MessageId, limit: usize) -> Result<Vec<SequencedEvent>, StoreError> {
        let (messages, filter) = (self.messages.clone(), doc! { "edit_of": key(id.as_uuid()) });
        let found = self.calls.run(async move {
            let order = doc! { "epoch": BACKWARDS, "seq": BACKWARDS };
            let newest = messages.find(filter).sort(order).limit(integer::limit(limit));
            Ok(newest.await?.try_collect::<Vec<_>>().await?)
        });
        found.await?.into_iter().rev().map(SequencedEvent::try_from).collect()
    }
}

/// Those of the events that are stored at another place.
async fn held(messages: &Collection<MessageDocument>, events: &[SequencedEvent]) -> Result<Vec<Held>, StoreError> {
    let ids: Vec<Bson> = events.iter().map(|event| key(event.event.id.as_uuid()).into()).collect();
    let stored: Vec<MessageDocument> = messages.find(doc! { "_id": { "$in": ids } }).await?.try_collect().await?;
    let stored: Result<Vec<SequencedEvent>, StoreError> = stored.into_iter().map(SequencedEvent::try_from).collect();
    let stored: HashMap<MessageId, SequencedEvent> = stored?.into_iter().map(|event| (event.event.id, event)).collect();
    let found = events.iter().filter_map(|event| held_at(stored.get(&event.event.id)?, place_of(event)));
    Ok(found.collect())
}

const FORWARDS: i32 = 1;
const BACKWARDS: i32 = -1;

/// The parts of a history that a window looks at, nearest first, and the direction in which they are read.
///
/// Places are ordered by epoch, then by number, so "beyond a place" is the rest of its epoch and then all epochs
/// further on. Asked one after the other, each is one range of the index on every server. Numbers follow each other, so
/// the nearest `limit` of them are nearly always a whole page, also for a server that sorts all of a range before it
/// takes the first; the others are needed where numbers are left out or a page crosses into another epoch. What is stored
/// never changes, so they need no snapshot.
fn ranges(room: RoomId, window: Window, limit: usize) -> (Vec<Document>, i32) {
    match window {
        Window::Latest => (vec![doc! { "room_id": key(room.as_uuid()) }], BACKWARDS),
        Window::Before(Place { epoch, seq }) => {
            let (epoch, end) = (integer::bound(epoch.0), integer::bound(seq.get()));
            let near = end.saturating_sub(integer::limit(limit));
            let of_epoch = [doc! { "$lt": end, "$gte": near }, doc! { "$lt": near }];
            (beyond(room, epoch, of_epoch, doc! { "$lt": epoch }), BACKWARDS)
        }
        Window::After(Place { epoch, seq }) => {
            let (epoch, start) = (integer::bound(epoch.0), integer::bound(seq.get()));
            let near = start.saturating_add(integer::limit(limit));
            let of_epoch = [doc! { "$gt": start, "$lte": near }, doc! { "$gt": near }];
            (beyond(room, epoch, of_epoch, doc! { "$gt": epoch }), FORWARDS)
        }
    }
}

fn beyond(room: RoomId, epoch: i64, of_epoch: [Document; 2], further: Document) -> Vec<Document> {
    let room = key(room.as_uuid());
    let of_epoch = of_epoch.into_iter().map(|seq| doc! { "room_id": room, "epoch": epoch, "seq": seq });
    of_epoch.chain([doc! { "room_id": room, "epoch": further }]).collect()
}
