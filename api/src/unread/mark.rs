//! `GET` and `PUT /api/v1/rooms/{room}/read`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use rookery_protocol::access::Action;
use rookery_protocol::id::{Epoch, RoomId, Seq};
use rookery_protocol::unread::{ReadState, ReadTo};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::authority::LocalAuthority;
use crate::error::ApiError;
use crate::http::extract::{Caller, JsonBody, RoomPath};
use crate::http::position_view::PlaceView;
use crate::rooms::Rooms;

/// How far a room was read.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadRequest {
    /// Epoch of the number; the room's current one if it is left out.
    #[serde(default)]
    #[schema(value_type = Option<String>, pattern = "^e[0-9]{1,19}$", example = "e1")]
    epoch: Option<Epoch>,
    /// Number of the last event that was read.
    #[schema(value_type = u64, maximum = 9_007_199_254_740_991_u64)]
    seq: Seq,
}

/// What is unread in a room. A message of somebody else counts as long as it is not deleted, and mentions you if its
/// newest text has your name behind an `@`.
#[derive(Serialize, ToSchema)]
#[schema(as = ReadState)]
pub struct ReadView {
    /// Id of the room.
    room: Uuid,
    /// Where you have read to.
    read: PlaceView,
    /// Messages after that.
    unread: u64,
    /// Those of them that mention you.
    mentions: u64,
    /// Whether there may be more than was counted: at most 1,000 are.
    capped: bool,
    /// Up to where was counted; what is newer waits to be stored.
    counted: PlaceView,
}

impl ReadView {
    pub(crate) fn new(room: RoomId, state: ReadState) -> Self {
        let ReadState { epoch, seq, unread, mentions, capped, counted } = state;
        let read = PlaceView { epoch, seq };
        Self { room: room.as_uuid(), read, unread, mentions, capped, counted: counted.into() }
    }
}

/// What is unread in a room
#[utoipa::path(
    get,
    path = "/api/v1/rooms/{room}/read",
    operation_id = "get_read",
    tag = "rooms",
    security(("bearer" = [])),
    params(("room" = String, Path, description = "Id or slug", example = "general")),
    responses(
        (status = 200, description = "Your read mark and what is after it", body = ReadView),
        (status = 403, description = "`not_a_member` or `banned`"),
        (status = 404, description = "`unknown_room`, also for private rooms of others"),
    ),
)]
pub async fn get(
    State(rooms): State<Rooms>,
    State(authority): State<Arc<LocalAuthority>>,
    caller: Caller,
    RoomPath(room): RoomPath,
) -> Result<Json<ReadView>, ApiError> {
    let (room, _) = rooms.find(caller.user_id, &room, Action::Read).await?;
    let state = authority.unread_in(caller.user_id, room.id).await?;
    Ok(Json(ReadView::new(room.id, state)))
}

/// Mark a room as read
///
/// The mark only moves on: a place before it changes nothing, and one beyond the newest event means that one. All your
/// devices are told.
#[utoipa::path(
    put,
    path = "/api/v1/rooms/{room}/read",
    operation_id = "put_read",
    tag = "rooms",
    security(("bearer" = [])),
    params(("room" = String, Path, description = "Id or slug", example = "general")),
    request_body = ReadRequest,
    responses(
        (status = 200, description = "Your read mark as it is now, and what is after it", body = ReadView),
        (status = 403, description = "`not_a_member` or `banned`"),
        (status = 404, description = "`unknown_room`, also for private rooms of others"),
    ),
)]
pub async fn put(
    State(rooms): State<Rooms>,
    State(authority): State<Arc<LocalAuthority>>,
    caller: Caller,
    RoomPath(room): RoomPath,
    JsonBody(request): JsonBody<ReadRequest>,
) -> Result<Json<ReadView>, ApiError> {
    let (room, _) = rooms.find(caller.user_id, &room, Action::Read).await?;
    let to = ReadTo { epoch: request.epoch, seq: request.seq };
    let state = authority.mark(caller.user_id, room.id, to).await?;
    Ok(Json(ReadView::new(room.id, state)))
}
