//! `PUT /api/v1/users/me/username`

use axum::Json;
use axum::extract::State;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::UserId;
use rookery_protocol::reserved::is_reserved;
use rookery_store::StoreError;
use rookery_store::user::{User, Username};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::accounts::Accounts;
use crate::accounts::me::Me;
use crate::error::ApiError;
use crate::http::extract::{Caller, JsonBody};
use crate::limits::{NAME_CLAIM_LIFE, OLD_NAME_KEPT, RENAME_INTERVAL};

/// Another name.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RenameRequest {
    /// Letters, digits, `_`, `-` and `.`; unique without regard to case.
    #[schema(value_type = String, min_length = 3, max_length = 32, example = "testuser",
        pattern = "^[A-Za-z0-9][A-Za-z0-9_.-]*[A-Za-z0-9]$")]
    username: Username,
}

/// Change your name
///
/// Once in 24 hours. The name that you had is kept for you for 30 days. History shows the new one, and what is sent from now on
/// has it, also with a token of before.
#[utoipa::path(
    put,
    path = "/api/v1/users/me/username",
    operation_id = "rename_me",
    tag = "users",
    security(("bearer" = [])),
    request_body = RenameRequest,
    responses(
        (status = 200, description = "The account", body = Me),
        (status = 400, description = "`bad_field`"),
        (status = 409, description = "`username_taken`, also for reserved words and names that are kept"),
    ),
)]
pub async fn rename(
    State(accounts): State<Accounts>,
    caller: Caller,
    JsonBody(request): JsonBody<RenameRequest>,
) -> Result<Json<Me>, ApiError> {
    let user = accounts.rename(caller.user_id, &request.username, UnixMillis::now()).await?;
    accounts.shown(user).await.map(Json)
}

impl Accounts {
    /// Gives the account another name. Both names are kept for it while that goes on, so that no registration gets in between.
    async fn rename(&self, id: UserId, name: &Username, now: UnixMillis) -> Result<User, ApiError> {
        let user = self.me(id).await?;
        if user.username == *name {
            // The same again, perhaps because the answer did not tell how far it came.
            self.stores.sessions.rename(id, name).await?;
            return Ok(user);
        }
        if is_reserved(&name.key()) {
            return Err(ApiError::field(ErrorCode::UsernameTaken, "username", "is reserved"));
        }
        self.check_name("username", name.as_str()).await?;
        let since = now.minus(RENAME_INTERVAL);
        if user.renamed_at.is_some_and(|last| last > since) {
            return Err(too_early(&user, now));
        }
        let (owner, names) = (id.as_uuid(), &self.stores.names);
        let (old, new) = (user.username.key(), name.key());
        if old != new && !names.claim(&new, owner, Some(now.plus(NAME_CLAIM_LIFE)), now).await? {
            return Err(ApiError::refused(ErrorCode::UsernameTaken));
        }
        names.claim(&old, owner, Some(now.plus(OLD_NAME_KEPT)), now).await?;
        let renamed = self.stores.users.rename(id, name, now, since).await;
        if matches!(renamed, Err(StoreError::Taken(_))) {
            names.release(&new, owner).await?;
        }
        let is_renamed = renamed?;
        // Somebody may have been faster with a third name: both of these are kept then, as any name is that was given up.
        let current = self.me(id).await?;
        names.release(&current.username.key(), owner).await?;
        if !is_renamed {
            return Err(too_early(&current, now));
        }
        self.stores.sessions.rename(id, &current.username).await?;
        tracing::info!(user_id = %id, "account renamed");
        self.tell_of_profile(&current).await;
        Ok(current)
    }
}

fn too_early(user: &User, now: UnixMillis) -> ApiError {
    let wait = user.renamed_at.map_or(RENAME_INTERVAL, |at| at.plus(RENAME_INTERVAL).since(now));
    ApiError::later(ErrorCode::RateLimited, u64::try_from(wait.as_millis()).unwrap_or(u64::MAX))
}
