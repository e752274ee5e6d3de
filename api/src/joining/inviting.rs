//! `POST` and `GET /api/v1/rooms/{room}/invites`, `DELETE /api/v1/rooms/{room}/invites/{invite}`

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use rookery_protocol::access::{JoinRule, Rank, Visibility};
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::UserId;
use rookery_protocol::integer;
use rookery_store::joining::RoomInvite;
use rookery_store::page;
use rookery_store::room::Room;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::admin::act::Act;
use crate::error::ApiError;
use crate::http::cursor::Cursors;
use crate::http::extract::{Caller, JsonBody, MemberPath, PageQuery, QueryParams, RoomPath};
use crate::joining::Joining;
use crate::limits::{INVITE_SECONDS_MAX, INVITE_USES_MAX};
use crate::mail::secrets::hash;
use crate::random;

/// Bytes of an invite's code: 128 random bits.
const CODE_BYTES: usize = 16;

/// How an invite ends, and what it is good for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoomInviteRequest {
    /// How many may join by it; any number if not given.
    #[serde(default, deserialize_with = "integer::whole_or_null")]
    #[schema(minimum = 1, maximum = 100_000)]
    max_uses: Option<u64>,
    /// Seconds until it ends; never if not given.
    #[serde(default, deserialize_with = "integer::whole_or_null")]
    #[schema(minimum = 1, maximum = 31_622_400)]
    expires_in_s: Option<u64>,
    /// Whether moderators decide about whoever accepts it. Of others' invites they do in any case where they decide about
    /// everybody.
    #[serde(default)]
    approval: Option<bool>,
}

/// A new invite. Its code is shown this once.
#[derive(Serialize, ToSchema)]
pub struct NewRoomInvite {
    /// The invite.
    #[serde(flatten)]
    invite: RoomInviteView,
    /// What to accept it by.
    code: String,
    /// A link to the page that has it.
    url: String,
}

/// An invite to a room.
#[derive(Serialize, ToSchema)]
#[schema(as = RoomInvite)]
pub struct RoomInviteView {
    /// Its id.
    invite_id: Uuid,
    /// How often it was used.
    uses: u32,
    /// How often it may be; null for any number.
    max_uses: Option<u32>,
    /// When it ends; null for never.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<UnixMillis>,
    /// Whether moderators decide about whoever accepts it.
    approval: bool,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: UnixMillis,
    /// Who made it.
    by: Uuid,
}

/// A page of a room's invites, oldest first.
#[derive(Serialize, ToSchema)]
pub struct RoomInvitePage {
    /// The invites.
    invites: Vec<RoomInviteView>,
    /// Where the next page begins; absent on the last one.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

impl RoomInviteView {
    fn of(invite: &RoomInvite, room: &Room, maker_keeps_order: bool) -> Self {
        Self {
            invite_id: invite.id,
            uses: invite.uses,
            max_uses: invite.max_uses,
            expires_at: invite.expires_at,
            approval: invite.needs_approval(room.join == JoinRule::Approval, maker_keeps_order),
            created_at: invite.created_at,
            by: invite.by.as_uuid(),
        }
    }
}

impl RoomInviteRequest {
    /// How often the invite may be used, and how long.
    fn bounds(&self) -> Result<(Option<u32>, Option<Duration>), ApiError> {
        let bad = |field: &'static str, why: &'static str| ApiError::field(ErrorCode::BadField, field, why);
        let uses = |uses| u32::try_from(uses).ok().filter(|uses| (1..=INVITE_USES_MAX).contains(uses));
        let max_uses = match self.max_uses {
            None => None,
            Some(given) => Some(uses(given).ok_or_else(|| bad("max_uses", "must be a number from 1 to 100000"))?),
        };
        if self.expires_in_s.is_some_and(|seconds| !(1..=INVITE_SECONDS_MAX).contains(&seconds)) {
            return Err(bad("expires_in_s", "must be a number of seconds from 1 to 31622400"));
        }
        Ok((max_uses, self.expires_in_s.map(Duration::from_secs)))
    }
}

impl Joining {
    /// A link to a new room that is not for everybody who finds it.
    pub(crate) async fn first_invite(&self, by: UserId, room: &Room) -> Result<Option<String>, ApiError> {
        let asks = room.join == JoinRule::Approval;
        if room.visibility != Visibility::Private && !asks {
            return Ok(None);
        }
        let request = RoomInviteRequest { max_uses: None, expires_in_s: None, approval: Some(asks) };
        let made = self.new_invite(by, room, &request, true).await?;
        Ok(Some(made.url))
    }

