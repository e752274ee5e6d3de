//! Requests to be let into rooms, in MongoDB. There is one document of each user and room.

use async_trait::async_trait;
use mongodb::bson::{DateTime, Document, Uuid, doc};
use mongodb::error::Error;
use mongodb::{ClientSession, Collection};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{RoomId, UserId};
use rookery_store::joining::{Asked, JoinMessage, JoinRequest, OwnRequestPlace, RequestPlace, RequestState, follows};
use rookery_store::{JoinRequests, StoreError, integer};
use serde::{Deserialize, Serialize};

use super::Mongo;
use crate::batch_reads::page_of;
use crate::documents::one;
use crate::error::is_duplicate;
use crate::fields::{date, key, parsed, time, uuid_of};

/// A user who asks to be let into a room.
#[derive(Serialize, Deserialize)]
pub(super) struct JoinRequestDocument {
    room_id: Uuid,
    user_id: Uuid,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    created_at: DateTime,
    state: RequestState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decided_at: Option<DateTime>,
}

#[async_trait]
impl JoinRequests for Mongo {
    async fn ask(&self, request: &JoinRequest, denied_before: UnixMillis, most: usize) -> Result<Asked, StoreError> {
        let (room, user) = (request.room_id, request.user_id);
        let before = JoinRequests::get(self, room, user).await?;
        if let Some(asked) = follows(before.as_ref(), denied_before) {
            return Ok(asked);
        }
        if self.waiting(room, most).await? >= most {
            return Ok(Asked::Crowded);
        }
        if !self.put_request(request, before.as_ref()).await? {
            // The same user was faster, on another device.
            return Ok(Asked::Waits);
        }
        // Others may have come at the same moment: then all of them are too many.
        if self.waiting(room, most + 1).await? > most {
            JoinRequests::withdraw(self, room, user).await?;
            return Ok(Asked::Crowded);
        }
        Ok(Asked::New)
    }

    async fn get(&self, room: RoomId, user: UserId) -> Result<Option<JoinRequest>, StoreError> {
        let (all, filter) = (self.join_requests.clone(), one(room, user));
        let found = self.calls.run(async move { Ok(all.find_one(filter).await?) }).await?;
        found.map(JoinRequest::try_from).transpose()
    }

    async fn of_room(
        &self,
        room: RoomId,
        after: Option<RequestPlace>,
        limit: usize,
    ) -> Result<Vec<JoinRequest>, StoreError> {
        let after = after.map(|place| (place.created_at, "user_id", key(place.user_id.as_uuid())));
        let ranges = open_after(doc! { "room_id": key(room.as_uuid()) }, after);
        let all = self.join_requests.clone();
        let order = doc! { "room_id": 1, "state": 1, "created_at": 1, "user_id": 1 };
        let found = self.calls.run(async move { page_of(&all, ranges, order, limit).await });
        found.await?.into_iter().map(JoinRequest::try_from).collect()
    }

    async fn of_user(
        &self,
        user: UserId,
        after: Option<OwnRequestPlace>,
        limit: usize,
    ) -> Result<Vec<JoinRequest>, StoreError> {
        let after = after.map(|place| (place.created_at, "room_id", key(place.room_id.as_uuid())));
        let ranges = open_after(doc! { "user_id": key(user.as_uuid()) }, after);
        let all = self.join_requests.clone();
        let order = doc! { "user_id": 1, "state": 1, "created_at": 1, "room_id": 1 };
        let found = self.calls.run(async move { page_of(&all, ranges, order, limit).await });
        found.await?.into_iter().map(JoinRequest::try_from).collect()
    }

    async fn deny(&self, room: RoomId, user: UserId, at: UnixMillis) -> Result<bool, StoreError> {
        let (all, filter) = (self.join_requests.clone(), open_one(room, user));
        let change = doc! { "$set": { "state": "denied", "decided_at": date(at) } };
        self.calls
            .run(async move { Ok(all.update_one(filter, change).await?.matched_count == 1) })
            .await
    }

