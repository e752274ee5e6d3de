//! Reports of messages, in MongoDB.

use async_trait::async_trait;
use mongodb::bson::{DateTime, Document, Uuid, doc};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{MessageId, RoomId, UserId};
use rookery_store::report::{Report, ReportAction, ReportFilter, ReportReason, ReportState, Reported, Resolution};
use rookery_store::sanction::Reason;
use rookery_store::{Reports, StoreError, integer};
use serde::{Deserialize, Serialize};

use super::{Mongo, by_id};
use crate::batch_reads::page_of;
use crate::error::is_duplicate;
use crate::fields::{date, key, parsed, time, uuid_of};

/// A report.
#[derive(Serialize, Deserialize)]
pub(super) struct ReportDocument {
    #[serde(rename = "_id")]
    id: Uuid,
    room_id: Uuid,
    message_id: Uuid,
    author_id: Uuid,
    reporter_id: Uuid,
    reason: ReportReason,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    content: String,
    said_at: DateTime,
    created_at: DateTime,
    staff_only: bool,
    state: ReportState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<DateTime>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    action: Option<ReportAction>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<String>,
    /// The time of the decision once more, by which decided ones are forgotten.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resolved_at: Option<DateTime>,
}

#[async_trait]
impl Reports for Mongo {
    async fn add(&self, report: &Report, most: usize) -> Result<Reported, StoreError> {
        let reporter = key(report.reporter.as_uuid());
        let waiting = self.reports_counted(doc! { "reporter_id": reporter, "state": "open" }, most);
        if waiting.await? >= most {
            return Ok(Reported::Crowded);
        }
        let (all, document) = (self.reports.clone(), ReportDocument::from(report));
        let once = doc! { "reporter_id": reporter, "message_id": document.message_id };
        let (new, known) = (report.id, self.reports.clone());
        self.calls
            .run(async move {
                match all.insert_one(document).await {
                    Ok(_) => Ok(Reported::New(new)),
                    Err(error) if is_duplicate(&error) => {
                        let found = known.find_one(once).await?;
                        Ok(found.map_or(Reported::Crowded, |found| Reported::Known(uuid_of(found.id))))
                    }
                    Err(error) => Err(error.into()),
                }
            })
            .await
    }

    async fn by_id(&self, id: uuid::Uuid) -> Result<Option<Report>, StoreError> {
        let (all, filter) = (self.reports.clone(), by_id(key(id)));
        let found = self.calls.run(async move { Ok(all.find_one(filter).await?) }).await?;
        found.map(Report::try_from).transpose()
    }

    async fn page(
        &self,
        filter: &ReportFilter,
        before: Option<uuid::Uuid>,
        limit: usize,
    ) -> Result<Vec<Report>, StoreError> {
        let mut wanted = Document::new();
        wanted.extend(filter.room.map(|room| ("room_id".to_owned(), key(room.as_uuid()).into())));
        wanted.extend((!filter.for_staff).then(|| ("staff_only".to_owned(), false.into())));
        wanted.extend(filter.state.map(|state| ("state".to_owned(), state.as_str().into())));
        wanted.insert("_id", doc! { "$lt": key(before.unwrap_or(uuid::Uuid::max())) });
        let reports = self.reports.clone();
        let found = self
            .calls
            .run(async move { page_of(&reports, vec![wanted], doc! { "_id": -1 }, limit).await });
        found.await?.into_iter().map(Report::try_from).collect()
    }

    async fn made_by(&self, user: UserId, after: Option<MessageId>, limit: usize) -> Result<Vec<Report>, StoreError> {
        let mut made = doc! { "reporter_id": key(user.as_uuid()) };
        if let Some(after) = after {
            made.insert("message_id", doc! { "$gt": key(after.as_uuid()) });
        }
        let (reports, order) = (self.reports.clone(), doc! { "reporter_id": 1, "message_id": 1 });
        let found = self.calls.run(async move { page_of(&reports, vec![made], order, limit).await });
        found.await?.into_iter().map(Report::try_from).collect()
    }

