//! Announcements, told to everybody by a job: it walks all accounts, and may be broken off and begun again anywhere, since
//! a notice is made once.

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::UserId;
use rookery_protocol::notice::NoticeKind;
use rookery_protocol::server::UserFrame;
use rookery_store::StoreError;
use rookery_store::Stores;
use rookery_store::job::Job;
use rookery_store::notice::Occasion;
use rookery_store::server_announcement::ServerAnnouncement;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Notices;
use crate::jobs::{Handler, JobError, JobQueue, Order, job_payload};
use crate::limits::ANNOUNCED_PER_PASS;

/// The kind of jobs that are announcements.
const KIND: &str = "announcement";

/// Tells everybody. Cheap to clone.
#[derive(Clone)]
pub struct Announcing {
    pub(crate) stores: Stores,
    pub(crate) notices: Notices,
    pub(crate) jobs: JobQueue,
}

/// What is to be done with an announcement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    /// Everybody is told.
    Tell,
    /// Its notices go.
    Withdraw,
}

#[derive(Serialize, Deserialize)]
struct Payload {
    announcement: Uuid,
    step: Step,
}

impl Announcing {
    /// Has it done.
    pub(crate) async fn begin(&self, announcement: Uuid, step: Step, now: UnixMillis) -> Result<(), StoreError> {
        let key = match step {
            Step::Tell => format!("announcement {announcement}"),
            Step::Withdraw => format!("announcement {announcement} back"),
        };
        let payload = Payload { announcement, step };
        self.jobs
            .add(Order { kind: KIND, key: &key, about: None, payload: &payload }, now)
            .await?;
        Ok(())
    }

    async fn tell(&self, announcement: &ServerAnnouncement, users: &[UserId]) -> Result<(), StoreError> {
        let occasion = Occasion {
            kind: NoticeKind::Announcement,
            of: announcement.id,
            room: None,
            message: None,
            place: None,
            by: None,
            detail: None,
            text: Some(announcement.content.as_str().to_owned()),
        };
        self.notices
            .tell_all(users.iter().map(|user| (*user, occasion.clone())).collect())
            .await?;
        let frame = UserFrame::Announcement {
            id: announcement.id,
            content: Some(announcement.content.as_str().to_owned()),
            created_at: Some(announcement.created_at),
            deleted: false,
        };
        self.show(users, &frame).await;
        Ok(())
    }

    async fn withdraw(&self, announcement: Uuid, users: &[UserId]) -> Result<(), StoreError> {
        self.notices.withdraw(NoticeKind::Announcement, announcement, users).await?;
        let frame = UserFrame::Announcement { id: announcement, content: None, created_at: None, deleted: true };
        self.show(users, &frame).await;
        Ok(())
    }

    async fn show(&self, users: &[UserId], frame: &UserFrame) {
        for user in users {
            self.notices.send(*user, frame.clone()).await;
        }
    }
}

#[async_trait]
impl Handler for Announcing {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, job: &Job) -> Result<(), JobError> {
        let Payload { announcement: id, step } = job_payload(job, "the announcement")?;
        let found = self.stores.server_announcements.by_id(id).await?;
        let mut after = None;
        loop {
            let users = self.stores.users.list(after, ANNOUNCED_PER_PASS).await?;
            let Some(last) = users.last() else { return Ok(()) };
            after = Some(last.id);
            let ids: Vec<UserId> = users.iter().filter(|user| !user.disabled).map(|user| user.id).collect();
            match (&found, step) {
                (Some(announcement), Step::Tell) => self.tell(announcement, &ids).await?,
                // It was taken back before everybody was told.
                (None, Step::Tell) => return Ok(()),
                (_, Step::Withdraw) => self.withdraw(id, &ids).await?,
            }
        }
    }
}
