//! What is said in a room for the moment: told to whoever is there and reads, and forgotten.

use std::sync::Arc;

use rookery_protocol::id::UserId;

use super::room::Room;
use crate::dialect::SharedFrame;
use crate::send_queue::{Enqueued, SendQueue};

impl Room {
    /// How many connections are here.
    pub fn connections(&self) -> usize {
        self.live().map_or(0, |live| live.members.len())
    }

    /// Tells all but the user something that may be lost. Returns how many read too slowly for it.
    pub fn broadcast(&self, frame: &SharedFrame, from: UserId, owed: &mut Vec<Arc<SendQueue>>) -> u64 {
        let Some(live) = self.live() else { return 0 };
        let mut shed = 0;
        for member in live.members.iter().filter(|member| member.user != from) {
            match member.send_queue.enqueue_ephemeral(frame) {
                Enqueued::Unflushed => owed.push(Arc::clone(&member.send_queue)),
                Enqueued::Scheduled => {}
                Enqueued::Refused => shed += 1,
            }
        }
        shed
    }
}
