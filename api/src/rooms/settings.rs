//! How a room is talked in: slow mode, and frozen or not.
//!
//! A change is answered when the bus has the event: its event has made it the bus's state, so from then on it holds on
//! every node.

use rookery_protocol::access::{AccessContext, SettingsContext, decide_on_settings, decide_on_transfer};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::{EventBody, RoomChange, RoomSettings, Sender};
use rookery_protocol::id::{RoomId, RoomRef, UserId};
use rookery_store::room::{Room, SettingsChange};
use rookery_store::sanction::Sanction;
use rookery_store::user::ServerRole;

use crate::error::ApiError;
use crate::rooms::{self, Rooms, SeenRoom};

impl Rooms {
    /// Carries the change out. Nothing changes if all is so already.
    pub async fn change(&self, actor: Sender, room: &RoomRef, change: SettingsChange) -> Result<SeenRoom, ApiError> {
        let room = self.to_change(&actor, room).await?;
        let by = actor.user_id;
        // The store fills in what the settings are then.
        let event =
            rooms::room_event(actor, EventBody::Room(RoomChange::Updated { settings: RoomSettings::default() }));
        if self.stores.rooms.apply_settings(room.id, change, &event).await?.is_some() {
            tracing::info!(room_id = %room.id, %by, ?change, "room settings changed");
        }
        // Also where nothing changed: an earlier attempt may have been answered before the bus had the event.
        self.dispatcher.flush(room.id).await?;
        self.seen_by(room.id, by).await
    }

    /// Makes a member the owner of the room. Nothing changes if it is that already.
    pub async fn transfer(&self, actor: Sender, room: &RoomRef, to: UserId) -> Result<SeenRoom, ApiError> {
        let (room, settings_context) = self.settings_context(&actor, room).await?;
        decide_on_transfer(settings_context, UnixMillis::now()).map_err(ApiError::refused)?;
        let by = actor.user_id;
        if self.stores.members.get(room.id, to).await?.is_none() {
            return Err(ApiError::refused(ErrorCode::NotFound));
        }
        let event = rooms::room_event(actor, EventBody::Room(RoomChange::Updated { settings: room.settings }));
        if self.stores.members.transfer(room.id, to, &event).await?.is_some() {
            tracing::info!(room_id = %room.id, %by, user_id = %to, "room handed over");
        }
        self.dispatcher.flush(room.id).await?;
        self.seen_by(room.id, by).await
    }

    async fn seen_by(&self, room: RoomId, user: UserId) -> Result<SeenRoom, ApiError> {
        let room = self.stores.rooms.find(&RoomRef::Id(room)).await?;
        let room = room.ok_or_else(|| ApiError::refused(ErrorCode::UnknownRoom))?;
        let role = self.stores.members.get(room.id, user).await?.map(|member| member.role);
        self.seen(room, role).await
    }

    /// The room, if the user may change it.
    async fn to_change(&self, actor: &Sender, room: &RoomRef) -> Result<Room, ApiError> {
        let (room, settings_context) = self.settings_context(actor, room).await?;
        decide_on_settings(settings_context, UnixMillis::now()).map_err(ApiError::refused)?;
        Ok(room)
    }

    /// The room, and the user's role in it and on the server.
    async fn settings_context(&self, actor: &Sender, room: &RoomRef) -> Result<(Room, SettingsContext), ApiError> {
        let stores = &self.stores;
        let found = stores.rooms.find(room).await?;
        let room = found.ok_or_else(|| ApiError::refused(ErrorCode::UnknownRoom))?;
        let role = stores.members.get(room.id, actor.user_id).await?.map(|member| member.role);
        let Sanction { muted, banned } = stores.sanctions.get(room.id, actor.user_id).await?;
        let account = stores.users.by_id(actor.user_id).await?;
        let is_admin = account.is_some_and(|user| user.role == ServerRole::Admin && !user.disabled);
        let access = AccessContext { visibility: room.visibility, role, muted, banned };
        Ok((room, SettingsContext { access, is_admin }))
    }
}
