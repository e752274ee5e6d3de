//! Schedules in MongoDB. Each change is one update of one document whose filter holds the condition, so that of an edit and a
//! claim at once one comes first.

use async_trait::async_trait;
use mongodb::bson::{Bson, DateTime, Document, Uuid, doc};
use mongodb::options::ReturnDocument;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{FileId, MessageId, RoomId, ScheduleId, UserId};
use rookery_store::change::Change;
use rookery_store::job::Lease;
use rookery_store::schedule::{Outcome, Schedule, ScheduleChange, ScheduleState};
use rookery_store::{Schedules, StoreError};
use serde::{Deserialize, Serialize};

use super::{Mongo, by_id};
use crate::batch_reads::page_of;
use crate::fields::{date, key, time, uuid_of};
use crate::limits::STORE_CALL_LIFE;

/// A message that is sent later.
#[derive(Serialize, Deserialize)]
pub(super) struct ScheduleDocument {
    #[serde(rename = "_id")]
    id: Uuid,
    room_id: Uuid,
    owner_id: Uuid,
    content: String,
    reply_to: Option<Uuid>,
    #[serde(default)]
    files: Vec<Uuid>,
    send_at: DateTime,
    state: ScheduleState,
    pending: bool,
    due_at: DateTime,
    attempts: i64,
    doubtful: bool,
    lease: Option<Uuid>,
    message_id: Option<Uuid>,
    error: Option<String>,
    created_at: DateTime,
}

#[async_trait]
impl Schedules for Mongo {
    async fn insert(&self, schedule: &Schedule, most: usize) -> Result<bool, StoreError> {
        let (schedules, document) = (self.schedules.clone(), ScheduleDocument::from(schedule));
        let (id, owner) = (document.id, document.owner_id);
        let most = u64::try_from(most).unwrap_or(u64::MAX);
        self.calls
            .run(async move {
                schedules.insert_one(document).await?;
                // Counted afterwards: of several at once none may see the others before they are there.
                let pending = doc! { "owner_id": owner, "pending": true };
                let count = schedules.count_documents(pending).limit(most.saturating_add(1)).await?;
                if count > most {
                    schedules.delete_one(by_id(id)).await?;
                }
                Ok(count <= most)
            })
            .await
    }

    async fn get(&self, id: ScheduleId) -> Result<Option<Schedule>, StoreError> {
        let (schedules, filter) = (self.schedules.clone(), by_id(key(id.as_uuid())));
        let found = self.calls.run(async move { Ok(schedules.find_one(filter).await?) }).await?;
        Ok(found.map(Schedule::from))
    }

    async fn page(
        &self,
        owner: UserId,
        room: RoomId,
        before: Option<ScheduleId>,
        limit: usize,
    ) -> Result<Vec<Schedule>, StoreError> {
        let range = doc! { "owner_id": key(owner.as_uuid()), "room_id": key(room.as_uuid()), "_id": earlier(before) };
        self.newest_schedules(range, limit).await
    }

    async fn of_user(
        &self,
        owner: UserId,
        before: Option<ScheduleId>,
        limit: usize,
    ) -> Result<Vec<Schedule>, StoreError> {
        let range = doc! { "owner_id": key(owner.as_uuid()), "_id": earlier(before) };
        self.newest_schedules(range, limit).await
    }

    async fn change(&self, id: ScheduleId, change: &ScheduleChange) -> Result<Option<Schedule>, StoreError> {
        let mut set = Document::new();
        if let Some(content) = &change.content {
            set.insert("content", content.as_str());
        }
        if let Some(send_at) = change.send_at {
            set.insert("send_at", date(send_at));
            set.insert("due_at", date(send_at));
        }
        if let Some(files) = &change.files {
            set.insert("files", files.iter().map(|id| key(id.as_uuid())).collect::<Vec<_>>());
        }
        match change.reply_to {
            Change::Keep => {}
            Change::Clear => drop(set.insert("reply_to", Bson::Null)),
            Change::Set(message) => drop(set.insert("reply_to", key(message.as_uuid()))),
        }
        let mut waits = by_id(key(id.as_uuid()));
        waits.insert("state", ScheduleState::Scheduled.as_str());
        let schedules = self.schedules.clone();
        let changed = self.calls.run(async move {
            if set.is_empty() {
                return Ok(schedules.find_one(waits).await?);
            }
            let update = schedules.find_one_and_update(waits, doc! { "$set": set });
            Ok(update.return_document(ReturnDocument::After).await?)
        });
        Ok(changed.await?.map(Schedule::from))
    }

    async fn remove(&self, id: ScheduleId) -> Result<bool, StoreError> {
        let mut rests = by_id(key(id.as_uuid()));
        let resting = ScheduleState::ALL.into_iter().filter(|state| *state != ScheduleState::Sending);
        let resting: Vec<&str> = resting.map(ScheduleState::as_str).collect();
        rests.insert("state", doc! { "$in": resting });
        Ok(self.remove_all(&self.schedules, rests).await? == 1)
    }

