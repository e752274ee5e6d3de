//! History in MongoDB.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use mongodb::Collection;
use mongodb::bson::{Bson, doc};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::{Epoch, MessageId, RoomId, Seq, UserId};
use rookery_protocol::partition::partition_of;
use rookery_protocol::position::{AlreadyStored, Position, StoredPosition};
use rookery_store::limits::{STORE_IDS_PER_READ_MAX, STORE_READS_AT_ONCE};
use rookery_store::message::{Kinds, held_at, is_message_of};
use rookery_store::message_state::{MessageState, Reacted};
use rookery_store::{Messages, PageQuestion, Reaction, StoreError, integer};

use super::error::left_out;
use super::event_document::MessageDocument;
use super::message_changes::MessageChanges;
use super::threads::Counting;
use super::{Mongo, by_id};
use crate::batch_reads::page_of;
use crate::error::Failed;
use crate::fields::{date, key};
use crate::limits::STORE_CALL_LIFE;
use crate::page_ranges::{Given, Walk};

#[async_trait]
impl Messages for Mongo {
    async fn apply(&self, events: &[SequencedEvent]) -> Result<Vec<AlreadyStored>, StoreError> {
        // The driver refuses to insert nothing.
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let messages = self.messages.clone();
        let (changes, events_again, latest_seqs) =
            (MessageChanges::new(self), events.to_vec(), Arc::clone(&self.latest_seqs));
        let counting = Counting::new(self);
        let documents = events.iter().map(MessageDocument::try_from).collect::<Result<Vec<_>, _>>()?;
        // A large batch may take its time: it is repeated until it succeeds, and nobody but the log waits for it.
        self.calls
            .run_long(STORE_CALL_LIFE, async move {
                // Unordered: a document that is there already does not keep the ones after it out.
                let known = match messages.insert_many(documents).ordered(false).await {
                    Ok(_) => Known::default(),
                    Err(error) => {
                        let Some(those) = left_out(&error) else { return Err(error.into()) };
                        let those: Vec<_> = those.iter().filter_map(|at| events_again.get(*at)).collect();
                        known(&messages, &those).await?
                    }
                };
                // After the events: a crash in between is repaired by the repeat of the batch.
                let stored = |event: &SequencedEvent| !known.missing.contains(&event.event.id);
                let (stored, missing): (Vec<_>, Vec<_>) = events_again.into_iter().partition(stored);
                changes.apply(&stored).await?;
                counting.apply(&stored).await?;
                latest_seqs.record_all(&stored);
                missing.first().map_or(Ok(known.held), |SequencedEvent { room, epoch, seq, .. }| {
                    Err(StoreError::Collision { room: *room, epoch: *epoch, seq: *seq }.into())
                })
            })
            .await
    }

    async fn page(&self, room: RoomId, question: PageQuestion) -> Result<Vec<SequencedEvent>, StoreError> {
        let (limit, kinds) = (question.limit, question.kinds);
        let walk = Walk::new(key(room.as_uuid()), question, self.latest_seqs.of(room));
        let is_backwards = walk.is_backwards();
        let (messages, epochs) = (self.messages.clone(), self.epochs.clone());
        let found = self.calls.run(async move {
            let direction = if is_backwards { -1 } else { 1 };
            let order = match kinds {
                Kinds::All => doc! { "room_id": direction, "epoch": direction, "seq": direction },
                Kinds::WithoutChanges => {
                    doc! { "room_id": direction, "is_act": direction, "epoch": direction, "seq": direction }
                }
            };
            let mut found = page_of(&messages, walk.near(), order.clone(), limit).await?;
            if found.len() < limit {
                let counter = epochs.find_one(by_id(i32::from(partition_of(room).0))).await?;
                let further = walk.further(&Given::from(counter));
                let missing = limit - found.len();
                found.extend(page_of(&messages, further, order, missing).await?);
            }
            Ok(found)
        });
        let mut found = found.await?;
        if is_backwards {
            found.reverse();
        }
        let found = found.into_iter().map(SequencedEvent::try_from);
        // A process of an older release may have stored a change of a message meanwhile without marking it.
        found.filter(|event| event.as_ref().map_or(true, |event| kinds.include(event))).collect()
    }

    async fn last(&self, room: RoomId) -> Result<Position, StoreError> {
        let (messages, whole) = (self.messages.clone(), doc! { "room_id": key(room.as_uuid()) });
        let near = self
            .latest_seqs
            .of(room)
            .map(|top| doc! { "room_id": key(room.as_uuid()), "seq": { "$gte": top } });
        let ranges = near.into_iter().chain([whole]).collect();
        let order = doc! { "room_id": -1, "seq": -1 };
        let found = self.calls.run(async move { page_of(&messages, ranges, order, 1).await }).await?;
        let Some(last) = found.first() else { return Ok(Position::START) };
        self.latest_seqs.record(room, last.seq);
        Ok(Position { epoch: Epoch(integer::read(last.epoch)?), seq: Seq::new(integer::read(last.seq)?) })
    }

