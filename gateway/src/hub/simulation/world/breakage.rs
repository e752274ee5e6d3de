//! What may go wrong.

use std::collections::VecDeque;

use rookery_bus::signal::Signal;
use tokio::time::Instant;

use super::{CLIENTS, METRICS, REPLACED, SERVER, World};
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
            _ => {
                self.rewind();
                self.failing = if self.slow { self.rng.below(4) } else { 0 };
            }
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
    pub(super) fn rewind(&mut self) {
        let state = if self.rng.chance(50) { self.snapshot.clone() } else { BusState::default() };
        let before = std::mem::replace(&mut self.bus, state);
        // The old server may only have been stopped, and with it those who were reading from it.
        self.replaced = self.rng.chance(50).then_some(before);
        let reading = std::mem::take(&mut self.batches[SERVER]);
        self.batches[REPLACED] = if self.replaced.is_some() { reading } else { VecDeque::new() };
        self.servers += 1;
        self.bus.epoch = None;
        self.snapshot = self.bus.clone();
        for node in &mut self.nodes {
            node.signals.push(Signal::Suspect);
        }
    }
}
