//! Purges: what somebody has said in a room is removed, by one act and one event.
//!
//! # Promise
//! * From the answer on nothing of it is read any more: a purge that is begun hides what it covers wherever texts are read.
//! * The texts are erased behind it by a job, which may be broken off anywhere and goes on; it waits for the event to be stored,
//!   since what was numbered before may be stored a moment later.
//! * Places stay: a purged message is a deleted one.

use std::time::Duration;

use async_trait::async_trait;
use axum::Json;
use axum::extract::{FromRef, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use rookery_bus::Head;
use rookery_bus::error::BusError;
use rookery_protocol::access::{Rank, ServerRank, decide_on_moderation, outranks};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::{EventBody, MembershipChange, Sender, SequencedEvent};
use rookery_protocol::id::{Epoch, MessageId, RoomId, RoomRef, Seq, UserId};
use rookery_store::erasure::{Trace, TracePlace};
use rookery_store::file::Doomed;
use rookery_store::job::Job;
use rookery_store::purge::Purge;
use rookery_store::search::Entry;
use rookery_store::{StoreError, Stores};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::{Instant, sleep};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use uuid::Uuid;

use crate::admin::act::Act;
use crate::error::ApiError;
use crate::http::extract::{Authentication, Caller, MemberPath, OptionalBody};
use crate::jobs::{Handler, JobError, JobQueue, Order, job_payload};
use crate::limits::{
    PURGE_EVENT_POLL, PURGE_EVENT_WAIT, PURGE_HIDES_ON, PURGE_KEPT, PURGE_LATE, PURGE_LOOK_INTERVAL, PURGE_PAGE,
    PURGE_PURGE_MAX, PURGE_STORED_WAIT, PURGED_COUNTED_MAX, PURGES_PER_LOOK,
};
use crate::metrics::Metrics;
use crate::periodic::every;
use crate::purged::hide_purged;
use crate::rooms::{Rooms, room_event};

/// The kind of jobs that are purges.
pub const KIND: &str = "purge";

/// The routes of purges.
pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Authentication: FromRef<S>,
    Purging: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(purge))
}

/// Removes what somebody has said. Cheap to clone.
#[derive(Clone)]
pub struct Purging {
    pub(crate) rooms: Rooms,
    pub(crate) jobs: JobQueue,
    pub(crate) metrics: Metrics,
}

/// What is removed of what somebody has said.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PurgeRequest {
    /// What was said then or later; all if not given.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    since: Option<UnixMillis>,
    /// Only say how many messages that would be.
    #[serde(default)]
    preview: bool,
}

/// What is removed.
#[derive(Serialize, ToSchema)]
#[schema(as = Purge)]
pub struct PurgeView {
    /// Id of the purge; absent from a preview.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    purge_id: Option<Uuid>,
    /// Messages, as far as they are stored; 10,000 stands for so many or more.
    messages: usize,
}

/// Remove what somebody has said in a room
///
/// Of a user who need not be a member any more. It is told by one event `messages_purged`, and read by nobody from the answer
/// on; the texts are erased behind it. Where nothing is left to remove, nothing is told. 503 means that it is decided but the room may not have heard yet. The body may be left out.
#[utoipa::path(
    post,
    path = "/api/v1/rooms/{room}/members/{user}/purge",
    operation_id = "purge_member",
    tag = "moderation",
    security(("bearer" = [])),
    params(
        ("room" = String, Path, description = "Id or slug", example = "general"),
        ("user" = String, Path, description = "Id of the user", format = Uuid),
    ),
    request_body = PurgeRequest,
    responses(
        (status = 200, description = "A preview: so many messages would be removed", body = PurgeView),
        (status = 202, description = "They are gone for readers, and are being erased", body = PurgeView),
        (status = 400, description = "`bad_json` or `bad_field`"),
        (status = 403, description = "`forbidden`, `not_a_member` or `banned`"),
        (status = 404, description = "`unknown_room`, also for private rooms of others; `not_found`: no such user"),
    ),
)]
pub async fn purge(
    State(purging): State<Purging>,
    caller: Caller,
    path: MemberPath,
    OptionalBody(request): OptionalBody<PurgeRequest>,
) -> Result<Response, ApiError> {
    let (now, actor) = (UnixMillis::now(), Sender::from(caller));
    let (room, member) = purging.target(&actor, &path).await?;
    let whole = Span { room, user: member.user_id, from: request.since, to: now };
    let messages = purging.count(whole).await?;
    if request.preview {
        return Ok(Json(PurgeView { purge_id: None, messages }).into_response());
    }
    if messages == 0 && purging.is_nothing_left(whole).await? {
        return Ok((StatusCode::ACCEPTED, Json(PurgeView { purge_id: Some(Uuid::now_v7()), messages })).into_response());
    }
    let id = purging.begin(actor, member, whole).await?;
    Ok((StatusCode::ACCEPTED, Json(PurgeView { purge_id: Some(id), messages })).into_response())
}

