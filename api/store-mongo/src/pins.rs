//! Pinned messages in MongoDB. Changes are transactions, see [`super::transaction`].

use async_trait::async_trait;
use mongodb::bson::{Document, doc};
use rookery_protocol::event::Event;
use rookery_protocol::id::{MessageId, RoomId, UserId};
use rookery_store::pin::{Pin, PinPlace, Pinned, Pins};
use rookery_store::{Announcement, StoreError};

use super::Mongo;
use super::pin_document::PinDocument;
use super::transaction::{Change, Turn};
use crate::batch_reads::page_of;
use crate::fields::{date, key, time, uuid_of};

#[async_trait]
impl Pins for Mongo {
    async fn pin(&self, room: RoomId, pin: &Pin, most: usize, event: &Event) -> Result<Pinned, StoreError> {
        let document = PinDocument {
            message_id: key(pin.message.as_uuid()),
            room_id: key(room.as_uuid()),
            pinned_by: key(pin.by.as_uuid()),
            pinned_at: date(pin.at),
        };
        let (all, known) = (self.pins.clone(), doc! { "_id": document.message_id });
        let turn = Turn::Pin(document, u64::try_from(most).unwrap_or(u64::MAX));
        if let Some(announcement) = self.change(Change { room, turn, event: event.clone(), is_ranked: false }).await? {
            return Ok(Pinned::Done(announcement));
        }
        let is_known = self.calls.run(async move { Ok(all.find_one(known).await?.is_some()) }).await?;
        Ok(if is_known { Pinned::Unchanged } else { Pinned::Full })
    }

    async fn unpin(&self, room: RoomId, message: MessageId, event: &Event) -> Result<Option<Announcement>, StoreError> {
        let turn = Turn::Unpin(doc! { "_id": key(message.as_uuid()), "room_id": key(room.as_uuid()) });
        Ok(self.change(Change { room, turn, event: event.clone(), is_ranked: false }).await?)
    }

    async fn page(&self, room: RoomId, before: Option<PinPlace>, limit: usize) -> Result<Vec<Pin>, StoreError> {
        let (pins, ranges) = (self.pins.clone(), ranges(room, before));
        let order = doc! { "room_id": -1, "pinned_at": -1, "_id": -1 };
        let found = self.calls.run(async move { page_of(&pins, ranges, order, limit).await });
        Ok(found.await?.into_iter().map(Pin::from).collect())
    }
}

/// The parts of the list before a place, in order.
fn ranges(room: RoomId, before: Option<PinPlace>) -> Vec<Document> {
    let room = key(room.as_uuid());
    let Some(PinPlace { at, message }) = before else {
        return vec![doc! { "room_id": room }];
    };
    let (at, message) = (date(at), key(message.as_uuid()));
    vec![
        doc! { "room_id": room, "pinned_at": at, "_id": { "$lt": message } },
        doc! { "room_id": room, "pinned_at": { "$lt": at } },
    ]
}

impl From<PinDocument> for Pin {
    fn from(pin: PinDocument) -> Self {
        Self {
            message: MessageId::from_uuid(uuid_of(pin.message_id)),
            by: UserId::from_uuid(uuid_of(pin.pinned_by)),
            at: time(pin.pinned_at),
        }
    }
}
