//! History in MongoDB.

use std::collections::HashMap;

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use mongodb::Collection;
use mongodb::bson::{Document, doc};
use rookery_shared::event::SequencedEvent;
use rookery_shared::id::{MessageId, RoomId, Seq};
use rookery_shared::limits::STORE_CALL_LIFE;

use super::acts::Acts;
use super::documents::key;
use super::error::is_only_duplicates;
use super::event_document::MessageDocument;
use super::{Mongo, by_id};
use crate::domain::message::{Place, Window, is_message_of};
use crate::domain::message_state::MessageState;
use crate::store::{Messages, StoreError, integer};

#[async_trait]
impl Messages for Mongo {
    async fn apply(&self, events: &[SequencedEvent]) -> Result<(), StoreError> {
        // The driver refuses to insert nothing.
        if events.is_empty() {
            return Ok(());
        }
        let messages = self.messages.clone();
        let (acts, events_again) = (Acts::new(self), events.to_vec());
        let documents = events.iter().map(MessageDocument::try_from).collect::<Result<Vec<_>, _>>()?;
        // A large batch may take its time: it is repeated until it succeeds, and nobody but the log waits for it.
        self.calls
            .run_long(STORE_CALL_LIFE, async move {
                // Unordered: a document that is there already does not keep the ones after it out.
                match messages.insert_many(documents).ordered(false).await {
                    Err(error) if !is_only_duplicates(&error) => Err(error.into()),
                    // After the events: a crash in between is repaired by the repeat of the batch.
                    Ok(_) | Err(_) => acts.apply(&events_again).await,
                }
            })
            .await
    }

    async fn page(&self, room: RoomId, window: Window, limit: usize) -> Result<Vec<SequencedEvent>, StoreError> {
        let (messages, (ranges, direction)) = (self.messages.clone(), ranges(room, window));
        let found = self.calls.run(async move { read(&messages, ranges, direction, limit).await });
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

const FORWARDS: i32 = 1;
const BACKWARDS: i32 = -1;

/// The parts of a history that a window looks at, nearest first, and the direction in which they are read.
///
/// Places are ordered by epoch, then by number, so "beyond a place" is the rest of its epoch and then all epochs
/// further on. Asked one after the other, each is one range of the index on every server, and the second one is
/// needed only where a page crosses into another epoch. What is stored never changes, so they need no snapshot.
fn ranges(room: RoomId, window: Window) -> (Vec<Document>, i32) {
    match window {
        Window::Latest => (vec![doc! { "room_id": key(room.as_uuid()) }], BACKWARDS),
        Window::Before(place) => (beyond(room, "$lt", place), BACKWARDS),
        Window::After(place) => (beyond(room, "$gt", place), FORWARDS),
    }
}

fn beyond(room: RoomId, than: &str, place: Place) -> Vec<Document> {
    let (room, epoch, seq) = (key(room.as_uuid()), integer::bound(place.epoch.0), integer::bound(place.seq.get()));
    vec![
        doc! { "room_id": room, "epoch": epoch, "seq": { than: seq } },
        doc! { "room_id": room, "epoch": { than: epoch } },
    ]
}

/// At most `limit` documents of the ranges.
async fn read(
    messages: &Collection<MessageDocument>,
    ranges: Vec<Document>,
    direction: i32,
    limit: usize,
) -> Result<Vec<MessageDocument>, StoreError> {
    let mut found = Vec::new();
    for range in ranges {
        let missing = limit.saturating_sub(found.len());
        // To the database, no rows at all means no limit.
        if missing == 0 {
            break;
        }
        let order = doc! { "room_id": direction, "epoch": direction, "seq": direction };
        let page = messages.find(range).sort(order).limit(integer::limit(missing));
        found.extend(page.await?.try_collect::<Vec<_>>().await?);
    }
    Ok(found)
}
