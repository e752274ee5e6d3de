//! `GET /api/v1/admin/lookup/message/{message}`

use std::collections::HashMap;

use axum::Json;
use axum::extract::State;
use rookery_bus::node::{NodeCard, NodeKind};
use rookery_bus::signal::EphemeralSignal;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::{Epoch, MessageId, RoomId, RoomRef, Seq};
use rookery_protocol::limits::TAIL_EVENTS_MAX;
use rookery_protocol::position::Position;
use rookery_store::job::{Job, JobState};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::{Instant, sleep};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::admin::Administration;
use crate::admin::act::Act;
use crate::admin::nodes::NodeView;
use crate::error::ApiError;
use crate::http::extract::{Admin, LoneMessagePath, QueryParams};
use crate::http::position_view::PlaceView;
use crate::limits::{NODE_HEADS_PAUSE, NODE_HEADS_WAIT};
use crate::notices::said::SaidNotices;
use crate::rooms::Rooms;

/// Where to look.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LookupQuery {
    /// Its room, by id or slug, for a message that is not stored yet.
    #[param(value_type = Option<String>, pattern = "^[a-z0-9-]{1,64}$")]
    room: Option<RoomRef>,
}

/// Where a message is on its way. Its text is not told.
#[derive(Serialize, ToSchema)]
pub struct MessageLookupView {
    /// Id of the message.
    message_id: Uuid,
    /// Id of its room.
    room: Uuid,
    /// Whose it is.
    author: Uuid,
    /// The number that it got.
    numbered: NumberView,
    /// Whether it is stored; if so, ingest and whoever follows it have it.
    stored: bool,
    /// Whether it is deleted.
    deleted: bool,
    /// How far the bus has published the room; null if the room is not open there, as when nobody talks in it.
    published: Option<HeadView>,
    /// Whether its number is published: every node that has the room gets it, or repairs the gap.
    is_published: bool,
    /// The nodes that deliver and store.
    nodes: Vec<StandingNodeView>,
    /// The pushes that devices are told of it with.
    pushes: PushCountsView,
}

/// A node, and where it stands in the room.
#[derive(Serialize, ToSchema)]
#[schema(as = StandingNode)]
pub struct StandingNodeView {
    /// The node.
    #[serde(flatten)]
    node: NodeView,
    /// Place of the newest event that it has delivered; null where nobody is connected to the room, or if it did not answer
    /// in time.
    #[schema(required)]
    head: Option<PlaceView>,
}

/// How many pushes there are. They are known for a day after they were carried out; those of a direct room only for its newest
/// message.
#[derive(Default, Serialize, ToSchema)]
#[schema(as = PushCounts)]
pub struct PushCountsView {
    /// They wait, or are being carried out.
    open: usize,
    /// They were carried out: sent, or dropped because nobody wanted them any more.
    done: usize,
    /// They failed for good.
    dead: usize,
}

/// A number in a room.
#[derive(Serialize, ToSchema)]
#[schema(as = MessageNumber)]
pub struct NumberView {
    /// Epoch of the number.
    #[schema(value_type = String, example = "e1")]
    epoch: Epoch,
    /// The number.
    #[schema(value_type = u64)]
    seq: Seq,
    /// When it was given.
    #[schema(value_type = String, format = DateTime)]
    at: UnixMillis,
}

/// The head of a room.
#[derive(Serialize, ToSchema)]
#[schema(as = RoomHead)]
pub struct HeadView {
    /// Its epoch.
    #[schema(value_type = String, example = "e1")]
    epoch: Epoch,
    /// Its newest number.
    #[schema(value_type = u64)]
    seq: Seq,
    /// The number up to which everything is stored.
    #[schema(value_type = u64)]
    stored: Seq,
}

