//! What answers the messages that are shown.

use std::collections::HashMap;

use rookery_protocol::event::SequencedEvent;
use rookery_protocol::id::{MessageId, RoomId, UserId};
use rookery_protocol::server::{Replies as Shown, UserBrief};
use rookery_store::Stores;
use rookery_store::erasure::DELETED_USER;
use rookery_store::message::is_message_of;
use rookery_store::thread::Replies;

use crate::error::ApiError;

/// What answers the messages among these events, as far as it is stored, under the names that its authors have now.
pub(crate) async fn of(stores: &Stores, events: &[SequencedEvent]) -> Result<HashMap<MessageId, Shown>, ApiError> {
    let said = events.iter().filter(|event| is_message_of(event, event.room));
    let places: Vec<(RoomId, MessageId)> = said.map(|event| (event.room, event.event.id)).collect();
    let counted = stores.threads.replies(&places).await?;
    if counted.is_empty() {
        return Ok(HashMap::new());
    }
    let names = names(stores, counted.values()).await?;
    Ok(counted.into_iter().map(|(id, replies)| (id, shown(replies, &names))).collect())
}

async fn names(stores: &Stores, counted: impl Iterator<Item = &Replies>) -> Result<HashMap<UserId, String>, ApiError> {
    let mut ids: Vec<UserId> = counted.flat_map(|replies| replies.users.iter().copied()).collect();
    ids.sort_unstable();
    ids.dedup();
    let users = stores.users.by_ids(&ids).await?;
    Ok(users.into_iter().map(|user| (user.id, user.username.as_str().to_owned())).collect())
}

fn shown(replies: Replies, names: &HashMap<UserId, String>) -> Shown {
    let Replies { count, last_at, users } = replies;
    // Whoever has no account any more was erased.
    let name = |user: &UserId| names.get(user).cloned().unwrap_or_else(|| DELETED_USER.to_owned());
    let users = users.into_iter().map(|user| UserBrief { username: name(&user), user_id: user }).collect();
    Shown { count, last_at, users }
}
