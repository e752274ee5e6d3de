//! Sends what is due. Every api looks; the store gives each schedule to one of them.

use std::sync::Arc;
use std::time::Duration;

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::{Event, NewMessage, Sender};
use rookery_protocol::id::{MessageId, RoomRef};
use rookery_runtime::shutdown::Shutdown;
use rookery_store::StoreError;
use rookery_store::file::Holder;
use rookery_store::job::Lease;
use rookery_store::notice::{NoticeKind, Occasion};
use rookery_store::schedule::{Outcome, Schedule};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::{Scheduling, message_of};
use crate::error::{ApiError, Refusal};
use crate::history::find_message;
use crate::limits::{
    SCHEDULE_DEADLINE, SCHEDULE_DOUBTS_MAX, SCHEDULE_KEPT, SCHEDULE_LATE_MAX, SCHEDULE_LEASE, SCHEDULE_PAUSE_MAX,
    SCHEDULE_PAUSE_MIN, SCHEDULE_POLL_INTERVAL, SCHEDULE_PURGE_INTERVAL, SCHEDULE_PURGE_MAX, SCHEDULES_AT_ONCE,
};
use crate::messages::Sent;
use crate::periodic::every;

/// How a try ended.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Tried {
    /// It is this message.
    Sent(MessageId),
    /// It was not sent.
    Refused(ErrorCode, Option<u64>),
    /// Nobody knows.
    Unknown,
}

impl Scheduling {
    /// Starts; the drain waits for those that are being sent.
    pub(crate) fn start(&self, shutdown: &Shutdown) {
        let (scheduling, drain) = (self.clone(), shutdown.drain.clone());
        shutdown.spawn_work("schedules", async move {
            let tasks = TaskTracker::new();
            drain.run_until_cancelled(scheduling.follow(&tasks)).await;
            tasks.close();
            tasks.wait().await;
        });
        let scheduling = self.clone();
        shutdown.spawn("schedule purge", async move { scheduling.purge().await });
    }

    async fn follow(&self, tasks: &TaskTracker) {
        let permits = Arc::new(Semaphore::new(SCHEDULES_AT_ONCE));
        loop {
            let more = match self.pass(&permits, tasks).await {
                Ok(more) => more,
                Err(error) => {
                    tracing::debug!(%error, "schedules not looked at");
                    false
                }
            };
            if !more {
                sleep(SCHEDULE_POLL_INTERVAL).await;
            }
        }
    }

    /// Begins to send as many as may be sent at once; whether there may be more.
    async fn pass(&self, permits: &Arc<Semaphore>, tasks: &TaskTracker) -> Result<bool, StoreError> {
        let Ok(first) = Arc::clone(permits).acquire_owned().await else { return Ok(false) };
        let mut held = vec![first];
        while let Ok(permit) = Arc::clone(permits).try_acquire_owned() {
            held.push(permit);
        }
        let now = UnixMillis::now();
        let lease = Lease { id: Uuid::new_v4(), until: now.plus(SCHEDULE_LEASE) };
        let due = self.store().claim(lease, now, held.len()).await?;
        let more = due.len() == held.len();
        for (schedule, permit) in due.into_iter().zip(held) {
            let scheduling = self.clone();
            tasks.spawn(async move {
                scheduling.carry_out(&schedule, lease.id).await;
                drop(permit);
            });
        }
        Ok(more)
    }

    async fn carry_out(&self, schedule: &Schedule, lease: Uuid) {
        let tried = timeout(SCHEDULE_DEADLINE, self.attempt(schedule)).await.unwrap_or(Tried::Unknown);
        let outcome = outcome(schedule, &tried, UnixMillis::now());
        self.count(schedule, &outcome);
        match self.store().settle(schedule.id, lease, &outcome).await {
            Ok(true) => self.tell_owner(schedule, &outcome).await,
            Ok(false) => tracing::warn!(schedule_id = %schedule.id, "a schedule passed to somebody else meanwhile"),
            // It is leased until then, and comes again; what was sent is found then.
            Err(error) => tracing::warn!(%error, schedule_id = %schedule.id, "a schedule's outcome was not noted"),
        }
    }

