//! Histories tell the names that users have now; live frames tell those of then.

use std::collections::{HashMap, HashSet};

use rookery_protocol::event::{EventBody, SequencedEvent};
use rookery_protocol::id::UserId;
use rookery_store::{StoreError, Stores};

/// Gives the events the names that their users have now, by one query. Users without an account keep what the event says.
pub(crate) async fn make_current(stores: &Stores, events: &mut [SequencedEvent]) -> Result<(), StoreError> {
    let users: HashSet<UserId> = events.iter().flat_map(|event| named(event).into_iter().flatten()).collect();
    if users.is_empty() {
        return Ok(());
    }
    let users: Vec<UserId> = users.into_iter().collect();
    let accounts = stores.users.by_ids(&users).await?;
    let names: HashMap<UserId, String> =
        accounts.into_iter().map(|user| (user.id, user.username.as_str().to_owned())).collect();
    for event in events {
        rename(event, &names);
    }
    Ok(())
}

/// Who is named in the event: its user, and the member that it was done to.
fn named(event: &SequencedEvent) -> [Option<UserId>; 2] {
    let member = match &event.event.body {
        EventBody::Membership(change) => change.member().map(|member| member.user_id),
        EventBody::Message(_) | EventBody::MessageChange(_) | EventBody::Room(_) | EventBody::Unknown(_) => None,
    };
    [Some(event.event.user_id), member]
}

fn rename(event: &mut SequencedEvent, names: &HashMap<UserId, String>) {
    if let Some(name) = names.get(&event.event.user_id) {
        event.event.username.clone_from(name);
    }
    if let EventBody::Membership(change) = &mut event.event.body
        && let Some(member) = change.member_mut()
        && let Some(name) = names.get(&member.user_id)
    {
        member.username.clone_from(name);
    }
}
