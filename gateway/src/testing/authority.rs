//! An api at the test's command.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_trait::async_trait;
use parking_lot::Mutex;
use rookery_bus::authority::{
    Answer, AuthorityError, Changes, DirectRooms, HistorySource, Look, MessageFacts, MessagePreparer, OpenSession,
    Permission, PermissionSource, Preparation, Prepared, Question, ReadMarks, RoomOpener, SessionSource, Withdrawal,
};
use rookery_bus::authority::{FilterSource, VersionedFilter};
use rookery_protocol::access::{RoomKind, RoomRole, Until, Visibility};
use rookery_protocol::attachment::Attachment;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::{AclVersion, FileId, MessageId, RoomId, RoomRef, SessionId, UserId};
use rookery_protocol::position::Position;
use rookery_protocol::unread::{ReadState, ReadTo};
use rookery_runtime::token::JwkSet;

/// An api that knows one room, `general`, and its members.
pub(crate) struct FakeAuthority {
    pub(crate) room: RoomId,
    pub(crate) members: Mutex<HashSet<UserId>>,
    pub(crate) acl: Mutex<AclVersion>,
    pub(crate) messages: Mutex<HashMap<MessageId, MessageFacts>>,
    pub(crate) asked: AtomicUsize,
    /// Looks at messages.
    pub(crate) looks: AtomicUsize,
    /// Calls with many questions.
    pub(crate) calls: AtomicUsize,
    /// So many of them are never answered.
    pub(crate) hanging: AtomicUsize,
    /// Whether questions about rights are not answered.
    pub(crate) away: AtomicBool,
    pub(crate) muted: Mutex<Option<Until>>,
    /// Whether nothing is said to have changed.
    pub(crate) is_still: AtomicBool,
    /// Calls about sessions.
    pub(crate) sessions_asked: AtomicUsize,
    /// Whether they are not answered.
    pub(crate) sessions_away: AtomicBool,
    /// Sessions that were ended.
    pub(crate) ended: Mutex<HashSet<SessionId>>,
    /// Sessions whose users have got another name.
    pub(crate) renamed: Mutex<HashMap<SessionId, String>>,
    /// What the store has; nothing is answered without it.
    pub(crate) stored: Mutex<Option<Vec<SequencedEvent>>>,
    pub(crate) reads: AtomicUsize,
    /// The read marks that were received.
    pub(crate) marks: Mutex<Vec<ReadTo>>,
    /// Files that can be attached.
    pub(crate) files: Mutex<HashMap<FileId, Attachment>>,
}

impl FakeAuthority {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            room: RoomId::generate(),
            members: Mutex::default(),
            acl: Mutex::default(),
            messages: Mutex::default(),
            asked: AtomicUsize::new(0),
            looks: AtomicUsize::new(0),
            calls: AtomicUsize::new(0),
            hanging: AtomicUsize::new(0),
            away: AtomicBool::new(false),
            muted: Mutex::default(),
            is_still: AtomicBool::new(false),
            sessions_asked: AtomicUsize::new(0),
            sessions_away: AtomicBool::new(false),
            ended: Mutex::default(),
            renamed: Mutex::default(),
            stored: Mutex::new(Some(Vec::new())),
            reads: AtomicUsize::new(0),
            marks: Mutex::default(),
            files: Mutex::default(),
        })
    }

    pub(crate) fn join(&self, user: UserId) {
        self.members.lock().insert(user);
    }
}

#[async_trait]
impl PermissionSource for FakeAuthority {
    async fn authorize(&self, user: UserId, room: &RoomRef) -> Result<Permission, AuthorityError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.away.load(Ordering::SeqCst) {
            return Err(AuthorityError::Unavailable("away".to_owned()));
        }
        let slug = "general".to_owned().try_into().unwrap();
        if *room != RoomRef::Id(self.room) && *room != RoomRef::Slug(slug) {
            return Err(AuthorityError::Refused(ErrorCode::UnknownRoom));
        }
        Ok(Permission {
            room: self.room,
            slug: Some("general".to_owned().try_into().unwrap()),
            name: "General".into(),
            kind: RoomKind::Room,
            visibility: Visibility::Public,
            role: self.members.lock().contains(&user).then_some(RoomRole::Member),
            acl: *self.acl.lock(),
            muted: *self.muted.lock(),
            banned: None,
            filter: None,
            blocked: false,
        })
    }

    async fn authorize_many(&self, questions: &[Question]) -> Result<Vec<Answer>, AuthorityError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let hangs = self.hanging.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if hangs.is_ok() {
            std::future::pending::<()>().await;
        }
        let mut answers = Vec::new();
        for question in questions {
            answers.push(self.authorize(question.user, &question.room).await);
        }
        Ok(answers)
    }

    async fn acl_versions(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, AclVersion)>, AuthorityError> {
        let acl = *self.acl.lock();
        Ok(rooms.iter().map(|room| (*room, acl)).collect())
    }

    async fn readers(&self, _room: RoomId, users: &[UserId]) -> Result<Vec<UserId>, AuthorityError> {
        let members = self.members.lock();
        Ok(users.iter().copied().filter(|user| members.contains(user)).collect())
    }

    async fn shows_typing(&self, _user: UserId) -> Result<bool, AuthorityError> {
        Ok(true)
    }

    async fn visible_users(&self, _user: UserId, others: &[UserId]) -> Result<Vec<UserId>, AuthorityError> {
        let members = self.members.lock();
        Ok(others.iter().copied().filter(|user| members.contains(user)).collect())
    }
}

