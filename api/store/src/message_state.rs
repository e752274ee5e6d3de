//! What the acts of people have made of a message: its newest text, its reactions, or nothing at all.
//!
//! Acts may be applied repeatedly and in any order: places decide which one is newer, and a deletion is for ever.

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
    /// The text.
    pub content: String,
    /// When.
    pub at: UnixMillis,
}

impl MessageState {
    /// Takes in an act on this message.
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
        }
    }

    fn edit(&mut self, version: Version) {
        if !self.deleted && self.edit.as_ref().is_none_or(|known| known.place < version.place) {
            self.edit = Some(version);
        }
    }

    /// The reactions that are shown.
    pub fn shown_reactions(&self) -> Vec<Reaction> {
        if self.deleted { Vec::new() } else { self.reactions.shown() }
    }

    /// The message as it is now.
    pub fn show(&self, message: &mut Message) {
        message.reactions = self.shown_reactions();
        message.deleted = self.deleted;
        if self.deleted {
            message.content.clear();
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

    fn act(seq: u64, user: UserId, kind: ChangeKind) -> SequencedEvent {
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
        let mut acts = vec![
            act(2, user, ChangeKind::Edit("two".into())),
            act(3, user, ChangeKind::React(emoji(0))),
            act(4, user, ChangeKind::Unreact(emoji(0))),
            act(5, user, ChangeKind::React(emoji(1))),
            act(6, user, ChangeKind::Edit("six".into())),
        ];
        let forwards = state(&acts);
        assert_eq!(forwards.edit.as_ref().map(|edit| edit.content.as_str()), Some("six"));
        assert_eq!(forwards.shown_reactions().len(), 1);
        acts.reverse();
        acts.extend_from_within(1..4);
        let backwards = state(&acts);
        assert_eq!(backwards.edit, forwards.edit);
        assert_eq!(backwards.shown_reactions(), forwards.shown_reactions());
        acts.insert(2, act(7, user, ChangeKind::Delete));
        let gone = state(&acts);
        assert!(gone.deleted && gone.edit.is_none() && gone.shown_reactions().is_empty());
    }

    #[test]
    fn the_first_reactions_are_shown_when_too_many_came_at_once() {
        let user = UserId::generate();
        let acts: Vec<_> = (0..30).map(|n| act(30 - u64::from(n), user, ChangeKind::React(emoji(n)))).collect();
        let shown = state(&acts).shown_reactions();
        assert_eq!(shown.len(), REACTIONS_PER_MESSAGE_MAX);
        assert_eq!(shown[0].emoji, emoji(29));
    }
}
