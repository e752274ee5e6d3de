//! `GET /api/v1/admin/users`, `PATCH /api/v1/admin/users/{user}`, `POST /api/v1/admin/users/{user}/logout`

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::UserId;
use rookery_protocol::text;
use rookery_store::user::{DisplayName, SearchPlace, ServerRole, User, UserChange, Username};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::admin::Administration;
use crate::admin::act::Act;
use crate::error::ApiError;
use crate::http::cursor::Cursors;
use crate::http::extract::{Admin, IdPath, JsonBody, QueryParams, bad_cursor, page_limit, present};
use crate::limits::ADMIN_SEARCH_ROWS_MAX;

/// Which accounts.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AdminUsersQuery {
    /// How a name or display name begins, without regard to case and accents; everybody if not given.
    #[param(max_length = 80)]
    q: Option<String>,
    /// Those with this role.
    #[param(value_type = Option<ServerRole>)]
    role: Option<String>,
    /// Those that may not log in, or those that may.
    #[param(value_type = Option<bool>)]
    disabled: Option<String>,
    /// Accounts of the page, 1 to 200; 50 if not given.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 200)]
    limit: Option<String>,
    /// Where the page begins: the `next_cursor` of the page before, with the same `q`.
    #[param(min_length = 1, max_length = 512, format = "cursor")]
    cursor: Option<String>,
}

/// A page of accounts, in the order of the names by which they are found. It may be short though there are more.
#[derive(Serialize, ToSchema)]
pub struct AdminUserPage {
    /// The accounts.
    users: Vec<AdminUserView>,
    /// Where the next page begins; absent on the last one.
    #[schema(nullable = false)]
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// An account as admins see it.
#[derive(Serialize, ToSchema)]
#[schema(as = AdminUser)]
pub struct AdminUserView {
    /// Id of the user.
    user_id: Uuid,
    /// Name of the user.
    #[schema(value_type = String)]
    username: Username,
    /// How it wants to be called.
    #[schema(value_type = Option<String>)]
    display_name: Option<DisplayName>,
    /// Its address.
    #[schema(format = Email)]
    email: String,
    /// Whether it is known that the address is its own.
    verified: bool,
    /// What it may do on the whole server.
    role: ServerRole,
    /// Whether it may not log in.
    disabled: bool,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: UnixMillis,
}

impl From<User> for AdminUserView {
    fn from(user: User) -> Self {
        Self {
            user_id: user.id.as_uuid(),
            username: user.username,
            display_name: user.profile.display_name,
            email: user.email.as_str().to_owned(),
            verified: user.verified,
            role: user.role,
            disabled: user.disabled,
            created_at: user.created_at,
        }
    }
}

/// The filters of a query.
struct Filter {
    prefix: String,
    role: Option<ServerRole>,
    disabled: Option<bool>,
}

impl AdminUsersQuery {
    fn filter(&self) -> Result<Filter, ApiError> {
        let bad = |field: &'static str, why: &'static str| ApiError::field(ErrorCode::BadField, field, why);
        let asked = self.q.as_deref().unwrap_or_default();
        if asked.chars().count() > 80 {
            return Err(bad("q", "must have at most 80 characters"));
        }
        let known = |word| ServerRole::from_word(word).ok_or_else(|| bad("role", "must be admin, moderator or user"));
        let role = self.role.as_deref().map(known).transpose()?;
        let disabled = match self.disabled.as_deref() {
            None => None,
            Some("true") => Some(true),
            Some("false") => Some(false),
            Some(_) => return Err(bad("disabled", "must be true or false")),
        };
        Ok(Filter { prefix: text::search_key(asked), role, disabled })
    }
}

impl Filter {
    fn keeps(&self, user: &User) -> bool {
        self.role.is_none_or(|role| user.role == role) && self.disabled.is_none_or(|disabled| user.disabled == disabled)
    }
}

/// Accounts
///
/// For admins.
#[utoipa::path(
    get,
    path = "/api/v1/admin/users",
    operation_id = "list_users",
    tag = "admin",
    security(("bearer" = [])),
    params(AdminUsersQuery),
    responses(
        (status = 200, description = "A page of accounts", body = AdminUserPage),
        (status = 400, description = "`bad_field`"),
        (status = 403, description = "`forbidden`"),
    ),
)]
pub async fn list(
    State(administration): State<Administration>,
    State(cursors): State<Cursors>,
    _admin: Admin,
    QueryParams(query): QueryParams<AdminUsersQuery>,
) -> Result<Json<AdminUserPage>, ApiError> {
    let (filter, limit) = (query.filter()?, page_limit(query.limit.as_deref())?);
    let read = |text| cursors.read_users(&filter.prefix, text).ok_or_else(|| bad_cursor("cursor"));
    let after = query.cursor.as_deref().map(read).transpose()?;
    let (users, next) = administration.search(&filter, after, limit).await?;
    let next_cursor = next.map(|place| cursors.users(&filter.prefix, &place));
    Ok(Json(AdminUserPage { users: users.into_iter().map(AdminUserView::from).collect(), next_cursor }))
}

/// What is to be different about an account. What is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminUserRequest {
    /// What it may do on the whole server.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    role: Option<ServerRole>,
    /// Whether it may not log in. All its sessions end.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    disabled: Option<bool>,
    /// Whether it is known that the address is its own.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    verified: Option<bool>,
}

