//! `PUT /api/v1/users/me/username`

use axum::Json;
use axum::extract::State;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::UserId;
use rookery_protocol::reserved::is_reserved;
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
/// Once in 24 hours. The name that you had is kept for you for 30 days. History shows the new one; what is sent with a token
/// of before still has the old one.
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
    accounts.tell_of_profile(&user).await;
    accounts.shown(user).await.map(Json)
}

impl Accounts {
    /// Gives the account another name. Both names are kept for it while that goes on, so that no registration gets in between.
    async fn rename(&self, id: UserId, name: &Username, now: UnixMillis) -> Result<User, ApiError> {
        let user = self.me(id).await?;
        if user.username == *name {
            return Ok(user);
        }
        if is_reserved(&name.key()) {
            return Err(ApiError::field(ErrorCode::UsernameTaken, "username", "is reserved"));
        }
        self.check_name("username", name.as_str()).await?;
        let (owner, names) = (id.as_uuid(), &self.stores.names);
        let (old, new) = (user.username.key(), name.key());
        let has_other_key = old != new;
        if has_other_key && !names.claim(&new, owner, Some(now.plus(NAME_CLAIM_LIFE)), now).await? {
            return Err(ApiError::refused(ErrorCode::UsernameTaken));
        }
        names.claim(&old, owner, Some(now.plus(OLD_NAME_KEPT)), now).await?;
        let since = now.minus(RENAME_INTERVAL);
        let renamed = self.stores.users.rename(id, name, now, since).await;
        let given_up = if matches!(renamed, Ok(true)) { &new } else { &old };
        names.release(given_up, owner).await?;
        match renamed {
            Ok(true) => {
                tracing::info!(user_id = %id, "account renamed");
                self.me(id).await
            }
            outcome => {
                if has_other_key {
                    names.release(&new, owner).await?;
                }
                outcome?;
                let wait = user.renamed_at.map_or(RENAME_INTERVAL, |at| at.plus(RENAME_INTERVAL).since(now));
                Err(ApiError::later(ErrorCode::RateLimited, u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)))
            }
        }
    }
}
