//! Rooms.

use rookery_protocol::access::{JoinRule, Posting, RoomKind, RoomRole, Visibility};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{Slug, UserId};
use rookery_protocol::notice::RoomPreferencesView;
use rookery_store::StoreError;
use rookery_store::preference::RoomPreferences;
use rookery_store::room::{RoomDescription, RoomName, RoomTopic};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::openapi::schema;
use crate::rooms::{Rooms, SeenRoom};

/// A room as the caller sees it.
#[derive(Serialize, ToSchema)]
#[schema(as = Room)]
pub struct RoomView {
    /// Id of the room.
    room_id: Uuid,
    /// The two of a direct room; absent from others.
    #[schema(value_type = Option<Vec<Uuid>>, min_items = 2, max_items = 2, nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    users: Option<[Uuid; 2]>,
    /// Its readable address; only public rooms have one.
    #[schema(value_type = Option<String>, required, example = "general")]
    slug: Option<Slug>,
    /// What it is for.
    #[schema(value_type = schema::RoomKind)]
    kind: RoomKind,
    /// Name of the room; direct rooms have none, and groups may have none.
    #[schema(value_type = Option<String>, required, example = "General")]
    name: Option<RoomName>,
    /// What it is about.
    #[schema(value_type = String)]
    description: RoomDescription,
    /// What is talked about now.
    #[schema(value_type = String)]
    topic: RoomTopic,
    /// Who may find it.
    #[schema(value_type = schema::Visibility)]
    visibility: Visibility,
    /// How those who find it become members.
    #[schema(value_type = schema::JoinRule)]
    join: JoinRule,
    /// Who may send messages.
    #[schema(value_type = schema::Posting)]
    posting: Posting,
    /// Whether nobody may send any more.
    archived: bool,
    /// When it ends by itself; null for never.
    #[schema(value_type = Option<String>, required, format = DateTime)]
    expires_at: Option<UnixMillis>,
    /// After how many days its messages are erased; null for what holds on the server.
    #[schema(required)]
    retention_days: Option<u32>,
    /// Whether members may invite others.
    members_may_invite: bool,
    /// How many members it may have; null for no limit of its own.
    #[schema(required)]
    members_max: Option<u32>,
    /// Its picture; null if it has none.
    #[schema(required)]
    avatar: Option<String>,
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
    /// What the caller wants of it; absent for outsiders.
    #[schema(value_type = Option<schema::RoomPreferences>, nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    preferences: Option<RoomPreferencesView>,
}

impl Rooms {
    /// The room, with what its member wants of it.
    pub(crate) async fn shown(&self, user: UserId, seen: SeenRoom) -> Result<RoomView, StoreError> {
        let chosen = self.stores.preferences.get(user, seen.room.id).await?;
        Ok(RoomView::from(seen).preferring(chosen))
    }
}

impl RoomView {
    /// With what its member wants of it.
    #[must_use]
    pub(crate) fn preferring(self, preferences: RoomPreferences) -> Self {
        Self { preferences: self.role.map(|_| preferences.view()), ..self }
    }
}

impl From<SeenRoom> for RoomView {
    fn from(seen: SeenRoom) -> Self {
        let SeenRoom { room, role, members } = seen;
        Self {
            room_id: room.id.as_uuid(),
            slug: room.slug,
            kind: room.kind,
            users: room.pair.map(|pair| pair.both().map(UserId::as_uuid)),
            name: room.name.given(),
            description: room.description,
            topic: room.topic,
            visibility: room.visibility,
            join: room.join,
            posting: room.settings.posting,
            archived: room.settings.archived,
            expires_at: room.expires_at,
            retention_days: room.retention_days,
            members_may_invite: room.members_may_invite,
            members_max: room.members_max,
            avatar: room.avatar,
            owner_id: room.owner.map(UserId::as_uuid),
            created_at: room.created_at,
            role,
            members,
            slow_mode_ms: room.settings.slow_mode_ms,
            frozen: room.settings.frozen,
            preferences: None,
        }
    }
}
