//! Who has a room after its owner. No room is left without one: it passes on, or it ends.

use rookery_protocol::access::RoomRole;
use rookery_protocol::event::{DeletionReason, Event, Sender};
use rookery_protocol::id::{RoomId, UserId};
use rookery_store::room::{Closing, Member, MemberPlace};
use rookery_store::sanction::SanctionAction;
use rookery_store::{Announcement, Cause, StoreError};

use super::ending::deleted;
use crate::admin::act::Act;
use crate::error::ApiError;
use crate::limits::{SUCCESSION_PAGE, SUCCESSION_TRIES};
use crate::rooms::{Rooms, room_event};

/// What became of a room whose owner is to be taken out of it.
enum Passed {
    /// It has another owner, or somebody else was faster.
    On,
    /// Nobody else was in it.
    Ended,
}

impl Rooms {
    /// The oldest moderator of a room beside its owner, else the oldest member.
    pub(crate) async fn successor(&self, room: RoomId, owner: UserId) -> Result<Option<UserId>, StoreError> {
        let (mut after, mut oldest): (Option<MemberPlace>, _) = (None, None);
        loop {
            let page = self.stores.members.page(room, after, SUCCESSION_PAGE).await?;
            let mut others = page.iter().filter(|member| member.user_id != owner);
            if let Some(moderator) = others.clone().find(|member| member.role == RoomRole::Moderator) {
                return Ok(Some(moderator.user_id));
            }
            oldest = oldest.or(others.next().map(|member| member.user_id));
            after = page.last().map(Member::place);
            if page.len() < SUCCESSION_PAGE {
                return Ok(oldest);
            }
        }
    }

    /// Applies a sanction. If it takes the owner out of the room, the room passes on before.
    pub(crate) async fn sanction(
        &self,
        actor: &Sender,
        (room, user): (RoomId, UserId),
        action: SanctionAction,
        event: &Event,
    ) -> Result<Option<Announcement>, ApiError> {
        for _ in 0..SUCCESSION_TRIES {
            match self.stores.sanctions.apply(room, user, action, Cause::User(event)).await {
                Err(StoreError::OwnerStays) => {}
                applied => return Ok(applied?),
            }
            match self.pass_on(actor, room, user).await? {
                Passed::On => {}
                Passed::Ended => return Ok(None),
            }
        }
        Err(StoreError::Unavailable("a room's members change all the time".to_owned()).into())
    }

    async fn pass_on(&self, actor: &Sender, room: RoomId, owner: UserId) -> Result<Passed, ApiError> {
        let by = actor.user_id;
        let Some(successor) = self.successor(room, owner).await? else {
            let body = deleted(DeletionReason::Deleted);
            self.generations.require(&body).await?;
            let event = room_event(actor.clone(), body);
            if self.close(room, Closing::Deleted, &event).await?.is_some() {
                tracing::info!(room_id = %room, %by, "room deleted, its owner was the only member and is expelled");
                self.note(room, by, Act { action: "room_deleted", user: None, detail: None }).await?;
            }
            return Ok(Passed::Ended);
        };
        let event = room_event(actor.clone(), self.owner_changed(successor).await?);
        match self.stores.members.transfer(room, successor, Cause::User(&event)).await {
            Ok(Some(_)) => {
                tracing::info!(room_id = %room, user_id = %successor, %by, "room passes on, its owner is expelled");
                let act = Act { action: "owner_changed", user: Some(successor), detail: None };
                self.note(room, by, act).await?;
            }
            // Somebody else handed it over, or the successor has left.
            Ok(None) | Err(StoreError::NoMember) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(Passed::On)
    }
}
