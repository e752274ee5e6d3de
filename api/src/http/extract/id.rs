//! The one id of a path.

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::{FileId, JobId, MessageId, ScheduleId, SessionId, UserId};
use serde::Deserialize;
use uuid::Uuid;

use crate::error::ApiError;

/// What a path names by its id. A text that is none is answered like one that nothing has.
pub struct IdPath<T>(pub T);

/// An id that a path may have.
pub trait PathId: Sized + Send {
    /// Reads the one form that the documents promise.
    fn read(text: &str) -> Option<Self>;
}

impl PathId for Uuid {
    fn read(text: &str) -> Option<Self> {
        UserId::from_hyphenated(text).ok().map(UserId::as_uuid)
    }
}

macro_rules! path_ids {
    ($($id:ty),+) => {$(
        impl PathId for $id {
            fn read(text: &str) -> Option<Self> {
                Self::from_hyphenated(text).ok()
            }
        }
    )+};
}

path_ids!(FileId, JobId, MessageId, ScheduleId, SessionId, UserId);

impl<S: Send + Sync, T: PathId> FromRequestParts<S> for IdPath<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let unknown = || ApiError::refused(ErrorCode::NotFound);
        let Path(text) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| unknown())?;
        T::read(&text).map(Self).ok_or_else(unknown)
    }
}

/// What a path names by its id; none if the text is no id. For what is decided before it is known whether there is such a one.
pub struct OptionalId(pub Option<Uuid>);

impl<S: Send + Sync> FromRequestParts<S> for OptionalId {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        Ok(Self(path.ok().and_then(|Path(text)| Uuid::read(&text))))
    }
}

/// An id in a body, in the one form that the documents promise.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(from = "UserId")]
pub struct Hyphenated(pub Uuid);

impl From<UserId> for Hyphenated {
    fn from(id: UserId) -> Self {
        Self(id.as_uuid())
    }
}
