//! The messages of a page as they are now: what the store knows of them, and what the hot tail adds.

use std::collections::{HashMap, HashSet};

use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::{MessageId, UserId};
use rookery_protocol::server::EventFrame;
use rookery_store::Stores;
use rookery_store::message::{edit_of, is_message_of, target_of};
use rookery_store::message_state::MessageState;

use crate::error::ApiError;

/// The changes of messages among some events.
pub(super) fn message_changes(events: &[SequencedEvent]) -> Vec<SequencedEvent> {
    events.iter().filter(|event| target_of(&event.event.body).is_some()).cloned().collect()
}

/// The states of the messages that the events are, or are edits of.
pub(super) async fn of(
    stores: &Stores,
    events: &[SequencedEvent],
    unstored: &[SequencedEvent],
) -> Result<HashMap<MessageId, MessageState>, ApiError> {
    let ids: HashSet<MessageId> = events.iter().filter_map(message_in).collect();
    let ids: Vec<MessageId> = ids.into_iter().collect();
    // What the store has of those who did something since, so that nothing of theirs counts twice.
    let users: HashSet<UserId> = unstored.iter().map(|change| change.event.user_id).collect();
    let users: Vec<UserId> = users.into_iter().collect();
    let mut states = stores.messages.states(&ids, &users).await?;
    for change in unstored {
        if let Some(target) = target_of(&change.event.body) {
            states.entry(target).or_default().apply(change);
        }
    }
    Ok(states)
}

fn message_in(event: &SequencedEvent) -> Option<MessageId> {
    if is_message_of(event, event.room) {
        Some(event.event.id)
    } else {
        edit_of(&event.event.body)
    }
}

/// The event as clients get it. An edit of a deleted message has no text any more.
pub(super) fn show(event: SequencedEvent, states: &HashMap<MessageId, MessageState>) -> EventFrame {
    let about = message_in(&event).and_then(|id| states.get(&id));
    let mut frame = EventFrame::from(event);
    let Some(state) = about else { return frame };
    if let EventFrame::NewMessage { message, .. } = &mut frame {
        state.show(message);
    } else if let EventFrame::MessageEdited { content, .. } = &mut frame
        && state.deleted
    {
        content.clear();
    }
    frame
}
