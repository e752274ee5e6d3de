//! Read receipts: told like typing, to those of a room who are there and read. Nothing of it is kept here.

use std::sync::Arc;

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::id::{RoomId, UserId};
use rookery_protocol::position::Position;
use rookery_protocol::server::ServerFrame;

use super::Presence;
use crate::dialect::SharedFrame;
use crate::send_queue::SendQueue;

/// A member has read on.
#[derive(Clone, Copy)]
pub struct ReadOn<'a> {
    /// Id of the user.
    pub user: UserId,
    /// Up to where.
    pub to: Position,
    /// When.
    pub at: UnixMillis,
    /// Who is not told.
    pub except: &'a [UserId],
}

impl Presence {
    /// Tells the others in the room.
    pub fn on_read(&self, room: RoomId, read: ReadOn<'_>, unflushed: &mut Vec<Arc<SendQueue>>) {
        let Some(here) = self.hub.get(room) else { return };
        let ReadOn { user, to, at, except } = read;
        let frame = SharedFrame::from(ServerFrame::ReadBy { room, user_id: user, read: to, at });
        let shed = here.broadcast_to(&frame, |other| other != user && !except.contains(&other), unflushed);
        self.metrics.typing_dropped.with_label_values(&["slow"]).inc_by(shed);
    }
}
