//! What users are in rooms, as the api said it not long ago.
//!
//! Only a "yes" is remembered: whoever was refused may have joined a moment later. A remembered permission carries
//! the room's ACL version; the bus refuses a send under an old one, and the permission is then asked for again.

use std::sync::Arc;

use moka::future::Cache;
use rookery_shared::access::{self, Action};
use rookery_shared::authority::{Authority, AuthorityError, Permission};
use rookery_shared::clock::UnixMillis;
use rookery_shared::id::{RoomId, RoomRef, Slug, UserId};
use rookery_shared::limits::{PERMISSION_LIFE, PERMISSIONS_MAX, REFUSAL_LIFE, SLUGS_MAX};
use rookery_shared::protocol::error_code::ErrorCode;
use tokio::time::Instant;

/// The permissions this node remembers.
pub struct Permissions {
    authority: Arc<dyn Authority>,
    rooms: Cache<Slug, RoomId>,
    known: Cache<(UserId, RoomId), Known>,
}

/// A permission, and when it was asked for.
#[derive(Clone)]
struct Known {
    permission: Arc<Permission>,
    asked: Instant,
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
        if let Some(Known { permission, asked }) = self.remembered(user, room).await {
            // What was refused may be allowed by now, but whoever insists must not make every try a question.
            match decide(&permission, action) {
                Err(error) if asked.elapsed() < REFUSAL_LIFE => return Err(error),
                Err(_) => {}
                Ok(()) => return Ok(permission),
            }
        }
        let permission = self.ask(user, room).await?;
        decide(&permission, action)?;
        Ok(permission)
    }

    /// The permission is no longer to be believed.
    pub async fn forget(&self, user: UserId, room: RoomId) {
        self.known.invalidate(&(user, room)).await;
    }

    async fn remembered(&self, user: UserId, room: &RoomRef) -> Option<Known> {
        let room = match room {
            RoomRef::Id(id) => *id,
            RoomRef::Slug(slug) => self.rooms.get(slug).await?,
        };
        self.known.get(&(user, room)).await
    }

    async fn ask(&self, user: UserId, room: &RoomRef) -> Result<Arc<Permission>, AuthorityError> {
        let asked = Instant::now();
        let permission = Arc::new(self.authority.authorize(user, room).await?);
        if let Some(slug) = &permission.slug {
            self.rooms.insert(slug.clone(), permission.room).await;
        }
        if permission.role.is_some() {
            let known = Known { permission: Arc::clone(&permission), asked };
            self.known.insert((user, permission.room), known).await;
        }
        Ok(permission)
    }
}

fn decide(permission: &Permission, action: Action) -> Result<(), AuthorityError> {
    let now = UnixMillis::now();
    access::decide(permission.standing(), action, now).map_err(|code| match (code, permission.muted) {
        (ErrorCode::Muted, Some(until)) => AuthorityError::Muted(until.rest_ms(now)),
        (code, _) => AuthorityError::Refused(code),
    })
}