/// What somebody has said in a room in a time.
#[derive(Clone, Copy)]
struct Span {
    room: RoomId,
    user: UserId,
    from: Option<UnixMillis>,
    to: UnixMillis,
}

impl Purging {
    fn stores(&self) -> &Stores {
        &self.rooms.stores
    }

    /// The room, and the user there whom the actor outranks.
    async fn target(&self, actor: &Sender, path: &MemberPath) -> Result<(RoomId, Sender), ApiError> {
        let (room, context) = self.rooms.settings_context(actor, &path.room).await?;
        decide_on_moderation(context, UnixMillis::now()).map_err(ApiError::refused)?;
        let target = self.stores().users.by_id(path.user).await?;
        let target = target.ok_or_else(|| ApiError::refused(ErrorCode::NotFound))?;
        let member = self.stores().members.get(room.id, path.user).await?;
        let server = if target.disabled { ServerRank::User } else { target.role.rank() };
        let above = Rank::new(member.map(|member| member.role), server);
        // Everybody may remove what is one's own.
        let is_own = path.user == actor.user_id;
        if !is_own && !outranks(Rank::new(context.access.role, context.server), above) {
            return Err(ApiError::refused(ErrorCode::Forbidden));
        }
        Ok((room.id, Sender { user_id: target.id, username: target.username.as_str().to_owned() }))
    }

    async fn begin(&self, actor: Sender, member: Sender, span: Span) -> Result<Uuid, ApiError> {
        let Span { room, user, from, to } = span;
        let by = actor.user_id;
        let body = EventBody::Membership(MembershipChange::MessagesPurged { member, from, to });
        self.rooms.generations.require(&body).await?;
        let event = room_event(actor, body);
        let (id, hides_until) = (Uuid::now_v7(), Purge::OPEN);
        let purge = Purge { id, room, user, by, from, to, event: event.id, hides_until };
        let detail = Some(json!({"purge": id, "since": from}));
        let act = Act { action: "messages_purged", user: Some(user), detail };
        self.stores().audit.add(&act.entry_in(room, by, to)).await?;
        if self.stores().purges.begin(&purge, &event).await?.is_none() {
            return Err(ApiError::refused(ErrorCode::UnknownRoom));
        }
        tracing::info!(room_id = %room, user_id = %user, %by, purge_id = %id, "messages purged");
        self.metrics.purges.inc();
        self.order(id, to).await?;
        self.rooms.dispatcher.flush(room).await?;
        Ok(id)
    }

    /// One purge is one order. About nobody: it goes on though the account is erased meanwhile.
    async fn order(&self, id: Uuid, now: UnixMillis) -> Result<(), StoreError> {
        let key = format!("purge {id}");
        self.jobs
            .add(Order { kind: KIND, key: &key, about: None, payload: &id }, now)
            .await
            .map(drop)
    }

    /// How many messages are in it that are there.
    async fn count(&self, span: Span) -> Result<usize, StoreError> {
        let (mut place, mut count) = (start(span.room), 0);
        loop {
            let (found, next) = self.page(span, place).await?;
            count += self.unhidden(&found).await?;
            match next {
                Some(next) if count < PURGED_COUNTED_MAX => place = next,
                Some(_) | None => return Ok(count.min(PURGED_COUNTED_MAX)),
            }
        }
    }

    /// Some of the messages, and where it goes on.
    async fn page(
        &self,
        span: Span,
        after: TracePlace,
    ) -> Result<(Vec<SequencedEvent>, Option<TracePlace>), StoreError> {
        let Span { room, user, from, to } = span;
        let mut found = self.stores().traces.page(user, Trace::Author, Some(after), PURGE_PAGE).await?;
        let next = found
            .last()
            .filter(|last| last.room == room && found.len() == PURGE_PAGE)
            .map(TracePlace::from);
        let is_inside = |at: UnixMillis| from.is_none_or(|from| from <= at) && at <= to;
        let is_message = |event: &SequencedEvent| matches!(event.event.body, EventBody::Message(_));
        found.retain(|event| event.room == room && is_inside(event.timestamp) && is_message(event));
        Ok((found, next))
    }

    /// Those that are not deleted.
    async fn unpurged(&self, found: &[SequencedEvent]) -> Result<Vec<SequencedEvent>, StoreError> {
        let ids: Vec<MessageId> = found.iter().map(|event| event.event.id).collect();
        let states = self.stores().messages.states(&ids, &[]).await?;
        let is_there = |event: &&SequencedEvent| states.get(&event.event.id).is_none_or(|state| !state.deleted);
        Ok(found.iter().filter(is_there).cloned().collect())
    }

