//! What has to be true when nothing breaks any more.

use std::collections::{BTreeMap, BTreeSet};

use rookery_bus::Head;
use rookery_protocol::id::MessageId;

use super::World;
use crate::hub::simulation::Violation;
use crate::hub::simulation::client::Client;

impl World {
    pub(in crate::hub::simulation) fn rests(&self) -> bool {
        let Some(Head { epoch, seq, .. }) = self.bus.head() else { return false };
        let is_done = |client: &Client| client.send_queue.is_empty() && client.has_arrived((epoch, seq));
        self.bus.log.is_empty() && self.clients.iter().all(is_done)
    }

    pub(in crate::hub::simulation) fn unrest(&self) -> String {
        let open: Vec<usize> = self.clients.iter().map(|client| client.send_queue.len()).collect();
        let live: Vec<bool> = self.clients.iter().map(|client| client.live).collect();
        format!("head {:?}, log {}, open {open:?}, live {live:?}", self.bus.head(), self.bus.log.len())
    }

    /// What must be true when all is quiet: everybody shows what history tells, and nothing acked is missing.
    pub(in crate::hub::simulation) fn judge(&self) -> Result<(), Violation> {
        let history: Vec<MessageId> = self.store.events.values().map(|event| event.event.id).collect();
        let ids: BTreeSet<MessageId> = history.iter().copied().collect();
        for (n, client) in self.clients.iter().enumerate() {
            if !client.acked.is_subset(&ids) {
                return Err(format!("a message that was acked to client {n} is not in history"));
            }
            if client.timeline() != history {
                let told: BTreeMap<_, _> =
                    self.store.events.iter().map(|(place, event)| (*place, event.event.id)).collect();
                let missing: Vec<_> = told.iter().filter(|(place, id)| client.shown.get(place) != Some(id)).collect();
                let ghosts: Vec<_> = client.shown.iter().filter(|(place, id)| told.get(place) != Some(id)).collect();
                return Err(format!("client {n} does not show {missing:?} of history, but {ghosts:?}"));
            }
        }
        Ok(())
    }
}
