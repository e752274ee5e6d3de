//! What anybody may know of the server, also before logging in.

use axum::Json;
use axum::extract::{FromRef, State};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::accounts::Accounts;
use crate::http::limit::ClientAddress;

/// The routes about the server itself.
pub(crate) fn routes<S>() -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
    Accounts: FromRef<S>,
{
    OpenApiRouter::new().routes(routes!(server))
}

/// What a client should know before it logs in.
#[derive(Serialize, ToSchema)]
#[schema(as = Server)]
pub struct ServerView {
    /// Who may register: `open` is everybody, `closed` nobody.
    #[schema(example = "open")]
    registration: &'static str,
    /// The address that the server takes you for. Limits by address count it.
    #[schema(example = "203.0.113.7")]
    your_address: String,
    /// Version of the server.
    #[schema(example = "0.1.0")]
    version: &'static str,
}

/// The server
///
/// Without login.
#[utoipa::path(
    get,
    path = "/api/v1/server",
    operation_id = "get_server",
    tag = "server",
    responses((status = 200, description = "The server", body = ServerView)),
)]
pub async fn server(State(accounts): State<Accounts>, from: ClientAddress) -> Json<ServerView> {
    Json(ServerView {
        registration: accounts.registration.as_str(),
        your_address: from.0.to_canonical().to_string(),
        version: env!("CARGO_PKG_VERSION"),
    })
}
