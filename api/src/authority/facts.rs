//! What is to be known of a message before something is done to it.

use rookery_bus::authority::{AuthorityError, ChangeFacts, Look, MessageFacts, PendingChange};
use rookery_protocol::error_code::ErrorCode;
use rookery_protocol::event::{EventBody, MessageChanged, SequencedEvent};
use rookery_protocol::id::MessageId;
use rookery_protocol::position::StoredPosition;
use rookery_store::message::target_of;

use super::{LocalAuthorityParts, store_error};
use crate::history::{self, MessageLookup};

/// Answers a gateway, or this process itself.
pub(super) async fn of_message(parts: &LocalAuthorityParts, look: Look) -> Result<MessageFacts, AuthorityError> {
    let Look { room, message, before } = look;
    let users: Vec<_> = before.iter().map(|before| before.user).collect();
    let found = history::find_message(&parts.stores, &*parts.bus, (room, message), &users).await;
    let found = found
        .map_err(|error| AuthorityError::Unavailable(error.to_string()))?
        .ok_or(AuthorityError::Refused(ErrorCode::UnknownMessage))?;
    let now = match before {
        // After the tail was read: an event that is stored meanwhile is then seen twice, not never.
        Some(before) => {
            let done = parts.stores.messages.place(room, before.event).await.map_err(store_error)?;
            Some(change_facts(&found, message, before, done))
        }
        None => None,
    };
    let emojis = found.state.visible_reactions().into_iter().map(|reaction| reaction.emoji).collect();
    Ok(MessageFacts { author: found.said.event.user_id, deleted: found.state.deleted, emojis, now })
}

fn change_facts(
    found: &MessageLookup,
    message: MessageId,
    before: PendingChange,
    done: Option<StoredPosition>,
) -> ChangeFacts {
    let MessageLookup { said, state, unstored, is_stored } = found;
    let content = match (&state.edit, &said.event.body) {
        (Some(edit), _) => edit.content.clone(),
        (None, EventBody::Message(message)) => message.content.clone(),
        // What was looked for is a message.
        (None, _) => String::new(),
    };
    let concerns = |event: &SequencedEvent| {
        let is_deletion = matches!(event.event.body, EventBody::MessageChange(MessageChanged::Deleted { .. }));
        target_of(&event.event.body) == Some(message) && (is_deletion || event.event.user_id == before.user)
    };
    ChangeFacts {
        place: StoredPosition::from(said),
        content,
        own: state.reactions.of(before.user),
        done,
        under_way: unstored.iter().any(|event| event.event.id == before.event),
        unstored: !is_stored || unstored.iter().any(concerns),
    }
}
