//! `PATCH /api/v1/users/me` and `GET /api/v1/users/{user}`: what accounts say of themselves.

use axum::Json;
use axum::extract::State;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::{RoomId, UserId};
use rookery_store::change::Change;
use rookery_store::limits::ROOMS_OF_USER_MAX;
use rookery_store::user::{Bio, DisplayName, Language, UserChange};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::accounts::Accounts;
use crate::accounts::me::Me;
use crate::accounts::view::{ProfileView, UserView};
use crate::error::ApiError;
use crate::http::extract::{Caller, IdPath, JsonBody};

/// What is to be said of you. What is left out stays, null takes it away.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileRequest {
    /// How you want to be called: one visible line.
    #[serde(default)]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 80, format = "visible-text")]
    display_name: Change<DisplayName>,
    /// About you.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 500, format = "visible-text")]
    bio: Change<Bio>,
    /// A language tag, as in `pt-BR`.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 35, pattern = "^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$")]
    language: Change<Language>,
}

/// Change what is said of you
#[utoipa::path(
    patch,
    path = "/api/v1/users/me",
    operation_id = "change_me",
    tag = "users",
    security(("bearer" = [])),
    request_body = ProfileRequest,
    responses(
        (status = 200, description = "The account", body = Me),
        (status = 400, description = "`bad_field`"),
    ),
)]
pub async fn change_me(
    State(accounts): State<Accounts>,
    caller: Caller,
    JsonBody(request): JsonBody<ProfileRequest>,
) -> Result<Json<Me>, ApiError> {
    let ProfileRequest { display_name, bio, language } = request;
    if let Change::Set(name) = &display_name {
        accounts.check_name("display_name", name.as_str()).await?;
    }
    if let Change::Set(bio) = &bio {
        accounts.check_name("bio", bio.as_str()).await?;
    }
    let before = accounts.me(caller.user_id).await?;
    let change = UserChange { display_name, bio, language, ..UserChange::default() };
    let user = accounts.stores.users.change(caller.user_id, &change).await?;
    let user = user.ok_or_else(|| ApiError::refused(ErrorCode::Unauthenticated))?;
    if user.profile != before.profile {
        accounts.tell_of_profile(&user).await;
    }
    accounts.shown(user).await.map(Json)
}

/// An account as everybody may see it, and what it has to do with you.
#[derive(Serialize, ToSchema)]
pub struct PublicProfile {
    /// What everybody may see.
    #[serde(flatten)]
    user: UserView,
    /// What it says of itself.
    #[serde(flatten)]
    profile: ProfileView,
    /// Ids of the rooms that both of you are in, of the first 1,000 that you are in.
    shared_rooms: Vec<Uuid>,
    /// Whether you have blocked it.
    blocked: bool,
}

/// An account
#[utoipa::path(
    get,
    path = "/api/v1/users/{user}",
    operation_id = "get_user",
    tag = "users",
    security(("bearer" = [])),
    params(("user" = Uuid, Path, description = "Id of the user")),
    responses(
        (status = 200, description = "The account", body = PublicProfile),
        (status = 404, description = "`not_found`"),
    ),
)]
pub async fn user(
    State(accounts): State<Accounts>,
    caller: Caller,
    IdPath(id): IdPath<UserId>,
) -> Result<Json<PublicProfile>, ApiError> {
    let user = accounts
        .stores
        .users
        .by_id(id)
        .await?
        .ok_or_else(|| ApiError::refused(ErrorCode::NotFound))?;
    let shared_rooms = accounts.shared_rooms(caller.user_id, id).await?;
    let blocked = accounts.stores.blocks.is_blocked(caller.user_id, id).await?;
    Ok(Json(PublicProfile {
        user: UserView::from(&user),
        profile: ProfileView::from(&user),
        shared_rooms: shared_rooms.into_iter().map(RoomId::as_uuid).collect(),
        blocked,
    }))
}

impl Accounts {
    async fn shared_rooms(&self, one: UserId, other: UserId) -> Result<Vec<RoomId>, ApiError> {
        let own = self.stores.members.of_user(one, ROOMS_OF_USER_MAX).await?;
        let places: Vec<(RoomId, UserId)> = own.iter().map(|member| (member.room_id, other)).collect();
        let mut shared: Vec<RoomId> = self
            .stores
            .members
            .places(&places)
            .await?
            .into_iter()
            .map(|member| member.room_id)
            .collect();
        shared.sort_unstable();
        Ok(shared)
    }
}
