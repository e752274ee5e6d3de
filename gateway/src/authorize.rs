//! What users are in rooms, as the api said it not long ago.
//!
//! Only a "yes" is remembered: whoever was refused may have joined a moment later. A remembered permission carries
//! the room's ACL version; the bus refuses a send under an old one, and the permission is then asked for again.

use std::sync::Arc;

use moka::future::Cache;
use rookery_shared::access::{self, Action};
use rookery_shared::authority::{Authority, AuthorityError, Permission};
use rookery_shared::id::{RoomId, RoomRef, Slug, UserId};
use rookery_shared::limits::{PERMISSION_LIFE, PERMISSIONS_MAX, SLUGS_MAX};

/// The permissions this node remembers.
pub struct Permissions {
    authority: Arc<dyn Authority>,
    rooms: Cache<Slug, RoomId>,
    known: Cache<(UserId, RoomId), Arc<Permission>>,
}

impl Permissions {
    /// Nothing is remembered yet.
    pub fn new(authority: Arc<dyn Authority>) -> Arc<Self> {
        let rooms = Cache::builder().max_capacity(SLUGS_MAX).time_to_live(PERMISSION_LIFE).build();
        let known = Cache::builder().max_capacity(PERMISSIONS_MAX).time_to_live(PERMISSION_LIFE).build();
        Arc::new(Self { authority, rooms, known })
    }

    /// The user's permission, if it allows the action.
    pub async fn check(&self, user: UserId, room: &RoomRef, action: Action) -> Result<Arc<Permission>, AuthorityError> {
        let permission = match self.remembered(user, room).await {
            Some(permission) => permission,
            None => self.ask(user, room).await?,
        };
        access::decide(permission.standing(), action).map_err(AuthorityError::Refused)?;
        Ok(permission)
    }

    /// The permission is no longer to be believed.
    pub async fn forget(&self, user: UserId, room: RoomId) {
        self.known.invalidate(&(user, room)).await;
    }

    async fn remembered(&self, user: UserId, room: &RoomRef) -> Option<Arc<Permission>> {
        let room = match room {
            RoomRef::Id(id) => *id,
            RoomRef::Slug(slug) => self.rooms.get(slug).await?,
        };
        self.known.get(&(user, room)).await
    }

    async fn ask(&self, user: UserId, room: &RoomRef) -> Result<Arc<Permission>, AuthorityError> {
        let permission = Arc::new(self.authority.authorize(user, room).await?);
        if let Some(slug) = &permission.slug {
            self.rooms.insert(slug.clone(), permission.room).await;
        }
        if permission.role.is_some() {
            self.known.insert((user, permission.room), Arc::clone(&permission)).await;
        }
        Ok(permission)
    }
}
