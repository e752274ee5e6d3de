//! What is left of rooms that have ended, in MongoDB.

use async_trait::async_trait;
use mongodb::bson::{Bson, Document, Uuid, doc};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::{EventBody, MessageChanged, SequencedEvent};
use rookery_protocol::id::{MessageId, RoomId};
use rookery_store::file::Doomed;
use rookery_store::limits::STORE_IDS_PER_READ_MAX;
use rookery_store::{Files as _, Purges, RoomErasures, Schedules, Search, StoreError};

use super::event_document::MessageDocument;
use super::threads::{self, Counting};
use super::{Mongo, by_id};
use crate::batch_reads::page_of;
use crate::documents::RoomDocument;
use crate::fields::{date, key, uuid_of};

#[async_trait]
impl RoomErasures for Mongo {
    async fn due(&self, before: UnixMillis, limit: usize) -> Result<Vec<RoomId>, StoreError> {
        let rooms = self.rooms.clone();
        let ranges = vec![doc! { "unerased_since": { "$lt": date(before) } }];
        let found: Vec<RoomDocument> = self
            .calls
            .run(async move { page_of(&rooms, ranges, doc! { "unerased_since": 1 }, limit).await })
            .await?;
        Ok(found.into_iter().map(|room| RoomId::from_uuid(uuid_of(room.id))).collect())
    }

    async fn erase(&self, room: RoomId, limit: usize) -> Result<bool, StoreError> {
        let beside = Search::erase_room(self, room, limit).await? + Schedules::erase_room(self, room, limit).await?;
        let doomed = self.condemn(Doomed::Room(room, limit)).await?;
        let (messages, room_id) = (self.messages.clone_with_type::<Document>(), key(room.as_uuid()));
        let ranges = vec![doc! { "room_id": room_id }];
        let order = doc! { "room_id": 1, "epoch": 1, "seq": 1 };
        let found = self.calls.run(async move { page_of(&messages, ranges, order, limit).await });
        let ids: Vec<Bson> = found.await?.into_iter().filter_map(|mut found| found.remove("_id")).collect();
        for ids in ids.chunks(STORE_IDS_PER_READ_MAX) {
            let any = |field: &str| doc! { field: { "$in": ids.to_vec() } };
            self.remove_all(&self.reactions, any("message_id")).await?;
            self.remove_all(&self.mentions, any("message_id")).await?;
            self.remove_all(&self.states, any("_id")).await?;
            // Last: what is found by it is gone.
            self.remove_all(&self.messages, any("_id")).await?;
        }
        if !ids.is_empty() || beside > 0 || doomed > 0 {
            return Ok(true);
        }
        let of_room = doc! { "room_id": key(room.as_uuid()) };
        self.remove_all(&self.sanctions, of_room.clone()).await?;
        self.remove_all(&self.members, of_room.clone()).await?;
        self.remove_all(&self.threads, of_room.clone()).await?;
        self.remove_all(&self.saved, of_room.clone()).await?;
        self.remove_all(&self.pins, of_room.clone()).await?;
        self.remove_all(&self.room_invites, of_room.clone()).await?;
        self.remove_all(&self.join_requests, of_room.clone()).await?;
        self.remove_all(&self.notices, of_room.clone()).await?;
        self.remove_all(&self.preferences, of_room.clone()).await?;
        self.remove_all(&self.purges, of_room.clone()).await?;
        self.remove_all(&self.room_index, by_id(key(room.as_uuid()))).await?;
        self.remove_all(&self.outbox, of_room).await?;
        self.remove_all(&self.room_filters, by_id(key(room.as_uuid()))).await?;
        let (rooms, filter) = (self.rooms.clone(), by_id(key(room.as_uuid())));
        let erased = doc! { "$unset": { "unerased_since": "" }, "$set": { "description": "", "topic": "" } };
        self.calls
            .run(async move { Ok(rooms.update_one(filter, erased).await.map(drop)?) })
            .await?;
        Ok(false)
    }

