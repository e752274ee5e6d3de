//! Whose presence somebody may see.

use rookery_protocol::id::{GENERAL, RoomRef, Slug, UserId};
use rookery_store::{StoreError, Stores};

/// Which of these users the user may see: those in a room with the user. The one that everybody is in makes nobody
/// acquainted; everybody knows oneself.
pub async fn visible_users(stores: &Stores, user: UserId, others: &[UserId]) -> Result<Vec<UserId>, StoreError> {
    let general = Slug::try_from(GENERAL.to_owned()).map(RoomRef::Slug);
    let general = match general {
        Ok(general) => stores.rooms.find(&general).await?.map(|room| room.id),
        Err(_) => None,
    };
    let strangers: Vec<UserId> = others.iter().copied().filter(|other| *other != user).collect();
    let mut known = stores.members.visible_users(user, &strangers, general).await?;
    known.extend(others.iter().find(|other| **other == user));
    Ok(known)
}
