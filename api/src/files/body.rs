//! The bytes of an upload as they come: so many, and not slower than may be.

use axum::body::Body;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use rookery_protocol::error_code::ErrorCode;
use tokio::time::{Instant, timeout_at};

use crate::error::ApiError;
use crate::limits::{UPLOAD_DEADLINE, UPLOAD_IDLE};

/// A body that is read.
pub(super) struct Incoming {
    body: Body,
    left: u64,
    ends: Instant,
}

impl Incoming {
    /// At most so many bytes, until [`UPLOAD_DEADLINE`] from now on.
    pub(super) fn new(body: Body, bytes_max: u64) -> Self {
        Self { body, left: bytes_max, ends: Instant::now() + UPLOAD_DEADLINE }
    }

    /// The next bytes; none at the end.
    ///
    /// # Errors
    /// If there are too many, they come too slowly, or they end before their end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        loop {
            let until = self.ends.min(Instant::now() + UPLOAD_IDLE);
            let frame = timeout_at(until, self.body.frame());
            let frame = frame.await.map_err(|_| ApiError::refused(ErrorCode::RequestTimeout))?;
            let Some(frame) = frame else { return Ok(None) };
            let Ok(bytes) = frame.map_err(|_| broken_off())?.into_data() else { continue };
            if bytes.is_empty() {
                continue;
            }
            let left = self.left.checked_sub(bytes.len() as u64);
            self.left = left.ok_or_else(|| ApiError::refused(ErrorCode::FileTooLarge))?;
            return Ok(Some(bytes));
        }
    }
}

/// The client has gone, or says less than it said it would.
pub(super) fn broken_off() -> ApiError {
    ApiError::field(ErrorCode::BadField, "(body)", "the body did not come to its end")
}
