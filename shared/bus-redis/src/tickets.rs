//! Used tickets: a key for each, that ends by itself.

use async_trait::async_trait;
use fred::interfaces::KeysInterface as _;
use fred::types::{Expiration, SetOptions};
use rookery_bus::error::BusError;
use rookery_bus::limits::TICKET_KEPT;
use rookery_bus::ticket::Tickets;
use rookery_protocol::id::TicketId;

use crate::client::{WaitedFor, unless_moved};
use crate::{RedisBus, keys};

#[async_trait]
impl Tickets for RedisBus {
    async fn spend(&self, ticket: TicketId) -> Result<bool, BusError> {
        let (commands, key) = (self.commands.clone(), keys::ticket(ticket));
        let kept = i64::try_from(TICKET_KEPT.as_secs()).unwrap_or(i64::MAX);
        let set = WaitedFor::new(async move {
            unless_moved(|| {
                let (commands, key) = (commands.clone(), key.clone());
                async move {
                    let (end, first) = (Some(Expiration::EX(kept)), Some(SetOptions::NX));
                    commands.set::<Option<String>, _, _>(key, "", end, first, false).await
                }
            })
            .await
        });
        Ok(set.await?.is_some())
    }
}
