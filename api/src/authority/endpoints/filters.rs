//! `POST /internal/v1/filter` and `POST /internal/v1/rooms/{room}/filter`

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use rookery_bus::authority::{FilterSource as _, VersionedFilter};
use rookery_protocol::id::RoomId;
use serde::Deserialize;

use crate::authority::LocalAuthority;
use crate::error::ApiError;
use crate::http::extract::JsonBody;

/// Which version a gateway has.
#[derive(Deserialize)]
pub struct Known {
    known: u64,
}

/// The server's word filter, if it is newer than that; else null.
pub async fn server(
    State(authority): State<Arc<LocalAuthority>>,
    JsonBody(Known { known }): JsonBody<Known>,
) -> Result<Json<Option<VersionedFilter>>, ApiError> {
    Ok(Json(authority.server_filter(known).await?))
}

/// The word filter of a room.
pub async fn room(
    State(authority): State<Arc<LocalAuthority>>,
    Path(room): Path<RoomId>,
) -> Result<Json<VersionedFilter>, ApiError> {
    Ok(Json(authority.room_filter(room).await?))
}
