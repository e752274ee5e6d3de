//! Callers with a role on the whole server. The role is read with each request: one that was taken away opens nothing.

use axum::extract::{FromRef, FromRequestParts};
use http::request::Parts;
use rookery_protocol::error_code::ErrorCode;
use rookery_store::user::ServerRole;

use crate::error::ApiError;
use crate::http::extract::{Authentication, Caller};

/// An admin of the server.
#[derive(Clone, Debug)]
pub struct Admin(pub Caller);

/// An admin or a moderator of the server.
#[derive(Clone, Debug)]
pub struct Staff(pub Caller);

impl<S: Send + Sync> FromRequestParts<S> for Staff
where
    Authentication: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match with_role(parts, state).await? {
            (caller, ServerRole::Admin | ServerRole::Moderator) => Ok(Self(caller)),
            (_, ServerRole::User) => Err(ApiError::refused(ErrorCode::Forbidden)),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Admin
where
    Authentication: FromRef<S>,
{
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match with_role(parts, state).await? {
            (caller, ServerRole::Admin) => Ok(Self(caller)),
            (_, ServerRole::Moderator | ServerRole::User) => Err(ApiError::refused(ErrorCode::Forbidden)),
        }
    }
}

/// The caller, and its role as it is now.
async fn with_role<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<(Caller, ServerRole), ApiError>
where
    Authentication: FromRef<S>,
{
    let caller = Caller::from_request_parts(parts, state).await?;
    let users = Authentication::from_ref(state).users;
    let user = users.enabled(caller.user_id).await?;
    let user = user.ok_or_else(|| ApiError::refused(ErrorCode::Unauthenticated))?;
    Ok((caller, user.role))
}
