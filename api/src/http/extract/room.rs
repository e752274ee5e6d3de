//! The room that a path names, and the member.

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::{RoomRef, UserId};

use crate::error::ApiError;

/// The path's `{room}`: an id or a slug. A text that can be neither is answered like a room that does not exist.
pub struct RoomPath(pub RoomRef);

impl<S: Send + Sync> FromRequestParts<S> for RoomPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let unknown = || ApiError::refused(ErrorCode::UnknownRoom);
        let Path(text) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| unknown())?;
        text.parse().map(Self).map_err(|_| unknown())
    }
}

/// The path's `{code}` of an invite. Bytes that are no text are answered like a code that nothing has.
pub struct InviteCodePath(pub String);

impl<S: Send + Sync> FromRequestParts<S> for InviteCodePath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let code = Path::<String>::from_request_parts(parts, state).await;
        code.map(|Path(code)| Self(code)).map_err(|_| ApiError::refused(ErrorCode::InviteInvalid))
    }
}

/// The path's `{room}` and `{user}`. A user that is no id is answered like one that does not exist.
pub struct MemberPath {
    /// Id or slug of the room.
    pub room: RoomRef,
    /// Id of the user.
    pub user: UserId,
}

impl<S: Send + Sync> FromRequestParts<S> for MemberPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let unknown = || ApiError::refused(ErrorCode::UnknownRoom);
        let Path((room, user)) =
            Path::<(String, String)>::from_request_parts(parts, state).await.map_err(|_| unknown())?;
        let room = room.parse().map_err(|_| unknown())?;
        let user = UserId::from_hyphenated(&user).map_err(|_| ApiError::refused(ErrorCode::NotFound))?;
        Ok(Self { room, user })
    }
}
