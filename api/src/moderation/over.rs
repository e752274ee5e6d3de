//! Mutes and bans that end by themselves, and say so: by the event of an act that nobody did, and by a notice to the user.
//!
//! They hold until their time whether this is late or not.

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::Sender;
use rookery_protocol::id::{RoomId, UserId};
use rookery_store::sanction::{SanctionAction, is_over};
use rookery_store::{Cause, StoreError};
use uuid::Uuid;

use super::{Moderation, body};
use crate::error::ApiError;
use crate::limits::{SANCTIONS_OVER_INTERVAL, SANCTIONS_OVER_MAX};
use crate::periodic::every;
use crate::rooms::room_event;

impl Moderation {
    /// Ends what is over, again and again. Every api does; the store says to all but one that it has ended.
    pub(crate) async fn follow(&self) {
        every(SANCTIONS_OVER_INTERVAL, "sanctions", || self.end_over(UnixMillis::now())).await;
    }

    async fn end_over(&self, now: UnixMillis) -> Result<(), ApiError> {
        for (room, user, sanction) in self.rooms.stores.sanctions.over(now, SANCTIONS_OVER_MAX).await? {
            if is_over(sanction.muted, now) {
                self.end_one(room, user, SanctionAction::MuteOver(now)).await?;
            }
            if is_over(sanction.banned, now) {
                self.end_one(room, user, SanctionAction::BanOver(now)).await?;
            }
        }
        Ok(())
    }

    async fn end_one(&self, room: RoomId, user: UserId, action: SanctionAction) -> Result<(), ApiError> {
        let stores = &self.rooms.stores;
        // Of who was erased nothing is kept.
        let Some(target) = stores.users.by_id(user).await? else { return Ok(()) };
        let nobody = Sender { user_id: UserId::from_uuid(Uuid::nil()), username: String::new() };
        let event = room_event(nobody, body(action, &target));
        match stores.sanctions.apply(room, user, action, Cause::Server(&event)).await {
            Ok(Some(announcement)) => {
                tracing::info!(room_id = %room, user_id = %user, ?action, "a sanction is over");
                self.rooms.dispatcher.announce(announcement).await;
                Ok(())
            }
            // Somebody else was faster, or the room has ended.
            Ok(None) | Err(StoreError::Closed | StoreError::Inconsistent(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
