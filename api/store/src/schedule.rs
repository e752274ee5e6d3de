//! Messages that are sent later.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{ClientId, FileId, MessageId, RoomId, ScheduleId, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::StoreError;
use crate::change::Change;
use crate::job::Lease;

/// A message that is sent later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Its id.
    pub id: ScheduleId,
    /// Where it is sent.
    pub room: RoomId,
    /// Whose message it is.
    pub owner: UserId,
    /// Its text.
    pub content: String,
    /// The message that it answers.
    pub reply_to: Option<MessageId>,
    /// Its files, which belong to it until it is sent.
    pub files: Vec<FileId>,
    /// When it is to be sent.
    pub send_at: UnixMillis,
    /// Where it is.
    pub state: ScheduleState,
    /// Pending: when it is tried, or when its lease ends. Otherwise until when it is kept.
    pub due_at: UnixMillis,
    /// How often it was tried.
    pub attempts: u32,
    /// Whether a try ended without anybody knowing how. Then it stays as it is until that is known.
    pub is_doubtful: bool,
    /// What became of it, if it was sent.
    pub message: Option<MessageId>,
    /// The code of why it was not, if it failed.
    pub error: Option<String>,
    /// When it was made.
    pub created_at: UnixMillis,
}

/// Where a schedule is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScheduleState {
    /// It waits, and may be changed.
    Scheduled,
    /// It is being sent.
    Sending,
    /// It was sent.
    Sent,
    /// It could not be sent.
    Failed,
}

impl ScheduleState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Scheduled, Self::Sending, Self::Sent, Self::Failed];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Failed => "failed",
        }
    }

    /// Whether it is yet to be sent.
    pub const fn is_pending(self) -> bool {
        matches!(self, Self::Scheduled | Self::Sending)
    }
}

/// What is changed of a schedule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScheduleChange {
    /// Another text.
    pub content: Option<String>,
    /// Another time.
    pub send_at: Option<UnixMillis>,
    /// What it answers.
    pub reply_to: Change<MessageId>,
    /// Other files.
    pub files: Option<Vec<FileId>>,
}

/// How a try ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is that message now, and is kept until that time.
    Sent(MessageId, UnixMillis),
    /// It cannot be sent, for the reason with this code, and is kept until that time.
    Failed(String, UnixMillis),
    /// It was not sent, and is tried again at that time; it may be changed until then.
    Again(UnixMillis),
    /// Nobody knows whether it was sent, and it is tried again at that time.
    Doubtful(UnixMillis),
}

impl Schedule {
    /// The name of its message: that of the schedule, so that a repeat is the same message.
    pub fn client_id(&self) -> Option<ClientId> {
        ClientId::try_from(format!("schedule-{}", self.id)).ok()
    }
}

/// Store of schedules.
#[async_trait]
pub trait Schedules: Send + Sync {
    /// Adds one; false if its owner has `most` pending ones already.
    async fn insert(&self, schedule: &Schedule, most: usize) -> Result<bool, StoreError>;
    /// By id.
    async fn get(&self, id: ScheduleId) -> Result<Option<Schedule>, StoreError>;
    /// Those of a user in a room, newest first, before `before`, at most `limit`.
    async fn page(
        &self,
        owner: UserId,
        room: RoomId,
        before: Option<ScheduleId>,
        limit: usize,
    ) -> Result<Vec<Schedule>, StoreError>;
    /// All of a user, newest first, before `before`, at most `limit`.
    async fn of_user(
        &self,
        owner: UserId,
        before: Option<ScheduleId>,
        limit: usize,
    ) -> Result<Vec<Schedule>, StoreError>;
    /// Changes one that waits, and gives it as it is then; none if it does not wait, or is not.
    async fn change(&self, id: ScheduleId, change: &ScheduleChange) -> Result<Option<Schedule>, StoreError>;
    /// Removes one unless it is being sent; says whether it did.
    async fn remove(&self, id: ScheduleId) -> Result<bool, StoreError>;
    /// Leases those that are due, those first that are due longest, at most `limit`. Two callers never get the same one.
    async fn claim(&self, lease: Lease, now: UnixMillis, limit: usize) -> Result<Vec<Schedule>, StoreError>;
    /// Notes how a try of a leased one ended; false if it has passed to somebody else.
    async fn settle(&self, id: ScheduleId, lease: Uuid, outcome: &Outcome) -> Result<bool, StoreError>;
    /// Erases those that are over and were kept until before that time, at most `limit`; says how many.
    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError>;
    /// Erases those of a user; says how many.
    async fn erase_about(&self, user: UserId) -> Result<u64, StoreError>;
    /// Erases those of a room, at most `limit`; says how many.
    async fn erase_room(&self, room: RoomId, limit: usize) -> Result<usize, StoreError>;
}
