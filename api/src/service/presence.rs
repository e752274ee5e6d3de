//! Who is online, for those who may see it.

use std::collections::HashSet;

use rookery_shared::access::Action;
use rookery_shared::bus::BusError;
use rookery_shared::id::{RoomRef, UserId};
use rookery_shared::presence::crowd::Crowd;
use rookery_shared::presence::{Change, Setting, UserPresence};
use rookery_shared::protocol::presence::Seen;

use crate::app::App;
use crate::error::ApiError;
use crate::service::rooms;

/// How the users stand who share a room with the caller, in the order asked.
pub async fn of_users(app: &App, caller: UserId, users: &[UserId]) -> Result<Vec<Seen>, ApiError> {
    let known: HashSet<UserId> = app.stores.members.acquainted(caller, users).await?.into_iter().collect();
    let users: Vec<UserId> = users.iter().copied().filter(|user| known.contains(user)).collect();
    let found = app.presence.users(&users).await?;
    Ok(found.iter().map(UserPresence::to_seen).collect())
}

/// The user says something of oneself.
pub async fn set(app: &App, user: UserId, setting: Setting) -> Result<Seen, ApiError> {
    let changed = app.presence.change(None, &[(user, Change::Say(setting))]).await?;
    let changed = changed.first().ok_or_else(|| BusError::Protocol("presence".to_owned()))?;
    Ok(changed.to_seen())
}

/// Who has the room open on a connection; for those who may read it.
pub async fn in_room(app: &App, caller: UserId, room: &RoomRef) -> Result<Crowd, ApiError> {
    let (room, _) = rooms::find(app, caller, room, Action::Read).await?;
    let occupancies = app.presence.occupants(&[room.id]).await?.pop().unwrap_or_default();
    Ok(Crowd::of(occupancies))
}