#[async_trait]
impl SessionSource for FakeAuthority {
    async fn public_keys(&self) -> Result<JwkSet, AuthorityError> {
        Ok(JwkSet::default())
    }

    async fn changes(&self, since: Option<UnixMillis>) -> Result<Changes, AuthorityError> {
        let (upto, is_whole) = (UnixMillis(0), since.is_some());
        if !is_whole || self.is_still.load(Ordering::SeqCst) {
            return Ok(Changes { upto, is_whole, ..Changes::default() });
        }
        let (sessions, rooms) = (self.ended.lock().iter().copied().collect(), vec![(self.room, *self.acl.lock())]);
        Ok(Changes { upto, sessions, rooms, is_whole })
    }

    async fn open_sessions(&self, sessions: &[SessionId]) -> Result<Vec<OpenSession>, AuthorityError> {
        self.sessions_asked.fetch_add(1, Ordering::SeqCst);
        if self.sessions_away.load(Ordering::SeqCst) {
            return Err(AuthorityError::Unavailable("away".to_owned()));
        }
        let (ended, renamed) = (self.ended.lock(), self.renamed.lock());
        let open = sessions.iter().filter(|session| !ended.contains(session));
        Ok(open.map(|id| OpenSession { id: *id, username: renamed.get(id).cloned() }).collect())
    }
}

#[async_trait]
impl DirectRooms for FakeAuthority {
    async fn open_direct(&self, _user: UserId, _with: UserId) -> Result<(), AuthorityError> {
        Err(AuthorityError::Refused(ErrorCode::UnknownRoom))
    }
}

#[async_trait]
impl RoomOpener for FakeAuthority {
    async fn open_room(&self, _room: RoomId) -> Result<(), AuthorityError> {
        Ok(())
    }
}

#[async_trait]
impl HistorySource for FakeAuthority {
    async fn message(&self, look: Look) -> Result<MessageFacts, AuthorityError> {
        self.looks.fetch_add(1, Ordering::SeqCst);
        if self.away.load(Ordering::SeqCst) {
            return Err(AuthorityError::Unavailable("away".to_owned()));
        }
        let facts = self.messages.lock().get(&look.message).cloned();
        facts.ok_or(AuthorityError::Refused(ErrorCode::UnknownMessage))
    }

    async fn events(
        &self,
        _room: RoomId,
        place: Position,
        limit: usize,
    ) -> Result<Vec<SequencedEvent>, AuthorityError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        let stored = self.stored.lock();
        let stored = stored.as_ref().ok_or_else(|| AuthorityError::Unavailable("away".into()))?;
        let follows = |event: &&SequencedEvent| event.epoch == place.epoch && event.seq > place.seq;
        Ok(stored.iter().filter(follows).take(limit).cloned().collect())
    }
}

#[async_trait]
impl MessagePreparer for FakeAuthority {
    async fn prepare(&self, preparation: Preparation) -> Result<Prepared, AuthorityError> {
        if let Some(message) = preparation.reply_to {
            self.message(Look { room: preparation.room, message, before: None }).await?;
        }
        let prepared = preparation.files.iter().map(|file| self.files.lock().get(file).cloned());
        let prepared = prepared.collect::<Option<Vec<_>>>();
        let attachments = prepared.ok_or(AuthorityError::Refused(ErrorCode::BadAttachment))?;
        Ok(Prepared { attachments, held: None })
    }

    async fn withdraw(&self, _withdrawal: Withdrawal) -> Result<(), AuthorityError> {
        Ok(())
    }
}

#[async_trait]
impl ReadMarks for FakeAuthority {
    async fn mark_read(&self, _user: UserId, _room: RoomId, to: ReadTo) -> Result<(), AuthorityError> {
        self.marks.lock().push(to);
        Ok(())
    }

    async fn read_states(&self, _user: UserId, _rooms: &[RoomId]) -> Result<Vec<(RoomId, ReadState)>, AuthorityError> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl FilterSource for FakeAuthority {
    async fn server_filter(&self, _known: u64) -> Result<Option<VersionedFilter>, AuthorityError> {
        Ok(None)
    }

    async fn room_filter(&self, _room: RoomId) -> Result<VersionedFilter, AuthorityError> {
        Ok(VersionedFilter::default())
    }
}