/// Where is a message?
///
/// For admins: whether it has its number, is stored and published, where each node stands in its room, and what has become of
/// its pushes. Never its text. Each look is an entry in the audit log.
#[utoipa::path(
    get,
    path = "/api/v1/admin/lookup/message/{message}",
    operation_id = "look_message_up",
    tag = "admin",
    security(("bearer" = [])),
    params(("message" = Uuid, Path, description = "Id of the message"), LookupQuery),
    responses(
        (status = 200, description = "Where it is", body = MessageLookupView),
        (status = 400, description = "`bad_field`"),
        (status = 403, description = "`forbidden`"),
        (status = 404, description = "`unknown_message`: it is not stored, and not in the room that was named; `unknown_room`"),
    ),
)]
pub async fn message(
    State(administration): State<Administration>,
    State(rooms): State<Rooms>,
    Admin(admin): Admin,
    LoneMessagePath(message): LoneMessagePath,
    QueryParams(query): QueryParams<LookupQuery>,
) -> Result<Json<MessageLookupView>, ApiError> {
    let (found, stored) = find(&rooms, message, query.room.as_ref()).await?;
    let now = UnixMillis::now();
    let act = Act {
        action: "message_looked_up",
        user: Some(found.event.user_id),
        detail: Some(json!({"message_id": message})),
    };
    administration.note(act, admin.user_id, now).await?;
    let states = rooms.stores.messages.states(&[message], &[]).await?;
    let heads = rooms.log.heads(&[found.room]).await?;
    let published = heads.first().copied().flatten();
    let published = published.map(|head| HeadView { epoch: head.epoch, seq: head.seq, stored: head.stored });
    let is_published = published.as_ref().is_some_and(|head| (head.epoch, head.seq) >= (found.epoch, found.seq));
    let nodes = standing_nodes(&administration, &rooms, found.room).await?;
    let said = SaidNotices { stores: rooms.stores.clone(), notices: rooms.notices.clone() };
    let pushes = PushCountsView::of(&said.pushes(&found).await?);
    Ok(Json(MessageLookupView {
        message_id: message.as_uuid(),
        room: found.room.as_uuid(),
        author: found.event.user_id.as_uuid(),
        numbered: NumberView { epoch: found.epoch, seq: found.seq, at: found.timestamp },
        stored,
        deleted: states.get(&message).is_some_and(|state| state.deleted),
        is_published: is_published || (stored && published.is_none()),
        published,
        nodes,
        pushes,
    }))
}

impl PushCountsView {
    fn of(pushes: &[Job]) -> Self {
        pushes.iter().fold(Self::default(), |mut counts, push| {
            match push.state {
                JobState::Open => counts.open += 1,
                JobState::Done => counts.done += 1,
                JobState::Dead => counts.dead += 1,
            }
            counts
        })
    }
}

/// The nodes, longest running first. Those that have the room are asked where they stand, and waited for a moment.
async fn standing_nodes(
    administration: &Administration,
    rooms: &Rooms,
    room: RoomId,
) -> Result<Vec<StandingNodeView>, ApiError> {
    let nodes = &administration.nodes;
    let cards = administration.cards().await?;
    let gateways = cards.iter().filter(|card| card.kind == NodeKind::Gateway).count();
    let ask = Uuid::new_v4();
    rooms.news.publish_ephemeral(room, EphemeralSignal::HeadAsked { ask }).await?;
    let deadline = Instant::now() + NODE_HEADS_WAIT;
    let mut answers = Vec::new();
    while answers.len() < gateways && Instant::now() < deadline {
        sleep(NODE_HEADS_PAUSE).await;
        answers = nodes.answered_heads(ask).await?;
    }
    let heads: HashMap<Uuid, Position> = answers.into_iter().map(|answer| (answer.node, answer.head)).collect();
    let standing = |card: NodeCard| StandingNodeView {
        head: heads.get(&card.id).copied().map(PlaceView::from),
        node: NodeView::from(card),
    };
    Ok(cards.into_iter().map(standing).collect())
}

/// The message, and whether it is stored.
async fn find(rooms: &Rooms, message: MessageId, room: Option<&RoomRef>) -> Result<(SequencedEvent, bool), ApiError> {
    let unknown = |code| move || ApiError::refused(code);
    let not_found = unknown(ErrorCode::UnknownMessage);
    if let Some(stored) = rooms.stores.messages.by_ids(&[message]).await?.pop() {
        return Ok((stored, true));
    }
    let room = rooms.stores.rooms.find(room.ok_or_else(not_found)?).await?;
    let room = room.ok_or_else(unknown(ErrorCode::UnknownRoom))?;
    let tail = rooms.log.range(room.id, Seq::ZERO, TAIL_EVENTS_MAX).await?;
    let found = tail.into_iter().find(|event| event.event.id == message);
    Ok((found.ok_or_else(not_found)?, false))
}
