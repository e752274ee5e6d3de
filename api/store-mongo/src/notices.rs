//! Inboxes in MongoDB.

use async_trait::async_trait;
use mongodb::bson::{DateTime, Document, Uuid, doc};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{MessageId, NoticeId, RoomId, UserId};
use rookery_protocol::position::Position;
use rookery_store::StoreError;
use rookery_store::limits::STORE_IDS_PER_READ_MAX;
use rookery_store::notice::{Notice, NoticeKind, NoticePlace, Notices};
use serde::{Deserialize, Serialize};

use super::{Mongo, by_id};
use crate::batch_reads::page_of;
use crate::error::{is_duplicate, left_out};
use crate::fields::{date, key, order, place_in_order, time, uuid_of};

/// A notice. `place` is where it is in the inbox and `said_at` where its message is in the room, each as a text that sorts
/// like it; that of no message is empty.
#[derive(Serialize, Deserialize)]
pub(super) struct NoticeDocument {
    #[serde(rename = "_id")]
    id: Uuid,
    user_id: Uuid,
    kind: NoticeKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    room_id: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message_id: Option<Uuid>,
    said_at: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    at: DateTime,
    place: String,
    read: bool,
}

#[async_trait]
impl Notices for Mongo {
    async fn add(&self, notices: &[Notice]) -> Result<Vec<NoticeId>, StoreError> {
        let (renewed, once): (Vec<&Notice>, Vec<&Notice>) = notices.iter().partition(|notice| notice.is_renewable());
        let mut new = self.add_once(&once).await?;
        for notice in renewed {
            if self.renew(notice).await? {
                new.push(notice.id);
            }
        }
        Ok(new)
    }

    async fn get(&self, to: UserId, id: NoticeId) -> Result<Option<Notice>, StoreError> {
        let (notices, filter) = (self.notices.clone(), by_id(key(id.as_uuid())));
        let found = self.calls.run(async move { Ok(notices.find_one(filter).await?) }).await?;
        Ok(found.map(Notice::from).filter(|notice| notice.to == to))
    }

    async fn page(&self, to: UserId, before: Option<NoticePlace>, limit: usize) -> Result<Vec<Notice>, StoreError> {
        let mut own = doc! { "user_id": key(to.as_uuid()) };
        if let Some(before) = before {
            own.insert("place", doc! { "$lt": place_text(before) });
        }
        let notices = self.notices.clone();
        let found = self
            .calls
            .run(async move { page_of(&notices, vec![own], doc! { "place": -1 }, limit).await });
        Ok(found.await?.into_iter().map(Notice::from).collect())
    }

    async fn read_up_to(&self, to: UserId, place: NoticePlace) -> Result<u64, StoreError> {
        let upto = doc! { "$lte": place_text(place) };
        self.mark_read(doc! { "user_id": key(to.as_uuid()), "read": false, "place": upto }).await
    }

    async fn read_room(&self, to: UserId, room: RoomId, upto: Position) -> Result<u64, StoreError> {
        let unread = doc! {
            "user_id": key(to.as_uuid()),
            "room_id": key(room.as_uuid()),
            "read": false,
            "said_at": { "$lte": order(upto) },
        };
        let (notices, filter) = (self.notices.clone(), unread.clone());
        let found = self.calls.run(async move { Ok(notices.find_one(filter).await?) }).await?;
        if found.is_none() {
            return Ok(0);
        }
        self.mark_read(unread).await
    }

    async fn trim(&self, to: UserId, keep: usize) -> Result<u64, StoreError> {
        let (notices, own) = (self.notices.clone(), doc! { "user_id": key(to.as_uuid()) });
        let skip = u64::try_from(keep).unwrap_or(u64::MAX);
        let filter = own.clone();
        let first = self.calls.run(async move {
            let found = notices.find_one(filter).sort(doc! { "place": -1 }).skip(skip);
            Ok(found.await?.map(|found| found.place))
        });
        let Some(first) = first.await? else { return Ok(0) };
        let mut rest = own;
        rest.insert("place", doc! { "$lte": first });
        self.remove_all(&self.notices, rest).await
    }

    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError> {
        self.purge_ended(&self.notices, "at", before, limit).await
    }

