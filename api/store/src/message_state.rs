//! The state of a message after all changes: its newest text, its reactions, or its deletion.
//!
//! Message changes may be applied repeatedly and in any order: places decide which one is newer, and a deletion is for ever.

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::emoji::Emoji;
use rookery_protocol::event::{EventBody, MessageChanged, SequencedEvent};
use rookery_protocol::server::{Message, Reaction};

pub use crate::reactions::{Reacted, Reactions};
use rookery_protocol::position::Position;

/// The state of one message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageState {
    /// The newest edit.
    pub edit: Option<Version>,
    /// Whether it is gone; then nothing else is known of it.
    pub deleted: bool,
    /// Who reacted how.
    pub reactions: Reactions,
}

/// One text of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// The place of the edit.
    pub place: Position,
    /// Text of the message.
    pub content: String,
    /// Time of the edit.
    pub at: UnixMillis,
}

impl MessageState {
    /// Applies a change of this message.
    pub fn apply(&mut self, event: &SequencedEvent) {
        let (place, at) = (event.position(), event.timestamp);
        let EventBody::MessageChange(change) = &event.event.body else { return };
        let reacted =
            |emoji: &Emoji, active| Reacted { user: event.event.user_id, emoji: emoji.clone(), place, active };
        match change {
            MessageChanged::Edited { content, .. } => self.edit(Version { place, content: content.clone(), at }),
            MessageChanged::Deleted { .. } => *self = Self { deleted: true, ..Self::default() },
            MessageChanged::ReactionAdded { emoji, .. } => self.reactions.apply(&reacted(emoji, true)),
            MessageChanged::ReactionRemoved { emoji, .. } => self.reactions.apply(&reacted(emoji, false)),
            MessageChanged::Pinned { .. } | MessageChanged::Unpinned { .. } => {}
        }
    }

    fn edit(&mut self, version: Version) {
        if !self.deleted && self.edit.as_ref().is_none_or(|known| known.place < version.place) {
            self.edit = Some(version);
        }
    }

    /// The visible reactions.
    pub fn visible_reactions(&self) -> Vec<Reaction> {
        if self.deleted { Vec::new() } else { self.reactions.visible() }
    }

    /// The message as it is now.
    pub fn show(&self, message: &mut Message) {
        message.reactions = self.visible_reactions();
        message.deleted = self.deleted;
        if self.deleted {
            message.content.clear();
            message.attachments.clear();
        } else if let Some(Version { content, at, .. }) = &self.edit {
            message.content.clone_from(content);
            message.edited_at = Some(*at);
        }
    }
}

#[cfg(test)]
mod tests {
    use rookery_protocol::id::MessageId;

    use super::*;
    use rookery_protocol::event::{Event, Sender};
    use rookery_protocol::id::{ClientId, Epoch, RoomId, Seq, UserId};
    use rookery_protocol::limits::REACTIONS_PER_MESSAGE_MAX;
    use rookery_protocol::message_change::{ChangeKind, MessageChange};
    use uuid::Uuid;

    fn change(seq: u64, user: UserId, kind: ChangeKind) -> SequencedEvent {
        let room = RoomId::from_uuid(Uuid::nil());
        let message_id = MessageId::from_uuid(Uuid::nil());
        let sender = Sender { user_id: user, username: "ada".to_owned() };
        let event = Event::message_change(room, sender, &ClientId::generate(), MessageChange { message_id, kind });
        let timestamp = UnixMillis(i64::try_from(seq).unwrap());
        SequencedEvent { room, epoch: Epoch(1), seq: Seq::new(seq), timestamp, event }
    }

    fn emoji(n: u32) -> Emoji {
        Emoji::try_from(char::from_u32(0x1F600 + n).unwrap().to_string()).unwrap()
    }

    fn state(events: &[SequencedEvent]) -> MessageState {
        let mut state = MessageState::default();
        for event in events {
            state.apply(event);
        }
        state
    }

    #[test]
    fn any_order_and_any_repeat_end_alike() {
        let user = UserId::generate();
        let mut changes = vec![
            change(2, user, ChangeKind::Edit("two".into())),
            change(3, user, ChangeKind::React(emoji(0))),
            change(4, user, ChangeKind::Unreact(emoji(0))),
            change(5, user, ChangeKind::React(emoji(1))),
            change(6, user, ChangeKind::Edit("six".into())),
        ];
        let forwards = state(&changes);
        assert_eq!(forwards.edit.as_ref().map(|edit| edit.content.as_str()), Some("six"));
        assert_eq!(forwards.visible_reactions().len(), 1);
        changes.reverse();
        changes.extend_from_within(1..4);
        let backwards = state(&changes);
        assert_eq!(backwards.edit, forwards.edit);
        assert_eq!(backwards.visible_reactions(), forwards.visible_reactions());
        changes.insert(2, change(7, user, ChangeKind::Delete));
        let gone = state(&changes);
        assert!(gone.deleted && gone.edit.is_none() && gone.visible_reactions().is_empty());
    }

    #[test]
    fn the_first_reactions_are_shown_when_too_many_came_at_once() {
        let user = UserId::generate();
        let changes: Vec<_> = (0..30).map(|n| change(30 - u64::from(n), user, ChangeKind::React(emoji(n)))).collect();
        let visible = state(&changes).visible_reactions();
        assert_eq!(visible.len(), REACTIONS_PER_MESSAGE_MAX);
        assert_eq!(visible[0].emoji, emoji(29));
    }
}