    async fn message(&self, room: RoomId, id: MessageId) -> Result<Option<SequencedEvent>, StoreError> {
        let (messages, filter) = (self.messages.clone(), by_id(key(id.as_uuid())));
        let found = self.calls.run(async move { Ok(messages.find_one(filter).await?) }).await?;
        let found = found.map(SequencedEvent::try_from).transpose()?;
        Ok(found.filter(|event| is_message_of(event, room)))
    }

    async fn place(&self, room: RoomId, id: MessageId) -> Result<Option<StoredPosition>, StoreError> {
        let (messages, filter) = (self.messages.clone(), by_id(key(id.as_uuid())));
        let found = self.calls.run(async move { Ok(messages.find_one(filter).await?) }).await?;
        let found = found.map(SequencedEvent::try_from).transpose()?.filter(|event| event.room == room);
        Ok(found.as_ref().map(StoredPosition::from))
    }

    async fn reacted(
        &self,
        reaction: Reaction<'_>,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<Reacted>, StoreError> {
        let (changes, message, emoji) = (MessageChanges::new(self), reaction.message, reaction.emoji.clone());
        self.calls.run(async move { changes.reacted(message, &emoji, after, limit).await }).await
    }

    async fn sweep(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError> {
        let changes = MessageChanges::new(self);
        self.calls.run(async move { changes.sweep(before, limit).await }).await
    }

    async fn states(
        &self,
        ids: &[MessageId],
        users: &[UserId],
    ) -> Result<HashMap<MessageId, MessageState>, StoreError> {
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let (changes, users) = (MessageChanges::new(self), users.to_vec());
        let ids = ids.iter().map(|id| key(id.as_uuid()).into()).collect();
        self.calls.run(async move { changes.states(ids, &users).await }).await
    }

    async fn first_since(&self, room: RoomId, time: UnixMillis) -> Result<Option<Position>, StoreError> {
        let messages = self.messages.clone();
        let since = vec![doc! { "room_id": key(room.as_uuid()), "timestamp": { "$gte": date(time) } }];
        let order = doc! { "room_id": 1, "timestamp": 1, "epoch": 1, "seq": 1 };
        let found = self.calls.run(async move { page_of(&messages, since, order, 1).await }).await?;
        let Some(first) = found.first() else { return Ok(None) };
        Ok(Some(Position {
            epoch: Epoch(integer::read(first.epoch)?),
            seq: Seq::new(integer::read(first.seq)?),
        }))
    }

    async fn by_ids(&self, ids: &[MessageId]) -> Result<Vec<SequencedEvent>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<Bson> = ids.iter().map(|id| key(id.as_uuid()).into()).collect();
        let messages = self.messages.clone();
        let found = self.calls.run(async move {
            Ok(messages.find(doc! { "_id": { "$in": ids } }).await?.try_collect::<Vec<_>>().await?)
        });
        let found = found.await?.into_iter().map(SequencedEvent::try_from);
        found
            .filter(|event| event.as_ref().map_or(true, |event| is_message_of(event, event.room)))
            .collect()
    }

    async fn edits(&self, id: MessageId, limit: usize) -> Result<Vec<SequencedEvent>, StoreError> {
        let (messages, filter) = (self.messages.clone(), doc! { "edit_of": key(id.as_uuid()) });
        let found = self.calls.run(async move {
            let order = doc! { "epoch": -1, "seq": -1 };
            let newest = messages.find(filter).sort(order).limit(integer::limit(limit));
            Ok(newest.await?.try_collect::<Vec<_>>().await?)
        });
        found.await?.into_iter().rev().map(SequencedEvent::try_from).collect()
    }
}

/// What the database has of events that it did not all take.
#[derive(Default)]
struct Known {
    /// Those that are stored at another place.
    held: Vec<AlreadyStored>,
    /// Those that are not stored: another event has their place.
    missing: HashSet<MessageId>,
}

/// An event that was not taken has an id or a place that is there already. Only the id says that it is the same.
async fn known(messages: &Collection<MessageDocument>, left_out: &[&SequencedEvent]) -> Result<Known, Failed> {
    let ids: Vec<Bson> = left_out.iter().map(|event| key(event.event.id.as_uuid()).into()).collect();
    let questions: Vec<_> = ids.chunks(STORE_IDS_PER_READ_MAX).map(<[Bson]>::to_vec).collect();
    let ask = |ids: Vec<Bson>| {
        let messages = messages.clone();
        async move { messages.find(doc! { "_id": { "$in": ids } }).await?.try_collect::<Vec<_>>().await }
    };
    let found: Vec<Vec<MessageDocument>> = stream::iter(questions)
        .map(ask)
        .buffer_unordered(STORE_READS_AT_ONCE)
        .try_collect()
        .await?;
    let mut stored: HashMap<MessageId, SequencedEvent> = HashMap::new();
    for document in found.into_iter().flatten() {
        let event = SequencedEvent::try_from(document)?;
        stored.insert(event.event.id, event);
    }
    let held = left_out
        .iter()
        .filter_map(|event| held_at(stored.get(&event.event.id)?, event.position()));
    let missing = left_out.iter().map(|event| event.event.id).filter(|id| !stored.contains_key(id));
    Ok(Known { held: held.collect(), missing: missing.collect() })
}