    async fn claim(&self, lease: Lease, now: UnixMillis, limit: usize) -> Result<Vec<Schedule>, StoreError> {
        let schedules = self.schedules.clone();
        // Nobody at a screen waits, and what was leased for a caller that has gone would wait for the end of its lease.
        let claimed = self.calls.run_long(STORE_CALL_LIFE, async move {
            let due = doc! { "pending": true, "due_at": { "$lte": date(now) } };
            let leased = doc! {
                "$set": {
                    "state": ScheduleState::Sending.as_str(),
                    "lease": key(lease.id),
                    "due_at": date(lease.until),
                },
                "$inc": { "attempts": 1_i64 },
            };
            let mut claimed = Vec::new();
            while claimed.len() < limit {
                let next = schedules
                    .find_one_and_update(due.clone(), leased.clone())
                    .sort(doc! { "due_at": 1 })
                    .return_document(ReturnDocument::After);
                let Some(schedule) = next.await? else { break };
                claimed.push(Schedule::from(schedule));
            }
            Ok(claimed)
        });
        claimed.await
    }

    async fn settle(&self, id: ScheduleId, lease: uuid::Uuid, outcome: &Outcome) -> Result<bool, StoreError> {
        let (state, due_at) = match outcome {
            Outcome::Sent(_, until) => (ScheduleState::Sent, until),
            Outcome::Failed(_, until) => (ScheduleState::Failed, until),
            Outcome::Again(at) => (ScheduleState::Scheduled, at),
            Outcome::Doubtful(at) => (ScheduleState::Sending, at),
        };
        let mut set = doc! {
            "state": state.as_str(),
            "pending": state.is_pending(),
            "due_at": date(*due_at),
            "doubtful": matches!(outcome, Outcome::Doubtful(_)),
            "lease": Bson::Null,
        };
        if let Outcome::Sent(message, _) = outcome {
            set.insert("message_id", key(message.as_uuid()));
        } else if let Outcome::Failed(code, _) = outcome {
            set.insert("error", code.as_str());
        }
        let mut leased = by_id(key(id.as_uuid()));
        leased.insert("state", ScheduleState::Sending.as_str());
        leased.insert("lease", key(lease));
        let schedules = self.schedules.clone();
        self.calls
            .run_long(STORE_CALL_LIFE, async move {
                Ok(schedules.update_one(leased, doc! { "$set": set }).await?.matched_count == 1)
            })
            .await
    }

    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError> {
        let over = doc! { "pending": false, "due_at": { "$lt": date(before) } };
        self.remove_first(&self.schedules, over, "due_at", limit).await
    }

    async fn erase_about(&self, user: UserId) -> Result<u64, StoreError> {
        self.remove_all(&self.schedules, doc! { "owner_id": key(user.as_uuid()) }).await
    }

    async fn erase_room(&self, room: RoomId, limit: usize) -> Result<usize, StoreError> {
        self.remove_first(&self.schedules, doc! { "room_id": key(room.as_uuid()) }, "room_id", limit)
            .await
    }
}

impl Mongo {
    async fn newest_schedules(&self, range: Document, limit: usize) -> Result<Vec<Schedule>, StoreError> {
        let schedules = self.schedules.clone();
        let found = self
            .calls
            .run(async move { page_of(&schedules, vec![range], doc! { "_id": -1 }, limit).await });
        Ok(found.await?.into_iter().map(Schedule::from).collect())
    }
}

fn earlier(before: Option<ScheduleId>) -> Document {
    doc! { "$lt": key(before.map_or(uuid::Uuid::max(), ScheduleId::as_uuid)) }
}

impl From<&Schedule> for ScheduleDocument {
    fn from(schedule: &Schedule) -> Self {
        Self {
            id: key(schedule.id.as_uuid()),
            room_id: key(schedule.room.as_uuid()),
            owner_id: key(schedule.owner.as_uuid()),
            content: schedule.content.clone(),
            reply_to: schedule.reply_to.map(|id| key(id.as_uuid())),
            files: schedule.files.iter().map(|id| key(id.as_uuid())).collect(),
            send_at: date(schedule.send_at),
            state: schedule.state,
            pending: schedule.state.is_pending(),
            due_at: date(schedule.due_at),
            attempts: schedule.attempts.into(),
            doubtful: schedule.is_doubtful,
            lease: None,
            message_id: schedule.message.map(|id| key(id.as_uuid())),
            error: schedule.error.clone(),
            created_at: date(schedule.created_at),
        }
    }
}

impl From<ScheduleDocument> for Schedule {
    fn from(found: ScheduleDocument) -> Self {
        let message = |id: Option<Uuid>| id.map(|id| MessageId::from_uuid(uuid_of(id)));
        Self {
            id: ScheduleId::from_uuid(uuid_of(found.id)),
            room: RoomId::from_uuid(uuid_of(found.room_id)),
            owner: UserId::from_uuid(uuid_of(found.owner_id)),
            content: found.content,
            reply_to: message(found.reply_to),
            files: found.files.into_iter().map(|id| FileId::from_uuid(uuid_of(id))).collect(),
            send_at: time(found.send_at),
            state: found.state,
            due_at: time(found.due_at),
            attempts: u32::try_from(found.attempts).unwrap_or(u32::MAX),
            is_doubtful: found.doubtful,
            message: message(found.message_id),
            error: found.error,
            created_at: time(found.created_at),
        }
    }
}