    async fn attempt(&self, schedule: &Schedule) -> Tried {
        let users = &self.messages.rooms.stores.users;
        let sender = match users.enabled(schedule.owner).await {
            Ok(Some(user)) => Sender { user_id: user.id, username: user.username.as_str().to_owned() },
            Ok(None) => return Tried::Refused(ErrorCode::AccountDisabled, None),
            Err(_) => return Tried::Unknown,
        };
        let Some(message) = message_of(schedule) else {
            return Tried::Refused(ErrorCode::Internal, None);
        };
        if schedule.attempts > 1 {
            match self.sent_before(schedule, &sender, &message).await {
                Ok(Some(id)) => return Tried::Sent(id),
                Ok(None) => {}
                Err(_) => return Tried::Unknown,
            }
        }
        // Whether it has them is seen when it is sent.
        let id = Event::message(schedule.room, sender.clone(), message.clone()).id;
        let from = vec![Holder::Schedule(schedule.id)];
        if self.claim(schedule, Holder::Message(id), from).await.is_err() {
            return Tried::Unknown;
        }
        let tried = match self.messages.send(sender, &RoomRef::Id(schedule.room), message).await {
            Ok(Sent { id, stored: true, first, .. }) => {
                let late = first.timestamp.since(schedule.send_at);
                self.metrics.schedule_late_seconds.observe(late.as_secs_f64());
                Tried::Sent(id)
            }
            // It will be stored, unless the bus is lost before.
            Ok(Sent { stored: false, .. }) => Tried::Unknown,
            Err(error) => refused(&error),
        };
        if matches!(tried, Tried::Refused(..)) {
            self.take_back(schedule, id).await;
        }
        tried
    }

    /// Its files are the schedule's again, unless an earlier try has sent the message after all.
    async fn take_back(&self, schedule: &Schedule, id: MessageId) {
        let (stores, log) = (&self.messages.rooms.stores, &*self.messages.rooms.log);
        let taken = async {
            if schedule.is_doubtful && find_message(stores, log, (schedule.room, id), &[]).await?.is_some() {
                return Ok(true);
            }
            Ok::<_, ApiError>(self.claim(schedule, Holder::Schedule(schedule.id), vec![Holder::Message(id)]).await?)
        };
        if let Err(error) = taken.await {
            tracing::debug!(%error, schedule_id = %schedule.id, "files of a schedule are taken back later");
        }
    }

    /// The message, if an earlier try has sent it.
    async fn sent_before(
        &self,
        schedule: &Schedule,
        sender: &Sender,
        message: &NewMessage,
    ) -> Result<Option<MessageId>, StoreError> {
        let id = Event::message(schedule.room, sender.clone(), message.clone()).id;
        let found = self.messages.rooms.stores.messages.message(schedule.room, id).await?;
        Ok(found.map(|_| id))
    }

    /// A message that is not sent was promised.
    async fn tell_owner(&self, schedule: &Schedule, outcome: &Outcome) {
        let Outcome::Failed(code, _) = outcome else { return };
        if let Err(error) = self.release(schedule).await {
            tracing::debug!(%error, schedule_id = %schedule.id, "files of a schedule are released later");
        }
        let occasion = Occasion {
            kind: NoticeKind::ScheduleFailed,
            of: schedule.id.as_uuid(),
            room: Some(schedule.room),
            message: None,
            place: None,
            by: None,
            detail: Some(code.clone()),
            text: None,
        };
        self.messages.rooms.notices.tell(&[schedule.owner], &occasion).await;
    }

    fn count(&self, schedule: &Schedule, outcome: &Outcome) {
        let (schedule_id, room_id) = (schedule.id, schedule.room);
        let result = match outcome {
            Outcome::Sent(..) => "sent",
            Outcome::Failed(..) => "failed",
            Outcome::Again(_) => "again",
            Outcome::Doubtful(_) => "doubtful",
        };
        self.metrics.schedules.with_label_values(&[result]).inc();
        match outcome {
            Outcome::Sent(message_id, _) => {
                tracing::debug!(%schedule_id, %room_id, %message_id, "scheduled message sent");
            }
            Outcome::Failed(code, _) => tracing::info!(%schedule_id, %room_id, code, "scheduled message not sent"),
            Outcome::Again(_) | Outcome::Doubtful(_) => {
                tracing::debug!(%schedule_id, %room_id, result, "scheduled message tried again");
            }
        }
    }

    /// Forgets what was over long ago, again and again.
    async fn purge(&self) {
        let purge = || self.store().purge(UnixMillis::now(), SCHEDULE_PURGE_MAX);
        every(SCHEDULE_PURGE_INTERVAL, "schedule purge", purge).await;
    }
}

