//! Membership in MongoDB. Changes are transactions, see [`super::transaction`].

use std::collections::{BTreeSet, HashMap, HashSet};

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use mongodb::bson::{self, Bson, Document, Uuid, doc};
use rookery_protocol::access::RoomRole;
use rookery_protocol::event::Event;
use rookery_protocol::id::{RoomId, UserId};
use rookery_store::joining::Entry;
use rookery_store::limits::{ROOMS_OF_USER_MAX, STORE_IDS_PER_READ_MAX};
use rookery_store::room::{Member, MemberPlace};
use rookery_store::{Announcement, Cause, Members, StoreError, integer};
use serde::Deserialize;

use super::Mongo;
use super::documents::MemberDocument;
use super::transaction::{Change, Turn};
use crate::batch_reads::{members_at, page_of};
use crate::documents::one;
use crate::fields::{date, key, uuid_of};

#[async_trait]
impl Members for Mongo {
    async fn get(&self, room: RoomId, user: UserId) -> Result<Option<Member>, StoreError> {
        let (members, filter) = (self.members.clone(), one(room, user));
        let found = self.calls.run(async move { Ok(members.find_one(filter).await?) }).await?;
        Ok(found.map(Member::from))
    }

    async fn of_user(&self, user: UserId, limit: usize) -> Result<Vec<Member>, StoreError> {
        // To the database, no rows at all means no limit.
        if limit == 0 {
            return Ok(Vec::new());
        }
        let (members, filter) = (self.members.clone(), doc! { "user_id": key(user.as_uuid()) });
        let found = self.calls.run(async move {
            let all = members
                .find(filter)
                .sort(doc! { "joined_at": 1, "room_id": 1 })
                .limit(integer::limit(limit));
            Ok(all.await?.try_collect::<Vec<_>>().await?)
        });
        Ok(found.await?.into_iter().map(Member::from).collect())
    }

    async fn counts(&self, rooms: &[RoomId]) -> Result<HashMap<RoomId, u64>, StoreError> {
        let groups = rooms.chunks(STORE_IDS_PER_READ_MAX).map(|rooms| {
            let rooms: Vec<Bson> = rooms.iter().map(|room| key(room.as_uuid()).into()).collect();
            vec![
                doc! { "$match": { "room_id": { "$in": rooms } } },
                doc! { "$group": { "_id": "$room_id", "count": { "$sum": 1_i64 } } },
            ]
        });
        let counted = self.groups_of::<Counted>(&self.members, groups.collect()).await?;
        let count = |Counted { id, count }| Ok((RoomId::from_uuid(uuid_of(id)), integer::read(count)?));
        counted.into_iter().map(count).collect()
    }

    async fn count(&self, room: RoomId) -> Result<u64, StoreError> {
        let (members, filter) = (self.members.clone(), doc! { "room_id": key(room.as_uuid()) });
        self.calls.run(async move { Ok(members.count_documents(filter).await?) }).await
    }

    async fn among(&self, room: RoomId, users: &[UserId]) -> Result<Vec<UserId>, StoreError> {
        let users: Vec<Bson> = users.iter().map(|user| key(user.as_uuid()).into()).collect();
        let filter = doc! { "room_id": key(room.as_uuid()), "user_id": { "$in": users } };
        let members = self.members.clone();
        let found = self
            .calls
            .run(async move { Ok(members.find(filter).await?.try_collect::<Vec<_>>().await?) });
        Ok(found.await?.into_iter().map(|member| Member::from(member).user_id).collect())
    }

    /// One question for the user's rooms, and one for those of each so many others: however many rooms there are. Rooms
    /// are compared here, since not every server looks at two lists of ids with an index.
    async fn visible_users(
        &self,
        user: UserId,
        others: &[UserId],
        except: Option<RoomId>,
    ) -> Result<Vec<UserId>, StoreError> {
        if others.is_empty() {
            return Ok(Vec::new());
        }
        let rooms = self.of_user(user, ROOMS_OF_USER_MAX).await?;
        let rooms = rooms.iter().map(|member| member.room_id);
        let rooms: HashSet<RoomId> = rooms.filter(|room| Some(*room) != except).collect();
        let theirs = others.chunks(STORE_IDS_PER_READ_MAX).map(|users| {
            let users: Vec<Bson> = users.iter().map(|user| key(user.as_uuid()).into()).collect();
            vec![
                doc! { "$match": { "user_id": { "$in": users } } },
                doc! { "$project": { "_id": 0, "user_id": 1, "room_id": 1 } },
            ]
        });
        let theirs = self.groups_of::<Membership>(&self.members, theirs.collect()).await?;
        let met = theirs
            .into_iter()
            .filter(|theirs| rooms.contains(&RoomId::from_uuid(uuid_of(theirs.room_id))));
        let met: BTreeSet<UserId> = met.map(|theirs| UserId::from_uuid(uuid_of(theirs.user_id))).collect();
        Ok(met.into_iter().collect())
    }

