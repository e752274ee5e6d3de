//! What users are in rooms, as the api said it not long ago.
//!
//! Only a "yes" is remembered: whoever was refused may have joined a moment later. A remembered permission carries
//! the room's ACL version; the bus refuses a send under an old one, and the permission is then asked for again. What was
//! to be forgotten while it was asked for is not remembered. While the api does not answer, an older "yes" holds on: chat
//! goes on without it.

use std::sync::Arc;

use moka::future::Cache;
use rookery_bus::authority::{Answer, AuthorityError, Permission, PermissionSource, Question};
use rookery_protocol::access::{self, Action};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::{RoomId, RoomRef, Slug, UserId};
use rookery_protocol::limits::AUTHORIZE_QUESTIONS_MAX;
use rookery_runtime::shutdown::Shutdown;
use tokio::time::Instant;

use crate::limits::{
    AUTHORIZE_CALLS_HANGING_MAX, AUTHORIZE_CALLS_MAX, AUTHORIZE_QUESTIONS_MIN, AUTHORIZE_WAITING_MAX, GONE_ROOMS_MAX,
    PERMISSION_KEPT, PERMISSION_LIFE, REFUSAL_LIFE, SLUGS_MAX,
};

mod permission_cache;

use crate::authorize::permission_cache::PermissionCache;
use crate::question_batcher::{Answers, Bounds, Questions, Subject};

/// What the api says of a user's permission, or why it says nothing.
pub type Checked = Result<Permission, AuthorityError>;

/// The permissions this node remembers.
pub struct Permissions {
    questions: Arc<Questions<Rights>>,
    rooms: Cache<Slug, RoomId>,
    known: PermissionCache,
    /// Rooms that are no more: what is remembered of them does not count.
    gone: moka::sync::Cache<RoomId, ()>,
}

/// Questions about rights.
pub(crate) struct Rights(pub(crate) Arc<dyn PermissionSource>);

impl Subject for Rights {
    type Question = Question;
    type Answer = Permission;
    const BOUNDS: Bounds = Bounds {
        task: "ask for rights",
        questions_max: AUTHORIZE_QUESTIONS_MAX,
        questions_min: AUTHORIZE_QUESTIONS_MIN,
        calls_max: AUTHORIZE_CALLS_MAX,
        calls_hanging_max: AUTHORIZE_CALLS_HANGING_MAX,
        waiting_max: AUTHORIZE_WAITING_MAX,
    };

    async fn ask(&self, questions: &[Question]) -> Answers<Permission> {
        self.0.authorize_many(questions).await
    }
}

impl Permissions {
    /// Nothing is remembered yet.
    pub fn new(source: Arc<dyn PermissionSource>, shutdown: Shutdown) -> Arc<Self> {
        let rooms = Cache::builder().max_capacity(SLUGS_MAX).time_to_live(PERMISSION_KEPT).build();
        let gone = moka::sync::Cache::builder()
            .max_capacity(GONE_ROOMS_MAX)
            .time_to_live(PERMISSION_KEPT)
            .build();
        Arc::new(Self {
            questions: Questions::new(Rights(source), shutdown),
            rooms,
            known: PermissionCache::new(),
            gone,
        })
    }

    /// The user's permission, if it allows the action.
    pub async fn check(&self, user: UserId, room: &RoomRef, action: Action) -> Checked {
        let checked = self.check_all(user, &[room], action).await.pop();
        checked.unwrap_or_else(|| Err(AuthorityError::Unavailable("no answer".to_owned())))
    }

    /// The same for many rooms, in their order.
    pub async fn check_all(&self, user: UserId, rooms: &[&RoomRef], action: Action) -> Vec<Checked> {
        let mut checked = Vec::with_capacity(rooms.len());
        for room in rooms {
            checked.push(self.remembered(user, room, action).await);
        }
        let unknown = checked.iter().zip(rooms).filter(|(known, _)| known.is_none());
        let questions: Vec<Question> = unknown.map(|(_, room)| Question { user, room: (*room).clone() }).collect();
        let mut answers = self.ask(questions).await.into_iter();
        // There are as many answers as there are unknown ones.
        let mut answer = || answers.next().unwrap_or_else(|| Err(AuthorityError::Unavailable("no answer".to_owned())));
        let mut decided = || answer().and_then(|permission| decide(&permission, action).map(|()| permission));
        checked.into_iter().map(|known| known.unwrap_or_else(&mut decided)).collect()
    }

    /// The permission is no longer to be believed, nor one that is being asked for.
    pub fn invalidate(&self, user: UserId, room: RoomId) {
        self.known.invalidate(user, room);
    }