    async fn remove(&self, ids: &[NoticeId]) -> Result<u64, StoreError> {
        let mut gone = 0;
        for ids in ids.chunks(STORE_IDS_PER_READ_MAX) {
            let ids: Vec<Uuid> = ids.iter().map(|id| key(id.as_uuid())).collect();
            gone += self.remove_all(&self.notices, doc! { "_id": { "$in": ids } }).await?;
        }
        Ok(gone)
    }
}

impl Mongo {
    async fn add_once(&self, notices: &[&Notice]) -> Result<Vec<NoticeId>, StoreError> {
        if notices.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<NoticeId> = notices.iter().map(|notice| notice.id).collect();
        let documents: Vec<NoticeDocument> = notices.iter().map(|notice| NoticeDocument::from(*notice)).collect();
        let all = self.notices.clone();
        self.calls
            .run(async move {
                match all.insert_many(documents).ordered(false).await {
                    Ok(_) => Ok(ids),
                    Err(error) => match left_out(&error) {
                        Some(known) => Ok(ids
                            .into_iter()
                            .enumerate()
                            .filter(|(at, _)| !known.contains(at))
                            .map(|(_, id)| id)
                            .collect()),
                        None => Err(error.into()),
                    },
                }
            })
            .await
    }

    /// Two at once collide at the id: the one that is told so lost against the other, and tries again.
    async fn renew(&self, notice: &Notice) -> Result<bool, StoreError> {
        for _ in 0..2 {
            let mut older = by_id(key(notice.id.as_uuid()));
            older.insert("said_at", doc! { "$lt": notice.place.map(order).unwrap_or_default() });
            let mut fields = fields_of(notice)?;
            fields.remove("_id");
            let (all, set) = (self.notices.clone(), doc! { "$set": fields });
            let renewed = self.calls.run(async move {
                match all.update_one(older, set).upsert(true).await {
                    Ok(done) => Ok(Some(done.matched_count == 1 || done.upserted_id.is_some())),
                    Err(error) if is_duplicate(&error) => Ok(None),
                    Err(error) => Err(error.into()),
                }
            });
            if let Some(renewed) = renewed.await? {
                return Ok(renewed);
            }
            // One of a later place is there, or one that came at the same time.
        }
        Ok(false)
    }

    async fn mark_read(&self, unread: Document) -> Result<u64, StoreError> {
        let (notices, read) = (self.notices.clone(), doc! { "$set": { "read": true } });
        self.calls
            .run(async move { Ok(notices.update_many(unread, read).await?.modified_count) })
            .await
    }
}

fn fields_of(notice: &Notice) -> Result<Document, StoreError> {
    let fields = mongodb::bson::serialize_to_document(&NoticeDocument::from(notice));
    fields.map_err(|error| StoreError::Inconsistent(format!("a notice: {error}")))
}

fn place_text(place: NoticePlace) -> String {
    format!("{:020} {}", place.at.0, place.id.as_uuid().simple())
}

impl From<&Notice> for NoticeDocument {
    fn from(notice: &Notice) -> Self {
        Self {
            id: key(notice.id.as_uuid()),
            user_id: key(notice.to.as_uuid()),
            kind: notice.kind,
            room_id: notice.room.map(|room| key(room.as_uuid())),
            message_id: notice.message.map(|message| key(message.as_uuid())),
            said_at: notice.place.map(order).unwrap_or_default(),
            by: notice.by.map(|by| key(by.as_uuid())),
            detail: notice.detail.clone(),
            text: notice.text.clone(),
            at: date(notice.at),
            place: place_text(notice.position()),
            read: notice.read,
        }
    }
}

impl From<NoticeDocument> for Notice {
    fn from(found: NoticeDocument) -> Self {
        Self {
            id: NoticeId::from_uuid(uuid_of(found.id)),
            to: UserId::from_uuid(uuid_of(found.user_id)),
            kind: found.kind,
            room: found.room_id.map(|room| RoomId::from_uuid(uuid_of(room))),
            message: found.message_id.map(|message| MessageId::from_uuid(uuid_of(message))),
            place: place_in_order(&found.said_at),
            by: found.by.map(|by| UserId::from_uuid(uuid_of(by))),
            detail: found.detail,
            text: found.text,
            at: time(found.at),
            read: found.read,
        }
    }
}
