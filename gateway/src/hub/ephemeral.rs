//! Ephemeral signals of a room: sent to whoever is there and reads, and forgotten.

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

    /// Sends a frame that may be lost to all but the user. Returns how many read too slowly for it.
    pub fn broadcast(&self, frame: &SharedFrame, from: UserId, unflushed: &mut Vec<Arc<SendQueue>>) -> u64 {
        self.broadcast_to(frame, |user| user != from, unflushed)
    }

    /// The same, to those who are to be told.
    pub fn broadcast_to(
        &self,
        frame: &SharedFrame,
        is_told: impl Fn(UserId) -> bool,
        unflushed: &mut Vec<Arc<SendQueue>>,
    ) -> u64 {
        let Some(live) = self.live() else { return 0 };
        let mut shed = 0;
        let told = live.members.iter().filter(|member| !member.is_background() && is_told(member.user));
        for member in told {
            match member.send_queue.enqueue_ephemeral(frame) {
                Enqueued::Unflushed => unflushed.push(Arc::clone(&member.send_queue)),
                Enqueued::Scheduled => {}
                Enqueued::Refused => shed += 1,
            }
        }
        shed
    }
}
