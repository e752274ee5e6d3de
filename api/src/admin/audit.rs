//! `GET /api/v1/moderation/audit` and `GET /api/v1/rooms/{room}/audit`

use axum::Json;
use axum::extract::State;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::{RoomId, RoomRef, UserId};
use rookery_store::audit::{AuditEntry, AuditFilter};
use rookery_store::{Stores, page};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::admin::Administration;
use crate::error::ApiError;
use crate::http::cursor::Cursors;
use crate::http::extract::{Caller, PageQuery, QueryParams, RoomPath, Staff, bad_cursor, page_limit};
use crate::rooms::Rooms;

/// Which entries.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditQuery {
    /// Those of a room, by id or slug.
    #[param(value_type = Option<String>, pattern = "^[a-z0-9-]{1,64}$")]
    room: Option<RoomRef>,
    /// Those of somebody: the id of the user who acted.
    #[param(value_type = Option<Uuid>)]
    actor: Option<String>,
    /// Those of a kind, as in `user_disabled`.
    #[param(min_length = 1, max_length = 64)]
    action: Option<String>,
    /// Entries of the page, 1 to 200; 50 if not given.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// Where the page begins: the `next_cursor` of the page before.
    #[param(min_length = 1, max_length = 128, format = "cursor")]
    cursor: Option<String>,
}

/// A page of what staff have done, newest first.
#[derive(Serialize, ToSchema)]
pub struct AuditPage {
    /// The entries.
    entries: Vec<AuditView>,
    /// Where the next page begins; absent on the last one.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// An act of staff.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub struct AuditView {
    /// Its id.
    entry_id: Uuid,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: UnixMillis,
    /// Who.
    actor: Uuid,
    /// What.
    #[schema(example = "user_disabled")]
    action: String,
    /// Where; null if that was in no room.
    room: Option<Uuid>,
    /// To whom; null if that was nobody.
    user: Option<Uuid>,
    /// Why; null if nobody said so.
    reason: Option<String>,
    /// What else there is to say of it.
    #[schema(value_type = Option<Object>)]
    detail: Option<Value>,
}

impl From<AuditEntry> for AuditView {
    fn from(entry: AuditEntry) -> Self {
        Self {
            entry_id: entry.id,
            at: entry.at,
            actor: entry.actor.as_uuid(),
            action: entry.action,
            room: entry.room.map(RoomId::as_uuid),
            user: entry.user.map(UserId::as_uuid),
            reason: entry.reason,
            detail: entry.detail.and_then(|detail| serde_json::from_str(&detail).ok()),
        }
    }
}

impl AuditQuery {
    async fn filter(&self, rooms: &Rooms) -> Result<AuditFilter, ApiError> {
        let bad = |field: &'static str| move |_| ApiError::field(ErrorCode::BadField, field, "must be an id");
        let actor = self.actor.as_deref().map(UserId::from_hyphenated).transpose().map_err(bad("actor"))?;
        let action = self.action.clone();
        if action.as_ref().is_some_and(|action| action.is_empty() || action.chars().count() > 64) {
            return Err(ApiError::field(ErrorCode::BadField, "action", "must have 1 to 64 characters"));
        }
        let room = rooms.named(self.room.as_ref()).await?;
        Ok(AuditFilter { room, actor, action })
    }
}

/// What staff have done
///
/// For admins and moderators of the server. Entries are kept for 400 days.
#[utoipa::path(
    get,
    path = "/api/v1/moderation/audit",
    operation_id = "list_audit",
    tag = "moderation",
    security(("bearer" = [])),
    params(AuditQuery),
    responses(
        (status = 200, description = "A page of entries", body = AuditPage),
        (status = 400, description = "`bad_field`"),
        (status = 403, description = "`forbidden`"),
        (status = 404, description = "`unknown_room`: no room has this slug"),
    ),
)]
pub async fn list(
    State(administration): State<Administration>,
    State(rooms): State<Rooms>,
    State(cursors): State<Cursors>,
    _staff: Staff,
    QueryParams(query): QueryParams<AuditQuery>,
) -> Result<Json<AuditPage>, ApiError> {
    let (filter, limit) = (query.filter(&rooms).await?, page_limit(query.limit.as_deref())?);
    let read = |text| cursors.read_audit(text).ok_or_else(|| bad_cursor("cursor"));
    let before = query.cursor.as_deref().map(read).transpose()?;
    page_of(&administration.stores, &cursors, &filter, (limit, before)).await
}

/// What was done in a room to keep order
///
/// For its owner and moderators, and for staff. Entries are kept for 400 days.
#[utoipa::path(
    get,
    path = "/api/v1/rooms/{room}/audit",
    operation_id = "list_room_audit",
    tag = "moderation",
    security(("bearer" = [])),
    params(("room" = String, Path, description = "Id or slug", example = "general"), PageQuery),
    responses(
        (status = 200, description = "A page of entries", body = AuditPage),
        (status = 400, description = "`bad_field`"),
        (status = 403, description = "`forbidden`, `not_a_member` or `banned`"),
        (status = 404, description = "`unknown_room`, also for private rooms of others"),
    ),
)]
pub async fn of_room(
    State(rooms): State<Rooms>,
    State(cursors): State<Cursors>,
    caller: Caller,
    RoomPath(room): RoomPath,
    QueryParams(query): QueryParams<PageQuery>,
) -> Result<Json<AuditPage>, ApiError> {
    let room = rooms.moderated(&caller.into(), &room).await?;
    let filter = AuditFilter { room: Some(room.id), ..AuditFilter::default() };
    let before = query.place(|text| cursors.read_audit(text))?;
    page_of(&rooms.stores, &cursors, &filter, (query.limit()?, before)).await
}

async fn page_of(
    stores: &Stores,
    cursors: &Cursors,
    filter: &AuditFilter,
    (limit, before): (usize, Option<Uuid>),
) -> Result<Json<AuditPage>, ApiError> {
    let mut entries = stores.audit.page(filter, before, limit + 1).await?;
    let next_cursor = page::cut(&mut entries, limit).map(|entry| cursors.audit(entry.id));
    Ok(Json(AuditPage { entries: entries.into_iter().map(AuditView::from).collect(), next_cursor }))
}
