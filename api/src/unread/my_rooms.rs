//! `GET /api/v1/users/me/rooms`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use rookery_protocol::access::{RoomRole, Visibility};
use rookery_protocol::cost::Work;
use rookery_protocol::id::Slug;
use rookery_store::room::{Room, RoomDescription, RoomName};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::authority::LocalAuthority;
use crate::error::ApiError;
use crate::http::cursor::Cursors;
use crate::http::extract::{Caller, MyRoomsQuery, QueryParams};
use crate::http::limit::Limits;
use crate::http::openapi::schema;
use crate::http::position_view::PlaceView;
use crate::unread::MyRoom;

/// A page of the caller's rooms, in the order of joining.
#[derive(Serialize, ToSchema)]
pub struct MyRoomPage {
    /// The rooms.
    rooms: Vec<MyRoomView>,
    /// Where the next page begins; absent on the last one.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A room of the caller's, and what is unread there.
#[derive(Serialize, ToSchema)]
#[schema(as = MyRoom)]
pub struct MyRoomView {
    /// Id of the room.
    room_id: Uuid,
    /// Its readable address; only public rooms have one.
    #[schema(value_type = Option<String>, required, example = "general")]
    slug: Option<Slug>,
    /// Name of the room.
    #[schema(value_type = String, example = "General")]
    name: RoomName,
    /// What it is about.
    #[schema(value_type = String)]
    description: RoomDescription,
    /// Who may find it.
    #[schema(value_type = schema::Visibility)]
    visibility: Visibility,
    /// What the caller is in it.
    #[schema(value_type = schema::RoomRole)]
    role: RoomRole,
    /// Milliseconds that a member must wait between two messages; 0 for none.
    slow_mode_ms: u64,
    /// Whether only owner and moderators may say something.
    frozen: bool,
    /// The newest event.
    head: PlaceView,
    /// Where the caller has read to.
    read: PlaceView,
    /// Messages of others after that which are not deleted.
    unread: u64,
    /// Those of them that mention the caller.
    mentions: u64,
    /// Whether there may be more than was counted: at most 1,000 are, in each room.
    capped: bool,
    /// Up to where was counted; what is newer waits to be stored.
    counted: PlaceView,
}

impl From<MyRoom> for MyRoomView {
    fn from(mine: MyRoom) -> Self {
        let MyRoom { room, member, head, state } = mine;
        let Room { id, slug, name, description, visibility, settings, .. } = room;
        Self {
            room_id: id.as_uuid(),
            slug,
            name,
            description,
            visibility,
            role: member.role,
            slow_mode_ms: settings.slow_mode_ms,
            frozen: settings.frozen,
            head: PlaceView { epoch: head.epoch, seq: head.seq },
            read: PlaceView { epoch: state.epoch, seq: state.seq },
            unread: state.unread,
            mentions: state.mentions,
            capped: state.capped,
            counted: state.counted.into(),
        }
    }
}

/// Your rooms, with what is unread in each
///
/// Up to 2,000 in one call. A room whose newest event you have read costs the server nothing but its place in the list.
#[utoipa::path(
    get,
    path = "/api/v1/users/me/rooms",
    operation_id = "my_rooms_with_unread",
    tag = "users",
    security(("bearer" = [])),
    params(MyRoomsQuery),
    responses(
        (status = 200, description = "A page of rooms you are a member of", body = MyRoomPage),
        (status = 400, description = "`bad_field`"),
    ),
)]
pub async fn my_rooms(
    State(cursors): State<Cursors>,
    State(authority): State<Arc<LocalAuthority>>,
    State(limits): State<Limits>,
    caller: Caller,
    QueryParams(query): QueryParams<MyRoomsQuery>,
) -> Result<Json<MyRoomPage>, ApiError> {
    let (user, after) = (caller.user_id, query.after(&cursors, caller.user_id)?);
    let (members, next) = authority.memberships(user, after, query.limit()?).await?;
    limits.spend(user, Work::Unread { rooms: members.len() }).await?;
    let rooms = authority.rooms_of(user, members).await?;
    let next_cursor = next.map(|place| cursors.memberships(user, place));
    Ok(Json(MyRoomPage { rooms: rooms.into_iter().map(MyRoomView::from).collect(), next_cursor }))
}
