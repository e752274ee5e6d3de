//! The index of messages by terms, in MongoDB: a document for each message, with its terms as a list. An index over the room,
//! the terms and the order has what a room has of a term, newest first. Whoever keeps it may wait longer than people do.

use async_trait::async_trait;
use futures_util::stream::{self, StreamExt as _};
use futures_util::{FutureExt as _, TryStreamExt as _};
use mongodb::Collection;
use mongodb::bson::{Bson, DateTime, Document, Uuid, doc};
use mongodb::options::Hint;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::{MessageId, RoomId, UserId};
use rookery_store::limits::{SEARCH_ROOMS_PER_QUESTION, STORE_IDS_PER_READ_MAX, STORE_READS_AT_ONCE};
use rookery_store::message::is_message_of;
use rookery_store::message_state::MessageState;
use rookery_store::search::{Building, Entry, Found, FoundPlace, Question, Stretch, Waiting};
use rookery_store::{Messages as _, Search, StoreError, integer};
use serde::{Deserialize, Serialize};

use super::error::left_out;
use super::event_document::MessageDocument;
use super::{Mongo, by_id};
use crate::batch_reads::page_of;
use crate::error::Failed;
use crate::fields::{date, key, number, order, time, uuid_of};
use crate::limits::{MESSAGE_CHANGES_AT_ONCE, STORE_CALL_LIFE};

/// What the index has; no backup has it.
pub(super) const ENTRIES: &str = "search_entries";
/// How far it is; no backup has it.
pub(super) const BUILDING: &str = "search_building";
/// The index over room, term and order.
const TERMS_INDEX: &str = "search_entries_terms";
/// Id of the only document about that.
const ONE: i32 = 0;
/// The place of what is deleted: after all others.
const DELETED: &str = "~";

/// A message in the index.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct EntryDocument {
    #[serde(rename = "_id")]
    message_id: Uuid,
    room_id: Uuid,
    /// Time and id, so that the newest is the last.
    order: String,
    /// Which text it is.
    place: String,
    terms: Vec<String>,
}

/// What is read of one.
#[derive(Deserialize)]
struct FoundDocument {
    #[serde(rename = "_id")]
    message_id: Uuid,
    room_id: Uuid,
    order: String,
}

/// How far a building is.
#[derive(Serialize, Deserialize)]
pub(super) struct BuildingDocument {
    #[serde(rename = "_id")]
    one: i32,
    building: Uuid,
    version: i64,
    next: Option<String>,
    done: i64,
    total: i64,
    begun_at: DateTime,
    finished_at: Option<DateTime>,
}

#[async_trait]
impl Search for Mongo {
    async fn waiting(&self, now: UnixMillis, limit: usize) -> Result<Vec<Waiting>, StoreError> {
        let (messages, due) = (self.messages.clone(), doc! { "unindexed_since": { "$lte": date(now) } });
        let found = self.calls.run_long(STORE_CALL_LIFE, async move {
            page_of(&messages, vec![due], doc! { "unindexed_since": 1 }, limit).await
        });
        let waits = |mut document: MessageDocument| {
            let since = document.waits_since.take().map_or(now, time);
            Ok(Waiting { event: SequencedEvent::try_from(document)?, since })
        };
        found.await?.into_iter().map(waits).collect()
    }

    async fn done(&self, events: &[MessageId]) -> Result<(), StoreError> {
        self.change_waiting(events, doc! { "$unset": { "unindexed_since": "" } }).await
    }

    async fn postpone(&self, events: &[MessageId], until: UnixMillis) -> Result<(), StoreError> {
        self.change_waiting(events, doc! { "$set": { "unindexed_since": date(until) } }).await
    }

