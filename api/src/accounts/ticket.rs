//! `POST /api/v1/auth/ticket`

use axum::Json;
use axum::extract::State;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::TicketId;
use rookery_runtime::token::Ticket;
use serde::Serialize;
use utoipa::ToSchema;

use crate::accounts::sessions::Sessions;
use crate::error::ApiError;
use crate::http::extract::Caller;

/// What opens one socket.
#[derive(Serialize, ToSchema)]
#[schema(as = Ticket)]
pub struct TicketView {
    /// Goes into the address of the socket, `/ws?ticket=…`.
    ticket: String,
    /// Seconds for which it is good.
    #[schema(example = 30)]
    expires_in: u64,
}

/// Get a ticket for a socket
///
/// For clients that can put nothing but an address into an upgrade. It opens one socket, which ends when the access token would
/// that was asked with; it is of no use once the session has ended.
#[utoipa::path(
    post,
    path = "/api/v1/auth/ticket",
    operation_id = "get_ticket",
    tag = "auth",
    security(("bearer" = [])),
    responses((status = 200, description = "The ticket", body = TicketView)),
)]
pub async fn ticket(State(sessions): State<Sessions>, caller: Caller) -> Result<Json<TicketView>, ApiError> {
    let ticket = Ticket::new(caller.claims(&sessions.tokens.issuer), TicketId::generate(), UnixMillis::now());
    Ok(Json(TicketView { ticket: sessions.keys.sign_ticket(&ticket)?, expires_in: ticket.life_seconds() }))
}
