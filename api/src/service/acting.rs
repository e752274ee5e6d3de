//! Doing something to a message over REST: a look at the message, then the same steps as for sending.

use rookery_shared::access::{MessageAction, MessageStanding, decide_on_message};
use rookery_shared::act::{Act, ActKind};
use rookery_shared::authority::{Authority, MessageFacts, Permission};
use rookery_shared::event::{Event, EventBody, Sender, SequencedEvent};
use rookery_shared::id::{ClientId, MessageId, RoomId, RoomRef, UserId};
use rookery_shared::limits::EDITS_SHOWN_MAX;
use rookery_shared::protocol::error_code::ErrorCode;

use crate::app::App;
use crate::domain::message::place_of;
use crate::domain::message_state::Version;
use crate::error::ApiError;
use crate::service::history::{self, Looked};
use crate::service::sending::{RIGHTS_ATTEMPTS, Sent, may_send, place, settle, unsettled};

/// Something to be done to a message.
pub struct Deed {
    /// Who does it.
    pub sender: Sender,
    /// The sender's name for it.
    pub client_id: ClientId,
    /// What is done.
    pub act: Act,
}

/// Does it. None if there is nothing left to do: the message is deleted already.
pub async fn act(app: &App, room: &RoomRef, deed: Deed) -> Result<Option<Sent>, ApiError> {
    let Deed { sender, client_id, act } = deed;
    for _ in 0..RIGHTS_ATTEMPTS {
        let permission = may_send(app, sender.user_id, room).await?;
        let room = permission.room;
        let facts = app.authority.message(room, act.message_id).await?;
        if is_done(&permission, &facts, sender.user_id, &act) {
            return Ok(None);
        }
        facts.check(&permission, sender.user_id, &act).map_err(ApiError::refused)?;
        let event = Event::act(room, sender.clone(), &client_id, act.clone());
        if let Some(appended) = place(app, &permission, event, &client_id).await? {
            return settle(app, room, appended).await.map(Some);
        }
    }
    Err(unsettled())
}

/// Whether somebody who might delete the message finds it deleted.
fn is_done(permission: &Permission, facts: &MessageFacts, user: UserId, act: &Act) -> bool {
    let standing = MessageStanding { role: permission.role, own: facts.author == user, deleted: false };
    act.kind == ActKind::Delete && facts.deleted && decide_on_message(standing, MessageAction::Delete).is_ok()
}

/// All texts of a message, oldest first, beginning with what was said first. A deleted message has none.
pub async fn versions(app: &App, room: RoomId, id: MessageId) -> Result<Vec<Version>, ApiError> {
    let looked = history::look(&app.stores, &*app.bus, room, id)
        .await?
        .filter(|looked| !looked.state.deleted);
    let Looked { said, edits: unstored, .. } = looked.ok_or_else(|| ApiError::refused(ErrorCode::UnknownMessage))?;
    let mut edits = app.stores.messages.edits(id, EDITS_SHOWN_MAX).await?;
    edits.extend(unstored);
    edits.sort_by_key(place_of);
    edits.dedup_by_key(|event| event.event.id);
    Ok(std::iter::once(said).chain(edits).filter_map(version).collect())
}

fn version(event: SequencedEvent) -> Option<Version> {
    let (place, at) = (place_of(&event), event.timestamp);
    match event.event.body {
        EventBody::Message { content, .. } | EventBody::MessageEdited { content, .. } => {
            Some(Version { place, content, at })
        }
        EventBody::MemberJoined {}
        | EventBody::MemberLeft {}
        | EventBody::MemberKicked { .. }
        | EventBody::MemberBanned { .. }
        | EventBody::MemberUnbanned { .. }
        | EventBody::MemberMuted { .. }
        | EventBody::MemberUnmuted { .. }
        | EventBody::MessageDeleted { .. }
        | EventBody::ReactionAdded { .. }
        | EventBody::ReactionRemoved { .. }
        | EventBody::RoomUpdated { .. } => None,
    }
}