    /// How many of these are to be read: neither deleted, nor hidden by a purge.
    async fn unhidden(&self, found: &[SequencedEvent]) -> Result<usize, StoreError> {
        let ids: Vec<MessageId> = found.iter().map(|event| event.event.id).collect();
        let mut states = self.stores().messages.states(&ids, &[]).await?;
        hide_purged(self.stores(), found, &mut states).await?;
        let is_there = |id: &&MessageId| states.get(*id).is_none_or(|state| !state.deleted);
        Ok(ids.iter().filter(is_there).count())
    }

    /// Whether there is nothing to remove of what was not counted, also not among what waits to be stored.
    async fn is_nothing_left(&self, span: Span) -> Result<bool, ApiError> {
        let Ok(Some(newest)) = self.head(span.room).await else { return Ok(false) };
        let end = Instant::now() + PURGE_STORED_WAIT;
        loop {
            // Of another epoch nothing is known: then the purge is carried out.
            match self.head(span.room).await {
                Ok(Some(head)) if head.epoch == newest.epoch && head.stored >= newest.seq => break,
                Ok(Some(head)) if head.epoch == newest.epoch && Instant::now() < end => sleep(PURGE_EVENT_POLL).await,
                Ok(_) | Err(_) => return Ok(false),
            }
        }
        Ok(self.count(span).await? == 0)
    }

    async fn head(&self, room: RoomId) -> Result<Option<Head>, BusError> {
        Ok(self.rooms.log.heads(&[room]).await?.first().copied().flatten())
    }

    /// Erases the texts.
    async fn erase(&self, purge: &Purge) -> Result<(), JobError> {
        let Purge { room, user, from, to, .. } = *purge;
        let (span, mut place) = (Span { room, user, from, to }, start(room));
        loop {
            let (found, next) = self.page(span, place).await?;
            let found = self.unpurged(&found).await?;
            let ids: Vec<MessageId> = found.iter().map(|event| event.event.id).collect();
            self.stores().purges.discard(&ids).await?;
            self.stores().files.condemn(Doomed::Messages(&ids)).await?;
            let gone = found.iter().map(|event| Entry {
                message: event.event.id,
                room,
                at: event.timestamp,
                place: event.position(),
                terms: None,
            });
            self.stores().search.put(&gone.collect::<Vec<_>>(), false).await?;
            self.metrics.purged_messages.inc_by(u64::try_from(ids.len()).unwrap_or(u64::MAX));
            match next {
                Some(next) => place = next,
                None => return Ok(()),
            }
        }
    }

    /// Waits until the event is stored, and with it everything that was numbered before.
    async fn await_event(&self, purge: &Purge) -> Result<(), JobError> {
        let mut waited = Duration::ZERO;
        while self.stores().messages.place(purge.room, purge.event).await?.is_none() {
            if waited >= PURGE_EVENT_WAIT {
                return Err(JobError::Again("its event is not stored yet".to_owned()));
            }
            sleep(PURGE_EVENT_POLL).await;
            waited += PURGE_EVENT_POLL;
        }
        Ok(())
    }

    /// Orders the jobs of purges whose request did not come so far, and forgets what is long over, again and again.
    pub(crate) async fn follow(&self) {
        let look = || self.look(UnixMillis::now());
        every(PURGE_LOOK_INTERVAL, "purges", look).await;
    }

    async fn look(&self, now: UnixMillis) -> Result<(), StoreError> {
        for id in self.stores().purges.open(PURGES_PER_LOOK).await? {
            self.order(id, now).await?;
        }
        self.stores().purges.purge(now.minus(PURGE_KEPT), PURGE_PURGE_MAX).await.map(drop)
    }
}

#[async_trait]
impl Handler for Purging {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, job: &Job) -> Result<(), JobError> {
        let id: Uuid = job_payload(job, "the purge")?;
        let Some(purge) = self.stores().purges.by_id(id).await? else { return Ok(()) };
        if self.stores().rooms.find(&RoomRef::Id(purge.room)).await?.is_none() {
            // Its end erases everything.
            return Ok(());
        }
        self.erase(&purge).await?;
        self.await_event(&purge).await?;
        // By the clock of the bus something of the time may have been numbered after it.
        let rest = purge.to.plus(PURGE_LATE).since(UnixMillis::now());
        sleep(rest).await;
        self.erase(&purge).await?;
        self.rooms
            .log
            .forget_stored(purge.room)
            .await
            .map_err(|error| JobError::Again(error.to_string()))?;
        let hides_until = UnixMillis::now().plus(PURGE_HIDES_ON);
        self.stores().purges.finish(id, hides_until).await?;
        tracing::info!(purge_id = %id, room_id = %purge.room, "purged messages are erased");
        Ok(())
    }
}

const fn start(room: RoomId) -> TracePlace {
    TracePlace { room, epoch: Epoch(0), seq: Seq::ZERO }
}
