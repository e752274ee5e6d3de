//! `GET /api/v1/admin/stats`

use axum::Json;
use axum::extract::State;
use rookery_bus::node::NodeKind;
use rookery_protocol::clock::UnixMillis;
use rookery_store::figures::StoreFigures;
use serde::Serialize;
use utoipa::ToSchema;

use crate::admin::Administration;
use crate::error::ApiError;
use crate::http::extract::Admin;
use crate::limits::STATS_DAYS;

/// How much there is.
#[derive(Serialize, ToSchema)]
pub struct StatsView {
    /// Accounts.
    users: u64,
    /// Login sessions that are kept, also those that ended lately.
    sessions: u64,
    /// Rooms, also those that ended.
    rooms: u64,
    /// Events of rooms that are kept.
    events: u64,
    /// Messages of the last days, by the day (UTC), newest first. Days without messages are left out.
    messages_per_day: Vec<DayView>,
    /// What the store takes.
    storage: StorageView,
    /// Gateways that have said that they run in the last 15 s.
    gateways: usize,
    /// Apis that have said so.
    apis: usize,
    /// Their sockets.
    connections: u64,
}

/// Messages of a day.
#[derive(Serialize, ToSchema)]
#[schema(as = MessagesOfDay)]
pub struct DayView {
    /// When the day began.
    #[schema(value_type = String, format = DateTime)]
    day: UnixMillis,
    /// Messages that were stored on it.
    messages: u64,
}

/// What the store takes.
#[derive(Serialize, ToSchema)]
#[schema(as = Storage)]
pub struct StorageView {
    /// Bytes of the database.
    bytes: u64,
}

/// How much there is
///
/// For admins. Numbers are those of a moment ago, and may be a little off in a cluster.
#[utoipa::path(
    get,
    path = "/api/v1/admin/stats",
    operation_id = "server_stats",
    tag = "admin",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The numbers", body = StatsView),
        (status = 403, description = "`forbidden`"),
    ),
)]
pub async fn show(State(administration): State<Administration>, _admin: Admin) -> Result<Json<StatsView>, ApiError> {
    let figures = &administration.stores.figures;
    let (counted, days) = tokio::try_join!(figures.count(), figures.messages(STATS_DAYS))?;
    let cards = administration.nodes.nodes().await?;
    let of = |kind: NodeKind| cards.iter().filter(move |card| card.kind == kind);
    let StoreFigures { users, sessions, rooms, events, bytes } = counted;
    Ok(Json(StatsView {
        users,
        sessions,
        rooms,
        events,
        messages_per_day: days.into_iter().map(|(day, messages)| DayView { day, messages }).collect(),
        storage: StorageView { bytes },
        gateways: of(NodeKind::Gateway).count(),
        apis: of(NodeKind::Api).count(),
        connections: of(NodeKind::Gateway).map(|card| card.connections).sum(),
    }))
}
