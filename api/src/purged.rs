//! What purges hide wherever texts are read, until it is erased.

use std::collections::HashMap;

use rookery_protocol::clock::UnixMillis;
use rookery_protocol::event::{EventBody, MessageChanged, SequencedEvent};
use rookery_protocol::id::{MessageId, RoomId};
use rookery_store::message_state::MessageState;
use rookery_store::purge::hide;
use rookery_store::{StoreError, Stores};

/// Those of these messages that a purge removes are as if they were deleted.
pub(crate) async fn hide_purged(
    stores: &Stores,
    events: &[SequencedEvent],
    states: &mut HashMap<MessageId, MessageState>,
) -> Result<(), StoreError> {
    let mut rooms: Vec<RoomId> = events.iter().map(|event| event.room).collect();
    rooms.sort_unstable();
    rooms.dedup();
    if rooms.is_empty() {
        return Ok(());
    }
    let purges = stores.purges.hiding(&rooms, UnixMillis::now()).await?;
    hide(&purges, events, states);
    Ok(())
}

/// The texts of these events that a purge removes are gone.
pub(crate) async fn clear_purged(stores: &Stores, events: &mut [SequencedEvent]) -> Result<(), StoreError> {
    let mut states = HashMap::new();
    hide_purged(stores, events, &mut states).await?;
    for event in events {
        let id = event.event.id;
        match &mut event.event.body {
            EventBody::Message(message) if states.contains_key(&id) => {
                message.content.clear();
                message.attachments.clear();
            }
            EventBody::MessageChange(MessageChanged::Edited { message_id, content, .. })
                if states.contains_key(message_id) =>
            {
                content.clear();
            }
            EventBody::Message(_)
            | EventBody::MessageChange(_)
            | EventBody::Membership(_)
            | EventBody::Room(_)
            | EventBody::Unknown(_) => {}
        }
    }
    Ok(())
}
