//! What may go wrong.

use rookery_shared::bus::Signal;
use tokio::time::Instant;

use super::{CLIENTS, METRICS, World};
use crate::hub::simulation::node::Node;
use crate::hub::simulation::parts::BusState;

impl World {
    pub(super) fn break_something(&mut self, client: usize, node: usize) {
        match self.rng.below(10) {
            0..4 => self.cut(client),
            4 => {
                self.nodes[node] = Node::new(&METRICS);
                let there = |n: &usize| self.connections[*n].as_ref().is_some_and(|connection| connection.node == node);
                let lost: Vec<usize> = (0..CLIENTS).filter(there).collect();
                for client in lost {
                    self.cut(client);
                }
            }
            5 | 6 => self.api_up = !self.api_up,
            7 | 8 => self.snapshot = self.bus.clone(),
            _ => self.rewind(),
        }
    }

    fn cut(&mut self, client: usize) {
        if let Some(connection) = self.connections[client].take()
            && let Some(room) = &self.nodes[connection.node].room
        {
            room.detach(connection.member.id, Instant::now());
        }
        self.clients[client].disconnected();
    }

    /// The bus comes back with what it had a while ago, or with nothing. Nodes notice that they were cut off.
    fn rewind(&mut self) {
        self.bus = if self.rng.chance(50) { self.snapshot.clone() } else { BusState::default() };
        self.bus.epoch = None;
        self.snapshot = self.bus.clone();
        for node in &mut self.nodes {
            node.signals.push(Signal::Suspect);
        }
    }
}
