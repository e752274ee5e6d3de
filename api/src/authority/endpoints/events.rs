//! `POST /internal/v1/rooms/{room}/events`

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use rookery_bus::authority::HistorySource as _;
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::{Epoch, RoomRef, Seq};
use rookery_protocol::position::Position;
use serde::Deserialize;

use crate::authority::LocalAuthority;
use crate::error::ApiError;
use crate::http::extract::{JsonBody, RoomPath};

/// A gateway's question. Unknown fields are let be: a newer gateway may ask an older api.
#[derive(Deserialize)]
pub struct EventsRequest {
    epoch: Epoch,
    after: Seq,
    limit: usize,
}

/// Events that follow the place without a gap. By id only.
pub async fn events(
    State(authority): State<Arc<LocalAuthority>>,
    RoomPath(room): RoomPath,
    JsonBody(request): JsonBody<EventsRequest>,
) -> Result<Json<Vec<SequencedEvent>>, ApiError> {
    let RoomRef::Id(room) = room else {
        return Err(ApiError::refused(ErrorCode::UnknownRoom));
    };
    let place = Position { epoch: request.epoch, seq: request.after };
    Ok(Json(authority.events(room, place, request.limit).await?))
}
