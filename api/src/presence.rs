//! Who is online, for those who may see it.

use std::collections::HashSet;
use std::sync::Arc;

use axum::extract::FromRef;
use rookery_bus::error::BusError;
use rookery_bus::presence::occupancy::RoomOccupancy;
use rookery_bus::presence::{Change, PresenceStore, Setting, UserPresence};
use rookery_protocol::access::Action;
use rookery_protocol::id::{GENERAL, RoomRef, UserId};
use rookery_protocol::presence::PresenceView;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::ApiError;
use crate::http::extract::Authentication;
use crate::http::limit::Limits;
use crate::presence::visibility::visible_users;
use crate::rooms::Rooms;

pub mod endpoints;
pub mod visibility;

/// The routes of presence.
pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Authentication: FromRef<S>,
    Limits: FromRef<S>,
    Presence: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(endpoints::of_users))
        .routes(routes!(endpoints::set))
        .routes(routes!(endpoints::in_room))
}

/// Tells who is online.
#[derive(Clone)]
pub struct Presence {
    pub(crate) store: Arc<dyn PresenceStore>,
    pub(crate) rooms: Rooms,
}

impl Presence {
    /// How the users stand who share a room with the caller, in the order asked.
    pub async fn of_users(&self, caller: UserId, users: &[UserId]) -> Result<Vec<PresenceView>, ApiError> {
        let known: HashSet<UserId> = visible_users(&self.rooms.stores, caller, users).await?.into_iter().collect();
        let users: Vec<UserId> = users.iter().copied().filter(|user| known.contains(user)).collect();
        let found = self.store.users(&users).await?;
        Ok(found.iter().map(UserPresence::to_seen).collect())
    }

    /// The user says something of oneself.
    pub async fn set(&self, user: UserId, setting: Setting) -> Result<PresenceView, ApiError> {
        let changed = self.store.change(None, &[(user, Change::SetStatus(setting))]).await?;
        let changed = changed.first().ok_or_else(|| BusError::Protocol("presence".to_owned()))?;
        Ok(changed.to_seen())
    }

    /// Who has the room open on a connection; for those who may read it.
    pub async fn in_room(&self, caller: UserId, room: &RoomRef) -> Result<RoomOccupancy, ApiError> {
        let (room, _) = self.rooms.find(caller, room, Action::Read).await?;
        let occupancies = self.store.occupants(&[room.id]).await?.pop().unwrap_or_default();
        let crowd = RoomOccupancy::of(occupancies);
        let is_general = room.slug.as_ref().is_some_and(|slug| slug.as_str() == GENERAL);
        Ok(if is_general { crowd.counted() } else { crowd })
    }
}
