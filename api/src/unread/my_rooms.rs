//! `GET /api/v1/users/me/rooms`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use rookery_protocol::access::{RoomKind, RoomRole, Visibility};
use rookery_protocol::cost::Work;
use rookery_protocol::id::{Slug, UserId};
use rookery_protocol::notice::RoomPreferencesView;
use rookery_store::preference::RoomPreferences;
use rookery_store::room::{Room, RoomDescription, RoomName};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::authority::LocalAuthority;
use crate::error::ApiError;
use crate::http::cursor::Cursors;
use crate::http::extract::{Caller, MyRoomsQuery, QueryParams};
use crate::http::openapi::schema;
use crate::http::position_view::PlaceView;
use crate::limits::PREFERENCES_READ_MAX;
use crate::rooms::Rooms;
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
    /// What kind of room it is.
    #[schema(value_type = schema::RoomKind)]
    kind: RoomKind,
    /// The two of a direct room; absent from others.
    #[schema(value_type = Option<Vec<Uuid>>, min_items = 2, max_items = 2, nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    users: Option<[Uuid; 2]>,
    /// Its readable address; only public rooms have one.
    #[schema(value_type = Option<String>, required, example = "general")]
    slug: Option<Slug>,
    /// Name of the room; direct rooms have none, and groups may have none.
    #[schema(value_type = Option<String>, required, example = "General")]
    name: Option<RoomName>,
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
    /// What the caller wants of it.
    #[schema(value_type = schema::RoomPreferences)]
    preferences: RoomPreferencesView,
}

impl MyRoomView {
    fn new(mine: MyRoom, chosen: RoomPreferences) -> Self {
        let MyRoom { room, member, head, state } = mine;
        let Room { id, kind, pair, slug, name, description, visibility, settings, .. } = room;
        Self {
            room_id: id.as_uuid(),
            kind,
            users: pair.map(|pair| pair.both().map(UserId::as_uuid)),
            slug,
            name: name.given(),
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
            preferences: chosen.view(),
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
    State(all): State<Rooms>,
    caller: Caller,
    QueryParams(query): QueryParams<MyRoomsQuery>,
) -> Result<Json<MyRoomPage>, ApiError> {
    let (user, after) = (caller.user_id, query.after(&cursors, caller.user_id)?);
    let (members, next) = authority.memberships(user, after, query.limit()?).await?;
    all.limits.spend(user, Work::Unread { rooms: members.len() }).await?;
    let rooms = authority.rooms_of(user, members).await?;
    let chosen = all.stores.preferences.of_user(user, PREFERENCES_READ_MAX).await?;
    let view = |mine: MyRoom| {
        let chosen = chosen.get(&mine.room.id).copied().unwrap_or_default();
        MyRoomView::new(mine, chosen)
    };
    let next_cursor = next.map(|place| cursors.memberships(user, place));
    Ok(Json(MyRoomPage { rooms: rooms.into_iter().map(view).collect(), next_cursor }))
}
