//! Copies of what is kept about somebody: asked for, made by a job, forgotten after a day.

use std::sync::Arc;

use async_trait::async_trait;
use rookery_protocol::access::Until;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::{EventBody, SequencedEvent};
use rookery_protocol::id::{RoomId, UserId};
use rookery_store::erasure::{Trace, TracePlace};
use rookery_store::export::Export;
use rookery_store::file::File;
use rookery_store::job::Job;
use rookery_store::joining::{JoinMessage, JoinRequest};
use rookery_store::notice::Notice;
use rookery_store::report::Report;
use rookery_store::room::{Member, Room};
use rookery_store::sanction::{Reason, Sanction};
use rookery_store::saved::{SavedMessage, SavedPlace};
use rookery_store::schedule::Schedule;
use rookery_store::session::DeviceName;
use rookery_store::user::{Bio, DisplayName, Language, User};
use rookery_store::{StoreError, Stores};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::accounts::archive::Archive;
use crate::jobs::{Handler, JobError, JobQueue, Order, job_payload};
use crate::limits::{EXPORT_KEPT, EXPORT_ROOMS_MAX, EXPORT_ROWS_PER_READ};

/// The kind of jobs that are exports.
pub const KIND: &str = "export";

/// Makes copies. Cheap to clone.
#[derive(Clone)]
pub struct Exporting {
    pub(crate) stores: Stores,
    pub(crate) jobs: JobQueue,
}

impl Exporting {
    /// Has a copy made of what is kept about somebody, unless one is being made.
    pub async fn ask(&self, user: UserId, by: UserId, now: UnixMillis) -> Result<Export, StoreError> {
        self.order((user, by), None, now).await
    }

    /// Has a copy made of a room, unless one is being made.
    pub async fn ask_for_room(&self, room: RoomId, by: UserId, now: UnixMillis) -> Result<Export, StoreError> {
        self.order((by, by), Some(room), now).await
    }

    async fn order(
        &self,
        (user, by): (UserId, UserId),
        room: Option<RoomId>,
        now: UnixMillis,
    ) -> Result<Export, StoreError> {
        let known = self.stores.exports.newest(user, by, room).await?;
        let export = if let Some(known) = known.filter(|known| known.pieces.is_none() && now < known.expires_at) {
            known
        } else {
            let expires_at = now.plus(EXPORT_KEPT);
            let (id, created_at) = (Uuid::now_v7(), now);
            let new = Export { id, user, by, room, created_at, expires_at, pieces: None, bytes: 0 };
            self.stores.exports.insert(&new).await?;
            new
        };
        let key = format!("export {}", export.id);
        let order = Order { kind: KIND, key: &key, about: Some(user), payload: &export.id };
        self.jobs.add(order, now).await?;
        Ok(export)
    }

    /// The newest copy that somebody asked for, if it has not ended.
    pub async fn newest(&self, user: UserId, by: UserId, now: UnixMillis) -> Result<Option<Export>, StoreError> {
        Ok(self.stores.exports.newest(user, by, None).await?.filter(|export| now < export.expires_at))
    }

    async fn write(&self, user: &User, archive: &mut Archive) -> Result<(), JobError> {
        let now = UnixMillis::now();
        let second_factor = self.stores.second_factors.get(user.id).await?;
        archive
            .file("account.json", &account(user, second_factor.is_some_and(|factor| factor.is_confirmed)))
            .await?;
        let sessions = self.stores.sessions.of_user(user.id, now, EXPORT_ROWS_PER_READ).await?;
        let sessions: Vec<Value> = sessions
            .iter()
            .map(|session| {
                json!({"session_id": session.id, "device": session.device.as_ref().map(DeviceName::as_str),
                    "created_at": session.created_at, "last_used_at": session.rotated_at})
            })
            .collect();
        archive.file("sessions.json", &sessions).await?;
        self.rooms(user.id, archive).await?;
        self.blocks(user.id, archive).await?;
        self.preferences(user.id, archive).await?;
        self.inbox(user.id, archive).await?;
        self.saved(user.id, archive).await?;
        self.schedules(user.id, archive).await?;
        self.files(user.id, archive).await?;
        self.join_requests(user.id, archive).await?;
        self.reports(user.id, archive).await?;
        self.sanctions(user.id, archive).await?;
        self.push_subscriptions(user.id, archive).await?;
        self.events(user.id, archive).await
    }

    async fn rooms(&self, user: UserId, archive: &mut Archive) -> Result<(), JobError> {
        archive.begin_list("rooms.json")?;
        let mut after = None;
        loop {
            let members = self.stores.unread.rooms(user, after, EXPORT_ROWS_PER_READ).await?;
            let ids: Vec<_> = members.iter().map(|member| member.room_id).collect();
            let rooms = self.stores.rooms.by_ids(&ids).await?;
            for member in &members {
                archive.item(&membership(member, rooms.iter().find(|room| room.id == member.room_id)))?;
            }
            archive.keep().await?;
            after = members.last().map(Member::membership_place);
            if members.len() < EXPORT_ROWS_PER_READ {
                return archive.end_list();
            }
        }
    }

