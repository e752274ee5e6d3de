//! `POST` and `GET /api/v1/admin/invites`, `DELETE /api/v1/admin/invites/{invite}`: invites to the server.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::UserId;
use rookery_protocol::integer;
use rookery_store::account::ServerInvite;
use rookery_store::page;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::accounts::Accounts;
use crate::admin::act::Act;
use crate::error::ApiError;
use crate::http::cursor::Cursors;
use crate::http::extract::{Admin, IdPath, JsonBody, PageQuery, QueryParams};
use crate::limits::{INVITE_SECONDS_MAX, INVITE_USES_MAX};
use crate::mail::secrets::hash;
use crate::random;

/// Bytes of an invite's code: 128 random bits.
const CODE_BYTES: usize = 16;

/// How an invite ends.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InviteRequest {
    /// How many may register with it; any number if not given.
    #[serde(default, deserialize_with = "integer::whole_or_null")]
    #[schema(minimum = 1, maximum = 100_000)]
    max_uses: Option<u64>,
    /// Seconds until it ends; never if not given.
    #[serde(default, deserialize_with = "integer::whole_or_null")]
    #[schema(minimum = 1, maximum = 31_622_400)]
    expires_in_s: Option<u64>,
}

/// A new invite. Its code is shown this once.
#[derive(Serialize, ToSchema)]
pub struct NewInvite {
    /// The invite.
    #[serde(flatten)]
    invite: ServerInviteView,
    /// What to register with.
    code: String,
    /// A link to the page that has it.
    url: String,
}

/// An invite to the server.
#[derive(Serialize, ToSchema)]
#[schema(as = ServerInvite)]
pub struct ServerInviteView {
    /// Its id.
    invite_id: Uuid,
    /// How many have registered with it.
    uses: u32,
    /// How many may; null for any number.
    max_uses: Option<u32>,
    /// When it ends; null for never.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<UnixMillis>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: UnixMillis,
    /// Who made it.
    by: Uuid,
}

/// A page of invites, oldest first.
#[derive(Serialize, ToSchema)]
pub struct InvitePage {
    /// The invites.
    invites: Vec<ServerInviteView>,
    /// Where the next page begins; absent on the last one.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

impl From<ServerInvite> for ServerInviteView {
    fn from(invite: ServerInvite) -> Self {
        Self {
            invite_id: invite.id,
            uses: invite.uses,
            max_uses: invite.max_uses,
            expires_at: invite.expires_at,
            created_at: invite.created_at,
            by: invite.by.as_uuid(),
        }
    }
}

impl InviteRequest {
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

/// Invite to the server
///
/// For admins. Whoever has the code may register where registration is by invite.
#[utoipa::path(
    post,
    path = "/api/v1/admin/invites",
    operation_id = "create_server_invite",
    tag = "admin",
    security(("bearer" = [])),
    request_body = InviteRequest,
    responses(
        (status = 201, description = "The invite", body = NewInvite),
        (status = 400, description = "`bad_field`"),
        (status = 403, description = "`forbidden`"),
    ),
)]
pub async fn create(
    State(accounts): State<Accounts>,
    Admin(admin): Admin,
    JsonBody(request): JsonBody<InviteRequest>,
) -> Result<(StatusCode, Json<NewInvite>), ApiError> {
    let (max_uses, life) = request.bounds()?;
    let (now, code) = (UnixMillis::now(), random::text::<CODE_BYTES>()?);
    let invite = ServerInvite {
        id: Uuid::now_v7(),
        hash: hash(&code),
        uses: 0,
        max_uses,
        by: admin.user_id,
        created_at: now,
        expires_at: life.map(|life| now.plus(life)),
    };
    accounts.stores.server_invites.insert(&invite).await?;
    tracing::info!(user_id = %admin.user_id, invite_id = %invite.id, "server invite made");
    accounts.note_invite("server_invite_made", invite.id, admin.user_id, now).await?;
    let url = accounts.post.link("register", &code);
    Ok((StatusCode::CREATED, Json(NewInvite { invite: invite.into(), code, url })))
}

/// Invites to the server
///
/// For admins; without their codes.
#[utoipa::path(
    get,
    path = "/api/v1/admin/invites",
    operation_id = "list_server_invites",
    tag = "admin",
    security(("bearer" = [])),
    params(PageQuery),
    responses(
        (status = 200, description = "A page of invites", body = InvitePage),
        (status = 400, description = "`bad_field`"),
        (status = 403, description = "`forbidden`"),
    ),
)]
pub async fn list(
    State(accounts): State<Accounts>,
    State(cursors): State<Cursors>,
    _admin: Admin,
    QueryParams(query): QueryParams<PageQuery>,
) -> Result<Json<InvitePage>, ApiError> {
    let limit = query.limit()?;
    let after = query.place(|text| cursors.read_invites(text))?;
    let mut invites = accounts.stores.server_invites.page(after, limit + 1).await?;
    let next_cursor = page::cut(&mut invites, limit).map(|invite| cursors.invites(invite.id));
    Ok(Json(InvitePage { invites: invites.into_iter().map(ServerInviteView::from).collect(), next_cursor }))
}

/// Revoke an invite to the server
///
/// For admins. Nobody registers with it any more; who has, stays.
#[utoipa::path(
    delete,
    path = "/api/v1/admin/invites/{invite}",
    operation_id = "revoke_server_invite",
    tag = "admin",
    security(("bearer" = [])),
    params(("invite" = Uuid, Path, description = "Id of the invite")),
    responses(
        (status = 204, description = "It is revoked"),
        (status = 403, description = "`forbidden`"),
        (status = 404, description = "`not_found`"),
    ),
)]
pub async fn revoke(
    State(accounts): State<Accounts>,
    Admin(admin): Admin,
    IdPath(invite): IdPath<Uuid>,
) -> Result<StatusCode, ApiError> {
    if !accounts.stores.server_invites.remove(invite).await? {
        return Err(ApiError::refused(ErrorCode::NotFound));
    }
    accounts
        .note_invite("server_invite_revoked", invite, admin.user_id, UnixMillis::now())
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

impl Accounts {
    async fn note_invite(&self, action: &'static str, id: Uuid, by: UserId, at: UnixMillis) -> Result<(), ApiError> {
        let act = Act { action, user: None, detail: Some(json!({"invite_id": id})) };
        Ok(self.stores.audit.add(&act.entry(by, at)).await?)
    }
}