    async fn erase_before(&self, room: RoomId, before: UnixMillis, limit: usize) -> Result<usize, StoreError> {
        let room_id = key(room.as_uuid());
        let kept = self.newest_of(room_id).await?;
        if kept.is_empty() {
            return Ok(0);
        }
        let ranges = vec![doc! { "room_id": room_id, "timestamp": { "$lt": date(before) } }];
        let order = doc! { "room_id": 1, "timestamp": 1, "epoch": 1, "seq": 1 };
        let messages = self.messages.clone();
        // Of the newest ones only the texts go: as many more are looked at.
        let most = limit + kept.len();
        let found = self.calls.run(async move { page_of(&messages, ranges, order, most).await });
        let found: Vec<MessageDocument> = found.await?;
        let (newest, old): (Vec<_>, Vec<_>) = found.into_iter().partition(|event| kept.contains(&event.id));
        let old: Vec<Uuid> = old.into_iter().take(limit).map(|event| event.id).collect();
        let gone: Vec<MessageId> = old.iter().map(|id| MessageId::from_uuid(uuid_of(*id))).collect();
        self.condemn(Doomed::Messages(&gone)).await?;
        self.erase_events(room_id, &old).await?;
        let newest: Vec<MessageId> = newest
            .into_iter()
            .map(SequencedEvent::try_from)
            .filter_map(|event| event.map(|event| has_text(&event).then_some(event.event.id)).transpose())
            .collect::<Result<_, _>>()?;
        if !newest.is_empty() {
            Purges::discard(self, &newest).await?;
        }
        let gone: Vec<MessageId> = old.iter().map(|id| MessageId::from_uuid(uuid_of(*id))).chain(newest).collect();
        Search::forget(self, room, &gone).await?;
        Ok(gone.len())
    }
}

fn has_text(event: &SequencedEvent) -> bool {
    match &event.event.body {
        EventBody::Message(message) => !message.content.is_empty() || !message.attachments.is_empty(),
        EventBody::MessageChange(MessageChanged::Edited { content, .. }) => !content.is_empty(),
        EventBody::MessageChange(_) | EventBody::Membership(_) | EventBody::Room(_) | EventBody::Unknown(_) => false,
    }
}

impl Mongo {
    /// The events by which the room is numbered on: that with the largest number, and the newest.
    async fn newest_of(&self, room: Uuid) -> Result<Vec<Uuid>, StoreError> {
        let messages = self.messages.clone();
        let found = self.calls.run(async move {
            let of_room = || vec![doc! { "room_id": room }];
            let mut found: Vec<MessageDocument> =
                page_of(&messages, of_room(), doc! { "room_id": -1, "seq": -1 }, 1).await?;
            found.extend(page_of(&messages, of_room(), doc! { "room_id": -1, "epoch": -1, "seq": -1 }, 1).await?);
            Ok(found)
        });
        Ok(found.await?.into_iter().map(|event| event.id).collect())
    }

    /// Events of a room with all that is kept of them.
    async fn erase_events(&self, room: Uuid, ids: &[Uuid]) -> Result<(), StoreError> {
        for ids in ids.chunks(STORE_IDS_PER_READ_MAX) {
            let keys: Vec<Bson> = ids.iter().map(|id| (*id).into()).collect();
            let any = |field: &str| doc! { field: { "$in": keys.clone() } };
            let (counting, asked) = (Counting::new(self), keys.clone());
            let answered = self.calls.run(async move { counting.answered_by_any(asked).await }).await?;
            self.remove_all(&self.reactions, any("message_id")).await?;
            self.remove_all(&self.mentions, any("message_id")).await?;
            self.remove_all(&self.states, any("_id")).await?;
            self.remove_all(&self.pins, any("_id")).await?;
            self.remove_all(&self.saved, any("message_id")).await?;
            let threads: Vec<Bson> = ids.iter().map(|id| threads::id((room, *id)).into()).collect();
            self.remove_all(&self.threads, doc! { "_id": { "$in": threads } }).await?;
            // Last: what is found by it is gone.
            self.remove_all(&self.messages, any("_id")).await?;
            let counting = Counting::new(self);
            self.calls.run(async move { counting.count_each(answered).await }).await?;
        }
        Ok(())
    }
}
