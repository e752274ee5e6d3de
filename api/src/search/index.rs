//! `GET /api/v1/admin/search`

use axum::Json;
use axum::extract::State;
use rookery_protocol::clock::UnixMillis;
use rookery_store::search::Building;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::http::extract::Admin;
use crate::search::Searching;

/// The index of messages.
#[derive(Serialize, ToSchema)]
pub struct SearchIndex {
    /// Milliseconds that the oldest message has waited which waits for the index; 0 if none does.
    lag_ms: u64,
    /// How far it is with what was said before; null where that has not begun.
    building: Option<BuildingView>,
}

/// The taking in of what was said before.
#[derive(Serialize, ToSchema)]
#[schema(as = SearchIndexBuilding)]
pub struct BuildingView {
    /// Events that were looked at.
    done: u64,
    /// Events there were when it began, about.
    total: u64,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    begun_at: UnixMillis,
    /// When it was finished; null as long as it goes on.
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<UnixMillis>,
}

impl From<Building> for BuildingView {
    fn from(Building { done, total, begun_at, finished_at, .. }: Building) -> Self {
        Self { done, total, begun_at, finished_at }
    }
}

/// The index of messages
///
/// For admins: whether searches find what was said lately, and how far the index is with older messages.
#[utoipa::path(
    get,
    path = "/api/v1/admin/search",
    operation_id = "show_search_index",
    tag = "admin",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The index", body = SearchIndex),
        (status = 403, description = "`forbidden`"),
    ),
)]
pub async fn show(State(searching): State<Searching>, _admin: Admin) -> Result<Json<SearchIndex>, ApiError> {
    let (store, now) = (&searching.rooms.stores.search, UnixMillis::now());
    let oldest = store.waiting(now, 1).await?;
    let lag = oldest.first().map(|first| now.since(first.since)).unwrap_or_default();
    Ok(Json(SearchIndex {
        lag_ms: u64::try_from(lag.as_millis()).unwrap_or(u64::MAX),
        building: store.building().await?.map(BuildingView::from),
    }))
}