    /// An invite to the room, and its code.
    pub(crate) async fn new_invite(
        &self,
        by: UserId,
        room: &Room,
        request: &RoomInviteRequest,
        by_moderator: bool,
    ) -> Result<NewRoomInvite, ApiError> {
        let (max_uses, life) = request.bounds()?;
        let (now, code) = (UnixMillis::now(), random::text::<CODE_BYTES>()?);
        let invite = RoomInvite {
            id: Uuid::now_v7(),
            room_id: room.id,
            hash: hash(&code),
            uses: 0,
            max_uses,
            by,
            by_moderator,
            approval: request.approval.unwrap_or(false),
            created_at: now,
            expires_at: life.map(|life| now.plus(life)),
        };
        self.rooms.stores.room_invites.insert(&invite).await?;
        tracing::info!(room_id = %room.id, user_id = %by, invite_id = %invite.id, "invite made");
        let url = self.post.link("invite", &code);
        Ok(NewRoomInvite { invite: RoomInviteView::of(&invite, room, by_moderator), code, url })
    }
}

/// Invite to a room
///
/// For moderators, those of the server included, and for members where they may. Whoever has the code may join without the room's password. It ends when you
/// leave the room.
#[utoipa::path(
    post,
    path = "/api/v1/rooms/{room}/invites",
    operation_id = "create_room_invite",
    tag = "rooms",
    security(("bearer" = [])),
    params(("room" = String, Path, description = "Id or slug")),
    request_body = RoomInviteRequest,
    responses(
        (status = 201, description = "The invite", body = NewRoomInvite),
        (status = 403, description = "`forbidden`, `not_a_member`, `banned` or `direct_room`"),
        (status = 404, description = "`unknown_room`, also for private rooms of others"),
    ),
)]
pub async fn create(
    State(joining): State<Joining>,
    caller: Caller,
    RoomPath(room): RoomPath,
    JsonBody(request): JsonBody<RoomInviteRequest>,
) -> Result<(StatusCode, Json<NewRoomInvite>), ApiError> {
    let (room, is_moderator) = joining.inviting(&caller.clone().into(), &room).await?;
    let made = joining.new_invite(caller.user_id, &room, &request, is_moderator).await?;
    if is_moderator {
        let detail = Some(json!({ "invite_id": made.invite.invite_id }));
        joining
            .rooms
            .note(room.id, caller.user_id, Act { action: "invite_made", user: None, detail })
            .await?;
    }
    Ok((StatusCode::CREATED, Json(made)))
}

/// Invites to a room
///
/// For those who may invite, without the codes. Moderators see all, others their own.
#[utoipa::path(
    get,
    path = "/api/v1/rooms/{room}/invites",
    operation_id = "list_room_invites",
    tag = "rooms",
    security(("bearer" = [])),
    params(("room" = String, Path, description = "Id or slug"), PageQuery),
    responses(
        (status = 200, description = "A page of invites", body = RoomInvitePage),
        (status = 400, description = "`bad_field`"),
        (status = 403, description = "`forbidden`, `not_a_member`, `banned` or `direct_room`"),
        (status = 404, description = "`unknown_room`, also for private rooms of others"),
    ),
)]
pub async fn list(
    State(joining): State<Joining>,
    State(cursors): State<Cursors>,
    caller: Caller,
    RoomPath(room): RoomPath,
    QueryParams(query): QueryParams<PageQuery>,
) -> Result<Json<RoomInvitePage>, ApiError> {
    let limit = query.limit()?;
    let (room, is_moderator) = joining.inviting(&caller.clone().into(), &room).await?;
    let after = query.place(|text| cursors.read_room_invites(room.id, text))?;
    let by = (!is_moderator).then_some(caller.user_id);
    let mut found = joining.rooms.stores.room_invites.page(room.id, by, after, limit + 1).await?;
    let next_cursor = page::cut(&mut found, limit).map(|invite| cursors.room_invites(room.id, invite.id));
    let mut makers: Vec<UserId> = found.iter().map(|invite| invite.by).collect();
    makers.sort_unstable();
    makers.dedup();
    let ranks = joining.ranks(room.id, &makers).await?;
    let keeps_order = |user: &UserId| ranks.get(user).is_some_and(|rank| *rank >= Rank::Moderator);
    let invites = found
        .iter()
        .map(|invite| RoomInviteView::of(invite, &room, keeps_order(&invite.by)))
        .collect();
    Ok(Json(RoomInvitePage { invites, next_cursor }))
}

/// Revoke an invite to a room
///
/// For moderators, and for whoever made it. Nobody joins by it any more; who has, stays.
#[utoipa::path(
    delete,
    path = "/api/v1/rooms/{room}/invites/{invite}",
    operation_id = "revoke_room_invite",
    tag = "rooms",
    security(("bearer" = [])),
    params(
        ("room" = String, Path, description = "Id or slug"),
        ("invite" = String, Path, description = "Id of the invite", format = Uuid),
    ),
    responses(
        (status = 204, description = "It is revoked"),
        (status = 403, description = "`forbidden`, `not_a_member`, `banned` or `direct_room`"),
        (status = 404, description = "`unknown_room`, also for private rooms of others; `not_found`"),
    ),
)]
pub async fn revoke(
    State(joining): State<Joining>,
    caller: Caller,
    // Two ids like those of a member.
    MemberPath { room, user: invite }: MemberPath,
) -> Result<StatusCode, ApiError> {
    let (room, is_moderator) = joining.inviting(&caller.clone().into(), &room).await?;
    let invites = &joining.rooms.stores.room_invites;
    let found = invites.by_id(invite.as_uuid()).await?.filter(|invite| invite.room_id == room.id);
    let may = found.is_some_and(|invite| is_moderator || invite.by == caller.user_id);
    if may && invites.remove(invite.as_uuid()).await? {
        tracing::info!(room_id = %room.id, user_id = %caller.user_id, invite_id = %invite, "invite revoked");
        if is_moderator {
            let detail = Some(json!({ "invite_id": invite }));
            joining
                .rooms
                .note(room.id, caller.user_id, Act { action: "invite_revoked", user: None, detail })
                .await?;
        }
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(ApiError::refused(ErrorCode::NotFound))
}