    async fn blocks(&self, user: UserId, archive: &mut Archive) -> Result<(), JobError> {
        let read = |after| self.stores.blocks.page(user, after, EXPORT_ROWS_PER_READ);
        let shown = |(blocked, at): &(UserId, UnixMillis)| Ok(json!({"user_id": blocked, "created_at": at}));
        list(archive, "blocks.json", read, |(blocked, _)| *blocked, shown).await
    }

    /// What the user wants of rooms.
    async fn preferences(&self, user: UserId, archive: &mut Archive) -> Result<(), JobError> {
        let chosen = self.stores.preferences.of_user(user, EXPORT_ROOMS_MAX).await?;
        let chosen: Vec<Value> = chosen
            .into_iter()
            .map(|(room, chosen)| json!({"room_id": room, "preferences": chosen.view()}))
            .collect();
        archive.file("preferences.json", &chosen).await
    }

    /// The user's notices: others are in them by their ids alone.
    async fn inbox(&self, user: UserId, archive: &mut Archive) -> Result<(), JobError> {
        let read = |before| self.stores.notices.page(user, before, EXPORT_ROWS_PER_READ);
        let shown = |notice: &Notice| Ok(json!(notice.clone().view()));
        list(archive, "notifications.json", read, Notice::position, shown).await
    }

    /// What the user has saved: others' messages by their ids alone.
    async fn saved(&self, user: UserId, archive: &mut Archive) -> Result<(), JobError> {
        let read = |before| self.stores.saved.page(user, before, EXPORT_ROWS_PER_READ);
        let shown = |SavedMessage { message, room, at }: &SavedMessage| {
            Ok(json!({"message_id": message, "room_id": room, "saved_at": at}))
        };
        list(archive, "saved.json", read, |saved| SavedPlace::from(saved), shown).await
    }

    /// What the user wants to say later.
    async fn schedules(&self, user: UserId, archive: &mut Archive) -> Result<(), JobError> {
        let read = |before| self.stores.schedules.of_user(user, before, EXPORT_ROWS_PER_READ);
        list(archive, "scheduled.json", read, |schedule| schedule.id, |schedule| Ok(scheduled(schedule))).await
    }

    /// What the user has uploaded; the files themselves are got one by one.
    async fn files(&self, user: UserId, archive: &mut Archive) -> Result<(), JobError> {
        let read = |after| self.stores.files.of_user(user, after, EXPORT_ROWS_PER_READ);
        list(archive, "files.json", read, |file| file.id, |file| Ok(uploaded(file))).await
    }

    /// The rooms that the user wants to join, and what was said to them.
    async fn join_requests(&self, user: UserId, archive: &mut Archive) -> Result<(), JobError> {
        let read = |after| self.stores.join_requests.of_user(user, after, EXPORT_ROWS_PER_READ);
        let shown = |request: &JoinRequest| Ok(join_request(request));
        list(archive, "join-requests.json", read, JoinRequest::own_place, shown).await
    }

    /// What the user has reported: others' messages by their ids alone.
    async fn reports(&self, user: UserId, archive: &mut Archive) -> Result<(), JobError> {
        let read = |after| self.stores.reports.made_by(user, after, EXPORT_ROWS_PER_READ);
        list(archive, "reports.json", read, |report| report.message, |report| Ok(reported(report))).await
    }

    /// What holds, or held, against the user in rooms.
    async fn sanctions(&self, user: UserId, archive: &mut Archive) -> Result<(), JobError> {
        let decided = self.stores.sanctions.against(user, EXPORT_ROOMS_MAX).await?;
        let decided: Vec<Value> = decided.iter().map(|(room, sanction)| decided_in(*room, sanction)).collect();
        archive.file("sanctions.json", &decided).await
    }

    /// Where the user has pushes sent; whoever knows the keys could write to the device, so they stay out.
    async fn push_subscriptions(&self, user: UserId, archive: &mut Archive) -> Result<(), JobError> {
        let subscriptions = self.stores.pushes.subscriptions(&[user], EXPORT_ROWS_PER_READ).await?;
        let subscriptions: Vec<Value> = subscriptions
            .iter()
            .map(|subscription| {
                json!({"endpoint": subscription.endpoint, "session_id": subscription.session,
                    "created_at": subscription.created_at})
            })
            .collect();
        archive.file("push-subscriptions.json", &subscriptions).await
    }

    /// What the user has said and done in rooms.
    async fn events(&self, user: UserId, archive: &mut Archive) -> Result<(), JobError> {
        let read = |after| self.stores.traces.page(user, Trace::Author, after, EXPORT_ROWS_PER_READ);
        list(archive, "messages.json", read, |said| TracePlace::from(said), event).await
    }
}

