//! Tickets that were used.

use async_trait::async_trait;
use rookery_protocol::id::TicketId;

use crate::error::BusError;

pub(crate) mod memory;

/// Makes sure that a ticket opens one socket, whichever node it is brought to.
#[async_trait]
pub trait Tickets: Send + Sync + 'static {
    /// Uses a ticket; false if it was used before. That is known for [`crate::limits::TICKET_KEPT`], which is longer than a
    /// ticket is good for. Without an answer it may be used or not.
    async fn spend(&self, ticket: TicketId) -> Result<bool, BusError>;
}
