//! The bytes of a body that is no JSON, so many of them.

use std::error::Error;

use axum::body::{Body, HttpBody as _, to_bytes};
use bytes::Bytes;
use http_body_util::LengthLimitError;
use rookery_protocol::error_code::ErrorCode;

use crate::error::ApiError;

/// Reads a body of at most so many bytes. One that says that it is larger is refused before it is sent.
pub(crate) async fn upload(body: Body, bytes_max: usize) -> Result<Bytes, ApiError> {
    if body.size_hint().lower() > bytes_max as u64 {
        return Err(ApiError::refused(ErrorCode::FileTooLarge));
    }
    to_bytes(body, bytes_max).await.map_err(|error| {
        let is_too_large = error.source().is_some_and(<dyn Error>::is::<LengthLimitError>);
        if is_too_large {
            ApiError::refused(ErrorCode::FileTooLarge)
        } else {
            ApiError::field(ErrorCode::BadField, "(body)", "the body did not come to its end")
        }
    })
}
