//! Messages that are sent later.
//!
//! # Promise
//! * One is sent exactly once: its message has an id that follows from the schedule, so a try that is repeated is the same
//!   message. As long as nobody knows how a try ended, nothing of it can be changed.
//! * It is sent within a second of its time by whichever process leases it first, and at once after an outage.
//! * Whether its owner may say it is decided when it is sent.

use axum::extract::FromRef;
use rookery_protocol::access::Action;
use rookery_protocol::attachment::Attachment;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::content;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::{NewMessage, Sender};
use rookery_protocol::id::{ClientId, FileId, MessageId, RoomId, RoomRef, ScheduleId, UserId};
use rookery_store::file::{Claim, Holder};
use rookery_store::schedule::{Schedule, ScheduleChange, ScheduleState};
use rookery_store::{Schedules, StoreError};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::ApiError;
use crate::http::cursor::Cursors;
use crate::http::extract::{Authentication, SchedulePath};
use crate::limits::{FILE_UNATTACHED_KEPT, SCHEDULE_AHEAD_MAX, SCHEDULE_AHEAD_MIN, SCHEDULES_PENDING_MAX};
use crate::messages::Messages;
use crate::metrics::Metrics;

pub mod change;
pub mod create;
pub mod list;
mod sender;
pub mod view;

/// The routes of schedules.
pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Authentication: FromRef<S>,
    Cursors: FromRef<S>,
    Scheduling: FromRef<S>,
{
    OpenApiRouter::new()
        .routes(routes!(list::list, create::create))
        .routes(routes!(change::change, change::remove))
}

/// Keeps messages that are sent later, and sends them. Cheap to clone.
#[derive(Clone)]
pub struct Scheduling {
    pub(crate) messages: Messages,
    pub(crate) metrics: Metrics,
}

/// What is to be sent.
pub struct NewSchedule {
    /// Its text, checked.
    pub content: String,
    /// When.
    pub send_at: UnixMillis,
    /// What it answers.
    pub reply_to: Option<MessageId>,
    /// Its files, each once.
    pub files: Vec<FileId>,
}

impl Scheduling {
    fn store(&self) -> &dyn Schedules {
        &*self.messages.rooms.stores.schedules
    }

    /// Adds a schedule of somebody who may write in the room now.
    pub async fn add(
        &self,
        owner: UserId,
        room: &RoomRef,
        new: NewSchedule,
        now: UnixMillis,
    ) -> Result<Schedule, ApiError> {
        let permission = self.messages.may_send(owner, room).await?;
        self.may_answer(owner, permission.room, new.reply_to).await?;
        let NewSchedule { content, send_at, reply_to, files } = new;
        check_time(send_at, now)?;
        let schedule = Schedule {
            id: ScheduleId::generate(),
            room: permission.room,
            owner,
            content,
            reply_to,
            files,
            send_at,
            state: ScheduleState::Scheduled,
            due_at: send_at,
            attempts: 0,
            is_doubtful: false,
            message: None,
            error: None,
            created_at: now,
        };
        if !self.claim(&schedule, Holder::Schedule(schedule.id), Vec::new()).await? {
            return Err(not_yours());
        }
        if !self.store().insert(&schedule, SCHEDULES_PENDING_MAX).await? {
            self.release(&schedule).await?;
            return Err(ApiError::refused(ErrorCode::TooManyScheduled));
        }
        tracing::debug!(schedule_id = %schedule.id, room_id = %schedule.room, "message scheduled");
        Ok(schedule)
    }

    /// Changes one that waits.
    pub async fn change(
        &self,
        owner: UserId,
        path: &SchedulePath,
        change: ScheduleChange,
        now: UnixMillis,
    ) -> Result<Schedule, ApiError> {
        let permission = self.messages.may_send(owner, &path.room).await?;
        let schedule = self.own(owner, permission.room, path.schedule).await?;
        self.may_answer(owner, permission.room, change.reply_to.applied_to(None)).await?;
        if let Some(send_at) = change.send_at {
            check_time(send_at, now)?;
        }
        let files = change.files.as_ref().unwrap_or(&schedule.files);
        if change.content.is_some() || change.files.is_some() {
            let content = change.content.as_ref().unwrap_or(&schedule.content);
            content::check_with(content, !files.is_empty())
                .map_err(|code| ApiError::field(code, "content", code.message()))?;
        }
        let Some(files) = &change.files else {
            let changed = self.store().change(schedule.id, &change).await?;
            return changed.ok_or_else(|| ApiError::refused(ErrorCode::AlreadySent));
        };
        let holder = Holder::Schedule(schedule.id);
        let wanted = Schedule { files: files.clone(), send_at: change.send_at.unwrap_or(schedule.send_at), ..schedule };
        if !self.claim(&wanted, holder, Vec::new()).await? {
            return Err(not_yours());
        }
        let changed = self.store().change(wanted.id, &change).await?;
        // What it has now it keeps, whichever of two changes came last.
        let kept = self.store().get(wanted.id).await?.map(|now| now.files).unwrap_or_default();
        let check_at = UnixMillis::now().plus(FILE_UNATTACHED_KEPT);
        self.messages.rooms.stores.files.release(holder, &kept, check_at).await?;
        changed.ok_or_else(|| ApiError::refused(ErrorCode::AlreadySent))
    }