    /// Nobody's permission is to be believed any more, if it is a direct room.
    pub fn invalidate_direct(&self, room: RoomId) {
        self.known.invalidate_direct(room);
    }

    /// The room is no more: nobody's permission is to be believed.
    pub fn forget_room(&self, room: RoomId) {
        self.gone.insert(room, ());
    }

    /// None if it has to be asked for.
    async fn remembered(&self, user: UserId, room: &RoomRef, action: Action) -> Option<Checked> {
        let room = self.id_of(room).await?;
        if self.gone.contains_key(&room) {
            return None;
        }
        let (permission, age) = self.known.get(user, room)?;
        match decide(&permission, action) {
            Ok(()) if age < PERMISSION_LIFE => Some(Ok(permission)),
            // What was refused may be allowed by now, but whoever insists must not make every try a question.
            Err(error) if age < REFUSAL_LIFE => Some(Err(error)),
            Ok(()) | Err(_) => None,
        }
    }

    async fn ask(&self, questions: Vec<Question>) -> Vec<Checked> {
        if questions.is_empty() {
            return Vec::new();
        }
        let (asked, subjects) = (Instant::now(), questions.clone());
        let answers = self.questions.ask(questions).await;
        let mut checked = Vec::with_capacity(answers.len());
        for (Question { user, room }, answer) in subjects.into_iter().zip(answers) {
            checked.push(match answer {
                Err(AuthorityError::Unavailable(cause)) => {
                    let older = self.older(user, &room).await;
                    older.ok_or(AuthorityError::Unavailable(cause))
                }
                answer => self.remember(user, answer, asked).await,
            });
        }
        checked
    }

    async fn older(&self, user: UserId, room: &RoomRef) -> Option<Permission> {
        let room = self.id_of(room).await.filter(|room| !self.gone.contains_key(room))?;
        Some(self.known.get(user, room)?.0)
    }

    async fn id_of(&self, room: &RoomRef) -> Option<RoomId> {
        match room {
            RoomRef::Id(id) => Some(*id),
            RoomRef::Slug(slug) => self.rooms.get(slug).await,
        }
    }

    async fn remember(&self, user: UserId, answer: Answer, asked: Instant) -> Checked {
        let permission = answer?;
        if let Some(slug) = &permission.slug {
            self.rooms.insert(slug.clone(), permission.room).await;
        }
        if permission.role.is_some() {
            self.known.put(user, &permission, asked);
        }
        Ok(permission)
    }
}

fn decide(permission: &Permission, action: Action) -> Result<(), AuthorityError> {
    let now = UnixMillis::now();
    access::decide(permission.access(), action, now).map_err(|code| match (code, permission.muted) {
        (ErrorCode::Muted, Some(until)) => AuthorityError::Muted(until.rest_ms(now)),
        (code, _) => AuthorityError::Refused(code),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;
    use std::time::Duration;

    use tokio::time::advance;

    use super::*;
    use crate::testing::FakeAuthority;

    #[tokio::test(start_paused = true)]
    async fn what_was_allowed_holds_on_while_the_api_is_away_unless_it_was_taken_back() {
        let (authority, user) = (FakeAuthority::new(), UserId::generate());
        let permissions = Permissions::new(Arc::clone(&authority) as _, Shutdown::new());
        let room: RoomRef = "general".parse().unwrap();
        authority.join(user);
        assert!(permissions.check(user, &room, Action::Send).await.is_ok());
        advance(PERMISSION_LIFE + Duration::from_secs(1)).await;
        authority.away.store(true, Ordering::SeqCst);
        for _ in 0..10 {
            assert!(permissions.check(user, &room, Action::Send).await.is_ok());
            advance(PERMISSION_KEPT / 20).await;
        }
        assert!(permissions.check(UserId::generate(), &room, Action::Send).await.is_err());
        permissions.invalidate(user, authority.room);
        let outcome = permissions.check(user, &room, Action::Send).await;
        assert!(matches!(outcome, Err(AuthorityError::Unavailable(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_is_asked_for_again_after_its_life() {
        let (authority, user) = (FakeAuthority::new(), UserId::generate());
        let permissions = Permissions::new(Arc::clone(&authority) as _, Shutdown::new());
        let room = RoomRef::Id(authority.room);
        authority.join(user);
        for asked in [1, 1, 2] {
            assert!(permissions.check(user, &room, Action::Read).await.is_ok());
            assert_eq!(authority.asked.load(Ordering::SeqCst), asked);
            advance(PERMISSION_LIFE / 2 + Duration::from_millis(1)).await;
        }
    }
}
