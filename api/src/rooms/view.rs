//! Rooms.

use rookery_protocol::access::{RoomRole, Visibility};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::Slug;
use rookery_store::room::{Room, RoomDescription, RoomName};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::openapi::schema;
use crate::rooms::SeenRoom;

/// A room as the caller sees it.
#[derive(Serialize, ToSchema)]
#[schema(as = Room)]
pub struct RoomView {
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
    /// Who made it; none for `general`.
    #[schema(required)]
    owner_id: Option<Uuid>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: UnixMillis,
    /// What the caller is in it; absent for outsiders.
    #[schema(value_type = Option<schema::RoomRole>, nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<RoomRole>,
    /// How many members it has.
    members: u64,
    /// Milliseconds that a member must wait between two messages; 0 for none.
    slow_mode_ms: u64,
    /// Whether only owner and moderators may say something.
    frozen: bool,
}

impl From<SeenRoom> for RoomView {
    fn from(seen: SeenRoom) -> Self {
        let SeenRoom { room, role, members } = seen;
        let Room { id, slug, name, description, visibility, owner, acl: _, created_at, settings } = room;
        let owner_id = owner.map(rookery_protocol::id::UserId::as_uuid);
        Self {
            room_id: id.as_uuid(),
            slug,
            name,
            description,
            visibility,
            owner_id,
            created_at,
            role,
            members,
            slow_mode_ms: settings.slow_mode_ms,
            frozen: settings.frozen,
        }
    }
}