    async fn withdraw(&self, room: RoomId, user: UserId) -> Result<bool, StoreError> {
        let (all, filter) = (self.join_requests.clone(), open_one(room, user));
        self.calls.run(async move { Ok(all.delete_one(filter).await?.deleted_count == 1) }).await
    }

    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError> {
        self.purge_ended(&self.join_requests, "decided_at", before, limit).await
    }
}

impl Mongo {
    /// How many wait in the room, at most `most`.
    async fn waiting(&self, room: RoomId, most: usize) -> Result<usize, StoreError> {
        let (all, filter) = (self.join_requests.clone(), doc! { "room_id": key(room.as_uuid()), "state": "open" });
        let limit = u64::try_from(integer::limit(most)).unwrap_or(u64::MAX);
        let count = self.calls.run(async move { Ok(all.count_documents(filter).limit(limit).await?) });
        Ok(usize::try_from(count.await?).unwrap_or(usize::MAX))
    }

    /// In the place of one that was decided about; false if there is another one by now.
    async fn put_request(&self, request: &JoinRequest, before: Option<&JoinRequest>) -> Result<bool, StoreError> {
        let (all, document) = (self.join_requests.clone(), JoinRequestDocument::from(request));
        let Some(before) = before else {
            return self
                .calls
                .run(async move {
                    match all.insert_one(document).await {
                        Ok(_) => Ok(true),
                        Err(error) if is_duplicate(&error) => Ok(false),
                        Err(error) => Err(error.into()),
                    }
                })
                .await;
        };
        let mut filter = one(before.room_id, before.user_id);
        filter.insert("state", before.state.as_str());
        self.calls
            .run(async move { Ok(all.replace_one(filter, document).await?.matched_count == 1) })
            .await
    }
}

/// Approves an open one, as part of a change of the room; says whether there was one.
pub(super) async fn approve_in(
    all: &Collection<JoinRequestDocument>,
    session: &mut ClientSession,
    (room, user): (RoomId, UserId),
    at: UnixMillis,
) -> Result<bool, Error> {
    let change = doc! { "$set": { "state": "approved", "decided_at": date(at) } };
    Ok(all.update_one(open_one(room, user), change).session(session).await?.matched_count == 1)
}

fn open_one(room: RoomId, user: UserId) -> Document {
    let mut filter = one(room, user);
    filter.insert("state", RequestState::Open.as_str());
    filter
}

/// The open ones of a room or of a user behind a place, which is a time and an id in the other field. Each part is one range
/// of the index.
fn open_after(mut of: Document, after: Option<(UnixMillis, &str, Uuid)>) -> Vec<Document> {
    of.insert("state", RequestState::Open.as_str());
    let Some((created_at, other, id)) = after else { return vec![of] };
    let (mut same, mut later) = (of.clone(), of);
    same.insert("created_at", date(created_at));
    same.insert(other, doc! { "$gt": id });
    later.insert("created_at", doc! { "$gt": date(created_at) });
    vec![same, later]
}

impl From<&JoinRequest> for JoinRequestDocument {
    fn from(request: &JoinRequest) -> Self {
        Self {
            room_id: key(request.room_id.as_uuid()),
            user_id: key(request.user_id.as_uuid()),
            message: request.message.as_ref().map(|message| message.as_str().to_owned()),
            created_at: date(request.created_at),
            state: request.state,
            decided_at: request.decided_at.map(date),
        }
    }
}

impl TryFrom<JoinRequestDocument> for JoinRequest {
    type Error = StoreError;

    fn try_from(found: JoinRequestDocument) -> Result<Self, StoreError> {
        Ok(Self {
            room_id: RoomId::from_uuid(uuid_of(found.room_id)),
            user_id: UserId::from_uuid(uuid_of(found.user_id)),
            message: found.message.map(|text| parsed::<JoinMessage>(text, "message")).transpose()?,
            created_at: time(found.created_at),
            state: found.state,
            decided_at: found.decided_at.map(time),
        })
    }
}