    async fn messages(
        &self,
        ids: &[MessageId],
        users: &[UserId],
    ) -> Result<Vec<(SequencedEvent, MessageState)>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let questions = keys(ids);
        let messages = self.messages.clone();
        let found = self.calls.run(async move {
            let ask = |ids: Vec<Bson>| {
                let messages = messages.clone();
                async move { messages.find(doc! { "_id": { "$in": ids } }).await?.try_collect::<Vec<_>>().await }
            };
            let found: Vec<Vec<MessageDocument>> = stream::iter(questions)
                .map(ask)
                .buffer_unordered(STORE_READS_AT_ONCE)
                .try_collect()
                .await?;
            Ok(found)
        });
        // The states after the messages: what is done to one meanwhile is in its state.
        let found: Vec<MessageDocument> = found.await?.into_iter().flatten().collect();
        let mut states = self.states(ids, users).await?;
        let mut all = Vec::with_capacity(found.len());
        for document in found {
            let event = SequencedEvent::try_from(document)?;
            if is_message_of(&event, event.room) {
                let state = states.remove(&event.event.id).unwrap_or_default();
                all.push((event, state));
            }
        }
        Ok(all)
    }

    async fn put(&self, entries: &[Entry], again: bool) -> Result<(), StoreError> {
        // The driver refuses to insert nothing.
        if entries.is_empty() {
            return Ok(());
        }
        let documents: Vec<EntryDocument> = entries.iter().map(EntryDocument::from).collect();
        let all = self.search_entries.clone();
        self.calls
            .run_long(STORE_CALL_LIFE, async move {
                let Err(error) = all.insert_many(&documents).ordered(false).await else { return Ok(()) };
                let Some(there) = left_out(&error) else { return Err(error.into()) };
                let there = there.iter().filter_map(|at| documents.get(*at).cloned());
                let changes = stream::iter(there.collect::<Vec<_>>())
                    .map(|document| replace(all.clone(), document, again).boxed())
                    .buffer_unordered(MESSAGE_CHANGES_AT_ONCE);
                changes.try_collect::<Vec<()>>().await.map(drop)
            })
            .await
    }

    async fn find(&self, question: Question<'_>) -> Result<Vec<Found>, StoreError> {
        let Question { rooms, term, since, before, limit } = question;
        let mut range = Document::new();
        if let Some(since) = since {
            range.insert("$gte", order_of(since, ""));
        }
        // Letters and digits are all that an order has.
        let before = before.map_or("~".to_owned(), |place| placed(place.at, key(place.message.as_uuid())));
        range.insert("$lt", before);
        let questions: Vec<Document> = rooms
            .chunks(SEARCH_ROOMS_PER_QUESTION)
            .map(|rooms| {
                let rooms: Vec<Bson> = rooms.iter().map(|room| key(room.as_uuid()).into()).collect();
                let rooms = match &rooms[..] {
                    [one] => one.clone(),
                    _ => doc! { "$in": rooms }.into(),
                };
                doc! { "room_id": rooms, "terms": term, "order": range.clone() }
            })
            .collect();
        let entries = self.search_entries.clone_with_type::<FoundDocument>();
        let ask = move |filter: Document| {
            let entries = entries.clone();
            async move {
                let found = entries
                    .find(filter)
                    .projection(doc! { "room_id": 1, "order": 1 })
                    .sort(doc! { "order": -1 })
                    // Not every planner finds it for several rooms and a part of the order.
                    .hint(Hint::Name(TERMS_INDEX.to_owned()))
                    .limit(integer::limit(limit));
                found.await?.try_collect::<Vec<_>>().await
            }
        };
        let found = self.calls.run(async move {
            let found: Vec<Vec<FoundDocument>> = stream::iter(questions)
                .map(ask)
                .buffer_unordered(STORE_READS_AT_ONCE)
                .try_collect()
                .await?;
            Ok(found)
        });
        let found: Result<Vec<Found>, StoreError> = found.await?.into_iter().flatten().map(Found::try_from).collect();
        let mut found = found?;
        found.sort_by_key(|found| std::cmp::Reverse(found.place));
        found.truncate(limit);
        Ok(found)
    }

    async fn stretch(&self, from: Option<&str>, limit: usize) -> Result<Stretch, StoreError> {
        let ranges = from.map_or(Ok(vec![doc! {}]), ranges_after)?;
        let messages = self.messages.clone();
        let in_order = doc! { "room_id": 1, "epoch": 1, "seq": 1 };
        let found = self
            .calls
            .run_long(STORE_CALL_LIFE, async move { page_of(&messages, ranges, in_order, limit).await })
            .await?;
        let events: Vec<SequencedEvent> = found.into_iter().map(SequencedEvent::try_from).collect::<Result<_, _>>()?;
        let next = events.last().filter(|_| events.len() == limit);
        let next = next.map(|last| format!("{} {} {}", last.room, last.epoch.0, last.seq.get()));
        Ok(Stretch { events, next })
    }

    async fn event_count(&self) -> Result<u64, StoreError> {
        let messages = self.messages.clone();
        self.calls.run(async move { Ok(messages.estimated_document_count().await?) }).await
    }

    async fn building(&self) -> Result<Option<Building>, StoreError> {
        let buildings = self.search_building.clone();
        let found = self.calls.run(async move { Ok(buildings.find_one(by_id(ONE)).await?) }).await?;
        Ok(found.map(Building::from))
    }

    async fn begin(&self, building: &Building) -> Result<(), StoreError> {
        let document = BuildingDocument::from(building);
        let buildings = self.search_building.clone();
        self.calls
            .run(async move {
                let replaced = buildings.replace_one(by_id(ONE), document).upsert(true).await;
                replaced.map(drop).map_err(Failed::from)
            })
            .await
    }

    async fn advance(&self, building: &Building) -> Result<bool, StoreError> {
        let mut same = by_id(ONE);
        same.insert("building", key(building.id));
        let set = doc! { "$set": {
            "next": building.next.clone(),
            "done": integer::bound(building.done),
            "finished_at": building.finished_at.map(date),
        } };
        let buildings = self.search_building.clone();
        self.calls
            .run(async move { Ok(buildings.update_one(same, set).await?.matched_count == 1) })
            .await
    }

    async fn erase_room(&self, room: RoomId, limit: usize) -> Result<usize, StoreError> {
        self.remove_first(&self.search_entries, doc! { "room_id": key(room.as_uuid()) }, "room_id", limit)
            .await
    }

    async fn forget(&self, _room: RoomId, messages: &[MessageId]) -> Result<(), StoreError> {
        for ids in keys(messages) {
            self.remove_all(&self.search_entries, doc! { "_id": { "$in": ids } }).await?;
        }
        Ok(())
    }
}

