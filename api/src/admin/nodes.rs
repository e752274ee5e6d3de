//! `GET /api/v1/admin/nodes`

use axum::Json;
use axum::extract::State;
use rookery_bus::node::{NodeCard, NodeKind};
use rookery_protocol::clock::UnixMillis;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::admin::Administration;
use crate::error::ApiError;
use crate::http::extract::Admin;

/// The processes of the server.
#[derive(Serialize, ToSchema)]
pub struct NodeList {
    /// The one that has been running longest first.
    nodes: Vec<NodeView>,
}

/// A process, as it was a few seconds ago.
#[derive(Serialize, ToSchema)]
#[schema(as = Node)]
pub struct NodeView {
    /// Its id, from its start to its end.
    node_id: Uuid,
    /// What it is: `gateway` or `api`. One process that is both is shown as both.
    #[schema(value_type = String, example = "gateway")]
    kind: NodeKind,
    /// Name of its machine, as the machine says.
    host: String,
    /// Version of its program.
    version: String,
    /// When it started.
    #[schema(value_type = String, format = DateTime)]
    started_at: UnixMillis,
    /// Its sockets; of an api the requests that are being answered.
    connections: u64,
    /// Rooms with subscribers there.
    rooms: u64,
    /// Milliseconds that the last batch of events had waited which it stored; null if it stored none in the last minute.
    lag_ms: Option<u64>,
    /// Whether it takes no new work and is about to end.
    draining: bool,
    /// The newest generation of kinds of events that it knows. What needs a newer one is refused as long as it lives.
    event_generation: u32,
}

/// The processes of the server
#[utoipa::path(
    get,
    path = "/api/v1/admin/nodes",
    operation_id = "list_nodes",
    tag = "admin",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "All that have said that they run in the last 15 s", body = NodeList),
        (status = 403, description = "`forbidden`"),
    ),
)]
pub async fn list(State(administration): State<Administration>, _admin: Admin) -> Result<Json<NodeList>, ApiError> {
    let cards = administration.cards().await?;
    Ok(Json(NodeList { nodes: cards.into_iter().map(NodeView::from).collect() }))
}

impl From<NodeCard> for NodeView {
    fn from(card: NodeCard) -> Self {
        let NodeCard {
            id,
            kind,
            host,
            version,
            started_at,
            connections,
            rooms,
            lag_ms,
            draining,
            event_generation,
        } = card;
        Self {
            node_id: id,
            kind,
            host,
            version,
            started_at,
            connections,
            rooms,
            lag_ms,
            draining,
            event_generation,
        }
    }
}
