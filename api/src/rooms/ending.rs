//! The ends of rooms: deleted, left by the last one, or over because their time is. A room that has ended leaves a tombstone,
//! which nobody finds; its last event is `room_deleted`, behind which the bus takes nothing; and its history is erased when
//! all that was still being written is stored.

use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use rookery_protocol::access::decide_on_transfer;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::{DeletionReason, Event, EventBody, RoomChange, Sender};
use rookery_protocol::id::{RoomId, RoomRef, UserId};
use rookery_protocol::position::Position;
use rookery_store::room::{Closing, Member, Room, Tombstone};
use rookery_store::{Announcement, StoreError};
use uuid::Uuid;

use crate::admin::act::Act;
use crate::error::ApiError;
use crate::limits::{
    ENDED_MEMBERS_AT_ONCE, ENDED_MEMBERS_PAGE, ROOM_ERASED_AFTER, ROOM_ERASURE_INTERVAL, ROOM_ERASURE_PIECE,
    ROOM_EXPIRY_INTERVAL, ROOMS_PER_ERASURE, ROOMS_PER_EXPIRY,
};
use crate::membership_news::tell_removed;
use crate::periodic::every;
use crate::rooms::{self, Rooms};

/// The last event of a room.
pub(super) fn deleted(reason: DeletionReason) -> EventBody {
    EventBody::Room(RoomChange::Deleted { reason })
}

impl Rooms {
    /// Deletes a room. Who did so may say it again, in case the room had not heard of it.
    pub async fn delete(&self, actor: Sender, room: &RoomRef) -> Result<(), ApiError> {
        let (room, context) = match self.settings_context(&actor, room).await {
            Err(error) if error.code() == ErrorCode::UnknownRoom => {
                return self.delete_again(&actor, room, error).await;
            }
            found => found?,
        };
        decide_on_transfer(context, UnixMillis::now()).map_err(ApiError::refused)?;
        if room.is_general() {
            return Err(ApiError::refused(ErrorCode::ProtectedRoom));
        }
        let body = deleted(DeletionReason::Deleted);
        self.generations.require(&body).await?;
        let (by, event) = (actor.user_id, rooms::room_event(actor, body));
        if self.close(room.id, Closing::Deleted, &event).await?.is_some() {
            tracing::info!(room_id = %room.id, %by, "room deleted");
            self.note(room.id, by, Act { action: "room_deleted", user: None, detail: None }).await?;
        }
        Ok(self.dispatcher.flush(room.id).await?)
    }

    /// Ends the room, and tells the devices of everybody who was in it, beside the answer.
    pub(super) async fn close(
        &self,
        room: RoomId,
        closing: Closing,
        event: &Event,
    ) -> Result<Option<Announcement>, StoreError> {
        let members = self.everybody_in(room).await?;
        let closed = self.stores.rooms.close(room, closing, event).await?;
        if closed.is_some() {
            let news = Arc::clone(&self.news);
            tokio::spawn(async move {
                let tell = |user| tell_removed(&*news, user, room);
                stream::iter(members).for_each_concurrent(ENDED_MEMBERS_AT_ONCE, tell).await;
            });
        }
        Ok(closed)
    }

    /// Those who are in a room. Its end forgets them.
    async fn everybody_in(&self, room: RoomId) -> Result<Vec<UserId>, StoreError> {
        let (mut after, mut all) = (None, Vec::new());
        loop {
            let page = self.stores.members.page(room, after, ENDED_MEMBERS_PAGE).await?;
            all.extend(page.iter().map(|member| member.user_id));
            after = page.last().map(Member::place);
            if page.len() < ENDED_MEMBERS_PAGE {
                return Ok(all);
            }
        }
    }

    async fn delete_again(&self, actor: &Sender, room: &RoomRef, unknown: ApiError) -> Result<(), ApiError> {
        let ended = match room {
            RoomRef::Id(room) => self.stores.rooms.tombstone(*room).await?,
            RoomRef::Slug(slug) => self.stores.rooms.ended(slug, actor.user_id).await?,
        };
        match ended {
            Some(Tombstone { room, by: Some(by), event: Some(_), .. }) if by == actor.user_id => {
                Ok(self.dispatcher.flush(room.id).await?)
            }
            Some(_) | None => Err(unknown),
        }
    }

    /// The owner leaves and nobody else is there: the room is deleted. False if not every node knows how rooms end.
    pub(super) async fn end_with_last(&self, owner: &Sender, room: &Room) -> Result<bool, ApiError> {
        let body = deleted(DeletionReason::Deleted);
        if !self.generations.allows(&body).await? {
            return Ok(false);
        }
        let event = rooms::room_event(owner.clone(), body);
        if self.close(room.id, Closing::LastLeft, &event).await?.is_some() {
            tracing::info!(room_id = %room.id, user_id = %owner.user_id, "room deleted, its last member left");
        }
        self.dispatcher.flush(room.id).await?;
        Ok(true)
    }

    /// Ends rooms whose time is over. Endless. Whoever of several nodes is first ends a room; the store says to the others
    /// that it has ended.
    pub(crate) async fn follow_expiries(&self) {
        every(ROOM_EXPIRY_INTERVAL, "room expiry", || self.end_expired(UnixMillis::now())).await;
    }

    async fn end_expired(&self, now: UnixMillis) -> Result<(), ApiError> {
        let body = deleted(DeletionReason::Expired);
        for room in self.stores.rooms.expired(now, ROOMS_PER_EXPIRY).await? {
            if !self.generations.allows(&body).await? {
                return Ok(());
            }
            let event = rooms::room_event(self.owner_of(&room).await?, body.clone());
            if let Some(announcement) = self.close(room.id, Closing::Expired(now), &event).await? {
                tracing::info!(room_id = %room.id, "room has expired");
                self.dispatcher.announce(announcement).await;
            }
        }
        Ok(())
    }

    /// Whose room it was; nobody, if it had no owner.
    async fn owner_of(&self, room: &Room) -> Result<Sender, ApiError> {
        let owner = match room.owner {
            Some(owner) => self.stores.users.by_id(owner).await?,
            None => None,
        };
        Ok(owner.map_or_else(
            || Sender { user_id: UserId::from_uuid(Uuid::nil()), username: String::new() },
            |owner| Sender { user_id: owner.id, username: owner.username.as_str().to_owned() },
        ))
    }

    /// Erases what is left of rooms. Endless; two nodes at it do no harm.
    pub(crate) async fn follow_erasures(&self) {
        let erase = || self.erase_ended(UnixMillis::now().minus(ROOM_ERASED_AFTER));
        every(ROOM_ERASURE_INTERVAL, "room erasure", erase).await;
    }

    async fn erase_ended(&self, before: UnixMillis) -> Result<(), ApiError> {
        for room in self.stores.room_erasures.due(before, ROOMS_PER_ERASURE).await? {
            if !self.is_over(room).await? {
                continue;
            }
            self.log.forget_stored(room).await?;
            while self.stores.room_erasures.erase(room, ROOM_ERASURE_PIECE).await? {}
            tracing::info!(room_id = %room, "room erased");
        }
        Ok(())
    }

    /// Whether the room's last event is stored: before that, more may come.
    async fn is_over(&self, room: RoomId) -> Result<bool, ApiError> {
        let Some(tombstone) = self.stores.rooms.tombstone(room).await? else { return Ok(false) };
        let Some(last) = tombstone.event else { return Ok(true) };
        let messages = &self.stores.messages;
        // Events are erased in their order: where the last one is gone, too, an erasure was broken off at its end.
        Ok(messages.place(room, last).await?.is_some() || messages.last(room).await? == Position::START)
    }
}
