//! An event on its way to a room's subscribers.

use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::UserId;
use rookery_protocol::position::Position;
use rookery_protocol::server::ServerFrame;

use crate::dialect::SharedFrame;

/// An event as members get it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its frame.
    pub frame: SharedFrame,
    /// The user who is no longer a member by it, if it is that kind of event.
    pub left: Option<UserId>,
}

impl Delivery {
    /// The event's position, and what is delivered of it. Nothing is encoded here.
    pub fn of(event: SequencedEvent) -> (Position, Self) {
        let at = Position { epoch: event.epoch, seq: event.seq };
        let left = event.event.body.departed(event.event.user_id);
        (at, Self { frame: ServerFrame::from(event).into(), left })
    }
}