impl Mongo {
    async fn change_waiting(&self, events: &[MessageId], update: Document) -> Result<(), StoreError> {
        let (messages, questions) = (self.messages.clone(), keys(events));
        self.calls
            .run_long(STORE_CALL_LIFE, async move {
                let change = |ids: Vec<Bson>| {
                    let (messages, update) = (messages.clone(), update.clone());
                    async move { messages.update_many(doc! { "_id": { "$in": ids } }, update).await.map(drop) }
                };
                let changes = stream::iter(questions).map(change).buffer_unordered(STORE_READS_AT_ONCE);
                Ok(changes.try_collect::<Vec<()>>().await.map(drop)?)
            })
            .await
    }
}

fn keys(ids: &[MessageId]) -> Vec<Vec<Bson>> {
    let ids: Vec<Bson> = ids.iter().map(|id| key(id.as_uuid()).into()).collect();
    ids.chunks(STORE_IDS_PER_READ_MAX).map(<[Bson]>::to_vec).collect()
}

/// Replaces an entry unless it is of a newer text.
async fn replace(all: Collection<EntryDocument>, document: EntryDocument, again: bool) -> Result<(), Failed> {
    let older = if again { "$lte" } else { "$lt" };
    let mut filter = by_id(document.message_id);
    filter.insert("place", doc! { older: document.place.as_str() });
    let set = doc! { "$set": { "place": document.place, "terms": document.terms, "order": document.order } };
    Ok(all.update_one(filter, set).await.map(drop)?)
}

fn order_of(at: UnixMillis, rest: &str) -> String {
    format!("{:016x}{rest}", at.0.max(0))
}

fn placed(at: UnixMillis, message: Uuid) -> String {
    order_of(at, &uuid_of(message).simple().to_string())
}

/// The parts of all histories after a place, in order: each is one range of the index.
fn ranges_after(text: &str) -> Result<Vec<Document>, StoreError> {
    let broken = || StoreError::Inconsistent("a place of the index is none of a history".to_owned());
    let mut parts = text.split(' ');
    let mut part = || parts.next().ok_or_else(broken);
    let room = key(uuid::Uuid::try_parse(part()?).map_err(|_| broken())?);
    let [epoch, seq] = [part()?, part()?].map(|part| part.parse::<i64>().map_err(|_| broken()));
    let (epoch, seq) = (epoch?, seq?);
    Ok(vec![
        doc! { "room_id": room, "epoch": epoch, "seq": { "$gt": seq } },
        doc! { "room_id": room, "epoch": { "$gt": epoch } },
        doc! { "room_id": { "$gt": room } },
    ])
}

impl From<&Entry> for EntryDocument {
    fn from(entry: &Entry) -> Self {
        let message_id = key(entry.message.as_uuid());
        Self {
            message_id,
            room_id: key(entry.room.as_uuid()),
            order: placed(entry.at, message_id),
            place: entry.terms.as_ref().map_or(DELETED.to_owned(), |_| order(entry.place)),
            terms: entry.terms.clone().unwrap_or_default(),
        }
    }
}

impl TryFrom<FoundDocument> for Found {
    type Error = StoreError;

    fn try_from(found: FoundDocument) -> Result<Self, StoreError> {
        let at = found.order.get(..16).and_then(|at| i64::from_str_radix(at, 16).ok());
        let at = at.ok_or_else(|| StoreError::Inconsistent("an entry of the index has no time".to_owned()))?;
        let message = MessageId::from_uuid(uuid_of(found.message_id));
        let place = FoundPlace { at: UnixMillis(at), message };
        Ok(Self { room: RoomId::from_uuid(uuid_of(found.room_id)), place })
    }
}

impl From<&Building> for BuildingDocument {
    fn from(building: &Building) -> Self {
        Self {
            one: ONE,
            building: key(building.id),
            version: building.version.into(),
            next: building.next.clone(),
            done: integer::bound(building.done),
            total: integer::bound(building.total),
            begun_at: date(building.begun_at),
            finished_at: building.finished_at.map(date),
        }
    }
}

impl From<BuildingDocument> for Building {
    fn from(found: BuildingDocument) -> Self {
        Self {
            id: uuid_of(found.building),
            version: u32::try_from(found.version).unwrap_or_default(),
            next: found.next,
            done: number(found.done),
            total: number(found.total),
            begun_at: time(found.begun_at),
            finished_at: found.finished_at.map(time),
        }
    }
}