    async fn claim(&self, id: uuid::Uuid, by: UserId, at: UnixMillis, stale: UnixMillis) -> Result<bool, StoreError> {
        let by = key(by.as_uuid());
        let claim = doc! { "$set": { "state": "claimed", "by": by, "at": date(at) } };
        // One after the other: each is one range of an index, and of two at once one wins in any of them.
        for free in [
            doc! { "_id": key(id), "state": "open" },
            doc! { "_id": key(id), "state": "claimed", "by": by },
            doc! { "_id": key(id), "state": "claimed", "at": { "$lt": date(stale) } },
        ] {
            let (all, claim) = (self.reports.clone(), claim.clone());
            let claimed = self.calls.run(async move { Ok(all.update_one(free, claim).await?.matched_count == 1) });
            if claimed.await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn resolve(&self, id: uuid::Uuid, resolution: &Resolution) -> Result<bool, StoreError> {
        let Resolution { by, at, action, answer } = resolution;
        let claimed = doc! { "_id": key(id), "state": "claimed", "by": key(by.as_uuid()) };
        let mut set = doc! {
            "state": "resolved",
            "at": date(*at),
            "resolved_at": date(*at),
            "action": action.as_str(),
        };
        set.extend(answer.as_ref().map(|answer| ("answer".to_owned(), answer.as_str().into())));
        let all = self.reports.clone();
        self.calls
            .run(async move { Ok(all.update_one(claimed, doc! { "$set": set }).await?.matched_count == 1) })
            .await
    }

    async fn count(&self, state: ReportState, most: usize) -> Result<usize, StoreError> {
        self.reports_counted(doc! { "state": state.as_str() }, most).await
    }

    async fn erase_about(&self, user: UserId) -> Result<u64, StoreError> {
        let user = key(user.as_uuid());
        let made = self.remove_all(&self.reports, doc! { "reporter_id": user }).await?;
        Ok(made + self.remove_all(&self.reports, doc! { "author_id": user }).await?)
    }

    async fn purge(&self, before: UnixMillis, limit: usize) -> Result<usize, StoreError> {
        self.purge_ended(&self.reports, "resolved_at", before, limit).await
    }
}

impl Mongo {
    async fn reports_counted(&self, filter: Document, most: usize) -> Result<usize, StoreError> {
        let all = self.reports.clone();
        let limit = u64::try_from(integer::limit(most)).unwrap_or(u64::MAX);
        let count = self.calls.run(async move { Ok(all.count_documents(filter).limit(limit).await?) });
        Ok(usize::try_from(count.await?).unwrap_or(usize::MAX))
    }
}

impl From<&Report> for ReportDocument {
    fn from(report: &Report) -> Self {
        Self {
            id: key(report.id),
            room_id: key(report.room.as_uuid()),
            message_id: key(report.message.as_uuid()),
            author_id: key(report.author.as_uuid()),
            reporter_id: key(report.reporter.as_uuid()),
            reason: report.reason,
            note: report.note.as_ref().map(|note| note.as_str().to_owned()),
            content: report.content.clone(),
            said_at: date(report.said_at),
            created_at: date(report.created_at),
            staff_only: report.staff_only,
            state: report.state,
            by: report.by.map(|by| key(by.as_uuid())),
            at: report.at.map(date),
            action: report.action,
            answer: report.answer.as_ref().map(|answer| answer.as_str().to_owned()),
            resolved_at: report.at.filter(|_| report.state == ReportState::Resolved).map(date),
        }
    }
}

impl TryFrom<ReportDocument> for Report {
    type Error = StoreError;

    fn try_from(found: ReportDocument) -> Result<Self, StoreError> {
        let text = |text: Option<String>, field: &str| text.map(|text| parsed::<Reason>(text, field)).transpose();
        Ok(Self {
            id: uuid_of(found.id),
            room: RoomId::from_uuid(uuid_of(found.room_id)),
            message: MessageId::from_uuid(uuid_of(found.message_id)),
            author: UserId::from_uuid(uuid_of(found.author_id)),
            reporter: UserId::from_uuid(uuid_of(found.reporter_id)),
            reason: found.reason,
            note: text(found.note, "note")?,
            content: found.content,
            said_at: time(found.said_at),
            created_at: time(found.created_at),
            staff_only: found.staff_only,
            state: found.state,
            by: found.by.map(|by| UserId::from_uuid(uuid_of(by))),
            at: found.at.map(time),
            action: found.action,
            answer: text(found.answer, "answer")?,
        })
    }
}
