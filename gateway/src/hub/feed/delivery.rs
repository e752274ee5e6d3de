//! An event on its way to a room's subscribers.

use rookery_protocol::event::{EventBody, SequencedEvent};
use rookery_protocol::id::UserId;
use rookery_protocol::position::Position;
use rookery_protocol::server::{ServerFrame, UnsubscribeReason};

use crate::dialect::SharedFrame;

/// An event as members get it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its frame.
    pub frame: SharedFrame,
    /// Whose subscriptions end behind it.
    pub ends: Option<Ends>,
}

/// Subscriptions that an event ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ends {
    /// Those of a user who is no longer a member.
    User(UserId, Option<UnsubscribeReason>),
    /// All: the room is no more.
    Room(UnsubscribeReason),
}

impl Delivery {
    /// The event's position, and what is delivered of it. Nothing is encoded here.
    pub fn of(event: SequencedEvent) -> (Position, Self) {
        let at = Position { epoch: event.epoch, seq: event.seq };
        let ends = ends(&event.event.body, event.event.user_id);
        (at, Self { frame: ServerFrame::from(event).into(), ends })
    }
}

fn ends(body: &EventBody, actor: UserId) -> Option<Ends> {
    if let Some(reason) = body.deletion() {
        return Some(Ends::Room(reason.into()));
    }
    match body {
        EventBody::Membership(change) => {
            let reason = change.departure()?;
            Some(Ends::User(change.subject(actor), Some(reason)))
        }
        EventBody::Message(_) | EventBody::MessageChange(_) | EventBody::Room(_) | EventBody::Unknown(_) => None,
    }
}
