//! Who causes a change.

use rookery_protocol::event::{Event, EventBody, MembershipChange};
use rookery_protocol::id::UserId;

/// Who causes a change, with its event.
#[derive(Clone, Copy, Debug)]
pub enum Cause<'a> {
    /// The event's user, whose rank counts at the moment of the change: [`crate::StoreError::Outranked`] if it is too low.
    User(&'a Event),
    /// The server by itself.
    Server(&'a Event),
}

impl Cause<'_> {
    /// The event.
    pub const fn event(&self) -> &Event {
        match self {
            Self::User(event) | Self::Server(event) => event,
        }
    }

    /// Whether the rank of the event's user counts.
    pub const fn is_ranked(&self) -> bool {
        matches!(self, Self::User(_))
    }
}

/// The event of a transfer names who owned the room before.
#[must_use]
pub fn with_previous_owner(event: Event, owner: Option<UserId>) -> Event {
    match event.body {
        EventBody::Membership(MembershipChange::OwnerChanged { member, previous: _ }) => {
            let body = EventBody::Membership(MembershipChange::OwnerChanged { member, previous: owner });
            Event { body, ..event }
        }
        EventBody::Message(_)
        | EventBody::MessageChange(_)
        | EventBody::Membership(_)
        | EventBody::Room(_)
        | EventBody::Unknown(_) => event,
    }
}
