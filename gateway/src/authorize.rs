//! What users are in rooms, as the api said it not long ago.
//!
//! Only a "yes" is remembered: whoever was refused may have joined a moment later. A remembered permission carries
//! the room's ACL version; the bus refuses a send under an old one, and the permission is then asked for again. What was
//! to be forgotten while it was asked for is not remembered.

use std::sync::Arc;

use moka::future::Cache;
use rookery_shared::access::{self, Action};
use rookery_shared::authority::{Answer, Authority, AuthorityError, Permission, Question};
use rookery_shared::clock::UnixMillis;
use rookery_shared::id::{RoomId, RoomRef, Slug, UserId};
use rookery_shared::limits::{PERMISSION_LIFE, PERMISSIONS_MAX, REFUSAL_LIFE, SLUGS_MAX};
use rookery_shared::protocol::error_code::ErrorCode;
use rookery_shared::shutdown::Shutdown;
use tokio::time::Instant;

mod questions;

use questions::Questions;

/// What the api says of a user's permission, or why it says nothing.
pub type Checked = Result<Arc<Permission>, AuthorityError>;

/// The permissions this node remembers.
pub struct Permissions {
    questions: Arc<Questions>,
    rooms: Cache<Slug, RoomId>,
    known: Cache<(UserId, RoomId), Known>,
}

/// What is remembered, and since when.
#[derive(Clone)]
enum Known {
    /// A permission that was asked for then.
    Yes(Arc<Permission>, Instant),
    /// Whatever was asked for before is not to be believed.
    Forgotten(Instant),
}

impl Permissions {
    /// Nothing is remembered yet.
    pub fn new(authority: Arc<dyn Authority>, shutdown: Shutdown) -> Arc<Self> {
        let rooms = Cache::builder().max_capacity(SLUGS_MAX).time_to_live(PERMISSION_LIFE).build();
        let known = Cache::builder().max_capacity(PERMISSIONS_MAX).time_to_live(PERMISSION_LIFE).build();
        Arc::new(Self { questions: Questions::new(authority, shutdown), rooms, known })
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
    pub async fn forget(&self, user: UserId, room: RoomId) {
        self.known.insert((user, room), Known::Forgotten(Instant::now())).await;
    }

    /// None if it has to be asked for.
    async fn remembered(&self, user: UserId, room: &RoomRef, action: Action) -> Option<Checked> {
        let room = match room {
            RoomRef::Id(id) => *id,
            RoomRef::Slug(slug) => self.rooms.get(slug).await?,
        };
        match self.known.get(&(user, room)).await? {
            Known::Forgotten(_) => None,
            Known::Yes(permission, asked) => match decide(&permission, action) {
                Ok(()) => Some(Ok(permission)),
                // What was refused may be allowed by now, but whoever insists must not make every try a question.
                Err(error) if asked.elapsed() < REFUSAL_LIFE => Some(Err(error)),
                Err(_) => None,
            },
        }
    }

    async fn ask(&self, questions: Vec<Question>) -> Vec<Checked> {
        if questions.is_empty() {
            return Vec::new();
        }
        let (asked, users) = (Instant::now(), questions.iter().map(|question| question.user).collect::<Vec<_>>());
        let answers = self.questions.ask(questions).await;
        let mut checked = Vec::with_capacity(answers.len());
        for (user, answer) in users.into_iter().zip(answers) {
            checked.push(self.remember(user, answer, asked).await);
        }
        checked
    }

    async fn remember(&self, user: UserId, answer: Answer, asked: Instant) -> Checked {
        let permission = Arc::new(answer?);
        if let Some(slug) = &permission.slug {
            self.rooms.insert(slug.clone(), permission.room).await;
        }
        if permission.role.is_some() {
            let (key, known) = ((user, permission.room), Known::Yes(Arc::clone(&permission), asked));
            let newest = self.known.entry(key).and_upsert_with(|before| {
                let before = before.map(moka::Entry::into_value);
                let kept = before.filter(|before| matches!(before, Known::Forgotten(at) if *at >= asked));
                std::future::ready(kept.unwrap_or(known))
            });
            newest.await;
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
