//! The message that a path names, and the reaction.

use std::collections::HashMap;

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use rookery_protocol::emoji::Emoji;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::id::{MessageId, RoomRef};

use crate::error::ApiError;

/// The path's `{room}` and `{message}`. A text that can be neither is answered like one that does not exist.
pub struct MessagePath {
    /// Id or slug of the room.
    pub room: RoomRef,
    /// Id of the message.
    pub message: MessageId,
}

/// The path's `{message}`, which stands alone.
pub struct LoneMessagePath(pub MessageId);

/// The path's `{room}`, `{message}` and `{emoji}`.
pub struct ReactionPath {
    /// Room and message.
    pub message: MessagePath,
    /// Emoji of the reaction.
    pub emoji: Emoji,
}

type Segments = HashMap<String, String>;

async fn segments<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<Segments, ApiError> {
    let path = Path::<Segments>::from_request_parts(parts, state).await;
    path.map(|Path(segments)| segments).map_err(|_| ApiError::refused(ErrorCode::NotFound))
}

fn message(segments: &Segments) -> Result<MessagePath, ApiError> {
    let text = |name: &str| segments.get(name).map_or("", String::as_str);
    let room = text("room").parse().map_err(|_| ApiError::refused(ErrorCode::UnknownRoom))?;
    let message =
        MessageId::from_hyphenated(text("message")).map_err(|_| ApiError::refused(ErrorCode::UnknownMessage))?;
    Ok(MessagePath { room, message })
}

impl<S: Send + Sync> FromRequestParts<S> for MessagePath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        message(&segments(parts, state).await?)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for LoneMessagePath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let segments = segments(parts, state).await?;
        let id = MessageId::from_hyphenated(segments.get("message").map_or("", String::as_str));
        id.map(Self).map_err(|_| ApiError::refused(ErrorCode::UnknownMessage))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for ReactionPath {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let mut segments = segments(parts, state).await?;
        let message = message(&segments)?;
        let emoji = Emoji::try_from(segments.remove("emoji").unwrap_or_default());
        let emoji = emoji.map_err(|detail| ApiError::field(ErrorCode::BadField, "emoji", detail))?;
        Ok(Self { message, emoji })
    }
}