    /// Removes one that is not being sent; of one that is over, what became of it is forgotten.
    pub async fn remove(&self, owner: UserId, path: &SchedulePath) -> Result<(), ApiError> {
        let (room, _) = self.messages.rooms.find(owner, &path.room, Action::See).await?;
        let schedule = self.own(owner, room.id, path.schedule).await?;
        if self.store().remove(schedule.id).await? {
            self.release(&schedule).await?;
            return Ok(());
        }
        match self.store().get(schedule.id).await? {
            Some(_) => Err(ApiError::refused(ErrorCode::AlreadySent)),
            None => Ok(()),
        }
    }

    /// Those of a user in a room, newest first.
    pub async fn page(
        &self,
        owner: UserId,
        room: RoomId,
        before: Option<ScheduleId>,
        limit: usize,
    ) -> Result<Vec<Schedule>, ApiError> {
        Ok(self.store().page(owner, room, before, limit).await?)
    }

    /// Its files belong to this from now on; whether they could.
    async fn claim(&self, schedule: &Schedule, holder: Holder, from: Vec<Holder>) -> Result<bool, StoreError> {
        if schedule.files.is_empty() {
            return Ok(true);
        }
        let now = UnixMillis::now();
        let claim = Claim {
            files: schedule.files.clone(),
            owner: schedule.owner,
            room: schedule.room,
            holder,
            from,
            at: now,
            check_at: schedule.send_at.max(now).plus(FILE_UNATTACHED_KEPT),
            again: None,
        };
        Ok(self.messages.rooms.stores.files.claim(&claim).await?.is_held())
    }

    /// Its files belong to nothing any more.
    async fn release(&self, schedule: &Schedule) -> Result<(), StoreError> {
        if schedule.files.is_empty() {
            return Ok(());
        }
        let check_at = UnixMillis::now().plus(FILE_UNATTACHED_KEPT);
        self.messages
            .rooms
            .stores
            .files
            .release(Holder::Schedule(schedule.id), &[], check_at)
            .await
    }

    async fn may_answer(&self, owner: UserId, room: RoomId, reply_to: Option<MessageId>) -> Result<(), ApiError> {
        let sender = Sender { user_id: owner, username: String::new() };
        let message =
            NewMessage { content: String::new(), client_id: ClientId::generate(), reply_to, attachments: Vec::new() };
        self.messages.may_refer(room, sender, message).await
    }

    async fn own(&self, owner: UserId, room: RoomId, id: Option<ScheduleId>) -> Result<Schedule, ApiError> {
        let unknown = || ApiError::refused(ErrorCode::NotFound);
        let found = self.store().get(id.ok_or_else(unknown)?).await?;
        found.filter(|found| found.owner == owner && found.room == room).ok_or_else(unknown)
    }
}

fn not_yours() -> ApiError {
    let what = "must be files of yours that are attached to nothing else";
    ApiError::field(ErrorCode::BadAttachment, "attachments", what)
}

fn check_time(send_at: UnixMillis, now: UnixMillis) -> Result<(), ApiError> {
    let (earliest, latest) = (now.plus(SCHEDULE_AHEAD_MIN), now.plus(SCHEDULE_AHEAD_MAX));
    if (earliest..=latest).contains(&send_at) {
        return Ok(());
    }
    Err(ApiError::field(ErrorCode::BadField, "send_at", "must be 10 seconds to 366 days ahead"))
}

/// The message that a schedule becomes.
fn message_of(schedule: &Schedule) -> Option<NewMessage> {
    let client_id = schedule.client_id()?;
    let attachments = schedule.files.iter().copied().map(Attachment::unclaimed).collect();
    Some(NewMessage { content: schedule.content.clone(), client_id, reply_to: schedule.reply_to, attachments })
}
