//! Messages that somebody was told of who keeps order: what was said then, why it was reported, and what became of it.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{MessageId, RoomId, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::StoreError;
use crate::sanction::Reason;

/// Why a message is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportReason {
    /// Nobody asked for it.
    Spam,
    /// It hurts somebody.
    Abuse,
    /// A law forbids it.
    Illegal,
    /// The note says why.
    Other,
}

impl ReportReason {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Spam, Self::Abuse, Self::Illegal, Self::Other];

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Spam => "spam",
            Self::Abuse => "abuse",
            Self::Illegal => "illegal",
            Self::Other => "other",
        }
    }
}

/// Where a report stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportState {
    /// Nobody has taken it up.
    Open,
    /// Somebody looks into it.
    Claimed,
    /// It was decided.
    Resolved,
}

impl ReportState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Open, Self::Claimed, Self::Resolved];

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Claimed => "claimed",
            Self::Resolved => "resolved",
        }
    }
}

/// What was done about a reported message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportAction {
    /// Nothing.
    None,
    /// The message was deleted.
    Delete,
    /// Its author was muted in the room.
    Mute,
    /// Its author's membership was ended.
    Kick,
    /// Its author was shut out of the room.
    Ban,
    /// Its author's account was disabled.
    Disable,
}

impl ReportAction {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::None, Self::Delete, Self::Mute, Self::Kick, Self::Ban, Self::Disable];

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Delete => "delete",
            Self::Mute => "mute",
            Self::Kick => "kick",
            Self::Ban => "ban",
            Self::Disable => "disable",
        }
    }
}

/// A report. There is one of each user and message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Its id; ids begin with the time.
    pub id: Uuid,
    /// The room of the message.
    pub room: RoomId,
    /// The message.
    pub message: MessageId,
    /// Who said it.
    pub author: UserId,
    /// Who reports it.
    pub reporter: UserId,
    /// Why.
    pub reason: ReportReason,
    /// What the reporter says to it.
    pub note: Option<Reason>,
    /// What the message said when it was reported.
    pub content: String,
    /// When the message was said.
    pub said_at: UnixMillis,
    /// When it was reported.
    pub created_at: UnixMillis,
    /// Whether only staff decide about it: it is about somebody who keeps order in the room.
    pub staff_only: bool,
    /// Where it stands.
    pub state: ReportState,
    /// Who has taken it up, or decided about it.
    pub by: Option<UserId>,
    /// When it was taken up, or decided about.
    pub at: Option<UnixMillis>,
    /// What was done.
    pub action: Option<ReportAction>,
    /// What was said about it.
    pub answer: Option<Reason>,
}

/// Which reports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReportFilter {
    /// Of this room.
    pub room: Option<RoomId>,
    /// In this state.
    pub state: Option<ReportState>,
    /// Also those that only staff decide about.
    pub for_staff: bool,
}

/// What became of a report that somebody makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reported {
    /// It waits.
    New(Uuid),
    /// The same user has reported the message before.
    Known(Uuid),
    /// As many of the user's wait as may wait.
    Crowded,
}

/// A decision about a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// Who decides.
    pub by: UserId,
    /// When.
    pub at: UnixMillis,
    /// What is done.
    pub action: ReportAction,
    /// What is said about it.
    pub answer: Option<Reason>,
}

/// Reports of messages.
#[async_trait]
pub trait Reports: Send + Sync {
    /// Adds an open one, unless the user has reported the message before. No more than about `most` of a user wait.
    async fn add(&self, report: &Report, most: usize) -> Result<Reported, StoreError>;
    /// By id.
    async fn by_id(&self, id: Uuid) -> Result<Option<Report>, StoreError>;
    /// Those that the filter names, newest first, before `before`, at most `limit`.
    async fn page(&self, filter: &ReportFilter, before: Option<Uuid>, limit: usize) -> Result<Vec<Report>, StoreError>;
    /// Those that a user has made, in the order of their messages, behind `after`, at most `limit`.
    async fn made_by(&self, user: UserId, after: Option<MessageId>, limit: usize) -> Result<Vec<Report>, StoreError>;
    /// Takes an open one up, or one that was taken up before `stale`, or by the same user; false if somebody else has it, or it
    /// was decided. Of two at once one wins.
    async fn claim(&self, id: Uuid, by: UserId, at: UnixMillis, stale: UnixMillis) -> Result<bool, StoreError>;
    /// Decides about one that this user has taken up; false if that is not so.
    async fn resolve(&self, id: Uuid, resolution: &Resolution) -> Result<bool, StoreError>;
    /// How many are in this state, at most `most`.
    async fn count(&self, state: ReportState, most: usize) -> Result<usize, StoreError>;
    /// Erases all that a user has made, and all about what the user said; says how many.
    async fn erase_about(&self, user: UserId) -> Result<u64, StoreError>;
    /// Erases those that were decided before that time, at most `limit`; says how many.
    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError>;
}
