//! What is said in a room for the moment: told to whoever is there and reads, and forgotten.

use std::sync::Arc;

use rookery_protocol::id::UserId;

use super::room::Room;
use crate::frame::Frame;
use crate::send_queue::{Enqueued, SendQueue};

impl Room {
    /// How many connections are here.
    pub fn connections(&self) -> usize {
        self.live().map_or(0, |live| live.members.len())
    }

    /// Tells all but the user something that may be lost. Returns how many read too slowly for it.
    pub fn broadcast(&self, frame: &Frame, from: UserId, owed: &mut Vec<Arc<SendQueue>>) -> u64 {
        let Some(live) = self.live() else { return 0 };
        let mut shed = 0;
        for member in live.members.iter().filter(|member| member.user != from) {
            match member.send_queue.owe_in_passing(frame) {
                Enqueued::Unflushed => owed.push(Arc::clone(&member.send_queue)),
                Enqueued::Known => {}
                Enqueued::Behind => shed += 1,
            }
        }
        shed
    }
}
