//! Invites to rooms, in MongoDB.

use async_trait::async_trait;
use mongodb::bson::{Binary, Bson, DateTime, Document, Uuid, doc};
use mongodb::error::Error;
use mongodb::{ClientSession, Collection};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{RoomId, UserId};
use rookery_store::account::SecretHash;
use rookery_store::joining::RoomInvite;
use rookery_store::{RoomInvites, StoreError};
use serde::{Deserialize, Serialize};

use super::{Mongo, by_id};
use crate::batch_reads::page_of;
use crate::fields::{array, binary, date, key, time, uuid_of};

/// An invite to a room.
#[derive(Serialize, Deserialize)]
pub(super) struct RoomInviteDocument {
    #[serde(rename = "_id")]
    id: Uuid,
    room_id: Uuid,
    hash: Binary,
    uses: i64,
    /// How often it may still be used; left out where that is not bounded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    left: Option<i64>,
    by: Uuid,
    by_moderator: bool,
    approval: bool,
    created_at: DateTime,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<DateTime>,
}

#[async_trait]
impl RoomInvites for Mongo {
    async fn insert(&self, invite: &RoomInvite) -> Result<(), StoreError> {
        let (all, document) = (self.room_invites.clone(), RoomInviteDocument::from(invite));
        self.calls.run(async move { Ok(all.insert_one(document).await.map(drop)?) }).await
    }

    async fn by_hash(&self, hash: &SecretHash) -> Result<Option<RoomInvite>, StoreError> {
        let (all, filter) = (self.room_invites.clone(), of_hash(hash));
        let found = self.calls.run(async move { Ok(all.find_one(filter).await?) }).await?;
        found.map(RoomInvite::try_from).transpose()
    }

    async fn by_id(&self, id: uuid::Uuid) -> Result<Option<RoomInvite>, StoreError> {
        let (all, filter) = (self.room_invites.clone(), by_id(key(id)));
        let found = self.calls.run(async move { Ok(all.find_one(filter).await?) }).await?;
        found.map(RoomInvite::try_from).transpose()
    }

    async fn spend(&self, hash: &SecretHash, now: UnixMillis) -> Result<bool, StoreError> {
        // Its end never changes, its number does.
        let found = RoomInvites::by_hash(self, hash).await?.filter(|invite| invite.is_open(now));
        let Some(found) = found else { return Ok(false) };
        let (all, (filter, change)) = (self.room_invites.clone(), use_of(hash, found.max_uses.is_some()));
        self.calls
            .run(async move { Ok(all.update_one(filter, change).await?.matched_count == 1) })
            .await
    }

    async fn page(
        &self,
        room: RoomId,
        by: Option<UserId>,
        after: Option<uuid::Uuid>,
        limit: usize,
    ) -> Result<Vec<RoomInvite>, StoreError> {
        let after = key(after.unwrap_or(uuid::Uuid::nil()));
        let mut range = doc! { "room_id": key(room.as_uuid()), "_id": { "$gt": after } };
        let mut order = doc! { "room_id": 1, "_id": 1 };
        if let Some(by) = by {
            range.insert("by", key(by.as_uuid()));
            order = doc! { "room_id": 1, "by": 1, "_id": 1 };
        }
        let all = self.room_invites.clone();
        let found = self.calls.run(async move { page_of(&all, vec![range], order, limit).await });
        found.await?.into_iter().map(RoomInvite::try_from).collect()
    }

    async fn remove(&self, id: uuid::Uuid) -> Result<bool, StoreError> {
        let (all, filter) = (self.room_invites.clone(), by_id(key(id)));
        self.calls.run(async move { Ok(all.delete_one(filter).await?.deleted_count == 1) }).await
    }

    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError> {
        self.purge_ended(&self.room_invites, "expires_at", before, limit).await
    }
}

fn of_hash(hash: &SecretHash) -> Document {
    doc! { "hash": binary(hash) }
}

/// One use more, if one is left.
fn use_of(hash: &SecretHash, is_bounded: bool) -> (Document, Document) {
    let mut filter = of_hash(hash);
    if !is_bounded {
        return (filter, doc! { "$inc": { "uses": 1_i64 } });
    }
    filter.insert("left", doc! { "$gt": 0_i64 });
    (filter, doc! { "$inc": { "uses": 1_i64, "left": -1_i64 } })
}

/// By its code, as part of a change of its room; none if it is of another one, or has ended.
pub(super) async fn open_in(
    all: &Collection<RoomInviteDocument>,
    session: &mut ClientSession,
    hash: &SecretHash,
    room: RoomId,
    now: UnixMillis,
) -> Result<Option<RoomInvite>, Error> {
    let found = all.find_one(of_hash(hash)).session(session).await?;
    let invite = found.and_then(|found| RoomInvite::try_from(found).ok());
    Ok(invite.filter(|invite| invite.room_id == room && invite.is_open(now)))
}

/// Uses it once, as part of a change of its room; says whether it did.
pub(super) async fn spend_in(
    all: &Collection<RoomInviteDocument>,
    session: &mut ClientSession,
    invite: &RoomInvite,
) -> Result<bool, Error> {
    let (filter, change) = use_of(&invite.hash, invite.max_uses.is_some());
    Ok(all.update_one(filter, change).session(session).await?.matched_count == 1)
}

/// Those that the user has made end, as part of a change of the room.
pub(super) async fn end_of(
    all: &Collection<RoomInviteDocument>,
    session: &mut ClientSession,
    room: Bson,
    user: Bson,
) -> Result<(), Error> {
    all.delete_many(doc! { "room_id": room, "by": user }).session(session).await.map(drop)
}

fn count(value: i64) -> u32 {
    u32::try_from(value.max(0)).unwrap_or(u32::MAX)
}

impl From<&RoomInvite> for RoomInviteDocument {
    fn from(invite: &RoomInvite) -> Self {
        Self {
            id: key(invite.id),
            room_id: key(invite.room_id.as_uuid()),
            hash: binary(&invite.hash),
            uses: i64::from(invite.uses),
            left: invite.max_uses.map(|most| i64::from(most) - i64::from(invite.uses)),
            by: key(invite.by.as_uuid()),
            by_moderator: invite.by_moderator,
            approval: invite.approval,
            created_at: date(invite.created_at),
            expires_at: invite.expires_at.map(date),
        }
    }
}

impl TryFrom<RoomInviteDocument> for RoomInvite {
    type Error = StoreError;

    fn try_from(found: RoomInviteDocument) -> Result<Self, StoreError> {
        Ok(Self {
            id: uuid_of(found.id),
            room_id: RoomId::from_uuid(uuid_of(found.room_id)),
            hash: array(&found.hash)?,
            uses: count(found.uses),
            max_uses: found.left.map(|left| count(found.uses + left)),
            by: UserId::from_uuid(uuid_of(found.by)),
            by_moderator: found.by_moderator,
            approval: found.approval,
            created_at: time(found.created_at),
            expires_at: found.expires_at.map(time),
        })
    }
}