    async fn places(&self, places: &[(RoomId, UserId)]) -> Result<Vec<Member>, StoreError> {
        let wanted: HashSet<&(RoomId, UserId)> = places.iter().collect();
        let found = self.all_of(&self.members, members_at(places)).await?.into_iter().map(Member::from);
        Ok(found.filter(|member| wanted.contains(&(member.room_id, member.user_id))).collect())
    }

    async fn page(&self, room: RoomId, after: Option<MemberPlace>, limit: usize) -> Result<Vec<Member>, StoreError> {
        let (members, ranges) = (self.members.clone(), ranges(room, after));
        let order = doc! { "room_id": 1, "joined_at": 1, "user_id": 1 };
        let found = self.calls.run(async move { page_of(&members, ranges, order, limit).await });
        Ok(found.await?.into_iter().map(Member::from).collect())
    }

    async fn join(&self, member: &Member, event: &Event) -> Result<Option<Announcement>, StoreError> {
        self.enter(member, Entry::Open, event).await
    }

    async fn enter(&self, member: &Member, entry: Entry, event: &Event) -> Result<Option<Announcement>, StoreError> {
        // Outside of the transaction, so that the usual repeat costs the room nothing. The transaction decides.
        if self.get(member.room_id, member.user_id).await?.is_some() {
            return Ok(None);
        }
        let turn = Turn::Join(MemberDocument::from(member), member.clone(), entry);
        Ok(self
            .change(Change { room: member.room_id, turn, event: event.clone(), is_ranked: false })
            .await?)
    }

    async fn transfer(&self, room: RoomId, user: UserId, cause: Cause<'_>) -> Result<Option<Announcement>, StoreError> {
        let (event, is_ranked) = (cause.event().clone(), cause.is_ranked());
        Ok(self.change(Change { room, turn: Turn::Transfer(user), event, is_ranked }).await?)
    }

    async fn set_role(
        &self,
        room: RoomId,
        user: UserId,
        role: RoomRole,
        event: &Event,
    ) -> Result<Option<Announcement>, StoreError> {
        let turn = Turn::Role(user, role);
        Ok(self.change(Change { room, turn, event: event.clone(), is_ranked: true }).await?)
    }

    async fn of_role(
        &self,
        room: RoomId,
        role: RoomRole,
        after: Option<MemberPlace>,
        limit: usize,
    ) -> Result<Vec<Member>, StoreError> {
        let role = bson::serialize_to_bson(&role).map_err(|error| StoreError::Inconsistent(error.to_string()))?;
        let mut ranges = ranges(room, after);
        for range in &mut ranges {
            range.insert("role", role.clone());
        }
        let members = self.members.clone();
        let order = doc! { "room_id": 1, "role": 1, "joined_at": 1, "user_id": 1 };
        let found = self.calls.run(async move { page_of(&members, ranges, order, limit).await });
        Ok(found.await?.into_iter().map(Member::from).collect())
    }

    async fn leave(&self, room: RoomId, user: UserId, event: &Event) -> Result<Option<Announcement>, StoreError> {
        if self.get(room, user).await?.is_none() {
            return Ok(None);
        }
        let turn = Turn::Leave(one(room, user));
        Ok(self.change(Change { room, turn, event: event.clone(), is_ranked: false }).await?)
    }
}

/// A room and how many members it has.
#[derive(Deserialize)]
struct Counted {
    #[serde(rename = "_id")]
    id: Uuid,
    count: i64,
}

/// User and room of a membership.
#[derive(Deserialize)]
struct Membership {
    user_id: Uuid,
    room_id: Uuid,
}

/// The parts of the list after a place, in order. Each is one range of the index on every server, as for histories.
fn ranges(room: RoomId, after: Option<MemberPlace>) -> Vec<Document> {
    let room = key(room.as_uuid());
    let Some(MemberPlace { joined_at, user_id }) = after else {
        return vec![doc! { "room_id": room }];
    };
    let (joined_at, user_id) = (date(joined_at), key(user_id.as_uuid()));
    vec![
        doc! { "room_id": room, "joined_at": joined_at, "user_id": { "$gt": user_id } },
        doc! { "room_id": room, "joined_at": { "$gt": joined_at } },
    ]
}