/// A file with a list that is read by pages, each behind the place of the last row of the one before.
async fn list<T, P, F>(
    archive: &mut Archive,
    name: &str,
    read: impl Fn(Option<P>) -> F,
    place: impl Fn(&T) -> P,
    shown: impl Fn(&T) -> Result<Value, JobError>,
) -> Result<(), JobError>
where
    F: Future<Output = Result<Vec<T>, StoreError>>,
{
    archive.begin_list(name)?;
    let mut after = None;
    loop {
        let page = read(after).await?;
        for row in &page {
            archive.item(&shown(row)?)?;
        }
        archive.keep().await?;
        after = page.last().map(&place);
        if page.len() < EXPORT_ROWS_PER_READ {
            return archive.end_list();
        }
    }
}

fn account(user: &User, two_factor: bool) -> Value {
    let profile = &user.profile;
    json!({
        "user_id": user.id,
        "username": user.username,
        "display_name": profile.display_name.as_ref().map(DisplayName::as_str),
        "bio": profile.bio.as_ref().map(Bio::as_str),
        "language": profile.language.as_ref().map(Language::as_str),
        "avatar": profile.avatar,
        "email": user.email.as_str(),
        "verified": user.verified,
        "role": user.role,
        "created_at": user.created_at,
        "renamed_at": user.renamed_at,
        "settings": user.settings,
        "two_factor": two_factor,
    })
}

fn scheduled(schedule: &Schedule) -> Value {
    json!({
        "schedule_id": schedule.id,
        "room_id": schedule.room,
        "content": schedule.content,
        "send_at": schedule.send_at,
        "reply_to": schedule.reply_to,
        "attachments": schedule.files,
        "state": schedule.state,
        "message_id": schedule.message,
        "error": schedule.error,
        "created_at": schedule.created_at,
    })
}

fn join_request(request: &JoinRequest) -> Value {
    json!({
        "room_id": request.room_id,
        "message": request.message.as_ref().map(JoinMessage::as_str),
        "created_at": request.created_at,
    })
}

fn reported(report: &Report) -> Value {
    json!({
        "report_id": report.id,
        "room_id": report.room,
        "message_id": report.message,
        "reason": report.reason,
        "note": report.note.as_ref().map(Reason::as_str),
        "state": report.state,
        "created_at": report.created_at,
    })
}

fn decided_in(room: RoomId, Sanction { muted, banned }: &Sanction) -> Value {
    let held = |until: &Until| json!({"until": until.time()});
    json!({"room_id": room, "muted": muted.as_ref().map(held), "banned": banned.as_ref().map(held)})
}

fn uploaded(file: &File) -> Value {
    json!({
        "file_id": file.id,
        "name": file.name,
        "type": file.media_type,
        "size": file.size,
        "room_id": file.room,
        "created_at": file.created_at,
    })
}

fn membership(member: &Member, room: Option<&Room>) -> Value {
    json!({
        "room_id": member.room_id,
        "name": room.map(|room| room.name.as_str()),
        "role": member.role,
        "joined_at": member.joined_at,
    })
}

/// An event as its author gets it: others are in it by their ids alone.
fn event(sequenced: &SequencedEvent) -> Result<Value, JobError> {
    let mut event = sequenced.event.clone();
    if let EventBody::Membership(change) = &mut event.body
        && let Some(member) = change.member_mut()
    {
        member.username.clear();
    }
    let broken = |error: serde_json::Error| JobError::Never(format!("an event: {error}"));
    let mut value = serde_json::to_value(&event).map_err(broken)?;
    if let Some(fields) = value.as_object_mut() {
        fields.insert("room_id".to_owned(), json!(sequenced.room));
        fields.insert("seq".to_owned(), json!(sequenced.seq));
        fields.insert("timestamp".to_owned(), json!(sequenced.timestamp));
    }
    Ok(value)
}

#[async_trait]
impl Handler for Exporting {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, job: &Job) -> Result<(), JobError> {
        let id: Uuid = job_payload(job, "the export")?;
        let exports = &self.stores.exports;
        let Some(export) = exports.by_id(id).await? else { return Ok(()) };
        let Some(user) = self
            .stores
            .users
            .by_id(export.user)
            .await?
            .filter(|user| !user.disabled || export.by != user.id)
        else {
            return Ok(());
        };
        let mut archive = Archive::new(Arc::clone(exports), id);
        match export.room {
            Some(room) => self.write_room(room, &mut archive).await?,
            None => self.write(&user, &mut archive).await?,
        }
        let (pieces, bytes) = Box::pin(archive.finish()).await?;
        exports.complete(id, pieces, bytes, UnixMillis::now().plus(EXPORT_KEPT)).await?;
        tracing::info!(user_id = %user.id, pieces, bytes, "export made");
        Ok(())
    }
}
