//! Notices: the inbox of each user. A notice is made once for what it is about, however often that is told.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{MessageId, NoticeId, RoomId, UserId};
pub use rookery_protocol::notice::NoticeKind;
use rookery_protocol::notice::NoticeView;
use rookery_protocol::position::Position;
use uuid::Uuid;

use crate::StoreError;

/// Characters of the text of a notice that are kept.
pub const NOTICE_TEXT_CHARS_MAX: usize = 4_000;

/// A notice of one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its id, see [`NoticeId::derive`].
    pub id: NoticeId,
    /// Whose it is.
    pub to: UserId,
    /// What it is about.
    pub kind: NoticeKind,
    /// The room it is about.
    pub room: Option<RoomId>,
    /// The message it is about.
    pub message: Option<MessageId>,
    /// Where that lies in the room: reading up to there clears the notice.
    pub place: Option<Position>,
    /// Who caused it.
    pub by: Option<UserId>,
    /// What it came to, in a word.
    pub detail: Option<String>,
    /// What somebody wrote about it.
    pub text: Option<String>,
    /// When it was made, or made anew.
    pub at: UnixMillis,
    /// Whether the user has seen it.
    pub read: bool,
}

/// A place in an inbox: newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NoticePlace {
    /// When the notice was made.
    pub at: UnixMillis,
    /// Its id.
    pub id: NoticeId,
}

/// What there is to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occasion {
    /// What it is about.
    pub kind: NoticeKind,
    /// What makes it this one: the id of the event, request or message. The same is never told twice.
    pub of: Uuid,
    /// The room it is about.
    pub room: Option<RoomId>,
    /// The message it is about.
    pub message: Option<MessageId>,
    /// Where that lies in the room.
    pub place: Option<Position>,
    /// Who caused it.
    pub by: Option<UserId>,
    /// What it came to, in a word.
    pub detail: Option<String>,
    /// What somebody wrote about it.
    pub text: Option<String>,
}

impl Occasion {
    /// Something in a room, that somebody caused by this event or request.
    pub const fn in_room(kind: NoticeKind, of: Uuid, room: RoomId, by: UserId) -> Self {
        Self {
            kind,
            of,
            room: Some(room),
            message: None,
            place: None,
            by: Some(by),
            detail: None,
            text: None,
        }
    }

    /// Something that was said; a direct room has one notice whatever is said there.
    pub fn said(kind: NoticeKind, room: RoomId, message: MessageId, place: Position, by: UserId) -> Self {
        let of = if kind == NoticeKind::DirectMessage {
            room.as_uuid()
        } else {
            message.as_uuid()
        };
        Self { message: Some(message), place: Some(place), ..Self::in_room(kind, of, room, by) }
    }

    /// What it came to, in a word.
    #[must_use]
    pub fn with_detail(self, detail: &str) -> Self {
        Self { detail: Some(detail.to_owned()), ..self }
    }

    /// What somebody wrote about it.
    #[must_use]
    pub fn with_text(self, text: Option<&str>) -> Self {
        let text = text.map(|text| text.chars().take(NOTICE_TEXT_CHARS_MAX).collect());
        Self { text, ..self }
    }

    /// Whether it is one person's word to another, which a block between them silences. What somebody does in an office is
    /// told all the same.
    pub const fn is_personal(&self) -> bool {
        match self.kind {
            NoticeKind::Mention | NoticeKind::DirectMessage | NoticeKind::Reply | NoticeKind::Invite => true,
            NoticeKind::JoinRequested
            | NoticeKind::JoinDecided
            | NoticeKind::RoleChanged
            | NoticeKind::Sanctioned
            | NoticeKind::ReportResolved
            | NoticeKind::ScheduleFailed
            | NoticeKind::Announcement => false,
        }
    }

    /// The notice of one user.
    pub fn notice(&self, to: UserId, at: UnixMillis) -> Notice {
        let Self { kind, of, room, message, place, by, detail, text } = self.clone();
        let id = NoticeId::derive(to, kind, of);
        Notice { id, to, kind, room, message, place, by, detail, text, at, read: false }
    }
}

impl Notice {
    /// Where it is in the inbox.
    pub const fn position(&self) -> NoticePlace {
        NoticePlace { at: self.at, id: self.id }
    }

    /// Whether a later occasion makes it anew, instead of being the same one.
    pub const fn is_renewable(&self) -> bool {
        matches!(self.kind, NoticeKind::DirectMessage)
    }

    /// As its user sees it.
    pub fn view(self) -> NoticeView {
        let Self { id, kind, room, message, by, detail, text, at, read, .. } = self;
        NoticeView { id, kind, room, message, by, detail, text, created_at: at, read }
    }
}

/// The inboxes of all users.
#[async_trait]
pub trait Notices: Send + Sync {
    /// Adds notices, unless ones with their ids are there; gives the ids of those that are new. One that is renewable takes
    /// the place of what is there, if its own place in the room is a later one, and counts as new.
    async fn add(&self, notices: &[Notice]) -> Result<Vec<NoticeId>, StoreError>;
    /// By id, if it is that user's.
    async fn get(&self, to: UserId, id: NoticeId) -> Result<Option<Notice>, StoreError>;
    /// The notices of a user, newest first, before that place, at most `limit`.
    async fn page(&self, to: UserId, before: Option<NoticePlace>, limit: usize) -> Result<Vec<Notice>, StoreError>;
    /// Marks as read what is at that place of the inbox and before; says how many were not.
    async fn read_up_to(&self, to: UserId, place: NoticePlace) -> Result<u64, StoreError>;
    /// Marks as read what is about the room, up to that place in it; says how many were not. Most often none is, which costs
    /// one look.
    async fn read_room(&self, to: UserId, room: RoomId, upto: Position) -> Result<u64, StoreError>;
    /// Erases all but the newest `keep` of a user; says how many.
    async fn trim(&self, to: UserId, keep: usize) -> Result<u64, StoreError>;
    /// Erases those that were made before that time, at most `limit`; says how many.
    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError>;
    /// Erases those that were made of this occasion, of all users.
    async fn withdraw(&self, kind: NoticeKind, of: Uuid, to: &[UserId]) -> Result<u64, StoreError> {
        let ids: Vec<NoticeId> = to.iter().map(|to| NoticeId::derive(*to, kind, of)).collect();
        self.remove(&ids).await
    }
    /// Erases these; says how many there were.
    async fn remove(&self, ids: &[NoticeId]) -> Result<u64, StoreError>;
}

#[cfg(test)]
mod tests {
    use rookery_protocol::id::{Epoch, Seq};

    use super::*;

    #[test]
    fn a_direct_room_has_one_notice_whatever_is_said_there() {
        let (to, by, room) = (UserId::generate(), UserId::generate(), RoomId::generate());
        let place = Position { epoch: Epoch(1), seq: Seq::new(7) };
        let id = |kind| {
            let said = Occasion::said(kind, room, MessageId::generate(), place, by);
            said.notice(to, UnixMillis(1)).id
        };
        assert_eq!(id(NoticeKind::DirectMessage), id(NoticeKind::DirectMessage));
        assert_ne!(id(NoticeKind::Mention), id(NoticeKind::Mention));
    }

    #[test]
    fn a_text_has_a_bound() {
        let occasion = Occasion::in_room(NoticeKind::Sanctioned, Uuid::nil(), RoomId::generate(), UserId::generate());
        let text = "ü".repeat(NOTICE_TEXT_CHARS_MAX + 1);
        let kept = occasion.with_text(Some(&text)).text.unwrap();
        assert_eq!(kept.chars().count(), NOTICE_TEXT_CHARS_MAX);
    }
}
