//! Messages of others that are deleted by those who keep order, as the audit log has them.

use std::sync::Arc;

use rookery_protocol::event::{EventBody, MessageChanged, SequencedEvent};
use rookery_protocol::id::{MessageId, UserId};
use rookery_store::audit::AuditEntry;
use rookery_store::{Audit, Messages, StoreError, Stores};
use serde_json::json;
use uuid::Builder;

use crate::admin::act::Act;

/// Notes what is stored, before the bus may forget it. Cheap to clone.
#[derive(Clone)]
pub struct DeletionLog {
    messages: Arc<dyn Messages>,
    audit: Arc<dyn Audit>,
}

impl DeletionLog {
    /// Of these stores.
    pub fn new(stores: &Stores) -> Self {
        Self { messages: Arc::clone(&stores.messages), audit: Arc::clone(&stores.audit) }
    }

    /// Notes those of these stored deletions whose message is somebody else's. What is noted again stands there once.
    ///
    /// # Errors
    /// The store did not answer; some may have been noted.
    pub async fn note(&self, deletions: Vec<(SequencedEvent, MessageId)>) -> Result<(), StoreError> {
        for (event, message_id) in deletions {
            let Some(message) = self.messages.message(event.room, message_id).await? else { continue };
            let (author, by) = (message.event.user_id, event.event.user_id);
            if author != by {
                self.audit.add(&entry(&event, message_id, author)).await?;
            }
        }
        Ok(())
    }
}

/// Those of these events that delete a message, and which.
pub fn deletions<'a>(events: impl IntoIterator<Item = &'a SequencedEvent>) -> Vec<(SequencedEvent, MessageId)> {
    let deletion = |event: &SequencedEvent| {
        let EventBody::MessageChange(MessageChanged::Deleted { message_id }) = event.event.body else {
            return None;
        };
        Some((event.clone(), message_id))
    };
    events.into_iter().filter_map(deletion).collect()
}

/// The entry of a deletion. Its id comes from the event, so that noting it again changes nothing.
fn entry(event: &SequencedEvent, message: MessageId, author: UserId) -> AuditEntry {
    let at = event.timestamp;
    let mut tail = [0; 10];
    tail.copy_from_slice(&event.event.id.as_uuid().as_bytes()[6..]);
    let id = Builder::from_unix_timestamp_millis(u64::try_from(at.0).unwrap_or(0), &tail).into_uuid();
    let act = Act {
        action: "message_deleted",
        user: Some(author),
        detail: Some(json!({ "message_id": message })),
    };
    AuditEntry { id, ..act.entry_in(event.room, event.event.user_id, at) }
}
