//! Who is online, for those who may see it.

use std::collections::HashSet;

use rookery_bus::error::BusError;
use rookery_bus::presence::crowd::Crowd;
use rookery_bus::presence::{Change, Setting, UserPresence};
use rookery_protocol::access::Action;
use rookery_protocol::id::{GENERAL, RoomRef, Slug, UserId};
use rookery_protocol::presence::Seen;
use rookery_store::{StoreError, Stores};

use crate::app::App;
use crate::error::ApiError;
use crate::service::rooms;

/// How the users stand who share a room with the caller, in the order asked.
pub async fn of_users(app: &App, caller: UserId, users: &[UserId]) -> Result<Vec<Seen>, ApiError> {
    let known: HashSet<UserId> = acquainted(&app.stores, caller, users).await?.into_iter().collect();
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
    let crowd = Crowd::of(occupancies);
    let is_general = room.slug.as_ref().is_some_and(|slug| slug.as_str() == GENERAL);
    Ok(if is_general { crowd.counted() } else { crowd })
}

/// Which of these users the user may see: those in a room with the user. The one that everybody is in makes nobody
/// acquainted; everybody knows oneself.
pub async fn acquainted(stores: &Stores, user: UserId, others: &[UserId]) -> Result<Vec<UserId>, StoreError> {
    let general = Slug::try_from(GENERAL.to_owned()).map(RoomRef::Slug);
    let general = match general {
        Ok(general) => stores.rooms.find(&general).await?.map(|room| room.id),
        Err(_) => None,
    };
    let strangers: Vec<UserId> = others.iter().copied().filter(|other| *other != user).collect();
    let mut known = stores.members.acquainted(user, &strangers, general).await?;
    known.extend(others.iter().find(|other| **other == user));
    Ok(known)
}
