//! Threads: what answers a message.
//!
//! How many answers a message has is counted anew whenever one comes or goes, so nothing can make the count drift.

use std::collections::HashMap;

use async_trait::async_trait;
use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::{EventBody, MessageChanged, SequencedEvent};
use rookery_protocol::id::{MessageId, RoomId, UserId};
use rookery_protocol::limits::REPLIERS_SHOWN_MAX;
use rookery_protocol::position::Position;

use crate::StoreError;

/// What answers a message and is not deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replies {
    /// How many; [`crate::limits::REPLIES_COUNTED_MAX`] stands for as many or more.
    pub count: u64,
    /// When the newest was said.
    pub last_at: Option<UnixMillis>,
    /// Who answered last, each once, at most [`REPLIERS_SHOWN_MAX`].
    pub users: Vec<UserId>,
}

impl Replies {
    /// So many, of which these are the newest, the newest first.
    pub fn of(count: usize, newest: impl IntoIterator<Item = (UserId, UnixMillis)>) -> Self {
        let mut replies = Self { count: u64::try_from(count).unwrap_or(u64::MAX), ..Self::default() };
        for (user, at) in newest {
            replies.last_at = replies.last_at.or(Some(at));
            if replies.users.len() < REPLIERS_SHOWN_MAX && !replies.users.contains(&user) {
                replies.users.push(user);
            }
        }
        replies
    }
}

/// The message that the event answers.
pub const fn answered_by(event: &SequencedEvent) -> Option<MessageId> {
    match &event.event.body {
        EventBody::Message(message) => message.reply_to,
        EventBody::MessageChange(_) | EventBody::Membership(_) | EventBody::Room(_) | EventBody::Unknown(_) => None,
    }
}

/// The message that the event deletes, which may have answered another one.
pub const fn deleted_by(event: &SequencedEvent) -> Option<MessageId> {
    match &event.event.body {
        EventBody::MessageChange(MessageChanged::Deleted { message_id }) => Some(*message_id),
        EventBody::MessageChange(_)
        | EventBody::Message(_)
        | EventBody::Membership(_)
        | EventBody::Room(_)
        | EventBody::Unknown(_) => None,
    }
}

/// Answers of messages, which come and go with the events of [`crate::Messages::apply`].
#[async_trait]
pub trait Threads: Send + Sync {
    /// What answers these messages in their rooms; those that nothing answers are left out.
    async fn replies(&self, messages: &[(RoomId, MessageId)]) -> Result<HashMap<MessageId, Replies>, StoreError>;
    /// The messages of the room that answer this one and are not deleted, in the order of the history, after that place, at
    /// most `limit`.
    async fn page(
        &self,
        room: RoomId,
        message: MessageId,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<SequencedEvent>, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_answered_last_comes_first_and_once() {
        let users: Vec<UserId> = (0..7).map(|_| UserId::generate()).collect();
        let newest = [0, 1, 0, 2, 3, 4, 5, 6].map(|n: usize| (users[n], UnixMillis(100 - i64::try_from(n).unwrap())));
        let replies = Replies::of(8, newest);
        assert_eq!((replies.count, replies.last_at), (8, Some(UnixMillis(100))));
        assert_eq!(replies.users, users[..REPLIERS_SHOWN_MAX]);
        assert_eq!(Replies::of(0, []), Replies::default());
    }
}