/// Change an account
///
/// For admins. Roles are read with each request, so that one that was taken away opens nothing from then on.
#[utoipa::path(
    patch,
    path = "/api/v1/admin/users/{user}",
    operation_id = "change_user",
    tag = "admin",
    security(("bearer" = [])),
    params(("user" = Uuid, Path, description = "Id of the user")),
    request_body = AdminUserRequest,
    responses(
        (status = 200, description = "The account", body = AdminUserView),
        (status = 400, description = "`bad_field`"),
        (status = 403, description = "`forbidden`"),
        (status = 404, description = "`not_found`"),
        (status = 409, description = "`last_admin`: no admin who may log in would be left"),
    ),
)]
pub async fn change(
    State(administration): State<Administration>,
    Admin(admin): Admin,
    IdPath(user): IdPath<UserId>,
    JsonBody(request): JsonBody<AdminUserRequest>,
) -> Result<Json<AdminUserView>, ApiError> {
    administration.change_user(user, request, admin.user_id, UnixMillis::now()).await?;
    Ok(Json(administration.find(user).await?.into()))
}

/// End all sessions of an account
///
/// For admins. Their tokens work no more and their sockets are closed with 4409.
#[utoipa::path(
    post,
    path = "/api/v1/admin/users/{user}/logout",
    operation_id = "log_user_out",
    tag = "admin",
    security(("bearer" = [])),
    params(("user" = Uuid, Path, description = "Id of the user")),
    responses(
        (status = 204, description = "It is logged out everywhere"),
        (status = 403, description = "`forbidden`"),
        (status = 404, description = "`not_found`"),
    ),
)]
pub async fn log_out(
    State(administration): State<Administration>,
    Admin(admin): Admin,
    IdPath(user): IdPath<UserId>,
) -> Result<StatusCode, ApiError> {
    let now = UnixMillis::now();
    administration.find(user).await?;
    let was_in = !administration.stores.sessions.of_user(user, now, 1).await?.is_empty();
    // In any case: a socket may have outlived its session.
    administration.sessions.end_all(user, now).await?;
    if !was_in {
        return Ok(StatusCode::NO_CONTENT);
    }
    let act = Act { action: "user_logged_out", user: Some(user), detail: None };
    administration.note(act, admin.user_id, now).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl Administration {
    /// An account; none that is being erased, for which nothing can be changed any more.
    pub(super) async fn find(&self, user: UserId) -> Result<User, ApiError> {
        if self.stores.erasures.get(user).await?.is_some() {
            return Err(ApiError::refused(ErrorCode::NotFound));
        }
        self.stores.users.by_id(user).await?.ok_or_else(|| ApiError::refused(ErrorCode::NotFound))
    }

    /// Accounts that the filter keeps; it looks at so many, and then says where to go on.
    async fn search(
        &self,
        filter: &Filter,
        after: Option<SearchPlace>,
        limit: usize,
    ) -> Result<(Vec<User>, Option<SearchPlace>), ApiError> {
        let (mut kept, mut place, mut looked) = (Vec::new(), after, 0);
        while looked < ADMIN_SEARCH_ROWS_MAX {
            let asked = limit + 1;
            let found = self.stores.users.search(&filter.prefix, place.as_ref(), asked).await?;
            let is_last = found.len() < asked;
            looked += found.len();
            for (at, user) in found {
                if kept.len() == limit {
                    return Ok((kept, place));
                }
                place = Some(at);
                if filter.keeps(&user) {
                    kept.push(user);
                }
            }
            if is_last {
                return Ok((kept, None));
            }
        }
        Ok((kept, place))
    }

    /// Says whether an account may log in; one that may not is logged out everywhere.
    ///
    /// # Errors
    /// `unavailable` also if it is disabled and gateways may not know it for some seconds; the same again tells them.
    pub(crate) async fn set_disabled(
        &self,
        id: UserId,
        disabled: bool,
        by: UserId,
        now: UnixMillis,
    ) -> Result<(), ApiError> {
        let before = self.find(id).await?;
        // In this order: a login that is under way looks at the account again after its session is there.
        self.stores.users.set_disabled(id, disabled).await?;
        let told = !disabled || self.sessions.end_all(id, now).await?;
        if before.disabled != disabled {
            let action = if disabled { "user_disabled" } else { "user_enabled" };
            self.note(Act { action, user: Some(id), detail: None }, by, now).await?;
        }
        if told { Ok(()) } else { Err(ApiError::refused(ErrorCode::Unavailable)) }
    }

    async fn change_user(
        &self,
        id: UserId,
        request: AdminUserRequest,
        by: UserId,
        now: UnixMillis,
    ) -> Result<(), ApiError> {
        let (user, before) = (Some(id), self.find(id).await?);
        if let Some(role) = request.role {
            self.stores.users.set_role(id, role).await?;
            if role != before.role {
                let detail = Some(json!({"role": role}));
                self.note(Act { action: "user_role_changed", user, detail }, by, now).await?;
            }
        }
        if let Some(disabled) = request.disabled {
            self.set_disabled(id, disabled, by, now).await?;
        }
        if let Some(verified) = request.verified.filter(|verified| *verified != before.verified) {
            let change = UserChange { verified: Some(verified), ..UserChange::default() };
            self.stores.users.change(id, &change).await?;
            let detail = Some(json!({"verified": verified}));
            self.note(Act { action: "user_verified", user, detail }, by, now).await?;
        }
        Ok(())
    }
}
