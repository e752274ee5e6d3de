//! Used tickets inside one process.

use std::collections::{HashMap, VecDeque};

use rookery_protocol::id::TicketId;
use tokio::time::Instant;

use crate::error::BusError;
use crate::limits::{TICKET_KEPT, TICKETS_KEPT_MAX};

/// The tickets that were used lately.
#[derive(Debug, Default)]
pub(crate) struct SpentTickets {
    known: HashMap<TicketId, Instant>,
    oldest_first: VecDeque<TicketId>,
}

impl SpentTickets {
    /// Uses a ticket; false if it was used before.
    pub(crate) fn spend(&mut self, ticket: TicketId, now: Instant) -> Result<bool, BusError> {
        while let Some(oldest) = self.oldest_first.front() {
            if self.known.get(oldest).is_some_and(|until| now < *until) {
                break;
            }
            self.known.remove(oldest);
            self.oldest_first.pop_front();
        }
        if self.known.contains_key(&ticket) {
            return Ok(false);
        }
        if self.known.len() >= TICKETS_KEPT_MAX {
            return Err(BusError::Unavailable("too many tickets were used lately".to_owned()));
        }
        self.known.insert(ticket, now + TICKET_KEPT);
        self.oldest_first.push_back(ticket);
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn used_tickets_are_forgotten_in_time_and_are_bounded() {
        let (mut spent, now) = (SpentTickets::default(), Instant::now());
        let first = TicketId::generate();
        assert_eq!((spent.spend(first, now), spent.spend(first, now)), (Ok(true), Ok(false)));
        for _ in 1..TICKETS_KEPT_MAX {
            assert_eq!(spent.spend(TicketId::generate(), now), Ok(true));
        }
        assert!(spent.spend(TicketId::generate(), now).is_err());
        let later = now + TICKET_KEPT + Duration::from_secs(1);
        assert_eq!(spent.spend(TicketId::generate(), later), Ok(true));
        assert_eq!((spent.known.len(), spent.oldest_first.len()), (1, 1));
    }
}