/// What a failure says of the message. Only what was decided before an append is a refusal.
fn refused(error: &ApiError) -> Tried {
    let code = error.code();
    if matches!(code, ErrorCode::Unavailable | ErrorCode::Internal | ErrorCode::RequestTimeout) {
        return Tried::Unknown;
    }
    let retry = if let ApiError::Refused(Refusal { retry_after_ms, .. }) = error {
        *retry_after_ms
    } else {
        None
    };
    Tried::Refused(code, retry)
}

/// What becomes of a schedule after a try.
fn outcome(schedule: &Schedule, tried: &Tried, now: UnixMillis) -> Outcome {
    let kept = now.plus(SCHEDULE_KEPT);
    let pause = SCHEDULE_PAUSE_MIN.saturating_mul(schedule.attempts.max(1)).min(SCHEDULE_PAUSE_MAX);
    match tried {
        Tried::Sent(message) => Outcome::Sent(*message, kept),
        Tried::Unknown => Outcome::Doubtful(now.plus(pause)),
        // An earlier try may yet turn out to have succeeded.
        Tried::Refused(..) if schedule.is_doubtful && schedule.attempts < SCHEDULE_DOUBTS_MAX => {
            Outcome::Doubtful(now.plus(pause))
        }
        Tried::Refused(code, retry_after_ms) => {
            let is_late = now.since(schedule.send_at) >= SCHEDULE_LATE_MAX;
            if is_passing(*code) && !is_late {
                let after = retry_after_ms.map_or(pause, Duration::from_millis).max(SCHEDULE_PAUSE_MIN);
                Outcome::Again(now.plus(after))
            } else {
                Outcome::Failed(code.as_str().to_owned(), kept)
            }
        }
    }
}

/// Whether it is refused for a while only, and not for who the owner is by then.
const fn is_passing(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::RateLimited | ErrorCode::SlowMode | ErrorCode::Overloaded)
}

#[cfg(test)]
mod tests {
    use rookery_protocol::id::{RoomId, ScheduleId, UserId};
    use rookery_store::schedule::ScheduleState;

    use super::*;

    fn schedule(attempts: u32, is_doubtful: bool) -> Schedule {
        Schedule {
            id: ScheduleId::generate(),
            room: RoomId::generate(),
            owner: UserId::generate(),
            content: "hi".to_owned(),
            reply_to: None,
            files: Vec::new(),
            send_at: UnixMillis(0),
            state: ScheduleState::Sending,
            due_at: UnixMillis(0),
            attempts,
            is_doubtful,
            message: None,
            error: None,
            created_at: UnixMillis(0),
        }
    }

    #[test]
    fn what_is_refused_for_good_fails_and_what_passes_is_tried_again() {
        let now = UnixMillis(1_000);
        let banned = outcome(&schedule(1, false), &Tried::Refused(ErrorCode::Banned, None), now);
        assert!(matches!(banned, Outcome::Failed(code, _) if code == "banned"));
        let slow = outcome(&schedule(1, false), &Tried::Refused(ErrorCode::SlowMode, Some(7_000)), now);
        assert_eq!(slow, Outcome::Again(UnixMillis(8_000)));
        let late = UnixMillis(0).plus(SCHEDULE_LATE_MAX);
        let slow = outcome(&schedule(1, false), &Tried::Refused(ErrorCode::SlowMode, Some(7_000)), late);
        assert!(matches!(slow, Outcome::Failed(..)));
    }

    #[test]
    fn what_may_have_been_sent_cannot_be_changed_before_it_is_known() {
        let now = UnixMillis(1_000);
        assert_eq!(outcome(&schedule(1, false), &Tried::Unknown, now), Outcome::Doubtful(UnixMillis(2_000)));
        let refused = Tried::Refused(ErrorCode::SlowMode, Some(1));
        assert!(matches!(outcome(&schedule(2, true), &refused, now), Outcome::Doubtful(_)));
        let refused = Tried::Refused(ErrorCode::Banned, None);
        assert!(matches!(outcome(&schedule(2, true), &refused, now), Outcome::Doubtful(_)));
        assert!(matches!(outcome(&schedule(SCHEDULE_DOUBTS_MAX, true), &refused, now), Outcome::Failed(..)));
    }
}
